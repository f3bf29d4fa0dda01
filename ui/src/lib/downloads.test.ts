import { beforeEach, expect, it } from "vitest";
import type { DownloadEnd, DownloadProgress } from "../backend/generated/wire";
import { makeScripted } from "../backend/scripted";
import { downloads } from "./downloads.svelte";

beforeEach(() => downloads.reset());

const files = ["x.gguf"];
const missing = { kind: "missing" } as const;
const progress = (done: number, total = 100): DownloadProgress => ({ stage: { kind: "downloading" }, file: "x.gguf", files_done: 0, files: 1, done, total, bytes_per_second: null, seconds_left: null });
const hear = (done: number) => downloads.hear({ kind: "download", repo: "a/b", files, progress: progress(done) });
const end = (how: DownloadEnd) => downloads.hear({ kind: "download_ended", repo: "a/b", files, end: how });
const standing = (state: Parameters<typeof downloads.standing>[2] = missing, seen = 0) => downloads.standing("a/b", files, state, seen);

it("believes the shell over what was read before, and what was read after over the shell", () => {
  hear(40);
  expect(standing()).toMatchObject({ kind: "downloading", progress: { done: 40 } });
  end({ kind: "paused" });
  expect(standing()).toMatchObject({ kind: "partial", done: 40, total: 100 });
  hear(90);
  end({ kind: "ready", path: "/x.gguf" });
  expect(standing()).toEqual({ kind: "ready", path: "/x.gguf", error: null });
  // Read again: another program has removed it meanwhile.
  expect(standing(missing, downloads.ends)).toEqual({ kind: "missing", error: null });
});

it("keeps why one failed until it is tried again", async () => {
  const error = { code: "hub", message: "No network.", hint: "" };
  end({ kind: "failed", error });
  expect(standing(missing, downloads.ends)).toEqual({ kind: "missing", error });
  hear(10);
  end({ kind: "failed", error });
  expect(standing()).toMatchObject({ kind: "partial", done: 10, error });
  await downloads.begin(makeScripted(), "a/b", files, "B", 10);
  expect(standing()).toMatchObject({ kind: "downloading", error: null, progress: { stage: { kind: "looking_up" }, done: 10, total: 100 } });
});

it("keeps models of one repository apart", () => {
  hear(40);
  expect(downloads.standing("a/b", ["y.gguf"], missing, 0)).toEqual({ kind: "missing", error: null });
});

it("takes a wish to pause back when the program refuses", async () => {
  hear(40);
  const backend = makeScripted();
  backend.failNext("pauseDownload", { code: "hub", message: "No.", hint: "" });
  await expect(downloads.pause(backend, "a/b", files)).rejects.toMatchObject({ message: "No." });
  expect(standing()).toMatchObject({ kind: "downloading", ending: null });
  await downloads.pause(backend, "a/b", files);
  expect(standing()).toMatchObject({ ending: "pause" });
  end({ kind: "paused" });
  await downloads.cancel(backend, "a/b", files, false);
  expect(standing()).toEqual({ kind: "missing", error: null });
});
