import { describe, expect, it } from "vitest";
import type { PromptPiece } from "../backend/generated/wire";
import { openPlaceholder, reconcile, toggledLocks } from "./pieces";

const piece = (text: string, more: Partial<PromptPiece> = {}): PromptPiece => ({ text, segment: null, placeholder: null, known: true, locked: false, ...more });
const pieces = [piece("Be kind.", { segment: 0 }), piece(" "), piece("{{input}}", { placeholder: "input" }), piece(" "), piece("Be short.", { segment: 1 })];
const text = (list: PromptPiece[]) => list.map((one) => one.text).join("");

describe("reconcile", () => {
  it("keeps pieces that still fit", () => {
    expect(reconcile(pieces, text(pieces))).toBe(pieces);
  });

  it.each(["", "B", "Be kind. x{{input}} Be short.", "Be kind. {{input}} Be shorter.", "Be short.", "totally new", "Be kind.Be kind. {{input}} Be short."])(
    "always gives back the prompt: %j",
    (prompt) => expect(text(reconcile(pieces, prompt))).toBe(prompt),
  );

  it("leaves untouched pieces at both ends as they were", () => {
    const now = reconcile(pieces, "Be kind. Really. {{input}} Be short.");
    expect(now[0]?.segment).toBe(0);
    expect(now.at(-1)?.segment).toBe(1);
  });
});

describe("openPlaceholder", () => {
  it("sees what is being typed", () => {
    expect(openPlaceholder("Read {{re", 9)).toEqual({ from: 5, typed: "re" });
    expect(openPlaceholder("Read {{ re}} on", 9)).toEqual({ from: 5, typed: "r" });
  });

  it("sees nothing outside of braces", () => {
    expect(openPlaceholder("Read {{review}} now", 19)).toBeNull();
    expect(openPlaceholder("plain", 3)).toBeNull();
  });
});

it("locks and unlocks in the order of the prompt", () => {
  expect(toggledLocks(pieces, 4)).toEqual(["Be short."]);
  const locked = pieces.map((one, index) => (index === 4 ? { ...one, locked: true } : one));
  expect(toggledLocks(locked, 0)).toEqual(["Be kind.", "Be short."]);
  expect(toggledLocks(locked, 4)).toEqual([]);
});
