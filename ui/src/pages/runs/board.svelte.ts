import type { Backend } from "../../backend";
import type { CurveStyle, RunLine, RunsPage } from "../../backend/generated/wire";
import { deleteRun } from "../../lib/delete-run";
import { Waiting } from "../../lib/waiting.svelte";
import { chosenColumns, columnsOf, differing, keptColumns, sorted, type ColumnName } from "./columns";
import { EVERYTHING, find, searchText, type Filter } from "./find";

/** Runs that are shown where none was ever chosen. */
const NEWEST = 8;
const SAVE_AFTER = 400;
/** Runs of other projects that stay remembered as shown. */
const ELSEWHERE = 200;

export const usualStyle: CurveStyle = { axis: "prompts", kind: "best", smoothing: 0, groups: "none", log: false, starts: false };

/** Runs that have an end, or work that goes on, with something to draw. */
function worthShowing({ run }: RunLine): boolean {
  return run.start_loss !== null && (run.active || ["completed", "cancelled", "failed"].includes(run.state));
}

/** The page of runs: what is listed, which curves are shown, and how it was left. */
export class Board {
  ready = $state(false);
  /** Of the project, or of all; newest first. */
  lines = $state.raw<RunLine[]>([]);
  /** Name of the project. */
  title = $state("");
  style = $state.raw<CurveStyle>(usualStyle);
  chosenColumns = $state.raw<ColumnName[]>(chosenColumns([]));
  sort = $state("created_at");
  descending = $state(true);
  archived = $state(false);
  filter = $state.raw<Filter>(EVERYTHING);
  /** Runs of the curve that is picked. */
  picked = $state.raw<number[]>([]);
  /** Runs shown or picked, the last one at the end. */
  recent = $state.raw<number[]>([]);
  /** Counts readings, so that the picture is drawn anew. */
  revision = $state(0);

  readonly reading = new Waiting();
  readonly working = new Waiting();

  /** Runs chosen to be shown; null where none was ever chosen. */
  #chosen = $state.raw<number[] | null>(null);
  /** Runs that the legend has, in its order. */
  #order = $state.raw<number[]>([]);
  #visited = $state.raw<number[]>([]);
  /** Whether the person chose what is shown on this visit. */
  #touched = $state(false);
  /** What is remembered of `#chosen` while a visit shows others. */
  #remembered: number[] | null | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #backend: Backend;
  readonly #project: number | null;

  constructor(backend: Backend, project: number | null) {
    this.#backend = backend;
    this.#project = project;
  }

  /** Whether runs of all projects are listed. */
  get everywhere(): boolean {
    return this.#project === null;
  }

  /** What was asked for on this visit is here even if it was put aside. */
  readonly here = $derived(this.archived ? this.lines : this.lines.filter((line) => !line.archived || this.#visited.includes(line.run.id)));
  readonly aside = $derived(this.lines.filter((line) => line.archived).length);
  readonly #texts = $derived(new Map(this.lines.map((line) => [line.run.id, searchText(line)])));
  readonly #known = $derived(new Map(this.here.map((line) => [line.run.id, line])));
  readonly listed = $derived(sorted(find(this.here, this.filter, this.#texts), this.sort, this.descending));
  readonly columns = $derived(columnsOf(this.chosenColumns, differing(this.listed), this.everywhere));

  readonly #newest = $derived(this.here.filter(worthShowing).slice(0, NEWEST).map((line) => line.run.id));
  /** Whether nothing that was chosen is listed here at all, as on the page of another project. */
  readonly #stranger = $derived(this.#chosen === null || (!this.#touched && this.#chosen.length > 0 && this.#chosen.every((id) => !this.#known.has(id))));
  readonly shown = $derived(this.#stranger ? this.#newest : (this.#chosen ?? []).filter((id) => this.#known.has(id)));
  readonly #on = $derived(new Set(this.shown));
  /** Runs of the legend: those shown, and those hidden by it. */
  readonly legend = $derived.by(() => {
    // Nobody hid what only made room for a newer run.
    const stay = this.#order.filter((id) => (this.#stranger ? this.#on : this.#known).has(id));
    return [...stay, ...this.shown.filter((id) => !stay.includes(id))];
  });
  readonly numbers = $derived(new Map(this.legend.map((id, at) => [id, at + 1])));
  /** What most of the shown runs were measured on. */
  readonly #ground = $derived.by(() => {
    const counts = new Map<string, number>();
    for (const id of this.shown) {
      const ground = this.#known.get(id)?.ground;
      if (ground !== undefined) counts.set(ground, (counts.get(ground) ?? 0) + 1);
    }
    return [...counts].reduce<[string, number] | null>((most, one) => (most && most[1] >= one[1] ? most : one), null)?.[0] ?? null;
  });

  isShown(id: number): boolean {
    return this.#on.has(id);
  }

  line(id: number): RunLine | null {
    return this.#known.get(id) ?? null;
  }

  /** Whether a run's losses cannot be compared with those of most runs shown. */
  isOdd(line: RunLine): boolean {
    return this.#ground !== null && line.ground !== this.#ground;
  }

  /** The one other run that is picked, or else shown. */
  partner(id: number): RunLine | null {
    const only = (ids: number[]) => {
      const others = ids.filter((one) => one !== id);
      return others.length === 1 ? this.line(others[0] as number) : null;
    };
    return (this.picked.length === 1 ? only(this.picked) : null) ?? only(this.shown);
  }

  /** `show` replaces for this visit what was shown last time. */
  open(show: number[] | undefined): Promise<void | undefined> {
    return this.reading.run(async () => {
      const asked = this.#backend.runsPage().catch((): RunsPage | null => null);
      const lines = await this.#backend.runs(this.#project);
      const page = await asked;
      this.title = lines[0]?.run.project_name ?? (this.#project === null ? "" : (await this.#backend.project(this.#project)).name);
      if (page) this.#take(page);
      if (show) {
        this.#remembered = page?.shown ?? null;
        this.#chosen = show;
        this.#visited = show;
      }
      this.lines = lines;
      this.recent = this.shown.slice().reverse();
      this.#order = this.shown;
      this.ready = true;
    });
  }

  #take(page: RunsPage): void {
    this.style = page.style;
    this.chosenColumns = chosenColumns(page.columns);
    if (page.sort) [this.sort, this.descending] = [page.sort, page.descending];
    this.archived = page.archived;
    this.#chosen = page.shown;
  }

  /** Reads the runs again. */
  async read(): Promise<void> {
    const lines = await this.reading.run(() => this.#backend.runs(this.#project));
    if (!lines) return;
    this.lines = lines;
    this.revision += 1;
  }

  #save(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.leave(), SAVE_AFTER);
  }

  /** Keeps what is not kept yet. */
  async leave(): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const shown = this.#remembered === undefined ? this.#chosen : this.#remembered;
    const page: RunsPage = {
      style: this.style, columns: keptColumns(this.chosenColumns), sort: this.sort, descending: this.descending, shown, archived: this.archived,
    };
    // What could not be kept is only how the page looks.
    await this.#backend.saveRunsPage(page).catch(() => undefined);
  }

  restyle(change: Partial<CurveStyle>): void {
    this.style = { ...this.style, ...change };
    this.#save();
  }

  sortBy(key: string): void {
    this.descending = this.sort === key ? !this.descending : false;
    this.sort = key;
    this.#save();
  }

  chooseColumns(names: ColumnName[]): void {
    this.chosenColumns = names;
    this.#save();
  }

  listArchived(on: boolean): void {
    this.archived = on;
    this.#save();
  }

  /** Shows exactly these; `kept` stay in the legend although they are hidden. */
  show(ids: number[], kept: number[] = []): void {
    const before = this.#on;
    const stay = new Set([...ids, ...kept]);
    const order = this.legend.filter((id) => stay.has(id));
    const added = ids.filter((id) => !order.includes(id));
    this.#order = [...order, ...added];
    const wanted = new Set(ids);
    const elsewhere = (this.#chosen ?? []).filter((id) => !this.#known.has(id));
    this.#chosen = [...this.#order.filter((id) => wanted.has(id)), ...elsewhere.slice(0, ELSEWHERE)];
    this.#remembered = undefined;
    this.#touched = true;
    const fresh = ids.filter((id) => !before.has(id));
    this.recent = [...this.recent.filter((id) => !fresh.includes(id)), ...fresh];
    this.#save();
  }

  /** Shows or hides a run. Hidden by the legend, it stays there to be shown again. */
  toggle(id: number, byLegend = false): void {
    const hidden = this.legend.filter((one) => one !== id && !this.isShown(one));
    if (!this.isShown(id)) this.show([...this.shown, id], hidden);
    else this.show(this.shown.filter((one) => one !== id), byLegend ? [...hidden, id] : hidden);
  }

  pick(runs: number[]): void {
    const same = runs.length > 0 && runs.join() === this.picked.join();
    this.picked = same ? [] : runs;
    if (!same) this.recent = [...this.recent.filter((id) => !runs.includes(id)), ...runs];
  }

  showNewest(): void {
    this.show(this.#newest);
  }

  showListed(): void {
    const listed = this.listed.map((line) => line.run.id);
    this.show([...this.shown, ...listed.filter((id) => !this.isShown(id))]);
  }

  hideListed(): void {
    const listed = new Set(this.listed.map((line) => line.run.id));
    this.show(this.shown.filter((id) => !listed.has(id)));
  }

  invertListed(): void {
    const listed = this.listed.map((line) => line.run.id);
    const others = this.shown.filter((id) => !listed.includes(id));
    this.show([...others, ...listed.filter((id) => !this.isShown(id))]);
  }

  archive(line: RunLine, archived: boolean): Promise<boolean | undefined> {
    return this.working.run(async () => {
      await this.#backend.archiveRun(line.run.id, archived);
      this.#visited = this.#visited.filter((id) => id !== line.run.id);
      await this.read();
      return true;
    });
  }

  colour(id: number, colour: string | null): void {
    void this.working.run(async () => {
      await this.#backend.colourRun(id, colour);
      await this.read();
    });
  }

  remove(line: RunLine): Promise<void | undefined> {
    return this.working.run(() => deleteRun(this.#backend, line.run, () => this.read()));
  }
}
