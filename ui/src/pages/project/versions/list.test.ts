import { expect, it } from "vitest";
import type { VersionSummary } from "../../../backend/generated/wire";
import { setLanguage } from "../../../text";
import { EVERYTHING, find, folded, narrowed, searchText, type Query } from "./list";
import { tagsOf } from "./annotation.svelte";

const version = (number: number, more: Partial<VersionSummary> = {}): VersionSummary => ({
  id: number * 10, number, text: `Prompt ${number}`, parent: null, origin: { kind: "written" }, note: "", starred: false, tags: [], labels: [], created_at: 0, ...more,
});
const ofRun = (number: number, run: number) => version(number, { origin: { kind: "run", run, candidate: number } });
const found = (versions: VersionSummary[], query: Partial<Query>) =>
  find(versions, { ...EVERYTHING, ...query }, new Map(versions.map((one) => [one.id, searchText(one)]))).map((one) => one.number);

it("finds by text, note, tags, labels and number, whatever the case, when all words occur", () => {
  const all = [
    version(14, { text: "Name the MOOD." }), version(3, { note: "Für den Müller" }), version(2, { tags: ["short", "Mood"] }),
    version(1, { labels: ["in use", "shop"] }),
  ];
  expect(found(all, { search: "mood" })).toEqual([14, 2]);
  expect(found(all, { search: " mood  SHORT " })).toEqual([2]);
  expect(found(all, { search: "14" })).toEqual([14]);
  // Also where a letter was written in two pieces.
  expect(found(all, { search: "mu\u0308ller" })).toEqual([3]);
  expect(found(all, { search: "shop" })).toEqual([1]);
  expect(found(all, { search: "mood nowhere" })).toEqual([]);
  setLanguage("de");
  expect(found(all, { search: "gebrauch" })).toEqual([1]);
});

it("filters by kind and by tag", () => {
  const all = [ofRun(4, 1), version(3, { starred: true, tags: ["a"] }), version(2, { labels: ["in use"] }), version(1, { origin: { kind: "sample" }, tags: ["a"] })];
  expect(found(all, { only: "starred" })).toEqual([3]);
  expect(found(all, { only: "used" })).toEqual([2]);
  expect(found(all, { only: "written" })).toEqual([3, 2]);
  expect(found(all, { only: "run" })).toEqual([4]);
  expect(found(all, { tag: "a" })).toEqual([3, 1]);
  expect(found(all, { tag: "a", only: "starred", search: "prompt" })).toEqual([3]);
  expect([EVERYTHING, { ...EVERYTHING, search: "  " }, { ...EVERYTHING, tag: "a" }].map(narrowed)).toEqual([false, false, true]);
});

it("folds neighbours of the same run under the newest", () => {
  const all = [ofRun(7, 2), ofRun(6, 2), ofRun(5, 2), version(4), ofRun(3, 2), ofRun(2, 1), version(1)];
  const seen = (opened: number[]) => folded(all, opened).map(({ version: { number }, inner, folds }) => [number, inner, folds?.count ?? 0]);
  expect(seen([])).toEqual([[7, false, 2], [4, false, 0], [3, false, 0], [2, false, 0], [1, false, 0]]);
  expect(seen([50]).slice(0, 4)).toEqual([[7, false, 2], [6, true, 0], [5, true, 0], [4, false, 0]]);
  // One more of the run leaves the fold open.
  expect(folded([ofRun(8, 2), ...all], [50]).slice(0, 4).map((line) => line.version.number)).toEqual([8, 7, 6, 5]);
  expect(folded([], [])).toEqual([]);
});

it("reads tags between commas, each once", () => {
  expect(tagsOf(" short, for Anna,,short , <b> ")).toEqual(["short", "for Anna", "<b>"]);
});
