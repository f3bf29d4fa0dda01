import { Channel, invoke } from "@tauri-apps/api/core";
import type { Backend, Unsubscribe } from "./backend";
import type { RunMessage, ShellEvent, TryMessage, UpdateProgress } from "./generated/wire";
import { asAppError } from "./index";

/** One call into the program. Faults of the bridge itself become an `AppError` too. */
async function ask<T>(command: string, values: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, values);
  } catch (thrown) {
    throw asAppError(thrown);
  }
}

function channel<T>(onMessage: (message: T) => void): { channel: Channel<T>; close: () => void } {
  let open = true;
  const made = new Channel<T>();
  // A message may be on its way while the listener says goodbye.
  made.onmessage = (message) => { if (open) onMessage(message); };
  return { channel: made, close: () => { open = false; } };
}

/** Subscribes, and gives back what ends it; ending it can't fail for the page. */
async function subscribe<T>(
  start: string, stop: string, values: Record<string, unknown>, onMessage: (message: T) => void,
): Promise<Unsubscribe> {
  const line = channel(onMessage);
  const subscription = await ask<number>(start, { ...values, channel: line.channel });
  return () => {
    line.close();
    ask<void>(stop, { subscription }).catch(() => undefined);
  };
}

export const tauri: Backend = {
  home: () => ask("home"),
  savePreferences: (preferences) => ask("save_preferences", { preferences }),

  openSample: (name) => ask("open_sample", { name }),
  createProject: (name) => ask("create_project", { name }),
  project: (id) => ask("project", { id }),
  renameProject: (id, name) => ask("rename_project", { id, name }),
  deleteProject: (id) => ask("delete_project", { id }),
  saveDraft: (id, draft) => ask("save_draft", { id, draft }),

  chooseData: () => ask("choose_data"),
  chooseDataFolder: () => ask("choose_data_folder"),
  chooseModel: () => ask("choose_model"),
  chooseModelFolder: () => ask("choose_model_folder"),
  previewData: (path, choice) => ask("preview_data", { path, choice }),
  keepData: (project, path, choice) => ask("keep_data", { project, path, choice }),
  watchData: (project) => ask("watch_data", { project }),
  unwatchData: () => ask("unwatch_data"),
  updateData: (project) => ask("update_data", { project }),

  tablePage: (project, query, from, count) => ask("table_page", { project, query, from, count }),
  tableRow: (project, key) => ask("table_row", { project, key }),
  editRow: (project, key, row) => ask("edit_row", { project, key, row }),
  addRow: (project, row) => ask("add_row", { project, row }),
  removeRows: (project, rows) => ask("remove_rows", { project, rows }),
  undoEdit: (project) => ask("undo_edit", { project }),
  redoEdit: (project) => ask("redo_edit", { project }),
  exportData: (project, format) => ask("export_data", { project, format }),

  measurements: (project) => ask("measurements", { project }),
  measure: (project, versions, datasets) => ask("measure", { project, versions, datasets }),
  stopMeasuring: (project) => ask("stop_measuring", { project }),
  useDataset: (project, dataset) => ask("use_dataset", { project, dataset }),
  dataChart: (project, versions, width, height, dark) => ask("data_chart", { project, versions, width, height, dark }),

  checkPrompt: (project, prompt, locked) => ask("check_prompt", { project, prompt, locked }),
  scorePrompt: (project, prompt) => ask("score_prompt", { project, prompt }),
  models: () => ask("models"),
  lookUpModel: (repo) => ask("look_up_model", { repo }),
  downloadModel: (repo, files) => ask("download_model", { repo, files }),
  pauseDownload: (repo, files) => ask("pause_download", { repo, files }),
  cancelDownload: (repo, files) => ask("cancel_download", { repo, files }),
  removeModel: (repo, files) => ask("remove_model", { repo, files }),
  servers: () => ask("servers"),
  checkServer: (typed) => ask("check_server", { typed }),
  cancelServerCheck: () => ask("cancel_server_check"),
  removeServer: (path) => ask("remove_server", { path }),
  modelInfo: (path, device) => ask("model_info", { path, device }),
  modelRoles: (project) => ask("model_roles", { project }),
  presetSettings: (preset) => ask("preset_settings", { preset }),
  estimate: (project) => ask("estimate", { project }),

  startRun: (project) => ask("start_run", { project }),
  resumeRun: (run) => ask("resume_run", { run }),
  pauseRun: (run) => ask("pause_run", { run }),
  stopRun: (run) => ask("stop_run", { run }),
  deleteRun: (run) => ask("delete_run", { run }),
  undeleteRun: (run) => ask("undelete_run", { run }),
  runs: (project) => ask("runs", { project }),
  describeRun: (run, name, note, tags) => ask("describe_run", { run, name, note, tags }),
  archiveRun: (run, archived) => ask("archive_run", { run, archived }),
  colourRun: (run, colour) => ask("colour_run", { run, colour }),
  overlay: (request) => ask("overlay", { request }),
  overlayAt: (request, x) => ask("overlay_at", { request, x }),
  exportOverlay: (request, format, large, words) => ask("export_overlay", { request, format, large, words }),
  runsPage: () => ask("runs_page"),
  saveRunsPage: (page) => ask("save_runs_page", { page }),
  runView: (run) => ask("run_view", { run }),
  watchRun: (run, onMessage) => subscribe<RunMessage>("watch_run", "unwatch", { run }, onMessage),
  result: (run) => ask("result", { run }),
  exportRun: (run, format) => ask("export_run", { run, format }),
  useVersion: (project, version) => ask("use_version", { project, version }),
  annotateVersion: (project, version, note, starred, tags) => ask("annotate_version", { project, version, note, starred, tags }),
  labelVersion: (project, name, version) => ask("label_version", { project, name, version }),
  labelMoves: (project) => ask("label_moves", { project }),
  versionStory: (project, version) => ask("version_story", { project, version }),
  compare: (request) => ask("compare", { request }),
  scatter: (request, width, height, dark) => ask("scatter", { request, width, height, dark }),
  measureComparison: (request) => ask("measure_comparison", { request }),
  compareTokens: (request, example) => ask("compare_tokens", { request, example }),
  exportVersion: (project, version, format) => ask("export_version", { project, version, format }),
  choosePrompt: () => ask("choose_prompt"),
  importPrompt: (project, path) => ask("import_prompt", { project, path }),

  backUp: (project, withData) => ask("back_up", { project, withData }),
  chooseBackup: () => ask("choose_backup"),
  bringBack: (path) => ask("bring_back", { path }),
  storage: () => ask("storage"),
  checkStorage: () => ask("check_storage"),
  compactStorage: () => ask("compact_storage"),
  copyText: (text) => ask("copy_text", { text }),
  takeOpened: () => ask("take_opened"),
  tellLanguage: (language) => ask("tell_language", { language }),
  about: () => ask("about"),
  diagnostics: () => ask("diagnostics"),
  openLog: () => ask("open_log"),
  lookForUpdate: () => ask("look_for_update"),
  getUpdate: (installs, onProgress) => ask("get_update", { installs, channel: channel<UpdateProgress>(onProgress).channel }),
  cancelUpdate: () => ask("cancel_update"),
  startAgain: () => ask("start_again"),

  tryPrompt: (project, prompt, input, onMessage) =>
    subscribe<TryMessage>("try_prompt", "stop_try", { project, prompt, input }, onMessage),

  async onShell(listener) {
    // One line for the whole life of the window; only the ear is taken away.
    const line = channel<ShellEvent>(listener);
    await ask<void>("shell_events", { channel: line.channel });
    return line.close;
  },
  closeWindow: (choice) => ask("close_window", { choice }),
};
