import type { AppError, ShellEvent } from "../backend/generated/wire";

type Going = { done: number; total: number };

let going = $state.raw<ReadonlyMap<number, Going>>(new Map());
let faults = $state.raw<ReadonlyMap<number, AppError>>(new Map());
let ends = $state.raw<ReadonlyMap<number, number>>(new Map());
/** Projects whose measurement the person stopped: that it ended early is no fault then. */
const stopped = new Set<number>();

function without<T>(map: ReadonlyMap<number, T>, project: number): ReadonlyMap<number, T> {
  return new Map([...map].filter(([one]) => one !== project));
}

/** What was heard of measuring versions on a project's data. */
export const measuring = {
  /** How far it is; null where nothing is heard of one. */
  going(project: number): Going | null {
    return going.get(project) ?? null;
  },
  /** Why the last one ended early. */
  error(project: number): AppError | null {
    return faults.get(project) ?? null;
  },
  /** Counts those that ended, so that figures can be read again. */
  ends(project: number): number {
    return ends.get(project) ?? 0;
  },
  hear(event: Extract<ShellEvent, { kind: "measuring" | "measured" }>): void {
    const { project } = event;
    if (event.kind === "measuring") {
      going = new Map(going).set(project, { done: event.done, total: event.total });
      faults = without(faults, project);
      return;
    }
    going = without(going, project);
    const fault = event.error && !stopped.delete(project) ? event.error : null;
    faults = fault ? new Map(faults).set(project, fault) : without(faults, project);
    ends = new Map(ends).set(project, measuring.ends(project) + 1);
  },
  /** Asks for one; null where the person stopped it. */
  async run<T>(project: number, ask: () => Promise<T>): Promise<T | null> {
    stopped.delete(project);
    measuring.dismiss(project);
    try {
      return await ask();
    } catch (thrown) {
      if (stopped.has(project)) return null;
      throw thrown;
    } finally {
      stopped.delete(project);
    }
  },
  /** The person wants no more of it. */
  stop(project: number): void {
    stopped.add(project);
  },
  /** The person has read why. */
  dismiss(project: number): void {
    faults = without(faults, project);
  },
};
