import type { RunSummary } from "../../backend/generated/wire";
import { beginning } from "../../lib/prompt-document";
import { firstWords } from "../../lib/run-format";
import { format, t } from "../../text";
import { labelName, originOf } from "../project/versions/list";
import type { History } from "./history.svelte";
import type { Row } from "./tree";

export type Fold = Extract<Row, { kind: "fold" }>;

export function foldName({ of, versions }: Fold, runs: readonly RunSummary[]): string {
  const count = format.count(versions.length);
  const origin = versions[0]?.origin;
  if (of === "stretch") return t.keeping.tree.inARow(count);
  const run = origin?.kind === "run" ? runs.find((one) => one.id === origin.run) : undefined;
  return run ? t.keeping.tree.ofRun(count, run.name) : t.keeping.tree.ofAnyRun(count);
}

/** What a row says to a screen reader, in the order in which it is looked at. */
export function rowName(row: Row, history: History, marked: boolean): string {
  const { runs } = history.project;
  if (row.kind === "fold") {
    const ends = [row.versions.at(-1), row.versions[0]].map((version) => format.count(version?.number ?? 0)) as [string, string];
    return `${foldName(row, runs)}, ${t.keeping.tree.range(...ends)}`;
  }
  const { version } = row;
  const figure = history.figures.get(version.id);
  const facts = [
    t.project.version(format.count(version.number)), originOf(version, runs), ...version.labels.map(labelName), version.starred && t.keeping.tree.starred,
    marked && t.keeping.tree.marked, figure && t.keeping.tree.loss(format.loss(figure.loss)), format.date(version.created_at),
  ];
  const note = version.note ? ` ${t.versions.note}: ${firstWords(version.note, 80)}` : "";
  return `${facts.filter(Boolean).join(", ")}. ${firstWords(beginning(version.text), 120)}${note}`;
}
