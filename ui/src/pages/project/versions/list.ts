import type { Project, RunSummary, VersionSummary } from "../../../backend/generated/wire";
import { t } from "../../../text";

/** The label that only using a version moves. */
export const IN_USE = "in use";

export const labelName = (label: string): string => (label === IN_USE ? t.project.inUse : label);

/** Where versions of a project are looked at: what that has, and takes when they change. */
export type Shelf = { readonly project: Project; takeLists(project: Project): void };

/** How a version came to be. */
export function originOf({ origin }: VersionSummary, runs: readonly RunSummary[]): string {
  if (origin.kind === "imported" && origin.file) return t.keeping.broughtFrom(origin.file);
  const run = origin.kind === "run" ? runs.find((one) => one.id === origin.run) : undefined;
  return run ? t.project.foundBy(run.name) : t.project.origins[origin.kind];
}

/** The version that was made of the prompt in the editor, when another one took its place. */
export function keptOf(before: readonly VersionSummary[], after: Project): VersionSummary | null {
  return after.versions.find((version) => version.text !== after.draft.prompt && !before.some((one) => one.id === version.id)) ?? null;
}

export type Only = "all" | "starred" | "used" | "written" | "imported" | "run";
export type Query = { search: string; only: Only; tag: string | null };
export const EVERYTHING: Query = { search: "", only: "all", tag: null };

export const narrowed = (query: Query): boolean => query.search.trim() !== "" || query.only !== "all" || query.tag !== null;

const even = (text: string) => text.normalize().toLowerCase();

/** What a search looks through. */
export function searchText(version: VersionSummary): string {
  const labels = version.labels.flatMap((label) => [label, labelName(label)]);
  return even([String(version.number), version.text, version.note, ...version.tags, ...labels].join("\n"));
}

function passes(version: VersionSummary, only: Only): boolean {
  switch (only) {
    case "all":
      return true;
    case "starred":
      return version.starred;
    case "used":
      return version.labels.includes(IN_USE);
    default:
      return version.origin.kind === only;
  }
}

/** The versions in which every word of the search occurs and that pass the filters. */
export function find(versions: VersionSummary[], query: Query, texts: ReadonlyMap<number, string>): VersionSummary[] {
  const words = even(query.search).split(/\s+/u).filter(Boolean);
  return versions.filter((version) =>
    passes(version, query.only) && (query.tag === null || version.tags.includes(query.tag))
    && words.every((word) => texts.get(version.id)?.includes(word)));
}

/** A line of the list. `folds` stands for the older versions of the same run. */
export type Line = { version: VersionSummary; inner: boolean; folds: { key: number; count: number; open: boolean } | null };

export const plainLine = (version: VersionSummary): Line => ({ version, inner: false, folds: null });

/** Versions, newest first, with neighbours of the same run folded under the newest unless `opened` has their key. */
export function folded(versions: VersionSummary[], opened: readonly number[]): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < versions.length;) {
    const version = versions[at] as VersionSummary;
    const { origin } = version;
    let end = at + 1;
    if (origin.kind === "run") {
      for (let next = versions[end]; next?.origin.kind === "run" && next.origin.run === origin.run; next = versions[end]) end += 1;
    }
    const rest = versions.slice(at + 1, end);
    // The oldest names the fold: newer ones may still come.
    const key = rest.at(-1)?.id;
    const open = key !== undefined && opened.includes(key);
    lines.push({ version, inner: false, folds: key === undefined ? null : { key, count: rest.length, open } });
    if (open) lines.push(...rest.map((one) => ({ ...plainLine(one), inner: true })));
    at = end;
  }
  return lines;
}
