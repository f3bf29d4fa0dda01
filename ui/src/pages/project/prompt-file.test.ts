import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../../backend/scripted";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { asked, prepared, refusal, show } from "../../test/two-versions";

const editor = () => screen.getByTestId<HTMLTextAreaElement>("prompt-editor");
const said = () => toasts.list.at(-1)?.text;

it("brings a prompt from a file and says what became of the one before", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  await userEvent.type(editor(), " More.");
  await userEvent.click(screen.getByTestId("import-prompt"));
  await waitFor(() => expect(editor().value).toContain("(From prompt.md)"));
  expect(said()).toBe("The prompt from prompt.md is in the editor. What was there is version 3.");
  expect(screen.getByTestId("version-4")).toHaveTextContent("brought from prompt.md");
  expect(screen.getByTestId("version-3")).toHaveTextContent(" More.");
  // Once more: everything is a version already.
  await userEvent.click(screen.getByTestId("import-prompt"));
  await waitFor(() => expect(said()).toBe("The prompt from prompt.md is in the editor."));
});

it("keeps nothing of an empty editor, and leaves it when no file is chosen", async () => {
  const backend = makeScripted();
  const { id } = await backend.createProject("Mine");
  const choosePrompt = async () => null;
  const view = await show({ ...backend, choosePrompt }, id);
  await userEvent.click(screen.getByTestId("import-prompt"));
  expect(asked(backend, "importPrompt")).toEqual([]);
  view.unmount();
  await show(backend, id);
  await userEvent.click(screen.getByTestId("import-prompt"));
  await waitFor(() => expect(said()).toBe("The prompt from prompt.md is in the editor."));
  expect((await backend.project(id)).versions).toHaveLength(1);
});

it("says why a file cannot be read, and asks again", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  backend.failNext("importPrompt", refusal);
  const before = editor().value;
  await userEvent.click(screen.getByTestId("import-prompt"));
  expect(await screen.findByTestId("error-note")).toHaveTextContent("That cannot be.");
  expect(editor().value).toBe(before);
  await userEvent.click(screen.getByTestId("error-retry"));
  await waitFor(() => expect(editor().value).toContain("(From prompt.md)"));
});

it("leads to the whole history and to comparing, with what is being written", async () => {
  const { backend, id, best } = await prepared();
  const view = await show(backend, id);
  await userEvent.type(editor(), " More.");
  await userEvent.click(screen.getByTestId("compare-version-2"));
  await waitFor(() => expect(router.place).toEqual({
    page: "compare", request: { project: id, first: { kind: "version", id: best }, second: { kind: "draft" }, ground: { kind: "project" } },
  }));
  expect((await backend.project(id)).draft.prompt).toMatch(/ More\.$/);
  view.unmount();
  await show(backend, id);
  await userEvent.click(screen.getByTestId("all-versions"));
  await waitFor(() => expect(router.place).toEqual({ page: "versions", project: id }));
});

it("says what became of the prompt in the editor when a version is used", async () => {
  const { backend, id } = await prepared();
  await show(backend, id);
  await userEvent.type(editor(), " More.");
  await userEvent.click(screen.getByTestId("use-version-2"));
  await waitFor(() => expect(said()).toBe("Version 2 is in the editor now. What was there is version 3."));
  expect(screen.getByTestId("version-3")).toHaveTextContent(" More.");
});
