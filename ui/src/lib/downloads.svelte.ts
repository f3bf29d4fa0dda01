import { asAppError, type Backend } from "../backend";
import type { AppError, DownloadEnd, DownloadProgress, ModelState, ShellEvent } from "../backend/generated/wire";

type News = Extract<ShellEvent, { kind: "download" | "download_ended" }>;

/** What is known of the download of one model. */
export type Known = {
  repo: string;
  files: string[];
  /** Its name for people, where a page told it. */
  name: string | null;
  /** The last that was heard; null before. */
  progress: DownloadProgress | null;
  going: boolean;
  /** What the person asked for and was not done yet. */
  ending: "pause" | "cancel" | null;
  end: DownloadEnd["kind"] | null;
  /** Which end it was, counted over all downloads; see `downloads.ends`. */
  at: number;
  path: string | null;
  error: AppError | null;
};

/** Where a model stands, by what the program said last. */
export type Standing = { error: AppError | null } & (
  | { kind: "missing" }
  | { kind: "partial"; done: number; /** 0 where it is not known. */ total: number }
  | { kind: "downloading"; progress: DownloadProgress; ending: Known["ending"] }
  | { kind: "ready"; path: string }
);

const begun = (files: string[], done: number, total: number): DownloadProgress => ({
  stage: { kind: "looking_up" }, file: "", files_done: 0, files: files.length, done, total, bytes_per_second: null, seconds_left: null,
});
const keyOf = (repo: string, files: string[]) => [repo, ...files].join("\n");

let known = $state.raw<ReadonlyMap<string, Known>>(new Map());
let ends = $state(0);

function put(repo: string, files: string[], change: Partial<Known>): void {
  const key = keyOf(repo, files);
  const before = known.get(key) ?? { repo, files, name: null, progress: null, going: false, ending: null, end: null, at: 0, path: null, error: null };
  known = new Map(known).set(key, { ...before, ...change });
}

function ended(repo: string, files: string[], end: DownloadEnd): void {
  ends += 1;
  put(repo, files, {
    going: false, ending: null, end: end.kind, at: ends, path: end.kind === "ready" ? end.path : null, error: end.kind === "failed" ? end.error : null,
  });
}

/** What was heard of downloads of models, whichever page is shown. */
export const downloads = {
  get list(): Known[] {
    return [...known.values()];
  },
  /** Counts those that ended, so that lists can be read again. */
  get ends(): number {
    return ends;
  },
  of(repo: string, files: string[]): Known | null {
    return known.get(keyOf(repo, files)) ?? null;
  },
  /** `state` is what the program said when there had been `seen` ends. */
  standing(repo: string, files: string[], state: ModelState, seen: number): Standing {
    const one = downloads.of(repo, files);
    const error = one?.error ?? null;
    const last = one?.progress ?? null;
    if (one?.going && last) return { kind: "downloading", progress: last, ending: one.ending, error: null };
    if (one && one.at > seen) {
      if (one.end === "ready" && one.path !== null) return { kind: "ready", path: one.path, error: null };
      if (one.end === "cancelled") return { kind: "missing", error: null };
      if (last && last.done > 0) return { kind: "partial", done: last.done, total: last.total, error };
      if (state.kind === "downloading") return { kind: "missing", error };
    }
    if (state.kind === "downloading") return { ...state, ending: one?.ending ?? null, error: null };
    if (state.kind === "partial") return { ...state, total: last?.total ?? 0, error };
    return { ...state, error: state.kind === "ready" ? null : error };
  },
  hear(news: News): void {
    const { repo, files } = news;
    if (news.kind === "download_ended") ended(repo, files, news.end);
    else put(repo, files, { progress: news.progress, going: true, end: null, error: null });
  },
  /** Begins one or goes on with it; what goes wrong at once is kept like what goes wrong later. */
  async begin(backend: Backend, repo: string, files: string[], name: string, done = 0): Promise<void> {
    if (downloads.of(repo, files)?.going) return;
    put(repo, files, { name, progress: begun(files, done, downloads.of(repo, files)?.progress?.total ?? 0), going: true, ending: null, end: null, error: null });
    try {
      await backend.downloadModel(repo, files);
    } catch (thrown) {
      ended(repo, files, { kind: "failed", error: asAppError(thrown) });
    }
  },
  /** What is here is kept. */
  async pause(backend: Backend, repo: string, files: string[]): Promise<void> {
    put(repo, files, { ending: "pause" });
    try {
      await backend.pauseDownload(repo, files);
    } catch (thrown) {
      put(repo, files, { ending: null });
      throw thrown;
    }
  },
  /** What is here is removed. */
  async cancel(backend: Backend, repo: string, files: string[], going: boolean): Promise<void> {
    put(repo, files, { ending: "cancel" });
    try {
      await backend.cancelDownload(repo, files);
    } catch (thrown) {
      put(repo, files, { ending: null });
      throw thrown;
    }
    // Of one that is going on the shell tells the end.
    if (!going) ended(repo, files, { kind: "cancelled" });
  },
  /** A model that was here is not any more. */
  removed(repo: string, files: string[]): void {
    ended(repo, files, { kind: "cancelled" });
  },
  /** The person has read why. */
  dismiss(repo: string, files: string[]): void {
    put(repo, files, { error: null });
  },
  /** For tests: forget everything. */
  reset(): void {
    known = new Map();
    ends = 0;
  },
};
