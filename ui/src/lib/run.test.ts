import { describe, expect, it } from "vitest";
import type { Candidate, RunView } from "../backend/generated/wire";
import { applyMessages, canResume, gain, latestSegments, listed, shareDone } from "./run";
import { candidate, runView } from "../test/run-fixtures";

const start = candidate(0, { origin: { kind: "start" }, loss: 3 });

describe("applyMessages", () => {
  it("is nothing before the snapshot", () => {
    expect(applyMessages(null, [{ kind: "phase", phase: "trying" }])).toBeNull();
  });

  it("follows a run from its snapshot", () => {
    const better = candidate(1, { loss: 2.5 });
    const view = applyMessages(null, [
      { kind: "snapshot", view: runView({ candidates: [], best: null }, { state: "queued", start_loss: null, best_loss: null }) },
      { kind: "phase", phase: "measuring_start" },
      { kind: "candidate", candidate: start },
      { kind: "candidate", candidate: better },
      { kind: "progress", progress: { tokens_done: 10, tokens_left: 30, seconds_left: 60, speed: null, memory: null } },
      { kind: "progress", progress: { tokens_done: 10, tokens_left: 30, seconds_left: 60, speed: 412.5, memory: { used: 1, total: 2, gpu: true } } },
      { kind: "segments", segments: { step: 1, candidate: 0, pieces: [] } },
      { kind: "segments", segments: { step: 1, candidate: 0, pieces: [{ text: "a", finding: null }] } },
      { kind: "step", step: { step: 1, incumbent: 1, loss: 2.5, improved: true }, best: better },
    ]) as RunView;
    expect(view.run.state).toBe("running");
    expect(view.progress).toMatchObject({ speed: 412.5, memory: { used: 1, total: 2, gpu: true } });
    expect(view.run.start_loss).toBe(3);
    expect(view.run.best_loss).toBe(2.5);
    expect(view.best).toBe(better);
    expect(view.candidates).toHaveLength(2);
    expect(latestSegments(view)?.pieces).toHaveLength(1);
    expect(view.segments).toHaveLength(1);
    expect(shareDone(view)).toBe(0.25);
    expect(gain(view)).toBe(0.5);
  });

  it("takes the start as the best until a step says otherwise", () => {
    const before = runView({ candidates: [], best: null }, { start_loss: null, best_loss: null });
    expect(applyMessages(before, [{ kind: "candidate", candidate: start }])?.best).toBe(start);
  });

  it("does not tell a candidate twice", () => {
    const before = runView({ candidates: [start] });
    const view = applyMessages(before, [{ kind: "candidate", candidate: start }, { kind: "candidate", candidate: candidate(1) }]);
    expect(view?.candidates.map((one) => one.ordinal)).toEqual([0, 1]);
  });

  it("is replaced as a whole at the end", () => {
    const end = runView({}, { state: "completed" });
    expect(applyMessages(runView(), [{ kind: "candidate", candidate: candidate(9) }, { kind: "ended", view: end }])?.run.state).toBe("completed");
  });

  it("takes 20,000 candidates at once without delay", () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({ kind: "candidate" as const, candidate: candidate(index + 1) }));
    const before = performance.now();
    expect(applyMessages(runView({ candidates: [start] }), many)?.candidates).toHaveLength(20_001);
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe("shareDone", () => {
  it("is never full while work is left", () => {
    const progress = { tokens_done: 1_000_000, tokens_left: 0, seconds_left: 0, speed: null, memory: null };
    expect(shareDone(runView({ progress, phase: "validating" }))).toBe(0.99);
    expect(shareDone(runView({ progress }, { state: "completed" }))).toBe(1);
    expect(shareDone(runView({ progress: null }))).toBeNull();
    expect(shareDone(runView({ progress: { tokens_done: 0, tokens_left: 0, seconds_left: null, speed: null, memory: null } }))).toBeNull();
  });
});

it("knows which runs can go on", () => {
  expect(canResume(runView({}, { state: "paused", active: false }))).toBe(true);
  expect(canResume(runView({}, { state: "failed", active: false }))).toBe(true);
  expect(canResume(runView({}, { state: "running", active: false }))).toBe(true);
  expect(canResume(runView({}, { state: "running", active: true }))).toBe(false);
  expect(canResume(runView({}, { state: "cancelled", active: false }))).toBe(false);
});

it("lists prompts but no masks, newest, best or refused", () => {
  const list: Candidate[] = [
    start,
    candidate(1, { origin: { kind: "mask", segment: 0 }, loss: 1 }),
    candidate(2, { loss: 2 }),
    candidate(3, { loss: 4 }),
    candidate(4, { loss: null, refusal: { kind: "empty" } }),
  ];
  const ordinals = (found: Candidate[]) => found.map((one) => one.ordinal);
  expect(ordinals(listed(list, "newest"))).toEqual([4, 3, 2, 0]);
  expect(ordinals(listed(list, "best"))).toEqual([2, 0, 3]);
  expect(ordinals(listed(list, "refused"))).toEqual([4]);
});

it("never lists a prompt dropped early before one measured whole", () => {
  const early = candidate(1, { loss: 0.5, dropped: { scored: 8, of: 20 } });
  const earlier = candidate(2, { loss: 0.4, dropped: { scored: 5, of: 20 } });
  const list = [start, early, earlier, candidate(3, { loss: 4 })];
  expect(listed(list, "best").map((one) => one.ordinal)).toEqual([0, 3, 2, 1]);
});
