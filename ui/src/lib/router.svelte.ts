import type { ComparisonRequest } from "../backend/generated/wire";

/** Where the window is. Kept in memory: a desktop window has no address bar. */
export type Place =
  | { page: "home" }
  /** `at`: with the keyboard at the button that starts a run. */
  | { page: "project"; id: number; at?: "start" }
  | { page: "run"; id: number }
  | { page: "result"; id: number }
  | { page: "try"; project: number; version?: number }
  | { page: "data"; project: number }
  /** Runs of a project, or of all; `show` are those whose curves are wanted. */
  | { page: "runs"; project: number | null; show?: number[] }
  | { page: "compare"; request: ComparisonRequest }
  | { page: "versions"; project: number }
  /** Models to choose from; `project` is the one that a choice is for. */
  | { page: "models"; project: number | null }
  | { page: "about" };

let place = $state.raw<Place>({ page: "home" });
let earlier: Place[] = [];

export const router = {
  get place(): Place {
    return place;
  },
  go(to: Place): void {
    earlier = [...earlier.slice(-20), place];
    place = to;
  },
  /** To the page before, or home. */
  back(): void {
    const last = earlier.at(-1) ?? { page: "home" as const };
    earlier = earlier.slice(0, -1);
    place = last;
  },
  /** For tests: forget everything. */
  reset(to: Place = { page: "home" }): void {
    earlier = [];
    place = to;
  },
};
