import type {
  AnswerPair, Candidate, DataKind, DataSummary, DroppedEarly, ExampleChange, ExampleText, Origin, Outcome, RunMessage, RunResult, RunSummary, RunView, SegmentView, Settings, Validation, Verdict, VersionSummary,
} from "./generated/wire";
import { changeOf } from "../lib/right";
import { parse, write } from "../lib/prompt-document";
import { PROCESSOR } from "./scripted-data";
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

/** What the check at the end says; `never`: better, though the model never says an answer exactly. */
export type Ending = Verdict | "never";
type Task = { ending?: Ending; kind?: DataKind; labels?: string[] | null };

/** Held-out examples of the stand-in. */
const HELD = 40;

/** So many of the held-out examples are right when asked and by choice, before and after; and what came and went. */
const RIGHT: Record<Ending, { asked: [number, number]; choices: [number, number] }> = {
  better: { asked: [0, 35], choices: [19, 36] },
  never: { asked: [0, 0], choices: [19, 36] },
  surer_but_less_right: { asked: [22, 9], choices: [30, 15] },
  no_clear_difference: { asked: [12, 14], choices: [19, 21] },
  worse: { asked: [20, 12], choices: [24, 17] },
  too_few: { asked: [2, 5], choices: [3, 6] },
};

/** The first of them are right. */
const first = (count: number, of: number) => Array.from({ length: of }, (_, at) => at < count);

function checkOf(ending: Ending, start_loss: number, best_loss: number, { kind, labels }: Task): Validation {
  const examples = ending === "too_few" ? 8 : HELD;
  const { asked, choices } = RIGHT[ending];
  const change = ([before, after]: [number, number]) => changeOf(first(before, examples), first(after, examples));
  const isLabels = kind !== "preference" && labels !== null;
  const judged = isLabels || kind === "preference";
  const gained = best_loss - start_loss;
  const interval = ending === "no_clear_difference" || ending === "too_few" ? { low: -0.24, high: 0.11 } : { low: gained - 0.21, high: gained + 0.19 };
  return {
    start_loss, best_loss, interval, verdict: ending === "never" ? "better" : ending, examples,
    accuracy: judged ? [choices[0] / examples, choices[1] / examples] : null,
    asked: kind === "preference" ? null : change(asked), choices: judged ? change(choices) : null,
    calibrated: isLabels ? [Math.min(1, choices[0] / examples + 0.05), choices[1] / examples] : null,
    choice: isLabels ? [start_loss * 0.3, best_loss * 0.3] : null, form: isLabels ? [start_loss * 3.5, best_loss * 3.5] : null,
    groups: ending === "too_few" ? 5 : examples - 2, smallest_seen: 0.28, looks: ending === "better" ? 1 : 4,
  };
}

/** All messages of a run, in their order. `gain: false` makes one that finds nothing better. */
export function planOf(start: string, locked: string[], seed: number, gain: boolean, task: Task = {}, steps = 3, shows = false): Plan {
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
    accuracy: Math.min(1, Math.max(0, 1.02 - loss / 5 + (roll() - 0.5) * 0.05)), asked: Math.min(1, Math.max(0, 1.25 - loss / 2.3)), choice: loss * 0.3, form: loss * 3.5, dropped: null, refusal: null,
  });

  messages.push({ kind: "phase", phase: "loading_model" }, { kind: "phase", phase: "measuring_start" });
  let best = scored(0, null, { kind: "start" }, start, 2.914);
  const beginning = best;
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
      const of = candidate.dropped?.scored ?? TRAIN;
      candidate.accuracy = Math.round((candidate.accuracy ?? 0) * of) / of;
      candidate.asked = Math.round((candidate.asked ?? 0) * of) / of;
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
        loss: null, dropped: null, std_error: null, accuracy: null, asked: null, choice: null, form: null, refusal: { kind: "leak", words: "small boat and a patient skipper we even saw" },
      },
    });
    messages.push({ kind: "step", step: { step, incumbent: best.ordinal, loss: best.loss ?? 0, improved }, best });
  }
  const better = best !== beginning;
  if (better) messages.push({ kind: "phase", phase: "pruning" });
  messages.push({ kind: "phase", phase: "validating" }, { kind: "phase", phase: "answering" });
  const ending = better ? (task.ending ?? "better") : "no_clear_difference";
  const outcome: Outcome = {
    reason: better ? "steps" : "patience", best: best.ordinal, start_loss: beginning.loss ?? 0, best_loss: best.loss ?? 0,
    validation: checkOf(ending, 2.871, !better ? 2.871 : ending === "worse" ? 3.2 : (best.loss ?? 0) + 0.08, task), answers: [],
  };
  return { messages, outcome, best };
}

/** A view of a run that has not done anything yet. */
export function freshView(run: RunSummary, settings: Settings, prompt: string, dataName: string): RunView {
  return {
    run, settings, model: "Qwen3 0.6B", device: PROCESSOR, writer: null, data_name: dataName, train: TRAIN, validation: 40, start_prompt: prompt,
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

/** What a model writes with a good and with a bad prompt. */
function answersOf(view: RunView, preview: ExampleText[], { kind, labels }: DataSummary): AnswerPair[] {
  const check = view.outcome?.validation;
  if (!check) return [];
  const isRight = (share: number | undefined, at: number) => (share ?? 0) * view.settings.answers > at + 0.5;
  const babble = "A voyage through the waves of feeling, where the heart of the writer sings of the sea and of the sky. ";
  return Array.from({ length: view.settings.answers }, (_, at): AnswerPair => {
    const { input = "", targets = [], row = 1 } = preview[at % preview.length] ?? {};
    const target = targets[0] ?? "";
    const other = labels?.find((label) => label !== target) ?? `Mood: ${target}.`;
    const written = (right: boolean, start: boolean) => (right ? target : start ? babble.repeat(at === 0 ? 6 : 1).trim() : other);
    const right: [boolean, boolean] = [isRight(check.asked?.before, at), isRight(check.asked?.after, at)];
    return {
      row: row + at, input, target, start: written(right[0], true), best: view.best?.origin.kind === "start" ? written(right[0], true) : written(right[1], false),
      right: kind === "preference" ? null : right,
    };
  });
}

export function resultOf(view: RunView, version: VersionSummary | null, preview: ExampleText[], data: DataSummary | null): RunResult {
  const roll = dice(view.run.id + 11);
  const check = view.outcome?.validation ?? null;
  const gain = check ? check.best_loss - check.start_loss : 0;
  const examples = check?.examples ?? HELD;
  const judged = data !== null && (data.labels !== null || data.kind === "preference");
  const rows: ExampleChange[] = Array.from({ length: examples }, (_, at) => {
    const before = 1.6 + roll() * 2.6;
    const now = gain ? Math.max(0.05, before + gain * (0.2 + roll() * 1.6)) : before;
    const like = preview[at % preview.length];
    const choice = (share: number | undefined) => (judged && share !== undefined ? at < Math.round(share * examples) : null);
    return {
      row: at * 2 + 1, input: like?.input ?? "", target: like?.targets[0] ?? "", start_loss: before, best_loss: now,
      start_correct: choice(check?.accuracy?.[0]), best_correct: choice(check?.accuracy?.[1]),
      start_asked: check?.asked ? at < Math.round(check.asked.before * examples) : null, best_asked: check?.asked ? at < Math.round(check.asked.after * examples) : null,
    };
  });
  return {
    view, start: view.start_prompt, best: view.best?.text ?? view.start_prompt, best_version: version, part: "validation", rows,
    answers: data ? answersOf(view, preview, data) : [], balance: data?.balance ?? null,
  };
}
