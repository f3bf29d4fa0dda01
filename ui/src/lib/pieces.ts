import type { PromptPiece } from "../backend/generated/wire";

/**
 * `pieces` brought to `prompt`: what was typed since they were made stands in
 * one plain piece, so that the picture behind the text never lags out of place.
 */
export function reconcile(pieces: PromptPiece[], prompt: string): PromptPiece[] {
  const known = pieces.map((piece) => piece.text).join("");
  if (known === prompt) return pieces;

  let start = 0;
  let from = 0;
  for (const piece of pieces) {
    if (!prompt.startsWith(piece.text, start)) break;
    start += piece.text.length;
    from += 1;
  }
  let end = prompt.length;
  let to = pieces.length;
  while (to > from) {
    const text = pieces[to - 1]?.text ?? "";
    if (end - text.length < start || prompt.slice(end - text.length, end) !== text) break;
    end -= text.length;
    to -= 1;
  }
  const between = prompt.slice(start, end);
  const plain: PromptPiece[] = between ? [{ text: between, segment: null, placeholder: null, known: true, locked: false }] : [];
  return [...pieces.slice(0, from), ...plain, ...pieces.slice(to)];
}

/** The placeholder that is being typed before the caret, as in "Hello {{na|". */
export function openPlaceholder(text: string, caret: number): { from: number; typed: string } | null {
  const before = text.slice(0, caret);
  const from = before.lastIndexOf("{{");
  if (from < 0) return null;
  const typed = before.slice(from + 2);
  return /[{}\n]/.test(typed) || typed.length > 60 ? null : { from, typed: typed.trimStart() };
}

/** The texts to lock, in their order, when one more or one less of `pieces` is locked. */
export function toggledLocks(pieces: PromptPiece[], index: number): string[] {
  return pieces.filter((piece, at) => (at === index ? !piece.locked : piece.locked)).map((piece) => piece.text);
}
