import { expect, it } from "vitest";
import { rowWindow } from "./run-window";

const total = (count: number, extra = 0) => count * 50 + extra;

it("draws only what is in sight, whatever the length", () => {
  const shown = rowWindow({ count: 20_000, row: 50, scrollTop: 500_000, viewport: 400, open: null });
  expect(shown.end - shown.first).toBeLessThan(30);
  expect(shown.first).toBeLessThanOrEqual(10_000);
  expect(shown.end).toBeGreaterThan(10_008);
  expect(shown.before + (shown.end - shown.first) * 50 + shown.after).toBe(total(20_000));
});

it("leaves room for the open row before, in and after the sight", () => {
  for (const scrollTop of [0, 100, 1200, 4000, 1e9]) {
    const shown = rowWindow({ count: 200, row: 50, scrollTop, viewport: 400, open: { at: 20, extra: 300 } });
    const inside = shown.first <= 20 && shown.end > 20 ? 300 : 0;
    expect(shown.before + (shown.end - shown.first) * 50 + inside + shown.after).toBe(total(200, 300));
    expect(shown.before).toBeLessThanOrEqual(Math.max(0, Math.min(scrollTop, total(200, 300))));
  }
});

it("copes with nothing and with a shrunken list", () => {
  expect(rowWindow({ count: 0, row: 50, scrollTop: 900, viewport: 400, open: null })).toEqual({ first: 0, end: 0, before: 0, after: 0 });
  const shown = rowWindow({ count: 3, row: 50, scrollTop: 90_000, viewport: 400, open: { at: 7, extra: 100 } });
  expect(shown).toEqual({ first: 0, end: 3, before: 0, after: 0 });
});
