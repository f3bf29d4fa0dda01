import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { ComparedFigures, VersionComparison } from "../../../backend/generated/wire";
import { seriousFaults } from "../../../test/render";
import { asked, prepared, refusal, show } from "../../../test/two-versions";
import { setLanguage } from "../../../text";

it("measures two versions for a comparison and says what came out", async () => {
  const { backend, id, first, best } = await prepared();
  await backend.saveDraft(id, { ...(await backend.project(id)).draft, prompt: "Say the mood." });
  await show(backend, id);
  await userEvent.click(screen.getByTestId("compare-version-1"));
  const dialog = await screen.findByTestId("compare-versions");
  await userEvent.selectOptions(screen.getByTestId("compare-right"), String(best));
  expect(await screen.findByText("Not both of these were measured on the same examples.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("compare-measure"));
  const verdict = await screen.findByTestId("compare-verdict");
  expect(asked(backend, "measure")).toEqual([[[first, best], []]]);
  expect(asked(backend, "compareVersions").at(-1)).toEqual([first, best]);
  expect(screen.getByTestId("compare-figures")).toHaveTextContent(/On the same \d+ examples of\s+review-mood\.csv/);
  expect(screen.getByTestId("compare-figures")).toHaveTextContent(/Loss\s*\d\.\d{3}\s*\d\.\d{3}.*Right answers\s*\d+%\s*\d+%/);
  expect(verdict).toHaveTextContent(/95 % interval/);
  expect(await seriousFaults(dialog)).toEqual([]);

  // With the prompt in the editor one more call is needed.
  await userEvent.selectOptions(screen.getByTestId("compare-right"), "draft");
  await userEvent.click(await screen.findByTestId("compare-measure"));
  await screen.findByTestId("compare-verdict");
  expect(asked(backend, "measure").slice(1)).toEqual([[[first], []], [[], []]]);
  expect(asked(backend, "compareVersions").at(-1)).toEqual([first, null]);
});

const figures = (more: Partial<ComparedFigures>): ComparedFigures => ({
  first_loss: 2, second_loss: 1.5, accuracy: null, interval: { low: -0.7, high: -0.3 }, verdict: "better", examples: 60, data: "<b>reviews</b>", ...more,
});
const found = (more: Partial<ComparedFigures>): VersionComparison => ({ first: "", second: "", figures: figures(more) });

it("says each verdict in words, in German too, and warns of fewer right answers", async () => {
  const { backend, id, first, best } = await prepared();
  setLanguage("de");
  let answer = found({ accuracy: [0.9, 0.5] });
  await show({ ...backend, async compareVersions() { return answer; } }, id);
  await userEvent.click(screen.getByTestId("compare-version-2"));
  expect(await screen.findByTestId("compare-verdict")).toHaveTextContent(/^Der rechte Prompt ist besser\. Der wahre Gewinn .* zwischen 0,300 und 0,700/);
  expect(screen.getByTestId("compare-fewer-right")).toBeInTheDocument();
  expect(screen.getByTestId("compare-figures")).toHaveTextContent("An denselben 60 Beispielen aus <b>reviews</b>");
  answer = found({ verdict: "worse", interval: { low: 0.1, high: 0.2 } });
  await userEvent.selectOptions(screen.getByTestId("compare-left"), String(first));
  await userEvent.selectOptions(screen.getByTestId("compare-right"), String(best));
  await waitFor(() => expect(screen.getByTestId("compare-verdict")).toHaveTextContent(/^Der rechte Prompt ist schlechter\./));
  expect(screen.queryByTestId("compare-fewer-right")).toBeNull();
});

it("ignores a stale comparison, and asks again after a fault", async () => {
  const { backend, id, first, best } = await prepared();
  const answers: Array<{ pair: unknown; settle: (found: VersionComparison) => void; fail: (error: unknown) => void }> = [];
  const compareVersions = (_: number, ...pair: unknown[]) => new Promise<VersionComparison>((settle, fail) => answers.push({ pair, settle, fail }));
  await backend.saveDraft(id, { ...(await backend.project(id)).draft, prompt: "Say the mood." });
  await show({ ...backend, compareVersions }, id);
  await userEvent.click(screen.getByTestId("compare-version-2"));
  await waitFor(() => expect(answers.at(-1)?.pair).toEqual([best, null]));
  const old = answers.at(-1);
  await userEvent.selectOptions(screen.getByTestId("compare-left"), String(first));
  await waitFor(() => expect(answers.at(-1)?.pair).toEqual([first, null]));
  answers.at(-1)?.settle(found({ examples: 11 }));
  await waitFor(() => expect(screen.getByTestId("compare-figures")).toHaveTextContent("11 examples"));
  old?.settle(found({ examples: 22 }));
  await Promise.resolve();
  expect(screen.getByTestId("compare-figures")).toHaveTextContent("11 examples");

  await userEvent.selectOptions(screen.getByTestId("compare-left"), String(best));
  await waitFor(() => expect(answers.at(-1)?.pair).toEqual([best, null]));
  answers.at(-1)?.fail(refusal);
  const note = await within(screen.getByTestId("compare-figures")).findByTestId("error-note");
  expect(note).toHaveTextContent("That cannot be.");
  await userEvent.click(within(note).getByTestId("error-retry"));
  await waitFor(() => expect(screen.queryByText("That cannot be.")).toBeNull());
});

it("marks words or whole lines", async () => {
  const { backend, id } = await prepared();
  await backend.saveDraft(id, { ...(await backend.project(id)).draft, prompt: "Line one.\nSay red.\nLine three." });
  await backend.startRun(id);
  await backend.saveDraft(id, { ...(await backend.project(id)).draft, prompt: "Line one.\nSay blue.\nLine three." });
  await show(backend, id);
  await userEvent.click(screen.getByTestId("compare-version-3"));
  const dialog = await screen.findByTestId("compare-versions");
  const marks = () => [...dialog.querySelectorAll("del, ins")].map((mark) => mark.textContent);
  await waitFor(() => expect(marks()).toEqual(["red", "blue"]));
  expect(screen.getByTestId("compare-words")).toHaveAttribute("aria-pressed", "true");
  await userEvent.click(screen.getByTestId("compare-lines"));
  expect(marks()).toEqual(["Say red.\n", "Say blue.\n"]);
  expect(screen.getByTestId("compare-lines")).toHaveAttribute("aria-pressed", "true");
});
