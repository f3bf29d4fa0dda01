import { afterEach, describe, expect, it } from "vitest";
import type { AppError, Message } from "../backend/generated/wire";
import { asAppError } from "../backend";
import { setLanguage } from "../text";
import clauses from "../text/messages/clauses.de.json";
import german from "../text/messages/de.json";
import english from "../text/messages/en.json";
import { clause, errorWords, thrownWords, toldWords } from "./told";

type Sentence = { message: string; hint?: string };
const table = (file: unknown) => Object.entries(file as Record<string, Sentence>);

/** The names of a text's places; text in double braces has none. */
function names(text: string): string[] {
  const plain = text.replace(/\{\{[^{}]*\}\}/g, "");
  return [...plain.matchAll(/\{([a-z_]+(?::[a-z]+)?)\}/g)].map(([, name]) => name ?? "").sort();
}

/** As the program sends it: with its words in English. */
function sent(key: string, params: Message["params"] = {}): AppError {
  return { code: key.split(".")[0] ?? key, told: { key, params }, message: "Words in English.", hint: "A hint in English." };
}

afterEach(() => setLanguage("en"));

describe("the sentences of both languages", () => {
  it("have the same keys, hints and places", () => {
    const other = new Map(table(german));
    expect(table(english).length).toBeGreaterThan(200);
    expect([...other.keys()]).toEqual(table(english).map(([key]) => key));
    for (const [key, { message, hint }] of table(english)) {
      expect(new Set(names(other.get(key)?.message ?? "")), key).toEqual(new Set(names(message)));
      expect(names(other.get(key)?.hint ?? ""), key).toEqual(names(hint ?? ""));
      expect(!!other.get(key)?.hint, key).toBe(!!hint);
    }
  });

  it("are no copies of each other", () => {
    const same = table(english).filter(([key, { message }]) => message === (german as Record<string, Sentence>)[key]?.message);
    // Those that only hand on another sentence, and words that both languages have.
    expect(same.map(([key]) => key)).toEqual(["dialog.prompts", "other_device.changed", "other_device.comparing", "run.broken_off", "server.while_working"]);
  });

  it("translate parts of sentences with their places", () => {
    for (const [text, words] of Object.entries(clauses)) {
      expect(words.trim(), text).not.toBe("");
      const left = names(text);
      // A number of the system's means nothing to a person.
      for (const name of names(words)) expect(left, text).toContain(name);
    }
  });
});

describe("an error in the page's language", () => {
  it("is told with what stands in its places", () => {
    setLanguage("de");
    const cases: Array<[AppError, string, string]> = [
      [sent("busy.other_run"), "Ein anderer Lauf ist im Gang.", "Warten Sie, bis er fertig ist"],
      [sent("no_data.none"), "Es gibt noch keine Beispiele.", "Wählen Sie zuerst eine Datei"],
      [
        sent("data.json", { file: "fragen.json", line: 17, why: { key: "data.no_list", params: {} } }),
        "Zeile 17 von fragen.json ist nicht das erwartete JSON: es gibt darin keine Liste von Beispielen.", "{\"input\": \"...\"",
      ],
      [sent("data.too_few", { count: 3 }), "Nutzbare Zeilen: 3. Ein Lauf braucht mindestens 5.", "etwa 40"],
      [
        sent("server.unreachable", { server: "http://127.0.0.1:11434", why: "Connection refused (os error 111)" }),
        "Unter http://127.0.0.1:11434 antwortet nichts: die Verbindung wurde abgelehnt.", "Starten Sie den Server",
      ],
      [sent("store.full", { path: "/daten/pmpo.sqlite" }), "Die Platte ist voll: /daten/pmpo.sqlite kann nicht wachsen.", "Schaffen Sie Platz"],
      [sent("store.locked", { path: "/daten/pmpo.sqlite" }), "Die Datenbank /daten/pmpo.sqlite wird von einem anderen Programm benutzt.", "Schließen Sie"],
      [
        sent("model_file.too_large", { path: "qwen.gguf", needs: 8192, free: 3000 }),
        "Das Modell qwen.gguf braucht etwa 8,6 GB Speicher, und 3,1 GB sind frei.", "kleineres Modell",
      ],
      [sent("prompt.no_column", { name: "{{farbe}}" }), "Der Prompt verwendet {{farbe}}, aber die Beispiele haben keine solche Spalte.", "{{input}}"],
    ];
    for (const [error, message, hint] of cases) {
      expect(errorWords(error).message).toBe(message);
      expect(errorWords(error).hint).toContain(hint);
    }
  });

  it("names devices and what another sentence says", () => {
    setLanguage("de");
    const device = (name: string) => ({ class: { kind: "gpu" as const, number: 0, name }, precision: "stored" as const, scorer: "packed" as const, reasons: [] });
    const moved: Message = { key: "other_device.reloaded", params: { then: device("A"), now: device("B") } };
    const told = errorWords(sent("run.broken_off", { why: { key: "other_device.changed", params: { what: moved } } }));
    expect(told.message).toContain("Vorher: Grafikkarte A, komprimiert. Jetzt: Grafikkarte B, komprimiert.");
    expect(told.hint).toContain("Was gemessen wurde, bleibt erhalten");
    const gone: Message = { key: "server.cut", params: { server: "http://localhost:1" } };
    const working = errorWords(sent("server.while_working", { why: gone })).message;
    expect(working).toContain("http://localhost:1 hat abgebrochen");
    expect(working).toContain("starten Sie ihn nötigenfalls neu");
  });

  it("falls back to the words that came, where this page has none", () => {
    setLanguage("de");
    expect(errorWords(sent("weather.rain")).message).toBe("Words in English.");
    expect(errorWords({ code: "page", message: "Ah.", hint: "" }).message).toBe("Ah.");
    // An old database has words alone.
    expect(errorWords(sent("run.broken_off", { why: "The disk is full." })).message).toBe("The disk is full.");
    expect(thrownWords(new Error("x is undefined"))).toBe("Etwas Unerwartetes ist geschehen: x is undefined.");
    expect(asAppError(new Error("x is undefined")).message).toBe("x is undefined");
  });
});

it("reads parts of sentences that are told as text", () => {
  const text = "a log-probability of it is 3, over 0, and it does not repeat the text that was sent";
  expect(clause(text)).toBe(text);
  setLanguage("de");
  expect(clause(text)).toBe("eine Log-Wahrscheinlichkeit ist 3, also über 0 und der gesendete Text wird nicht wiederholt");
  expect(clause("no GPU can be used: NVIDIA's driver finds no card")).toBe("keine Grafikkarte kann verwendet werden: der Treiber von NVIDIA findet keine Karte");
  expect(clause("ein Wort des Systems")).toBe("ein Wort des Systems");
  expect(toldWords({ key: "report.steadiness", params: { spread: "0.0021" } })).toContain("um bis zu 0,0021 unterscheiden");
});
