import type { Backend } from "../../../backend";
import type { Measured, Measurements, VersionSummary } from "../../../backend/generated/wire";
import { measuring } from "../../../lib/measuring.svelte";
import { Waiting } from "../../../lib/waiting.svelte";
import type { Desk } from "../desk.svelte";

/** What was measured on the states of a project's data, and measuring more. */
export class Measures {
  found = $state.raw<Measurements | null>(null);
  /** Ids of the versions that are ticked. */
  chosen = $state.raw<number[]>([]);

  readonly reading = new Waiting();
  readonly working = new Waiting();

  readonly #backend: Backend;
  readonly #desk: Desk;
  #reads = 0;

  constructor(backend: Backend, desk: Desk) {
    this.#backend = backend;
    this.#desk = desk;
  }

  get #project(): number {
    return this.#desk.project.id;
  }

  get versions(): VersionSummary[] {
    return [...this.#desk.project.versions].sort((a, b) => b.number - a.number);
  }

  /** The version in use; null where none was ever taken. */
  get inUse(): VersionSummary | null {
    return this.versions.find((version) => version.labels.includes("in use")) ?? null;
  }

  /** The ticked versions, or the one in use; none means the prompt in the editor. */
  get wanted(): number[] {
    const ticked = this.chosen.filter((id) => this.versions.some((version) => version.id === id));
    return ticked.length ? ticked : this.inUse ? [this.inUse.id] : [];
  }

  /** Whether there are examples, and a prompt to measure on them. */
  get possible(): boolean {
    const { project, draft } = this.#desk;
    return project.data !== null && (project.versions.length > 0 || draft.prompt.trim() !== "");
  }

  get busy(): boolean {
    return this.working.busy || measuring.going(this.#project) !== null || (this.found?.busy ?? false);
  }

  cell(version: number, dataset: number): Measured | null {
    return this.found?.cells.find((cell) => cell.version === version && cell.dataset === dataset) ?? null;
  }

  /** On how many states of the data a version has figures that can be compared. */
  reach(version: number): number {
    return this.found?.cells.filter((cell) => cell.version === version && cell.comparable).length ?? 0;
  }

  tick(version: number, on: boolean): void {
    const others = this.chosen.filter((one) => one !== version);
    this.chosen = on ? [...others, version] : others;
  }

  async read(): Promise<void> {
    const mine = ++this.#reads;
    const found = await this.reading.run(() => this.#backend.measurements(this.#project));
    if (mine === this.#reads && found) this.found = found;
  }

  /** Whether it came to its end. */
  async measure(versions: number[], datasets: number[]): Promise<boolean> {
    if (this.busy) return false;
    const ended = await this.working.run(async () => {
      await this.#desk.flush();
      const found = await measuring.run(this.#project, () => this.#backend.measure(this.#project, versions, datasets));
      if (!found) return false;
      // A question on its way knows no more than this.
      this.#reads += 1;
      this.found = found;
      return true;
    });
    // The prompt in the editor is a version now, and the model is loaded.
    await this.#desk.readLists();
    await this.#desk.afterModelUse();
    return ended === true;
  }

  /** Goes back to an earlier state of the data; whether that went well. */
  async useAgain(dataset: number): Promise<boolean> {
    const project = await this.working.run(async () => {
      await this.#desk.flush();
      return this.#backend.useDataset(this.#project, dataset);
    });
    if (project) this.#desk.take(project);
    return project !== undefined;
  }
}
