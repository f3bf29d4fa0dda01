import { expect, it } from "vitest";
import { firstWords, formatChange, formatDuration, formatEstimate, formatLoss, formatShare, roughly } from "./run-format";

it("writes losses and changes in the language", () => {
  expect(formatLoss(2.5, "en")).toBe("2.500");
  expect(formatLoss(2.5, "de")).toBe("2,500");
  expect(formatLoss(-0.25, "en")).toBe("−0.250");
  expect(formatLoss(null, "en")).toBe("–");
  expect(formatLoss(NaN, "en")).toBe("–");
  expect(formatChange(0.1234, "en")).toBe("+0.123");
  expect(formatChange(-0.1234, "de")).toBe("−0,123");
  expect(formatChange(0.0001, "en")).toBe("0.000");
  expect(formatShare(0.473, "en")).toBe("47%");
});

it("writes an estimate as one", () => {
  expect(formatEstimate(2.4071, "en")).toBe("≈ 2.41");
  expect(formatEstimate(2.4071, "de")).toBe("≈ 2,41");
  expect(formatEstimate(null, "en")).toBe("–");
});

it("is only as exact about the time to go as one can be", () => {
  expect(roughly(3)).toEqual({ unit: "moment" });
  expect(roughly(61)).toEqual({ unit: "minute", count: 1 });
  expect(roughly(7 * 60)).toEqual({ unit: "minute", count: 7 });
  expect(roughly(33 * 60)).toEqual({ unit: "minute", count: 35 });
  expect(roughly(100 * 60)).toEqual({ unit: "hour", count: 1.5 });
  expect(roughly(125 * 60)).toEqual({ unit: "hour", count: 2 });
});

it("tells spent time", () => {
  expect(formatDuration(48, "en")).toBe("48 sec");
  expect(formatDuration(200, "en")).toBe("3 min 20 sec");
  expect(formatDuration(60, "en")).toBe("1 min");
  expect(formatDuration(3900, "en")).toBe("1 hr 5 min");
});

it("shortens at a word and on one line", () => {
  expect(firstWords("one\n two  three")).toBe("one two three");
  expect(firstWords("one two three four", 10)).toBe("one two…");
  expect(firstWords("x".repeat(100_000), 20)).toBe(`${"x".repeat(20)}…`);
  expect(firstWords(`${" ".repeat(500)}a`, 20)).toHaveLength(1);
});
