import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../../backend/scripted";
import { dropped } from "../../lib/dropped.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import HomePage from "./HomePage.svelte";

it("starts the sample with one button", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("start-sample-review-mood"));
  await waitFor(() => expect(router.place.page).toBe("run"));
  expect(backend.calls.map(([name]) => name)).toEqual(["home", "storage", "openSample", "startRun"]);
});

it("says what to do when there is nothing yet, and has no serious faults", async () => {
  const { container } = renderPage(HomePage, {}, makeScripted());
  expect(await screen.findByText("No projects yet")).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
});

it("offers to go on with what was not finished", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  backend.tick(8);
  await backend.pauseRun(run.id);
  const { container } = renderPage(HomePage, {}, backend);
  expect(await screen.findByText(/loss 2.914 at the start/)).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(screen.getByTestId("resume-unfinished"));
  await waitFor(() => expect(router.place).toEqual({ page: "run", id: run.id }));
});

it("makes a project with a name", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("new-project"));
  const name = await screen.findByTestId("project-name");
  expect(screen.getByTestId("project-create")).toBeDisabled();
  await userEvent.type(name, "Replies{Enter}");
  await waitFor(() => expect(router.place.page).toBe("project"));
  expect((await backend.home()).projects[0]?.name).toBe("Replies");
});

it("asks before it deletes, and shows hostile names as text", async () => {
  const backend = makeScripted();
  const project = await backend.createProject("<img src=x onerror=alert(1)> " + "long ".repeat(60));
  const { container } = renderPage(HomePage, {}, backend);
  expect(await screen.findByText(/<img src=x/)).toBeInTheDocument();
  expect(container.querySelector("img")).toBeNull();
  await userEvent.click(screen.getByTestId(`project-menu-${project.id}`));
  await userEvent.click(await screen.findByTestId("project-delete"));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText(/cannot be undone/)).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("confirm-delete-yes"));
  await waitFor(async () => expect((await backend.home()).projects).toEqual([]));
});

it("makes a project of a dropped file", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, backend);
  dropped.put(["/home/you/my reviews.csv"]);
  await waitFor(() => expect(router.place.page).toBe("project"));
  expect((await backend.home()).projects[0]?.name).toBe("my reviews");
  expect(dropped.take()).toEqual(["/home/you/my reviews.csv"]);
});

it("shows an error with its remedy and copies it", async () => {
  const backend = makeScripted();
  backend.failNext("openSample", { code: "disk", message: "The disk is full.", hint: "Make room and try again." });
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("start-sample-review-mood"));
  expect(await screen.findByText("The disk is full.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("error-copy"));
  await waitFor(() => expect(backend.copied[0]).toContain("Make room and try again."));
});

/** A project with a run, and the page that lists it. */
async function withProject() {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  backend.finish(run.id);
  return { backend, project, run };
}

async function openMenu(project: number, item: string) {
  await userEvent.click(await screen.findByTestId(`project-menu-${project}`));
  await userEvent.click(await screen.findByTestId(item));
}

it("backs a project up, with the examples or without, and says what is inside", async () => {
  const { backend, project } = await withProject();
  renderPage(HomePage, {}, backend);
  await openMenu(project.id, `back-up-${project.id}`);
  const dialog = await screen.findByTestId("back-up");
  expect(dialog).toHaveTextContent("Inside are the prompt and its versions");
  const data = screen.getByTestId("back-up-data");
  expect(data).toBeChecked();
  expect(await seriousFaults(dialog)).toEqual([]);
  await userEvent.click(data);
  expect(within(dialog).getByText(/The losses stay, but no texts of examples. Prompts and rewrites may still quote some./)).toHaveAttribute("aria-hidden", "false");
  backend.failNext("backUp", { code: "disk", message: "The disk is full.", hint: "Make room." });
  await userEvent.click(screen.getByTestId("back-up-go"));
  expect(await within(dialog).findByText("The disk is full.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("back-up-go"));
  await waitFor(() => expect(screen.queryByTestId("back-up")).toBeNull());
  expect(backend.calls.filter(([name]) => name === "backUp").map(([, ...given]) => given)).toEqual([[project.id, false], [project.id, false]]);
  expect(toasts.list.at(-1)?.text).toMatch(/^Saved as .*\.pmpo$/);
});

it("leaves the question open when no place was chosen", async () => {
  const { backend, project } = await withProject();
  renderPage(HomePage, {}, { ...backend, async backUp() { return null; } });
  await openMenu(project.id, `back-up-${project.id}`);
  await userEvent.click(await screen.findByTestId("back-up-go"));
  expect(screen.getByTestId("back-up")).toBeInTheDocument();
});

it("brings a project back and opens it", async () => {
  const { backend, project } = await withProject();
  await backend.backUp(project.id, true);
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("bring-back"));
  await waitFor(() => expect(router.place.page).toBe("project"));
  expect(router.place).not.toEqual({ page: "project", id: project.id });
  const back = await backend.project(router.place.page === "project" ? router.place.id : 0);
  expect(back).toMatchObject({ name: project.name, draft: { prompt: project.draft.prompt } });
  expect(back.versions).toHaveLength(2);
  expect(toasts.list.at(-1)?.text).toBe(`“${project.name}” is back as a project of its own.`);
});

it("brings back a dropped backup instead of making a project of it", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, backend);
  await screen.findByTestId("bring-back");
  dropped.put(["/home/you/My reviews.PMPO"]);
  await waitFor(() => expect(router.place.page).toBe("project"));
  expect(backend.calls.filter(([name]) => name === "bringBack")).toEqual([["bringBack", "/home/you/My reviews.PMPO"]]);
  expect(backend.calls.some(([name]) => name === "createProject")).toBe(false);
  // The project's page must not take it for examples.
  expect(dropped.take()).toEqual([]);
});

it("says why a backup cannot be brought back, and stays when none is chosen", async () => {
  const backend = makeScripted();
  backend.failNext("bringBack", { code: "backup", message: "This file is damaged.", hint: "Use another copy." });
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("bring-back"));
  expect(await screen.findByText("This file is damaged.")).toBeInTheDocument();
  expect(router.place.page).toBe("home");
});

it("leads to all runs where there are several", async () => {
  const { backend, project } = await withProject();
  const view = renderPage(HomePage, {}, backend);
  await screen.findByTestId("bring-back");
  expect(screen.queryByTestId("all-runs")).toBeNull();
  view.unmount();
  backend.finish((await backend.startRun(project.id)).id);
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("all-runs"));
  expect(router.place).toEqual({ page: "runs", project: null });
});

it("tells of the database, checks it and compacts it", async () => {
  const { backend, run } = await withProject();
  await backend.deleteRun(run.id);
  renderPage(HomePage, {}, backend);
  const storage = await screen.findByTestId("storage");
  await waitFor(() => expect(storage).toHaveTextContent("Storage: 24 MB"));
  await userEvent.click(storage);
  const dialog = await screen.findByTestId("storage-dialog");
  expect(dialog).toHaveTextContent("studio.sqlite3");
  expect(dialog).toHaveTextContent("about 5 MB");
  await waitFor(() => expect(screen.getByTestId("storage-binned")).toHaveTextContent("1 deleted run can still be brought back. Compacting removes it for good."));
  expect(await seriousFaults(dialog)).toEqual([]);
  await userEvent.click(screen.getByTestId("storage-check"));
  await waitFor(() => expect(screen.getByTestId("storage-result")).toHaveTextContent("The database is whole."));
  await userEvent.click(screen.getByTestId("storage-compact"));
  await waitFor(() => expect(screen.getByTestId("storage-result")).toHaveTextContent("Compacted: 24 MB before, 18 MB now."));
  expect(screen.getByTestId("storage-binned")).toHaveTextContent("No deleted runs wait");
  expect(storage).toHaveTextContent("Storage: 18 MB");
});

it("lists what is wrong with the database, what to do, and why work on it failed", async () => {
  const backend = makeScripted();
  const faults = Array.from({ length: 60 }, (_, at) => `row ${at} missing from index <b>runs</b>`);
  renderPage(HomePage, {}, { ...backend, async checkStorage() { return faults; } });
  await userEvent.click(await screen.findByTestId("storage"));
  await userEvent.click(await screen.findByTestId("storage-check"));
  const result = screen.getByTestId("storage-result");
  await waitFor(() => expect(result).toHaveTextContent("60 faults were found:"));
  expect(result).toHaveTextContent("row 49 missing from index <b>runs</b> and 10 more");
  expect(result).toHaveTextContent("Back up every project that still opens");
  expect(result.querySelector("b")).toBeNull();
  expect(await seriousFaults(screen.getByTestId("storage-dialog"))).toEqual([]);
  await userEvent.click(screen.getByTestId("storage-copy"));
  expect(backend.copied[0]?.split("\n")).toHaveLength(60);
  backend.failNext("compactStorage", { code: "busy", message: "A run is going on.", hint: "Wait for it to end." });
  await userEvent.click(screen.getByTestId("storage-compact"));
  expect(await screen.findByText("A run is going on.")).toBeInTheDocument();
  expect(result.textContent?.trim()).toBe("");
});

it("says in its dialog why the storage cannot be read", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, { ...backend, async storage() { throw { code: "disk", message: "The file is gone.", hint: "" }; } });
  await userEvent.click(await screen.findByTestId("storage"));
  expect(await screen.findByText("The file is gone.")).toBeInTheDocument();
});

it("tells of the last run what became of right answers, not of the loss", async () => {
  const backend = makeScripted({ ending: "surer_but_less_right" });
  const project = await backend.openSample("review-mood");
  backend.finish((await backend.startRun(project.id)).id);
  renderPage(HomePage, {}, backend);
  const last = await screen.findByTestId(`last-right-${project.id}`);
  expect(last).toHaveTextContent("right answers 22 of 40 → 9 of 40 · surer, but less often right");
  expect(screen.queryByText(/loss 2/u)).toBeNull();
});
