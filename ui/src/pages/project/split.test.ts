import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { SplitBalance } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import ProjectPage from "./ProjectPage.svelte";
import SplitTable from "./SplitTable.svelte";

const rows = () => screen.getAllByRole("row").map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent?.trim()));

const balance: SplitBalance = {
  labels: [
    { label: "bad", all: 9, train: 4, validation: 2, pool: 3 },
    { label: "good", all: 30, train: 6, validation: 6, pool: 18 },
  ],
  train: 11, validation: 8, pool: 22,
  warnings: [{ kind: "label_missing", label: "<b>odd</b>", part: "validation" }, { kind: "label_uneven", label: "bad", part: "train", has: 4, share: 2.4 }, { kind: "few_held_out", rows: 8 }],
};

it("shows the rows of each label in each part, and what is thin or uneven in words", async () => {
  const { container } = render(SplitTable, { balance });
  expect(rows()).toEqual([
    ["Right answer", "In all", "Used for the search", "Kept for the final check", "Not used, or shown as examples"],
    ["bad", "9", "4", "2", "3"],
    ["good", "30", "6", "6", "18"],
    ["Other answers", "2", "1", "0", "1"],
    ["All examples", "41", "11", "8", "22"],
  ]);
  const warnings = within(screen.getByTestId("split-warnings")).getAllByRole("listitem").map((item) => item.textContent?.trim());
  expect(warnings).toEqual([
    "There is no “<b>odd</b>” among those kept for the final check. Add more examples with this answer.",
    "“bad” stands 4 times among those used for the search; its share would be about 2.",
    "Only 8 examples are kept for the final check: only a large difference can be seen with so few. Add more examples.",
  ]);
  expect(await seriousFaults(container)).toEqual([]);
});

it("shows only the counts where answers are free text, and many labels in a short table", () => {
  const { unmount } = render(SplitTable, { balance: { labels: [], train: 20, validation: 0, pool: 4, warnings: [{ kind: "few_held_out", rows: 0 }] } });
  expect(rows()).toEqual([["In all", "Used for the search", "Kept for the final check", "Not used, or shown as examples"], ["24", "20", "0", "4"]]);
  expect(screen.getByTestId("split-warnings")).toHaveTextContent("No example is kept for the final check");
  unmount();
  const labels = Array.from({ length: 40 }, (_, at) => ({ label: `l${at}`, all: 3, train: 1, validation: 1, pool: 1 }));
  render(SplitTable, { balance: { labels, train: 40, validation: 40, pool: 40, warnings: [] } });
  expect(rows().at(-2)).toEqual(["30 more answers", "90", "30", "30", "30"]);
  expect(rows()).toHaveLength(13);
});

async function project(options = {}) {
  const backend = makeScripted(options);
  const { id } = await backend.openSample("review-mood");
  renderPage(ProjectPage, { id }, backend);
  await screen.findByTestId("prompt-editor");
  return { backend, id };
}

it("stands on the project's page before a run", async () => {
  await project({ held: 6 });
  expect(screen.getByTestId("split-table")).toHaveTextContent("positive");
  expect(screen.getByTestId("split-warnings")).toHaveTextContent("Only 6 examples are kept for the final check");
});

it("asks whether the prompt may contain examples, says what holds by itself, and saves the answer", async () => {
  const { backend, id } = await project();
  expect(screen.getByRole("group", { name: "May the improved prompt contain a few of your examples?" })).toBeInTheDocument();
  expect(screen.getByTestId("show-examples-yes")).toBeChecked();
  expect(screen.getByTestId("show-examples-default")).toHaveTextContent("Yes is chosen unless you say otherwise.");
  expect((await backend.project(id)).draft.may_show_examples).toBeNull();
  await userEvent.click(screen.getByTestId("show-examples-no"));
  await waitFor(async () => expect((await backend.project(id)).draft.may_show_examples).toBe(false), { timeout: 2000 });
  expect(screen.queryByTestId("show-examples-default")).toBeNull();
  expect(screen.getByTestId("show-examples-no")).toBeChecked();
});

it("reads the split again when another effort cuts the examples in another way", async () => {
  const { backend } = await project();
  const before = backend.calls.filter(([name]) => name === "project").length;
  expect(screen.getByTestId("split-table")).toHaveTextContent("All examples100204040");
  await userEvent.click(screen.getByTestId("effort-standard"));
  await waitFor(() => expect(backend.calls.filter(([name]) => name === "project")).toHaveLength(before + 1), { timeout: 2000 });
  await waitFor(() => expect(screen.getByTestId("split-table")).toHaveTextContent("All examples100404020"));
});
