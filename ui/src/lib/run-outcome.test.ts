import { describe, expect, it } from "vitest";
import type { Change, ExampleChange, Validation } from "../backend/generated/wire";
import { change, runResult, runView, validation } from "../test/run-fixtures";
import { chosenRows, countKinds, endingOf, exampleRows, rightFigures } from "./run-outcome";

describe("endingOf", () => {
  it("says what came out", () => {
    const better = runResult();
    expect(endingOf(better)).toBe("better");
    expect(endingOf({ ...better, best: better.start })).toBe("no_improvement");
    expect(endingOf(runResult({}, null))).toBe("unchecked");
    expect(endingOf(runResult({}, validation({ verdict: "worse" })))).toBe("worse");
    expect(endingOf(runResult({}, validation({ verdict: "too_few" })))).toBe("too_few");
    expect(endingOf({ ...better, view: runView() })).toBe("none");
  });
});

describe("rows of the table", () => {
  const rows = exampleRows(
    runResult({
      rows: [
        change(1, { start_loss: 2, best_loss: 1 }),
        change(2, { start_loss: 1, best_loss: 1.5, input: "Something ELSE" }),
        change(3, { start_loss: 1, best_loss: 1.0001 }),
        change(4, { start_loss: 1, best_loss: 1.0001, start_correct: false, best_correct: true }),
      ],
    }),
  );
  const order = (list: typeof rows) => list.map((row) => row.row);

  it("are better, worse or the same", () => {
    expect(rows.map((row) => row.kind)).toEqual(["better", "worse", "same", "better"]);
    expect(countKinds(rows)).toEqual({ better: 2, worse: 1, same: 1 });
  });

  it("can be sorted, searched and thinned out", () => {
    const all = { search: "", differentOnly: false };
    expect(order(chosenRows(rows, all, { key: "change", down: false }))).toEqual([1, 3, 4, 2]);
    expect(order(chosenRows(rows, all, { key: "change", down: true }))).toEqual([2, 3, 4, 1]);
    expect(order(chosenRows(rows, all, { key: "row", down: true }))).toEqual([4, 3, 2, 1]);
    expect(order(chosenRows(rows, { ...all, differentOnly: true }, { key: "row", down: false }))).toEqual([1, 2, 4]);
    expect(order(chosenRows(rows, { ...all, search: " else " }, { key: "row", down: false }))).toEqual([2]);
  });
});

describe("a lower loss with clearly fewer right answers", () => {
  const lost: Change = { before: 0.8, after: 0.4, gained: 0, lost: 16, p: 0.00003 };

  it("is not better, whatever the verdict says", () => {
    expect(endingOf(runResult({}, validation({ asked: lost })))).toBe("surer_but_less_right");
    expect(endingOf(runResult({}, validation({ choices: lost })))).toBe("surer_but_less_right");
    expect(endingOf(runResult({}, validation({ asked: { ...lost, p: 0.2 } })))).toBe("better");
    expect(endingOf(runResult({}, validation({ verdict: "no_clear_difference", asked: lost })))).toBe("no_clear_difference");
  });

  it("is seen in the examples of an older run too, where they are held-out ones", () => {
    const rows = Array.from({ length: 40 }, (_, at) => change(at + 1, { start_correct: at < 20, best_correct: at < 8 }));
    expect(endingOf(runResult({ rows }, validation({ accuracy: [0.5, 0.2] })))).toBe("surer_but_less_right");
    const few = rows.map((row, at) => ({ ...row, best_correct: at < 18 }));
    expect(endingOf(runResult({ rows: few }, validation({ accuracy: [0.5, 0.45] })))).toBe("better");
  });

  it("is told row by row", () => {
    const row = (more: Partial<ExampleChange>) => exampleRows(runResult({ rows: [change(1, more)] }))[0];
    expect(row({ start_asked: true, best_asked: false })).toMatchObject({ kind: "worse", turned: "surerButWrong" });
    expect(row({ start_asked: true, best_asked: false, best_loss: 3 })).toMatchObject({ kind: "worse", turned: "wrong" });
    expect(row({ start_asked: false, best_asked: true, best_loss: 3 })).toMatchObject({ kind: "better", turned: "rightButUnsure" });
    // What it says by itself comes before what it picks.
    expect(row({ start_asked: false, best_asked: true, start_correct: true, best_correct: false })).toMatchObject({ kind: "better", turned: "right" });
    expect(row({ start_asked: false, best_asked: false, start_correct: true, best_correct: false })).toMatchObject({ kind: "worse", turned: "surerButWrong" });
  });
});

it("leads with what the model says by itself", () => {
  const asked: Change = { before: 0, after: 0.875, gained: 35, lost: 0, p: 0 };
  const kinds = (more: Partial<Validation>) => rightFigures(runResult({}, validation(more))).map(({ kind, of }) => [kind, of]);
  expect(kinds({ asked, choices: asked, choice: [1, 0.5] })).toEqual([["asked", 40], ["choose", 40]]);
  expect(kinds({ choices: asked })).toEqual([["prefer", 40]]);
  expect(kinds({ accuracy: [0.4, 0.5] })).toEqual([["choose", null]]);
  expect(kinds({})).toEqual([]);
});
