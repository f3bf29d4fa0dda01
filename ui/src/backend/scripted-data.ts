import type {
  DataFinding, DataPreview, Device, DeviceOption, Draft, ExampleText, Fault, ImportChoice, Mapping, ModelInfo, ModelRoles, Preset, Remedy, SampleSummary, Settings, Severity, SplitBalance, SplitWarning,
} from "./generated/wire";

export const samples: Array<SampleSummary & { prompt: string; input: string; target: string; labels: string[] | null; examples: number; rows: ExampleText[] }> = [
  {
    name: "review-mood", title: "Mood of reviews", project: null,
    description: "Short reviews, each with the mood a reader would name: positive or negative. A better prompt makes the model name the mood, and nothing else, more surely.",
    prompt: "You are a famous poet. Look at the review. Say something about it.",
    input: "review", target: "mood", labels: ["positive", "negative"], examples: 100,
    rows: [
      { row: 1, input: "Small boat and a patient skipper: we even saw dolphins.", targets: ["positive"], rejected: [] },
      { row: 2, input: "Our plumber came on a Sunday and left the kitchen cleaner than he found it.", targets: ["positive"], rejected: [] },
      { row: 3, input: "What a shame: the chess set came with three knights, no black queen and a board too warped to close.", targets: ["negative"], rejected: [] },
      { row: 4, input: "The soup was cold and so was the welcome.", targets: ["negative"], rejected: [] },
    ],
  },
  {
    name: "kind-replies", title: "Kind replies", project: null,
    description: "Messages from customers, each with a kind, specific reply and a worse one that is curt, blaming, off the point or padded.",
    prompt: "You are the strict head of the complaints department. Answer the message of the customer. Mention our rules and be professional.",
    input: "message", target: "chosen", labels: null, examples: 80,
    rows: [{ row: 1, input: "I was charged twice for the same yoga class on Monday evening.", targets: ["Thank you for spotting that. The second charge is being refunded now."], rejected: ["Did you press the button twice?"] }],
  },
  {
    name: "order-details", title: "Details of orders", project: null,
    description: "Messages from customers, each with the ordered item, the quantity in digits and the city in one fixed line.",
    prompt: "You are a cheerful travel agent. Read what the customer writes. Note down the important things and be friendly.",
    input: "message", target: "details", labels: null, examples: 84,
    rows: [{ row: 1, input: "Hello, could you send three wool blankets to my new flat in Leeds?", targets: ["item: wool blankets; quantity: 3; city: Leeds"], rejected: [] }],
  },
  {
    name: "plain-words", title: "Plain words", project: null,
    description: "Stiff notices from offices, shops and manuals, each with one short friendly sentence that says the same.",
    prompt: "You are a senior legal clerk. Write the text again so that it sounds different. Keep every important point and use formal words.",
    input: "notice", target: "plain", labels: null, examples: 80,
    rows: [{ row: 1, input: "Residents are hereby advised that refuse receptacles must be presented at the kerbside no later than 06:30.", targets: ["Please put your bins out by 6:30 on collection day."], rejected: [] }],
  },
];

const standard: Settings = {
  method: 3, seed: 1, objective: "label", normalization: "per_token", preference_normalization: "per_token", beta: 1, end_of_turn: true,
  content_free_prior: false, form_weight: 0.2, calibration: true, split: { train_share: 0.4, train_limit: 50, validation_share: 0.4, validation_limit: 80 },
  segmenter: "auto", max_segments: 5, mask_mode: "replace", clear_z: 1.96, hard_examples: 2, rewrites: 3, wording: "auto",
  temperature: 0.9, top_p: 0.95, max_rewrite_tokens: 256, propose_drop: true, propose_reorder: true, bank_phrases: 4,
  max_demonstrations: 12, demonstration_sets: 6, leak_words: 8, racing: true, race_z: 1.75,
  steps: 8, patience: 3, min_gain: 0.001, accept_z: 1, prune: true, answers: 5, max_tokens: null, max_minutes: null,
};

export const presets: Record<Preset, Settings> = {
  standard,
  quick: {
    ...standard, split: { train_share: 0.3, train_limit: 20, validation_share: 0.4, validation_limit: 40 }, hard_examples: 1,
    rewrites: 2, bank_phrases: 3, demonstration_sets: 3, answers: 3, steps: 3, patience: 2,
  },
  thorough: {
    ...standard, split: { train_share: 0.5, train_limit: 100, validation_share: 0.4, validation_limit: 200 }, hard_examples: 3,
    rewrites: 4, bank_phrases: 6, steps: 20, patience: 5,
  },
  paper: {
    ...standard, objective: "pairs", normalization: "sum", preference_normalization: "sum", end_of_turn: false,
    split: { train_share: 0.2, train_limit: 50, validation_share: 0.4, validation_limit: 200 }, segmenter: "model", hard_examples: 3,
    rewrites: 4, propose_drop: false, propose_reorder: false, bank_phrases: 0, racing: false, steps: 20, patience: 0, min_gain: 0, accept_z: 0,
    max_demonstrations: 0, prune: false,
  },
};

export function emptyDraft(prompt = ""): Draft {
  return { prompt, description: "", locked: [], effort: "quick", settings: structuredClone(presets.quick), model_path: null, writer_path: null, device: "auto", measure_changes: false, may_show_examples: null };
}

/** How a split of so many rows looks whose labels come in turn. */
export function balanceOf(labels: string[] | null, examples: number, train: number, validation: number): SplitBalance {
  const pool = Math.max(0, examples - train - validation);
  const sorted = [...(labels ?? [])].sort();
  const share = (rows: number, at: number) => Math.floor(rows / sorted.length) + (at < rows % sorted.length ? 1 : 0);
  const warnings: SplitWarning[] = [];
  if (validation < 12) warnings.push({ kind: "few_held_out", rows: validation });
  if (train < 10) warnings.push({ kind: "few_training", rows: train });
  return {
    labels: sorted.map((label, at) => {
      const parts = { train: share(train, at), validation: share(validation, at), pool: share(pool, at) };
      return { label, all: parts.train + parts.validation + parts.pool, ...parts };
    }),
    train, validation, pool, warnings,
  };
}

/** Where the stand-in computes. */
export const PROCESSOR: Device = {
  class: { kind: "cpu" }, precision: "exact", scorer: "packed", reasons: [{ kind: "no_gpu_support" }],
};

/** What models can run on. */
export const devices: DeviceOption[] = [
  { id: "auto", label: "Automatic: a GPU where there is one", free: null, total: null },
  { id: "gpu0", label: "GPU 0: Example 4060", free: 2_500_000_000, total: 8_000_000_000 },
  { id: "cpu", label: "Processor", free: 11_800_000_000, total: 16_700_000_000 },
];

/** How a project's two models share the memory; `seconds` is what a change of models took. */
export function rolesOf({ model_path, writer_path, device }: Draft, seconds: number | null): ModelRoles | null {
  if (!writer_path || writer_path === model_path || [model_path, writer_path].some((path) => path?.startsWith("server:"))) return null;
  const needed = 1_450_000_000 + (/8b/i.test(writer_path) ? 12_750_000_000 : writer_path.includes("huge") ? 46_000_000_000 : 1_960_000_000);
  const free = devices.find((one) => one.id === (device === "auto" ? "cpu" : device))?.free ?? 0;
  const problem = writer_path.includes("huge")
    ? { code: "model_too_big", message: "The model that should write is too big for this computer.", hint: "Choose a smaller one, or let the same model do both." } : null;
  return { in_turn: needed > free, needed, free, seconds, problem };
}

export function modelOf(path: string | null, device: string, loaded: boolean): ModelInfo {
  const where: Device = device === "gpu0"
    ? { class: { kind: "gpu", number: 0, name: "Example 4060" }, precision: "stored", scorer: "packed", reasons: [] }
    : { ...PROCESSOR, reasons: device === "cpu" ? [{ kind: "cpu_asked" }] : [] };
  if (path?.includes("huge")) {
    return {
      path, name: path.split("/").pop() ?? path, built_in: false, architecture: "qwen2", parameters: 72_000_000_000, file_bytes: 44_000_000_000,
      context_window: 32768, has_chat_template: true, device: null, devices, exact: true, memory_needed: 46e9,
      memory_free: 11.8e9, loaded: false,
      problem: { code: "model_too_big", message: "This model is too big for this computer.", hint: "It needs about 46.0 GB of memory and 11.8 GB are free. Choose a smaller model file." },
    };
  }
  return {
    path: path ?? "built-in", name: path ? (path.split("/").pop() ?? path) : "Qwen3 0.6B", built_in: path === null, architecture: "qwen3",
    parameters: 596_000_000, file_bytes: 639_000_000, context_window: 32768, has_chat_template: true, device: where, devices,
    exact: true, memory_needed: 1.45e9, memory_free: 11.8e9, loaded, problem: null,
  };
}

const previewRows: Array<Array<string | null>> = [
  ["1", "The kettle boils fast and looks lovely.", "positive", "2024-03-01"],
  ["2", "Broke after a week, and nobody answers.", "negative", "2024-03-02"],
  ["3", "Exactly what I hoped for.", "positive", "2024-03-02"],
  ["4", "Too small, <b>far</b> too loud.", "negative", null],
  ["5", "مريح جدا وسهل الاستخدام", "positive", "2024-03-05"],
];

const guessed: Mapping = {
  inputs: ["text"], answer: { kind: "supervised", target: "sentiment", also: [] }, rule: { kind: "whole" }, options: [], split: null, id: "id", weight: null,
};

function finding(fault: Fault, severity: Severity, rows: number[], remedies: Remedy[], choice: ImportChoice, others: number[] = []): DataFinding {
  const remedy = choice.remedies.find((one) => one.fault === fault)?.remedy ?? remedies[0] ?? "keep";
  return { fault, severity, count: rows.length, rows, others, remedy, remedies, sample: fault === "duplicate" ? "Exactly what I hoped for." : "" };
}

export function previewOf(path: string, choice: ImportChoice): DataPreview {
  const columns = ["id", "text", "sentiment", "date"];
  const mapping = choice.mapping ?? guessed;
  const target = mapping.answer.kind === "supervised" ? mapping.answer.target : mapping.answer.chosen;
  const cell = (row: Array<string | null>, column: string) => row[columns.indexOf(column)] ?? "";
  const findings = [
    finding("empty_answer", "error", [18, 90], ["leave_out"], choice),
    finding("duplicate", "note", [141], ["merge", "keep"], choice, [12]),
  ];
  const doubled = findings[1]?.remedy === "keep" ? 1 : 0;
  const workbook = /\.(xlsx|ods)$/i.test(path);
  return {
    path, name: path.split("/").pop() ?? path, columns,
    found: {
      kind: workbook ? "workbook" : "csv", encoding: null, separator: workbook ? null : (choice.separator ?? ";"), quotes_are_text: false,
      sheets: workbook ? ["Reviews", "Notes"] : [], sheet: workbook ? (choice.sheet ?? "Reviews") : null, header: choice.header ?? 1, files: null,
    },
    rows: previewRows.map((cells, index) => ({ number: index + 1, cells })), total_rows: 240, mapping,
    reasons: choice.mapping ? [] : [
      { column: "text", role: "input", why: { kind: "longest" } },
      { column: "sentiment", role: "target", why: { kind: "few_values", count: 2 } },
      { column: "id", role: "id", why: { kind: "name" } },
    ],
    suggestions: [{ kind: { kind: "answer_alone", marker: "####" }, mapping: { ...guessed, rule: { kind: "after", marker: "####" } } }],
    problem: null, examples: 237 + doubled,
    first: previewRows.map((row, index) => ({ row: index + 1, input: cell(row, mapping.inputs[0] ?? ""), targets: [cell(row, target)], rejected: [] })),
    labels: [{ label: "negative", count: 101 }, { label: "positive", count: 136 }],
    findings,
  };
}
