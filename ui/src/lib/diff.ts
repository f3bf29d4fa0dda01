import { diffArrays } from "diff";

export type DiffPiece = { kind: "same" | "added" | "removed"; text: string };

/** Longer than this, in milliseconds, nobody should wait for marks. */
const PATIENCE = 300;

/** Scripts that write words without spaces between them. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

let segmenter: Intl.Segmenter | null | undefined;

/** Words, spaces and marks; put together they are the text again. */
export function words(text: string): string[] {
  const parts = text.match(/\s+|[\p{L}\p{N}\p{M}_]+|[^\s\p{L}\p{N}\p{M}_]/gu) ?? [];
  if (!UNSPACED.test(text)) return parts;
  if (segmenter === undefined) {
    segmenter = typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "word" }) : null;
  }
  const known = segmenter;
  if (!known) return parts;
  // Only where it is needed: on long texts the segmenter is slow.
  return parts.flatMap((part) => (UNSPACED.test(part) ? Array.from(known.segment(part), (word) => word.segment) : [part]));
}

/**
 * What changed from `before` to `after`, word by word. The pieces that are
 * same or removed put together are `before`; same or added, `after`.
 */
export function wordDiff(before: string, after: string): DiffPiece[] {
  if (before === after) return before === "" ? [] : [{ kind: "same", text: before }];
  const changes =
    diffArrays(words(before), words(after), { timeout: PATIENCE }) ??
    diffArrays(lines(before), lines(after), { timeout: PATIENCE });
  if (!changes) return replaced(before, after);
  return readable(
    changes.map((change) => ({
      kind: change.added ? "added" : change.removed ? "removed" : "same",
      text: change.value.join(""),
    })),
  );
}

/** What changed line by line; the pieces put together are the texts, as with `wordDiff`. */
export function lineDiff(before: string, after: string): DiffPiece[] {
  if (before === after) return before === "" ? [] : [{ kind: "same", text: before }];
  // Every line gets a break, so that the last one is the same wherever it stands.
  const [from, to] = [before, after].map((text) => text.split("\n").map((line) => `${line}\n`)) as [string[], string[]];
  const changes = diffArrays(from, to, { timeout: PATIENCE });
  if (!changes) return replaced(before, after);
  const pieces: DiffPiece[] = [];
  let [left, right] = [from.length, to.length];
  for (const change of changes) {
    const text = change.value.join("");
    if (!change.added) left -= change.value.length;
    if (!change.removed) right -= change.value.length;
    if (change.added) pieces.push({ kind: "added", text: right ? text : text.slice(0, -1) });
    else if (change.removed) pieces.push({ kind: "removed", text: left ? text : text.slice(0, -1) });
    else if (left && right) pieces.push({ kind: "same", text });
    else {
      // The last line of one text: only the other has a break after it.
      pieces.push({ kind: "same", text: text.slice(0, -1) });
      if (left || right) pieces.push({ kind: left ? "removed" : "added", text: "\n" });
    }
  }
  return pieces.filter((piece) => piece.text !== "");
}

function replaced(before: string, after: string): DiffPiece[] {
  const pieces: DiffPiece[] = [{ kind: "removed", text: before }, { kind: "added", text: after }];
  return pieces.filter((piece) => piece.text !== "");
}

function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+/gu) ?? [];
}

/**
 * Joins changes that only a space or a little word parts: "one two" for
 * "three four" is one change to a reader, not two with a kept space between.
 */
function readable(pieces: DiffPiece[]): DiffPiece[] {
  const out: DiffPiece[] = [];
  let removed = "";
  let added = "";
  const flush = () => {
    if (removed) out.push({ kind: "removed", text: removed });
    if (added) out.push({ kind: "added", text: added });
    removed = "";
    added = "";
  };
  pieces.forEach((piece, at) => {
    if (piece.kind === "removed") removed += piece.text;
    else if (piece.kind === "added") added += piece.text;
    else if (at < pieces.length - 1 && isBridge(piece.text, removed, added)) {
      removed += piece.text;
      added += piece.text;
    } else {
      flush();
      out.push(piece);
    }
  });
  flush();
  return out;
}

/** Whether a kept text between two changes is too little to be worth keeping. */
function isBridge(kept: string, removed: string, added: string): boolean {
  if (kept.includes("\n") || removed === "" || added === "") return false;
  const length = kept.trim().length;
  return length === 0 || (length <= 4 && removed.length + added.length >= 16);
}

/** One side of the diff. */
export function side(pieces: DiffPiece[], which: "before" | "after"): DiffPiece[] {
  const other = which === "before" ? "added" : "removed";
  return pieces.filter((piece) => piece.kind !== other);
}
