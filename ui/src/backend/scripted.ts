import type { Backend } from "./backend";
import type {
  About, AppError, DataSummary, Draft, NewerVersion, Preferences, Project, RunMessage, RunState, RunSummary, RunView, ShellEvent, VersionSummary,
} from "./generated/wire";
import { balanceOf, emptyDraft, modelOf, presets, previewOf, rolesOf, samples } from "./scripted-data";
import { makeCompare } from "./scripted-compare";
import { makeKeeping } from "./scripted-keeping";
import { makeMeasuring, type Turn } from "./scripted-measure";
import { checkOf } from "./scripted-prompt";
import { after, freshView, planOf, resultOf, type Ending, type Plan } from "./scripted-run";
import { makeModels } from "./scripted-models";
import { makeRuns } from "./scripted-runs";
import { makeServers } from "./scripted-servers";
import { makeTables } from "./scripted-table";
import { makeVersions } from "./scripted-versions";

export type ScriptedOptions = {
  /** Milliseconds between two messages of a run; 0: only `tick` moves it. */
  pace?: number;
  /** Whether runs find something better. */
  gain?: boolean;
  /** What the check at the end of a run says, in place of better. */
  ending?: Ending;
  /** Whether the model counts as loaded, so that tokens and minutes are known. */
  loaded?: boolean;
  /** Number of examples that a sample comes with, in place of its own. */
  rows?: number;
  /** Whether runs put examples into the prompt. */
  shows?: boolean;
  /** How many of them only check a result, in place of 40. */
  held?: number;
  preferences?: Partial<Preferences>;
  /** Files that the program was asked to open; a test may add to them. */
  opened?: string[];
  /** A version that is newer than this one. */
  newer?: NewerVersion;
  /** Whether the package names where newer versions are; true unless said. */
  asks?: boolean;
};

type Run = { view: RunView; plan: Plan; at: number; watchers: Set<(message: RunMessage) => void> };

/** The program as a stand-in: everything in memory, nothing by chance. */
export type Scripted = Backend & {
  /** Moves all active runs and downloads on by so many messages. */
  tick(messages?: number): void;
  /** Moves a run to its end. */
  finish(run: number): void;
  /** Ends the download of a newer version. */
  endUpdate(): void;
  /** Says something as the shell would. */
  shell(event: ShellEvent): void;
  /** Makes the next call of a method fail. */
  failNext(method: keyof Backend, error: AppError): void;
  /** Replaces parts of a run's view, for states that are hard to reach. */
  setView(run: number, change: Partial<RunView>): void;
  /** Replaces a project's versions, newest first. */
  setVersions(project: number, versions: VersionSummary[]): void;
  /** What was asked, newest last: method and arguments. */
  readonly calls: Array<[string, ...unknown[]]>;
  readonly copied: string[];
};

const ABOUT: About = {
  version: "0.1.0", commit: "1a2b3c4", data: "/home/you/.local/share/pmpo-studio", cache: "/home/you/.cache/pmpo-studio",
  log: "/home/you/.local/state/pmpo-studio", model: "/usr/lib/pmpo-studio/models/SmolLM2-135M-Instruct.Q4_1.gguf", model_is_there: true,
  asks: "pmpo.example",
  linked: [
    { name: "rusqlite", version: "0.39.0", licence: "MIT" },
    { name: "svelte", version: "5.57.3", licence: "MIT" },
    { name: "tauri", version: "2.12.1", licence: "Apache-2.0 OR MIT" },
  ],
};

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });

export function makeScripted(options: ScriptedOptions = {}): Scripted {
  const { pace = 0, gain = true, opened = [] } = options;
  let loaded = options.loaded ?? true;
  let clock = Date.UTC(2025, 4, 12, 9, 30);
  let nextId = 1;
  let preferences: Preferences = { theme: "system", language: "en", advanced: false, ...options.preferences };
  const projects = new Map<number, Project & { updated_at: number }>();
  const runs = new Map<number, Run>();
  const listeners = new Set<(event: ShellEvent) => void>();
  const failures = new Map<string, AppError>();
  const calls: Array<[string, ...unknown[]]> = [];
  const copied: string[] = [];
  let endUpdate = (_cancelled: boolean): void => undefined;

  const projectOf = (id: number) => {
    const found = projects.get(id);
    if (!found) throw wrong("not_found", "This project does not exist any more.", "Go back to the start page.");
    return found;
  };
  const runOf = (id: number) => {
    const found = runs.get(id);
    if (!found) throw wrong("not_found", "This run does not exist any more.", "Go back to the start page.");
    return found;
  };
  const runsOf = (project: number) => [...runs.values()].map((run) => run.view.run).filter((run) => run.project === project).reverse();
  const give = (id: number): Project => {
    const { updated_at: _, ...project } = projectOf(id);
    return structuredClone({ ...project, shows_examples: project.draft.may_show_examples ?? true, runs: runsOf(id) });
  };
  const addVersion = (id: number, text: string, origin: VersionSummary["origin"]): VersionSummary => {
    const project = projectOf(id);
    const same = project.versions.find((version) => version.text === text);
    if (same) return same;
    const version: VersionSummary = {
      id: nextId++, number: project.versions.length + 1, text, parent: project.versions.at(0)?.id ?? null, origin, note: "", starred: false,
      tags: [], labels: [], created_at: clock++,
    };
    project.versions = [version, ...project.versions];
    return version;
  };
  const add = (name: string, draft: Draft, data: DataSummary | null, sample: Project["sample"]): Project => {
    const id = nextId++;
    projects.set(id, { id, name, sample, draft, unread: [], shows_examples: true, data, runs: [], versions: [], updated_at: clock++ });
    return give(id);
  };

  const send = (run: Run, message: RunMessage) => {
    run.view = after(run.view, message);
    for (const watcher of [...run.watchers]) watcher(structuredClone(message));
  };
  const announce = (run: Run) => shell({ kind: "run_changed", run: structuredClone(run.view.run) });
  const shell = (event: ShellEvent) => { for (const listener of [...listeners]) listener(event); };
  const settle = (run: Run, state: RunState, extra: Partial<RunView> = {}) => {
    const finished = state === "paused" ? null : clock++;
    const { verdict = null, asked = null, choices = null, examples: held_out = null } = extra.outcome?.validation ?? {};
    const view: RunView = { ...run.view, ...extra, run: { ...run.view.run, state, active: false, finished_at: finished, verdict, asked, choices, held_out } };
    send(run, { kind: "ended", view });
    announce(run);
  };
  const end = (run: Run) => {
    const progress = { tokens_done: run.view.progress?.tokens_done ?? 0, tokens_left: 0, seconds_left: 0, speed: null, memory: null };
    const { outcome, best } = run.plan;
    settle(run, "completed", { outcome, best, phase: "ended", progress });
    if (best.origin.kind !== "start") addVersion(run.view.run.project, best.text, { kind: "run", run: run.view.run.id, candidate: best.ordinal });
  };
  const step = (run: Run) => {
    if (!run.view.run.active) return;
    const message = run.plan.messages[run.at++];
    if (message) send(run, message);
    else end(run);
  };
  const drive = (run: Run) => {
    if (pace <= 0) return;
    const timer = setInterval(() => {
      step(run);
      if (!run.view.run.active) clearInterval(timer);
    }, pace);
  };

  const next = () => nextId++;
  const now = () => clock++;
  const tables = makeTables({ project: projectOf, give, next, now });
  const turn: Turn = { going: null };
  const busy = () => [...runs.values()].some((run) => run.view.run.active);
  const measuring = makeMeasuring(
    { project: projectOf, give, next, now, addVersion, shell: (event) => shell(event), busy },
    tables, pace, turn,
  );

  const users = (path: string | null) =>
    [...projects.values()].filter(({ draft }) => draft.model_path === path || (path !== null && draft.writer_path === path)).map(({ name }) => name);
  const models = makeModels({ shell: (event) => shell(event), users, pace });
  const servers = makeServers(pace);
  const adopt = (project: Project) => {
    projects.set(project.id, { ...project, updated_at: clock++ });
    return give(project.id);
  };
  const times = (name: string) => calls.filter(([method]) => method === name).length;
  const binned = () => times("deleteRun") - times("undeleteRun");

  const methods: Backend = {
    ...tables.methods,
    ...measuring,
    ...makeVersions({ project: projectOf, give, next, now, addVersion }),
    ...makeRuns({ runs, versions: (id) => projects.get(id)?.versions ?? [] }),
    ...makeCompare({ project: projectOf, run: (id) => runOf(id).view, runs: runsOf, shell: (event) => shell(event), busy }, tables, pace, turn),
    ...models.methods,
    ...servers.methods,
    ...makeKeeping({ project: projectOf, give, next, now, addVersion, run: (id) => runs.get(id)?.view ?? null, add: adopt, binned }),
    async home() {
      const mine = [...projects.values()].sort((a, b) => b.updated_at - a.updated_at);
      return structuredClone({
        version: "0.1.0", data_folder: "/home/you/.local/share/pmpo-studio", preferences,
        projects: mine.map((project) => ({
          id: project.id, name: project.name, sample: project.sample?.name ?? null, prompt: project.draft.prompt.slice(0, 160),
          examples: project.data?.examples ?? null, runs: runsOf(project.id).length, last_run: runsOf(project.id)[0] ?? null,
          updated_at: project.updated_at,
        })),
        samples: samples.map(({ name, title, description }) => ({ name, title, description, project: mine.find((one) => one.sample?.name === name)?.id ?? null })),
        unfinished: [...runs.values()].map((run) => run.view.run).filter((run) => !run.active && (run.state === "paused" || run.state === "running")),
      });
    },
    async savePreferences(next) { preferences = { ...next }; },
    async openSample(name) {
      const known = [...projects.values()].find((project) => project.sample?.name === name);
      if (known) return give(known.id);
      const sample = samples.find((one) => one.name === name);
      if (!sample) throw wrong("not_found", `There is no sample called “${name}”.`);
      const kind = sample.target === "chosen" ? "preference" as const : "supervised" as const;
      const made = add(sample.title, emptyDraft(sample.prompt), {
        id: nextId++, name: `${name}.csv`, source: "sample", kind, columns: [sample.input],
        mapping: {
          inputs: [sample.input], rule: { kind: "whole" }, options: [], split: null, id: null, weight: null,
          answer: kind === "preference" ? { kind, chosen: "chosen", rejected: "rejected" } : { kind, target: sample.target, also: [] },
        },
        labels: sample.labels, examples: options.rows ?? sample.examples, edits: 0, train: 20, validation: options.held ?? 40,
        balance: balanceOf(sample.labels, options.rows ?? sample.examples, 20, options.held ?? 40), preview: sample.rows,
      }, { name, title: sample.title, description: sample.description, project: null });
      addVersion(made.id, sample.prompt, { kind: "sample" });
      return give(made.id);
    },
    async createProject(name) { return add(name, emptyDraft(), null, null); },
    async project(id) { return give(id); },
    async renameProject(id, name) { projectOf(id).name = name; },
    async deleteProject(id) {
      projectOf(id);
      projects.delete(id);
      for (const run of runsOf(id)) runs.delete(run.id);
    },
    async saveDraft(id, draft) {
      const project = projectOf(id);
      const { split } = draft.settings;
      if (project.data && JSON.stringify(split) !== JSON.stringify(project.draft.settings.split)) {
        const { examples, labels } = project.data;
        const of = (share: number, limit: number) => Math.min(limit, Math.round(share * examples));
        const [train, validation] = [of(split.train_share, split.train_limit), of(split.validation_share, split.validation_limit)];
        project.data = { ...project.data, train, validation, balance: balanceOf(labels, examples, train, validation) };
      }
      project.draft = structuredClone(draft);
      project.updated_at = clock++;
    },
    async chooseData() { return "/home/you/reviews.csv"; },
    async chooseModel() { return "/home/you/models/qwen3-1.7b-q8.gguf"; },
    async chooseModelFolder() { return "/home/you/models/Qwen3-1.7B"; },
    async chooseDataFolder() { return "/home/you/reviews"; },
    async previewData(path, choice) {
      if (!/\.(csv|tsv|jsonl?|xlsx?|ods)$|\/reviews$/i.test(path)) throw wrong("data_format", "This kind of file cannot be read.", "Use CSV, TSV, JSON, JSON lines or Excel.");
      if (path.includes("damaged")) throw wrong("data_broken", "Row 3, column “text”: a quotation mark is opened and never closed.", "Close the quotation mark in row 3, or save the table as CSV again.");
      return previewOf(path, choice);
    },
    async keepData(id, path, choice) {
      const seen = previewOf(path, choice);
      if (projectOf(id).data) tables.bookOf(id);
      if (!seen.mapping) throw wrong("columns", "Choose the columns first.");
      projectOf(id).data = {
        id: nextId++, name: seen.name, source: path, kind: seen.mapping.answer.kind, columns: seen.columns, mapping: seen.mapping,
        labels: seen.labels.map((one) => one.label), examples: seen.examples, edits: 0, train: 20, validation: 40,
        balance: balanceOf(seen.labels.map((one) => one.label), seen.examples, 20, 40), preview: seen.first,
      };
      return give(id);
    },
    async watchData(id) { return projectOf(id).data ? { project: id, state: { kind: "same" }, edits: tables.bookOf(id).done.length } : null; },
    async unwatchData() {},
    async updateData(id) {
      const data = projectOf(id).data;
      if (!data) throw wrong("no_data", "These examples came from no file.", "Choose a file.");
      tables.bookOf(id).closed = true;
      // What came with the old examples stays with them.
      projectOf(id).data = { ...data, id: nextId++, examples: data.examples + 3, edits: 0 };
      tables.bookOf(id);
      return give(id);
    },
    async checkPrompt(id, prompt, locked) { return checkOf(prompt, locked, projectOf(id).data?.columns ?? [], loaded ? 32768 : null); },
    async scorePrompt(id, prompt) {
      if (!projectOf(id).data) throw wrong("no_data", "There are no examples to measure with.", "Choose a file with examples first.");
      loaded = true;
      return { loss: 2.914 - Math.min(1.9, prompt.length / 400), std_error: 0.081, accuracy: 0.45, asked: 0.15, examples: 20, left_out: [], seconds: 3.2 };
    },
    async modelInfo(path, device) { return servers.info(path) ?? modelOf(path, device, loaded); },
    async modelRoles(id) { return rolesOf(projectOf(id).draft, runsOf(id).length ? 12.4 : null); },
    async presetSettings(preset) { return structuredClone(presets[preset]); },
    async estimate(id) {
      const { data, draft: { effort } } = projectOf(id);
      loaded = true;
      const minutes = effort === "quick" ? 3.4 : effort === "standard" ? 16 : 74;
      return { tokens: minutes * 54_000, minutes, train: data?.train ?? 20, validation: data?.validation ?? 40, left_out: [], tokens_per_second: 900 };
    },
    async startRun(id) {
      const project = projectOf(id);
      if (!project.data) throw wrong("no_data", "There are no examples to measure with.", "Choose a file with examples first.");
      if (!project.draft.prompt.trim()) throw wrong("prompt", "The prompt is empty.", "Write what the model should do with each example.");
      loaded = true;
      addVersion(id, project.draft.prompt, { kind: "written" });
      const summary: RunSummary = {
        id: nextId++, project: id, project_name: project.name, name: `Run ${runsOf(id).length + 1}`, state: "running", active: true, earlier_data: false,
        start_loss: null, best_loss: null, verdict: null, asked: null, choices: null, held_out: null, created_at: clock++, finished_at: null, working_seconds: 0, error: null,
      };
      const run: Run = {
        view: freshView(summary, project.draft.settings, project.draft.prompt, project.data.name),
        plan: planOf(project.draft.prompt, project.draft.locked, summary.id, gain, { ending: options.ending, kind: project.data.kind, labels: project.data.labels }, 3, options.shows), at: 0, watchers: new Set(),
      };
      runs.set(summary.id, run);
      drive(run);
      return structuredClone(summary);
    },
    async resumeRun(id) {
      const run = runOf(id);
      run.view = { ...run.view, run: { ...run.view.run, state: "running", active: true, error: null } };
      announce(run);
      drive(run);
      return structuredClone(run.view.run);
    },
    async pauseRun(id) { settle(runOf(id), "paused"); },
    async stopRun(id) {
      const run = runOf(id);
      const best = run.view.best ?? run.plan.best;
      settle(run, "cancelled", {
        best, phase: "ended",
        outcome: { reason: "cancelled", best: best.ordinal, start_loss: run.view.run.start_loss ?? 0, best_loss: best.loss ?? 0, validation: null, answers: [] },
      });
    },
    async runView(id) { return structuredClone(runOf(id).view); },
    async watchRun(id, onMessage) {
      const run = runOf(id);
      onMessage({ kind: "snapshot", view: structuredClone(run.view) });
      run.watchers.add(onMessage);
      return () => run.watchers.delete(onMessage);
    },
    async result(id) {
      const { view } = runOf(id);
      const project = projectOf(view.run.project);
      const version = project.versions.find((one) => one.origin.kind === "run" && one.origin.run === id) ?? null;
      return structuredClone(resultOf(view, version, project.data?.preview ?? [], project.data));
    },
    async exportRun(id, format) { return `/home/you/run-${id}.${format}`; },
    async copyText(text) { copied.push(text); },
    async tellLanguage() { /* There is no system around the pages. */ },
    async takeOpened() { return opened.splice(0).map((path) => ({ path, is_there: !path.includes("gone") })); },
    async diagnostics() {
      return "PMPO Studio 0.1.0 (1a2b3c4)\nSystem: Debian GNU/Linux 12\nData: ~/.local/share/pmpo-studio\n\nLast lines of the log:\n2026-01-02T03:04:05Z 7  INFO pmpo_app::job: a run begins or goes on run=3\n";
    },
    async openLog() {},
    async about() { return structuredClone(options.asks === false ? { ...ABOUT, asks: null } : ABOUT); },
    async lookForUpdate() { return structuredClone(options.newer ?? null); },
    getUpdate(installs, onProgress) {
      onProgress({ done: 30e6, whole: 120e6 });
      return new Promise((resolve) => {
        endUpdate = (cancelled) => resolve(
          cancelled ? { kind: "cancelled" } : installs ? { kind: "installed" } : { kind: "saved", path: "/home/you/pmpo-studio.tar.gz" },
        );
      });
    },
    async cancelUpdate() { endUpdate(true); },
    async startAgain() {},
    async tryPrompt(_project, _prompt, input, onMessage) {
      const words = `Positive. The writer of “${input.slice(0, 40)}” sounds pleased.`.split(/(?<= )/);
      let stopped = false;
      let at = 0;
      const say = () => {
        if (stopped) return;
        const word = words[at++];
        if (word === undefined) return onMessage({ kind: "done", tokens: words.length, seconds: 1.4 });
        onMessage({ kind: "text", text: word });
        setTimeout(say, pace > 0 ? 60 : 0);
      };
      setTimeout(say, 0);
      return () => { stopped = true; };
    },
    async onShell(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async closeWindow() {},
  };

  const guarded = Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [name, async (...given: unknown[]) => {
      calls.push([name, ...given]);
      const failure = failures.get(name);
      if (failure) {
        failures.delete(name);
        throw failure;
      }
      return (method as (...given: unknown[]) => Promise<unknown>)(...given);
    }]),
  ) as unknown as Backend;

  return {
    ...guarded, calls, copied, shell, endUpdate: () => endUpdate(false),
    tick(messages = 1) {
      for (let i = 0; i < messages; i++) {
        for (const run of runs.values()) step(run);
        models.tick();
      }
    },
    finish(id) {
      const run = runOf(id);
      while (run.view.run.active) step(run);
    },
    setVersions(id, versions) { projectOf(id).versions = versions; },
    failNext(method, error) { failures.set(method, error); },
    setView(id, change) {
      const run = runOf(id);
      run.view = { ...run.view, ...change };
      for (const watcher of [...run.watchers]) watcher({ kind: "snapshot", view: structuredClone(run.view) });
    },
  };
}
