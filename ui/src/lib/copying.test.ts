import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { makeScripted } from "../backend/scripted";
import CopyAddress from "../pages/models/CopyAddress.svelte";
import CopyButton from "../pages/run/CopyButton.svelte";
import { renderPage } from "../test/render";
import ErrorNote from "../ui/ErrorNote.svelte";
import Toasts from "../ui/Toasts.svelte";
import { toasts } from "./toasts.svelte";

const error = { code: "hub", message: "No network.", hint: "Try later." };
const buttons = [
  ["of a text", CopyButton, { text: "words", testid: "copy" }, "words"],
  ["of an address", CopyAddress, { address: "words", label: "Copy the page", testid: "copy" }, "words"],
  ["of an error", ErrorNote, { error }, "PMPO Studio: hub\nNo network.\nTry later."],
] as const;
const button = () => screen.getByTestId(/copy$/);

beforeEach(() => toasts.list.forEach((toast) => toasts.dismiss(toast.id)));

describe.each(buttons)("a copy %s", (_name, page, props, text) => {
  const show = () => {
    const backend = makeScripted();
    const shown = renderPage<Record<string, unknown>>(page as never, props, backend);
    render(Toasts);
    return { backend, ...shown };
  };

  it("is answered with a word", async () => {
    const { backend, container } = show();
    await userEvent.click(button());
    expect(backend.copied).toEqual([text]);
    await waitFor(() => expect(container).toHaveTextContent("Copied"));
  });

  it("that fails says why, and what to do", async () => {
    const { backend, container } = show();
    backend.failNext("copyText", { code: "clipboard", message: "The clipboard cannot be used.", hint: "Mark the text." });
    await userEvent.click(button());
    expect(await screen.findByText("The clipboard cannot be used. Mark the text.")).toBeVisible();
    expect(container).not.toHaveTextContent("Copied");
  });
});

it("no page copies in a way of its own, which might say nothing", () => {
  const pages = import.meta.glob("../**/*.svelte", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  expect(Object.keys(pages).length).toBeGreaterThan(50);
  expect(Object.keys(pages).filter((name) => pages[name]?.includes("copyText"))).toEqual([]);
});
