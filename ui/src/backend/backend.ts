import type {
  Chart, ChartRequest, DataChart, DataFormat, DataNews, DataPreview, Draft, ExportFormat, Home, ImportChoice, JobEstimate,
  LabelMove, Measurements, ModelInfo, Preferences, Project, PromptCheck, RowsChosen, RowText, RunMessage, RunResult,
  RunSummary, RunView, ScoredPrompt, ShellEvent, TablePage, TableQuery, TryMessage, VersionComparison, VersionSummary,
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

  /** A stretch of the project's examples that `query` finds. */
  tablePage(project: number, query: TableQuery, from: number, count: number): Promise<TablePage>;
  /** One example with its whole texts. */
  tableRow(project: number, key: number): Promise<RowText>;
  editRow(project: number, key: number, row: RowText): Promise<void>;
  /** The key of the new row. */
  addRow(project: number, row: RowText): Promise<number>;
  /** How many were taken out, in one step that `undoEdit` takes back. */
  removeRows(project: number, rows: RowsChosen): Promise<number>;
  /** Whether there was something to take back. */
  undoEdit(project: number): Promise<boolean>;
  redoEdit(project: number): Promise<boolean>;
  /** Asks where with the system's dialog; the path written, or null. */
  exportData(project: number, format: DataFormat): Promise<string | null>;

  measurements(project: number): Promise<Measurements>;
  /**
   * Measures versions (none: the prompt in the editor, which becomes one) on states
   * of the data (none: the one in use). How far it is comes as a `ShellEvent`.
   */
  measure(project: number, versions: number[], datasets: number[]): Promise<Measurements>;
  /** What was measured so far is kept. */
  stopMeasuring(project: number): Promise<void>;
  /** Goes back to an earlier state of the data. */
  useDataset(project: number, dataset: number): Promise<Project>;
  dataChart(project: number, versions: number[], width: number, height: number, dark: boolean): Promise<DataChart>;

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
  annotateVersion(project: number, version: number, note: string, starred: boolean, tags: string[]): Promise<Project>;
  /** Puts a label on a version, away from any other; null takes it away. */
  labelVersion(project: number, name: string, version: number | null): Promise<Project>;
  /** Newest first. */
  labelMoves(project: number): Promise<LabelMove[]>;
  /** Two versions beside each other; null is the saved prompt in the editor. */
  compareVersions(project: number, first: number | null, second: number | null): Promise<VersionComparison>;
  copyText(text: string): Promise<void>;

  /** Streams an answer; calling the returned function stops it. */
  tryPrompt(project: number, prompt: string, input: string, onMessage: (message: TryMessage) => void): Promise<Unsubscribe>;

  onShell(listener: (event: ShellEvent) => void): Promise<Unsubscribe>;
  /** The answer to `close_requested`. */
  closeWindow(choice: "background" | "pause" | "stop" | "stay"): Promise<void>;
}

export type { VersionSummary };
