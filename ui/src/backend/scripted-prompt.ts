import { parse } from "../lib/prompt-document";
import type { PromptCheck, PromptPiece } from "./generated/wire";

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/;

/** Splits a prompt into sentences, placeholders and locked texts; together they are the prompt. */
export function piecesOf(prompt: string, locked: string[], columns: string[]): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let segment = 0;
  const add = (text: string, piece: Partial<PromptPiece> = {}) => {
    if (text) pieces.push({ text, segment: null, placeholder: null, known: true, locked: false, ...piece });
  };
  const sentences = (text: string) => {
    for (const part of text.match(/\s+|[^\s.!?][^.!?\n]*[.!?]*|[.!?]+/g) ?? []) {
      if (!/[\p{L}\p{N}]/u.test(part)) add(part);
      else {
        const body = part.trimEnd();
        add(body, { segment: segment++ });
        add(part.slice(body.length));
      }
    }
  };
  const plain = (text: string) => {
    let rest = text;
    for (let match = placeholder.exec(rest); match; match = placeholder.exec(rest)) {
      sentences(rest.slice(0, match.index));
      const name = match[1] ?? "";
      add(match[0], { placeholder: name, known: name === "input" || columns.includes(name) });
      rest = rest.slice(match.index + match[0].length);
    }
    sentences(rest);
  };
  let rest = prompt;
  for (const text of locked) {
    const at = text ? rest.indexOf(text) : -1;
    if (at < 0) continue;
    plain(rest.slice(0, at));
    add(text, { locked: true });
    rest = rest.slice(at + text.length);
  }
  plain(rest);
  return pieces;
}

export function checkOf(prompt: string, locked: string[], columns: string[], window: number | null): PromptCheck {
  // Demonstrations hold no parts and no places.
  const { text } = parse(prompt);
  const pieces = piecesOf(text, locked, columns);
  return {
    pieces,
    tokens: window === null ? null : Math.ceil(prompt.length / 4.2),
    window,
    unknown: [...new Set(pieces.filter((piece) => piece.placeholder !== null && !piece.known).map((piece) => piece.placeholder ?? ""))],
    problem: prompt.trim() === "" ? { code: "prompt", message: "The prompt is empty.", hint: "Write what the model should do with each example." } : null,
  };
}
