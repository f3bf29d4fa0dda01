import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../../backend/scripted";
import { parse } from "../../lib/prompt-document";
import { toasts } from "../../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import ProjectPage from "./ProjectPage.svelte";
import { PromptSheet } from "./sheet.svelte";

const shown = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad\n\n[[example]]\nLovely!\n[[answer]]\ngood";

async function page(prompt = shown) {
  const backend = makeScripted();
  const made = await backend.openSample("review-mood");
  await backend.saveDraft(made.id, { ...made.draft, prompt });
  const view = renderPage(ProjectPage, { id: made.id }, backend);
  const editor = await screen.findByTestId<HTMLTextAreaElement>("prompt-editor");
  const saved = async () => (await backend.project(made.id)).draft.prompt;
  return { backend, project: made.id, editor, saved, ...view };
}

const type = (testid: string, value: string) => fireEvent.input(screen.getByTestId(testid), { target: { value } });

it("edits the text alone, and an example in its card; both are saved as one prompt", async () => {
  const { editor, saved, container } = await page();
  expect(editor).toHaveValue("Name the mood.");
  expect(container).not.toHaveTextContent("[[example]]");
  expect(screen.getByTestId("shown-input-1")).toHaveValue("It broke.");
  await type("shown-answer-1", "negative");
  await waitFor(async () => expect(await saved()).toBe(shown.replace("bad", "negative")), { timeout: 2000 });
  await fireEvent.input(editor, { target: { value: "Say the mood." } });
  await waitFor(async () => expect(await saved()).toBe(shown.replace("bad", "negative").replace("Name", "Say")), { timeout: 2000 });
  expect(await seriousFaults(screen.getByTestId("prompt-examples"))).toEqual([]);
});

it("keeps an unfinished example out of the prompt, and in sight", async () => {
  const { saved } = await page("Name the mood.");
  await userEvent.click(screen.getByTestId("shown-add"));
  expect(screen.getByTestId("shown-input-1")).toHaveFocus();
  await type("shown-input-1", "Fine.");
  expect(screen.getByTestId("shown-1")).toHaveTextContent("The model does not see it yet");
  await type("shown-answer-1", "good");
  expect(screen.getByTestId("shown-1")).not.toHaveTextContent("The model does not see it yet");
  await waitFor(async () => expect(await saved()).toBe("Name the mood.\n\n[[example]]\nFine.\n[[answer]]\ngood"), { timeout: 2000 });
  await type("shown-answer-1", "");
  await waitFor(async () => expect(await saved()).toBe("Name the mood."), { timeout: 2000 });
  expect(screen.getByTestId("shown-input-1")).toHaveValue("Fine.");
});

it("moves and removes examples, and keeps the keyboard's place", async () => {
  const { saved } = await page();
  await userEvent.click(screen.getByTestId("shown-down-1"));
  expect(screen.getByTestId("shown-input-1")).toHaveValue("Lovely!");
  await waitFor(() => expect(screen.getByTestId("shown-up-2")).toHaveFocus());
  await userEvent.click(screen.getByTestId("shown-remove-2"));
  await waitFor(() => expect(screen.getByTestId("shown-remove-1")).toHaveFocus());
  await waitFor(async () => expect(await saved()).toBe("Name the mood.\n\n[[example]]\nLovely!\n[[answer]]\ngood"), { timeout: 2000 });
});

it("gives a removed example back into its place", async () => {
  const { saved } = await page();
  await waitFor(() => expect(screen.getByTestId("shown-count")).toHaveTextContent(/^2 examples, \d+ tokens$/));
  await userEvent.click(screen.getByTestId("shown-remove-1"));
  await waitFor(async () => expect(await saved()).not.toContain("It broke."), { timeout: 2000 });
  expect(screen.getByTestId("shown-count")).toHaveTextContent(/^1 example/);
  const notice = toasts.list.at(-1);
  expect(notice?.text).toBe("Example 1 was removed.");
  notice?.action?.run();
  await waitFor(async () => expect(await saved()).toBe(shown), { timeout: 2000 });
  // Twice does no harm.
  notice?.action?.run();
  await waitFor(() => expect(screen.queryByTestId("shown-3")).toBeNull());
});

it("takes examples of the data that measure nothing, of each answer in turn, none twice", async () => {
  const { backend, project, saved } = await page("Name the mood.");
  await userEvent.click(screen.getByTestId("shown-pick"));
  await screen.findByTestId("shown-1");
  await userEvent.click(screen.getByTestId("shown-pick"));
  await screen.findByTestId("shown-2");
  await waitFor(async () => expect(parse(await saved()).demonstrations).toHaveLength(2), { timeout: 2000 });
  const taken = parse(await saved()).demonstrations;
  expect(new Set(taken.map((one) => one.answer)).size).toBe(2);
  const { rows } = await backend.tablePage(project, { search: "", part: "rest", label: null, order: "file" }, 0, 200);
  for (const one of taken) expect(rows.some((row) => row.input === one.input && row.targets[0] === one.answer)).toBe(true);
});

it("says in one sentence what examples are for while there are none", async () => {
  await page("Name the mood.");
  expect(screen.getByText("The model sees these as earlier questions with their right answers.")).toBeVisible();
  expect(screen.queryByTestId("shown-count")).toBeNull();
});

it("asks for the other columns that the text names, but not for the input again", async () => {
  const { saved } = await page("In {{language}}: {{review}}\n\n[[example]]\nIt broke.\n[[answer]]\nbad");
  expect(screen.queryByTestId("shown-column-1-review")).toBeNull();
  await type("shown-column-1-language", "French");
  await waitFor(async () => expect(await saved()).toContain("[[column: language]]\nFrench\n[[answer]]"), { timeout: 2000 });
});

it("takes what comes from elsewhere, and leaves what is not touched as it was", () => {
  const told: string[] = [];
  const typed = "Be kind.\n[[example]]\nx";
  const sheet = new PromptSheet(typed, (document) => told.push(document));
  expect([sheet.text, sheet.cards.length, told.length]).toEqual([typed, 0, 0]);
  sheet.take(shown);
  expect(sheet.cards.map((card) => card.answer)).toEqual(["bad", "good"]);
  const key = sheet.add();
  sheet.take(shown);
  expect(sheet.cards.at(-1)?.key).toBe(key);
  expect(told).toEqual([]);
});
