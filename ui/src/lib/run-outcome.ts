import type { Candidate, Change, ExampleChange, RunResult, RunView, Verdict } from "../backend/generated/wire";
import { choicesOf, soundVerdict } from "./right";

/**
 * How a run ended, for the first words of the result. `unchecked`: there was
 * nothing to check on, only the examples that the choice was made with.
 */
export type Ending = Verdict | "no_improvement" | "unchecked" | "none";

/** Of a run, and of its examples where they are at hand. */
type Ended = Pick<RunResult, "view" | "start" | "best"> & Partial<Pick<RunResult, "part" | "rows">>;

export function endingOf(result: Ended): Ending {
  const { outcome } = result.view;
  if (!outcome) return "none";
  if (result.start === result.best) return "no_improvement";
  const check = outcome.validation;
  return check ? soundVerdict(check.verdict, check.asked, forcedChoices(result)) : "unchecked";
}

/** How forced choices changed on held-out examples; of older runs from the examples themselves. */
function forcedChoices({ view, part, rows = [] }: Ended): Change | null {
  return view.outcome?.validation?.choices ?? (part === "validation" ? choicesOf(rows) : null);
}

/** Right answers at the start and with the best prompt, of one kind. */
export type RightFigure = {
  kind: "asked" | "choose" | "prefer";
  before: number;
  after: number;
  /** Whether chance alone would do as much; null where that is not known. */
  change: Change | null;
  /** How many examples the shares are of; null where they are told as shares. */
  of: number | null;
};

/** The figures that a person cares about, the first one first. */
export function rightFigures(result: RunResult): RightFigure[] {
  const check = result.view.outcome?.validation ?? null;
  if (!check) return trainFigures(result);
  const { asked, choices, choice, accuracy, examples: of } = check;
  const figures: RightFigure[] = [];
  if (asked) figures.push({ kind: "asked", before: asked.before, after: asked.after, change: asked, of });
  // Labels have options to choose among; pairs of a better and a worse answer have none.
  if (choices) figures.push({ kind: choice ? "choose" : "prefer", before: choices.before, after: choices.after, change: choices, of });
  else if (accuracy) figures.push({ kind: "choose", before: accuracy[0], after: accuracy[1], change: null, of: null });
  return figures;
}

/** Where nothing was held out: what the examples say that chose. */
function trainFigures({ view }: RunResult): RightFigure[] {
  const start = view.candidates.find((candidate) => candidate.origin.kind === "start");
  const { best, train: of } = view;
  if (!start || !best) return [];
  const figures: RightFigure[] = [];
  if (start.asked !== null && best.asked !== null) figures.push({ kind: "asked", before: start.asked, after: best.asked, change: null, of });
  if (start.accuracy !== null && best.accuracy !== null) {
    figures.push({ kind: choiceKind(view, best), before: start.accuracy, after: best.accuracy, change: null, of: null });
  }
  return figures;
}

/** Whether a forced choice is one among labels, or one between a better and a worse answer. */
export function choiceKind({ settings }: RunView, { choice }: Candidate): "choose" | "prefer" {
  // Earlier methods judged choices among labels only, and told nothing else of them.
  return settings.method < 2 || choice !== null ? "choose" : "prefer";
}

export type ChangeKind = "better" | "worse" | "same";
/** What became of a right answer, and whether the loss says the opposite. */
export type Turned = "surerButWrong" | "wrong" | "right" | "rightButUnsure";
export type ExampleRow = ExampleChange & {
  /** Best minus start, nats; negative is better. */
  change: number;
  kind: ChangeKind;
  /** Where it went from wrong to right or back. */
  turned: Turned | null;
  /** What a search looks in. */
  find: string;
};

/** Differences below this are rounding, not change. */
const SAME = 0.0005;

export function exampleRows(result: RunResult): ExampleRow[] {
  return result.rows.map((row) => {
    const change = row.best_loss - row.start_loss;
    const turned = turnedOf(row, change);
    const byLoss = Math.abs(change) < SAME ? "same" : change < 0 ? "better" : "worse";
    const kind = turned === null ? byLoss : turned === "right" || turned === "rightButUnsure" ? "better" : "worse";
    return { ...row, change, kind, turned, find: `${row.input}\n${row.target}`.toLocaleLowerCase() };
  });
}

/** Right answers count before the loss: what the model says by itself first, then what it picks. */
function turnedOf(row: ExampleChange, change: number): Turned | null {
  const pairs: Array<[boolean | null, boolean | null]> = [[row.start_asked, row.best_asked], [row.start_correct, row.best_correct]];
  for (const [before, after] of pairs) {
    if (before === null || after === null || before === after) continue;
    if (after) return change >= SAME ? "rightButUnsure" : "right";
    return change <= -SAME ? "surerButWrong" : "wrong";
  }
  return null;
}

export type SortKey = "row" | "start_loss" | "best_loss" | "change";
export type Sorting = { key: SortKey; down: boolean };
export type RowFilter = { search: string; differentOnly: boolean };

/** The rows to show, in their order; equal ones stay in the file's order. */
export function chosenRows(rows: ExampleRow[], filter: RowFilter, sorting: Sorting): ExampleRow[] {
  const wanted = filter.search.trim().toLocaleLowerCase();
  const kept = rows.filter(
    (row) =>
      (!filter.differentOnly || row.kind !== "same") &&
      (wanted === "" || row.find.includes(wanted)),
  );
  const sign = sorting.down ? -1 : 1;
  return kept.sort((a, b) => sign * (a[sorting.key] - b[sorting.key]) || a.row - b.row);
}

export function countKinds(rows: ExampleRow[]): Record<ChangeKind, number> {
  const counts = { better: 0, worse: 0, same: 0 };
  for (const row of rows) counts[row.kind] += 1;
  return counts;
}
