import { asAppError } from "../backend";
import type { AppError, Message, Param } from "../backend/generated/wire";
import { format, language } from "../text";
import clauses from "../text/messages/clauses.de.json";
import german from "../text/messages/de.json";
import english from "../text/messages/en.json";
import { deviceWords } from "./device";

type Sentence = { message: string; hint?: string };

/** The same sentences as the terminal prints, by key. */
const sentences: Record<"en" | "de", Record<string, Sentence | undefined>> = { en: english, de: german };

/** The places in which parts of sentences come as text. */
const partly = ["why", "what", "said"];

/** Text in double braces stays as it is: people write it into prompts. */
const places = /\{\{[^{}]*\}\}|\{([a-z_]+)(?::([a-z]+))?\}/g;

function filled(text: string, { params }: Message): string {
  return text.replace(places, (whole, name: string | undefined, form: string | undefined, at: number) => {
    if (name === undefined) return whole;
    const param = params[name];
    const words = param === undefined ? "" : placed(param, name, form);
    // Words of others may end with a point of their own.
    return text[at + whole.length] === "." ? words.replace(/\.$/, "") : words;
  });
}

function placed(param: Param, name: string, form = ""): string {
  if (typeof param === "number") {
    if (form === "count") return format.count(param);
    if (form === "bytes") return format.bytes(param);
    return form === "mib" ? format.mebibytes(param) : String(param);
  }
  if (typeof param === "string") {
    if (form === "number") return language() === "de" ? param.replace(".", ",") : param;
    return partly.includes(name) ? clause(param) : param;
  }
  if ("class" in param) return deviceWords(param);
  const { message, hint } = said(param, { message: "", hint: "" });
  return form === "hint" ? hint : message;
}

/** A sentence and what to do in the page's language; `known` where this page has none. */
function said(told: Message, known: { message: string; hint: string }): { message: string; hint: string } {
  const sentence = sentences[language()][told.key] ?? english[told.key as keyof typeof english] as Sentence | undefined;
  if (!sentence) return known;
  return { message: filled(sentence.message, told), hint: filled(sentence.hint ?? "", told) };
}

/** A message of the program in the page's language. */
export function toldWords(told: Message): string {
  return said(told, { message: told.key, hint: "" }).message;
}

/** What happened and what the person can do, in the page's language where it is known. */
export function errorWords(error: AppError): { message: string; hint: string } {
  return error.told ? said(error.told, error) : error;
}

/** Whatever was thrown, in one sentence. */
export function thrownWords(thrown: unknown): string {
  return errorWords(asAppError(thrown)).message;
}

type Clause = { reads: RegExp; names: string[]; german: string };

const withPlaces: Clause[] = Object.entries(clauses).filter(([text]) => text.includes("{")).map(([text, words]) => {
  const names: string[] = [];
  const pattern = text.split(/(\{[a-z]+\})/).map((piece) => {
    if (!/^\{[a-z]+\}$/.test(piece)) return piece.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    names.push(piece.slice(1, -1));
    return "(.+?)";
  });
  return { reads: new RegExp(`^${pattern.join("")}$`), names, german: words };
});

/** What the inner parts of the program and older databases tell as text: a part of a
 *  sentence, not a sentence. Unknown ones, words of the system and of servers, stay. */
export function clause(text: string): string {
  if (language() !== "de") return text;
  const known = (clauses as Record<string, string | undefined>)[text];
  if (known !== undefined) return known;
  for (const { reads, names, german: words } of withPlaces) {
    const found = reads.exec(text);
    if (found) return names.reduce((out, name, at) => out.replace(`{${name}}`, () => clause(found[at + 1] ?? "")), words);
  }
  const parts = text.split(", and ");
  return parts.length > 1 ? parts.map(clause).join(" und ") : text;
}
