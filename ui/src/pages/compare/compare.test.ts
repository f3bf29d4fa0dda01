import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Backend } from "../../backend";
import type { ComparedFigures, ComparedRow, Comparison, ComparisonRequest } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { measuring } from "../../lib/measuring.svelte";
import { notices } from "../../lib/notices.svelte";
import { router } from "../../lib/router.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import { refusal } from "../../test/two-versions";
import { setLanguage } from "../../text";
import ComparePage from "./ComparePage.svelte";

/** A project with a finished run, compared as `change` says. */
async function page(change: Partial<ComparisonRequest> = {}, backend = makeScripted(), more: Partial<Backend> = {}) {
  await backend.onShell((event) => {
    if (event.kind === "measuring" || event.kind === "measured") measuring.hear(event);
    else if (event.kind === "run_changed") notices.add();
  });
  const { id } = await backend.openSample("review-mood");
  const run = await backend.startRun(id);
  backend.finish(run.id);
  const { versions } = await backend.project(id);
  const [best = 0, start = 0] = versions.map((version) => version.id);
  const request: ComparisonRequest = { project: id, first: { kind: "version", id: start }, second: { kind: "version", id: best }, ground: { kind: "project" }, ...change };
  const show = (asked = request) => renderPage(ComparePage, { request: asked }, { ...backend, ...more });
  const asked = (name: string) => backend.calls.filter(([method]) => method === name).map(([, ...given]) => given);
  return { backend, id, run: run.id, start, best, request, show, asked };
}

it("measures what is missing and says what came out", async () => {
  const { show, asked, request, best, start } = await page();
  const { container } = show();
  expect(await screen.findByTestId("compare-nothing")).toHaveTextContent("not been measured on the same examples");
  expect(screen.queryByTestId("compare-scatter")).toBeNull();
  const button = screen.getByTestId("compare-measure");
  expect(button).toHaveTextContent("Measure 60 missing");
  await userEvent.click(button);
  expect(screen.getByTestId("compare-stop")).toBeInTheDocument();
  expect(await screen.findByTestId("compare-verdict")).toHaveTextContent(/The two prompts cannot be told apart\..*95 % interval/);
  expect(asked("measureComparison")).toEqual([[request]]);
  expect(screen.getByTestId("compare-figures")).toHaveTextContent(/On the same 60 examples of\s+review-mood\.csv, with the model Qwen3 0\.6B/);
  expect(screen.getByTestId("compare-figures")).toHaveTextContent(/Right answers\s*\d+ of 60\s*\d+ of 60.*Loss\s*\d\.\d{3}\s*\d\.\d{3}/);
  expect(screen.queryByTestId("compare-measure")).toBeNull();
  expect(await screen.findByTestId("scatter-layer")).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);

  // Another choice is this page's own: nothing is added to the way back.
  await userEvent.click(screen.getByTestId("compare-swap"));
  await waitFor(() => expect(asked("compare").at(-1)).toEqual([{ ...request, first: { kind: "version", id: best }, second: { kind: "version", id: start } }]));
  await userEvent.selectOptions(screen.getByTestId("compare-second"), "draft");
  expect(asked("compare").at(-1)).toMatchObject([{ second: { kind: "draft" } }]);
  expect(router.place).toEqual({ page: "home" });
});

it("keeps what was measured when it is stopped, and asks for the rest", async () => {
  const { show, backend, id } = await page({}, makeScripted({ pace: 40 }));
  show();
  await userEvent.click(await screen.findByTestId("compare-measure"));
  await waitFor(() => expect(screen.getByTestId("measure-progress")).toHaveTextContent("of 60"));
  await userEvent.click(screen.getByTestId("compare-stop"));
  expect(backend.calls.at(-1)).toEqual(["stopMeasuring", id]);
  await waitFor(() => expect(screen.getByTestId("compare-measure")).toHaveTextContent(/Measure (45|30|15) missing/));
  expect(screen.getByTestId("compare-figures")).toHaveTextContent("What was measured is kept.");
  expect(screen.queryByTestId("error-note")).toBeNull();
  await userEvent.click(screen.getByTestId("compare-measure"));
  await waitFor(() => expect(screen.queryByTestId("compare-measure")).toBeNull());
  await waitFor(() => expect(screen.getByTestId("compare-figures")).toHaveTextContent("On the same 60 examples"));
});

it("says why it cannot measure while a run is going on, and when it can again", async () => {
  const { show, backend, id } = await page();
  const run = await backend.startRun(id);
  show();
  expect(await screen.findByTestId("compare-wait")).toHaveTextContent("A run is going on and needs the model for itself.");
  expect(screen.getByTestId("compare-measure")).toBeDisabled();
  backend.finish(run.id);
  await waitFor(() => expect(screen.getByTestId("compare-measure")).toBeEnabled());
  backend.failNext("measureComparison", refusal);
  await userEvent.click(screen.getByTestId("compare-measure"));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
  await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByTestId("error-note")).toBeNull();
});

it("compares a run's own start and best on its own ground", async () => {
  const { show, run, request } = await page();
  show({ ...request, first: { kind: "run_start", run }, second: { kind: "run_best", run }, ground: { kind: "run", run } });
  expect(await screen.findByTestId("compare-verdict")).toBeInTheDocument();
  expect(screen.getByTestId("compare-first")).toHaveDisplayValue("Start of \u2068Run 1\u2069");
  expect(screen.getByTestId("compare-ground")).toHaveDisplayValue("Data and model of \u2068Run 1\u2069");
  await userEvent.click(screen.getByTestId("compare-segments"));
  const parts = screen.getByTestId("compare-parts");
  expect(within(parts).getAllByTestId("segment-view")).toHaveLength(1);
  expect(parts).toHaveTextContent("Measured in Run 1.");
  expect(parts).toHaveTextContent("No run has measured the parts of this prompt.");
  // On the project's data nothing is known of the two yet.
  await userEvent.selectOptions(screen.getByTestId("compare-ground"), "project");
  expect(await screen.findByTestId("compare-nothing")).toBeInTheDocument();
});

it("says that both are the same, that there is no data, and that something is gone", async () => {
  const { show, request, backend } = await page();
  const { unmount } = show({ ...request, second: request.first });
  expect(await screen.findByTestId("compare-same")).toBeInTheDocument();
  expect(screen.queryByTestId("compare-measure")).toBeNull();
  expect(screen.getByText("Both texts are the same.")).toBeInTheDocument();
  unmount();

  const empty = await backend.createProject("Mine");
  await backend.saveDraft(empty.id, { ...empty.draft, prompt: "Say hello." });
  const second = show({ project: empty.id, first: { kind: "draft" }, second: { kind: "draft" }, ground: { kind: "project" } });
  expect(await screen.findByText("This project's data (none yet)")).toBeInTheDocument();
  second.unmount();

  show({ ...request, first: { kind: "run_best", run: 999 } });
  expect(await screen.findByTestId("error-note")).toHaveTextContent("This run does not exist any more.");
  expect(screen.getByTestId("compare-first")).toHaveDisplayValue("Not there any more");
  await userEvent.selectOptions(screen.getByTestId("compare-first"), "draft");
  expect(await screen.findByTestId("compare-figures")).toBeInTheDocument();
  expect(screen.queryByTestId("error-note")).toBeNull();
});

const figures = (more: Partial<ComparedFigures>): ComparedFigures => ({
  first_loss: 2, second_loss: 1.5, accuracy: null, asked: null, choices: null, interval: { low: -0.7, high: -0.3 }, verdict: "better", examples: 60, data: "<b>reviews</b>", ...more,
});
const compared = (example: number, more: Partial<ComparedRow> = {}): ComparedRow => ({
  example, row: example + 1, input: `Input ${example}`, target: "yes", first: 2, second: 1 + example / 10_000, first_correct: null, second_correct: null, ...more,
});
const prompt = (text: string) => ({ text, version: null, run_name: null, segments: null, segments_run: null });
const found = (more: Partial<Comparison> = {}): Comparison => ({
  first: prompt("One"), second: prompt("Two"), ground: { data: "<b>reviews</b>", examples: 60, model: null }, figures: figures({}), missing: 0,
  rows: [compared(0), compared(1)], rows_total: 2, ...more,
});
const answering = (answer: () => Comparison): Partial<Backend> => ({
  async compare() { return answer(); },
  async scatter() { return { svg: "<svg xmlns='http://www.w3.org/2000/svg'/>", plot: { left: 0, top: 0, width: 400, height: 400 }, x: { min: 0, max: 4 }, y: { min: 0, max: 4, log: false } }; },
});

it("says each verdict in words, in German too, and warns of fewer right answers", async () => {
  let answer = found({ figures: figures({ accuracy: [0.9, 0.5] }) });
  const { show } = await page({}, makeScripted(), answering(() => answer));
  setLanguage("de");
  show();
  expect(await screen.findByTestId("compare-verdict")).toHaveTextContent(/^Der zweite Prompt ist besser\. Der wahre Gewinn .* zwischen 0,300 und 0,700/);
  expect(screen.getByTestId("compare-fewer-right")).toBeInTheDocument();
  expect(screen.getByTestId("compare-figures")).toHaveTextContent("An denselben 60 Beispielen aus <b>reviews</b>. Das Modell wird geladen");
  answer = found({ figures: figures({ verdict: "worse", interval: { low: 0.1, high: 0.2 } }), missing: 3 });
  await userEvent.click(screen.getByTestId("compare-swap"));
  await waitFor(() => expect(screen.getByTestId("compare-verdict")).toHaveTextContent(/^Der zweite Prompt ist schlechter\./));
  expect(screen.queryByTestId("compare-fewer-right")).toBeNull();
  expect(screen.getByTestId("compare-measure")).toHaveTextContent("3 fehlende messen");
  answer = found({ ground: null, figures: null, rows: [], rows_total: 0 });
  await userEvent.click(screen.getByTestId("compare-swap"));
  await userEvent.click(within(await screen.findByTestId("compare-no-data")).getByRole("button"));
  expect(router.place.page).toBe("project");
});

it("tells right answers before the loss, and calls nothing better that is right clearly less often", async () => {
  const lost = { before: 0.75, after: 0.25, gained: 0, lost: 30, p: 1e-9 };
  let answer = found({ figures: figures({ asked: lost, choices: { before: 0.5, after: 0.55, gained: 6, lost: 3, p: 0.51 } }) });
  const { show } = await page({}, makeScripted(), answering(() => answer));
  show();
  expect(await screen.findByTestId("compare-asked")).toHaveTextContent(/Right answers\s*45 of 60\s*15 of 60\s*clearly fewer/u);
  expect(screen.getByTestId("compare-choices")).toHaveTextContent(/30 of 60\s*33 of 60\s*no clear difference/u);
  expect(screen.getByTestId("compare-choices").nextElementSibling).toHaveTextContent("Loss");
  expect(screen.getByTestId("compare-verdict")).toHaveAttribute("data-verdict", "surer_but_less_right");
  expect(screen.getByTestId("compare-verdict")).toHaveTextContent(/is right less often: not better\./u);
  answer = found({ figures: figures({ verdict: "too_few" }) });
  await userEvent.click(screen.getByTestId("compare-swap"));
  await waitFor(() => expect(screen.getByTestId("compare-verdict")).toHaveTextContent(/^Too few examples to say/u));
});

it("lets a late answer to an old choice go, and asks again after a fault", async () => {
  const answers: Array<{ request: ComparisonRequest; settle: (found: Comparison) => void; fail: (error: unknown) => void }> = [];
  const compare = (request: ComparisonRequest) => new Promise<Comparison>((settle, fail) => answers.push({ request, settle, fail }));
  const { show } = await page({}, makeScripted(), { ...answering(found), compare });
  show();
  await screen.findByTestId("compare-first");
  await userEvent.selectOptions(screen.getByTestId("compare-first"), "draft");
  expect(answers.map((one) => one.request.first.kind)).toEqual(["version", "draft"]);
  answers[1]?.settle(found({ figures: figures({ examples: 11 }) }));
  await waitFor(() => expect(screen.getByTestId("compare-figures")).toHaveTextContent("11 examples"));
  answers[0]?.settle(found({ figures: figures({ examples: 22 }) }));
  await Promise.resolve();
  expect(screen.getByTestId("compare-figures")).toHaveTextContent("11 examples");
  await userEvent.click(screen.getByTestId("compare-swap"));
  answers[2]?.fail(refusal);
  const note = await screen.findByTestId("error-note");
  expect(screen.queryByTestId("compare-figures")).toBeNull();
  await userEvent.click(within(note).getByTestId("error-retry"));
  answers[3]?.settle(found());
  await waitFor(() => expect(screen.getByTestId("compare-figures")).toHaveTextContent("60 examples"));
  expect(screen.queryByTestId("error-note")).toBeNull();
});

it("reads the figures again when another measurement has ended", async () => {
  const { show, id, asked, backend } = await page();
  show();
  await screen.findByTestId("compare-nothing");
  const before = asked("compare").length;
  await backend.measure(id, [], []);
  await waitFor(() => expect(asked("compare").length).toBe(before + 1));
});

it("marks words or whole lines, and shows markup as text", async () => {
  const texts = ["Line one.\nSay <b>red</b>.\nLine three.", "Line one.\nSay <b>blue</b>.\nLine three."] as const;
  const { show } = await page({}, makeScripted(), answering(() => found({ first: prompt(texts[0]), second: prompt(texts[1]) })));
  const { container } = show();
  expect(await screen.findByTestId("compare-text-first")).toHaveTextContent("Say <b>red</b>.");
  const marks = () => ["first", "second"].flatMap((which) => [...screen.getByTestId(`compare-text-${which}`).querySelectorAll("del, ins")].map((mark) => mark.textContent));
  await waitFor(() => expect(marks()).toEqual(["red", "blue"]));
  expect(screen.getByTestId("compare-words")).toHaveAttribute("aria-pressed", "true");
  await userEvent.click(screen.getByTestId("compare-lines"));
  await waitFor(() => expect(marks()).toEqual(["Say <b>red</b>.\n", "Say <b>blue</b>.\n"]));
  expect(container.querySelector("b")).toBeNull();
});

it("compares the examples of two prompts as whole cards, and shows no marks", async () => {
  const card = (input: string) => `[[example]]\n${input}\n[[answer]]\ngood`;
  const answer = found({ first: prompt(`Name it.\n\n${card("One.")}\n\n${card("Two.")}`), second: prompt(`Name it.\n\n${card("Two.")}\n\n${card("Three.")}`) });
  const { show } = await page({}, makeScripted(), answering(() => answer));
  show();
  const kinds = (which: string) => within(screen.getByTestId(`compare-text-${which}`)).getAllByTestId("shown-example").map((one) => one.dataset["kind"]);
  await screen.findByTestId("compare-text-first");
  expect(kinds("first")).toEqual(["removed", "same"]);
  expect(kinds("second")).toEqual(["same", "added"]);
  expect(screen.getByTestId("compare-text-second")).not.toHaveTextContent("[[");
});

it("compares long texts by lines, and shows huge ones as they are", async () => {
  let answer = found({ first: prompt("word ".repeat(5000)), second: prompt("other") });
  const { show } = await page({}, makeScripted(), answering(() => answer));
  show();
  expect(await screen.findByText("Long texts are compared line by line.")).toBeInTheDocument();
  expect(screen.getByTestId("compare-words")).toBeDisabled();
  answer = found({ first: prompt("W".repeat(1_000_000)), second: prompt("") });
  await userEvent.click(screen.getByTestId("compare-swap"));
  expect(await screen.findByText(/too long for marking differences/)).toBeInTheDocument();
  expect(screen.queryByTestId("compare-words")).toBeNull();
  expect(screen.getByTestId("compare-text-first").textContent).toHaveLength(1_000_000);
  expect(screen.getByTestId("compare-text-second")).toHaveTextContent("This prompt is empty.");
});

it("lists the examples, of which few are drawn however many there are", async () => {
  const rows = Array.from({ length: 5000 }, (_, at) => compared(at));
  const { show } = await page({}, makeScripted(), answering(() => found({ rows, rows_total: 12_345 })));
  show();
  const list = await screen.findByTestId("compare-list");
  expect(list).toHaveAttribute("aria-rowcount", "5001");
  expect(within(list).getAllByRole("row").length).toBeLessThan(60);
  expect(screen.getByTestId("compare-count")).toHaveTextContent("5,000 examples. The 5,000 with the greatest change of 12,345.");
  list.focus();
  await userEvent.keyboard("{End}");
  expect(list).toHaveAttribute("aria-activedescendant", "compare-line-4999");
  expect(screen.getByTestId("compare-row-4999")).toBeInTheDocument();
  await userEvent.type(screen.getByTestId("compare-search"), "input 77");
  expect(screen.getByTestId("compare-count")).toHaveTextContent("11 of 5,000 examples");
  await userEvent.type(screen.getByTestId("compare-search"), " and nothing else");
  await userEvent.click(screen.getByTestId("compare-show-all"));
  expect(screen.getByTestId("compare-count")).toHaveTextContent("5,000 examples");
});

it("filters and sorts the examples, with right and wrong in words", async () => {
  const rows = [
    compared(0, { input: "<img onerror=x>", first: 2, second: 0.5, first_correct: false, second_correct: true }),
    compared(1, { input: "تشغيل", first: 1, second: 2, first_correct: true, second_correct: true }),
    compared(2, { first: 3, second: 3, first_correct: false, second_correct: false }),
  ];
  const { show } = await page({}, makeScripted(), answering(() => found({ rows, rows_total: 3 })));
  const { container } = show();
  const list = await screen.findByTestId("compare-list");
  const order = () => within(list).getAllByRole("row").slice(1).map((one) => Number(one.dataset.testid?.split("-").pop()));
  expect(order()).toEqual([0, 1, 2]);
  expect(screen.getByTestId("compare-row-0")).toHaveTextContent(/<img onerror=x>.*2\.000 → 0\.500.*−1\.500.*better.*wrong.*→.*right/);
  expect(screen.getByTestId("compare-row-1")).toHaveTextContent(/\+1\.000.*worse/);
  expect(screen.getByTestId("compare-row-2")).toHaveTextContent(/±0\.000.*unchanged.*wrong/);
  expect(container.querySelector("img[onerror]")).toBeNull();
  await userEvent.selectOptions(screen.getByTestId("compare-order"), "first");
  expect(order()).toEqual([2, 0, 1]);
  await userEvent.selectOptions(screen.getByTestId("compare-which"), "worse");
  expect(order()).toEqual([1]);
  await userEvent.selectOptions(screen.getByTestId("compare-which"), "all");
  await userEvent.click(screen.getByTestId("compare-different"));
  expect(order()).toEqual([0]);
  expect(screen.getByTestId("compare-different")).toHaveAccessibleDescription(/both were right or both were wrong/);
});

it("names the example that is nearest in the picture, by pointer and by keys", async () => {
  const rows = [compared(0, { input: "Sunny", first: 1, second: 3 }), compared(1, { input: "Foggy", first: 3, second: 1 })];
  const { show } = await page({}, makeScripted(), answering(() => found({ rows, rows_total: 2 })));
  show();
  const layer = await screen.findByTestId("scatter-layer");
  const reading = screen.getByTestId("scatter-reading");
  expect(reading).toHaveTextContent("Point at a dot");
  // The test's browser has no pointer events of its own.
  const move = (clientX: number, clientY: number) => fireEvent(layer, new MouseEvent("pointermove", { bubbles: true, clientX, clientY }));
  await move(98, 105);
  expect(reading).toHaveTextContent(/Sunny.*Row 1: 1\.000 → 3\.000 \+2\.000 worse/);
  await move(200, 200);
  expect(reading).toHaveTextContent("Point at a dot");
  await fireEvent.keyDown(layer, { key: "End" });
  expect(reading).toHaveTextContent("Foggy");
  expect(layer).toHaveTextContent("Row 2: loss 3.000 with the first prompt, 1.000 with the second. Foggy");
  await fireEvent.keyDown(layer, { key: "ArrowUp" });
  expect(reading).toHaveTextContent("Sunny");
  await fireEvent.pointerOver(screen.getByTestId("compare-row-1"));
  expect(reading).toHaveTextContent("Foggy");
});
