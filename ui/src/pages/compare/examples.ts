import type { ComparedRow } from "../../backend/generated/wire";

export type Change = "better" | "worse" | "unchanged";
export type Line = ComparedRow & {
  /** Second minus first, nats; negative is better. */
  change: number;
  kind: Change;
  /** Whether "different only" keeps it. */
  different: boolean;
  /** What a search looks in. */
  find: string;
};

/** Differences below this are rounding, not change. */
const NOTHING = 0.0005;
/** Changes below this, in nats, are too small to be worth a look. */
export const SLIGHT = 0.05;

export const isJudged = (row: ComparedRow) => row.first_correct !== null && row.second_correct !== null;

export function linesOf(rows: ComparedRow[]): Line[] {
  return rows.map((row) => {
    const change = row.second - row.first;
    return {
      ...row, change,
      kind: Math.abs(change) < NOTHING ? "unchanged" : change < 0 ? "better" : "worse",
      different: isJudged(row) ? row.first_correct !== row.second_correct : Math.abs(change) >= SLIGHT,
      find: `${row.input}\n${row.target}`.toLocaleLowerCase(),
    };
  });
}

export type Which = "all" | "better" | "worse";
export type Order = "change" | "first" | "second" | "row";
export type Filter = { search: string; different: boolean; which: Which; order: Order };
export const EVERYTHING: Filter = { search: "", different: false, which: "all", order: "change" };

const orders: Record<Order, (a: Line, b: Line) => number> = {
  change: (a, b) => Math.abs(b.change) - Math.abs(a.change),
  first: (a, b) => b.first - a.first,
  second: (a, b) => b.second - a.second,
  row: () => 0,
};

/** The examples to list, in their order; equal ones stay in the file's order. */
export function chosen(lines: Line[], { search, different, which, order }: Filter): Line[] {
  const wanted = search.trim().toLocaleLowerCase();
  return lines
    .filter((line) => (!different || line.different) && (which === "all" || line.kind === which) && (wanted === "" || line.find.includes(wanted)))
    .sort((a, b) => orders[order](a, b) || a.row - b.row || a.example - b.example);
}

export function countOf(lines: Line[]): Record<Which, number> {
  const counts = { all: lines.length, better: 0, worse: 0 };
  for (const line of lines) if (line.kind !== "unchanged") counts[line.kind] += 1;
  return counts;
}
