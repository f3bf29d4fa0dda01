import { asAppError, type Backend } from "../../backend";
import type { AppError, Draft, JobEstimate, ModelInfo, Preset, Project, PromptCheck, Settings } from "../../backend/generated/wire";
import { parse, write } from "../../lib/prompt-document";
import { changedSettings, sharesExceed, type SettingPath } from "../../lib/settings";
import { Waiting } from "../../lib/waiting.svelte";
import { Measures } from "./measure/measures.svelte";
import { Roles } from "./servers/roles.svelte";
import { isServer, localModels, Servers, writerOf, type LocalModel } from "./servers/servers.svelte";

const saveAfter = 400;
const checkAfter = 150;
const estimateAfter = 1200;

/** What of a draft decides how the examples are split, and whether they may be shown by default. */
const dependsOn = ({ settings, model_path }: Draft) => JSON.stringify([settings.split, settings.seed, model_path]);

/**
 * What lies on the table while a project is worked on: the draft, and what the
 * program knows about it. Sections read it and change it through its methods,
 * so that each change is saved and its consequences are asked for once.
 */
export class Desk {
  project = $state.raw() as Project;
  draft = $state.raw() as Draft;
  check = $state.raw<PromptCheck | null>(null);
  /** Tokens of the examples that the prompt shows, once they are known. */
  shownTokens = $state<number | null>(null);
  checkError = $state.raw<AppError | null>(null);
  model = $state.raw<ModelInfo | null>(null);
  estimate = $state.raw<JobEstimate | null>(null);
  /** The settings of the chosen effort. */
  defaults = $state.raw<Settings | null>(null);
  /** Settings whose typed value cannot be used. */
  faulty = $state.raw<SettingPath[]>([]);
  /** Models of this computer that can be used. */
  here = $state.raw<LocalModel[]>([]);
  saved = $state<"saved" | "saving" | "failed">("saved");

  readonly looking = new Waiting();
  readonly saving = new Waiting();
  readonly estimating = new Waiting();
  readonly starting = new Waiting();
  readonly measures: Measures;
  readonly servers: Servers;
  readonly roles: Roles;

  readonly writer = $derived.by(() => writerOf(this.draft, this.servers, this.here));
  readonly changed = $derived(this.defaults ? changedSettings(this.draft.settings, this.defaults) : []);
  readonly settingsFault = $derived(this.faulty.length > 0 || sharesExceed(this.draft.settings));
  readonly missing = $derived.by(() => {
    const missing: Array<"missingPrompt" | "missingData" | "missingUnknown" | "missingModel" | "missingWriter" | "missingSettings"> = [];
    if (!this.draft.prompt.trim()) missing.push("missingPrompt");
    if (!this.project.data) missing.push("missingData");
    else if (this.check?.unknown.length) missing.push("missingUnknown");
    const goneServer = isServer(this.draft.model_path) && this.servers.list !== null && !this.servers.find(this.draft.model_path);
    if (this.model?.problem || this.looking.error || goneServer) missing.push("missingModel");
    if (this.writer.kind === "gone" || this.writer.kind === "cannot" || this.roles.answer?.problem) missing.push("missingWriter");
    if (this.settingsFault) missing.push("missingSettings");
    return missing;
  });

  #backend: Backend;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #estimateTimer: ReturnType<typeof setTimeout> | undefined;
  #pending = false;
  /** Whether something has changed that the estimate does not know of. */
  #stale = true;
  #goodSplit: Settings["split"];
  /** What of the draft the project as it was read depends on. */
  #readFor: string;
  #running: Promise<void> = Promise.resolve();
  #checks = 0;
  #looks = 0;
  #hereLooks = 0;

  constructor(backend: Backend, project: Project) {
    this.#backend = backend;
    this.project = project;
    this.draft = project.draft;
    this.#goodSplit = project.draft.settings.split;
    this.#readFor = dependsOn(project.draft);
    this.measures = new Measures(backend, this);
    this.servers = new Servers(backend);
    this.roles = new Roles(backend, this);
    void this.servers.load();
    void this.roles.ask();
    void this.checkNow();
    void this.loadDefaults();
    void this.look().then(() => this.estimateIfCheap());
  }

  /** Takes a project as the program has it now, with its draft. */
  take(project: Project): void {
    this.project = project;
    this.draft = project.draft;
    this.#goodSplit = project.draft.settings.split;
    this.#readFor = dependsOn(project.draft);
    this.estimate = null;
    this.#stale = true;
    void this.roles.ask();
    void this.loadDefaults();
    void this.checkNow();
    void this.estimateIfCheap();
  }

  /** Looks which models are here. What fails leaves them out of lists, nothing else. */
  async lookHere(): Promise<void> {
    const mine = ++this.#hereLooks;
    try {
      const found = localModels(await this.#backend.models());
      if (mine === this.#hereLooks) this.here = found;
    } catch {
      // Their page tells why.
    }
  }

  change(change: Partial<Draft>): void {
    this.draft = { ...this.draft, ...change };
    this.#pending = true;
    this.saved = "saving";
    this.#stale = true;
    // A few words more or less hardly change the time; another effort does.
    if (change.settings || change.effort || change.device !== undefined || change.model_path !== undefined || change.writer_path !== undefined) this.estimate = null;
    if (change.settings && !sharesExceed(change.settings)) this.#goodSplit = change.settings.split;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => void this.flush(), saveAfter);
    clearTimeout(this.#estimateTimer);
    this.#estimateTimer = setTimeout(() => void this.flush().then(() => this.estimateIfCheap()), estimateAfter);
    if (change.prompt !== undefined || change.locked !== undefined) {
      clearTimeout(this.#checkTimer);
      this.#checkTimer = setTimeout(() => void this.checkNow(), change.locked ? 0 : checkAfter);
    }
    if (change.model_path !== undefined || change.device !== undefined) void this.look();
    if (change.model_path !== undefined || change.writer_path !== undefined || change.device !== undefined) void this.roles.ask();
  }

  /** Saves what is not saved yet. Saves never overtake each other. */
  flush(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#running = this.#running.then(async () => {
      if (!this.#pending) return;
      this.#pending = false;
      const draft = this.draft;
      // Shares that can't be are not kept, but the text beside them is.
      const settings = { ...draft.settings, split: sharesExceed(draft.settings) ? this.#goodSplit : draft.settings.split };
      await this.saving.run(() => this.#backend.saveDraft(this.project.id, { ...draft, settings }));
      if (this.saving.error) this.#pending = true;
      if (this.draft === draft) this.saved = this.saving.error ? "failed" : "saved";
      const readFor = dependsOn({ ...draft, settings });
      if (this.saving.error || readFor === this.#readFor) return;
      this.#readFor = readFor;
      void this.readLists();
    });
    return this.#running;
  }

  async checkNow(): Promise<void> {
    const mine = ++this.#checks;
    const { prompt, locked } = this.draft;
    try {
      const check = await this.#backend.checkPrompt(this.project.id, prompt, locked);
      if (mine !== this.#checks) return;
      this.check = check;
      this.checkError = null;
      void this.#countShown(mine, prompt, check.tokens);
      // A locked text that was edited is not there any more, so nothing holds it.
      const held = check.pieces.filter((piece) => piece.locked).map((piece) => piece.text);
      if (this.draft.prompt === prompt && this.draft.locked === locked && held.join("\0") !== locked.join("\0")) {
        this.draft = { ...this.draft, locked: held };
        this.#pending = true;
      }
    } catch (thrown) {
      if (mine === this.#checks) this.checkError = asAppError(thrown);
    }
  }

  /** What the prompt takes without its examples is what they do not take. */
  async #countShown(check: number, prompt: string, whole: number | null): Promise<void> {
    const { text, demonstrations } = parse(prompt);
    let tokens: number | null = null;
    if (demonstrations.length > 0 && whole !== null) {
      try {
        const alone = await this.#backend.checkPrompt(this.project.id, write({ text, demonstrations: [] }), []);
        tokens = alone.tokens === null ? null : Math.max(0, whole - alone.tokens);
      } catch {
        // The count of all tokens stands beside it.
      }
    }
    if (check === this.#checks) this.shownTokens = tokens;
  }

  async look(): Promise<void> {
    const mine = ++this.#looks;
    const { model_path, device } = this.draft;
    const found = await this.looking.run(() => this.#backend.modelInfo(model_path, device));
    // What was there before is not the model that the draft names.
    if (mine === this.#looks) this.model = found ?? null;
  }

  async loadDefaults(): Promise<void> {
    const effort = this.draft.effort;
    try {
      const defaults = await this.#backend.presetSettings(effort);
      if (this.draft.effort === effort) this.defaults = defaults;
    } catch {
      // Without them "back to default" is missing, and the rest works.
    }
  }

  async chooseEffort(effort: Preset): Promise<void> {
    const settings = await this.#backend.presetSettings(effort);
    this.defaults = settings;
    this.faulty = [];
    this.change({ effort, settings: { ...settings } });
  }

  markFault(path: SettingPath, faulty: boolean): void {
    const others = this.faulty.filter((other) => other !== path);
    this.faulty = faulty ? [...others, path] : others;
  }

  /** Loads the model where needed. */
  async estimateNow(): Promise<void> {
    await this.estimating.run(async () => {
      await this.flush();
      const draft = this.draft;
      const estimate = await this.#backend.estimate(this.project.id);
      if (this.draft !== draft) return;
      this.estimate = estimate;
      this.#stale = false;
    });
    await this.afterModelUse();
  }

  /** Minutes appear by themselves only where no model has to be loaded for them. */
  async estimateIfCheap(): Promise<void> {
    if (!this.model?.loaded || this.missing.length || !this.#stale || this.estimating.busy) return;
    // A run has the model to itself; a question would only wait for it.
    if (this.project.runs.some((run) => run.active)) return;
    await this.estimateNow();
  }

  /** A model that has been loaded can count tokens. */
  async afterModelUse(): Promise<void> {
    if (!this.model?.loaded) {
      await this.look();
      await this.checkNow();
    }
  }

  /** The number of the new run, or null when it could not be started. */
  async start(): Promise<number | null> {
    if (this.missing.length || this.starting.busy) return null;
    const run = await this.starting.run(async () => {
      await this.flush();
      if (this.saving.error) throw this.saving.error;
      return this.#backend.startRun(this.project.id);
    });
    return run?.id ?? null;
  }

  /** Reads runs, versions and examples again, without touching what is being written. */
  async readLists(): Promise<void> {
    try {
      this.takeLists(await this.#backend.project(this.project.id));
    } catch {
      // The lists stay as they were.
    }
  }

  takeLists({ runs, versions, data, shows_examples, unread }: Project): void {
    this.project = { ...this.project, runs, versions, data, shows_examples, unread };
  }

  async leave(): Promise<void> {
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#estimateTimer);
    await this.flush();
  }
}
