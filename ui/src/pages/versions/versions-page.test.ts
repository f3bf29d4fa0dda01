import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Project, VersionSummary } from "../../backend/generated/wire";
import { makeScripted, type Scripted } from "../../backend/scripted";
import { historyOf } from "../../backend/scripted-history";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { setLanguage } from "../../text";
import { renderPage, seriousFaults } from "../../test/render";
import { asked, prepared, refusal } from "../../test/two-versions";
import VersionsPage from "./VersionsPage.svelte";

const plain = (number: number, more: Partial<VersionSummary> = {}): VersionSummary => ({
  id: 1000 + number, number, text: `Prompt ${number}`, parent: number > 1 ? 999 + number : null, origin: { kind: "written" }, note: "", starred: false, tags: [],
  labels: [], created_at: number, ...more,
});

async function show(backend: Scripted, project: number, over: Partial<Scripted> = {}) {
  const view = renderPage(VersionsPage, { project }, { ...backend, ...over });
  await screen.findByTestId("tree");
  return view;
}

/** A project with given versions, the newest last. */
async function withVersions(versions: VersionSummary[], prompt?: string) {
  const backend = makeScripted();
  const { id, draft } = await backend.openSample("review-mood");
  backend.setVersions(id, [...versions].reverse());
  await backend.saveDraft(id, { ...draft, prompt: prompt ?? versions.at(-1)?.text ?? "" });
  return { backend, id };
}

const rows = () => [...screen.getByTestId("tree").querySelectorAll<HTMLElement>("[role=row]")];
const here = () => document.getElementById(screen.getByTestId("tree").getAttribute("aria-activedescendant") ?? "");
/** A menu or a dialog that closes lets go of the page a little later. */
const released = () => waitFor(() => expect(document.body.style.pointerEvents).not.toBe("none"));
const said = () => toasts.list.at(-1)?.text;

it("shows a row for each version with all that is known, and the one in use beside it", async () => {
  const { backend, id, first, best } = await prepared();
  await backend.labelVersion(id, "shop", first);
  await backend.annotateVersion(id, best, "Works for short reviews", true, ["short"]);
  await backend.useVersion(id, best);
  await backend.measure(id, [first, best], []);
  const { container } = await show(backend, id);
  const row = screen.getByTestId("tree-row-2");
  for (const word of ["Version 2", "found by Run 1", "in use", "short", "Works for short reviews"]) expect(row).toHaveTextContent(word);
  await waitFor(() => expect(row).toHaveTextContent(/loss \d\.\d{3}/));
  expect(container.querySelectorAll(".lowest")).toHaveLength(1);
  expect(row).toHaveAccessibleName(expect.stringMatching(/^Version 2, found by Run 1, in use, starred, loss \d/));
  expect(row).toHaveAttribute("aria-selected", "true");
  expect(screen.getByTestId("tree-row-1")).toHaveTextContent(/from the sample.*shop/);
  expect(screen.getByTestId("version-panel")).toHaveTextContent("Version 2");
  expect(screen.getByTestId("version-figures")).toHaveTextContent(/loss \d\.\d{3} ± \d\.\d{3}, \d+ % right|loss \d\.\d{3}\s± \d\.\d{3}, \d+% right/);
  expect(await seriousFaults(container)).toEqual([]);
});

it("tells the story of a version that a run found", async () => {
  const { backend, id, best } = await prepared();
  await show(backend, id);
  const story = await screen.findByTestId("version-story");
  await waitFor(() => expect(story).toHaveTextContent("Run 1 began with version 1."));
  const { changes } = (await backend.versionStory(id, best)) ?? { changes: [] };
  expect(changes.length).toBeGreaterThan(0);
  const steps = within(story).getAllByRole("listitem").filter((item) => item.parentElement?.tagName === "OL");
  expect(steps).toHaveLength(changes.length);
  expect(steps[0]).toHaveTextContent(`Step ${changes[0]?.step}`);
  expect(steps[0]).toHaveTextContent(/loss \d\.\d{3}/);
  await userEvent.click(screen.getByTestId("story-run"));
  expect(router.place.page).toBe("result");
});

it("says what was done in words, with the examples that it was done because of", async () => {
  const { backend, id } = await prepared();
  const examples = [{ row: 4, input: "اشتريت <b>this</b>", targets: ["negative"], rejected: [] }];
  const story = {
    run: 999, run_name: "Night run", from: 1, changes: [
      { step: 1, candidate: 3, origin: { kind: "rewrite" as const, example: 3, variant: 0 }, examples, loss: 1.5 },
      { step: 2, candidate: 7, origin: { kind: "drop" as const, segment: 1 }, examples: [], loss: 1.25 },
      { step: 3, candidate: 9, origin: { kind: "bank" as const, phrase: "Be brief." }, examples: [], loss: null },
      { step: 4, candidate: 12, origin: { kind: "demonstrations" as const, examples: [3] }, examples, loss: 1.1 },
      { step: 5, candidate: 15, origin: { kind: "reorder" as const, how: "x" }, examples: [], loss: 1 },
      { step: 6, candidate: 18, origin: { kind: "rewrite" as const, example: 3, variant: 0 }, examples: [], loss: 0.9 },
    ],
  };
  await show(backend, id, { async versionStory() { return story; } });
  const shown = await screen.findByText("Night run");
  const all = shown.closest("section");
  for (const words of [
    "Rewritten by the model because of Row 4: اشتريت <b>this</b> → negative", "Part 2 taken out", "Phrase added: Be brief.", "Worked examples added: Row 4:", "Parts put in another order",
    "Rewritten by the model with example 4 in mind, variant 1",
  ]) expect(all).toHaveTextContent(words);
  expect(all?.querySelector("b")).toBeNull();
  expect(await seriousFaults(all as Element)).toEqual([]);
});

it("says when the run is gone, and why a story cannot be read", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2, { origin: { kind: "run", run: 77, candidate: 4 } })]);
  backend.failNext("versionStory", refusal);
  await show(backend, id);
  const story = screen.getByTestId("version-story");
  expect(await within(story).findByTestId("error-note")).toHaveTextContent("That cannot be.");
  await userEvent.click(within(story).getByTestId("error-retry"));
  await waitFor(() => expect(story).toHaveTextContent("The run that found this version was deleted, and its story with it. It began with version 1."));
  expect(screen.queryByTestId("story-run")).toBeNull();
  expect(screen.getByTestId("tree-row-2")).toHaveTextContent("found by a run");
});

it("is moved through with the keyboard alone", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2, { note: "Two" }), plain(3, { starred: true })]);
  await show(backend, id);
  const tree = screen.getByTestId("tree");
  tree.focus();
  expect(here()).toBe(screen.getByTestId("tree-row-3"));
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}");
  expect(here()).toBe(screen.getByTestId("tree-row-1"));
  expect(screen.getByTestId("version-panel")).toHaveAttribute("data-version", "3");
  await userEvent.keyboard("{Enter}");
  expect(screen.getByTestId("version-panel")).toHaveAttribute("data-version", "1");
  expect(screen.getByText("Version 1 is shown beside the list.")).toBeInTheDocument();
  await userEvent.keyboard("{Home}");
  expect(here()).toBe(screen.getByTestId("tree-row-3"));
  // Only the buttons of the row that the keyboard is on stand in its way.
  await userEvent.tab();
  expect(screen.getByTestId("version-mark-3")).toHaveFocus();
  await userEvent.keyboard("{Enter}");
  expect(screen.getByTestId("version-mark-3")).toHaveAttribute("aria-pressed", "true");
  await userEvent.keyboard("{ArrowDown}");
  expect(tree).toHaveFocus();
  expect(here()).toBe(screen.getByTestId("tree-row-2"));
  await userEvent.keyboard("{End}{ArrowUp} ");
  expect(screen.getByTestId("version-mark-2")).toHaveAttribute("aria-pressed", "true");
  expect(screen.getByTestId("compare-marked")).toHaveTextContent("Compare 2 and 3");
});

it("folds what a run found and long stretches, by mouse and by keyboard", async () => {
  const { backend, id } = await withVersions([
    ...Array.from({ length: 14 }, (_, at) => plain(at + 1)), ...[15, 16, 17].map((number) => plain(number, { parent: 1014, origin: { kind: "run", run: 5, candidate: number } })),
    plain(18, { parent: 1017 }),
  ]);
  const { container } = await show(backend, id);
  expect(rows()).toHaveLength(5);
  const run = screen.getByTestId("tree-fold-run-15");
  expect(run).toHaveAttribute("aria-expanded", "false");
  expect(run.closest("[role=row]")).toHaveTextContent(/3 versions found by a run.*15 to 17/);
  expect(screen.getByTestId("tree-fold-stretch-2").closest("[role=row]")).toHaveTextContent(/12 versions in a row.*2 to 13/);
  await userEvent.click(run);
  expect(rows()).toHaveLength(8);
  expect(screen.getByTestId("tree-fold-run-15")).toHaveAttribute("aria-expanded", "true");
  expect(screen.getByTestId("tree-row-16")).toHaveAttribute("aria-level", "2");
  expect(await seriousFaults(container)).toEqual([]);
  screen.getByTestId("tree").focus();
  await userEvent.keyboard("{ArrowLeft}");
  expect(rows()).toHaveLength(5);
  await userEvent.keyboard("{End}{ArrowUp}{ArrowRight}");
  expect(rows()).toHaveLength(17);
  await userEvent.keyboard("{Enter}");
  expect(rows()).toHaveLength(5);
});

it("goes to the version that another was made from, through its fold", async () => {
  const { backend, id } = await withVersions(Array.from({ length: 14 }, (_, at) => plain(at + 1)));
  await show(backend, id);
  expect(screen.queryByTestId("tree-row-13")).toBeNull();
  await userEvent.click(screen.getByTestId("version-parent"));
  expect(screen.getByTestId("version-panel")).toHaveAttribute("data-version", "13");
  await waitFor(() => expect(here()).toBe(screen.getByTestId("tree-row-13")));
});

it("uses a version and says what became of what was in the editor", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2)], "Something new.");
  await show(backend, id);
  expect(screen.getByTestId("loose-draft")).toHaveTextContent("It becomes one when you use another");
  await userEvent.click(screen.getByTestId("tree-row-1"));
  await userEvent.click(screen.getByTestId("version-use"));
  await waitFor(() => expect(said()).toBe("Version 1 is in the editor now. What was there is version 3."));
  expect(screen.getByTestId("tree-row-1")).toHaveTextContent("in use");
  expect(screen.getByTestId("tree-row-3")).toHaveTextContent("Something new.");
  expect(screen.queryByTestId("loose-draft")).toBeNull();
  expect(screen.getByTestId("version-use")).toBeDisabled();
  expect((await backend.project(id)).draft.prompt).toBe("Prompt 1");
  await userEvent.click(screen.getByTestId("tree-row-2"));
  backend.failNext("useVersion", refusal);
  await userEvent.click(screen.getByTestId("version-use"));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
});

it("exports in four kinds, copies, and leads to trying it", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2)]);
  await show(backend, id);
  for (const [kind, ending] of [["txt", "txt"], ["messages", "json"], ["code", "py"], ["card", "md"]] as const) {
    await userEvent.click(screen.getByTestId("version-export"));
    await userEvent.click(await screen.findByTestId(`version-export-${kind}`));
    await waitFor(() => expect(said()).toBe(`Saved as /home/you/prompt-2.${ending}`));
    await released();
  }
  expect(asked(backend, "exportVersion")).toEqual([[1002, "txt"], [1002, "messages"], [1002, "code"], [1002, "card"]]);
  await userEvent.click(screen.getByTestId("version-copy"));
  expect(backend.copied).toEqual(["Prompt 2"]);
  await userEvent.click(screen.getByTestId("version-try"));
  expect(router.place).toEqual({ page: "try", project: id, version: 1002 });
});

it("shows the examples of a prompt as cards, and copies them as lines or as messages", async () => {
  const text = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad";
  const { backend, id } = await withVersions([plain(1), { ...plain(2), text }]);
  const { container } = await show(backend, id);
  expect(screen.getByTestId("version-text")).toHaveTextContent(/^Name the mood\.$/);
  expect(screen.getByTestId("shown-example")).toHaveTextContent("It broke.");
  expect(container).not.toHaveTextContent("[[example]]");
  await userEvent.click(screen.getByTestId("version-copy"));
  await userEvent.click(screen.getByTestId("version-copy-as"));
  await userEvent.click(await screen.findByTestId("version-copy-messages"));
  expect(backend.copied[0]).toBe("Name the mood.\n\nInput: It broke.\nAnswer: bad");
  expect(JSON.parse(backend.copied[1] ?? "").messages.map((one: { content: string }) => one.content)).toEqual(["Name the mood.", "It broke.", "bad", "{{input}}"]);
});

it("says nothing when a dialog is closed without a file", async () => {
  const { backend, id } = await withVersions([plain(1)]);
  const before = toasts.list.length;
  await show(backend, id, { async exportVersion() { return null; } });
  await userEvent.click(screen.getByTestId("version-export"));
  await userEvent.click(await screen.findByTestId("version-export-txt"));
  expect(toasts.list).toHaveLength(before);
});

it("compares with the editor, and two with each other, the older one first", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2), plain(3), plain(4)]);
  const { unmount } = await show(backend, id);
  const ground = { kind: "project" };
  await userEvent.click(screen.getByTestId("version-compare"));
  expect(router.place).toEqual({ page: "compare", request: { project: id, first: { kind: "version", id: 1004 }, second: { kind: "draft" }, ground } });
  const compare = screen.getByTestId("compare-marked");
  expect(compare).toBeDisabled();
  await userEvent.click(screen.getByTestId("version-mark-4"));
  expect(compare).toBeDisabled();
  await userEvent.click(screen.getByTestId("version-mark-4"));
  await userEvent.click(screen.getByTestId("version-mark-2"));
  expect(compare).toHaveTextContent("Compare 2 and 4");
  await userEvent.click(screen.getByTestId("version-mark-1"));
  expect(compare).toHaveTextContent("Compare 1 and 2");
  // A third takes the place of the first.
  await userEvent.click(screen.getByTestId("version-mark-3"));
  expect(screen.getByTestId("version-mark-2")).toHaveAttribute("aria-pressed", "false");
  await userEvent.click(screen.getByTestId("tree-row-2"));
  await userEvent.click(compare);
  expect(router.place).toEqual({ page: "compare", request: { project: id, first: { kind: "version", id: 1001 }, second: { kind: "version", id: 1003 }, ground } });
  // Back again everything is as it was left, once.
  unmount();
  const second = await show(backend, id);
  expect(screen.getByTestId("version-panel")).toHaveAttribute("data-version", "2");
  expect(screen.getByTestId("version-mark-3")).toHaveAttribute("aria-pressed", "true");
  second.unmount();
  await show(backend, id);
  expect(screen.getByTestId("version-panel")).toHaveAttribute("data-version", "4");
});

it("finds, filters and edits as the short list does", async () => {
  const { backend, id } = await withVersions(Array.from({ length: 30 }, (_, at) => plain(at + 1, { tags: at === 4 ? ["odd"] : [], starred: at === 9 })));
  await show(backend, id);
  await userEvent.type(screen.getByTestId("versions-search"), "prompt 2");
  expect(rows()).toHaveLength(12);
  expect(screen.getByTestId("versions-count")).toHaveTextContent("12 of 30 versions");
  expect(screen.getByText("The lines leave out versions that are not shown.")).toBeInTheDocument();
  await userEvent.keyboard("{Escape}");
  await userEvent.selectOptions(screen.getByTestId("versions-tag"), "=odd");
  expect(rows()).toHaveLength(1);
  await userEvent.click(screen.getByTestId("tree-row-5"));
  await userEvent.click(screen.getByTestId("version-edit"));
  await userEvent.type(await screen.findByTestId("version-note"), "Remember this");
  await userEvent.click(screen.getByTestId("version-save"));
  await waitFor(() => expect(screen.getByTestId("version-note-text")).toHaveTextContent("Remember this"));
  await released();
  await userEvent.click(screen.getByTestId("star-version-5"));
  await waitFor(() => expect(screen.getByTestId("star-version-5")).toHaveAttribute("aria-pressed", "true"));
  await userEvent.type(screen.getByTestId("versions-search"), "nowhere");
  await userEvent.click(await screen.findByTestId("versions-show-all"));
  expect(screen.getByTestId("versions-search")).toHaveFocus();
  expect(rows().length).toBeGreaterThan(1);
  await userEvent.click(screen.getByText("History of labels"));
  expect(await screen.findByText("No label has been moved yet.")).toBeInTheDocument();
});

it("draws only what is near the view of five hundred, and scrolls", async () => {
  const { backend, id } = await withVersions([]);
  let next = 5000;
  backend.setVersions(id, historyOf(500, () => next++));
  await show(backend, id);
  expect(rows().length).toBeLessThan(40);
  const tree = screen.getByTestId("tree");
  expect(Number(tree.getAttribute("aria-rowcount"))).toBeGreaterThan(100);
  tree.focus();
  await userEvent.keyboard("{End}");
  await waitFor(() => expect(screen.getByTestId("tree-row-1")).toBeInTheDocument());
  expect(here()).toBe(screen.getByTestId("tree-row-1"));
  expect(rows().length).toBeLessThan(40);
  Object.defineProperty(tree, "scrollTop", { value: 0, writable: true });
  await fireEvent.scroll(tree);
  await waitFor(() => expect(screen.getByTestId("tree-row-500")).toBeInTheDocument());
});

it("shows hostile texts as text and only the beginning of a long one", async () => {
  const markup = "<img src=x onerror=alert(1)><b>bold</b>";
  const hostile = [markup, "\u202Eسيء اقرأ", "😀".repeat(5000), "n".repeat(10_000), "A line. ".repeat(130_000)];
  const { backend, id } = await withVersions(hostile.map((text, at) => plain(at + 1, {
    text, note: text.slice(0, 15_000), tags: [markup, "\u202Eسيء"], labels: [`${markup}${at}`], origin: { kind: "imported", file: `${markup}.md` },
  })));
  const { container } = await show(backend, id);
  expect(container.querySelector("img, b")).toBeNull();
  expect(screen.getByTestId("tree-row-1")).toHaveTextContent(`brought from ${markup}.md`);
  const text = () => screen.getByTestId("version-text").textContent ?? "";
  expect(text()).toHaveLength(4001);
  const whole = screen.getByTestId("version-text-whole");
  expect(whole).toHaveTextContent("Show all 1,040,000 letters");
  await userEvent.click(whole);
  expect(text()).toHaveLength(1_040_000);
  await userEvent.click(screen.getByTestId("tree-row-4"));
  expect(text()).toHaveLength(4001);
  await userEvent.click(screen.getByTestId("tree-row-3"));
  expect(text().replace(/😀|…/gu, "")).toBe("");
  for (const row of rows()) expect(row.textContent?.length).toBeLessThan(700);
  expect(container.querySelector("img, b")).toBeNull();
  expect(screen.getByTestId("version-text")).toHaveAttribute("dir", "auto");
});

it("stands with missing parents and circles", async () => {
  const { backend, id } = await withVersions([plain(1, { parent: 1003 }), plain(2, { parent: 4 }), plain(3, { parent: 1003 }), plain(4, { parent: 1001 })]);
  await show(backend, id);
  expect(rows()).toHaveLength(4);
  await userEvent.click(screen.getByTestId("tree-row-2"));
  expect(screen.queryByTestId("version-parent")).toBeNull();
});

it("says that there is nothing yet, and why nothing could be read", async () => {
  const backend = makeScripted();
  const { id } = await backend.createProject("Mine");
  backend.failNext("project", refusal);
  renderPage(VersionsPage, { project: id }, backend);
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
  await userEvent.click(screen.getByTestId("error-retry"));
  expect(await screen.findByTestId("versions-none")).toHaveTextContent("No versions yet");
});

it("works without figures, and says why there are none", async () => {
  const { backend, id } = await withVersions([plain(1)]);
  backend.failNext("measurements", refusal);
  await show(backend, id);
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
  expect(rows()).toHaveLength(1);
  await userEvent.click(screen.getByTestId("error-retry"));
  expect(await screen.findByText("Not measured on the examples in use yet.")).toBeInTheDocument();
});

it("speaks German", async () => {
  const { backend, id } = await withVersions([plain(1), plain(2)]);
  setLanguage("de");
  const project = async (one: number): Promise<Project> => backend.project(one);
  await show(backend, id, { project });
  expect(screen.getByTestId("version-panel")).toHaveTextContent("entstanden aus Version 1");
});
