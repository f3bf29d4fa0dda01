import type { Candidate, RunMessage, RunView, SegmentView, StepSummary } from "../backend/generated/wire";
import { parse } from "./prompt-document";

/**
 * The view after `messages`. Messages are taken in batches because a copy of
 * the candidates per message would be felt on long runs.
 */
export function applyMessages(view: RunView | null, messages: RunMessage[]): RunView | null {
  let next = view;
  let added: Candidate[] = [];

  const flush = () => {
    if (next && added.length > 0) next = { ...next, candidates: appended(next.candidates, added) };
    added = [];
  };

  for (const message of messages) {
    if (message.kind === "snapshot" || message.kind === "ended") {
      added = [];
      next = message.view;
      continue;
    }
    if (!next) continue;
    switch (message.kind) {
      case "candidate":
        added.push(message.candidate);
        break;
      case "phase":
        next = { ...next, phase: message.phase, run: begun(next.run) };
        break;
      case "segments":
        next = { ...next, segments: replaced(next.segments, message.segments, sameMeasurement) };
        break;
      case "step":
        next = {
          ...next,
          steps: replaced(next.steps, message.step, (a: StepSummary, b) => a.step === b.step),
          best: message.best,
          run: { ...next.run, best_loss: message.best.loss ?? next.run.best_loss },
        };
        break;
      case "progress":
        next = { ...next, progress: message.progress, run: begun(next.run) };
        break;
    }
  }
  flush();
  return next ? withStart(next) : next;
}

/** Work that is reported on has begun, whatever the snapshot said. */
function begun(run: RunView["run"]): RunView["run"] {
  return run.state === "queued" ? { ...run, state: "running" } : run;
}

/** The start is a candidate too; until the first step it is the best one. */
function withStart(view: RunView): RunView {
  if (view.best && view.run.start_loss !== null) return view;
  const start = view.candidates.find((candidate) => candidate.origin.kind === "start");
  if (!start || start.loss === null) return view;
  const run = view.run.start_loss === null ? { ...view.run, start_loss: start.loss } : view.run;
  return { ...view, run, best: view.best ?? start };
}

function sameMeasurement(a: SegmentView, b: SegmentView): boolean {
  return a.step === b.step && a.candidate === b.candidate;
}

function replaced<T>(list: T[], item: T, same: (a: T, b: T) => boolean): T[] {
  return [...list.filter((old) => !same(old, item)), item];
}

/** After a reconnection a candidate may be told twice. */
function appended(list: Candidate[], added: Candidate[]): Candidate[] {
  const last = list[list.length - 1]?.ordinal ?? -1;
  const fresh = added.filter((candidate) => candidate.ordinal > last);
  if (fresh.length === added.length) return [...list, ...added];
  const numbers = new Set(list.map((candidate) => candidate.ordinal));
  return [...list, ...added.filter((candidate) => !numbers.has(candidate.ordinal))];
}

/** Whether nothing more will happen to the run without the person. */
export function isOver(view: RunView): boolean {
  return ["completed", "cancelled", "failed"].includes(view.run.state);
}

/** Work that has stopped and can be taken up again. */
export function canResume(view: RunView): boolean {
  const { state, active } = view.run;
  return state === "paused" || state === "failed" || (!active && (state === "running" || state === "queued"));
}

/**
 * Share of the work that is done, 0 to 1, or null while it is not known. It
 * only reaches 1 once the run has come to its end: the estimate is corrected
 * on the way, and a full bar with work left would be a lie.
 */
export function shareDone(view: RunView): number | null {
  if (view.run.state === "completed") return 1;
  const { progress } = view;
  if (!progress) return null;
  const total = progress.tokens_done + progress.tokens_left;
  if (!(total > 0)) return null;
  return Math.min(progress.tokens_done / total, 0.99);
}

/** How much lower the loss has become since the start; negative is worse. */
export function gain(view: RunView): number | null {
  const { start_loss } = view.run;
  const best = view.best?.loss ?? view.run.best_loss;
  return start_loss === null || best === null ? null : start_loss - best;
}

/** The newest measurement of the parts. */
export function latestSegments(view: RunView): SegmentView | null {
  return view.segments[view.segments.length - 1] ?? null;
}

export type CandidateOrder = "newest" | "best" | "refused";

/** The prompts to list. Masks are measurements, not prompts to choose from. */
export function listed(candidates: Candidate[], order: CandidateOrder): Candidate[] {
  const list = candidates.filter(
    (candidate) => candidate.origin.kind !== "mask" && (order === "newest" || (candidate.refusal !== null) === (order === "refused")),
  );
  if (order !== "best") return list.reverse();
  // An estimate is no measurement: those dropped early come after all others.
  const late = (candidate: Candidate) => Number(candidate.dropped !== null);
  return list.sort((a, b) => late(a) - late(b) || (a.loss ?? Infinity) - (b.loss ?? Infinity) || a.ordinal - b.ordinal);
}

/**
 * How many examples a prompt shows, where that is worth a word: how it came about
 * may say so already.
 */
export function shownExamples({ origin, text }: Candidate): number {
  const count = parse(text).demonstrations.length;
  return origin.kind === "demonstrations" && origin.examples.length === count ? 0 : count;
}
