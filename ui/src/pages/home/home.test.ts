import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../../backend/scripted";
import { dropped } from "../../lib/dropped.svelte";
import { router } from "../../lib/router.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import HomePage from "./HomePage.svelte";

it("starts the sample with one button", async () => {
  const backend = makeScripted();
  renderPage(HomePage, {}, backend);
  await userEvent.click(await screen.findByTestId("start-sample-review-mood"));
  await waitFor(() => expect(router.place.page).toBe("run"));
  expect(backend.calls.map(([name]) => name)).toEqual(["home", "openSample", "startRun"]);
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
