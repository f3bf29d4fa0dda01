import { expect, it } from "vitest";
import { cardDiff } from "./prompt-diff";

const shown = (input: string, answer = "good") => ({ input, columns: {}, answer });
const kinds = (cards: Array<{ kind: string }>) => cards.map((card) => card.kind);

it("compares demonstrations as whole cards", () => {
  const found = cardDiff([shown("a"), shown("b")], [shown("b"), shown("a", "bad"), shown("c")]);
  expect(kinds(found.before)).toEqual(["removed", "same"]);
  expect(kinds(found.after)).toEqual(["same", "added", "added"]);
  expect(found.moved).toBe(false);
});

it("tells another order, and counts what is there twice", () => {
  expect(cardDiff([shown("a"), shown("b")], [shown("b"), shown("a")])).toMatchObject({ moved: true });
  const twice = cardDiff([shown("a")], [shown("a"), shown("a")]);
  expect(kinds(twice.after)).toEqual(["same", "added"]);
  expect(kinds(twice.before)).toEqual(["same"]);
});
