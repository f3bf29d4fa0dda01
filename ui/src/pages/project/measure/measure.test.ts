import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Backend } from "../../../backend";
import type { DataNews, Measurements } from "../../../backend/generated/wire";
import { makeScripted, type Scripted } from "../../../backend/scripted";
import { dataNews } from "../../../lib/data-news.svelte";
import { measuring } from "../../../lib/measuring.svelte";
import { router } from "../../../lib/router.svelte";
import { renderPage, seriousFaults } from "../../../test/render";
import ProjectPage from "../ProjectPage.svelte";

/** A project with a version of its own and one that a run found. */
async function prepared(options = {}): Promise<{ backend: Scripted; id: number; first: number; best: number }> {
  const backend = makeScripted(options);
  await backend.onShell((event) => {
    if (event.kind === "measuring" || event.kind === "measured") measuring.hear(event);
    if (event.kind === "data_changed") dataNews.hear(event.news);
  });
  const { id } = await backend.openSample("review-mood");
  const run = await backend.startRun(id);
  backend.finish(run.id);
  const { versions } = await backend.project(id);
  return { backend, id, first: versions[1]?.id ?? 0, best: versions[0]?.id ?? 0 };
}

const show = async (backend: Backend, id: number) => {
  const view = renderPage(ProjectPage, { id }, backend);
  await screen.findByTestId("measured-table");
  return view;
};
const measured = (backend: Scripted) => backend.calls.filter(([name]) => name === "measure").map(([, , ...given]) => given);

it("measures the prompt in the editor, then the versions that are ticked", async () => {
  const { backend, id, first, best } = await prepared();
  const { container } = await show(backend, id);
  expect(screen.getByTestId("measured-nothing")).toBeInTheDocument();
  expect(screen.getByTestId("measure-which")).toHaveTextContent("Measures the prompt in the editor.");
  expect(screen.queryByTestId("measure-all")).toBeNull();
  await userEvent.click(screen.getByTestId("measure"));
  expect(await screen.findByTestId("measure-bar")).toBeInTheDocument();
  expect(screen.getByTestId("measure")).toHaveAttribute("aria-busy", "true");
  const state = (await backend.project(id)).data?.id ?? 0;
  await waitFor(() => expect(screen.getByTestId(`figure-1-${state}`)).toHaveTextContent(/\d\.\d{3} ± \d\.\d{3}\s*\d+% right/));
  expect(screen.getByTestId(`figure-2-${state}`)).toHaveTextContent("not measured");
  expect(screen.getByTestId(`state-${state}`)).toHaveTextContent(/1\. review-mood\.csv.*100 examples.*in use/);

  await userEvent.click(screen.getByTestId("choose-version-1"));
  await userEvent.click(screen.getByTestId("choose-version-2"));
  expect(screen.getByTestId("measure-which")).toHaveTextContent("Measures version 1, 2.");
  await waitFor(() => expect(screen.getByTestId("measure")).not.toHaveAttribute("aria-busy"));
  await userEvent.click(screen.getByTestId("measure"));
  await waitFor(() => expect(screen.getByTestId(`figure-2-${state}`)).toHaveTextContent("lowest"));
  expect(screen.getByTestId(`figure-1-${state}`)).not.toHaveTextContent("lowest");
  expect(measured(backend)).toEqual([[[], []], [[first, best], []]]);
  expect(await seriousFaults(container)).toEqual([]);
});

it("measures on old and new data, draws it, and goes back to the old", async () => {
  const { backend, id, best } = await prepared();
  await backend.useVersion(id, best);
  await backend.measure(id, [best], []);
  const old = (await backend.project(id)).data?.id ?? 0;
  await backend.removeRows(id, { kind: "keys", keys: [0, 1, 2] });
  const now = (await backend.project(id)).data?.id ?? 0;
  await show(backend, id);
  expect(screen.getByTestId(`state-${now}`)).toHaveTextContent(/2\. .*97 examples, with 1 edit.*in use/);
  expect(screen.queryByTestId("data-chart")).toBeNull();
  await userEvent.click(screen.getByTestId("measure-all"));
  await waitFor(() => expect(screen.getByTestId(`figure-2-${now}`)).toHaveTextContent("±"));
  expect(screen.getByTestId(`figure-2-${now}`)).toHaveTextContent(/% right when asked\s*\d+% right by choice/u);
  expect(measured(backend).at(-1)).toEqual([[best], [old, now]]);
  const chart = await screen.findByTestId("data-chart");
  await waitFor(() => expect(chart.querySelector("img")?.src).toMatch(/^data:image\/svg\+xml/u));
  expect(backend.calls.filter(([name]) => name === "dataChart").at(-1)?.slice(1, 3)).toEqual([id, [best]]);

  await waitFor(() => expect(screen.getByTestId(`use-dataset-${old}`)).toBeEnabled());
  await userEvent.click(screen.getByTestId(`use-dataset-${old}`));
  await waitFor(() => expect(screen.getByTestId(`state-${old}`)).toHaveTextContent("in use"));
  expect(screen.getByTestId("data-summary")).toHaveTextContent("100 examples");
});

it("dims figures that cannot be compared and says why", async () => {
  const { backend, id, first, best } = await prepared();
  const cell = { std_error: null, accuracy: null, asked: null, examples: 60, model: "Other 1B", measured_at: 1 };
  const data = (await backend.project(id)).data?.id ?? 0;
  const found: Measurements = {
    datasets: [{ id: data, name: "review-mood.csv", examples: 100, edits: 0, current: true, created_at: 1 }], busy: false,
    cells: [{ ...cell, version: first, dataset: data, loss: 0.5, comparable: false }, { ...cell, version: best, dataset: data, loss: 0.9, comparable: true }],
  };
  await show({ ...backend, async measurements() { return found; } }, id);
  const pale = screen.getByTestId(`figure-1-${data}`);
  expect(pale).toHaveClass("pale");
  expect(pale.title).toContain("Measured with Other 1B");
  expect(pale).not.toHaveTextContent("lowest");
  expect(screen.getByTestId(`figure-2-${data}`)).toHaveTextContent(/^\s*0\.900\s*$/);
  expect(screen.getByTestId("measured-dimmed")).toBeInTheDocument();
});

it("stops when asked to, without calling that a fault", async () => {
  const { backend, id } = await prepared({ pace: 40 });
  await show(backend, id);
  await userEvent.click(screen.getByTestId("measure"));
  await waitFor(() => expect(screen.getByTestId("measure-bar")).toHaveAttribute("aria-valuenow", "25"));
  expect(screen.getByTestId("measure-progress")).toHaveTextContent("25 of 100 examples");
  await userEvent.click(screen.getByTestId("measure-stop"));
  await waitFor(() => expect(screen.queryByTestId("measure-progress")).toBeNull());
  expect(screen.queryByTestId("error-note")).toBeNull();
  expect(screen.getByTestId("measured-nothing")).toBeInTheDocument();
});

it("shows why a measurement failed that began by itself", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  backend.shell({ kind: "measured", project: id, error: { code: "model", message: "The model file is gone.", hint: "Choose another." } });
  expect(await screen.findByTestId("error-note")).toHaveTextContent("The model file is gone.");
  await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByTestId("error-note")).toBeNull();
});

it("remembers whether to measure by itself", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  await userEvent.click(screen.getByTestId("measure-changes"));
  await waitFor(async () => expect((await backend.project(id)).draft.measure_changes).toBe(true), { timeout: 2000 });
});

it("has no such section without examples", async () => {
  const backend = makeScripted();
  const { id } = await backend.createProject("Mine");
  renderPage(ProjectPage, { id }, backend);
  await screen.findByTestId("prompt-editor");
  expect(screen.queryByTestId("measure")).toBeNull();
});

it("leads to the table with what was just written saved", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  await userEvent.type(screen.getByTestId("prompt-editor"), "!");
  expect(screen.getByTestId("data-look")).toHaveTextContent("Look at and edit (100)");
  await userEvent.click(screen.getByTestId("data-look"));
  await waitFor(() => expect(router.place).toEqual({ page: "data", project: id }));
  expect((await backend.project(id)).draft.prompt).toMatch(/!$/);
});

it("takes new examples and measures on the old and the new ones", async () => {
  const { backend, id, best } = await prepared();
  await backend.useVersion(id, best);
  await show(backend, id);
  const old = (await backend.project(id)).data?.id ?? 0;
  const news: DataNews = { project: id, state: { kind: "changed", added: 3, removed: 0, edited: 0, rows: [], examples: 103 }, edits: 2 };
  backend.shell({ kind: "data_changed", news });
  expect(await screen.findByTestId("data-news-edits")).toHaveTextContent(/^Your 2 changes in the table are not in the file/);
  const box = within(screen.getByTestId("data-news"));
  expect(box.getByTestId("data-update")).toHaveTextContent("Use the 103 examples");
  await userEvent.click(box.getByTestId("data-update-measure"));
  await waitFor(() => expect(measured(backend)).toHaveLength(1));
  const now = (await backend.project(id)).data?.id ?? 0;
  expect(now).not.toBe(old);
  expect(measured(backend)).toEqual([[[best], [old, now]]]);
  await waitFor(() => expect(screen.getByTestId(`figure-2-${now}`)).toHaveTextContent("±"));
  expect(screen.getByTestId(`figure-2-${now}`)).toHaveTextContent(/% right when asked\s*\d+% right by choice/u);
  expect(screen.getByTestId(`figure-2-${old}`)).toHaveTextContent("±");
});
