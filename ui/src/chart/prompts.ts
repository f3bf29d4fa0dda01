import type { Candidate, DroppedEarly, Origin, RunView } from "../backend/generated/wire";
import { spotOf, type Frame, type Spot } from "./scale";

/** A prompt as a mark of the chart; a held-out check is a mark of its own. */
export type PromptMark = {
  kind: "start" | "candidate" | "best" | "validation";
  ordinal: number;
  /** Its place across: its number. */
  x: number;
  /** Its loss in nats. */
  y: number;
  origin: Origin;
  text: string;
  /** Set where it was dropped early; then the loss is an estimate. */
  dropped: DroppedEarly | null;
};

/** The marks of a run, from left to right. */
export type Marks = { list: readonly PromptMark[]; anyDropped: boolean; checked: boolean };

/**
 * The marks of a run that goes on: what arrived is added, what is known stays. Its list is
 * one and the same, so that a new wrapper and not a new list says that there is more.
 */
export class PromptMarks {
  #list: PromptMark[] = [];
  #anyDropped = false;
  #candidates: Candidate[] = [];
  #steps: RunView["steps"] = [];
  #outcome: RunView["outcome"] = null;

  /** Marks made or changed so far: the work done. */
  made = 0;

  take(view: Pick<RunView, "candidates" | "steps" | "outcome">): Marks {
    const { candidates, steps, outcome } = view;
    const known = this.#candidates.length;
    const goesOn = known <= candidates.length && (known === 0 || candidates[known - 1] === this.#candidates[known - 1]);
    if (!goesOn || this.#outcome !== outcome) this.#reset();
    for (let at = this.#candidates.length; at < candidates.length; at++) this.#add(candidates[at] as Candidate);
    // A step is told after its prompts.
    if (steps !== this.#steps) for (const { incumbent } of steps) this.#best(incumbent);
    if (outcome !== this.#outcome) this.#check(outcome, candidates);
    [this.#candidates, this.#steps, this.#outcome] = [candidates, steps, outcome];
    return { list: this.#list, anyDropped: this.#anyDropped, checked: Boolean(outcome?.validation) };
  }

  #reset(): void {
    this.#list = [];
    this.#anyDropped = false;
    this.#candidates = [];
    this.#steps = [];
    this.#outcome = null;
  }

  #add({ ordinal, loss, origin, text, dropped }: Candidate): void {
    if (loss === null || !Number.isFinite(loss) || origin.kind === "mask") return;
    if (dropped) this.#anyDropped = true;
    this.#put({ kind: ordinal === 0 ? "start" : "candidate", ordinal, x: ordinal, y: loss, origin, text, dropped });
  }

  /** In a race a later prompt may come to its end before an earlier one. */
  #put(mark: PromptMark): void {
    let at = this.#list.length;
    while (at > 0 && (this.#list[at - 1] as PromptMark).x > mark.x) at -= 1;
    this.#list.splice(at, 0, mark);
    this.made += 1;
  }

  #best(ordinal: number): void {
    const at = placeOf(this.#list, ordinal);
    const mark = this.#list[at];
    // The start stays the start, even if nothing better was found.
    if (!mark || mark.ordinal !== ordinal || mark.kind !== "candidate") return;
    this.#list[at] = { ...mark, kind: "best" };
    this.made += 1;
  }

  #check(outcome: RunView["outcome"], candidates: Candidate[]): void {
    const check = outcome?.validation;
    if (!outcome || !check) return;
    const losses = new Map([[0, check.start_loss], [outcome.best, check.best_loss]]);
    for (const [ordinal, y] of losses) {
      const own = candidates.find((candidate) => candidate.ordinal === ordinal);
      if (own) this.#put({ kind: "validation", ordinal, x: ordinal, y, origin: own.origin, text: own.text, dropped: null });
    }
  }
}

/** The first place of a mark that does not stand left of `x`: a search by halves. */
export function placeOf(list: readonly PromptMark[], x: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as PromptMark).x < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First and last place of the marks in the shown range of x, the last one not among them. */
export function shownRange(frame: Frame, list: readonly PromptMark[]): [number, number] {
  let end = placeOf(list, frame.x.max);
  while (end < list.length && (list[end] as PromptMark).x <= frame.x.max) end += 1;
  return [placeOf(list, frame.x.min), end];
}

/**
 * The mark drawn nearest to a spot, as a place in the list, or null beyond `reach`. It
 * looks to both sides from the spot, no further than the nearest one found.
 */
export function nearest(frame: Frame, list: readonly PromptMark[], spot: Spot, reach = Infinity): number | null {
  const [first, end] = shownRange(frame, list);
  const { plot, x } = frame;
  const share = plot.width > 0 ? (spot.x - plot.left) / plot.width : 0.5;
  let right = Math.min(end, Math.max(first, placeOf(list, x.min + share * (x.max - x.min))));
  let left = right - 1;
  let found: number | null = null;
  let least = reach;
  const look = (at: number): boolean => {
    const drawn = spotOf(frame, list[at] as PromptMark);
    // Those further to this side are further away still.
    if (Math.abs(drawn.x - spot.x) > least) return false;
    const distance = Math.hypot(drawn.x - spot.x, drawn.y - spot.y);
    if (distance < least || (distance === least && found === null)) [found, least] = [at, distance];
    return true;
  };
  while (left >= first || right < end) {
    if (left >= first) left = look(left) ? left - 1 : first - 1;
    if (right < end) right = look(right) ? right + 1 : end;
  }
  return found;
}

/** Whether a prompt that was tried has a lower loss than the best that was taken by then. */
export function isBelowBest(list: readonly PromptMark[], tried: PromptMark): boolean {
  if (tried.kind !== "candidate") return false;
  for (let at = placeOf(list, tried.x); at >= 0; at--) {
    const mark = list[at];
    if (mark && mark.x <= tried.x && (mark.kind === "best" || mark.kind === "start")) return tried.y < mark.y;
  }
  return false;
}
