import type { Change, RunSummary, SplitWarning } from "../backend/generated/wire";
import { format, t } from "../text";
import { countOf, examplesOf, rightOf } from "./right";

/** A share as a count, "35 of 40", or in percent where it is not known of how many. */
export function shareWords(share: number, of: number | null): string {
  return of === null ? format.percent(share) : t.answers.of(format.count(countOf(share, of)), format.count(of));
}

/** Both ends of a change. */
export function changeWords(change: Pick<Change, "before" | "after">, of: number | null): [string, string] {
  return [shareWords(change.before, of), shareWords(change.after, of)];
}

/** "right answers 0 of 40 → 35 of 40"; null where right answers are not known. */
export function rightWords(run: RunSummary): string | null {
  const change = rightOf(run);
  if (!change) return null;
  return (run.asked ? t.answers.way : t.answers.chosenWay)(...changeWords(change, examplesOf(change, run.held_out)));
}

/** What is wrong with how examples were shared out. */
export function splitWords(warning: SplitWarning): string {
  const words = t.answers.split;
  switch (warning.kind) {
    case "label_missing":
      return words.missing[warning.part](warning.label);
    case "label_uneven":
      return words.uneven[warning.part](warning.label, format.count(warning.has), format.plain(warning.share, 1));
    case "few_held_out":
      return words.fewHeldOut(format.count(warning.rows), warning.rows === 1);
    case "few_training":
      return words.fewTraining(format.count(warning.rows), warning.rows === 1);
  }
}
