import { screen, waitFor } from "@testing-library/svelte";
import { expect, it } from "vitest";
import { makeScripted } from "../backend/scripted";
import type { AppError, Message } from "../backend/generated/wire";
import { setLanguage } from "../text";
import { renderPage } from "../test/render";
import ErrorNote from "./ErrorNote.svelte";

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
