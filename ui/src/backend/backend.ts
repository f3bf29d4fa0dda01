import type {
  About, Comparison, ComparisonRequest, DataChart, DataFormat, DataNews, DataPreview, Draft, ExampleTokens, ExportFormat, Home,
  ImportChoice, JobEstimate, LabelMove, Measurements, ModelInfo, ModelRoles, ModelsPage, NewerVersion, OpenedFile, Overlay, OverlayFormat, OverlayReading, OverlayRequest, PictureWords, Preferences,
  Project, PromptCheck, RepoModels, RowsChosen, RowText, RunLine, RunMessage, RunResult, RunsPage, RunSummary, RunView, Scatter, ScoredPrompt, ServerTyped, ServerView, ShellEvent,
  StorageInfo, TablePage, TableQuery, TryMessage, UpdateEnd, UpdateProgress, VersionFormat, VersionStory, VersionSummary,
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
  /** A folder with a model's safetensors files. */
  chooseModelFolder(): Promise<string | null>;
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
  /** How the two models of the project's saved draft share the memory; null where the one that writes is no second one on this computer. */
  modelRoles(project: number): Promise<ModelRoles | null>;
  /** The catalogue and what is here. Asks no network. */
  models(): Promise<ModelsPage>;
  /** What a repository of the hub holds (`owner/name` or its page's address). Asks the network. */
  lookUpModel(repo: string): Promise<RepoModels>;
  /** Begins, or goes on; progress and end come as `ShellEvent`s. A model is named by repository and files. */
  downloadModel(repo: string, files: string[]): Promise<void>;
  /** Keeps what is here; `downloadModel` goes on. */
  pauseDownload(repo: string, files: string[]): Promise<void>;
  /** Removes what it brought, also of one that was paused. */
  cancelDownload(repo: string, files: string[]): Promise<void>;
  /** The bytes that were freed. */
  removeModel(repo: string, files: string[]): Promise<number>;
  /** Servers of the person's own that were checked. */
  servers(): Promise<ServerView[]>;
  /** Connects, finds out what it can do (a minute at most), and keeps that; its key goes to the keyring. */
  checkServer(typed: ServerTyped): Promise<ServerView>;
  /** Ends a check that is under way; `checkServer` fails then. */
  cancelServerCheck(): Promise<void>;
  removeServer(path: string): Promise<void>;
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
  /** Into the bin: `undeleteRun` brings it back for an hour. */
  deleteRun(run: number): Promise<void>;
  undeleteRun(run: number): Promise<void>;
  /** Runs of a project, or of all (null), newest first; those put aside as well. */
  runs(project: number | null): Promise<RunLine[]>;
  describeRun(run: number, name: string, note: string, tags: string[]): Promise<void>;
  archiveRun(run: number, archived: boolean): Promise<void>;
  /** `#rrggbb`, or null for the usual one. */
  colourRun(run: number, colour: string | null): Promise<void>;
  /** Several runs in one picture. */
  overlay(request: OverlayRequest): Promise<Overlay>;
  /** What the curves are at a place of the axis. Fast: for hovering. */
  overlayAt(request: OverlayRequest, x: number): Promise<OverlayReading[]>;
  /** Exactly what is shown, as a file. Asks where with the system's dialog; the path written, or null. */
  exportOverlay(request: OverlayRequest, format: OverlayFormat, large: boolean, words: PictureWords): Promise<string | null>;
  /** How the page of runs was left. */
  runsPage(): Promise<RunsPage>;
  saveRunsPage(page: RunsPage): Promise<void>;
  runView(run: number): Promise<RunView>;
  watchRun(run: number, onMessage: (message: RunMessage) => void): Promise<Unsubscribe>;
  result(run: number): Promise<RunResult>;
  /** Asks where with the system's dialog; the path written, or null. */
  exportRun(run: number, format: ExportFormat): Promise<string | null>;
  /** Marks the run's best prompt as "in use" and puts it into the draft. */
  useVersion(project: number, version: number): Promise<Project>;
  annotateVersion(project: number, version: number, note: string, starred: boolean, tags: string[]): Promise<Project>;
  /** Puts a label on a version, away from any other; null takes it away. */
  labelVersion(project: number, name: string, version: number | null): Promise<Project>;
  /** Newest first. */
  labelMoves(project: number): Promise<LabelMove[]>;
  /** How a run came to a version; null for one that no run made. */
  versionStory(project: number, version: number): Promise<VersionStory | null>;
  /** Two prompts on the same examples, as far as that is measured: nothing is computed. */
  compare(request: ComparisonRequest): Promise<Comparison>;
  /** Losses under the second prompt over losses under the first, as a picture. */
  scatter(request: ComparisonRequest, width: number, height: number, dark: boolean): Promise<Scatter>;
  /**
   * Measures what is missing for `compare`. Progress comes as a `ShellEvent` of the
   * project; `stopMeasuring` stops it and keeps what was scored.
   */
  measureComparison(request: ComparisonRequest): Promise<Comparison>;
  /** An example's answers token by token under both prompts; runs the model. */
  compareTokens(request: ComparisonRequest, example: number): Promise<ExampleTokens>;
  /** Asks where with the system's dialog; the path written, or null. */
  exportVersion(project: number, version: number, format: VersionFormat): Promise<string | null>;
  /** Opens the system's dialog; null when the person closed it. */
  choosePrompt(): Promise<string | null>;
  /** Reads a prompt from a file (text, Markdown, JSON): it becomes a version and the prompt in the editor. */
  importPrompt(project: number, path: string): Promise<Project>;

  /** A project as one file. Asks where with the system's dialog; the path written, or null. */
  backUp(project: number, withData: boolean): Promise<string | null>;
  /** Opens the system's dialog; null when the person closed it. */
  chooseBackup(): Promise<string | null>;
  /** The project that was brought back. */
  bringBack(path: string): Promise<Project>;
  storage(): Promise<StorageInfo>;
  /** What is wrong with the database, in its own words; nothing where it is whole. */
  checkStorage(): Promise<string[]>;
  /** Empties the bin, too. */
  compactStorage(): Promise<StorageInfo>;
  copyText(text: string): Promise<void>;
  /** Files that the program was asked to open; each is given once. */
  takeOpened(): Promise<OpenedFile[]>;
  /** The language shown, in which the system's dialogs and notices are worded. */
  tellLanguage(language: string): Promise<void>;
  about(): Promise<About>;
  /** Version, system, devices, folders and the last lines of the log, as text for a report. None of the person's texts. */
  diagnostics(): Promise<string>;
  /** Shows the log in the program that the system has for it. */
  openLog(): Promise<void>;
  /** Asks for a newer version where the package says; null where this is the newest. */
  lookForUpdate(): Promise<NewerVersion | null>;
  /** Downloads the version that was found and checks its signature, then installs it or saves it where the person says. */
  getUpdate(installs: boolean, onProgress: (progress: UpdateProgress) => void): Promise<UpdateEnd>;
  /** Calls a download off; `getUpdate` then says so. */
  cancelUpdate(): Promise<void>;
  /** Starts the program again. */
  startAgain(): Promise<void>;

  /** Streams an answer; calling the returned function stops it. */
  tryPrompt(project: number, prompt: string, input: string, onMessage: (message: TryMessage) => void): Promise<Unsubscribe>;

  onShell(listener: (event: ShellEvent) => void): Promise<Unsubscribe>;
  /** The answer to `close_requested`. */
  closeWindow(choice: "background" | "pause" | "stop" | "stay"): Promise<void>;
}

export type { VersionSummary };
