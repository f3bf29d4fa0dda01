import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted, type Scripted } from "../../backend/scripted";
import { notices } from "../../lib/notices.svelte";
import { preferences } from "../../lib/preferences.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import ProjectPage from "./ProjectPage.svelte";

async function sample(options = {}) {
  const backend = makeScripted(options);
  const project = await backend.openSample("review-mood");
  const view = renderPage(ProjectPage, { id: project.id }, backend);
  const editor = await screen.findByTestId<HTMLTextAreaElement>("prompt-editor");
  return { backend, project, editor, ...view };
}

async function empty(options = {}) {
  const backend = makeScripted(options);
  const project = await backend.createProject("Mine");
  const view = renderPage(ProjectPage, { id: project.id }, backend);
  await screen.findByTestId("prompt-editor");
  return { backend, project, ...view };
}

it("saves what is written, once, a moment later", async () => {
  const { backend, project, editor } = await sample();
  await userEvent.type(editor, " More.");
  expect(screen.getByTestId("save-state")).toHaveTextContent("Saving…");
  await waitFor(() => expect(screen.getByTestId("save-state")).toHaveTextContent("Saved"), { timeout: 2000 });
  expect((await backend.project(project.id)).draft.prompt).toMatch(/ More\.$/);
  expect(backend.calls.filter(([name]) => name === "saveDraft")).toHaveLength(1);
});

it("saves when the page is left at once", async () => {
  const { backend, project, editor, unmount } = await sample();
  await userEvent.type(editor, "!");
  unmount();
  await waitFor(async () => expect((await backend.project(project.id)).draft.prompt).toMatch(/!$/));
});

it("marks unknown placeholders and does not start with them", async () => {
  const { editor } = await sample();
  fireEvent.input(editor, { target: { value: "Read {{text}} and {{review}}." } });
  expect(await screen.findByTestId("unknown-placeholders")).toHaveTextContent("{{text}}");
  expect(screen.getByTestId("start-run")).toBeDisabled();
  expect(screen.getByTestId("missing")).toHaveTextContent("a known column");
});

it("completes a column after two braces, by keyboard", async () => {
  const { editor } = await sample();
  await userEvent.clear(editor);
  await userEvent.type(editor, "Read {{{{re");
  expect(await screen.findByTestId("column-offer")).toHaveTextContent("review");
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(editor).toHaveValue("Read {{review}}"));
  expect(screen.queryByTestId("column-offer")).toBeNull();
});

it("locks a part and frees it again", async () => {
  const { backend, project } = await sample();
  await userEvent.click(await screen.findByTestId("lock-1"));
  expect(await screen.findByText("stays word for word")).toBeInTheDocument();
  await waitFor(async () => expect((await backend.project(project.id)).draft.locked).toEqual(["Look at the review."]), { timeout: 2000 });
  await userEvent.click(screen.getByRole("button", { name: "Unlock “Look at the review.”" }));
  await waitFor(async () => expect((await backend.project(project.id)).draft.locked).toEqual([]), { timeout: 2000 });
});

it("frees a locked part that was edited", async () => {
  const { editor } = await sample();
  await userEvent.click(await screen.findByTestId("lock-1"));
  await screen.findByText("stays word for word");
  fireEvent.input(editor, { target: { value: "You are a famous poet. Look at it." } });
  await waitFor(() => expect(screen.queryByText("stays word for word")).toBeNull());
});

it("measures the prompt and says when the number is old", async () => {
  const { editor } = await sample();
  await userEvent.click(screen.getByTestId("score-prompt"));
  expect(await screen.findByTestId("scored")).toHaveTextContent(/loss\s*2\.\d{3} ± 0\.081 on 20 examples, 15% right when asked, 45% right by choice/);
  await userEvent.type(editor, "x");
  expect(screen.getByTestId("scored")).toHaveTextContent("of an earlier wording");
});

it("shows a project without anything, says what is missing and has no serious faults", async () => {
  const { container } = await empty();
  expect(screen.getByTestId("missing")).toHaveTextContent(/a prompt.*examples/);
  expect(screen.getByTestId("start-run")).toBeDisabled();
  expect(screen.getByText("No runs yet")).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
});

it("brings a file by its path, lets columns be chosen and keeps it", async () => {
  const { backend, project, container } = await empty();
  await userEvent.type(screen.getByTestId("data-path"), "/home/you/reviews.csv{Enter}");
  expect(await screen.findByTestId("data-usable")).toHaveTextContent("237 examples from 240 rows");
  expect(screen.getByTestId("data-column-input")).toHaveValue("text");
  // What the file holds is text, whatever it looks like.
  expect(screen.getByText("Too small, <b>far</b> too loud.")).toBeInTheDocument();
  expect(container.querySelector("b")).toBeNull();
  expect(screen.getByTestId("why-target")).toHaveTextContent("only 2 different values");
  expect(screen.getByTestId("finding-empty_answer")).toHaveTextContent("2 rows have no answer");
  expect(await seriousFaults(container)).toEqual([]);

  await userEvent.selectOptions(screen.getByTestId("data-column-target"), "date");
  await waitFor(() => expect(screen.queryByTestId("why-target")).toBeNull());
  await userEvent.click(screen.getByTestId("remedy-duplicate-keep"));
  await waitFor(() => expect(screen.getByTestId("data-usable")).toHaveTextContent("238 examples"));
  await userEvent.click(screen.getByTestId("data-keep"));
  expect(await screen.findByTestId("data-summary")).toHaveTextContent("238 examples");
  expect((await backend.project(project.id)).data?.mapping.answer).toEqual({ kind: "supervised", target: "date", also: [] });
});

it("lets a column say how much a row counts", async () => {
  const { backend, project } = await empty();
  await userEvent.type(screen.getByTestId("data-path"), "/home/you/reviews.csv{Enter}");
  const weight = await screen.findByLabelText("Weight");
  expect(weight).toHaveValue("");
  await userEvent.selectOptions(weight, "date");
  await waitFor(() => expect(screen.getByTestId("data-weight")).toHaveValue("date"));
  await waitFor(() => expect(screen.getByTestId("data-keep")).toBeEnabled());
  await userEvent.click(screen.getByTestId("data-keep"));
  await screen.findByTestId("data-summary");
  expect((await backend.project(project.id)).data?.mapping.weight).toBe("date");
});

it("names the fault of a damaged file", async () => {
  await empty();
  await userEvent.type(screen.getByTestId("data-path"), "/home/you/damaged.csv{Enter}");
  const note = await screen.findByTestId("error-note");
  expect(note).toHaveTextContent("Row 3, column “text”");
  expect(note).toHaveTextContent("Close the quotation mark");
});

it("changes the effort and gives lost settings back", async () => {
  preferences.apply({ theme: "light", language: "en", advanced: true });
  const { backend, project, container } = await sample();
  const steps = await screen.findByTestId("setting-steps");
  await userEvent.clear(steps);
  await userEvent.type(steps, "7");
  await waitFor(() => expect(screen.getByText("1 setting is your own")).toBeInTheDocument());
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(screen.getByTestId("effort-thorough"));
  await waitFor(() => expect(steps).toHaveValue("20"));
  await waitFor(async () => expect((await backend.project(project.id)).draft.effort).toBe("thorough"), { timeout: 2000 });
});

it("refuses a wrong setting and goes back to the default", async () => {
  preferences.apply({ theme: "light", language: "en", advanced: true });
  await sample();
  const shares = await screen.findByTestId("setting-split-train_share");
  await userEvent.clear(shares);
  await userEvent.type(shares, "0.9");
  expect(await screen.findByText("The two shares together must not exceed 1.")).toBeInTheDocument();
  expect(screen.getByTestId("start-run")).toBeDisabled();
  await userEvent.clear(shares);
  await userEvent.type(shares, "many");
  expect(await screen.findByText("Enter a number.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("setting-split-train_share-reset"));
  await waitFor(() => expect(shares).toHaveValue("0.3"));
  expect(screen.getByTestId("start-run")).toBeEnabled();
});

it("lets the early dropping be switched off and its measure be set", async () => {
  preferences.apply({ theme: "light", language: "en", advanced: true });
  const { backend, project } = await sample();
  const racing = await screen.findByRole("checkbox", { name: "Drop clear losers early" });
  const behind = screen.getByRole("textbox", { name: "How far behind a prompt must be" });
  expect(racing).toBeChecked();
  expect(behind).toHaveValue("1.75");
  await userEvent.clear(behind);
  await userEvent.type(behind, "0");
  await waitFor(() => expect(behind).toBeInvalid());
  await userEvent.clear(behind);
  await userEvent.type(behind, "2.1");
  await userEvent.click(racing);
  await waitFor(async () => expect((await backend.project(project.id)).draft.settings).toMatchObject({ racing: false, race_z: 2.1 }), { timeout: 2000 });
  await userEvent.click(screen.getByTestId("setting-racing-reset"));
  await userEvent.click(screen.getByTestId("setting-race_z-reset"));
  await waitFor(() => expect(racing).toBeChecked());
  expect(behind).toHaveValue("1.75");
});

it("estimates only on request while the model is not loaded", async () => {
  const { backend } = await sample({ loaded: false });
  expect(backend.calls.some(([name]) => name === "estimate")).toBe(false);
  await userEvent.click(await screen.findByTestId("estimate"));
  expect(await screen.findByTestId("estimate-text")).toHaveTextContent("about 3 minutes");
});

it("says what another version of the program saved that cannot be read", async () => {
  const plain = makeScripted();
  const made = await plain.openSample("review-mood");
  const project = { ...made, unread: ["settings.objective", "device", "brand_new"] };
  const backend: Scripted = { ...plain, async project() { return project; } };
  renderPage(ProjectPage, { id: made.id }, backend);
  expect(await screen.findByTestId("unread")).toHaveTextContent("uses the usual values: What is lowered, Runs on, brand_new. What was saved");
});

it("shows the free memory of each device", async () => {
  const { backend, project } = await sample();
  const select = await screen.findByTestId("device-select");
  expect([...select.querySelectorAll("option")].map((one) => one.textContent?.replace(/[\u2068\u2069]/g, ""))).toEqual([
    "Automatic: a graphics card where there is one", "GPU 0: Example 4060 · 2.5 GB free", "Processor · 11.8 GB free",
  ]);
  await userEvent.selectOptions(select, "gpu0");
  await waitFor(async () => expect((await backend.project(project.id)).draft.device).toBe("gpu0"), { timeout: 2000 });
});

it("takes a folder for a model, and stays as it was when none is chosen", async () => {
  const { backend, project } = await sample();
  await userEvent.click(await screen.findByTestId("choose-model-folder"));
  await waitFor(() => expect(screen.getByTestId("model-summary")).toHaveTextContent("Qwen3-1.7B"));
  await waitFor(async () => expect((await backend.project(project.id)).draft.model_path).toBe("/home/you/models/Qwen3-1.7B"), { timeout: 2000 });
  backend.failNext("chooseModelFolder", { code: "dialog", message: "No dialog.", hint: "" });
  await userEvent.click(screen.getByTestId("choose-model-folder"));
  await waitFor(() => expect(toasts.list.at(-1)?.text).toBe("No dialog."));
  expect(screen.getByTestId("model-summary")).toHaveTextContent("Qwen3-1.7B");
});

it("shows no other model in place of one that cannot be looked at, and does not start", async () => {
  const { backend } = await sample();
  await screen.findByTestId("model-summary");
  backend.failNext("modelInfo", { code: "model", message: "The folder holds no model.", hint: "Choose another." });
  await userEvent.click(screen.getByTestId("choose-model-folder"));
  expect(await screen.findByText("The folder holds no model.")).toBeInTheDocument();
  expect(screen.queryByTestId("model-summary")).toBeNull();
  expect(screen.getByTestId("start-run")).toBeDisabled();
  await userEvent.click(screen.getByTestId("model-built-in"));
  await screen.findByTestId("model-summary");
  await waitFor(() => expect(screen.getByTestId("start-run")).toBeEnabled());
});

it("says that a model is too big and does not start with it", async () => {
  await sample();
  await userEvent.click(screen.getByTestId("model-by-path"));
  await userEvent.type(await screen.findByTestId("model-path"), "/home/you/huge.gguf{Enter}");
  expect(await screen.findByText("This model is too big for this computer.")).toBeInTheDocument();
  expect(screen.getByTestId("start-run")).toBeDisabled();
  await userEvent.click(screen.getByTestId("model-built-in"));
  await waitFor(() => expect(screen.getByTestId("start-run")).toBeEnabled());
});

it("starts by keyboard with what was just written", async () => {
  const { backend, editor } = await sample();
  fireEvent.input(editor, { target: { value: "Name the mood of {{review}}." } });
  await userEvent.keyboard("{Control>}{Enter}{/Control}");
  await waitFor(() => expect(router.place.page).toBe("run"));
  const run = router.place.page === "run" ? router.place.id : 0;
  expect((await backend.runView(run)).start_prompt).toBe("Name the mood of {{review}}.");
});

it("shows earlier runs and versions, and takes a version back", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  backend.finish(run.id);
  const { container } = renderPage(ProjectPage, { id: project.id }, backend);
  expect(await screen.findByTestId(`open-run-${run.id}`)).toHaveTextContent("Run 1");
  expect(screen.getByTestId(`outcome-${run.id}`)).toHaveTextContent("right answers 0 of 40 → 35 of 40 · better");
  expect(screen.getByTestId("version-2")).toHaveTextContent("found by Run 1");
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(screen.getByTestId("copy-version-2"));
  await userEvent.click(screen.getByTestId("use-version-2"));
  await waitFor(() => expect(screen.getByTestId("prompt-editor")).toHaveValue(backend.copied[0]));
  expect(screen.getByTestId("version-2")).toHaveTextContent("in use");
});

it("keeps text in another direction and very long text as it is", async () => {
  const { editor, container } = await sample();
  const prompt = `اقرأ المراجعة. ${"word ".repeat(4000)}<script>alert(1)</script>`;
  fireEvent.input(editor, { target: { value: prompt } });
  expect(editor).toHaveAttribute("dir", "auto");
  await waitFor(() => expect(container.querySelector(".mirror")?.textContent).toBe(`${prompt}\u200b`));
  expect(container.querySelector("script")).toBeNull();
});

it("keeps the text even while a setting is wrong", async () => {
  preferences.apply({ theme: "light", language: "en", advanced: true });
  const { backend, project, editor, unmount } = await sample();
  const share = await screen.findByTestId("setting-split-train_share");
  await userEvent.clear(share);
  await userEvent.type(share, "0.9");
  await userEvent.type(editor, " More.");
  unmount();
  await waitFor(async () => expect((await backend.project(project.id)).draft.prompt).toMatch(/More\.$/));
  expect((await backend.project(project.id)).draft.settings.split.train_share).toBe(0.3);
});

it("reads its lists again when a run in the background has ended", async () => {
  const { backend, project } = await sample();
  const run = await backend.startRun(project.id);
  backend.finish(run.id);
  notices.add();
  expect(await screen.findByTestId(`open-run-${run.id}`)).toBeInTheDocument();
});

it("deletes a run without a question, and brings it back", async () => {
  const { backend, project } = await sample();
  const runs = [await backend.startRun(project.id), await backend.startRun(project.id)];
  for (const run of runs) backend.finish(run.id);
  notices.add();
  const [first, second] = runs.map((run) => run.id) as [number, number];
  await userEvent.click(await screen.findByTestId(`delete-run-${first}`));
  await waitFor(() => expect(screen.queryByTestId(`open-run-${first}`)).toBeNull());
  expect(screen.getByTestId(`open-run-${second}`)).toHaveFocus();
  expect(screen.queryByTestId("compare-runs")).toBeNull();
  const notice = toasts.list.at(-1);
  expect(notice?.text).toMatch(/“\u2068Run 1\u2069” was deleted/u);
  notice?.action?.run();
  expect(await screen.findByTestId(`open-run-${first}`)).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("compare-runs"));
  expect(router.place).toEqual({ page: "runs", project: project.id });
});

it("says why a run could not be deleted", async () => {
  const { backend, project } = await sample();
  const run = await backend.startRun(project.id);
  backend.finish(run.id);
  notices.add();
  backend.failNext("deleteRun", { code: "busy", message: "This run is going on.", hint: "Stop it first." });
  await userEvent.click(await screen.findByTestId(`delete-run-${run.id}`));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("Stop it first.");
  expect(screen.getByTestId(`open-run-${run.id}`)).toBeInTheDocument();
});

it("has the keyboard at the start button where a new run is wanted", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  renderPage(ProjectPage, { id: project.id, at: "start" }, backend);
  await waitFor(() => expect(screen.getByTestId("start-run")).toHaveFocus());
});
