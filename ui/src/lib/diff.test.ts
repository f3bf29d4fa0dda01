import { describe, expect, it } from "vitest";
import { lineDiff, side, wordDiff, words, type DiffPiece } from "./diff";

const join = (pieces: DiffPiece[]) => pieces.map((piece) => piece.text).join("");

const texts = [
  ["", "new"],
  ["old", ""],
  ["Answer with one word.", "Answer with exactly one lower-case word."],
  ["a  b\n\nc\t", "a b\nc"],
  ["اقرأ المراجعة وأجب بكلمة", "اقرأ النص وأجب بكلمة واحدة"],
  ["用一个词回答问题", "请用两个词回答这个问题"],
  ["<b>bold</b> & more", "<i>bold</i> & less"],
  ["same", "same"],
] as const;

describe("wordDiff", () => {
  it.each(texts)("gives back both texts of %j and %j", (before, after) => {
    const pieces = wordDiff(before, after);
    expect(join(side(pieces, "before"))).toBe(before);
    expect(join(side(pieces, "after"))).toBe(after);
  });

  it("marks words, not letters", () => {
    expect(wordDiff("one red fish", "one blue fish")).toEqual([
      { kind: "same", text: "one " },
      { kind: "removed", text: "red" },
      { kind: "added", text: "blue" },
      { kind: "same", text: " fish" },
    ]);
  });

  it("joins changes that only a space parts", () => {
    const pieces = wordDiff("say red car now", "say blue bus now");
    expect(pieces.filter((piece) => piece.kind !== "same")).toEqual([
      { kind: "removed", text: "red car" },
      { kind: "added", text: "blue bus" },
    ]);
  });

  it("does not keep a lone little word between large changes", () => {
    const pieces = wordDiff("Look closely at the review and judge.", "Name only the mood of it, please.");
    expect(pieces[0]?.kind).toBe("removed");
    expect(pieces.filter((piece) => piece.kind === "same").map((piece) => piece.text)).toEqual(["."]);
  });

  it("ends in reasonable time on long texts that share nothing", () => {
    const long = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word}${index}`).join(" ");
    const [before, after] = [long("a"), long("b")];
    const begun = performance.now();
    const pieces = wordDiff(before, after);
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(join(side(pieces, "before"))).toBe(before);
    expect(join(side(pieces, "after"))).toBe(after);
  });
});

describe("lineDiff", () => {
  it.each([
    ...texts, ["a\nb", "b"], ["a\nb", "a"], ["b\nc", "a\nb\nc"], ["a\n", "a"], ["a", "\na\n"], ["a\r\nb\r\n", "a\nb"], ["", "\n"], ["x\ny\nz", "z\ny\nx"],
  ] as const)("gives back both texts of %j and %j", (before, after) => {
    const pieces = lineDiff(before, after);
    expect(join(side(pieces, "before"))).toBe(before);
    expect(join(side(pieces, "after"))).toBe(after);
    expect(pieces.every((piece) => piece.text !== "")).toBe(true);
  });

  it("marks whole lines", () => {
    expect(lineDiff("Read it.\nAnswer yes.\nThanks.", "Read it.\nAnswer no.\nThanks.")).toEqual([
      { kind: "same", text: "Read it.\n" },
      { kind: "removed", text: "Answer yes.\n" },
      { kind: "added", text: "Answer no.\n" },
      { kind: "same", text: "Thanks." },
    ]);
  });

  it("keeps a last line that is not the last any more", () => {
    expect(lineDiff("one", "one\ntwo")).toEqual([
      { kind: "same", text: "one" },
      { kind: "added", text: "\n" },
      { kind: "added", text: "two" },
    ]);
    expect(lineDiff("one", "zero\none")).toEqual([{ kind: "added", text: "zero\n" }, { kind: "same", text: "one" }]);
  });

  it("ends in reasonable time on long texts that share nothing", () => {
    const long = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word}${index}`).join("\n");
    const [before, after] = [long("a"), long("b")];
    const begun = performance.now();
    const pieces = lineDiff(before, after);
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(join(side(pieces, "before"))).toBe(before);
    expect(join(side(pieces, "after"))).toBe(after);
  });
});

it("splits into words that put together are the text", () => {
  for (const [text] of texts) expect(words(text).join("")).toBe(text);
});
