import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { SplitBalance } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import ProjectPage from "./ProjectPage.svelte";
import SplitTable from "./SplitTable.svelte";

async function sample(name = "review-mood", options = {}) {
  const backend = makeScripted(options);
  const project = await backend.openSample(name);
  const view = renderPage(ProjectPage, { id: project.id }, backend);
  await screen.findByTestId("prompt-editor");
  return { backend, project, ...view };
}

const cells = (row: HTMLElement) => [...row.children].map((cell) => cell.textContent);

it("shows how many rows of each answer are searched with, kept and left, and follows the effort", async () => {
  const { container } = await sample();
  const split = await screen.findByTestId("split");
  const rows = within(split).getAllByRole("row").map(cells);
  expect(rows).toEqual([
    ["Right answer", "Used for the search", "Kept for the final check", "Not used, or shown as examples"],
    ["negative", "10", "20", "20"],
    ["positive", "10", "20", "20"],
    ["In all", "20", "40", "40"],
  ]);
  expect(screen.queryByTestId("split-warnings")).toBeNull();
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(screen.getByTestId("effort-thorough"));
  await waitFor(() => expect(screen.getByTestId("split-train")).toHaveTextContent("50"), { timeout: 2000 });
});

it("shows only the counts where answers are free text, and warns of few kept rows", async () => {
  await sample("order-details", { held: 6 });
  const split = await screen.findByTestId("split");
  expect(within(split).queryByRole("table")).toBeNull();
  expect(screen.getByTestId("split-validation")).toHaveTextContent(/^6$/);
  expect(screen.getByTestId("split-warnings")).toHaveTextContent("Only 6 examples are kept for the final check");
});

it("says which answer is missing or uneven, and folds what is much", () => {
  const labels = Array.from({ length: 15 }, (_, at) => ({ label: `label ${at}`, all: 5, train: 1, validation: 2, pool: 2 }));
  const balance: SplitBalance = {
    labels, train: 18, validation: 30, pool: 30,
    warnings: [
      { kind: "label_missing", label: "illing", part: "train" },
      { kind: "label_uneven", label: "late", part: "validation", has: 1, share: 3.2 },
      { kind: "label_uneven", label: "lost", part: "train", has: 6, share: 2.1 },
      { kind: "few_training", rows: 18 },
      { kind: "few_held_out", rows: 0 },
    ],
  };
  renderPage(SplitTable, { balance }, makeScripted());
  const rows = screen.getAllByRole("row").map(cells);
  expect(rows).toHaveLength(15);
  expect(rows.at(-3)).toEqual(["4 more answers", "4", "8", "8"]);
  // Three rows for the search have an answer that stands only once.
  expect(rows.at(-2)).toEqual(["Other answers", "3", "0", "0"]);
  const warnings = screen.getByTestId("split-warnings");
  expect(warnings).toHaveTextContent("There is no “illing” among those used for the search.");
  expect(warnings).toHaveTextContent("“late” stands once among those kept for the final check; its share would be about 3.");
  expect(warnings).toHaveTextContent("“lost” stands 6 times among those used for the search; its share would be about 2.");
  expect(warnings).toHaveTextContent("and 2 more like these");
});

it("asks once whether examples may be shown, says what holds by itself, and keeps the answer", async () => {
  const { backend, project, unmount } = await sample();
  const question = screen.getByRole("group", { name: "May the improved prompt contain a few of your examples?" });
  expect(within(question).getByRole("radio", { name: "Yes" })).toBeChecked();
  expect(screen.getByTestId("may-show-default")).toHaveTextContent("Yes is chosen unless you say otherwise.");
  await userEvent.click(within(question).getByRole("radio", { name: "No" }));
  expect(within(question).getByRole("radio", { name: "No" })).toBeChecked();
  expect(screen.queryByTestId("may-show-default")).toBeNull();
  await waitFor(async () => expect((await backend.project(project.id)).draft.may_show_examples).toBe(false), { timeout: 2000 });
  unmount();
  renderPage(ProjectPage, { id: project.id }, backend);
  expect(await screen.findByTestId("may-show-no")).toBeChecked();
});
