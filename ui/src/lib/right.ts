import type { Change, ExampleChange, RunSummary, Verdict } from "../backend/generated/wire";

/** What chance alone would do so rarely counts as clear; the same bound as the program's. */
const CLEAR = 0.05;

/** What became of the right answers. */
export type Clearness = "more" | "same" | "fewer";

export function clearness({ before, after, gained, lost, p }: Change): Clearness {
  if (p >= CLEAR || gained === lost) return "same";
  if (lost > gained) return "fewer";
  return after > before ? "more" : "same";
}

const isFewer = (change: Change | null): boolean => change !== null && clearness(change) === "fewer";

/** How many of `of` examples a share is. */
export function countOf(share: number, of: number): number {
  return Math.round(share * of);
}

/** Of how many examples right ones may be counted: null where these weigh differently, so that a share is no count. */
export function examplesOf({ before, after }: Change, examples: number | null): number | null {
  if (examples === null) return null;
  const isWhole = (value: number) => Math.abs(value - Math.round(value)) < 1e-6 * Math.max(1, examples);
  return isWhole(before * examples) && isWhole(after * examples) ? examples : null;
}

/** Two-sided probability of `few` heads or tails or fewer in `of` tosses of a coin. */
export function signTest(few: number, of: number): number {
  let logarithm = -of * Math.LN2;
  let sum = Math.exp(logarithm);
  for (let heads = 1; heads <= few; heads++) {
    logarithm += Math.log((of - heads + 1) / heads);
    sum += Math.exp(logarithm);
  }
  return Math.min(1, 2 * sum);
}

/** How answers changed, example by example, each counting the same. */
export function changeOf(before: boolean[], after: boolean[]): Change {
  const share = (right: boolean[]) => right.filter(Boolean).length / Math.max(1, right.length);
  const gained = after.filter((right, at) => right && !before[at]).length;
  const lost = after.filter((right, at) => !right && before[at]).length;
  return { before: share(before), after: share(after), gained, lost, p: signTest(Math.min(gained, lost), gained + lost) };
}

/** How forced choices changed, from single examples: older runs have no such figure. */
export function choicesOf(rows: ExampleChange[]): Change | null {
  if (rows.length === 0 || rows.some((row) => row.start_correct === null || row.best_correct === null)) return null;
  return changeOf(rows.map((row) => row.start_correct === true), rows.map((row) => row.best_correct === true));
}

/** A verdict that never says better where fewer answers are right, beyond chance. */
export function soundVerdict(verdict: Verdict, asked: Change | null, choices: Change | null): Verdict {
  return verdict === "better" && (isFewer(asked) || isFewer(choices)) ? "surer_but_less_right" : verdict;
}

/** The verdict of a run in a list. */
export function verdictOf(run: RunSummary): Verdict | null {
  return run.verdict && soundVerdict(run.verdict, run.asked, run.choices);
}

/** What a person cares about first: right when asked, else by choice. */
export function rightOf(run: Pick<RunSummary, "asked" | "choices">): Change | null {
  return run.asked ?? run.choices;
}
