import { expect, it } from "vitest";
import { presets } from "../backend/scripted-data";
import { allSettings, changedSettings, readNumber, sharesExceed, valueOf, withValue } from "./settings";

it("shows every setting exactly once", () => {
  // The method is what a run was begun with, and nothing to choose.
  const { split, method: _, ...flat } = presets.standard;
  const all = [...Object.keys(flat), ...Object.keys(split).map((key) => `split.${key}`)].sort();
  expect(allSettings().map(([path]) => path as string).sort()).toEqual(all);
});

it("accepts the values of every preset", () => {
  for (const settings of Object.values(presets)) {
    for (const [path, control] of allSettings()) {
      const value = valueOf(settings, path);
      if (control.control === "number") expect(readNumber(value === null ? "" : String(value), control), path).toEqual({ value });
      if (control.control === "choice") expect(control.choices, path).toContain(value);
    }
  }
});

it("changes one setting and finds it again", () => {
  const changed = withValue(presets.quick, "split.train_limit", 33);
  expect(changedSettings(changed, presets.quick)).toEqual(["split.train_limit"]);
  expect(changedSettings(withValue(presets.quick, "max_minutes", 5), presets.quick)).toEqual(["max_minutes"]);
  expect(presets.quick.split.train_limit).toBe(20);
});

it("says what is wrong with a number", () => {
  const control = { control: "number", whole: true, least: 2 } as const;
  expect(readNumber("x", control)).toEqual({ fault: { kind: "number" } });
  expect(readNumber("", control)).toEqual({ fault: { kind: "number" } });
  expect(readNumber("2.5", control)).toEqual({ fault: { kind: "whole" } });
  expect(readNumber("1", control)).toEqual({ fault: { kind: "least", bound: 2 } });
  expect(readNumber("0", { control: "number", whole: false, above: 0 })).toEqual({ fault: { kind: "above", bound: 0 } });
  expect(readNumber("1,5", { control: "number", whole: false, most: 1 })).toEqual({ fault: { kind: "most", bound: 1 } });
  expect(readNumber("0,5", { control: "number", whole: false })).toEqual({ value: 0.5 });
});

it("sees shares that are more than everything", () => {
  expect(sharesExceed(presets.thorough)).toBe(false);
  expect(sharesExceed(withValue(presets.quick, "split.train_share", 0.7))).toBe(true);
});
