import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { LabelMove, Project, VersionSummary } from "../../../backend/generated/wire";
import { seriousFaults } from "../../../test/render";
import { asked, prepared, refusal, show } from "../../../test/two-versions";

/** The same project with other versions than it has. */
async function withVersions(count: number, more: (number: number) => Partial<VersionSummary> = () => ({})) {
  const { backend, id } = await prepared();
  const versions: VersionSummary[] = Array.from({ length: count }, (_, at) => ({
    id: 1000 + at, number: count - at, text: `Prompt ${count - at}`, parent: null, origin: { kind: "written" }, note: "", starred: false, tags: [], labels: [],
    created_at: at, ...more(count - at),
  }));
  const project = async (one: number): Promise<Project> => ({ ...(await backend.project(one)), versions });
  const view = await show({ ...backend, project }, id);
  return { backend, id, ...view };
}

const numbers = () => [...screen.getByTestId("versions").children].map((row) => Number((row as HTMLElement).dataset.testid?.split("-")[1]));

it("stars a version and keeps what is being written", async () => {
  const { backend, id, best } = await prepared();
  await show(backend, id);
  await userEvent.type(screen.getByTestId("prompt-editor"), " More.");
  const star = screen.getByTestId("star-version-2");
  expect(star).toHaveAccessibleName("Star version 2");
  expect(star).toHaveAttribute("aria-pressed", "false");
  await userEvent.click(star);
  await waitFor(() => expect(star).toHaveAttribute("aria-pressed", "true"));
  expect(asked(backend, "annotateVersion")).toEqual([[best, "", true, []]]);
  expect(screen.getByTestId<HTMLTextAreaElement>("prompt-editor").value).toMatch(/ More\.$/);
  backend.failNext("annotateVersion", refusal);
  await userEvent.click(star);
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
  expect(star).toHaveAttribute("aria-pressed", "true");
});

it("writes note and tags, puts labels on and takes them off", async () => {
  const { backend, id, first, best } = await prepared();
  await backend.labelVersion(id, "shop", first);
  await backend.useVersion(id, best);
  await show(backend, id);
  await userEvent.click(screen.getByTestId("edit-version-2"));
  const dialog = await screen.findByTestId("edit-version");
  await waitFor(() => expect(screen.getByTestId("version-note")).toHaveFocus());
  expect(within(dialog).getByTestId("version-labels")).toHaveTextContent("in use");
  expect(screen.queryByTestId("version-label-remove-0")).toBeNull();
  await userEvent.type(screen.getByTestId("version-note"), "Works for short reviews");
  await userEvent.type(screen.getByTestId("version-tags"), "short, for Anna");
  await userEvent.type(screen.getByTestId("version-label"), "mine{Enter}shop");
  expect(screen.getByTestId("version-label-moves")).toHaveTextContent("shop is on version 1 now and moves here.");
  expect(await seriousFaults(dialog)).toEqual([]);
  await userEvent.click(screen.getByTestId("version-save"));
  await waitFor(() => expect(screen.queryByTestId("edit-version")).toBeNull());
  expect(asked(backend, "annotateVersion")).toEqual([[best, "Works for short reviews", false, ["short", "for Anna"]]]);
  expect(asked(backend, "labelVersion").slice(1)).toEqual([["mine", best], ["shop", best]]);
  const row = screen.getByTestId("version-2");
  expect(row).toHaveTextContent(/in use.*mine.*shop/);
  expect(screen.getByTestId("version-1")).not.toHaveTextContent("shop");
  expect(screen.getByTestId("note-version-2")).toHaveTextContent("Works for short reviews");
  expect(within(screen.getByTestId("tags-version-2")).getAllByRole("listitem").map((tag) => tag.textContent)).toEqual(["short", "for Anna"]);

  await userEvent.click(screen.getByTestId("edit-version-2"));
  await userEvent.click(await screen.findByRole("button", { name: "Take off the label “mine”" }));
  await userEvent.keyboard("{Control>}{Enter}{/Control}");
  await waitFor(() => expect(row).not.toHaveTextContent("mine"));
  expect(asked(backend, "labelVersion").at(-1)).toEqual(["mine", null]);
  expect(asked(backend, "annotateVersion")).toHaveLength(1);
});

it("says what is too long or cannot be, and saves nothing of it", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  await userEvent.click(screen.getByTestId("edit-version-1"));
  const tags = await screen.findByTestId("version-tags");
  await userEvent.click(tags);
  await userEvent.paste("x".repeat(41));
  expect(tags).toBeInvalid();
  expect(screen.getByText("A tag may have 40 letters at most.")).toBeInTheDocument();
  expect(screen.getByTestId("version-save")).toBeDisabled();
  await userEvent.clear(tags);
  await userEvent.paste(Array.from({ length: 21 }, (_, at) => `t${at}`).join(","));
  expect(screen.getByText("A version may have 20 tags at most.")).toBeInTheDocument();
  await userEvent.clear(tags);
  await userEvent.click(screen.getByTestId("version-note"));
  await userEvent.paste("n".repeat(20_001));
  expect(screen.getByText("A note may have 20,000 letters at most.")).toBeInTheDocument();
  await userEvent.clear(screen.getByTestId("version-note"));
  await userEvent.type(screen.getByTestId("version-label"), "In Use");
  expect(screen.getByText("This label moves when you choose “Use”.")).toBeInTheDocument();
  expect(screen.getByTestId("version-label-add")).toBeDisabled();
  await userEvent.clear(screen.getByTestId("version-label"));
  // Letters, not units of memory: forty of these are forty.
  await userEvent.paste("😀".repeat(40));
  expect(screen.getByTestId("version-save")).toBeEnabled();
  backend.failNext("labelVersion", refusal);
  await userEvent.click(screen.getByTestId("version-save"));
  expect(await within(screen.getByTestId("edit-version")).findByTestId("error-note")).toHaveTextContent("That cannot be.");

  await userEvent.keyboard("{Escape}");
  expect(screen.getByText("What you changed here is not saved.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("version-discard"));
  await waitFor(() => expect(screen.queryByTestId("edit-version")).toBeNull());
  expect((await backend.project(id)).versions[1]?.labels).toEqual([]);
});

it("offers no search with three versions", async () => {
  await withVersions(3);
  expect(screen.queryByTestId("versions-search")).toBeNull();
});

it("finds versions and says when there are none", async () => {
  const { container } = await withVersions(12, (number) => ({
    starred: number === 3, labels: number === 5 ? ["in use"] : [], tags: number % 2 ? ["odd"] : [], origin: number > 10 ? { kind: "run", run: 99, candidate: 1 } : { kind: "written" },
  }));
  expect(screen.getByTestId("versions-count")).toHaveTextContent("12 versions");
  expect(numbers()).toEqual([12, 10, 9, 8, 7, 6]);
  const search = screen.getByTestId("versions-search");
  await userEvent.type(search, "PROMPT");
  expect(numbers()).toHaveLength(12);
  expect(screen.getByTestId("versions-count")).toHaveTextContent("12 of 12 versions");
  await userEvent.selectOptions(screen.getByTestId("versions-only"), "run");
  expect(numbers()).toEqual([12, 11]);
  await userEvent.selectOptions(screen.getByTestId("versions-only"), "starred");
  expect(numbers()).toEqual([3]);
  await userEvent.selectOptions(screen.getByTestId("versions-only"), "used");
  expect(numbers()).toEqual([5]);
  await userEvent.selectOptions(screen.getByTestId("versions-only"), "all");
  await userEvent.selectOptions(screen.getByTestId("versions-tag"), "=odd");
  expect(numbers()).toEqual([11, 9, 7, 5, 3, 1]);
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.type(search, " nowhere");
  expect(screen.getByTestId("versions-nothing")).toHaveTextContent("Nothing found");
  expect(screen.getByTestId("versions-count")).toHaveTextContent("0 of 12 versions");
  await userEvent.click(screen.getByTestId("versions-show-all"));
  expect(search).toHaveFocus();
  expect(search).toHaveValue("");
  expect(screen.getByTestId("versions-only")).toHaveValue("all");
  await userEvent.type(search, "7");
  expect(numbers()).toEqual([7]);
  await userEvent.keyboard("{Escape}");
  expect(numbers()).toEqual([12, 10, 9, 8, 7, 6]);
});

it("folds the versions of a run together and unfolds them by keyboard", async () => {
  await withVersions(9, (number) => (number > 3 && number < 8 ? { origin: { kind: "run", run: 99, candidate: number } } : {}));
  expect(numbers()).toEqual([9, 8, 7, 3, 2, 1]);
  const fold = screen.getByTestId("unfold-version-7");
  expect(fold).toHaveTextContent("and 3 more of this run");
  expect(fold).toHaveAttribute("aria-expanded", "false");
  fold.focus();
  await userEvent.keyboard("{Enter}");
  expect(numbers()).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(fold).toHaveFocus();
  expect(fold).toHaveAttribute("aria-expanded", "true");
  await userEvent.click(fold);
  expect(numbers()).toEqual([9, 8, 7, 3, 2, 1]);
});

it("draws no more than fifty of five hundred at first", async () => {
  await withVersions(500);
  expect(numbers()).toHaveLength(6);
  await userEvent.click(screen.getByTestId("versions-search"));
  await userEvent.paste("prompt");
  expect(numbers()).toHaveLength(50);
  expect(screen.getByTestId("versions-count")).toHaveTextContent("500 of 500 versions");
  expect(screen.getByTestId("versions-more")).toHaveTextContent("Show 50 more");
  await userEvent.click(screen.getByTestId("versions-more"));
  expect(numbers()).toHaveLength(100);
  expect(screen.getByTestId("star-version-450")).toHaveFocus();
});

it("unfolds no more than fifty of a run at first", async () => {
  await withVersions(500, () => ({ origin: { kind: "run", run: 99, candidate: 1 } }));
  expect(numbers()).toEqual([500]);
  await userEvent.click(screen.getByTestId("unfold-version-500"));
  expect(numbers()).toHaveLength(50);
});

it("shows hostile names as text", async () => {
  const markup = "<img src=x onerror=alert(1)><b>bold</b>";
  const names = [markup, "\u202Eسيء", "n".repeat(10_000)];
  const { container } = await withVersions(5, (number) => (number === 5 ? { tags: names, labels: names, note: names.join("\n"), text: names.join("\n") } : {}));
  const row = screen.getByTestId("version-5");
  expect(within(screen.getByTestId("tags-version-5")).getAllByRole("listitem").map((tag) => tag.textContent)).toEqual(names);
  for (const name of names) expect(row).toHaveTextContent(name, { normalizeWhitespace: false });
  expect(container.querySelector("img, b")).toBeNull();
  for (const name of row.querySelectorAll(".chip")) expect(name.querySelector("bdi.one-line")).not.toBeNull();
  await userEvent.click(screen.getByTestId("edit-version-5"));
  const dialog = await screen.findByTestId("edit-version");
  expect([...dialog.querySelectorAll(".chip bdi")].map((name) => name.textContent)).toEqual(names);
  expect(screen.getByTestId("version-tags")).toHaveValue(names.join(", "));
  expect(dialog.querySelector("img, b")).toBeNull();
});

it("reads the history of labels when it is opened, and again when a label moves", async () => {
  const { backend, id, first, best } = await prepared();
  await backend.labelVersion(id, "<b>shop</b>", first);
  await backend.labelVersion(id, "<b>shop</b>", best);
  await backend.labelVersion(id, "<b>shop</b>", null);
  await show(backend, id);
  expect(asked(backend, "labelMoves")).toEqual([]);
  await userEvent.click(screen.getByText("History of labels"));
  const list = await screen.findByTestId("label-history-list");
  const lines = () => within(list).getAllByRole("listitem").map((line) => line.textContent?.replace(/\s+/g, " "));
  expect(lines()).toEqual([
    expect.stringMatching(/^<b>shop<\/b> taken away/), expect.stringMatching(/^<b>shop<\/b> put on version 2/), expect.stringMatching(/^<b>shop<\/b> put on version 1/),
  ]);
  await userEvent.click(screen.getByTestId("use-version-2"));
  await waitFor(() => expect(lines()[0]).toMatch(/^in use put on version 2/));
});

it("says that no label was moved yet, and why the history cannot be read", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  backend.failNext("labelMoves", refusal);
  await userEvent.click(screen.getByText("History of labels"));
  const history = screen.getByTestId("label-history");
  expect(await within(history).findByTestId("error-note")).toHaveTextContent("That cannot be.");
  await userEvent.click(within(history).getByTestId("error-retry"));
  expect(await screen.findByText("No label has been moved yet.")).toBeInTheDocument();
});

it("draws a long history in pieces", async () => {
  const { backend, id } = await prepared();
  const moves: LabelMove[] = Array.from({ length: 120 }, (_, at) => ({ name: "shop", version: at % 2 ? null : 77, moved_at: at }));
  await show({ ...backend, async labelMoves() { return moves; } }, id);
  await userEvent.click(screen.getByText("History of labels"));
  const list = await screen.findByTestId("label-history-list");
  expect(list.children).toHaveLength(50);
  expect(list).toHaveTextContent("put on a version that is not there any more");
  await userEvent.click(screen.getByTestId("label-history-more"));
  await userEvent.click(screen.getByTestId("label-history-more"));
  expect(list.children).toHaveLength(120);
  expect(screen.queryByTestId("label-history-more")).toBeNull();
});
