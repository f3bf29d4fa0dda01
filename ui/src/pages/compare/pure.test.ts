import { describe, expect, it } from "vitest";
import type { AnswerTokens, ComparedRow, Subject } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { side } from "../../lib/diff";
import { chosen, countOf, EVERYTHING, linesOf } from "./examples";
import { chunksOf, HUGE, LONG, marksOf, possible } from "./marks";
import { dotsOf, nearest, walk } from "./scatter";
import { groundKey, groundOf, groundOptions, subjectKey, subjectName, subjectOf, subjectOptions, swapped } from "./subjects";
import { alike, average, mayBreakBefore, roleName, stepOf, visible } from "./tokens";

const row = (example: number, first: number, second: number, more: Partial<ComparedRow> = {}): ComparedRow => ({
  example, row: example + 1, input: `Input ${example}`, target: "yes", first, second, first_correct: null, second_correct: null, ...more,
});

describe("examples", () => {
  const lines = linesOf([row(0, 2, 1), row(1, 1, 1.02), row(2, 0.5, 3), row(3, 1, 1), row(4, 3, 2.5)]);
  const shown = (filter: Partial<typeof EVERYTHING>) => chosen(lines, { ...EVERYTHING, ...filter }).map((line) => line.example);

  it("come with the greatest change first, whichever way it goes", () => {
    expect(shown({})).toEqual([2, 0, 4, 1, 3]);
    expect(lines.map((line) => line.kind)).toEqual(["better", "worse", "worse", "unchanged", "better"]);
    expect(countOf(lines)).toEqual({ all: 5, better: 2, worse: 2 });
  });

  it("are sorted, thinned out and searched", () => {
    expect(shown({ order: "first" })).toEqual([4, 0, 1, 3, 2]);
    expect(shown({ order: "second" })).toEqual([2, 4, 1, 0, 3]);
    expect(shown({ order: "row" })).toEqual([0, 1, 2, 3, 4]);
    expect(shown({ which: "better" })).toEqual([0, 4]);
    expect(shown({ which: "worse" })).toEqual([2, 1]);
    expect(shown({ different: true })).toEqual([2, 0, 4]);
    expect(shown({ search: " INPUT 4 " })).toEqual([4]);
    expect(shown({ search: "nothing like it" })).toEqual([]);
  });

  it("differ on label tasks where right has become wrong, or wrong right", () => {
    const judged = linesOf([row(0, 2, 1, { first_correct: false, second_correct: true }), row(1, 3, 0.1, { first_correct: true, second_correct: true })]);
    expect(chosen(judged, { ...EVERYTHING, different: true }).map((line) => line.example)).toEqual([0]);
  });
});

describe("the scatter picture", () => {
  const picture = { svg: "", plot: { left: 10, top: 20, width: 100, height: 200 }, x: { min: 0, max: 4 }, y: { min: 0, max: 4, log: false } };

  it("has each example where its losses are, those beyond the axes at the edge", () => {
    expect(dotsOf(picture, [row(0, 0, 0), row(1, 2, 4), row(2, 9, 1), row(3, NaN, 1)])).toEqual([
      { example: 0, left: 10, top: 220 }, { example: 1, left: 60, top: 20 }, { example: 2, left: 110, top: 170 },
    ]);
  });

  it("knows the dot that is meant", () => {
    const dots = dotsOf(picture, [row(0, 1, 1), row(1, 2, 2)]);
    expect(nearest(dots, 58, 118, 40)?.example).toBe(1);
    expect(nearest(dots, 110, 20, 40)).toBeNull();
    expect(nearest([], 0, 0, 40)).toBeNull();
  });

  it("is walked by the loss with the first prompt and by that with the second", () => {
    const rows = [row(0, 3, 1), row(1, 1, 2), row(2, 2, 3)];
    const to = (from: number | null, key: string) => walk(rows, from, key)?.example ?? null;
    expect([to(1, "ArrowRight"), to(2, "ArrowRight"), to(0, "ArrowRight")]).toEqual([2, 0, 0]);
    expect([to(0, "ArrowUp"), to(1, "ArrowUp"), to(1, "ArrowDown")]).toEqual([1, 2, 0]);
    expect([to(null, "ArrowRight"), to(null, "ArrowLeft"), to(null, "Home"), to(null, "End")]).toEqual([1, 0, 1, 0]);
    expect([to(2, "Home"), to(2, "End"), to(2, "x")]).toEqual([1, 0, null]);
    expect(walk([], null, "ArrowRight")).toBeNull();
  });
});

describe("tokens", () => {
  it("are tinted in steps", () => {
    expect([0, 0.1, 0.5, 1, 3, 4.7, Infinity].map(stepOf)).toEqual([0, 0, 1, 2, 3, 4, 4]);
  });

  it("show what cannot be seen, and nothing that turns the line around", () => {
    expect(visible(" a\tb\n")).toEqual([
      { text: "·", mark: "space" }, { text: "a", mark: null }, { text: "⇥", mark: "tab" }, { text: "b", mark: null }, { text: "↵\n", mark: "newline" },
    ]);
    expect(visible("\u202eevil\u200b\u00a0")).toEqual([
      { text: "∘", mark: "hidden" }, { text: "evil", mark: null }, { text: "∘", mark: "hidden" }, { text: "·", mark: "space" },
    ]);
    expect(visible("👩‍🚀 تشغيل")).toEqual([{ text: "👩‍🚀", mark: null }, { text: "·", mark: "space" }, { text: "تشغيل", mark: null }]);
    expect(visible("")).toEqual([]);
    expect([mayBreakBefore(" a"), mayBreakBefore("a")]).toEqual([true, false]);
  });

  it("stand under each other only where both prompts cut the answer alike", () => {
    const token = (text: string) => ({ text, nats: 1 });
    expect(alike([token("a"), token("b")], [token("a"), token("b")])).toBe(true);
    expect(alike([token("ab")], [token("a"), token("b")])).toBe(false);
    expect(average([{ text: "a", nats: 1 }, { text: "", nats: 3 }])).toBe(2);
    expect(average([])).toBeNull();
  });

  it("belong to right and wrong answers, or to better and worse ones", () => {
    const answer = (role: AnswerTokens["role"]): AnswerTokens => ({ role, text: "", first: [], second: [] });
    expect((["right", "also_right", "wrong"] as const).map((role) => roleName(answer(role), true))).toEqual(["better", "also_right", "worse"]);
    expect(roleName(answer("wrong"), false)).toBe("wrong");
  });
});

describe("marking differences", () => {
  it("takes lines where words would take too long, and gives up on what is huge", () => {
    expect(possible("a", "b", "words")).toBe("words");
    expect(possible("a", "b", "lines")).toBe("lines");
    expect(possible("a", "b".repeat(LONG + 1), "words")).toBe("lines");
    expect(possible("a".repeat(HUGE + 1), "b", "words")).toBeNull();
    expect(marksOf("a", "b", null).pieces).toEqual([]);
    const { pieces } = marksOf("one\ntwo", "one\nthree", "lines");
    expect(side(pieces, "after").map((piece) => piece.text).join("")).toBe("one\nthree");
  });

  it.each([["lines", "word ".repeat(9).concat("\n").repeat(30_000)], ["a word", "W".repeat(1_000_000)], ["pairs", "🧪".repeat(100_000)], ["nothing", ""]])("cuts %s in chunks that are the text again", (_, text) => {
    const chunks = chunksOf(text);
    expect(chunks.join("")).toBe(text);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(40_000);
    expect(chunks.every((chunk) => !/^[\udc00-\udfff]/.test(chunk))).toBe(true);
  });
});

describe("what can be compared", () => {
  it.each<Subject>([{ kind: "draft" }, { kind: "version", id: 3 }, { kind: "run_best", run: 7 }, { kind: "run_start", run: 7 }])("%j is a value of the list", (subject) => {
    expect(subjectOf(subjectKey(subject))).toEqual(subject);
  });

  it("lists the draft, all versions and the best of each run, and what is chosen even if it is gone", async () => {
    const backend = makeScripted();
    const { id } = await backend.openSample("review-mood");
    const run = await backend.startRun(id);
    backend.finish(run.id);
    await backend.useVersion(id, (await backend.project(id)).versions[0]?.id ?? 0);
    const waiting = await backend.startRun(id);
    const project = await backend.project(id);
    const values = (options: Array<{ label: string }>) => options.map((option) => option.label.replace(/[\u2068\u2069]/gu, ""));
    expect(values(subjectOptions(project, [{ kind: "draft" }]))).toEqual(["Draft in the editor", "Version 2 · in use", "Version 1", "Best of Run 1"]);
    expect(values(subjectOptions(project, [{ kind: "run_start", run: run.id }, { kind: "version", id: 999 }])).slice(-2)).toEqual(["Start of Run 1", "Not there any more"]);
    expect(values(groundOptions(project, { kind: "run", run: 999 }))).toEqual([
      "This project's data, review-mood.csv", "Data and model of Run 2", "Data and model of Run 1", "Not there any more",
    ]);
    expect(values(groundOptions({ ...project, data: null, runs: [] }, { kind: "project" }))).toEqual(["This project's data (none yet)"]);
    expect(groundOf(groundKey({ kind: "run", run: 7 }))).toEqual({ kind: "run", run: 7 });
    expect(groundOf("project")).toEqual({ kind: "project" });
    expect(subjectName(project, { kind: "run_best", run: waiting.id })).toContain("Run 2");
    const request = { project: id, first: { kind: "draft" }, second: { kind: "version", id: 3 }, ground: { kind: "project" } } as const;
    expect(swapped(request)).toMatchObject({ first: { kind: "version", id: 3 }, second: { kind: "draft" } });
  });
});
