import type { ExampleChange, RunResult, RunView } from "../backend/generated/wire";

/**
 * How a run ended, for the first words of the result. `unchecked`: there was
 * nothing to check on, only the examples that the choice was made with.
 */
export type Ending = "better" | "no_clear_difference" | "worse" | "no_improvement" | "unchecked" | "none";

export function endingOf(view: RunView, start: string, best: string): Ending {
  const { outcome } = view;
  if (!outcome) return "none";
  if (start === best) return "no_improvement";
  return outcome.validation ? outcome.validation.verdict : "unchecked";
}

export type ChangeKind = "better" | "worse" | "same";
export type ExampleRow = ExampleChange & {
  /** Best minus start, nats; negative is better. */
  change: number;
  kind: ChangeKind;
  /** What a search looks in. */
  find: string;
};

/** Differences below this are rounding, not change. */
const SAME = 0.0005;

export function exampleRows(result: RunResult): ExampleRow[] {
  return result.rows.map((row) => {
    const change = row.best_loss - row.start_loss;
    const flipped = row.start_correct !== row.best_correct;
    const kind = Math.abs(change) < SAME && !flipped ? "same" : change < 0 ? "better" : "worse";
    return { ...row, change, kind, find: `${row.input}\n${row.target}`.toLocaleLowerCase() };
  });
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
