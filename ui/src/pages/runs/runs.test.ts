import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import type { RunsPage as Kept } from "../../backend/generated/wire";
import { makeScripted, type Scripted } from "../../backend/scripted";
import { notices } from "../../lib/notices.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { setLanguage } from "../../text";
import { renderPage, seriousFaults } from "../../test/render";
import { chosenColumns, differing, keptColumns, USUAL } from "./columns";
import RunsPage from "./RunsPage.svelte";

/** A project with ended runs, the newest last in `ids`. */
async function ended(count: number, options = {}): Promise<{ backend: Scripted; project: number; ids: number[] }> {
  const backend = makeScripted(options);
  const project = await backend.openSample("review-mood");
  const ids: number[] = [];
  for (let nth = 0; nth < count; nth++) {
    const { id } = await backend.startRun(project.id);
    backend.finish(id);
    ids.push(id);
  }
  return { backend, project: project.id, ids };
}

async function show(backend: Scripted, project: number | null, wanted?: number[]) {
  const view = renderPage(RunsPage as never, { project, show: wanted } as never, backend);
  await screen.findByTestId("runs-page");
  await waitFor(() => expect(screen.queryByText("Loading…")).toBeNull());
  return view;
}

const row = (id: number) => screen.getByTestId(`run-row-${id}`);
const rows = () => screen.getAllByTestId(/^run-row-/).map((line) => Number(line.dataset.testid?.slice(8)));
const isShown = (id: number) => screen.getByTestId(`show-run-${id}`).getAttribute("aria-pressed") === "true";
const lastOverlay = (backend: Scripted) => backend.calls.filter(([name]) => name === "overlay").at(-1)?.[1] as { runs: number[] };
const kept = (backend: Scripted) => backend.calls.filter(([name]) => name === "saveRunsPage").at(-1)?.[1] as Kept | undefined;

async function choose(id: number, what: string) {
  await userEvent.click(screen.getByTestId(`run-menu-${id}`));
  await userEvent.click(await screen.findByTestId(`run-${what}-${id}`));
}

beforeEach(() => {
  for (const { id } of toasts.list) toasts.dismiss(id);
});

it("shows the newest eight, newest first, and keeps what is chosen instead", async () => {
  const { backend, project, ids } = await ended(10);
  const { container, unmount } = await show(backend, project);
  expect(rows()).toEqual(ids.slice().reverse());
  expect(ids.map(isShown)).toEqual([false, false, ...ids.slice(2).map(() => true)]);
  await screen.findByTestId("chart-picture");
  expect(lastOverlay(backend).runs).toEqual(ids.slice(2).reverse());
  expect(await seriousFaults(container)).toEqual([]);

  await userEvent.click(screen.getByTestId(`show-run-${ids[9]}`));
  expect(screen.queryByTestId(`legend-${ids[9]}`)).toBeNull();
  await userEvent.click(screen.getByTestId(`legend-${ids[8]}`));
  expect(screen.getByTestId(`legend-${ids[8]}`)).toHaveAttribute("aria-pressed", "false");
  expect(isShown(ids[8] as number)).toBe(false);
  await userEvent.click(screen.getByTestId(`show-run-${ids[0]}`));
  await waitFor(() => expect(kept(backend)?.shown).toEqual([...ids.slice(2, 8).reverse(), ids[0]]));
  await waitFor(() => expect(lastOverlay(backend).runs).toEqual([...ids.slice(2, 8).reverse(), ids[0]]));
  unmount();
  await show(backend, project);
  expect(isShown(ids[0] as number)).toBe(true);
  expect(isShown(ids[9] as number)).toBe(false);
});

it("shows on a visit what was asked for, and does not keep that by itself", async () => {
  const { backend, project, ids } = await ended(4);
  const { unmount } = await show(backend, project, [ids[0] as number, ids[1] as number]);
  expect(ids.map(isShown)).toEqual([true, true, false, false]);
  await userEvent.click(screen.getByTestId("chart-starts"));
  unmount();
  await waitFor(() => expect(kept(backend)).toMatchObject({ shown: null, style: { starts: true } }));
});

it("shows what was asked for even if it was put aside", async () => {
  const { backend, project, ids } = await ended(2);
  const [id] = ids as [number];
  await backend.archiveRun(id, true);
  await show(backend, project, [id]);
  expect(rows()).toEqual([ids[1], id]);
  expect(isShown(id)).toBe(true);
  await choose(id, "archive");
  await waitFor(() => expect(row(id)).not.toHaveTextContent("put aside"));
  await choose(id, "archive");
  await waitFor(() => expect(rows()).toEqual([ids[1]]));
});

it("shows the newest on the page of a project of which nothing was chosen", async () => {
  const { backend, ids } = await ended(2);
  const other = await backend.openSample("plain-words");
  const run = await backend.startRun(other.id);
  backend.finish(run.id);
  await backend.saveRunsPage({ ...(await backend.runsPage()), shown: ids });
  await show(backend, other.id);
  expect(isShown(run.id)).toBe(true);
  await userEvent.click(screen.getByTestId("runs-hide-all"));
  expect(isShown(run.id)).toBe(false);
  expect(screen.getByTestId("overlay-nothing")).toBeInTheDocument();
  await waitFor(() => expect(kept(backend)?.shown).toEqual(ids));
  await userEvent.click(screen.getByTestId("overlay-newest"));
  expect(isShown(run.id)).toBe(true);
});

it("finds, filters, sorts, shows all, hides and turns round", async () => {
  const { backend, project, ids } = await ended(4);
  const [first, second] = ids as [number, number];
  await backend.describeRun(first, "Übung 10", "about <b>Paris</b>", ["shop"]);
  await backend.describeRun(second, "Übung 9", "", []);
  await show(backend, project);
  await userEvent.type(screen.getByTestId("runs-search"), "übung PARIS");
  await waitFor(() => expect(rows()).toEqual([first]));
  expect(screen.getByTestId("runs-count")).toHaveTextContent("1 of 4 runs");
  await userEvent.click(screen.getByTestId("runs-search-clear"));
  await userEvent.selectOptions(screen.getByTestId("runs-tag"), "shop");
  expect(rows()).toEqual([first]);
  await userEvent.click(screen.getByTestId("runs-invert"));
  expect(isShown(first)).toBe(false);
  await userEvent.click(screen.getByTestId("runs-show-all"));
  expect(isShown(first)).toBe(true);
  await userEvent.selectOptions(screen.getByTestId("runs-state"), "completed");
  await userEvent.type(screen.getByTestId("runs-search"), "nowhere");
  await userEvent.click(await screen.findByTestId("runs-show-every"));
  expect(rows()).toHaveLength(4);

  await userEvent.click(screen.getByTestId("sort-name"));
  // Numbers within names count as numbers.
  expect(rows().slice(-2)).toEqual([second, first]);
  expect(screen.getByRole("columnheader", { name: /Run/u })).toHaveAttribute("aria-sort", "ascending");
  await userEvent.click(screen.getByTestId("sort-name"));
  expect(rows()[0]).toBe(first);
  await waitFor(() => expect(kept(backend)).toMatchObject({ sort: "name", descending: true }));
  expect(row(first)).toHaveTextContent("about <b>Paris</b>");
  expect(row(first).querySelector("b")).toBeNull();
});

it("chooses columns and their order, and shows only settings that differ", async () => {
  const { backend, project, ids } = await ended(2);
  const view = await backend.runView(ids[0] as number);
  backend.setView(ids[0] as number, { settings: { ...view.settings, steps: 9, racing: false } });
  await show(backend, project);
  expect(screen.getByTestId("sort-settings.steps")).toHaveTextContent("Most steps");
  expect(screen.getByTestId("sort-settings.racing")).toBeInTheDocument();
  expect(screen.queryByTestId("sort-settings.seed")).toBeNull();
  expect(screen.queryByTestId("sort-project")).toBeNull();
  expect(differing(await backend.runs(project))).toEqual(["steps", "racing"]);

  await userEvent.click(screen.getByTestId("runs-columns"));
  await userEvent.click(await screen.findByTestId("column-tokens"));
  await userEvent.click(screen.getByTestId("column-settings"));
  await userEvent.click(screen.getByTestId("column-down-state"));
  expect(screen.getByTestId("column-down-state")).toHaveFocus();
  await waitFor(() => expect(kept(backend)?.columns.slice(0, 3)).toEqual(["right", "state", "start_loss"]));
  expect(kept(backend)?.columns).toContain("tokens");
  expect(screen.queryByTestId("sort-settings.steps")).toBeNull();
  await userEvent.click(screen.getByTestId("columns-usual"));
  await waitFor(() => expect(kept(backend)?.columns).toEqual([]));
  expect(chosenColumns(keptColumns([]))).toEqual([]);
  expect(chosenColumns(["bogus", "note"])).toEqual(["note"]);
  expect(chosenColumns([])).toEqual(USUAL);
});

it("edits name, note, tags and colour, within limits", async () => {
  const { backend, project, ids } = await ended(1);
  const [id] = ids as [number];
  await show(backend, project);
  await choose(id, "edit");
  const name = await screen.findByTestId<HTMLInputElement>("run-edit-name");
  await fireEvent.input(name, { target: { value: "x".repeat(201) } });
  expect(screen.getByTestId("run-edit-save")).toBeDisabled();
  expect(screen.getByRole("alert")).toHaveTextContent("200 letters");
  await fireEvent.input(name, { target: { value: " Morning " } });
  await fireEvent.input(screen.getByTestId("run-edit-tags"), { target: { value: "b, a,, a" } });
  await fireEvent.input(screen.getByTestId("run-edit-note"), { target: { value: "Look again." } });
  await fireEvent.input(screen.getByTestId("run-edit-colour"), { target: { value: "#123456" } });
  expect(await seriousFaults(screen.getByTestId("edit-run"))).toEqual([]);
  await userEvent.click(screen.getByTestId("run-edit-save"));
  await waitFor(() => expect(screen.queryByTestId("edit-run")).toBeNull());
  expect((await backend.runs(project))[0]).toMatchObject({ run: { name: "Morning" }, note: "Look again.", tags: ["a", "b"], colour: "#123456" });
  expect(row(id)).toHaveTextContent("Morning");

  await choose(id, "edit");
  await userEvent.click(await screen.findByTestId("run-edit-usual"));
  await userEvent.click(screen.getByTestId("run-edit-save"));
  await waitFor(async () => expect((await backend.runs(project))[0]?.colour).not.toBe("#123456"));
  await fireEvent.change(screen.getByTestId(`legend-colour-${id}`), { target: { value: "#abcdef" } });
  await waitFor(async () => expect((await backend.runs(project))[0]?.colour).toBe("#abcdef"));
});

it("asks before what was written is lost", async () => {
  const { backend, project, ids } = await ended(1);
  await show(backend, project);
  await choose(ids[0] as number, "edit");
  await fireEvent.input(await screen.findByTestId("run-edit-note"), { target: { value: "Half a" } });
  await userEvent.keyboard("{Escape}");
  await userEvent.click(await screen.findByTestId("run-edit-discard"));
  await waitFor(() => expect(screen.queryByTestId("edit-run")).toBeNull());
  expect(backend.calls.some(([name]) => name === "describeRun")).toBe(false);
});

it("puts runs aside and takes them back", async () => {
  const { backend, project, ids } = await ended(2);
  const [id] = ids as [number];
  await show(backend, project);
  await choose(id, "archive");
  await waitFor(() => expect(rows()).toEqual([ids[1]]));
  expect(screen.queryByTestId(`legend-${id}`)).toBeNull();
  toasts.list.at(-1)?.action?.run();
  await waitFor(() => expect(rows()).toEqual([ids[1], id]));
  await choose(id, "archive");
  await waitFor(() => expect(rows()).toEqual([ids[1]]));
  await userEvent.click(screen.getByTestId("runs-archived"));
  expect(row(id)).toHaveTextContent("put aside");
  await waitFor(() => expect(kept(backend)?.archived).toBe(true));
  await choose(id, "archive");
  await waitFor(() => expect(row(id)).not.toHaveTextContent("put aside"));
});

it("deletes with a way back, and never a run that goes on", async () => {
  const { backend, project, ids } = await ended(2);
  const going = await backend.startRun(project);
  const [id] = ids as [number];
  await show(backend, project);
  await choose(id, "delete");
  await waitFor(() => expect(rows()).toEqual([going.id, ids[1]]));
  expect(toasts.list.at(-1)?.text).toContain("Run 1");
  toasts.list.at(-1)?.action?.run();
  await waitFor(() => expect(rows()).toEqual([going.id, ids[1], id]));
  expect(isShown(id)).toBe(true);
  await userEvent.click(screen.getByTestId(`run-menu-${going.id}`));
  expect(await screen.findByTestId(`run-delete-${going.id}`)).toHaveAttribute("aria-disabled", "true");
});

it("says why something could not be done", async () => {
  const { backend, project, ids } = await ended(1);
  await show(backend, project);
  backend.failNext("deleteRun", { code: "busy", message: "This run is going on.", hint: "Stop it first." });
  await choose(ids[0] as number, "delete");
  expect(await screen.findByTestId("error-note")).toHaveTextContent("Stop it first.");
  backend.failNext("overlay", { code: "run", message: "Too many.", hint: "" });
  await userEvent.click(screen.getByTestId("chart-log"));
  expect(await screen.findByText("Too many.")).toBeInTheDocument();
});

it("compares with the one other run that is shown or picked", async () => {
  const { backend, project, ids } = await ended(3);
  const [first, second, third] = ids as [number, number, number];
  await show(backend, project);
  await userEvent.click(screen.getByTestId(`run-menu-${first}`));
  expect(await screen.findByTestId(`run-compare-${first}`)).toHaveAttribute("aria-disabled", "true");
  await userEvent.keyboard("{Escape}");
  await userEvent.click(screen.getByTestId(`show-run-${third}`));
  await choose(first, "compare");
  expect(router.place).toEqual({
    page: "compare",
    request: { project, first: { kind: "run_best", run: first }, second: { kind: "run_best", run: second }, ground: { kind: "run", run: first } },
  });
});

it("warns of different grounds and offers to score on the same examples", async () => {
  const { backend, project, ids } = await ended(3);
  const [first, second, third] = ids as [number, number, number];
  const { settings } = await backend.runView(first);
  backend.setView(first, { data_name: "other.csv", model: "Big", settings: { ...settings, normalization: "sum" } });
  const { container } = await show(backend, project);
  const note = await screen.findByTestId("overlay-grounds");
  expect(note).toHaveTextContent(/examples, models, and kinds of loss differ/u);
  expect(note).toHaveTextContent("Run 1 – other.csv, 60 examples, Big; Long answers: Added up");
  expect(within(row(first)).getByTestId(`odd-run-${first}`)).toBeInTheDocument();
  expect(screen.queryByTestId(`odd-run-${third}`)).toBeNull();
  expect(await seriousFaults(container)).toEqual([]);
  // The last one shown gives the examples, the last of another ground the prompt.
  expect(screen.getByTestId("overlay-score-data")).toHaveValue(String(third));
  expect(screen.getByTestId("overlay-score-best")).toHaveValue(String(first));
  await userEvent.selectOptions(screen.getByTestId("overlay-score-data"), String(first));
  await userEvent.selectOptions(screen.getByTestId("overlay-score-best"), String(second));
  await userEvent.click(screen.getByTestId("overlay-score-on"));
  expect(router.place).toEqual({
    page: "compare",
    request: { project, first: { kind: "run_best", run: first }, second: { kind: "run_best", run: second }, ground: { kind: "run", run: first } },
  });
});

it("keeps how curves are drawn, draws groups, and writes files light and dark, usual and large", async () => {
  const { backend, project } = await ended(3);
  await show(backend, project);
  await screen.findByTestId("chart-picture");
  await userEvent.selectOptions(screen.getByTestId("chart-axis"), "tokens");
  await userEvent.selectOptions(screen.getByTestId("chart-kind"), "each");
  await fireEvent.input(screen.getByTestId("chart-smoothing"), { target: { value: "0.5" } });
  await userEvent.selectOptions(screen.getByTestId("chart-groups"), "prompt");
  await waitFor(() => expect(kept(backend)?.style).toEqual({ axis: "tokens", kind: "each", smoothing: 0.5, groups: "prompt", log: false, starts: false }));
  await waitFor(() => expect(screen.getByTestId("chart-legend")).toHaveTextContent("mean of 3 runs"));
  for (const [name, format, large, dark] of [["svg", "svg", false, false], ["png-large", "png", true, false], ["svg-dark", "svg", false, true], ["csv", "csv", false, false]] as const) {
    // For a moment after a menu was closed nothing else takes the pointer.
    const user = userEvent.setup({ pointerEventsCheck: 0 });
    await user.click(screen.getByTestId("chart-export"));
    await user.click(await screen.findByTestId(`chart-export-${name}`));
    await waitFor(() => expect(backend.calls.filter(([method]) => method === "exportOverlay").at(-1)?.slice(1)).toEqual([
      expect.objectContaining({ dark }), format, large, expect.objectContaining({ axis: "tokens computed" }),
    ]));
    await waitFor(() => expect(toasts.list.at(-1)?.text).toContain(`.${format}`));
  }
});

it("follows a run that goes on", async () => {
  const { backend, project, ids } = await ended(8);
  await show(backend, project);
  const run = await backend.startRun(project);
  notices.add();
  await waitFor(() => expect(row(run.id)).toHaveTextContent("running"), { timeout: 3000 });
  expect(isShown(run.id)).toBe(false);
  backend.tick(6);
  notices.add();
  // With its first loss it is one of the newest.
  await waitFor(() => expect(isShown(run.id)).toBe(true), { timeout: 3000 });
  expect(screen.queryByTestId(`legend-${ids[0]}`)).toBeNull();
});

it("opens results and runs, and goes between project and all", async () => {
  const { backend, project, ids } = await ended(2);
  const other = await backend.openSample("plain-words");
  const run = await backend.startRun(other.id);
  const { unmount } = await show(backend, project);
  await userEvent.click(screen.getByTestId(`open-run-${ids[0]}`));
  expect(router.place).toEqual({ page: "result", id: ids[0] });
  await userEvent.selectOptions(screen.getByTestId("runs-scope"), "all");
  expect(router.place).toEqual({ page: "runs", project: null });
  unmount();
  await show(backend, null);
  expect(rows()).toEqual([run.id, ids[1], ids[0]]);
  expect(screen.getByTestId("sort-project")).toBeInTheDocument();
  await userEvent.selectOptions(screen.getByTestId("runs-project"), String(other.id));
  expect(rows()).toEqual([run.id]);
  await userEvent.click(screen.getByTestId(`open-run-${run.id}`));
  expect(router.place).toEqual({ page: "run", id: run.id });
});

it("says that there is nothing, and tries again after a fault", async () => {
  const backend = makeScripted();
  const { id } = await backend.createProject("‮<i>Mine</i>");
  backend.failNext("runs", { code: "x", message: "No database.", hint: "" });
  const { container } = await show(backend, id);
  await userEvent.click(screen.getByTestId("error-retry"));
  expect(await screen.findByTestId("runs-empty")).toHaveTextContent("No runs yet");
  expect(screen.getByTestId("runs-back")).toHaveTextContent("<i>Mine</i>");
  expect(await seriousFaults(container)).toEqual([]);
});

it("opens 200 runs at once and has only the rows near the view", async () => {
  const { backend, project, ids } = await ended(200);
  await show(backend, project);
  expect(rows().length).toBeLessThan(60);
  expect(screen.getByTestId("runs-table")).toHaveAttribute("aria-rowcount", "201");
  // By keyboard from row to row, in the same column of buttons.
  const first = screen.getByTestId(`show-run-${ids[199]}`);
  first.focus();
  await fireEvent.keyDown(first, { key: "ArrowDown" });
  await waitFor(() => expect(screen.getByTestId(`show-run-${ids[198]}`)).toHaveFocus());
}, 20_000);

it("is told in German", async () => {
  setLanguage("de");
  const { backend, project } = await ended(1);
  renderPage(RunsPage as never, { project } as never, backend);
  expect(await screen.findByText("Läufe übereinandergelegt")).toBeInTheDocument();
  expect(await screen.findByTestId("sort-best_loss")).toHaveTextContent("Bester Loss");
});

it("has right answers as a usual column to sort by, old runs without any last", async () => {
  const { backend, project, ids } = await ended(3);
  const [low, none, high] = ids as [number, number, number];
  const change = (after: number) => ({ before: 0.1, after, gained: Math.round((after - 0.1) * 40), lost: 0, p: 0.001 });
  for (const [id, asked] of [[low, change(0.25)], [none, null], [high, change(0.875)]] as const) {
    backend.setView(id, { run: { ...(await backend.runView(id)).run, asked, choices: null, held_out: 40 } });
  }
  await show(backend, project);
  expect(screen.getByTestId(`right-run-${high}`)).toHaveTextContent("4 of 40 → 35 of 40");
  expect(screen.getByTestId(`right-run-${none}`)).toHaveTextContent(/^–$/u);
  await userEvent.click(screen.getByTestId("sort-right"));
  const first = rows();
  await userEvent.click(screen.getByTestId("sort-right"));
  expect([first, rows()].map((order) => order.join()).sort()).toEqual([[high, low, none].join(), [low, high, none].join()].sort());
});
