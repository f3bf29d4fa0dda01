import type { Backend } from "../../backend";
import type { Measured, Measurements, Project, VersionStory, VersionSummary } from "../../backend/generated/wire";
import { Waiting } from "../../lib/waiting.svelte";
import { IN_USE, keptOf } from "../project/versions/list";

/** What the page of a project's versions knows, and what is done with a version there. */
export class History {
  project = $state.raw() as Project;
  measured = $state.raw<Measurements | null>(null);

  readonly reading = new Waiting();
  readonly working = new Waiting();

  /** Newest first. */
  readonly versions = $derived([...this.project.versions].sort((a, b) => b.number - a.number));
  readonly inUse = $derived(this.versions.find((version) => version.labels.includes(IN_USE)) ?? null);
  /** By version: its loss on the examples in use, where that can be compared with the others'. */
  readonly figures = $derived.by(() => {
    const current = this.measured?.datasets.find((dataset) => dataset.current)?.id;
    const cells = this.measured?.cells.filter((cell) => cell.dataset === current && cell.comparable) ?? [];
    return new Map(cells.map((cell) => [cell.version, cell]));
  });
  /** The version with the lowest loss, where there are several to choose from. */
  readonly lowest = $derived(this.figures.size > 1 ? lowestOf([...this.figures.values()])?.version ?? null : null);
  /** Whether the editor holds a prompt that is no version. */
  readonly loose = $derived(this.project.draft.prompt.trim() !== "" && !this.versions.some((version) => version.text === this.project.draft.prompt));

  readonly #backend: Backend;
  #reads = 0;
  #stories = new Map<number, Promise<VersionStory | null>>();

  constructor(backend: Backend, project: Project) {
    this.#backend = backend;
    this.project = project;
  }

  version(id: number | null): VersionSummary | null {
    return this.versions.find((version) => version.id === id) ?? null;
  }

  takeLists(project: Project): void {
    this.project = project;
  }

  /** Reads again what others may have changed. */
  async readAgain(): Promise<void> {
    try {
      this.project = await this.#backend.project(this.project.id);
    } catch {
      // What is shown stays as it was.
    }
  }

  async measure(): Promise<void> {
    const mine = ++this.#reads;
    const found = await this.reading.run(() => this.#backend.measurements(this.project.id));
    if (mine === this.#reads && found) this.measured = found;
  }

  /** How a run came to a version; asked once. */
  story(version: VersionSummary): Promise<VersionStory | null> {
    const known = this.#stories.get(version.id);
    if (known) return known;
    const asked = this.#backend.versionStory(this.project.id, version.id);
    this.#stories.set(version.id, asked);
    asked.catch(() => this.#stories.delete(version.id));
    return asked;
  }

  /** Puts a version into the editor; what was there may have become one. */
  async use(version: VersionSummary): Promise<{ kept: VersionSummary | null }> {
    const before = this.project.versions;
    this.project = await this.#backend.useVersion(this.project.id, version.id);
    return { kept: keptOf(before, this.project) };
  }

  async star(version: VersionSummary): Promise<void> {
    this.project = await this.#backend.annotateVersion(this.project.id, version.id, version.note, !version.starred, version.tags);
  }
}

export function lowestOf(cells: readonly Measured[]): Measured | null {
  return cells.reduce<Measured | null>((low, cell) => (low === null || cell.loss < low.loss ? cell : low), null);
}
