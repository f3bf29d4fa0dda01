import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import App from "./App.svelte";
import { makeScripted } from "./backend/scripted";
import { router } from "./lib/router.svelte";
import { seriousFaults } from "./test/render";

async function open(options = {}) {
  const backend = makeScripted(options);
  const view = render(App, { backend });
  await screen.findByTestId("start-sample-review-mood");
  return { backend, ...view };
}

it("asks what to do with a run when the window closes", async () => {
  const { backend } = await open();
  for (const choice of ["background", "pause", "stop", "stay"] as const) {
    backend.shell({ kind: "close_requested", run: 1 });
    await userEvent.click(await screen.findByTestId(`close-${choice}`));
    await waitFor(() => expect(screen.queryByTestId("close-dialog")).toBeNull());
    expect(backend.calls.filter(([name]) => name === "closeWindow").at(-1)).toEqual(["closeWindow", choice]);
  }
});

it("takes Escape as a wish to stay", async () => {
  const { backend } = await open();
  backend.shell({ kind: "close_requested", run: 1 });
  await screen.findByTestId("close-background");
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(backend.calls.at(-1)).toEqual(["closeWindow", "stay"]));
});

it("remembers colours and language", async () => {
  const { backend } = await open();
  await userEvent.selectOptions(screen.getByTestId("theme-select"), "dark");
  expect(document.documentElement.dataset.theme).toBe("dark");
  await userEvent.selectOptions(screen.getByTestId("language-select"), "de");
  expect(await screen.findByText("Ihre Projekte")).toBeInTheDocument();
  expect(backend.calls).toContainEqual(["savePreferences", { theme: "dark", language: "de", advanced: false }]);
  // The system's dialogs and notices follow.
  expect(backend.calls).toContainEqual(["tellLanguage", "de"]);
});

it("lists the shortcuts, but not while someone writes", async () => {
  await open();
  await userEvent.keyboard("?");
  expect(await screen.findByTestId("shortcut-list")).toBeInTheDocument();
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByTestId("shortcut-list")).toBeNull());
  await userEvent.click(screen.getByTestId("new-project"));
  await userEvent.type(await screen.findByTestId("project-name"), "why?");
  expect(screen.queryByTestId("shortcut-list")).toBeNull();
});

it("reads a file dropped on a project", async () => {
  const { backend } = await open();
  const project = await backend.createProject("Mine");
  router.go({ page: "project", id: project.id });
  await screen.findByTestId("data-path");
  backend.shell({ kind: "files_dropped", paths: ["/home/you/reviews.csv", "/home/you/other.csv"] });
  expect(await screen.findByTestId("data-usable")).toBeInTheDocument();
});

it("says that a run has ended and leads to it", async () => {
  const { backend } = await open();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  backend.finish(run.id);
  await userEvent.click(await screen.findByRole("button", { name: "See the result" }));
  expect(router.place).toEqual({ page: "result", id: run.id });
});

it("says elsewhere that a run paused by itself, but not that the person paused one", async () => {
  const { backend } = await open();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  await backend.pauseRun(run.id);
  const paused = (await backend.runView(run.id)).run;
  expect(screen.queryByText(/paused by itself/)).toBeNull();
  backend.shell({ kind: "run_changed", run: { ...paused, error: { code: "gpu", message: "The GPU stopped answering.", hint: "" } } });
  expect(await screen.findByText("A run of “Mood of reviews” paused by itself.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "See the run" }));
  expect(router.place).toEqual({ page: "run", id: run.id });
});

it("tells of a measurement that failed only where it is not shown anyway", async () => {
  const { backend } = await open();
  const project = await backend.openSample("review-mood");
  const error = { code: "model", message: "The model file is gone.", hint: "" };
  backend.shell({ kind: "measured", project: project.id, error: null });
  backend.shell({ kind: "measured", project: project.id, error });
  expect(await within(screen.getByTestId("toasts")).findAllByText("The model file is gone.")).toHaveLength(1);
  router.go({ page: "data", project: project.id });
  await screen.findByTestId("data-table");
  backend.shell({ kind: "measured", project: project.id, error });
  expect(await screen.findByTestId("error-note")).toHaveTextContent("The model file is gone.");
  expect(within(screen.getByTestId("toasts")).getAllByText("The model file is gone.")).toHaveLength(1);
});

it("goes back with the keyboard", async () => {
  const { backend } = await open();
  const project = await backend.createProject("Mine");
  router.go({ page: "project", id: project.id });
  await screen.findByTestId("prompt-editor");
  await fireEvent.keyDown(document.body, { key: "ArrowLeft", altKey: true });
  expect(router.place).toEqual({ page: "home" });
});

it("can be used without a mouse from the first page to the running sample", async () => {
  const { container } = await open();
  expect(await seriousFaults(container)).toEqual([]);
  const start = screen.getByTestId("start-sample-review-mood");
  for (let i = 0; i < 20 && document.activeElement !== start; i++) await userEvent.tab();
  expect(start).toHaveFocus();
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(router.place.page).toBe("run"));
});

it("says it when the program does not answer, and tries again", async () => {
  const backend = makeScripted();
  backend.failNext("home", { code: "store", message: "The store is newer than this program.", hint: "Install the newest version." });
  render(App, { backend });
  expect(await screen.findByText("The store is newer than this program.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("error-retry"));
  expect(await screen.findByTestId("start-sample-review-mood")).toBeInTheDocument();
});

it("tells elsewhere that a model is ready or failed, and leads to the models", async () => {
  const { backend } = await open();
  const project = await backend.openSample("review-mood");
  router.go({ page: "project", id: project.id });
  await userEvent.click(await screen.findByTestId("models"));
  await userEvent.click(await screen.findByTestId("model-download-qwen3-4b"));
  await userEvent.click(screen.getByTestId("model-download-gemma-2-2b-it"));
  await userEvent.click(screen.getByTestId("models-back"));
  await screen.findByTestId("model-summary");
  backend.tick(13);
  const told = within(screen.getByTestId("toasts"));
  expect(await told.findByText("Qwen3 4B is ready.")).toBeInTheDocument();
  expect(told.getByText(/The download of Gemma 2 2B Instruct broke off: .*terms/)).toBeInTheDocument();
  await userEvent.click(told.getAllByRole("button", { name: "See the models" })[0]!);
  expect(router.place).toEqual({ page: "models", project: project.id });
  expect(within(await screen.findByTestId("models-here")).getByTestId("model-use-qwen3-4b")).toBeInTheDocument();
});

it("leads from the start page to the models, where nothing can be chosen", async () => {
  await open();
  await userEvent.click(screen.getByTestId("all-models"));
  await screen.findByTestId("models-catalogue");
  expect(router.place).toEqual({ page: "models", project: null });
  expect(screen.queryByTestId("model-file")).toBeNull();
});

it("asks before it brings in a backup that the program was given", async () => {
  const { backend } = await open({ opened: ["/home/you/Review mood.pmpo"] });
  expect(await screen.findByText("Bring in “Review mood.pmpo”?")).toBeInTheDocument();
  expect(backend.calls.some(([name]) => name === "bringBack")).toBe(false);
  await userEvent.click(screen.getByTestId("open-yes"));
  await waitFor(() => expect(backend.calls.filter(([name]) => name === "bringBack")).toEqual([["bringBack", "/home/you/Review mood.pmpo"]]));
  await waitFor(() => expect(router.place.page).toBe("project"));
});

it("takes files that come while it is open, the next one when the person is done with the last", async () => {
  const opened: string[] = [];
  const { backend } = await open({ opened });
  router.go({ page: "about" });
  await screen.findByTestId("about-page");
  opened.push("/home/you/first.csv", "/home/you/gone.csv", "/home/you/second.csv", "/home/you/third.csv");
  backend.shell({ kind: "files_opened" });
  expect(await screen.findByText("There is no file /home/you/gone.csv.")).toBeInTheDocument();
  expect(await screen.findByText("Use “first.csv”?")).toBeInTheDocument();
  await userEvent.keyboard("{Escape}");
  expect(await screen.findByText("Use “second.csv”?")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("open-yes"));
  // A new project, which reads the file; nothing stands over it.
  expect(await screen.findByTestId("data-usable")).toBeInTheDocument();
  expect(backend.calls.filter(([name]) => name === "createProject")).toEqual([["createProject", "second"]]);
  await waitFor(() => expect(screen.queryByTestId("open-dialog")).toBeNull());
  router.go({ page: "home" });
  expect(await screen.findByText("Use “third.csv”?")).toBeInTheDocument();
});

it("says about itself even where the projects cannot be opened", async () => {
  const backend = makeScripted();
  backend.failNext("home", { code: "store", message: "The database is locked.", hint: "Try again." });
  render(App, { backend });
  expect(await screen.findByText(/database is locked/)).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("about"));
  expect(await screen.findByTestId("about-version")).toBeInTheDocument();
});
