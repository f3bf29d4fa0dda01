import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../../backend";
import type { AppError, RunMessage, RunView } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { router } from "../../lib/router.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import { setLanguage } from "../../text";
import { pictureOf } from "../../test/chart-fixtures";
import { candidate, runView, validation } from "../../test/run-fixtures";
import RunPage from "./RunPage.svelte";

const ERROR: AppError = { code: "model", message: "Out of memory.", hint: "Close other programs." };

/** The page on a run of which the test says what it tells. */
function show(view: RunView, more: Partial<Backend> = {}) {
  let listener: ((message: RunMessage) => void) | null = null;
  const backend: Backend = {
    ...makeScripted(),
    async watchRun(_run, onMessage) {
      listener = onMessage;
      onMessage({ kind: "snapshot", view });
      return () => (listener = null);
    },
    overlay: async (request) => pictureOf(request),
    pauseRun: vi.fn(async () => undefined),
    stopRun: vi.fn(async () => undefined),
    resumeRun: vi.fn(async () => ({ ...view.run, state: "running" as const, active: true })),
    ...more,
  };
  const page = renderPage(RunPage, { id: 7 }, backend);
  return { ...page, backend, tell: (message: RunMessage) => listener?.(message) };
}

const state = () => screen.findByTestId("run-state");

describe("a run at work", () => {
  it.each([
    ["loading_model", "Loading the model"],
    ["measuring_start", "Measuring the start prompt"],
    ["analysing", "Finding what each part does"],
    ["trying", "Trying better prompts"],
    ["demonstrating", "Choosing examples to show in the prompt"],
    ["pruning", "Leaving out what is not needed"],
    ["validating", "Final check"],
    ["answering", "Letting the model answer a few examples"],
    ["waiting_for_database", "Waiting for the database"],
  ] as const)("says what it does while %s", async (phase, words) => {
    show(runView({ phase }));
    expect(await screen.findByTestId("run-phase")).toHaveTextContent(words);
    expect(await state()).toHaveTextContent("Running");
  });

  it("tells how far it is and how long it takes", async () => {
    show(runView());
    expect(await screen.findByTestId("run-progress")).toHaveAttribute("aria-valuenow", "25");
    expect(screen.getByTestId("time-left")).toHaveTextContent("about 2 minutes left");
  });

  it("is never at 100 % with work left", async () => {
    show(runView({ phase: "validating", progress: { tokens_done: 999_999, tokens_left: 0, seconds_left: 0, speed: null, memory: null } }));
    expect(await screen.findByTestId("run-progress")).toHaveAttribute("aria-valuenow", "99");
    expect(screen.queryByText("100%")).toBeNull();
  });

  const progress = { tokens_done: 1, tokens_left: 3, seconds_left: 120, speed: 412.4, memory: { used: 1_430_000_000, total: 24_000_000_000, gpu: false } };

  it("says on what it computes, how fast and with how much memory", async () => {
    const { tell, container } = show(runView({ progress }));
    expect(await screen.findByTestId("run-device")).toHaveTextContent("Processor, exact (this program cannot use graphics cards)");
    expect(screen.getByTestId("run-speed")).toHaveTextContent(/^412 tokens\/s$/u);
    expect(screen.getByTestId("run-memory")).toHaveTextContent(/^1\.4 GB of 24\.0 GB memory$/u);
    // Said once.
    expect(screen.getAllByText(/cannot use graphics cards/u)).toHaveLength(1);
    tell({ kind: "progress", progress: { ...progress, speed: 3.27, memory: { ...progress.memory, gpu: true } } });
    await waitFor(() => expect(screen.getByTestId("run-speed")).toHaveTextContent("3.3 tokens/s"));
    expect(screen.getByTestId("run-memory")).toHaveTextContent("GPU memory");
    expect(await seriousFaults(container)).toEqual([]);
    setLanguage("de");
    await waitFor(() => expect(screen.getByTestId("run-memory")).toHaveTextContent("1,4 GB von 24,0 GB Speicher der Grafikkarte"));
    expect(screen.getByTestId("run-speed")).toHaveTextContent("3,3 Token/s");
  });

  it("invents no speed and no memory, and the keyboard is not lost with them", async () => {
    const { tell, unmount } = show(runView({ progress }));
    const word = within(await screen.findByTestId("run-speed")).getByRole("button");
    word.focus();
    tell({ kind: "progress", progress: { ...progress, speed: null, memory: null } });
    await waitFor(() => expect(screen.queryByTestId("run-speed")).toBeNull());
    expect(screen.queryByTestId("run-memory")).toBeNull();
    await waitFor(() => expect(document.activeElement).toContainElement(screen.getByTestId("run-device")));
    expect(document.body).not.toHaveFocus();
    unmount();
    show(runView({ progress, phase: "loading_model" }, { state: "queued" }));
    await screen.findByTestId("run-device");
    expect(screen.queryByTestId("run-speed")).toBeNull();
    expect(screen.queryByTestId("run-memory")).toBeNull();
  });

  it("shows the best prompt as it changes", async () => {
    const { tell } = show(runView());
    expect(await screen.findByTestId("best-prompt")).toHaveTextContent("Start prompt");
    const best = candidate(3, { loss: 2.4, text: "A far better prompt" });
    tell({ kind: "candidate", candidate: best });
    tell({ kind: "step", step: { step: 1, incumbent: 3, loss: 2.4, improved: true }, best });
    await waitFor(() => expect(screen.getByTestId("best-prompt")).toHaveTextContent("A far better prompt"));
    expect(screen.getByTestId("best-loss")).toHaveTextContent("2.400");
    expect(screen.getByTestId("best-gain")).toHaveTextContent("−0.600");
    expect(within(screen.getByTestId("candidates")).getByText("A far better prompt")).toBeInTheDocument();
  });

  it("waits in line", async () => {
    show(runView({ best: null, candidates: [], progress: null, phase: "loading_model" }, { state: "queued", start_loss: null }));
    expect(await screen.findByTestId("run-phase")).toHaveTextContent("Waiting for its turn");
    expect(screen.getByText(/curve begins as soon as/u)).toBeInTheDocument();
    expect(screen.getByTestId("best-prompt")).toHaveTextContent("Start prompt");
  });

  it("can be paused", async () => {
    const { backend, tell } = show(runView());
    await fireEvent.click(await screen.findByTestId("pause"));
    expect(backend.pauseRun).toHaveBeenCalledWith(7);
    expect(await state()).toHaveTextContent("Pausing");
    tell({ kind: "ended", view: runView({}, { state: "paused", active: false }) });
    await waitFor(async () => expect(await state()).toHaveTextContent("Paused"));
    await fireEvent.click(screen.getByTestId("resume"));
    expect(backend.resumeRun).toHaveBeenCalledWith(7);
  });

  it("is stopped only after a question", async () => {
    const { backend } = show(runView());
    await fireEvent.click(await screen.findByTestId("stop"));
    expect(backend.stopRun).not.toHaveBeenCalled();
    await fireEvent.click(await screen.findByTestId("stop-yes"));
    expect(backend.stopRun).toHaveBeenCalledWith(7);
    expect(await state()).toHaveTextContent("Stopping");
  });

  it("says why it could not be paused", async () => {
    show(runView(), { pauseRun: () => Promise.reject(ERROR) });
    await fireEvent.click(await screen.findByTestId("pause"));
    expect(await screen.findByTestId("error-note")).toHaveTextContent("Out of memory.");
    expect(await state()).toHaveTextContent("Running");
  });
});

describe("a run that is not at work", () => {
  it("was broken off", async () => {
    show(runView({}, { active: false }));
    expect(await state()).toHaveTextContent("Interrupted");
    expect(screen.getByTestId("resume")).toBeInTheDocument();
    expect(screen.queryByTestId("pause")).toBeNull();
  });

  it("failed", async () => {
    show(runView({}, { state: "failed", active: false, error: ERROR }));
    expect(await screen.findByTestId("error-note")).toHaveTextContent("Close other programs.");
    expect(screen.getByTestId("resume")).toBeInTheDocument();
    expect(screen.queryByTestId("stop")).toBeNull();
  });

  it("paused by itself, says why, that nothing is lost, and goes on", async () => {
    const { backend, tell, container } = show(runView());
    await screen.findByTestId("pause");
    tell({ kind: "ended", view: runView({}, { state: "paused", active: false, error: ERROR }) });
    const note = await screen.findByTestId("error-note");
    expect(note).toHaveTextContent("Out of memory.");
    expect(note).toHaveTextContent("Close other programs.");
    expect(screen.getByTestId("run-notice")).toHaveTextContent("The run paused by itself");
    expect(screen.getByTestId("run-notice")).toHaveTextContent("Nothing is lost");
    expect(await state()).toHaveTextContent("Paused");
    expect(await seriousFaults(container)).toEqual([]);
    await fireEvent.click(screen.getByTestId("resume"));
    expect(backend.resumeRun).toHaveBeenCalledWith(7);
  });

  it("was paused by the person, of which nothing is wrong", async () => {
    show(runView({}, { state: "paused", active: false }));
    expect(await screen.findByTestId("run-notice")).toHaveTextContent("This run is paused");
    expect(screen.queryByTestId("error-note")).toBeNull();
  });

  it("was stopped with nothing measured", async () => {
    show(runView({ best: null, candidates: [] }, { state: "cancelled", active: false, start_loss: null }));
    expect(await screen.findByTestId("run-notice")).toHaveTextContent("no result");
    expect(screen.queryByTestId("open-result")).toBeNull();
  });

  it("is finished and leads to its result", async () => {
    const best = candidate(1, { text: "Better" });
    const outcome = { reason: "patience" as const, best: 1, start_loss: 3, best_loss: 2, validation: validation(), answers: [] };
    show(runView({ phase: "ended", outcome, best }, { state: "completed", active: false }));
    expect(await screen.findByTestId("run-notice")).toHaveTextContent("Better");
    await fireEvent.click(screen.getByTestId("open-result"));
    expect(router.place).toEqual({ page: "result", id: 7 });
  });

  it("does not exist", async () => {
    show(runView(), { watchRun: () => Promise.reject({ code: "not_found", message: "This run is gone.", hint: "" }) });
    expect(await screen.findByTestId("error-note")).toHaveTextContent("This run is gone.");
  });
});

describe("the parts of the prompt", () => {
  const finding = (verdict: "helps" | "hurts" | "no_clear_effect", effect: number) => ({ verdict, effect, std_error: 0.05 });
  const pieces = [
    { text: "Read it. ", finding: finding("helps", 0.31) },
    { text: "{{input}}", finding: null },
    { text: " Be a poet.", finding: finding("hurts", -0.2) },
    { text: " Thanks.", finding: finding("no_clear_effect", 0.01) },
  ];

  it("carry sign, word and number, not colour alone", async () => {
    show(runView({ segments: [{ step: 1, candidate: 0, pieces }] }));
    const parts = await screen.findByTestId("segment-view");
    const rows = within(parts).getAllByRole("listitem");
    expect(rows.map((row) => row.textContent?.replace(/\s+/gu, " ").trim())).toEqual([
      "+ helps Read it. Loss without it: +0.310 ± 0.050",
      "− hurts Be a poet. Loss without it: −0.200 ± 0.050",
      "· no clear effect Thanks. Loss without it: +0.010 ± 0.050",
    ]);
    const marked = within(parts).getAllByRole("button");
    await fireEvent.focus(marked[1] as HTMLElement);
    expect(within(parts).getByRole("status")).toHaveTextContent("Part 2: hurts, −0.200");
    expect(marked[1]).toHaveAccessibleDescription(/hurts.*−0\.200/u);
  });

  it("put together are the prompt", async () => {
    show(runView({ segments: [{ step: 1, candidate: 0, pieces }] }));
    const shown = within(await screen.findByTestId("segment-view")).getByRole("group").textContent ?? "";
    expect(shown.replace(/[+·−]/gu, "")).toBe(pieces.map((piece) => piece.text).join(""));
  });
});

describe("what people and models write", () => {
  it("is text, even when it looks like markup", async () => {
    const evil = "<img src=x onerror=alert(1)><script>alert(2)</script>{{input}}";
    const { container } = show(
      runView({
        start_prompt: evil, candidates: [candidate(0, { text: evil })], best: candidate(0, { text: evil }),
        segments: [{ step: 1, candidate: 0, pieces: [{ text: evil, finding: null }] }],
      }, { name: evil, project_name: evil }),
    );
    expect(await screen.findByTestId("best-prompt")).toHaveTextContent(evil);
    expect(container.querySelector("script, img[onerror]")).toBeNull();
  });

  it("takes its own direction", async () => {
    const arabic = "اقرأ المراجعة وأجب بكلمة واحدة.";
    show(runView({ best: candidate(0, { text: arabic }) }));
    expect((await screen.findByTestId("best-prompt")).firstElementChild).toHaveAttribute("dir", "auto");
  });

  it("may be very long", async () => {
    const long = "A rule that goes on. ".repeat(5000);
    show(runView({ best: candidate(1, { text: long }), candidates: [candidate(1, { text: long })] }));
    expect((await screen.findByTestId("best-prompt")).textContent).toBe(long);
    const listed = within(screen.getByTestId("candidates")).getAllByRole("listitem")[0];
    expect(listed?.textContent?.length).toBeLessThan(400);
  });
});

describe("the prompts tried", () => {
  const many = Array.from({ length: 20_000 }, (_, index) => candidate(index, index === 19_999 ? { loss: null, refusal: { kind: "leak", words: "a b" } } : {}));

  it("may be 20,000, of which few are drawn", async () => {
    show(runView({ candidates: many }));
    const list = await screen.findByTestId("candidates");
    expect(list).toHaveTextContent("20,000 prompts");
    const rows = within(list).getAllByRole("listitem");
    expect(rows.length).toBeLessThan(60);
    expect(rows[0]).toHaveTextContent("it copied an example (“a b”)");
    expect(rows[0]).toHaveAttribute("aria-setsize", "20000");
  });

  it("open to their text and sort by loss", async () => {
    show(runView({ candidates: [candidate(0), candidate(1, { loss: 1 }), candidate(2, { loss: 2, text: "The second" })] }));
    const list = await screen.findByTestId("candidates");
    await fireEvent.change(screen.getByTestId("candidates-order"), { target: { value: "best" } });
    expect(within(list).getAllByRole("listitem")[0]).toHaveTextContent("No. 1");
    const button = within(list).getByRole("button", { name: /The second/u });
    await fireEvent.click(button);
    expect(button).toHaveAttribute("aria-expanded", "true");
    expect(within(list).getByRole("group", { name: "Its text" })).toHaveTextContent("The second");
  });
});

describe("a prompt dropped early", () => {
  const early = candidate(2, { loss: 2.4071, accuracy: 0.75, text: "Behind", dropped: { scored: 8, of: 20 } });
  const whole = candidate(1, { loss: 2.9, accuracy: 0.5, text: "Measured whole" });

  it("has an estimate for a loss, and says on how much it was measured", async () => {
    const { container } = show(runView({ candidates: [candidate(0), whole, early] }));
    const list = await screen.findByTestId("candidates");
    const row = within(list).getByRole("button", { name: /Behind/u });
    expect(row).toHaveTextContent("≈ 2.41");
    expect(row).toHaveTextContent("dropped after 8 of 20");
    expect(row).not.toHaveTextContent("to the best");
    await fireEvent.click(row);
    const detail = row.parentElement;
    expect(detail).toHaveTextContent("75% right on those 8 examples");
    expect(detail).not.toHaveTextContent("±");
    const other = within(list).getByRole("button", { name: /Measured whole/u });
    expect(other).toHaveTextContent("2.900");
    expect(other).not.toHaveTextContent("dropped");
    expect(await seriousFaults(container)).toEqual([]);
  });

  it("comes after all that were measured whole, however low its estimate", async () => {
    show(runView({ candidates: [candidate(0, { loss: 3 }), whole, early], best: whole }));
    const list = await screen.findByTestId("candidates");
    await fireEvent.change(screen.getByTestId("candidates-order"), { target: { value: "best" } });
    const rows = within(list).getAllByRole("listitem");
    expect(rows.map((row) => /No\. \d/u.exec(row.textContent ?? "")?.[0])).toEqual(["No. 1", "No. 0", "No. 2"]);
    expect(within(rows[0] as HTMLElement).getByText("best")).toBeInTheDocument();
    expect(within(rows[2] as HTMLElement).queryByText("best")).toBeNull();
  });

  it("is explained once, where there is one", async () => {
    const { unmount } = show(runView({ candidates: [candidate(0), early] }));
    expect(await screen.findByTestId("candidates-count")).toHaveTextContent("2 prompts, 1 dropped early");
    await fireEvent.click(screen.getByTestId("dropped-term"));
    expect((await screen.findAllByText(/clearly behind.*saves time/u)).length).toBeGreaterThan(0);
    unmount();
    show(runView({ candidates: [candidate(0), whole] }));
    expect(await screen.findByTestId("candidates-count")).toHaveTextContent(/^2 prompts$/u);
  });

  it("is told in the chart as well", async () => {
    const { unmount } = show(runView({ candidates: [candidate(0), whole, early] }));
    expect(await screen.findByTestId("chart-table")).toHaveTextContent(/dropped after 8 of 20\s*≈ 2\.41/u);
    expect(screen.getByRole("list", { name: "Legend" })).toHaveTextContent("Dropped early");
    unmount();
    show(runView({ candidates: [candidate(0), whole] }));
    expect(await screen.findByRole("list", { name: "Legend" })).not.toHaveTextContent("Dropped early");
  });
});

it("has no serious faults of accessibility in any state", async () => {
  const segments = [{ step: 1, candidate: 0, pieces: [{ text: "A.", finding: { verdict: "helps" as const, effect: 1, std_error: null } }] }];
  for (const run of [{}, { state: "paused", active: false }, { state: "failed", active: false, error: ERROR }, { state: "completed", active: false }] as const) {
    const { container, unmount } = show(runView({ segments, left_out: [{ row: 3, tokens: 9000 }] }, run));
    await state();
    expect(await seriousFaults(container)).toEqual([]);
    unmount();
  }
});

it("follows a whole scripted run to its end", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  const run = await backend.startRun(project.id);
  renderPage(RunPage, { id: run.id }, backend);
  expect(await state()).toHaveTextContent("Running");
  backend.tick(30);
  expect(await screen.findByTestId("segment-view")).toBeInTheDocument();
  backend.finish(run.id);
  await waitFor(() => expect(screen.getByTestId("open-result")).toBeInTheDocument());
  expect(await state()).toHaveAttribute("data-state", "completed");
  const { candidates, best } = await backend.runView(run.id);
  expect(candidates.some((one) => one.dropped)).toBe(true);
  expect(best?.dropped).toBeNull();
});

describe("a prompt with examples", () => {
  const text = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad";

  it("is shown as its text and cards, in the best prompt, the list and the parts", async () => {
    const finding = { verdict: "helps" as const, effect: 0.2, std_error: 0.05 };
    const pieces = [{ text: "Name the mood.", finding }, { text: text.slice("Name the mood.".length), finding: null }];
    const { container } = show(runView({ best: candidate(1, { text }), candidates: [candidate(0), candidate(1, { text })], segments: [{ step: 1, candidate: 1, pieces }] }));
    expect(within(await screen.findByTestId("best-prompt")).getByTestId("shown-example")).toHaveTextContent("It broke.");
    expect(within(screen.getByTestId("segment-view")).getByTestId("shown-example")).toHaveTextContent("bad");
    const row = within(screen.getByTestId("candidates")).getAllByRole("button", { expanded: false })[0];
    await fireEvent.click(row as HTMLElement);
    expect(within(screen.getByTestId("candidates")).getByTestId("shown-example")).toHaveTextContent("It broke.");
    expect(container).not.toHaveTextContent("[[");
  });
});

describe("right answers while it runs", () => {
  const start = candidate(0, { origin: { kind: "start" }, step: 0, parent: null, loss: 3, text: "Start prompt", asked: 0, accuracy: 0.45, choice: 1 });
  const best = candidate(2, {
    loss: 2, asked: 0.6, accuracy: 0.8, choice: 0.5, origin: { kind: "demonstrations", examples: [1, 4] },
    text: "Name it.\n[[example]]\nGood\n[[answer]]\nyes\n[[example]]\nBad\n[[answer]]\nno",
  });

  it("come before the loss", async () => {
    show(runView({ best, candidates: [start, best] }));
    const figures = await screen.findByTestId("run-figures");
    expect(figures.firstElementChild).toBe(screen.getByTestId("figure-asked"));
    expect(screen.getByTestId("figure-asked")).toHaveTextContent(/Right answers\s*0 of 20 →\s*12 of 20/u);
    expect(screen.getByTestId("figure-choice")).toHaveTextContent(/must choose\s*9 of 20 →\s*16 of 20/u);
    expect(within(screen.getByTestId("candidates")).getByText("60% right")).toBeInTheDocument();
    // Said once where it came about by them, and of each prompt that keeps them.
    expect(screen.getByTestId("candidates")).not.toHaveTextContent("with 2 examples");
  });

  it("tell of a prompt that keeps its examples, and of none that only writes such a line", async () => {
    const kept = candidate(3, { text: best.text, origin: { kind: "drop", segment: 0 } });
    const line = candidate(4, { text: "Name it.\n[[example]]\nGood", origin: { kind: "reorder", how: "" } });
    show(runView({ best: kept, candidates: [start, kept, line] }));
    expect(await screen.findByTestId("candidates")).toHaveTextContent("Part 1 taken out, with 2 examples");
    expect(screen.getByTestId("candidates")).toHaveTextContent(/Parts put in another order(?!, with)/u);
  });

  it("are choices between a better and a worse answer where that is the task", async () => {
    const pair = (one: typeof best) => ({ ...one, asked: null, choice: null });
    show(runView({ best: pair(best), candidates: [pair(start), pair(best)] }));
    expect(await screen.findByTestId("figure-choice")).toHaveTextContent(/Prefers the better answer/u);
    expect(screen.queryByTestId("figure-asked")).toBeNull();
  });

  it("of an older run stay shares among labels", async () => {
    const old = (one: typeof best) => ({ ...one, asked: null, choice: null });
    const view = runView({ best: old(best), candidates: [old(start), old(best)] });
    show({ ...view, settings: { ...view.settings, method: 1 } });
    expect(await screen.findByTestId("figure-choice")).toHaveTextContent(/must choose\s*45% →\s*80%/u);
  });

  it("are not claimed for an older run whose fall nobody has judged here", async () => {
    const outcome = { reason: "steps" as const, best: 2, start_loss: 3, best_loss: 2, validation: validation({ accuracy: [0.3, 0.1] }), answers: [] };
    show(runView({ phase: "ended", best, outcome }, { state: "completed", active: false }));
    expect(await screen.findByTestId("run-notice")).toHaveTextContent("This run is finished");
    expect(screen.getByTestId("run-notice")).not.toHaveTextContent("Better");
  });

  it("words for what is new in a run", async () => {
    const pruned = candidate(3, { origin: { kind: "prune", segment: 1 }, text: "Shorter" });
    const cut = candidate(4, { loss: null, std_error: null, refusal: { kind: "unfinished" }, text: "Cut o" });
    show(runView({ candidates: [start, pruned, cut] }));
    const list = await screen.findByTestId("candidates");
    expect(list).toHaveTextContent("Part 2 left out at the end");
    expect(list).toHaveTextContent("was cut off before it was finished");
  });
});
