import { expect, it } from "vitest";
import { format, languages, setLanguage, t } from ".";

function leaves(value: unknown, path = ""): Array<[string, unknown]> {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

it("has every text in both languages, and none is empty", () => {
  const english = leaves(languages.en);
  const german = new Map(leaves(languages.de));
  expect([...german.keys()].sort()).toEqual(english.map(([path]) => path).sort());
  for (const [path, value] of [...english, ...german]) {
    if (typeof value === "string") expect(value.trim(), path).not.toBe("");
  }
});

it("writes numbers as the language does", () => {
  expect(format.loss(2.9137)).toBe("2.914");
  expect(format.loss(null)).toBe("–");
  expect(format.signed(-0.5, 2)).toBe("−0.50");
  expect(format.signed(0.0001, 2)).toBe("±0.00");
  expect(format.duration(200)).toBe("3 min 20 s");
  expect(format.duration(3900)).toBe("1 h 5 min");
  expect(format.about(0.4)).toBe("under a minute");
  expect(format.about(3.4)).toBe("about 3 minutes");
  expect(format.bytes(639_000_000)).toBe("639 MB");
  setLanguage("de");
  expect(format.loss(2.9137)).toBe("2,914");
  expect(format.count(32768)).toBe("32.768");
  expect(t.common.copy).toBe("Kopieren");
  expect(document.documentElement.lang).toBe("de");
});

it("falls back to English", () => {
  setLanguage("fr");
  expect(t.common.copy).toBe("Copy");
});
