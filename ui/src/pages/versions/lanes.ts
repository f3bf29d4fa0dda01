/** What a row of the tree stands for, and what that was made from; nothing where only lines pass. */
export type Knot = { ids: readonly number[]; parents: readonly number[] };

/**
 * A line within a row, from a lane to a lane: through the whole row, from its upper
 * edge to the dot, or from the dot to its lower edge. `shared` where it stands for several.
 */
export type Stroke = { part: "whole" | "upper" | "lower"; from: number; to: number; shared: boolean };

/** Where a row's dot is, and its lines. */
export type LaneRow = { lane: number | null; strokes: Stroke[] };

/** Lanes that are seen; all others share the last one. */
export const MOST_LANES = 6;

/**
 * The lines that join each row to the rows below that it was made from. All that
 * wait for one row share a lane, so that there are as many lanes as there are
 * rows waited for. What is not below (missing, or a circle in a damaged file) is not joined.
 */
export function lanes(knots: readonly Knot[], most = MOST_LANES): LaneRow[] {
  const rowOf = new Map<number, number>();
  knots.forEach((knot, row) => knot.ids.forEach((id) => { if (!rowOf.has(id)) rowOf.set(id, row); }));
  /** By lane: the row that its line leads to. */
  let waiting: Array<number | null> = [];

  const freeLane = () => {
    const at = waiting.indexOf(null);
    return at < 0 ? waiting.length : at;
  };

  return knots.map((knot, row) => {
    const strokes = new Map<string, Stroke>();
    const draw = (part: Stroke["part"], from: number, to: number) => {
      const [start, end] = [Math.min(from, most - 1), Math.min(to, most - 1)];
      const key = `${part} ${start} ${end}`;
      const known = strokes.get(key);
      if (known) known.shared = true;
      else strokes.set(key, { part, from: start, to: end, shared: false });
    };
    const passing = waiting.flatMap((target, lane) => (target === null || target === row ? [] : [lane]));
    if (!knot.ids.length) {
      for (const lane of passing) draw("whole", lane, lane);
      return { lane: null, strokes: [...strokes.values()] };
    }

    const came = waiting.indexOf(row);
    const mine = came < 0 ? freeLane() : came;
    if (came >= 0) draw("upper", mine, mine);
    waiting[mine] = null;
    let own = true;
    const moved = new Set<number>();
    for (const target of below(knot.parents, rowOf, row)) {
      const there = waiting.indexOf(target);
      if (there > mine && own) {
        // The line further out comes over, so that the tree stays narrow.
        moved.add(there);
        draw("whole", there, mine);
        draw("lower", mine, mine);
        waiting[mine] = target;
      } else if (there >= 0) draw("lower", mine, there);
      else {
        const to = own ? mine : freeLane();
        draw("lower", mine, to);
        waiting[to] = target;
      }
      own = own && waiting[mine] === null;
    }
    for (const lane of passing) if (!moved.has(lane)) draw("whole", lane, lane);
    waiting = waiting.map((target, lane) => (moved.has(lane) ? null : target));
    while (waiting.length && waiting.at(-1) === null) waiting.pop();
    return { lane: Math.min(mine, most - 1), strokes: [...strokes.values()] };
  });
}

function below(parents: readonly number[], rowOf: ReadonlyMap<number, number>, row: number): number[] {
  const rows = parents.flatMap((parent) => {
    const at = rowOf.get(parent);
    return at !== undefined && at > row ? [at] : [];
  });
  return [...new Set(rows)].sort((a, b) => a - b);
}

/** How many lanes the whole tree takes, so that its rows begin at one place. */
export function width(rows: readonly LaneRow[]): number {
  let most = 1;
  for (const { lane, strokes } of rows) {
    for (const at of [lane ?? 0, ...strokes.flatMap(({ from, to }) => [from, to])]) most = Math.max(most, at + 1);
  }
  return most;
}
