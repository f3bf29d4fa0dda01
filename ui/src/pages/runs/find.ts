import type { RunLine, RunState } from "../../backend/generated/wire";
import { standingOf } from "./columns";

/** What is looked for; null: whatever it is. */
export type Filter = { search: string; project: number | null; state: RunState | null; tag: string | null; data: string | null; model: string | null };
export const EVERYTHING: Filter = { search: "", project: null, state: null, tag: null, data: null, model: null };

export const narrowed = (filter: Filter): boolean =>
  filter.search.trim() !== "" || Object.entries(filter).some(([key, value]) => key !== "search" && value !== null);

const even = (text: string) => text.normalize().toLowerCase();

/** What a search looks through. */
export function searchText({ run, prompt, data, model, note, tags }: RunLine): string {
  return even([run.name, run.project_name, prompt, data, model, note, ...tags].join("\n"));
}

/** The runs in which every word of the search occurs and that pass the filters. */
export function find(lines: RunLine[], filter: Filter, texts: ReadonlyMap<number, string>): RunLine[] {
  const words = even(filter.search).split(/\s+/u).filter(Boolean);
  return lines.filter((line) =>
    (filter.project === null || line.run.project === filter.project) && (filter.state === null || standingOf(line.run) === filter.state)
    && (filter.tag === null || line.tags.includes(filter.tag)) && (filter.data === null || line.data === filter.data)
    && (filter.model === null || line.model === filter.model) && words.every((word) => texts.get(line.run.id)?.includes(word)));
}

/** Values that lines have, each once, sorted. */
export const distinct = (values: string[]): string[] => [...new Set(values)].sort((a, b) => a.localeCompare(b));
