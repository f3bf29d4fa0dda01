import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Backend } from "../../backend";
import type { AnswerTokens, ComparisonRequest, ExampleTokens } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import { refusal } from "../../test/two-versions";
import ComparePage from "./ComparePage.svelte";

/** The comparison of a finished run's start and best, as it came out. */
async function page(sample = "review-mood", more: (backend: Backend) => Partial<Backend> = () => ({}), pace = 0) {
  const backend = makeScripted({ pace });
  const { id } = await backend.openSample(sample);
  const { id: run } = await backend.startRun(id);
  backend.finish(run);
  const request: ComparisonRequest = { project: id, first: { kind: "run_start", run }, second: { kind: "run_best", run }, ground: { kind: "run", run } };
  const view = renderPage(ComparePage, { request }, { ...backend, ...more(backend) });
  await screen.findByTestId("compare-list");
  const asked = () => backend.calls.filter(([name]) => name === "compareTokens").map(([, , example]) => example);
  return { backend, request, asked, ...view };
}

const order = () => within(screen.getByTestId("compare-list")).getAllByRole("row").slice(1).map((one) => Number(one.dataset.testid?.split("-").pop()));
const dialog = () => screen.findByTestId("example-tokens");

it("opens an example from the list, with every answer token by token", async () => {
  const { asked, request, backend } = await page();
  const [first = 0] = order();
  await userEvent.click(screen.getByTestId(`compare-row-${first}`));
  const shown = await dialog();
  expect(await screen.findByTestId("tokens-first-0")).toHaveTextContent(/^(posi|nega)tiveend$/);
  expect(screen.getByTestId("tokens-second-0").textContent).toBe(screen.getByTestId("tokens-first-0").textContent);
  expect(asked()).toEqual([first]);
  expect(backend.calls.at(-1)).toEqual(["compareTokens", request, first]);
  expect(within(shown).getByRole("group", { name: "Right answer" })).toBeInTheDocument();
  expect(within(shown).getByRole("group", { name: "Wrong answer" })).toBeInTheDocument();
  expect(within(shown).getByRole("list", { name: "From expected to surprising" })).toHaveTextContent("expectedlikelyunsuresurprisingvery surprising");
  const rows = within(screen.getByTestId("tokens-table-0")).getAllByRole("row");
  expect(rows[1]).toHaveTextContent(/^1(posi|nega) \d\.\d{3} \(chance .*%, .*\)/);
  expect(rows.at(-1)).toHaveTextContent("the end of the answer");
  expect(await seriousFaults(shown)).toEqual([]);
  await userEvent.click(screen.getByTestId("tokens-close"));
  await waitFor(() => expect(screen.queryByTestId("example-tokens")).toBeNull());
});

it("shows a token's number by pointer and by keys, and keeps the keys to itself there", async () => {
  const { asked } = await page();
  const [first = 0] = order();
  await userEvent.click(screen.getByTestId(`compare-row-${first}`));
  const line = await screen.findByTestId("tokens-second-0");
  const reading = screen.getByTestId("tokens-reading-0");
  expect(reading).toHaveTextContent("Point at a piece");
  const [token] = line.querySelectorAll("[data-token]");
  if (token) await fireEvent.pointerOver(token);
  expect(reading).toHaveTextContent(/^(posi|nega) First prompt: \d\.\d{3} \(.*\) Second prompt: \d\.\d{3} \(.*\)$/);
  const lines = line.closest<HTMLElement>("[role=group]");
  lines?.focus();
  await userEvent.keyboard("{End}");
  expect(reading).toHaveTextContent("the end of the answer");
  await userEvent.keyboard("{ArrowRight}{ArrowLeft}");
  expect(reading).toHaveTextContent("tive");
  expect(asked()).toEqual([first]);
});

it("goes from example to example by button and by keys, as far as there are any", async () => {
  const { asked } = await page();
  const [first = 0, second = 0] = order();
  await userEvent.click(screen.getByTestId(`compare-row-${first}`));
  await screen.findByTestId("tokens-first-0");
  expect(screen.getByTestId("tokens-previous")).toBeDisabled();
  await userEvent.click(screen.getByTestId("tokens-next"));
  expect(await dialog()).toHaveTextContent("2 of 60");
  await waitFor(() => expect(asked()).toEqual([first, second]));
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(await dialog()).toHaveTextContent("1 of 60");
  // What the model has said once is not asked again.
  expect(screen.getByTestId("tokens-first-0")).toBeInTheDocument();
  // Who hurries past examples does not want the model to read them.
  await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowRight}");
  const last = order()[3];
  await waitFor(() => expect(asked()).toEqual([first, second, last]));
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByTestId("example-tokens")).toBeNull());
  expect(screen.getByTestId("compare-list")).toHaveAttribute("aria-activedescendant", "compare-line-3");
});

it("shows that the model works, and asks again after a fault", async () => {
  let release = () => {};
  const { backend } = await page("review-mood", (own) => ({
    async compareTokens(...given) {
      await new Promise<void>((resolve) => { release = resolve; });
      return own.compareTokens(...given);
    },
  }));
  const list = screen.getByTestId("compare-list");
  list.focus();
  await userEvent.keyboard("{Enter}");
  expect(await screen.findByText("The model reads this example with both prompts…")).toBeInTheDocument();
  backend.failNext("compareTokens", refusal);
  release();
  await userEvent.click(await within(await dialog()).findByTestId("error-retry"));
  await screen.findByText("The model reads this example with both prompts…");
  release();
  expect(await screen.findByTestId("tokens-first-0")).toBeInTheDocument();
  expect(screen.queryByTestId("error-note")).toBeNull();
});

it("lets a late answer about another example go", async () => {
  const late = new Map<number, () => void>();
  await page("review-mood", (own) => ({
    async compareTokens(request, example) {
      await new Promise<void>((resolve) => late.set(example, resolve));
      return { ...(await own.compareTokens(request, example)), input: `Whole text ${example}` };
    },
  }));
  const [first = 0, second = 0] = order();
  await userEvent.click(screen.getByTestId(`compare-row-${first}`));
  await waitFor(() => expect(late.has(first)).toBe(true));
  await userEvent.click(await screen.findByTestId("tokens-next"));
  await waitFor(() => expect(late.has(second)).toBe(true));
  late.get(second)?.();
  await waitFor(() => expect(screen.getByTestId("tokens-input")).toHaveTextContent(`Whole text ${second}`));
  late.get(first)?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(screen.getByTestId("tokens-input")).toHaveTextContent(`Whole text ${second}`);
});

it("calls the answers of a preference better and worse", async () => {
  await page("kind-replies");
  await userEvent.click(screen.getByTestId(`compare-row-${order()[0]}`));
  await screen.findByTestId("tokens-first-1");
  const names = within(await dialog()).getAllByRole("heading", { level: 4 }).map((one) => one.textContent);
  expect(names).toEqual(["Better answer", "Worse answer"]);
  expect(screen.getByTestId("tokens-first-0").textContent).toMatch(/^Thank·you·for·spotting·that\./);
});

const token = (text: string, nats = 1) => ({ text, nats });

it("shows hostile texts as what they are, and long answers a part at a time", async () => {
  const long = Array.from({ length: 1300 }, (_, at) => token(` w${at}`));
  const answers: AnswerTokens[] = [
    { role: "right", text: "x", first: [token("<script>alert(1)</script>"), token("\u202eevil\n"), token("")], second: [token("<script>"), token("alert(1)</script>\u202eevil\n"), token("")] },
    { role: "also_right", text: "y", first: long, second: long },
    ...Array.from({ length: 9 }, (): AnswerTokens => ({ role: "wrong", text: "z", first: [token("z")], second: [token("z")] })),
  ];
  const tokens: ExampleTokens = { row: 0, input: `<b>${"W".repeat(10_000)}`, answers };
  await page("review-mood", () => ({ compareTokens: vi.fn(async () => tokens) }));
  await fireEvent.click(screen.getByTestId(`compare-row-${order()[0]}`));
  const line = await screen.findByTestId("tokens-first-0");
  const shown = await dialog();
  expect(line.textContent).toBe("<script>alert(1)</script>∘evil↵\nend");
  expect(shown.querySelector("script, b")).toBeNull();
  expect(screen.getByTestId("tokens-first-1").querySelectorAll("[data-token]")).toHaveLength(1200);
  await fireEvent.click(within(shown).getByText("Show all 1,300 pieces"));
  expect(screen.getByTestId("tokens-first-1").querySelectorAll("[data-token]")).toHaveLength(1300);
  expect(screen.queryByTestId("tokens-first-6")).toBeNull();
  await fireEvent.click(within(shown).getByText("Show 5 more wrong answers"));
  expect(screen.getByTestId("tokens-first-10")).toHaveTextContent("z");
}, 20_000);
