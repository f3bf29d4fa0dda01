import type { Scatter } from "../../backend/generated/wire";

type Loss = { example: number; first: number; second: number };
export type Dot = { example: number; left: number; top: number };

const part = (value: number, { min, max }: Scatter["x"]) => (max === min ? 0.5 : Math.min(1, Math.max(0, (value - min) / (max - min))));

/** Where the examples are in the picture, in its pixels; losses off the axes sit at the edge. */
export function dotsOf({ plot, x, y }: Scatter, losses: Loss[]): Dot[] {
  return losses
    .filter(({ first, second }) => Number.isFinite(first) && Number.isFinite(second))
    .map(({ example, first, second }) => ({
      example, left: plot.left + part(first, x) * plot.width, top: plot.top + (1 - part(second, y)) * plot.height,
    }));
}

/** The dot nearest to a place, or null beyond `reach`. */
export function nearest(dots: Dot[], left: number, top: number, reach: number): Dot | null {
  let found: Dot | null = null;
  let least = reach * reach;
  for (const dot of dots) {
    const distance = (dot.left - left) ** 2 + (dot.top - top) ** 2;
    if (distance > least) continue;
    least = distance;
    found = dot;
  }
  return found;
}

const steps: Record<string, { by: "first" | "second"; step: number }> = {
  ArrowRight: { by: "first", step: 1 }, ArrowLeft: { by: "first", step: -1 }, ArrowUp: { by: "second", step: 1 }, ArrowDown: { by: "second", step: -1 },
};

/**
 * The example that a key leads to: left and right by the loss with the first
 * prompt, up and down by the loss with the second, so that each is reached.
 * null: the key means nothing here.
 */
export function walk<T extends Loss>(losses: T[], from: number | null, key: string): T | null {
  const means = steps[key] ?? (key === "Home" ? { by: "first" as const, step: -Infinity } : key === "End" ? { by: "first" as const, step: Infinity } : null);
  if (!means || losses.length === 0) return null;
  const sorted = [...losses].sort((a, b) => a[means.by] - b[means.by] || a.example - b.example);
  const at = sorted.findIndex((one) => one.example === from);
  // With nothing to go on from, a key begins at the end that it leads away from.
  const fresh = means.step === -1 || means.step === Infinity ? sorted.length - 1 : 0;
  const to = at < 0 ? fresh : at + means.step;
  return sorted[Math.min(sorted.length - 1, Math.max(0, to))] ?? null;
}
