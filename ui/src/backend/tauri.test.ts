import { beforeEach, expect, it, vi } from "vitest";
import type { ComparisonRequest } from "./generated/wire";
import { makeScripted } from "./scripted";
import { noChoice } from "../lib/import";
import { presets, emptyDraft } from "./scripted-data";

const invoke = vi.fn();
class FakeChannel {
  onmessage: (message: unknown) => void = () => {};
}
vi.mock("@tauri-apps/api/core", () => ({ invoke: (...given: unknown[]) => invoke(...given), Channel: FakeChannel }));
const { tauri } = await import("./tauri");

beforeEach(() => invoke.mockReset().mockResolvedValue(undefined));

it("offers everything that the pages may ask", () => {
  const { tick, finish, shell, endUpdate, failNext, setView, setVersions, calls, copied, ...methods } = makeScripted();
  void [tick, finish, shell, endUpdate, failNext, setView, setVersions, calls, copied];
  expect(Object.keys(tauri).sort()).toEqual(Object.keys(methods).sort());
});

it("calls commands by their names with named values", async () => {
  const draft = { ...emptyDraft("x"), settings: presets.quick };
  await tauri.saveDraft(3, draft);
  expect(invoke).toHaveBeenLastCalledWith("save_draft", { id: 3, draft });
  await tauri.previewData("/a.csv", noChoice);
  expect(invoke).toHaveBeenLastCalledWith("preview_data", { path: "/a.csv", choice: noChoice });
  await tauri.modelInfo(null, "cpu");
  expect(invoke).toHaveBeenLastCalledWith("model_info", { path: null, device: "cpu" });
  await tauri.removeRows(3, { kind: "keys", keys: [5] });
  expect(invoke).toHaveBeenLastCalledWith("remove_rows", { project: 3, rows: { kind: "keys", keys: [5] } });
  await tauri.measure(3, [7], []);
  expect(invoke).toHaveBeenLastCalledWith("measure", { project: 3, versions: [7], datasets: [] });
  await tauri.annotateVersion(3, 7, "good", true, ["short"]);
  expect(invoke).toHaveBeenLastCalledWith("annotate_version", { project: 3, version: 7, note: "good", starred: true, tags: ["short"] });
  await tauri.labelVersion(3, "shop", null);
  expect(invoke).toHaveBeenLastCalledWith("label_version", { project: 3, name: "shop", version: null });
  await tauri.labelMoves(3);
  expect(invoke).toHaveBeenLastCalledWith("label_moves", { project: 3 });
  const request: ComparisonRequest = { project: 3, first: { kind: "version", id: 7 }, second: { kind: "draft" }, ground: { kind: "run", run: 5 } };
  await tauri.compare(request);
  expect(invoke).toHaveBeenLastCalledWith("compare", { request });
  await tauri.scatter(request, 400, 300, true);
  expect(invoke).toHaveBeenLastCalledWith("scatter", { request, width: 400, height: 300, dark: true });
  await tauri.measureComparison(request);
  expect(invoke).toHaveBeenLastCalledWith("measure_comparison", { request });
  await tauri.compareTokens(request, 12);
  expect(invoke).toHaveBeenLastCalledWith("compare_tokens", { request, example: 12 });
  await tauri.chooseModelFolder();
  expect(invoke).toHaveBeenLastCalledWith("choose_model_folder", {});
  await tauri.modelRoles(3);
  expect(invoke).toHaveBeenLastCalledWith("model_roles", { project: 3 });
  await tauri.cancelServerCheck();
  expect(invoke).toHaveBeenLastCalledWith("cancel_server_check", {});
  await tauri.closeWindow("stay");
  expect(invoke).toHaveBeenLastCalledWith("close_window", { choice: "stay" });
});

it("hears a run until it stops listening", async () => {
  invoke.mockResolvedValueOnce(41);
  const heard: unknown[] = [];
  const stop = await tauri.watchRun(7, (message) => heard.push(message));
  const { channel, run } = invoke.mock.calls[0]?.[1] as { channel: FakeChannel; run: number };
  expect(run).toBe(7);
  channel.onmessage({ kind: "phase", phase: "trying" });
  stop();
  channel.onmessage({ kind: "phase", phase: "ended" });
  expect(heard).toEqual([{ kind: "phase", phase: "trying" }]);
  expect(invoke).toHaveBeenLastCalledWith("unwatch", { subscription: 41 });
});

it("passes errors on and wraps what is none", async () => {
  const error = { code: "data", message: "m", hint: "h" };
  invoke.mockRejectedValueOnce(error);
  await expect(tauri.home()).rejects.toEqual(error);
  invoke.mockRejectedValueOnce("command home not found");
  await expect(tauri.home()).rejects.toEqual({
    code: "unexpected", told: { key: "unexpected.other", params: { why: "command home not found" } }, message: "command home not found", hint: "",
  });
});
