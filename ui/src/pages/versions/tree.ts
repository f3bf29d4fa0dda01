import type { VersionSummary } from "../../backend/generated/wire";
import type { Knot } from "./lanes";

/** So many in a straight line are worth folding. */
export const FEWEST = 6;

/** A row of the tree: a version, or several folded into one. */
export type Row = { key: string; knot: Knot } & (
  | { kind: "version"; version: VersionSummary; /** Of a fold that is open. */ inner: boolean }
  | { kind: "fold"; of: "run" | "stretch"; /** Newest first. */ versions: VersionSummary[]; open: boolean }
);

type Unit = { versions: VersionSummary[]; of: "run" | "stretch" | null };

const knotOf = (versions: VersionSummary[]): Knot => ({
  ids: versions.map((version) => version.id),
  parents: versions.flatMap((version) => (version.parent === null ? [] : [version.parent])),
});

const single = (version: VersionSummary, inner = false, knot = knotOf([version])): Row => ({ kind: "version", key: `v${version.id}`, version, inner, knot });

/** Whether the person has put anything on it that a fold would hide. */
const bare = (version: VersionSummary) => !version.starred && !version.note && !version.labels.length && !version.tags.length;

/**
 * Rows for versions, which come newest first. Neighbours of the same run are
 * folded into one, and so are long straight stretches; `opened` has the keys of those
 * that are not. Only neighbours are ever folded, so that no line leads upwards.
 */
export function rowsOf(versions: readonly VersionSummary[], opened: ReadonlySet<string>): Row[] {
  return stretched(byRun(versions), childrenOf(versions)).flatMap(({ versions: inside, of }): Row[] => {
    if (of === null) return inside.map((version) => single(version));
    // The oldest names the fold: newer ones may still come.
    const key = `${of}-${inside.at(-1)?.number}`;
    const open = opened.has(key);
    const fold: Row = { kind: "fold", key, of, versions: inside, open, knot: open ? { ids: [], parents: [] } : knotOf(inside) };
    return open ? [fold, ...inside.map((version) => single(version, true))] : [fold];
  });
}

/** Rows for those that were found, each joined to the nearest one that it goes back to. */
export function foundRows(found: readonly VersionSummary[], all: readonly VersionSummary[]): Row[] {
  const byId = new Map(all.map((version) => [version.id, version]));
  const shown = new Set(found.map((version) => version.id));
  return found.map((version) => {
    const seen = new Set([version.id]);
    let parent = version.parent;
    while (parent !== null && !shown.has(parent) && !seen.has(parent)) {
      seen.add(parent);
      parent = byId.get(parent)?.parent ?? null;
    }
    const joined = parent !== null && parent !== version.id && shown.has(parent);
    return single(version, false, { ids: [version.id], parents: joined ? [parent as number] : [] });
  });
}

/** The fold that hides a version. */
export function foldOf(rows: readonly Row[], id: number): string | null {
  return rows.find((row) => row.kind === "fold" && !row.open && row.versions.some((version) => version.id === id))?.key ?? null;
}

function childrenOf(versions: readonly VersionSummary[]): Map<number, number> {
  const children = new Map<number, number>();
  for (const { parent } of versions) if (parent !== null) children.set(parent, (children.get(parent) ?? 0) + 1);
  return children;
}

function byRun(versions: readonly VersionSummary[]): Unit[] {
  const units: Unit[] = [];
  let run: number | null = null;
  for (const version of versions) {
    const own = version.origin.kind === "run" ? version.origin.run : null;
    const last = units.at(-1);
    if (last && own !== null && own === run) {
      last.versions.push(version);
      last.of = "run";
    } else units.push({ versions: [version], of: null });
    run = own;
  }
  return units;
}

/** Folds stretches in which each was made from the next, nothing branches off, and nothing was noted. */
function stretched(units: Unit[], children: ReadonlyMap<number, number>): Unit[] {
  const dull = (unit: Unit | undefined, at: number): VersionSummary | null => {
    const version = unit?.of === null ? unit.versions[0] : undefined;
    if (!version || at === 0 || version.parent === null || !bare(version)) return null;
    return children.get(version.id) === 1 ? version : null;
  };
  const out: Unit[] = [];
  for (let at = 0; at < units.length;) {
    const stretch: VersionSummary[] = [];
    for (let next = dull(units[at], at); next; next = dull(units[at + stretch.length], at + stretch.length)) {
      if (stretch.length && stretch.at(-1)?.parent !== next.id) break;
      stretch.push(next);
    }
    if (stretch.length >= FEWEST) out.push({ versions: stretch, of: "stretch" });
    else if (stretch.length) out.push(...units.slice(at, at + stretch.length));
    else out.push(...units.slice(at, at + 1));
    at += Math.max(1, stretch.length);
  }
  return out;
}
