import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../backend/scripted";
import { write } from "../lib/prompt-document";
import { renderPage } from "../test/render";
import { toasts } from "../lib/toasts.svelte";
import CopyPrompt from "./CopyPrompt.svelte";

const document = write({ text: "Name the mood.", demonstrations: [{ input: "It broke.", columns: {}, answer: "bad" }] });

it("copies the text with its examples as lines, without marks, and says so", async () => {
  const backend = makeScripted();
  renderPage(CopyPrompt, { document, testid: "copy" }, backend);
  await userEvent.click(screen.getByTestId("copy"));
  expect(backend.copied).toEqual(["Name the mood.\n\nInput: It broke.\nAnswer: bad"]);
  await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Copied"));
});

it("copies the same as messages for programs", async () => {
  const backend = makeScripted();
  renderPage(CopyPrompt, { document, testid: "copy" }, backend);
  await userEvent.click(screen.getByRole("button", { name: "Copy as …" }));
  await userEvent.click(await screen.findByTestId("copy-messages"));
  expect(JSON.parse(backend.copied.at(-1) ?? "")).toEqual({
    messages: [
      { role: "system", content: "Name the mood." },
      { role: "user", content: "It broke." },
      { role: "assistant", content: "bad" },
      { role: "user", content: "{{input}}" },
    ],
  });
});

it("says why nothing was copied", async () => {
  const backend = makeScripted();
  backend.failNext("copyText", { code: "clipboard", message: "The clipboard is in use.", hint: "Try again." });
  renderPage(CopyPrompt, { document, testid: "copy" }, backend);
  await userEvent.click(screen.getByTestId("copy"));
  await waitFor(() => expect(toasts.list.at(-1)?.text).toBe("The clipboard is in use. Try again."));
  expect(screen.queryByText("Copied")).toBeNull();
});
