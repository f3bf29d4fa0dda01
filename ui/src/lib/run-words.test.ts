import { expect, it } from "vitest";
import { runView } from "../test/run-fixtures";
import { deRun } from "../text/de-run";
import { enRun } from "../text/en-run";
import { droppedWords, intervalWords, lossWords, originWords, refusalWords, standing, timeLeftWords } from "./run-words";

it("says in words how a prompt came about and why it was refused", () => {
  expect(originWords({ kind: "drop", segment: 0 }, enRun.run, "en")).toBe("Part 1 taken out");
  expect(originWords({ kind: "demonstrations", examples: [1, 2] }, enRun.run, "en")).toBe("2 worked examples added");
  expect(originWords({ kind: "bank", phrase: "Kurz." }, deRun.run, "de")).toBe("Satz hinzugefügt: „Kurz.“");
  expect(refusalWords({ kind: "leak", words: "a b c" }, enRun.run)).toContain("a b c");
  expect(refusalWords({ kind: "frozen" }, enRun.run)).toContain("locked");
});

it("says of a prompt dropped early on what it was measured", () => {
  const dropped = { scored: 8, of: 20 };
  expect(lossWords(2.4071, dropped, "en")).toBe("≈ 2.41");
  expect(lossWords(2.4071, null, "en")).toBe("2.407");
  expect(droppedWords(dropped, enRun.run, "en")).toBe("dropped after 8 of 20");
  expect(droppedWords(dropped, deRun.run, "de")).toBe("aussortiert nach 8 von 20");
});

it("tells the time to go", () => {
  expect(timeLeftWords(null, enRun.run, "en")).toBe("time left not known yet");
  expect(timeLeftWords(10, enRun.run, "en")).toBe("less than a minute left");
  expect(timeLeftWords(300, enRun.run, "en")).toBe("about 5 minutes left");
  expect(timeLeftWords(5400, deRun.run, "de")).toBe("noch etwa 1,5 Stunden");
});

it("names the state as a person sees it", () => {
  expect(standing(runView(), null)).toBe("running");
  expect(standing(runView(), "pause")).toBe("pausing");
  expect(standing(runView({}, { active: false }), null)).toBe("interrupted");
  expect(standing(runView({}, { state: "paused", active: false }), "pause")).toBe("paused");
});

it("has every text in German too, and none left in English", () => {
  const keys = (texts: object, at = ""): string[] =>
    Object.entries(texts).flatMap(([key, value]) => (typeof value === "object" ? keys(value, `${at}${key}.`) : [`${at}${key}`]));
  expect(keys(deRun).sort()).toEqual(keys(enRun).sort());
});

it("says what an interval of a difference means", () => {
  expect(intervalWords({ low: -0.5, high: -0.1 }, enRun.result, "en")).toBe("The true gain most likely lies between 0.100 and 0.500 nats.");
  expect(intervalWords({ low: 0.1, high: 0.5 }, deRun.result, "de")).toContain("steigt höchstwahrscheinlich um 0,100 bis 0,500");
  expect(intervalWords({ low: -0.1, high: 0.2 }, enRun.result, "en")).toContain("between 0.100 nats better and 0.200 nats worse");
});
