import { lineDiff, wordDiff, type DiffPiece } from "../../lib/diff";

/** Longer texts are compared by lines: words would take too long. */
export const LONG = 20_000;
/** Longer texts are shown as they are. */
export const HUGE = 200_000;

export type By = "words" | "lines";
/** How two texts can be compared; null: not at all. */
export function possible(first: string, second: string, wanted: By): By | null {
  const length = Math.max(first.length, second.length);
  return length > HUGE ? null : length > LONG ? "lines" : wanted;
}

export type Marks = { first: string; second: string; by: By | null; pieces: DiffPiece[] };

export function marksOf(first: string, second: string, by: By | null): Marks {
  return { first, second, by, pieces: by === null ? [] : (by === "words" ? wordDiff : lineDiff)(first, second) };
}

/** Letters that are laid out at once. */
const CHUNK = 40_000;

/** A text in chunks that put together are the text; they end where a line ends if there is one. */
export function chunksOf(text: string): string[] {
  const chunks: string[] = [];
  let from = 0;
  while (text.length - from > CHUNK) {
    const line = text.lastIndexOf("\n", from + CHUNK - 1) + 1;
    let to = line > from ? line : from + CHUNK;
    // Two halves of a letter stay together.
    if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to -= 1;
    chunks.push(text.slice(from, to));
    from = to;
  }
  return [...chunks, text.slice(from)];
}

/** Does `work` once the page has been painted; the returned function forgets it. */
export function afterPaint(work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => { timer = setTimeout(work); });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}
