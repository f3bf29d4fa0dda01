import { describe, expect, it } from "vitest";
import { change, runResult, runView, validation } from "../test/run-fixtures";
import { chosenRows, countKinds, endingOf, exampleRows } from "./run-outcome";

describe("endingOf", () => {
  it("says what came out", () => {
    const better = runResult();
    expect(endingOf(better.view, "a", "b")).toBe("better");
    expect(endingOf(better.view, "a", "a")).toBe("no_improvement");
    expect(endingOf(runResult({}, null).view, "a", "b")).toBe("unchecked");
    expect(endingOf(runResult({}, validation({ verdict: "worse" })).view, "a", "b")).toBe("worse");
    expect(endingOf(runView(), "a", "b")).toBe("none");
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
    expect(rows.map((row) => row.kind)).toEqual(["better", "worse", "same", "worse"]);
    expect(countKinds(rows)).toEqual({ better: 1, worse: 2, same: 1 });
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
