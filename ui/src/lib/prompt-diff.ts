import type { Demonstration } from "./prompt-document";

/** A demonstration on one side of a comparison. */
export type Card = { kind: "same" | "added" | "removed"; shown: Demonstration };

/** Cards that are compared with nothing. */
export function plainCards(demonstrations: Demonstration[]): Card[] {
  return demonstrations.map((shown) => ({ kind: "same", shown }));
}

const keyOf = ({ input, columns, answer }: Demonstration) => JSON.stringify([input, Object.entries(columns).sort(), answer]);

/**
 * Demonstrations as whole cards: what both sides hold is the same, wherever it
 * stands; `moved` tells that it stands in another order.
 */
export function cardDiff(before: Demonstration[], after: Demonstration[]): { before: Card[]; after: Card[]; moved: boolean } {
  const [old, now] = [before.map(keyOf), after.map(keyOf)];
  const count = (keys: string[]) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  /** For each of `keys` whether `other` has it as well, one for one. */
  const kept = (keys: string[], other: string[]) => {
    const left = count(other);
    return keys.map((key) => {
      const rest = left.get(key) ?? 0;
      left.set(key, rest - 1);
      return rest > 0;
    });
  };
  const [oldKept, nowKept] = [kept(old, now), kept(now, old)];
  const common = (keys: string[], flags: boolean[]) => keys.filter((_, at) => flags[at]).join("\n");
  return {
    before: before.map((shown, at) => ({ kind: oldKept[at] ? "same" : "removed", shown })),
    after: after.map((shown, at) => ({ kind: nowKept[at] ? "same" : "added", shown })),
    moved: common(old, oldKept) !== common(now, nowKept),
  };
}
