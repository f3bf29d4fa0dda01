import type { Candidate, ExampleChange, RunResult, RunSummary, RunView, Validation } from "../backend/generated/wire";
import { PROCESSOR, presets } from "../backend/scripted-data";

export function candidate(ordinal: number, change: Partial<Candidate> = {}): Candidate {
  return {
    ordinal, step: 1, parent: 0, origin: { kind: "rewrite", example: 0, variant: 0 }, text: `Prompt ${ordinal}`,
    loss: 3 - (ordinal % 10) / 20, std_error: 0.05, accuracy: null, asked: null, choice: null, form: null, dropped: null, refusal: null, ...change,
  };
}

export function runView(change: Partial<RunView> = {}, run: Partial<RunSummary> = {}): RunView {
  const first = candidate(0, { origin: { kind: "start" }, step: 0, parent: null, loss: 3, text: "Start prompt" });
  return {
    run: {
      id: 7, project: 1, project_name: "Reviews", name: "Run 1", state: "running", active: true, earlier_data: false, start_loss: 3, best_loss: 3,
      verdict: null, asked: null, choices: null, held_out: null, created_at: 0, finished_at: null, working_seconds: 12, error: null, ...run,
    },
    settings: presets.quick, model: "Model", device: PROCESSOR, writer: null, data_name: "reviews.csv", train: 20, validation: 40,
    start_prompt: "Start prompt", best: first, candidates: [first], segments: [], steps: [], phase: "trying",
    progress: { tokens_done: 1, tokens_left: 3, seconds_left: 120, speed: null, memory: null }, outcome: null, left_out: [], ...change,
  };
}

export function change(row: number, more: Partial<ExampleChange> = {}): ExampleChange {
  return { row, input: `Input ${row}`, target: "yes", start_loss: 2, best_loss: 1, start_correct: null, best_correct: null, start_asked: null, best_asked: null, ...more };
}

export function validation(more: Partial<Validation> = {}): Validation {
  return {
    start_loss: 3, best_loss: 2, interval: { low: -1.2, high: -0.8 }, verdict: "better", accuracy: null, examples: 40, asked: null, choices: null, calibrated: null,
    choice: null, form: null, groups: null, smallest_seen: null, looks: null, ...more,
  };
}

/** A finished run with a better prompt. */
export function runResult(more: Partial<RunResult> = {}, check: Validation | null = validation()): RunResult {
  const best = candidate(1, { loss: 2, text: "Best prompt" });
  const view = runView({
    best, phase: "ended", outcome: { reason: "steps", best: 1, start_loss: 3, best_loss: 2, validation: check, answers: [] },
  }, { state: "completed", active: false });
  return {
    view, start: "Start prompt", best: "Best prompt", part: check ? "validation" : "train", rows: [change(1)], answers: [], balance: null,
    best_version: {
      id: 31, number: 2, text: "Best prompt", parent: 30, origin: { kind: "run", run: 7, candidate: 1 }, note: "", starred: false,
      tags: [], labels: [], created_at: 0,
    },
    ...more,
  };
}
