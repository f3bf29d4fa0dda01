import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import { makeScripted } from "../backend/scripted";
import type { AppError, Message } from "../backend/generated/wire";
import { setLanguage } from "../text";
import { toasts } from "../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../test/render";
import ErrorNote from "./ErrorNote.svelte";
import Toasts from "./Toasts.svelte";

const error = { code: "model_file", message: "The file /home/ada/secret.gguf is not there.", hint: "Choose another." };

beforeEach(() => toasts.list.forEach((toast) => toasts.dismiss(toast.id)));

function show() {
  const backend = makeScripted();
  const shown = renderPage(ErrorNote, { error }, backend);
  render(Toasts);
  return { backend, ...shown };
}

it("copies diagnostics with the error's code and time, and says what they hold", async () => {
  const before = Date.now();
  const { backend, container } = show();
  expect(screen.getByTestId("error-note")).toHaveTextContent("They hold no prompts and no answers.");
  await userEvent.click(screen.getByTestId("error-diagnostics"));
  await waitFor(() => expect(screen.getByTestId("error-diagnostics")).toHaveTextContent("Copied"));
  const [text = ""] = backend.copied;
  const [first = "", ...rest] = text.split("\n");
  const [, code, time = ""] = /^Error: (\w+), (.+)$/.exec(first) ?? [];
  expect(code).toBe("model_file");
  expect(new Date(time).getTime()).toBeGreaterThanOrEqual(before);
  expect(new Date(time).getTime()).toBeLessThanOrEqual(Date.now());
  expect(rest.join("\n")).toBe(await backend.diagnostics());
  expect(rest.join("\n")).toContain("Last lines of the log:");
  // The words of an error may name what is the person's.
  expect(text).not.toContain("secret");
  expect(await seriousFaults(container)).toEqual([]);
});

it("opens the log", async () => {
  const { backend } = show();
  await userEvent.click(screen.getByTestId("error-log"));
  expect(backend.calls.map(([name]) => name)).toEqual(["openLog"]);
  expect(toasts.list).toEqual([]);
});

it.each([
  ["openLog", "error-log", "The log cannot be shown. It is the file /var/pmpo.log."],
  ["diagnostics", "error-diagnostics", "The log cannot be shown. It is the file /var/pmpo.log."],
])("says why %s failed, and what to do", async (method, button, words) => {
  const { backend } = show();
  backend.failNext(method as "openLog", { code: "open_log", message: "The log cannot be shown.", hint: "It is the file /var/pmpo.log." });
  await userEvent.click(screen.getByTestId(button));
  expect(await screen.findByText(words)).toBeVisible();
  expect(backend.copied).toEqual([]);
});

it("is the one way in which pages show an error, so that each can be reported", () => {
  const pages = import.meta.glob("../**/*.svelte", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  const own = Object.keys(pages).filter((name) => /\berror\b[^<>{}]*\.message/.test(pages[name] ?? ""));
  // Short notices at the edge of the window, which App shows, are no notes.
  const others = own.filter((name) => !["../App.svelte", "./ErrorNote.svelte"].includes(name));
  expect(Object.keys(pages).length).toBeGreaterThan(50);
  expect(others).toEqual([]);
});

function sent(key: string, params: Message["params"]): AppError {
  return { code: key.split(".")[0] ?? key, told: { key, params }, message: "Words in English.", hint: "A hint in English." };
}

const errors: Array<[AppError, string]> = [
  [sent("busy.run", {}), "Der Lauf, der gerade im Gang ist, benutzt die Modelle."],
  [sent("no_data.none", {}), "Es gibt noch keine Beispiele."],
  [sent("data.long_line", { file: "fragen.csv", line: 12, most: 1 }), "Zeile 12 von fragen.csv ist länger als 1 MB."],
  [sent("device.failed", { why: "the card has not enough memory free" }), "keinen Speicher mehr: die Karte hat nicht genug freien Speicher."],
  [sent("server.unreachable", { server: "http://localhost:11434", why: "operation timed out" }), "Unter http://localhost:11434 antwortet nichts"],
  [sent("hub.no_space", { folder: "/modelle", needed: 4_300_000_000, free: 640_000_000 }), "/modelle braucht 4,3 GB freien Platz und hat 640 MB."],
  [sent("locked.run", { path: "/daten/pmpo.sqlite" }), "Ein anderes Programm hat die Datenbank /daten/pmpo.sqlite so lange benutzt"],
];

it.each(errors)("is in the page's language and changes with it: %o", async (error, words) => {
  setLanguage("de");
  renderPage(ErrorNote, { error }, makeScripted());
  const note = screen.getByTestId("error-note");
  expect(note).toHaveTextContent(words);
  expect(note).not.toHaveTextContent("English");
  expect(note).toHaveAttribute("data-code", error.code);
  setLanguage("en");
  await waitFor(() => expect(note).not.toHaveTextContent(words));
  expect(note).not.toHaveTextContent("Words in English");
});
