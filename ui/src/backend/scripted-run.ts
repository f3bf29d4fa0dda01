import type {
  Candidate, DroppedEarly, ExampleChange, Origin, Outcome, RunMessage, RunResult, RunSummary, RunView, SegmentView, Settings, VersionSummary,
} from "./generated/wire";
import { parse, write } from "../lib/prompt-document";
import { piecesOf } from "./scripted-prompt";

/** A small even generator, so that the same run always tells the same story. */
export function dice(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const rewrites = [
  "Read the review and decide which mood it shows. Answer with one word: positive or negative.",
  "Name the mood of the review. Write only “positive” or “negative”, nothing else.",
  "You judge reviews. Look at the review. Say in one word whether it is positive or negative.",
  "Is the writer of this review happy or not? Answer positive or negative.",
];

/** What a run of the stand-in shows to the model. */
const shownRows = [
  { input: "The soup was cold and so was the welcome.", columns: {}, answer: "negative" },
  { input: "Small boat and a patient skipper: we even saw dolphins.", columns: {}, answer: "positive" },
];

/** Examples that a run of the stand-in chooses with. */
const TRAIN = 20;

/** How far a prompt comes that is `behind` the best; null: it is measured whole. */
function dropOf(behind: number): DroppedEarly | null {
  if (behind < 0.2) return null;
  return { scored: behind > 0.5 ? 5 : behind > 0.35 ? 8 : 12, of: TRAIN };
}

export type Plan = { messages: RunMessage[]; outcome: Outcome; best: Candidate };

/** All messages of a run, in their order. `gain: false` makes one that finds nothing better. */
export function planOf(start: string, locked: string[], seed: number, gain: boolean, steps = 3, shows = false): Plan {
  const roll = dice(seed);
  const messages: RunMessage[] = [];
  let ordinal = 0;
  let tokens = 0;
  const total = 30_000 * steps + 24_000;
  const tell = (message: RunMessage, cost: number) => {
    messages.push(message);
    tokens = Math.min(total - 1, tokens + cost);
    messages.push({
      kind: "progress",
      progress: {
        tokens_done: tokens, tokens_left: total - tokens, seconds_left: Math.round((total - tokens) / 900),
        // Of the last seconds: there are none at first.
        speed: messages.length > 6 ? 380 + (tokens % 97) : null, memory: { used: 1_430_000_000, total: 16_700_000_000, gpu: false },
      },
    });
  };
  const scored = (step: number, parent: number | null, origin: Origin, text: string, loss: number): Candidate => ({
    ordinal: ordinal++, step, parent, origin, text, loss, std_error: 0.05 + roll() * 0.04,
    accuracy: Math.min(1, Math.max(0, 1.02 - loss / 5 + (roll() - 0.5) * 0.05)), dropped: null, refusal: null,
  });

  messages.push({ kind: "phase", phase: "loading_model" }, { kind: "phase", phase: "measuring_start" });
  let best = scored(0, null, { kind: "start" }, start, 2.914);
  const first = best;
  tell({ kind: "candidate", candidate: best }, 9000);

  for (let step = 1; step <= steps; step++) {
    messages.push({ kind: "phase", phase: "analysing" });
    const base = best;
    // What is shown stays as it is; parts are those of the text.
    const { text: own, demonstrations } = parse(base.text);
    const pieces = piecesOf(own, locked, []);
    const whole = (text: string) => write({ text, demonstrations });
    const view: SegmentView = { step, candidate: base.ordinal, pieces: [] };
    for (const piece of pieces) {
      if (piece.segment === null) {
        view.pieces.push({ text: piece.text, finding: null });
        continue;
      }
      const effect = (roll() - (piece.segment === 0 ? 0.9 : 0.4)) * 0.5;
      const std_error = 0.03 + roll() * 0.05;
      view.pieces.push({ text: piece.text, finding: { verdict: effect > 0.1 ? "helps" : effect < -0.1 ? "hurts" : "no_clear_effect", effect, std_error } });
      const text = pieces.map((other) => (other === piece ? "<MASK>" : other.text)).join("");
      tell({ kind: "candidate", candidate: scored(step, base.ordinal, { kind: "mask", segment: piece.segment }, whole(text), (base.loss ?? 0) + effect) }, 2500);
    }
    const rest = base.text.slice(own.length);
    if (rest && demonstrations.length) view.pieces.push({ text: rest, finding: null });
    messages.push({ kind: "segments", segments: view }, { kind: "phase", phase: "trying" });
    const dropped = pieces.filter((piece) => piece.segment !== 0).map((piece) => piece.text).join("").trim();
    const tries: Array<[Origin, string]> = [
      [{ kind: "drop", segment: 0 }, dropped],
      [{ kind: "bank", phrase: "Answer with one word only." }, `${own} Answer with one word only.`],
      [{ kind: "rewrite", example: 3, variant: 0 }, rewrites[(step * 2) % 4] ?? ""],
      [{ kind: "rewrite", example: 17, variant: 1 }, rewrites[(step * 2 + 1) % 4] ?? ""],
      [{ kind: "reorder", how: "last part first" }, pieces.map((piece) => piece.text).reverse().join("")],
    ];
    let improved = false;
    const tried = tries.map(([origin, text]): [Origin, string] => [origin, whole(text)]);
    if (shows && step === 1) tried.push([{ kind: "demonstrations", examples: [3, 0] }, write({ text: own, demonstrations: shownRows })]);
    for (const [origin, text] of tried) {
      const helped = origin.kind === "demonstrations" ? 1.2 : 0;
      const change = (gain ? -0.85 / step + roll() * 0.8 : 0.05 + roll() * 0.8) - (gain ? helped : 0);
      const candidate = scored(step, base.ordinal, origin, text, Math.max(0.4, (base.loss ?? 0) + change));
      candidate.dropped = dropOf((candidate.loss ?? 0) - (best.loss ?? 0));
      // So few examples give few different shares.
      if (candidate.dropped) candidate.accuracy = Math.round((candidate.accuracy ?? 0) * candidate.dropped.scored) / candidate.dropped.scored;
      tell({ kind: "candidate", candidate }, 3600);
      if ((candidate.loss ?? 9) < (best.loss ?? 0)) {
        best = candidate;
        improved = true;
      }
    }
    messages.push({
      kind: "candidate",
      candidate: {
        ordinal: ordinal++, step, parent: base.ordinal, origin: { kind: "rewrite", example: 3, variant: 2 },
        text: "Write “small boat and a patient skipper: we even saw dolphins” and then the mood.",
        loss: null, dropped: null, std_error: null, accuracy: null, refusal: { kind: "leak", words: "small boat and a patient skipper we even saw" },
      },
    });
    messages.push({ kind: "step", step: { step, incumbent: best.ordinal, loss: best.loss ?? 0, improved }, best });
  }
  messages.push({ kind: "phase", phase: "validating" });
  const better = best !== first;
  const gained = (best.loss ?? 0) + 0.08 - 2.871;
  const outcome: Outcome = {
    reason: better ? "steps" : "patience", best: best.ordinal, start_loss: first.loss ?? 0, best_loss: best.loss ?? 0,
    validation: {
      start_loss: 2.871, best_loss: better ? (best.loss ?? 0) + 0.08 : 2.871,
      interval: better ? { low: gained - 0.21, high: gained + 0.19 } : { low: -0.05, high: 0.05 },
      verdict: better ? "better" : "no_clear_difference", accuracy: better ? [0.475, 0.9] : [0.475, 0.475], examples: 40,
    },
  };
  return { messages, outcome, best };
}

/** A view of a run that has not done anything yet. */
export function freshView(run: RunSummary, settings: Settings, prompt: string, dataName: string): RunView {
  return {
    run, settings, model: "Qwen3 0.6B", device: "processor (there is no GPU), exact 32-bit floats", data_name: dataName, train: TRAIN, validation: 40, start_prompt: prompt,
    best: null, candidates: [], segments: [], steps: [], phase: "loading_model", progress: null, outcome: null, left_out: [],
  };
}

/** The view after one more message. */
export function after(view: RunView, message: RunMessage): RunView {
  switch (message.kind) {
    case "snapshot":
    case "ended":
      return message.view;
    case "phase":
      return { ...view, phase: message.phase };
    case "candidate": {
      const start = message.candidate.origin.kind === "start" ? message.candidate : null;
      const run = start ? { ...view.run, start_loss: start.loss, best_loss: start.loss } : view.run;
      return { ...view, run, best: start ?? view.best, candidates: [...view.candidates, message.candidate] };
    }
    case "segments":
      return { ...view, segments: [...view.segments, message.segments] };
    case "step":
      return { ...view, best: message.best, run: { ...view.run, best_loss: message.best.loss }, steps: [...view.steps, message.step] };
    case "progress":
      return { ...view, progress: message.progress, run: { ...view.run, working_seconds: Math.round(message.progress.tokens_done / 900) } };
  }
}

export function resultOf(view: RunView, version: VersionSummary | null, inputs: string[], examples = 40): RunResult {
  const roll = dice(view.run.id + 11);
  const better = view.outcome?.validation?.verdict === "better";
  const rows: ExampleChange[] = Array.from({ length: examples }, (_, index) => {
    const before = 1.6 + roll() * 2.6;
    const now = better ? Math.max(0.05, before - 1.4 + roll() * 1.8) : before;
    return {
      row: index * 2 + 1, input: inputs[index % inputs.length] ?? "", target: index % 2 ? "negative" : "positive",
      start_loss: before, best_loss: now, start_correct: before < 2.9, best_correct: now < 2.4,
    };
  });
  return { view, start: view.start_prompt, best: view.best?.text ?? view.start_prompt, best_version: version, part: "validation", rows };
}
