import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../../backend";
import type { AnswerPair, Change, Project, RunResult, Validation, Verdict } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { router } from "../../lib/router.svelte";
import { setLanguage } from "../../text";
import { toasts } from "../../lib/toasts.svelte";
import { pictureOf } from "../../test/chart-fixtures";
import { renderPage, seriousFaults } from "../../test/render";
import { candidate, change, runResult, runView, validation } from "../../test/run-fixtures";
import ResultPage from "./ResultPage.svelte";

function show(result: RunResult, more: Partial<Backend> = {}) {
  const backend: Backend = {
    ...makeScripted(),
    result: async () => result,
    overlay: async (request) => pictureOf(request),
    copyText: vi.fn(async () => undefined),
    useVersion: vi.fn(async () => ({}) as Project),
    exportRun: vi.fn(async () => "/home/you/report.md"),
    ...more,
  };
  return { ...renderPage(ResultPage, { id: 7 }, backend), backend };
}

const verdict = () => screen.findByTestId("verdict");

describe("the verdict comes first, in words", () => {
  it("better", async () => {
    show(runResult({}, validation({ accuracy: [0.475, 0.9] })));
    expect(await verdict()).toHaveTextContent("Better");
    expect(screen.getByTestId("interval")).toHaveTextContent("between 0.800 and 1.200 nats");
    expect(screen.getByText("from 48% to 90%")).toBeInTheDocument();
  });

  it("no clear difference", async () => {
    show(runResult({}, validation({ verdict: "no_clear_difference", interval: { low: -0.3, high: 0.1 } })));
    expect(await verdict()).toHaveTextContent("No clear difference");
    expect(screen.getByTestId("interval")).toHaveTextContent("0.300 nats better and 0.100 nats worse");
  });

  it("worse", async () => {
    show(runResult({}, validation({ verdict: "worse", interval: { low: 0.1, high: 0.4 } })));
    expect(await verdict()).toHaveTextContent("Worse");
    expect(screen.getByTestId("interval")).toHaveTextContent("rises by 0.100 to 0.400");
  });

  it("no improvement found, and what that means", async () => {
    show(runResult({ best: "Start prompt", best_version: null }));
    expect(await verdict()).toHaveTextContent("No improvement found");
    expect(screen.getByText(/normal outcome/u)).toBeInTheDocument();
    expect(screen.queryByTestId("use-best")).toBeNull();
    expect(screen.getByText("Both prompts are the same.")).toBeInTheDocument();
  });

  it("not checked, where nothing was held out", async () => {
    show(runResult({}, null));
    expect(await verdict()).toHaveTextContent("not checked");
    expect(screen.queryByTestId("interval")).toBeNull();
  });

  it("too few examples for an interval", async () => {
    show(runResult({}, validation({ interval: null, verdict: "no_clear_difference", examples: 1 })));
    await verdict();
    expect(screen.getByTestId("interval")).toHaveTextContent("Too few");
  });

  it("not there yet", async () => {
    show({ ...runResult(), view: runView() });
    expect(await screen.findByText("This run has no result yet")).toBeInTheDocument();
  });

  it("could not be read", async () => {
    show(runResult(), { result: () => Promise.reject({ code: "not_found", message: "Gone.", hint: "" }) });
    expect(await screen.findByTestId("error-note")).toHaveTextContent("Gone.");
  });
});

const changed = (before: number, after: number, of = 40, more: Partial<Change> = {}): Change => ({
  before: before / of, after: after / of, gained: Math.max(0, after - before), lost: Math.max(0, before - after), p: after === before ? 1 : 0.0001, ...more,
});

describe("the verdict decides which button is offered", () => {
  const cases: Array<[string, Verdict, Partial<Validation>, string, boolean]> = [
    ["better", "better", {}, "Better", true],
    ["surer, but less right", "surer_but_less_right", {}, "Says it more surely, but is right less often: not better", false],
    ["a better loss with clearly fewer right answers", "better", { asked: changed(30, 9) }, "Says it more surely, but is right less often: not better", false],
    ["a better loss with clearly fewer right choices", "better", { choices: changed(30, 9) }, "Says it more surely, but is right less often: not better", false],
    ["no clear difference", "no_clear_difference", {}, "No clear difference", false],
    ["worse", "worse", { interval: { low: 0.1, high: 0.4 } }, "Worse", false],
    ["too few", "too_few", { groups: 5 }, "Too few examples to say (12 different ones are needed)", false],
  ];

  it.each(cases)("%s", async (_, said, more, headline, isBetter) => {
    show(runResult({}, validation({ verdict: said, ...more })));
    expect((await verdict()).textContent?.trim()).toBe(headline);
    const use = screen.getByTestId("use-best");
    if (isBetter) {
      expect(use).toHaveClass("primary");
      expect(screen.queryByTestId("keep-mine")).toBeNull();
      return;
    }
    expect(screen.queryByText("Better")).toBeNull();
    expect(use).not.toHaveClass("primary");
    expect(screen.getByTestId("keep-mine")).toHaveClass("primary");
    await fireEvent.click(screen.getByTestId("keep-mine"));
    expect(router.place).toEqual({ page: "project", id: 1 });
  });

  it("using a prompt that is not better stays possible, and then nothing is blue", async () => {
    const { backend } = show(runResult({}, validation({ verdict: "no_clear_difference" })));
    await fireEvent.click(await screen.findByTestId("use-best"));
    expect(backend.useVersion).toHaveBeenCalledWith(1, 31);
    expect(await screen.findByTestId("in-use")).toBeInTheDocument();
    await waitFor(() => expect(screen.queryByTestId("keep-mine")).toBeNull());
    expect(screen.getByTestId("use-best")).not.toHaveClass("primary");
  });

  it("keeps the own prompt where none was better", async () => {
    show(runResult({ best: "Start prompt", best_version: null }));
    expect(await screen.findByTestId("keep-mine")).toHaveClass("primary");
  });

  it("an older run is judged by its examples", async () => {
    const rows = Array.from({ length: 40 }, (_, at) => change(at + 1, { start_correct: at < 12, best_correct: at < 3 }));
    show(runResult({ rows }, validation({ accuracy: [0.3, 0.075] })));
    expect(await verdict()).toHaveAttribute("data-verdict", "surer_but_less_right");
    expect(screen.getByTestId("keep-mine")).toHaveClass("primary");
  });
});

describe("right answers lead", () => {
  it("as counts, with a word whether that is more", async () => {
    show(runResult({}, validation({ asked: changed(0, 35), choices: changed(19, 20, 40, { gained: 5, lost: 4, p: 1 }), choice: [1, 0.5], form: [3, 0.2] })));
    expect(await screen.findByTestId("right-asked")).toHaveTextContent("Right answers 0 of 40 → 35 of 40from 0 of 40 to 35 of 40 clearly more");
    expect(screen.getByTestId("right-choose")).toHaveTextContent(/Picks the right one when it must choose 19 of 40 → 20 of 40.*no clear difference/u);
    expect(screen.getByTestId("right-asked").compareDocumentPosition(screen.getByTestId("right-choose"))).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
    expect(screen.queryByTestId("never-said")).toBeNull();
    const numbers = screen.getByTestId("numbers");
    expect(numbers).not.toHaveAttribute("open");
    expect(numbers).toHaveTextContent(/Knows the answer 1\.000 → 0\.500.*Says it the right way 3\.000 → 0\.200/u);
  });

  it("clearly fewer is said so", async () => {
    show(runResult({}, validation({ verdict: "surer_but_less_right", asked: changed(30, 9) })));
    expect(await screen.findByTestId("right-asked")).toHaveTextContent("clearly fewer");
  });

  it("fewer, but not clearly, is better with a warning", async () => {
    show(runResult({}, validation({ asked: changed(30, 28, 40, { p: 0.5 }) })));
    expect(await verdict()).toHaveTextContent("Better");
    expect(screen.getByTestId("fewer-right")).toBeInTheDocument();
  });

  it("says honestly that the model never says it exactly", async () => {
    show(runResult({}, validation({ asked: changed(0, 0), choices: changed(19, 36), choice: [1, 0.5] })));
    expect(await screen.findByTestId("right-asked")).toHaveTextContent("0 of 40 → 0 of 40");
    expect(screen.getByTestId("never-said")).toHaveTextContent("The model still does not say it exactly");
  });

  it("names choices between a better and a worse answer", async () => {
    show(runResult({}, validation({ choices: changed(19, 36) })));
    expect(await screen.findByTestId("right-prefer")).toHaveTextContent(/Prefers the better answer.*19 of 40 → 36 of 40/u);
    expect(screen.queryByTestId("right-asked")).toBeNull();
  });

  it("of an older run are shares, and where there are none the loss leads", async () => {
    const { unmount } = show(runResult({}, validation({ accuracy: [0.475, 0.9] })));
    expect(await screen.findByTestId("right-choose")).toHaveTextContent("48% → 90%");
    expect(screen.queryByTestId("looks")).toBeNull();
    unmount();
    show(runResult());
    await verdict();
    expect(screen.queryByTestId("right-choose")).toBeNull();
    expect(screen.getAllByText("from 3.000 to 2.000").length).toBeGreaterThan(0);
  });

  it("tells how often the examples were looked at", async () => {
    show(runResult({}, validation({ looks: 4 })));
    expect(await screen.findByTestId("looks")).toHaveTextContent("These examples have been looked at 4 times.");
  });
});

describe("what the model really answers", () => {
  const pair = (row: number, more: Partial<AnswerPair> = {}): AnswerPair =>
    ({ row, input: `Input ${row}`, target: "yes", start: "A poem of the sea.", best: "yes", right: [false, true], ...more });

  it("stands side by side, marked in words", async () => {
    show(runResult({ answers: [pair(3), pair(5, { start: "", right: null })] }));
    const one = await screen.findByTestId("answer-1");
    expect(one).toHaveTextContent(/Input Row 3 Input 3 Right answer yes With the start prompt wrong A poem of the sea\. With the new prompt right yes/u);
    const two = screen.getByTestId("answer-2");
    expect(two).toHaveTextContent("The model wrote nothing.");
    expect(within(two).queryByText("wrong")).toBeNull();
  });

  it("is folded where it is long", async () => {
    const long = "creature of the sea ".repeat(60).trim();
    show(runResult({ answers: [pair(1, { start: long })] }));
    const one = await screen.findByTestId("answer-1");
    expect(one).not.toHaveTextContent(long);
    await fireEvent.click(within(one).getByRole("button", { name: "Show the whole text: With the start prompt" }));
    expect(one).toHaveTextContent(long);
  });

  it("says why there are none", async () => {
    show(runResult());
    expect(await screen.findByTestId("answers-none")).toHaveTextContent("No answers were written");
  });

  it("is one answer where the prompt stayed", async () => {
    show(runResult({ best: "Start prompt", answers: [pair(1)] }));
    expect(await screen.findByTestId("answer-1")).toHaveTextContent("With your prompt");
    expect(screen.queryByText("With the new prompt")).toBeNull();
  });
});

describe("a bad split", () => {
  const balance = { labels: [], train: 8, validation: 40, pool: 0, warnings: [] };

  it("is told in words, with the way to a new run", async () => {
    show(runResult({ balance: { ...balance, warnings: [
      { kind: "label_missing", label: "joy", part: "train" }, { kind: "label_uneven", label: "fear", part: "validation", has: 9, share: 3.4 },
      { kind: "few_training", rows: 8 }, { kind: "few_held_out", rows: 1 },
    ] } }));
    const note = await screen.findByTestId("split-note");
    expect(note).toHaveTextContent("No example with the answer “joy” was used to look for a better prompt.");
    expect(note).toHaveTextContent("Examples with the answer “fear” kept for the final check: 9; in proportion it would be 3.4.");
    expect(note).toHaveTextContent("Only 8 examples were used to look");
    expect(note).toHaveTextContent("Only 1 example was kept for the final check");
    await fireEvent.click(screen.getByTestId("split-again"));
    expect(router.place).toEqual({ page: "project", id: 1, at: "start" });
  });

  it("of few examples says that there are few", async () => {
    show(runResult({ balance: { ...balance, warnings: [{ kind: "few_training", rows: 8 }] } }));
    expect(await screen.findByRole("heading", { name: "This run had few examples" })).toBeInTheDocument();
    expect(screen.getByTestId("split-note")).not.toHaveTextContent("evenly");
  });

  it("is not told where there is none", async () => {
    show(runResult({ balance }));
    await verdict();
    expect(screen.queryByTestId("split-note")).toBeNull();
  });
});

it("a row that lost its right answer never reads better", async () => {
  show(runResult({ rows: [
    change(1, { start_asked: true, best_asked: false, start_correct: true, best_correct: true }),
    change(2, { start_asked: false, best_asked: true, start_correct: false, best_correct: true, best_loss: 3 }),
  ] }));
  await verdict();
  const [, lost, won] = within(screen.getByTestId("changes-table")).getAllByRole("row");
  expect(lost).toHaveTextContent(/right → wrong.*right.*−1\.000 surer, but now wrong/u);
  expect(lost).not.toHaveTextContent("better");
  expect(won).toHaveTextContent("less sure, but now right");
  expect(screen.getByRole("columnheader", { name: "Right when asked" })).toBeInTheDocument();
  expect(screen.getByTestId("changes-summary")).toHaveTextContent("1 better, 1 worse, 0 unchanged");
});

describe("start and best prompt", () => {
  const result = runResult({ start: "Say one word.", best: "Say one kind word." });

  it("stand side by side with their changes marked", async () => {
    const { container } = show(result);
    expect(await screen.findByTestId("start-prompt")).toHaveTextContent("Say one word.");
    expect(screen.getByTestId("best-prompt")).toHaveTextContent("Say one kind word.");
    expect(screen.getByTestId("best-prompt").querySelector("ins")).toHaveTextContent("kind");
    await fireEvent.click(screen.getByTestId("show-diff"));
    expect(container.querySelectorAll("ins, del")).toHaveLength(0);
    expect(screen.getByTestId("best-prompt")).toHaveTextContent("Say one kind word.");
  });

  it("show markup as text", async () => {
    const { container } = show(runResult({ start: "<b>a</b>", best: "<script>alert(1)</script>", rows: [change(1, { input: "<img onerror=x>" })] }));
    expect(await screen.findByTestId("best-prompt")).toHaveTextContent("<script>alert(1)</script>");
    expect(container.querySelector("script, b, img[onerror]")).toBeNull();
  });

  it("are copied, used and tried", async () => {
    const { backend } = show(result);
    await fireEvent.click(await screen.findByTestId("copy-best"));
    expect(backend.copyText).toHaveBeenCalledWith("Say one kind word.");
    await waitFor(() => expect(screen.getByTestId("copy-best")).toHaveTextContent("Copied"));
    await fireEvent.click(screen.getByTestId("use-best"));
    expect(backend.useVersion).toHaveBeenCalledWith(1, 31);
    expect(await screen.findByTestId("in-use")).toBeInTheDocument();
    await fireEvent.click(screen.getByTestId("try-it"));
    expect(router.place).toEqual({ page: "try", project: 1, version: 31 });
  });

  it("are exported", async () => {
    const { backend } = show(result);
    const user = userEvent.setup();
    (await screen.findByTestId("export-menu")).focus();
    await user.keyboard("{Enter}");
    await user.click(await screen.findByTestId("export-md"));
    expect(backend.exportRun).toHaveBeenCalledWith(7, "md");
    await waitFor(() => expect(toasts.list.at(-1)?.text).toBe("Saved as /home/you/report.md"));
  });

  it("are exported as a picture in the words of the page", async () => {
    setLanguage("de");
    const exportOverlay = vi.fn(async () => "/home/you/prompt-run-7.svg");
    show(result, { exportOverlay });
    await userEvent.click(await screen.findByTestId("export-menu"));
    await userEvent.click(await screen.findByTestId("export-svg"));
    const request = expect.objectContaining({ runs: [7], prompts: true, style: expect.objectContaining({ starts: true }) });
    const words = expect.objectContaining({ axis: "ausprobierte Prompts", best: "bester bisher", check: "Schlussprüfung" });
    expect(exportOverlay).toHaveBeenCalledWith(request, "svg", true, words);
  });
});

it("is laid over the run before it", async () => {
  const { run } = runResult().view;
  const runs = [{ ...run, id: 9, created_at: 5 }, run, { ...run, id: 6 }, { ...run, id: 2 }];
  show(runResult(), { project: async () => ({ runs }) as Project });
  await userEvent.click(await screen.findByTestId("compare-runs"));
  await waitFor(() => expect(router.place).toEqual({ page: "runs", project: 1, show: [7, 6] }));
});

it("says of a prompt chosen in the curve that it was dropped early", async () => {
  const early = candidate(4, { loss: 2.4071, text: "Behind", dropped: { scored: 8, of: 20 } });
  const result = runResult();
  show({ ...result, view: { ...result.view, candidates: [...result.view.candidates, early] } }, {
    overlay: async (request) => pictureOf(request),
  });
  const layer = await screen.findByTestId("chart-layer");
  await fireEvent.keyDown(layer, { key: "End" });
  expect(screen.getByTestId("chart-tip")).toHaveTextContent("≈ 2.41");
  await fireEvent.keyDown(layer, { key: "Enter" });
  expect(screen.getByTestId("dropped-term")).toHaveTextContent("dropped after 8 of 20");
});

describe("the table of examples", () => {
  const rows = [
    change(1, { input: "Sunny", start_loss: 2, best_loss: 1, start_correct: false, best_correct: true }),
    change(2, { input: "Rainy", start_loss: 1, best_loss: 1.5, start_correct: true, best_correct: true }),
    change(3, { input: "Foggy", start_loss: 3, best_loss: 3, start_correct: false, best_correct: false }),
  ];
  const inputs = () => within(screen.getByTestId("changes-table")).getAllByRole("button").filter((one) => one.hasAttribute("aria-expanded")).map((one) => one.textContent?.trim());

  it("shows the largest gains first, and sorts by any column", async () => {
    show(runResult({ rows }));
    await verdict();
    expect(inputs()).toEqual(["Sunny", "Foggy", "Rainy"]);
    expect(screen.getByTestId("changes-table")).toHaveTextContent("−1.000 better");
    expect(screen.getByTestId("changes-table")).toHaveTextContent("wrong → right");
    await fireEvent.click(screen.getByTestId("sort-start_loss"));
    expect(inputs()).toEqual(["Foggy", "Sunny", "Rainy"]);
    expect(screen.getByRole("columnheader", { name: /Before/u })).toHaveAttribute("aria-sort", "descending");
    await fireEvent.click(screen.getByTestId("sort-row"));
    expect(inputs()).toEqual(["Sunny", "Rainy", "Foggy"]);
  });

  it("can be thinned out, searched and read in full", async () => {
    show(runResult({ rows }));
    await verdict();
    await fireEvent.click(screen.getByTestId("different-only"));
    expect(inputs()).toEqual(["Sunny", "Rainy"]);
    await fireEvent.input(screen.getByTestId("changes-search"), { target: { value: "rain" } });
    expect(inputs()).toEqual(["Rainy"]);
    await fireEvent.click(screen.getByRole("button", { name: "Rainy" }));
    expect(screen.getByRole("group", { name: "Example" })).toHaveTextContent("Rainy");
    await fireEvent.input(screen.getByTestId("changes-search"), { target: { value: "nothing like it" } });
    await fireEvent.click(screen.getByText("Show all"));
    expect(inputs()).toHaveLength(3);
  });

  it("leads to the same comparison with what the model makes of each answer", async () => {
    const { unmount } = show(runResult({ rows }));
    await verdict();
    await fireEvent.click(screen.getByTestId("look-closer"));
    expect(router.place).toEqual({
      page: "compare", request: { project: 1, first: { kind: "run_start", run: 7 }, second: { kind: "run_best", run: 7 }, ground: { kind: "run", run: 7 } },
    });
    unmount();
    show(runResult({ best: "Start prompt", rows }));
    await verdict();
    expect(screen.queryByTestId("look-closer")).toBeNull();
  });

  it("may have 20,000 rows, of which few are drawn", async () => {
    show(runResult({ rows: Array.from({ length: 20_000 }, (_, index) => change(index + 1, { input: "مثال طويل ".repeat(300) })) }));
    await verdict();
    const table = screen.getByTestId("changes-table");
    expect(table).toHaveAttribute("aria-rowcount", "20001");
    expect(within(table).getAllByRole("row").length).toBeLessThan(60);
    expect(screen.getByTestId("changes-summary")).toHaveTextContent("20,000 better");
  });
});

it("has no serious faults of accessibility", async () => {
  const results = [
    runResult({ rows: [change(1), change(2, { start_correct: true, best_correct: false })] }),
    runResult({ best: "Start prompt", rows: [] }),
    runResult({}, null),
    runResult({
      answers: [{ row: 1, input: "A", target: "yes", start: "x".repeat(500), best: "yes", right: [false, true] }],
      balance: { labels: [], train: 8, validation: 40, pool: 0, warnings: [{ kind: "few_training", rows: 8 }] },
    }, validation({ verdict: "surer_but_less_right", asked: changed(30, 9), choices: changed(30, 9), looks: 4 })),
  ];
  for (const result of results) {
    const { container, unmount } = show(result);
    await verdict();
    expect(await seriousFaults(container)).toEqual([]);
    unmount();
  }
});

describe("a prompt with examples", () => {
  const start = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad";
  const best = "Name the mood in one word.\n\n[[example]]\nLovely!\n[[answer]]\ngood\n\n[[example]]\nIt broke.\n[[answer]]\nbad";

  it("is compared word by word in its text, and card by card below", async () => {
    const { container } = show(runResult({ start, best }));
    const side = within(await screen.findByTestId("best-prompt"));
    expect(side.getByText("in one word", { exact: false, selector: "ins" })).toBeInTheDocument();
    expect(side.getAllByTestId("shown-example").map((card) => card.dataset["kind"])).toEqual(["added", "same"]);
    expect(side.getAllByTestId("shown-example")[0]).toHaveTextContent("added");
    expect(within(screen.getByTestId("start-prompt")).getAllByTestId("shown-example").map((card) => card.dataset["kind"])).toEqual(["same"]);
    expect(container).not.toHaveTextContent("[[example]]");
    await userEvent.click(screen.getByTestId("show-diff"));
    expect(side.getAllByTestId("shown-example").map((card) => card.dataset["kind"])).toEqual(["same", "same"]);
  });

  it("is copied as lines, or as messages", async () => {
    const { backend } = show(runResult({ start, best }));
    await userEvent.click(await screen.findByTestId("copy-best"));
    expect(backend.copyText).toHaveBeenLastCalledWith("Name the mood in one word.\n\nInput: Lovely!\nAnswer: good\n\nInput: It broke.\nAnswer: bad");
    await userEvent.click(screen.getByTestId("copy-best-as"));
    await userEvent.click(await screen.findByTestId("copy-best-messages"));
    const copied = JSON.parse(vi.mocked(backend.copyText).mock.lastCall?.[0] ?? "");
    expect(copied.messages.at(0)).toEqual({ role: "system", content: "Name the mood in one word." });
    expect(copied.messages.at(-1)).toEqual({ role: "user", content: "{{input}}" });
  });
});
