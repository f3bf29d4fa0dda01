import { tick } from "svelte";
import type { Backend } from "../../backend";
import type { CatalogueModel, ModelsPage, Project } from "../../backend/generated/wire";
import { downloads, type Standing } from "../../lib/downloads.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { Waiting } from "../../lib/waiting.svelte";
import { format, t } from "../../text";
import { isolated } from "./models";

/** A model that can be downloaded, wherever it is listed. */
export type Model = { repo: string; files: string[]; name: string; /** Roughly. */ bytes: number };
/** A model of the hub's cache that the person wants to be gone. */
export type Removal = Model & { /** Names of projects that use it. */ projects: string[] };

/** What the page of models knows and does. */
export class Shelf {
  page = $state.raw<ModelsPage | null>(null);
  project = $state.raw<Project | null>(null);
  /** How many downloads had ended when `page` was asked for. */
  seen = $state(0);
  removal = $state.raw<Removal | null>(null);
  /** What is being put to use; "" for the built-in model. */
  using = $state<string | null>(null);

  readonly loading = new Waiting();
  readonly choosing = new Waiting();
  /** Which dialog was asked for last. */
  asked = $state<"file" | "folder">("file");

  readonly here = $derived((this.page?.catalogue ?? []).filter((one) => one.state.kind === "ready"));
  readonly away = $derived((this.page?.catalogue ?? []).filter((one) => one.state.kind !== "ready"));

  #backend: Backend;
  #id: number | null;
  #reads = 0;

  constructor(backend: Backend, project: number | null) {
    this.#backend = backend;
    this.#id = project;
  }

  /** Reads everything again; `keep` is around the change of the lists, so that nothing jumps. */
  load(keep: (change: () => Promise<void>) => Promise<void> = (change) => change()): Promise<unknown> {
    const mine = ++this.#reads;
    const seen = downloads.ends;
    return this.loading.run(async () => {
      const [page, project] = await Promise.all([this.#backend.models(), this.#id === null ? null : this.#backend.project(this.#id)]);
      if (mine !== this.#reads) return;
      await keep(async () => {
        this.page = page;
        this.project = project;
        this.seen = seen;
        await tick();
      });
    });
  }

  standing(model: CatalogueModel): Standing {
    return downloads.standing(model.entry.repo, model.entry.files, model.state, this.seen);
  }

  isUsed(path: string | null): boolean {
    return this.project !== null && this.project.draft.model_path === path;
  }

  /** Makes a model the project's (null: the built-in one) and goes back to it. */
  async use(path: string | null): Promise<void> {
    const id = this.#id;
    if (id === null || this.choosing.busy) return;
    this.using = path ?? "";
    await this.choosing.run(async () => {
      // As it is now: the draft may have been saved since this page opened.
      const { draft } = await this.#backend.project(id);
      await this.#backend.saveDraft(id, { ...draft, model_path: path });
      router.go({ page: "project", id });
    });
    this.using = null;
  }

  /** Asks for a model of the person's own and uses it. */
  async useOwn(kind: "file" | "folder"): Promise<void> {
    if (this.choosing.busy) return;
    this.asked = kind;
    const path = await this.choosing.run(() => (kind === "file" ? this.#backend.chooseModel() : this.#backend.chooseModelFolder()));
    if (path) await this.use(path);
  }

  async remove(): Promise<void> {
    const gone = this.removal;
    if (!gone) return;
    const freed = await this.#backend.removeModel(gone.repo, gone.files);
    toasts.show(t.models.here.removed(isolated(gone.name), format.bytes(freed)));
    // That it is gone is heard by the page, which reads its lists again.
    downloads.removed(gone.repo, gone.files);
  }
}
