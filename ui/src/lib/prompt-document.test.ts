import { describe, expect, it } from "vitest";
import { asText, beginning, messages, parse, textLength, write, type Demonstration, type PromptDocument } from "./prompt-document";
import cases from "./prompt-document.cases.json";

const shown = (input: string, answer: string, columns: Record<string, string> = {}) => ({ input, columns, answer });
const plain = (text: string): PromptDocument => ({ text, demonstrations: [] });

/** A document and what it holds; `written`: what is written of that is the document again. */
type Case = { document: string; written?: boolean; text: string; demonstrations: Array<Omit<Demonstration, "columns"> & { columns?: Record<string, string> }> };

// The program reads the same cases: both must agree on what a document is.
describe("what the program and the window agree on", () => {
  it.each(cases as Case[])("$document", ({ document, written, text, demonstrations }) => {
    const prompt = { text, demonstrations: demonstrations.map((one) => ({ columns: {}, ...one })) };
    expect(parse(document)).toEqual(prompt);
    if (written) expect(write(prompt)).toBe(document);
    else expect(write(prompt)).not.toBe(document);
    expect(parse(write(prompt))).toEqual(prompt);
  });
});

describe("a prompt's text and its demonstrations", () => {
  const prompt = { text: "Name the mood.", demonstrations: [shown("It broke.", "bad"), shown("Lovely!", "good")] };
  const document = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad\n\n[[example]]\nLovely!\n[[answer]]\ngood";

  it("are written and read", () => {
    expect(write(prompt)).toBe(document);
    expect(parse(document)).toEqual(prompt);
  });

  it("are read as a person types them into a file", () => {
    expect(parse("Name the mood.\n[[example]]\nIt broke.\n[[answer]]\nbad\n[[example]]\nLovely!\n[[answer]]\ngood\n")).toEqual(prompt);
    expect(parse(document.replaceAll("\n", "\r\n")).demonstrations.map((one) => one.answer)).toEqual(["bad", "good"]);
  });

  it.each(["Be kind.\n[[example]]\nx", "[[answer]]\ny", "a [[example]] b", "[[example]]\nx\n[[answer]]\n", "[[answer]]\n[[example]]\nx\n[[answer]]\ny", "[[example]]\nx\n[[example]]\ny\n[[answer]]\nz"])(
    "are text where the marks are not well formed: %j",
    (text) => expect(parse(text)).toEqual(plain(text)),
  );

  it("keep other columns, in one order", () => {
    const one = { text: "In {{language}}: {{text}}", demonstrations: [shown("hi", "salut", { tone: "warm\nand short", language: "French" })] };
    expect(write(one)).toBe("In {{language}}: {{text}}\n\n[[example]]\nhi\n[[column: language]]\nFrench\n[[column: tone]]\nwarm\nand short\n[[answer]]\nsalut");
    expect(parse(write(one))).toEqual(one);
    expect(parse("[[example]]\nhi\n[[column: __proto__]]\nx\n[[answer]]\ny").demonstrations[0]?.columns).toHaveProperty("__proto__", "x");
  });

  it("write no white space at an answer's end", () => {
    expect(write({ text: "", demonstrations: [shown("a", "b \n")] })).toBe("[[example]]\na\n[[answer]]\nb");
  });

  it("may hold the marks themselves", () => {
    const text = "One line:\n[[example]]\n\\[[answer]]\n[[column: x]]";
    expect(write(plain(text))).toBe("One line:\n\\[[example]]\n\\\\[[answer]]\n\\[[column: x]]");
    expect(parse(write(plain(text)))).toEqual(plain(text));
  });

  it("are the same after writing and reading, whatever they hold", () => {
    const bits = ["a", " ", "\n", "\\", "[[example]]", "[[answer]]", "[[column: b]]", "\n[[example]]\n", "\\[[answer]]\n", "[", "é"];
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const some = (most: number) => Array.from({ length: random(most) }, () => bits[random(bits.length)]).join("");
    for (let round = 0; round < 3000; round++) {
      const demonstrations = Array.from({ length: random(4) }, () => shown(some(6), `a${some(5)}z`, random(3) ? {} : { more: some(4) }));
      const one = { text: some(12), demonstrations };
      expect(parse(write(one))).toEqual(one);
    }
  });

  it("become readable lines", () => {
    expect(asText(prompt)).toBe("Name the mood.\n\nInput: It broke.\nAnswer: bad\n\nInput: Lovely!\nAnswer: good");
    expect(asText({ ...prompt, text: "" })).toBe("Input: It broke.\nAnswer: bad\n\nInput: Lovely!\nAnswer: good");
    expect(asText(plain("As it is. \n"))).toBe("As it is. \n");
    const placed = { ...prompt, text: "Name the mood.\n\nReview: {{input}}\nMood: " };
    expect(asText(placed)).toBe("Name the mood.\n\nReview: It broke.\nMood: bad\n\nReview: Lovely!\nMood: good\n\nReview: {{input}}\nMood: ");
    expect(asText({ ...prompt, text: "{{input}}\n" })).toBe("It broke.\nbad\n\nLovely!\ngood\n\n{{input}}\n");
  });
});

describe("elsewhere", () => {
  const document = write({ text: "Name the mood.", demonstrations: [shown("It broke.", "bad")] });

  it("the text's length leaves the demonstrations out", () => {
    expect(document.slice(0, textLength(document))).toBe("Name the mood.");
    expect(textLength("Just text.\n[[example]]")).toBe("Just text.\n[[example]]".length);
  });

  it("lists never show a mark", () => {
    expect(beginning(document)).toBe("Name the mood.");
    expect(beginning(document.slice(0, 32))).toBe("Name the mood.");
    expect(beginning(document.replace(/\s+/g, " "))).toBe("Name the mood.");
    expect(beginning(write({ text: "", demonstrations: [shown("It broke.", "bad")] }))).toBe("It broke.");
  });

  it("messages are turns, with the input's place last", () => {
    expect(messages(document)).toEqual([
      { role: "system", content: "Name the mood." },
      { role: "user", content: "It broke." },
      { role: "assistant", content: "bad" },
      { role: "user", content: "{{input}}" },
    ]);
    const inPlace = write({ text: "In {{language}}, mood of {{ input }}? {{}}", demonstrations: [shown("It broke.", "bad", { language: "French" })] });
    expect(messages(inPlace)).toEqual([
      { role: "user", content: "In French, mood of It broke.? {{}}" },
      { role: "assistant", content: "bad" },
      { role: "user", content: "In {{language}}, mood of {{input}}? {{}}" },
    ]);
    expect(messages("")).toEqual([{ role: "user", content: "{{input}}" }]);
  });
});
