import { describe, expect, it } from "vitest";
import type { Candidate, StepSummary } from "../backend/generated/wire";
import { candidate, validation } from "../test/run-fixtures";
import { isBelowBest, nearest, PromptMarks, shownRange, type PromptMark } from "./prompts";
import { spotOf, type Frame } from "./scale";

const plot = { left: 50, top: 20, width: 400, height: 200 };
const linear: Frame = { plot, x: { min: 0, max: 40 }, y: { min: 1, max: 3, log: false } };

const mark = (ordinal: number, y: number, kind: PromptMark["kind"] = "candidate"): PromptMark => ({
  kind, ordinal, x: ordinal, y, origin: { kind: "start" }, text: "", dropped: null,
});
const step = (number: number, incumbent: number): StepSummary => ({ step: number, incumbent, loss: 1, improved: true });
const start = candidate(0, { origin: { kind: "start" } });
const noise = (at: number) => ((at * 7919) % 1000) / 1000;

describe("the marks of a run", () => {
  it("are its prompts, once each; masks and what was refused are none", () => {
    const candidates = [
      start, candidate(1, { origin: { kind: "mask", segment: 0 } }), candidate(2), candidate(3, { loss: null, refusal: { kind: "empty" } }),
      candidate(4, { dropped: { scored: 8, of: 20 } }),
    ];
    const { list, anyDropped, checked } = new PromptMarks().take({ candidates, steps: [step(1, 2), step(2, 0)], outcome: null });
    expect(list.map((one) => `${one.ordinal} ${one.kind}`)).toEqual(["0 start", "2 best", "4 candidate"]);
    expect([anyDropped, checked]).toEqual([true, false]);
  });

  it("have the held-out losses beside them at the end", () => {
    const outcome = { reason: "steps" as const, best: 2, start_loss: 3, best_loss: 2, validation: validation(), answers: [] };
    const marks = new PromptMarks();
    const view = { candidates: [start, candidate(1), candidate(2)], steps: [step(1, 2)] };
    marks.take({ ...view, outcome: null });
    const { list, checked } = marks.take({ ...view, outcome });
    expect(list.map((one) => `${one.ordinal} ${one.kind}`)).toEqual(["0 start", "0 validation", "1 candidate", "2 best", "2 validation"]);
    expect(list[4]?.y).toBe(2);
    expect(checked).toBe(true);
  });

  it("grow by what arrived, whatever its order, and are those made at once", () => {
    const all: Candidate[] = [start];
    // In a race the last of a step comes to its end first.
    for (let at = 1; at <= 2000; at += 5) for (let back = 4; back >= 0; back--) all.push(candidate(at + back, { loss: 2 + noise(at + back) }));
    let steps: StepSummary[] = [];
    const marks = new PromptMarks();
    let candidates: Candidate[] = [];
    all.forEach((one, nth) => {
      candidates = [...candidates, one];
      if (nth % 50 === 1) steps = [...steps, step(nth, one.ordinal)];
      marks.take({ candidates, steps, outcome: null });
    });
    const last = marks.take({ candidates, steps, outcome: null });
    expect(last.list).toEqual(new PromptMarks().take({ candidates: [...candidates].sort((a, b) => a.ordinal - b.ordinal), steps, outcome: null }).list);
    // Each prompt once, and once more where it became the best.
    expect(marks.made).toBe(all.length + steps.length);
  });

  it("are made anew where the program tells all again", () => {
    const marks = new PromptMarks();
    marks.take({ candidates: [start, candidate(1)], steps: [], outcome: null });
    const again = [{ ...start }, candidate(1, { loss: 9 })];
    expect(marks.take({ candidates: again, steps: [], outcome: null }).list.map((one) => one.y)).toEqual([start.loss, 9]);
  });
});

describe("what is shown and pointed at", () => {
  const list = [mark(10, 1.5), mark(30, 2), mark(50, 2)];

  it("is in range", () => {
    expect(shownRange(linear, list)).toEqual([0, 2]);
    expect(shownRange({ ...linear, x: { min: 11, max: 60 } }, list)).toEqual([1, 3]);
  });

  it("is found by what is near", () => {
    expect(nearest(linear, list, { x: 155, y: 170 })).toBe(0);
    expect(nearest(linear, list, { x: 345, y: 120 }, 20)).toBe(1);
    expect(nearest(linear, list, { x: 250, y: 30 }, 20)).toBeNull();
    expect(nearest(linear, [], { x: 0, y: 0 })).toBeNull();
  });

  it("is the nearest of all, as a look at all would say", () => {
    const many = Array.from({ length: 2000 }, (_, at) => mark(at, 1 + 2 * noise(at)));
    const frame = { ...linear, x: { min: -10, max: 2040 } };
    for (let at = 0; at < 300; at++) {
      const spot = { x: 40 + 430 * noise(at + 7), y: 10 + 220 * noise(3 * at) };
      const distance = (one: PromptMark) => Math.hypot(spotOf(frame, one).x - spot.x, spotOf(frame, one).y - spot.y);
      const least = Math.min(...many.map(distance));
      const found = nearest(frame, many, spot, 44);
      if (least <= 44) expect(distance(many[found as number] as PromptMark)).toBe(least);
      else expect(found).toBeNull();
    }
  });

  it("does not look at all marks", () => {
    let looks = 0;
    const counted = new Proxy(Array.from({ length: 20_000 }, (_, at) => mark(at, 1 + 2 * noise(at))), {
      get(target, key, receiver) {
        if (typeof key === "string" && /^\d+$/u.test(key)) looks += 1;
        return Reflect.get(target, key, receiver);
      },
    });
    nearest({ ...linear, x: { min: 0, max: 20_000 } }, counted, { x: 250, y: 120 }, 44);
    expect(looks).toBeLessThan(1000);
  });
});

it("knows which prompts lie below the best that was taken by then", () => {
  const all = [mark(0, 3, "start"), mark(1, 2.9), mark(2, 2, "best"), mark(3, 2.5), mark(4, 1.9)];
  expect(all.filter((one) => isBelowBest(all, one)).map((one) => one.ordinal)).toEqual([1, 4]);
});
