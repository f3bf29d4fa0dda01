import type {
  Chart, ChartRequest, DataNews, DataPreview, Draft, ExportFormat, Home, ImportChoice, JobEstimate, ModelInfo,
  Preferences, Project, PromptCheck, RunMessage, RunResult, RunSummary, RunView, ScoredPrompt,
  ShellEvent, TryMessage, VersionSummary,
} from "./generated/wire";

/** Stops a subscription. */
export type Unsubscribe = () => void;

/**
 * Everything the window asks of the program. Every call rejects with an
 * `AppError`. The real one is `tauri.ts`; component tests use `scripted.ts`.
 */
export interface Backend {
  home(): Promise<Home>;
  savePreferences(preferences: Preferences): Promise<void>;

  openSample(name: string): Promise<Project>;
  createProject(name: string): Promise<Project>;
  project(id: number): Promise<Project>;
  renameProject(id: number, name: string): Promise<void>;
  deleteProject(id: number): Promise<void>;
  saveDraft(id: number, draft: Draft): Promise<void>;

  /** Opens the system's dialog; null when the person closed it. */
  chooseData(): Promise<string | null>;
  chooseDataFolder(): Promise<string | null>;
  chooseModel(): Promise<string | null>;
  previewData(path: string, choice: ImportChoice): Promise<DataPreview>;
  keepData(project: number, path: string, choice: ImportChoice): Promise<Project>;
  /** How the source of the examples stands to them now; it is watched from here on. */
  watchData(project: number): Promise<DataNews | null>;
  unwatchData(): Promise<void>;
  updateData(project: number): Promise<Project>;

  checkPrompt(project: number, prompt: string, locked: string[]): Promise<PromptCheck>;
  scorePrompt(project: number, prompt: string): Promise<ScoredPrompt>;
  modelInfo(path: string | null, device: string): Promise<ModelInfo>;
  presetSettings(preset: Draft["effort"]): Promise<Draft["settings"]>;
  /** Loads the model where needed. */
  estimate(project: number): Promise<JobEstimate>;

  /** Starts a run on the project's saved draft. */
  startRun(project: number): Promise<RunSummary>;
  resumeRun(run: number): Promise<RunSummary>;
  /** Keeps everything; `resumeRun` goes on. */
  pauseRun(run: number): Promise<void>;
  /** Ends it; the best so far is kept. */
  stopRun(run: number): Promise<void>;
  deleteRun(run: number): Promise<void>;
  runView(run: number): Promise<RunView>;
  watchRun(run: number, onMessage: (message: RunMessage) => void): Promise<Unsubscribe>;
  result(run: number): Promise<RunResult>;
  chart(request: ChartRequest): Promise<Chart>;
  /** Asks where with the system's dialog; the path written, or null. */
  exportRun(run: number, format: ExportFormat): Promise<string | null>;
  /** Marks the run's best prompt as "in use" and puts it into the draft. */
  useVersion(project: number, version: number): Promise<Project>;
  copyText(text: string): Promise<void>;

  /** Streams an answer; calling the returned function stops it. */
  tryPrompt(project: number, prompt: string, input: string, onMessage: (message: TryMessage) => void): Promise<Unsubscribe>;

  onShell(listener: (event: ShellEvent) => void): Promise<Unsubscribe>;
  /** The answer to `close_requested`. */
  closeWindow(choice: "background" | "pause" | "stop" | "stay"): Promise<void>;
}

export type { VersionSummary };
