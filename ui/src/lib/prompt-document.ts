/** An input with its right answer that a prompt shows to the model. */
export type Demonstration = {
  input: string;
  /** Values of the columns that the text's placeholders name, but the input. */
  columns: Record<string, string>;
  /** Without white space at its end, once it is written. */
  answer: string;
};

/** What a prompt's one text holds: instructions and, where it has them, demonstrations. */
export type PromptDocument = { text: string; demonstrations: Demonstration[] };

/** The line before a demonstration's input. */
const EXAMPLE = "[[example]]";
/** The line before its answer. */
const ANSWER = "[[answer]]";
/** The line before another column's value begins so ... */
const COLUMN = "[[column: ";
/** ... and ends so. */
const END = "]]";

/* White space as the program sees it, which differs from JavaScript's in two signs. */
const SPACE_AT_END = /\p{White_Space}+$/u;
const SPACE_AROUND = /^\p{White_Space}+|\p{White_Space}+$/gu;
const trimEnd = (text: string) => text.replace(SPACE_AT_END, "");
const trim = (text: string) => text.replace(SPACE_AROUND, "");

/** Whether a line would be read as a mark, backslashes before it aside. */
function looksLikeAMark(line: string): boolean {
  const bare = line.replace(/^\\+/, "").replace(/\r+$/, "");
  return bare === EXAMPLE || bare === ANSWER || (bare.startsWith(COLUMN) && bare.endsWith(END));
}

function escaped(text: string): string {
  return text.split("\n").map((line) => (looksLikeAMark(line) ? `\\${line}` : line)).join("\n");
}

function unescaped(lines: string[]): string {
  return lines.map((line) => (line.startsWith("\\") && looksLikeAMark(line.slice(1)) ? line.slice(1) : line)).join("\n");
}

function mark(line: string): string | null {
  return !line.startsWith("\\") && looksLikeAMark(line) ? line.replace(/\r+$/, "") : null;
}

/** Reads a prompt's text as it is stored. What is not well formed is text. */
export function parse(document: string): PromptDocument {
  const lines = document.split("\n");
  const first = lines.findIndex((line) => mark(line) === EXAMPLE);
  return (first < 0 ? null : read(lines, first)) ?? { text: unescaped(lines), demonstrations: [] };
}

function read(lines: string[], first: number): PromptDocument | null {
  if (lines.slice(0, first).some((line) => mark(line) !== null)) return null;
  const demonstrations: Array<{ input: string; columns: Array<[string, string]>; answer: string }> = [];
  // Whether the last demonstration has its answer.
  let whole = true;
  for (let at = first; at < lines.length; ) {
    const name = mark(lines[at] ?? "");
    let next = at + 1;
    while (next < lines.length && mark(lines[next] ?? "") === null) next += 1;
    const body = unescaped(lines.slice(at + 1, next));
    const last = demonstrations.at(-1);
    if (name === EXAMPLE && whole) demonstrations.push({ input: body, columns: [], answer: "" });
    else if (whole || !last || name === null || name === EXAMPLE) return null;
    else if (name === ANSWER) last.answer = trimEnd(body);
    else last.columns.push([name.slice(COLUMN.length, -END.length), body]);
    whole = name === ANSWER;
    at = next;
  }
  if (!whole || demonstrations.some((shown) => shown.answer === "")) return null;
  // One empty line sets the demonstrations apart.
  const end = lines[first - 1] === "" ? first - 1 : first;
  return {
    text: unescaped(lines.slice(0, end)),
    demonstrations: demonstrations.map((shown) => ({ ...shown, columns: Object.fromEntries(shown.columns) })),
  };
}

/** By code points, as the program sorts columns. */
function before(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const off = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (off !== 0) return off;
  }
  return left.length - right.length;
}

/** The one text that stands for a prompt: `parse` reads it back. */
export function write(prompt: PromptDocument): string {
  const shown = prompt.demonstrations.map(({ input, columns, answer }) => {
    const more = Object.entries(columns).sort(([one], [other]) => before(one, other));
    const values = more.map(([name, value]) => `\n${COLUMN}${name}${END}\n${escaped(value)}`);
    return `${EXAMPLE}\n${escaped(input)}${values.join("")}\n${ANSWER}\n${escaped(trimEnd(answer))}`;
  });
  return [...(prompt.text === "" ? [] : [escaped(prompt.text)]), ...shown].join("\n\n");
}

/** Whether a demonstration has what it needs: without an answer its document would be no document. */
export function isWhole({ input, answer }: Demonstration): boolean {
  return trim(input) !== "" && trim(answer) !== "";
}

/** A text with what stands for each of its places. */
function filled(text: string, value: (name: string, place: string) => string): string {
  let [out, from] = ["", 0];
  for (const place of placesOf(text)) {
    out += text.slice(from, place.from) + value(place.name, text.slice(place.from, place.to));
    from = place.to;
  }
  return out + text.slice(from);
}

/** What stands for a place in a demonstration. */
const shownValue = ({ input, columns }: Demonstration) => (name: string) => (Object.hasOwn(columns, name) ? (columns[name] ?? input) : input);

/**
 * All of it as readable text, for places that know no turns. A text with places says what stands
 * before the paragraph of the first one once, and the rest for each demonstration.
 */
export function asText(prompt: PromptDocument): string {
  if (prompt.demonstrations.length === 0) return prompt.text;
  const first = placesOf(prompt.text)[0];
  const gap = first ? prompt.text.slice(0, first.from).lastIndexOf("\n\n") : -1;
  const cut = !first ? prompt.text.length : gap < 0 ? 0 : gap + 2;
  const pattern = first ? prompt.text.slice(cut) : "Input: {{input}}\nAnswer:";
  const shown = prompt.demonstrations.map((one) => {
    const asked = filled(pattern, shownValue({ ...one, input: trim(one.input) }));
    const before = asked.replace(/ +$/, "");
    return before + (before !== asked || !/\p{White_Space}$/u.test(before) ? " " : "") + one.answer;
  });
  return [trimEnd(prompt.text.slice(0, cut)), ...shown, ...(first ? [pattern] : [])].filter((part) => part !== "").join("\n\n");
}

/** Letters of a stored prompt that are its text, before the first demonstration and the empty line there. */
export function textLength(document: string): number {
  const prompt = parse(document);
  return prompt.demonstrations.length === 0 ? document.length : escaped(prompt.text).length;
}

/** What a list shows of a prompt, which may be cut off: no marks, and of demonstrations only the first, where there is no text. */
export function beginning(document: string): string {
  const { text, demonstrations } = parse(document);
  if (demonstrations.length > 0) return trim(text) === "" ? (demonstrations[0]?.input ?? "") : text;
  // Cut off within a demonstration, or all on one line.
  const [before = "", after = ""] = text.split(/(?:^|\s+)\[\[example\]\](?:\s+|$)/u);
  return before === "" ? after : before;
}

/** Messages as OpenAI's interface takes them, with `{{input}}` where the input belongs. */
export function messages(document: string): Array<{ role: "system" | "user" | "assistant"; content: string }> {
  const { text, demonstrations } = parse(document);
  const inPlace = placesOf(text).length > 0;
  const turns: ReturnType<typeof messages> = [];
  if (!inPlace && trim(text) !== "") turns.push({ role: "system", content: text });
  for (const shown of demonstrations) {
    turns.push({ role: "user", content: inPlace ? filled(text, shownValue(shown)) : shown.input });
    turns.push({ role: "assistant", content: shown.answer });
  }
  turns.push({ role: "user", content: inPlace ? filled(text, (name, place) => (name === "input" ? "{{input}}" : place)) : "{{input}}" });
  return turns;
}

/** Those messages as a program takes them. */
export function messagesText(document: string): string {
  return JSON.stringify({ messages: messages(document) }, null, 2);
}

/** Every `{{name}}` of a text, as the program finds them. */
export function placesOf(text: string): Array<{ name: string; from: number; to: number }> {
  const places: Array<{ name: string; from: number; to: number }> = [];
  for (let from = 0; ; ) {
    const open = text.indexOf("{{", from);
    const close = open < 0 ? -1 : text.indexOf("}}", open);
    if (close < 0) return places;
    const name = trim(text.slice(open + 2, close));
    const isName = name !== "" && !/[{}\n]/.test(name);
    if (isName) places.push({ name, from: open, to: close + 2 });
    from = isName ? close + 2 : open + 2;
  }
}
