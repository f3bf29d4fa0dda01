import type { DataNews } from "./backend/generated/wire";
import { makeScripted, type Scripted } from "./backend/scripted";
import { dropped } from "./lib/dropped.svelte";
import { router, type Place } from "./lib/router.svelte";

/**
 * The stand-in for looking at pages in a browser. The address chooses what is
 * shown: `?page=project&theme=dark&language=de&pace=60&done`;
 * `&axe` lists faults of accessibility at the end of the page; `?page=data&rows=200000`
 * is the table of examples, `&measured` with losses; `?page=project&states` has
 * measured states of the data, `&news` a source that has changed.
 */
export async function devBackend() {
  const query = new URLSearchParams(location.search);
  const backend = makeScripted({
    pace: Number(query.get("pace") ?? "120"),
    gain: !query.has("nogain"),
    loaded: !query.has("notloaded"),
    rows: query.has("rows") ? Number(query.get("rows")) : undefined,
    preferences: {
      theme: query.get("theme") === "dark" ? "dark" : query.get("theme") === "light" ? "light" : "system",
      language: query.get("language") ?? "en",
      advanced: query.has("advanced"),
    },
  });
  if (query.has("close")) setTimeout(() => backend.shell({ kind: "close_requested", run: 1 }), 300);
  if (query.has("axe")) setTimeout(() => void showFaults(), 1500);
  const page = query.get("page");
  if (!page) return backend;

  const project = page === "new" ? await backend.createProject("Replies to customers") : await backend.openSample(query.get("sample") ?? "review-mood");
  const prompt = query.get("prompt");
  if (prompt !== null) await backend.saveDraft(project.id, { ...project.draft, prompt });
  const file = query.get("drop");
  if (file) dropped.put([file]);
  if (query.has("measured") || query.has("states")) await backend.measure(project.id, [], []);
  if (query.has("states")) await states(backend, project.id);
  if (query.has("news")) {
    const news: DataNews = { project: project.id, state: { kind: "changed", added: 12, removed: 1, edited: 3, rows: [3, 9], examples: 114 }, edits: 2 };
    setTimeout(() => backend.shell({ kind: "data_changed", news }), 600);
  }
  if (page === "data") {
    router.reset({ page: "data", project: project.id });
    return backend;
  }
  if (page === "new" || page === "empty") {
    router.reset({ page: "project", id: project.id });
    return backend;
  }
  const wanted = query.has("done") || page === "result" || page === "try" || page === "home" || query.has("tick");
  if (wanted) {
    const run = await backend.startRun(project.id);
    if (query.has("tick")) {
      backend.tick(Number(query.get("tick")));
      if (query.has("paused")) await backend.pauseRun(run.id);
    } else backend.finish(run.id);
    const places: Record<string, Place> = {
      run: { page: "run", id: run.id }, result: { page: "result", id: run.id }, try: { page: "try", project: project.id },
      project: { page: "project", id: project.id },
    };
    router.reset(places[page] ?? { page: "home" });
  } else if (page === "run") {
    const run = await backend.startRun(project.id);
    router.reset({ page: "run", id: run.id });
  } else router.reset({ page: "project", id: project.id });
  return backend;
}

/** Two versions measured on three states of the data. */
async function states(backend: Scripted, project: number) {
  const run = await backend.startRun(project);
  backend.finish(run.id);
  const first = await backend.measurements(project);
  await backend.removeRows(project, { kind: "keys", keys: [0, 2, 5, 9] });
  const { versions } = await backend.project(project);
  const best = versions[0];
  if (best) await backend.useVersion(project, best.id);
  await backend.measure(project, versions.map((version) => version.id), []);
  await backend.updateData(project);
  const ids = [...first.datasets, ...(await backend.measurements(project)).datasets].map((dataset) => dataset.id);
  await backend.measure(project, versions.map((version) => version.id), [...new Set(ids)]);
}

/** Writes what axe finds on the real page, colours included, to its end. */
async function showFaults() {
  const axe = (await import("axe-core")).default;
  const report = await axe.run(document);
  const list = document.createElement("pre");
  list.id = "axe";
  list.textContent = report.violations
    .map((fault) => `${fault.impact} ${fault.id}\n${fault.nodes.map((node) => `  ${node.html} ${node.failureSummary}`).join("\n")}`)
    .join("\n");
  document.body.append(list);
}
