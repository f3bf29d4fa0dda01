import { describe, expect, it } from "vitest";
import type { VersionSummary } from "../../backend/generated/wire";
import { historyOf } from "../../backend/scripted-history";
import { lanes, MOST_LANES, width, type Knot, type LaneRow } from "./lanes";
import { FEWEST, foldOf, foundRows, rowsOf, type Row } from "./tree";

const knot = (id: number, ...parents: number[]): Knot => ({ ids: [id], parents });
const drawn = (rows: LaneRow[]) => rows.map(({ lane, strokes }) => [lane, strokes.map(({ part, from, to }) => `${part[0]}${from}${to}`).sort().join(" ")]);

/** From each dot downwards along the lines: the rows that it reaches. */
function reached(rows: LaneRow[], from: number): number[] {
  const found: number[] = [];
  let heads = rows[from]?.strokes.filter(({ part }) => part === "lower").map(({ to }) => to) ?? [];
  for (let at = from + 1; at < rows.length && heads.length; at++) {
    const row = rows[at];
    const next: number[] = [];
    for (const head of heads) {
      if (row?.strokes.some(({ part, from: lane }) => part === "upper" && lane === head)) found.push(at);
      else next.push(...(row?.strokes.filter(({ part, from: lane }) => part === "whole" && lane === head).map(({ to }) => to) ?? []));
    }
    heads = next;
  }
  return found;
}

const version = (number: number, parent: number | null, more: Partial<VersionSummary> = {}): VersionSummary => ({
  id: number * 10, number, text: `Prompt ${number}`, parent: parent === null ? null : parent * 10, origin: { kind: "written" }, note: "", starred: false, tags: [],
  labels: [], created_at: 0, ...more,
});
const ofRun = (number: number, parent: number, run: number, more: Partial<VersionSummary> = {}) => version(number, parent, { origin: { kind: "run", run, candidate: number }, ...more });
/** A straight line of versions, newest first. */
const line = (count: number) => Array.from({ length: count }, (_, at) => version(count - at, count - at > 1 ? count - at - 1 : null));
const told = (rows: Row[]) => rows.map((row) => (row.kind === "version" ? row.version.number : `${row.key}:${row.versions.length}${row.open ? " open" : ""}`));

describe("lanes", () => {
  it("draws a straight line on one lane, and none beyond its ends", () => {
    expect(drawn(lanes([knot(3, 2), knot(2, 1), knot(1)]))).toEqual([[0, "l00"], [0, "l00 u00"], [0, "u00"]]);
  });

  it("puts branches beside each other and joins them where they begin", () => {
    // 4 and 3 both go back to 1, 5 to 4, 2 stands alone.
    const rows = lanes([knot(5, 4), knot(4, 1), knot(3, 1), knot(2), knot(1)]);
    expect(drawn(rows)).toEqual([[0, "l00"], [0, "l00 u00"], [1, "l10 w00"], [1, "w00"], [0, "u00"]]);
    expect(reached(rows, 2)).toEqual([4]);
    expect(width(rows)).toBe(2);
  });

  it("lets a line further out come over, so that the tree stays narrow", () => {
    // The line of 6 leads to 2, that of 5 to 1; 4 has the lane of 6 for a moment.
    const rows = lanes([knot(6, 4), knot(5, 1), knot(4, 1), knot(1)]);
    expect(drawn(rows)).toEqual([[0, "l00"], [1, "l11 w00"], [0, "l00 u00 w10"], [0, "u00"]]);
    expect([0, 1, 2].map((at) => reached(rows, at))).toEqual([[2], [3], [3]]);
  });

  it("joins a fold to all that its versions were made from", () => {
    const rows = lanes([{ ids: [9, 8], parents: [5, 8, 4] }, knot(5, 4), knot(4)]);
    expect(reached(rows, 0).sort()).toEqual([1, 2]);
  });

  it("passes by rows that stand for nothing", () => {
    expect(drawn(lanes([knot(2, 1), { ids: [], parents: [] }, knot(1)]))).toEqual([[0, "l00"], [null, "w00"], [0, "u00"]]);
  });

  it("leads every version to the one it was made from, and stays within its lanes", () => {
    const versions = historyOf(300, (() => { let id = 1; return () => id++; })());
    const rows = lanes(versions.map(({ id, parent }) => knot(id, ...(parent === null ? [] : [parent]))), 999);
    versions.forEach(({ parent }, at) => {
      expect(reached(rows, at), `row ${at}`).toEqual(parent === null ? [] : [versions.findIndex((one) => one.id === parent)]);
    });
    const bounded = lanes(versions.map(({ id, parent }) => knot(id, ...(parent === null ? [] : [parent]))));
    expect(width(bounded)).toBeLessThanOrEqual(MOST_LANES);
  });

  it("lets many branches share the last lane", () => {
    const tips = Array.from({ length: 40 }, (_, at) => knot(100 + at, 60 - at));
    const rows = lanes([...tips, ...Array.from({ length: 60 }, (_, at) => knot(60 - at))]);
    expect(width(rows)).toBe(MOST_LANES);
    expect(rows[39]?.strokes.length).toBeLessThanOrEqual(MOST_LANES + 2);
    expect(rows[39]?.strokes.find(({ part, from }) => part === "whole" && from === MOST_LANES - 1)?.shared).toBe(true);
    expect(rows[39]?.strokes.find(({ part, from }) => part === "whole" && from === 0)?.shared).toBe(false);
  });

  it("is not held up by what a damaged file may hold", () => {
    // Missing, itself, a circle, and one that comes later.
    const rows = lanes([knot(5, 99), knot(4, 4), knot(3, 2), knot(2, 3), knot(1, 5), knot(1, 2)]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(reached(rows, 2)).toEqual([3]);
    expect(reached(rows, 3)).toEqual([]);
    expect(lanes([])).toEqual([]);
    expect(width([])).toBe(1);
  });

  it("is quick with many", () => {
    const wide = Array.from({ length: 2000 }, (_, at) => knot(4000 - at, at % 3 ? 4000 - at - 1 : 1 + ((at * 7) % 1500)));
    const before = performance.now();
    lanes(wide);
    rowsOf(line(2000), new Set());
    expect(performance.now() - before).toBeLessThan(1500);
  });
});

describe("folding", () => {
  it("folds neighbours of one run, and opens them", () => {
    const versions = [version(6, 5), ofRun(5, 2, 7), ofRun(4, 2, 7), ofRun(3, 2, 7), version(2, 1), version(1, null)];
    expect(told(rowsOf(versions, new Set()))).toEqual([6, "run-3:3", 2, 1]);
    const open = rowsOf(versions, new Set(["run-3"]));
    expect(told(open)).toEqual([6, "run-3:3 open", 5, 4, 3, 2, 1]);
    expect(open.filter((row) => row.kind === "version" && row.inner)).toHaveLength(3);
    // One more of the run leaves the fold open.
    expect(told(rowsOf([ofRun(6, 2, 7), ...versions.slice(1)], new Set(["run-3"])))[0]).toBe("run-3:4 open");
    expect(told(rowsOf([ofRun(3, 1, 8), ofRun(2, 1, 7), version(1, null)], new Set()))).toEqual([3, 2, 1]);
  });

  it("folds long straight stretches and leaves their ends", () => {
    expect(told(rowsOf(line(FEWEST + 1), new Set()))).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(told(rowsOf(line(14), new Set()))).toEqual([14, "stretch-2:12", 1]);
    expect(told(rowsOf(line(14), new Set(["stretch-2"])))).toEqual([14, "stretch-2:12 open", 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it.each([{ starred: true }, { note: "Good." }, { labels: ["shop"] }, { tags: ["short"] }])("shows what is marked: %o", (mark) => {
    const versions = line(20).map((one) => (one.number === 10 ? { ...one, ...mark } : one));
    expect(told(rowsOf(versions, new Set()))).toEqual([20, "stretch-11:9", 10, "stretch-2:8", 1]);
  });

  it("shows where a branch begins and what a run found several of", () => {
    const versions = [version(21, 10), ...line(20)];
    expect(told(rowsOf(versions, new Set()))).toEqual([21, 20, "stretch-11:9", 10, "stretch-2:8", 1]);
    const found = line(20).map((one) => (one.number === 10 || one.number === 11 ? { ...one, origin: { kind: "run" as const, run: 3, candidate: 1 } } : one));
    expect(told(rowsOf(found, new Set()))).toEqual([20, "stretch-12:8", "run-10:2", "stretch-2:8", 1]);
  });

  it("never folds so that a line leads upwards, and hides nothing for good", () => {
    const versions = historyOf(500, (() => { let id = 1; return () => id++; })(), [1, 2, 3]);
    const rows = rowsOf(versions, new Set());
    expect(rows.length).toBeLessThan(500);
    expect(rows.flatMap((row) => row.knot.ids)).toEqual(versions.map((one) => one.id));
    const rowOf = new Map(rows.flatMap((row, at) => row.knot.ids.map((id) => [id, at] as const)));
    rows.forEach((row, at) => row.knot.parents.forEach((parent) => expect(rowOf.get(parent)).toBeGreaterThanOrEqual(at)));
    const hidden = rows.find((row) => row.kind === "fold");
    expect(foldOf(rows, hidden?.knot.ids[1] ?? 0)).toBe(hidden?.key);
    expect(foldOf(rows, versions[0]?.id ?? 0)).toBeNull();
  });

  it("joins what was found to the nearest that was found, whatever the file holds", () => {
    const all = line(9);
    expect(foundRows([all[0], all[4], all[8]].filter((one) => one !== undefined), all).map((row) => row.knot.parents)).toEqual([[50], [10], []]);
    const circle = [version(3, 1), version(2, 3), version(1, 2)];
    expect(foundRows(circle.slice(0, 1), circle).map((row) => row.knot.parents)).toEqual([[]]);
    expect(told(rowsOf(circle, new Set()))).toEqual([3, 2, 1]);
    expect(rowsOf([], new Set())).toEqual([]);
  });
});
