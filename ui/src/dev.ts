import type { ComparisonRequest, DataNews, ModelsPage, RunResult, SplitWarning } from "./backend/generated/wire";
import { makeScripted, type Scripted } from "./backend/scripted";
import type { Ending } from "./backend/scripted-run";
import { historyOf } from "./backend/scripted-history";
import { dropped } from "./lib/dropped.svelte";
import { router, type Place } from "./lib/router.svelte";

/**
 * The stand-in for looking at pages in a browser. The address chooses what is
 * shown: `?page=project&theme=dark&language=de&pace=60&done`;
 * `&axe` lists faults of accessibility at the end of the page; `?page=data&rows=200000`
 * is the table of examples, `&measured` with losses; `?page=project&states` has
 * measured states of the data, `&news` a source that has changed.
 * `?page=compare` sets a run's start beside its best, `&measured` with figures on the
 * project's data; `&rows=6000&held=5900` with many, `&prompt=` with a draft in second place,
 * `&long=1000000` with one of so many letters, `&hostile` with texts that are hard to show.
 * `?page=models` are the models, `&everywhere` for no project, `&hostile` with names that are
 * hard to show, `&begun` with downloads that go on, wait, broke off and are done.
 * `?page=project&writer=/models/qwen3-8b.gguf` lets a second model write; `?page=run&tick=30&broke` is a run
 * that paused by itself.
 * `&shows` lets runs put examples into the prompt.
 * `?page=result&ending=surer_but_less_right` is another verdict, `&unbalanced` with examples badly shared out, `&noanswers` without answers.
 * `?page=versions&count=500` is a long history of a prompt, `&big` with a prompt of a megabyte.
 */
export async function devBackend() {
  const query = new URLSearchParams(location.search);
  const backend = makeScripted({
    pace: Number(query.get("pace") ?? "120"),
    gain: !query.has("nogain"),
    shows: query.has("shows"),
    ending: (query.get("ending") ?? undefined) as Ending | undefined,
    loaded: !query.has("notloaded"),
    rows: query.has("rows") ? Number(query.get("rows")) : undefined,
    held: query.has("held") ? Number(query.get("held")) : undefined,
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
  const writer = query.get("writer");
  if (writer) await backend.saveDraft(project.id, { ...project.draft, writer_path: writer });
  const file = query.get("drop");
  if (file) dropped.put([file]);
  if (page === "compare") {
    router.reset({ page: "compare", request: await compared(backend, project.id, query) });
    return backend;
  }
  if (page === "models") {
    if (query.has("begun")) await begun(backend);
    router.reset({ page: "models", project: query.has("everywhere") ? null : project.id });
    if (!query.has("hostile")) return backend;
    return { ...backend, models: async () => hardToShow(await backend.models()) };
  }
  if (page === "versions") {
    await history(backend, project.id, Number(query.get("count") ?? "60"), query.has("big"));
    router.reset({ page: "versions", project: project.id });
    return backend;
  }
  if (query.has("measured") || query.has("states")) await backend.measure(project.id, [], []);
  if (query.has("states")) await states(backend, project.id);
  if (query.has("news")) {
    const news: DataNews = { project: project.id, state: { kind: "changed", added: 12, removed: 1, edited: 3, rows: [3, 9], examples: 114 }, edits: 2 };
    setTimeout(() => backend.shell({ kind: "data_changed", news }), 600);
  }
  if (page === "runs") {
    await manyRuns(backend, project.id, query);
    router.reset({ page: "runs", project: query.has("everywhere") ? null : project.id });
    return backend;
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
      if (query.has("broke")) {
        const error = { code: "gpu", message: "The GPU stopped answering.", hint: "Close other programs that use it, then go on." };
        backend.setView(run.id, { run: { ...(await backend.runView(run.id)).run, state: "paused", active: false, error } });
      }
    } else backend.finish(run.id);
    const places: Record<string, Place> = {
      run: { page: "run", id: run.id }, result: { page: "result", id: run.id }, try: { page: "try", project: project.id },
      project: { page: "project", id: project.id },
    };
    router.reset(places[page] ?? { page: "home" });
    if (page === "result" && (query.has("unbalanced") || query.has("noanswers"))) return { ...backend, result: async (id: number) => odd(await backend.result(id), query) };
  } else if (page === "run") {
    const run = await backend.startRun(project.id);
    router.reset({ page: "run", id: run.id });
  } else router.reset({ page: "project", id: project.id });
  return backend;
}

/** A result of which something is not as it should be. */
function odd(result: RunResult, query: URLSearchParams): RunResult {
  const warnings: SplitWarning[] = [
    { kind: "label_missing", label: "positive", part: "train" }, { kind: "label_uneven", label: "negative", part: "validation", has: 31, share: 20.4 },
    { kind: "few_training", rows: 8 },
  ];
  return {
    ...result, answers: query.has("noanswers") ? [] : result.answers,
    balance: query.has("unbalanced") && result.balance ? { ...result.balance, warnings } : result.balance,
  };
}

/** A run's start beside its best, or the first version beside the draft. */
async function compared(backend: Scripted, project: number, query: URLSearchParams): Promise<ComparisonRequest> {
  if (query.has("hostile")) {
    for (const [key, text] of hostile.entries()) {
      await backend.editRow(project, key, { input: text, targets: [`${text} ends`.slice(0, 4000)], rejected: [], part: null, weight: 1 });
    }
  }
  const { id: run } = await backend.startRun(project);
  backend.finish(run);
  const { versions, draft } = await backend.project(project);
  const long = Number(query.get("long") ?? 0);
  if (long) {
    const line = `${draft.prompt}\n`;
    await backend.saveDraft(project, { ...draft, prompt: (query.has("word") ? "W" : line).repeat(Math.ceil(long / (query.has("word") ? 1 : line.length))) });
  }
  const own = long > 0 || query.has("prompt");
  const request: ComparisonRequest = {
    project, ground: { kind: "project" },
    first: own ? { kind: "version", id: versions.at(-1)?.id ?? 0 } : { kind: "run_start", run }, second: own ? { kind: "draft" } : { kind: "run_best", run },
  };
  if (query.has("measured")) await backend.measureComparison(request);
  return request;
}

/** A long history, a part of it measured. */
async function history(backend: Scripted, project: number, count: number, big: boolean) {
  const runs: number[] = [];
  for (let at = 0; at < 3; at++) {
    const { id } = await backend.startRun(project);
    backend.finish(id);
    runs.push(id);
  }
  let id = 10_000;
  const versions = historyOf(count, () => id++, runs, big);
  backend.setVersions(project, versions);
  await backend.measure(project, versions.slice(0, 60).filter((_, at) => at % 4 === 0).map((version) => version.id), []);
}

const hostile = ["<b>x</b>", "تشغيل الليل ‮abc", "🧪🧪 Run 😀", "word ".repeat(2000), "W".repeat(10_000), "\u202eevil", "a\nb\tc"];

/** Many runs with curves of their own, some put aside, some with tags. */
async function manyRuns(backend: Scripted, project: number, query: URLSearchParams) {
  const count = Number(query.get("count") ?? "12");
  const presets = await Promise.all((["quick", "standard", "paper"] as const).map((one) => backend.presetSettings(one)));
  for (let nth = 0; nth < count; nth++) {
    const { id } = await backend.startRun(project);
    backend.finish(id);
    const view = await backend.runView(id);
    const factor = 1 + 0.35 * Math.sin(nth * 1.7);
    const other = query.has("mixed") ? nth % 3 : 0;
    const name = query.has("hostile") ? hostile[nth % hostile.length] ?? "" : view.run.name;
    const lower = (loss: number | null) => loss && loss * factor;
    backend.setView(id, {
      run: { ...view.run, name, start_loss: lower(view.run.start_loss), best_loss: lower(view.run.best_loss), created_at: view.run.created_at - (count - nth) * 5_400_000 },
      candidates: view.candidates.map((one) => ({ ...one, loss: lower(one.loss) })), model: other === 1 ? "Qwen3 1.7B" : view.model,
      data_name: other === 2 ? "reviews-2025.csv" : query.has("hostile") ? name : view.data_name, settings: presets[query.has("mixed") ? nth % 3 : 0] ?? view.settings,
    });
    if (nth % 3 === 1) await backend.describeRun(id, name.trim().slice(0, 200) || "x", "Shorter answers, see the mail of Tuesday.", ["shop", "second try"]);
    if (query.has("hostile")) backend.setView(id, { run: { ...(await backend.runView(id)).run, name } });
    if (nth % 10 === 9) await backend.archiveRun(id, true);
  }
  if (query.has("going")) await backend.startRun(project);
}

/** Downloads in every state. */
async function begun(backend: Scripted) {
  const { catalogue } = await backend.models();
  for (const [at, { entry }] of catalogue.entries()) {
    if (at === 4 || at === 5) continue;
    await backend.downloadModel(entry.repo, entry.files);
    for (let piece = 0; piece < (at === 0 ? 16 : 5); piece++) backend.tick();
    if (at === 1) await backend.pauseDownload(entry.repo, entry.files);
  }
}

function hardToShow(page: ModelsPage): ModelsPage {
  const name = (at: number) => hostile[at % hostile.length] ?? "";
  const problem = { code: "model", message: "<b>This file</b> is cut off.", hint: "Bring it again." };
  return {
    computer: {
      ...page.computer, cache: `/home/${name(4).slice(0, 300)}/cache`, gpu: null, no_gpu: { kind: "no_gpu", why: `${name(1)} ${name(3).slice(0, 600)}` },
      devices: page.computer.devices.map((one, at) => ({ ...one, id: at === 1 ? "cpu" : one.id, label: name(at).slice(0, 300) })).slice(0, 2),
    },
    own: page.own.map((one, at) => ({ ...one, name: name(at + 1), used_by: hostile, path: one.path && `/home/${name(at + 3).slice(0, 4000)}`, architecture: name(1), problem: at === 1 ? problem : null })),
    catalogue: page.catalogue.map((one, at) => ({ ...one, used_by: hostile.slice(at), entry: { ...one.entry, name: name(at), quantisation: name(at + 1).slice(0, 40), good_for: { en: name(at + 2).slice(0, 600), de: name(at + 3).slice(0, 600) } }, page: `https://huggingface.co/${name(at).slice(0, 96)}` })),
  };
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
