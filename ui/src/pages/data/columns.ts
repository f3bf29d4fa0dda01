import type { Head } from "./sheet.svelte";

export type Column = "select" | "row" | "input" | "targets" | "rejected" | "part" | "loss" | "weight";

/** Height of a row, and of the head. */
export const ROW = 48;
export const HEAD = 38;

const widths: Record<Column, string> = {
  select: "44px", row: "76px", input: "minmax(0, 3fr)", targets: "minmax(0, 2fr)", rejected: "minmax(0, 2fr)", part: "132px", loss: "96px", weight: "84px",
};

export function columnsOf(head: Head | null, weighted: boolean): Column[] {
  const all: Column[] = ["select", "row", "input", "targets", "rejected", "part", "loss", "weight"];
  return all.filter((column) => (column !== "rejected" || head?.preference) && (column !== "weight" || weighted));
}

/** The columns as a CSS grid. */
export function template(columns: Column[]): string {
  return columns.map((column) => widths[column]).join(" ");
}
