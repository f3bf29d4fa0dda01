import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Backend } from "../../backend";
import type { TablePage, TableQuery } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { measuring } from "../../lib/measuring.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import { HEAD, ROW } from "./columns";
import DataPage from "./DataPage.svelte";
import { Tall, TALLEST } from "./tall.svelte";

async function table(options: { rows?: number; sample?: string } = {}, change: (backend: Backend) => Partial<Backend> = () => ({})) {
  const backend = makeScripted(options);
  await backend.onShell((event) => { if (event.kind === "measuring" || event.kind === "measured") measuring.hear(event); });
  const project = await backend.openSample(options.sample ?? "review-mood");
  const view = renderPage(DataPage, { project: project.id }, { ...backend, ...change(backend) });
  const grid = await screen.findByTestId("data-table");
  const asked = () => backend.calls.filter(([name]) => name === "tablePage").map(([, , query, from]) => [query as TableQuery, from as number] as const);
  const lines = () => within(grid).getAllByRole("row").slice(1);
  return { backend, project, grid, asked, lines, ...view };
}

const undoOf = () => toasts.list.at(-1)?.action?.run;

it("shows the rows of any number and draws only those in sight", async () => {
  const { grid, lines, asked, container } = await table({ rows: 5000 });
  expect(screen.getByTestId("data-count")).toHaveTextContent("5,000 examples");
  expect(grid).toHaveAttribute("aria-rowcount", "5001");
  expect(lines().length).toBeLessThan(40);
  expect(screen.getByTestId("data-row-0")).toHaveTextContent("Small boat and a patient skipper");
  expect(screen.getByTestId("data-row-0")).toHaveTextContent("search");
  expect(asked().map(([, from]) => from)).toEqual([0]);
  expect(await seriousFaults(container)).toEqual([]);
});

it("fetches what it scrolls to, with placeholders in between, and keeps it", async () => {
  const { grid, lines, asked } = await table({ rows: 5000 }, (backend) => ({
    async tablePage(...given): Promise<TablePage> {
      const page = await backend.tablePage(...given);
      await new Promise((resolve) => setTimeout(resolve, 30));
      return page;
    },
  }));
  grid.scrollTop = 3000 * ROW;
  await fireEvent.scroll(grid);
  expect(lines()[0]).toHaveAttribute("aria-busy", "true");
  expect(await screen.findByTestId("data-row-3000")).toHaveTextContent("3,001");
  grid.scrollTop = 0;
  await fireEvent.scroll(grid);
  expect(screen.getByTestId("data-row-0")).toBeInTheDocument();
  expect(asked().map(([, from]) => from)).toEqual([0, 2800, 3000]);
});

it("squeezes a list that is higher than a browser can draw", () => {
  const tall = new Tall({ count: () => 2_000_000, row: ROW, head: HEAD });
  expect(tall.height).toBe(TALLEST);
  tall.to(1_999_000 * ROW);
  expect(tall.shown.first).toBe(1_998_990);
  const shift = tall.place(1_999_000);
  expect(shift).toBeGreaterThan(0);
  expect(shift).toBeLessThan(TALLEST);
  tall.reveal(1_999_999);
  expect(tall.shown.end).toBe(2_000_000);
  expect(tall.place(1_999_999) + ROW).toBeLessThanOrEqual(TALLEST);
});

it("searches a moment after the last letter, and once", async () => {
  const { asked } = await table();
  await userEvent.type(screen.getByTestId("data-search"), "soup");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("25 of 100 examples"));
  expect(asked().map(([query]) => query.search)).toEqual(["", "soup"]);
  await userEvent.click(screen.getByTestId("data-search-clear"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent(/^100 examples$/));
  expect(screen.getByTestId("data-search")).toHaveFocus();
});

it("lets a late answer to an old search go", async () => {
  let release = () => {};
  await table({}, (backend) => ({
    async tablePage(...given): Promise<TablePage> {
      if (given[1].search === "soup") await new Promise<void>((resolve) => { release = resolve; });
      return backend.tablePage(...given);
    },
  }));
  const search = screen.getByTestId("data-search");
  await userEvent.type(search, "soup");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await userEvent.clear(search);
  await userEvent.type(search, "plumber");
  await waitFor(() => expect(screen.queryByTestId("data-row-0")).toBeNull());
  release();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(screen.queryByTestId("data-row-3")).toBeNull();
  expect(screen.getByTestId("data-count")).toHaveTextContent("25 of 100");
});

it("filters by use and by answer, and says when nothing is left", async () => {
  await table();
  const part = screen.getByTestId("data-part");
  expect(within(part).getByText("Used for the search (20)")).toBeInTheDocument();
  expect(within(part).getByText("Not used, or shown as examples (40)")).toBeInTheDocument();
  await userEvent.selectOptions(part, "validation");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("40 of 100"));
  await userEvent.selectOptions(screen.getByTestId("data-label"), "=negative");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("20 of 100"));
  await userEvent.type(screen.getByTestId("data-search"), "zebra");
  expect(await screen.findByTestId("data-nothing")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("data-show-all"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent(/^100 examples$/));
  expect(part).toHaveValue("");
});

it("orders by how hard examples are once the prompt was measured", async () => {
  const { backend, asked } = await table();
  expect(screen.getByTestId("data-order")).toBeDisabled();
  expect(screen.getByTestId("data-order")).toHaveAccessibleDescription("Measure the prompt first to see which examples are hard.");
  await userEvent.click(screen.getByTestId("data-measure"));
  expect(await screen.findByTestId("measure-progress")).toBeInTheDocument();
  await waitFor(() => expect(screen.getByTestId("data-order")).toBeEnabled());
  expect(backend.calls.find(([name]) => name === "measure")).toEqual(["measure", expect.any(Number), [], []]);
  expect(screen.getByTestId("data-row-0")).toHaveTextContent(/(right|wrong)\s*\d\.\d\d/);
  await userEvent.selectOptions(screen.getByTestId("data-order"), "hardest");
  await waitFor(() => expect(asked().at(-1)?.[0].order).toBe("hardest"));
  expect(screen.queryByTestId("data-measure")).toBeNull();
});

it("says why a measurement failed", async () => {
  const { backend } = await table();
  backend.failNext("measure", { code: "busy", message: "A run is going on and needs the model for itself.", hint: "Wait for it to end." });
  await userEvent.click(screen.getByTestId("data-measure"));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("A run is going on");
  await userEvent.click(screen.getByTestId("error-retry"));
  await waitFor(() => expect(screen.queryByTestId("error-note")).toBeNull());
  await waitFor(() => expect(screen.getByTestId("data-order")).toBeEnabled());
});

it("removes selected rows, keeps the place and takes it back", async () => {
  const { backend, project, grid } = await table({ rows: 900 });
  grid.scrollTop = 500 * ROW;
  await fireEvent.scroll(grid);
  await userEvent.click(await screen.findByTestId("select-row-500"));
  const user = userEvent.setup();
  await user.keyboard("{Shift>}");
  await user.click(screen.getByTestId("select-row-503"));
  await user.keyboard("{/Shift}");
  expect(await screen.findByTestId("data-selected")).toHaveTextContent("4 selected");
  expect(screen.getByTestId("data-row-502")).toHaveAttribute("aria-selected", "true");
  await userEvent.click(screen.getByTestId("data-remove"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("896 examples"));
  expect(backend.calls.find(([name]) => name === "removeRows")).toEqual(["removeRows", project.id, { kind: "keys", keys: [500, 501, 502, 503] }]);
  expect(screen.queryByTestId("data-row-501")).toBeNull();
  expect(screen.getByTestId("data-row-504")).toBeInTheDocument();
  expect(grid.scrollTop).toBe(500 * ROW);
  expect(grid).toHaveFocus();
  expect(toasts.list.at(-1)?.text).toBe("4 examples were removed.");
  undoOf()?.();
  expect(await screen.findByTestId("data-row-501")).toBeInTheDocument();
  expect(screen.queryByTestId("data-selected")).toBeNull();
});

it("removes all that is found, after asking, and does it again", async () => {
  const { backend } = await table();
  expect(screen.queryByTestId("data-remove-found")).toBeNull();
  await userEvent.type(screen.getByTestId("data-search"), "soup");
  await userEvent.click(await screen.findByTestId("data-remove-found"));
  expect(await screen.findByText("Remove 25 examples?")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("confirm-remove-found-yes"));
  expect(await screen.findByTestId("data-nothing")).toBeInTheDocument();
  expect(backend.calls.find(([name]) => name === "removeRows")?.[2]).toEqual({ kind: "found", query: { search: "soup", part: null, label: null, order: "file" } });
  await waitFor(() => expect(document.body.style.pointerEvents).not.toBe("none"));
  await userEvent.click(screen.getByTestId("data-undo"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("25 of 100"));
  expect(screen.getByTestId("data-undo")).toBeDisabled();
  await userEvent.click(screen.getByTestId("data-redo"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("0 of 75"));
});

it("goes through the table by keyboard", async () => {
  const { backend, grid } = await table({ rows: 300 });
  const here = () => document.getElementById(grid.getAttribute("aria-activedescendant") ?? "")?.closest("[role=row]");
  grid.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}");
  expect(here()).toHaveAttribute("data-at", "2");
  await userEvent.keyboard("{PageDown}");
  expect(here()).toHaveAttribute("data-at", "12");
  await userEvent.keyboard("{End}");
  expect(here()).toHaveAttribute("data-at", "299");
  expect(await screen.findByTestId("data-row-299")).toBeInTheDocument();
  await userEvent.keyboard("{Home} {ArrowDown}");
  expect(await screen.findByTestId("data-selected")).toHaveTextContent("1 selected");
  await userEvent.keyboard("{Shift>}{ArrowDown}{/Shift}");
  expect(screen.getByTestId("data-selected")).toHaveTextContent("3 selected");
  await userEvent.keyboard("{Delete}");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("297 examples"));
  await userEvent.keyboard("{Control>}z{/Control}");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("300 examples"));
  await userEvent.keyboard("{Control>}{Shift>}Z{/Shift}{/Control}");
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("297 examples"));
  await userEvent.keyboard("{Control>}f{/Control}");
  expect(screen.getByTestId("data-search")).toHaveFocus();
  await userEvent.keyboard("{Control>}z{/Control}");
  expect(backend.calls.filter(([name]) => name === "undoEdit")).toHaveLength(1);
});

it("edits an example and goes on to the next", async () => {
  const { backend, project, grid } = await table();
  grid.focus();
  await userEvent.keyboard("{Enter}");
  const input = await screen.findByTestId<HTMLTextAreaElement>("row-input");
  await waitFor(() => expect(input).toHaveFocus());
  expect(await seriousFaults(screen.getByTestId("row-editor"))).toEqual([]);
  expect(screen.getByTestId("row-previous")).toBeDisabled();
  await userEvent.type(input, " Lovely.");
  await userEvent.click(screen.getByTestId("row-add-target"));
  expect(screen.getByTestId("row-target-1")).toHaveFocus();
  await userEvent.type(screen.getByTestId("row-target-1"), "good");
  await userEvent.selectOptions(screen.getByTestId("row-part"), "validation");
  await userEvent.clear(screen.getByTestId("row-weight"));
  await userEvent.type(screen.getByTestId("row-weight"), "2,5");
  await userEvent.click(screen.getByTestId("row-next"));
  await waitFor(() => expect(screen.getByTestId("row-input")).toHaveValue("Our plumber came on a Sunday and left the kitchen cleaner than he found it."));
  expect(await backend.tableRow(project.id, 0)).toEqual({
    input: "Small boat and a patient skipper: we even saw dolphins. Lovely.", targets: ["positive", "good"], rejected: [], part: "validation", weight: 2.5,
  });
  await userEvent.click(screen.getByTestId("row-save"));
  await waitFor(() => expect(screen.queryByTestId("row-editor")).toBeNull());
  const line = screen.getByTestId("data-row-0");
  expect(line).toHaveTextContent("positive / good");
  expect(within(line).getAllByRole("gridcell").at(-1)).toHaveTextContent("2.5");
  expect(screen.getByRole("columnheader", { name: "Weight" })).toBeInTheDocument();
  expect(screen.getByTestId("data-undo")).toBeEnabled();
  expect(backend.calls.filter(([name]) => name === "editRow")).toHaveLength(1);
});

it("opens with the field that was clicked, and says what is wrong in place", async () => {
  await table();
  await userEvent.click(within(screen.getByTestId("data-row-1")).getByText("positive"));
  const answer = await screen.findByTestId("row-target-0");
  await waitFor(() => expect(answer).toHaveFocus());
  await userEvent.clear(screen.getByTestId("row-weight"));
  await userEvent.type(screen.getByTestId("row-weight"), "none");
  await userEvent.click(screen.getByTestId("row-save"));
  expect(await screen.findByText("Enter a number over 0.")).toBeInTheDocument();
  await userEvent.clear(screen.getByTestId("row-weight"));
  await userEvent.type(screen.getByTestId("row-weight"), "1");
  await userEvent.clear(answer);
  await userEvent.click(screen.getByTestId("row-save"));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("There is no answer.");
  await userEvent.keyboard("{Escape}");
  expect(await screen.findByText("What you changed here is not saved.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("row-go-on"));
  expect(screen.getByTestId("row-editor")).toBeInTheDocument();
  await userEvent.keyboard("{Escape}");
  await userEvent.click(await screen.findByTestId("row-discard"));
  await waitFor(() => expect(screen.queryByTestId("row-editor")).toBeNull());
});

it("adds an example with a better and a worse answer", async () => {
  const { backend, project } = await table({ sample: "kind-replies" });
  expect(screen.getByRole("columnheader", { name: "Worse answer" })).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("data-add"));
  await userEvent.type(await screen.findByTestId("row-input"), "Where is my order?");
  await userEvent.type(screen.getByTestId("row-target-0"), "It is on its way.");
  expect(screen.queryByTestId("row-add-target")).toBeNull();
  await userEvent.type(screen.getByTestId("row-rejected-0"), "No idea.");
  await userEvent.click(screen.getByTestId("row-add-rejected"));
  await userEvent.type(screen.getByTestId("row-rejected-1"), "Wait.");
  await userEvent.click(screen.getByTestId("row-save"));
  expect(await screen.findByTestId("data-row-80")).toHaveTextContent(/new.*Where is my order\?.*It is on its way\..*No idea\. \/ Wait\./s);
  expect(await backend.tableRow(project.id, 80)).toMatchObject({ rejected: ["No idea.", "Wait."], part: null, weight: 1 });
});

it("writes the examples to a file", async () => {
  const { backend } = await table();
  await userEvent.click(screen.getByTestId("data-export"));
  await userEvent.click(await screen.findByTestId("data-export-jsonl"));
  await waitFor(() => expect(toasts.list.at(-1)?.text).toBe("Saved as /home/you/review-mood-edited.jsonl"));
  expect(backend.calls.at(-1)?.[2]).toBe("jsonl");
});

it("says what to do without examples, and after a fault", async () => {
  const backend = makeScripted();
  const bare = await backend.createProject("Mine");
  const view = renderPage(DataPage, { project: bare.id }, backend);
  expect(await screen.findByTestId("data-none")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "To the project" }));
  expect(router.place).toEqual({ page: "project", id: bare.id });
  view.unmount();

  const project = await backend.openSample("review-mood");
  renderPage(DataPage, { project: project.id }, backend);
  await screen.findByTestId("data-table");
  backend.failNext("tablePage", { code: "store", message: "The disk is full.", hint: "Free some space." });
  await userEvent.selectOptions(screen.getByTestId("data-part"), "train");
  expect(await screen.findByTestId("error-note")).toHaveTextContent("The disk is full.");
  await userEvent.click(screen.getByTestId("error-retry"));
  await waitFor(() => expect(screen.getByTestId("data-count")).toHaveTextContent("20 of 100"));
});

it("reads losses again when a measurement ends that began by itself", async () => {
  const { asked, project } = await table();
  const before = asked().length;
  measuring.hear({ kind: "measured", project: project.id, error: null });
  await vi.waitFor(() => expect(asked().length).toBe(before + 1));
});
