import type { RunLine, RunState, RunSummary } from "../../backend/generated/wire";
import { deviceWords } from "../../lib/device";
import { examplesOf, rightOf, verdictOf } from "../../lib/right";
import { changeWords } from "../../lib/right-words";
import { allSettings, valueOf, type SettingPath, type SettingValue } from "../../lib/settings";
import { format, language, t } from "../../text";

/** Height of a row, and of the head. */
export const ROW = 44;
export const HEAD = 46;

/** Columns beside that of the name; `settings` stands for one column per setting that differs. */
export const COLUMNS = [
  "state", "right", "start_loss", "best_loss", "validation", "verdict", "project", "prompt", "data", "model", "settings", "pairs", "working_seconds", "tags", "note",
  "created_at", "device", "tokens", "steps",
] as const;
export type ColumnName = (typeof COLUMNS)[number];
export const USUAL: ColumnName[] = COLUMNS.filter((name) => !["device", "tokens", "steps"].includes(name));
/** Stands for "none": an empty list of columns means the usual ones. */
const NONE = "name";

export type Column = {
  /** Names it to the sorting. */
  key: string;
  name: ColumnName | "name";
  setting: SettingPath | null;
  title: string;
  meaning: string | undefined;
  width: number;
  /** Numbers stand at the end. */
  figure: boolean;
};

const widths: Record<ColumnName | "name", number> = {
  name: 320, project: 170, state: 126, right: 190, start_loss: 104, best_loss: 104, validation: 148, verdict: 168, prompt: 260, data: 190, model: 160, device: 160,
  settings: 132, pairs: 92, tokens: 116, working_seconds: 124, steps: 84, tags: 190, note: 220, created_at: 168,
};
const figures: ReadonlySet<string> = new Set(["right", "start_loss", "best_loss", "validation", "pairs", "tokens", "working_seconds", "steps"]);
const losses: ReadonlySet<string> = new Set(["start_loss", "best_loss"]);

/** The columns that are kept as chosen, in their order. */
export function chosenColumns(kept: string[]): ColumnName[] {
  const known = kept.filter((name): name is ColumnName => (COLUMNS as readonly string[]).includes(name));
  return kept.length ? known : USUAL;
}

export function keptColumns(chosen: ColumnName[]): string[] {
  if (JSON.stringify(chosen) === JSON.stringify(USUAL)) return [];
  return chosen.length ? chosen : [NONE];
}

/** The settings that are not the same in all runs. */
export function differing(lines: RunLine[]): SettingPath[] {
  const [first, ...rest] = lines;
  if (!first) return [];
  return allSettings().map(([path]) => path).filter((path) => {
    const value = valueOf(first.settings, path);
    return rest.some((line) => valueOf(line.settings, path) !== value);
  });
}

/** The columns as they are drawn. */
export function columnsOf(chosen: ColumnName[], settings: SettingPath[], everywhere: boolean): Column[] {
  const plain = (name: ColumnName | "name"): Column => ({
    key: name, name, setting: null, title: t.overlay.columns[name], width: widths[name], figure: figures.has(name),
    meaning: losses.has(name) ? t.common.lossMeaning : name === "validation" ? t.overlay.heldOutMeaning : name === "right" ? t.answers.columnMeaning : name === "pairs" ? t.overlay.pairsMeaning
      : name === "tokens" ? t.overlay.tokensMeaning : undefined,
  });
  const others = chosen.filter((name) => name !== "project" || everywhere).flatMap((name) => (name !== "settings" ? plain(name) : settings.map((setting): Column => ({
    key: `settings.${setting}`, name, setting, title: t.settings.fields[setting].name, meaning: t.settings.fields[setting].text, width: widths.settings, figure: false,
  }))));
  return [plain("name"), ...others];
}

/** A setting's value in words. */
export function settingWords(path: string, value: SettingValue): string {
  if (value === null) return t.advanced.none;
  if (typeof value === "boolean") return value ? t.advanced.yes : t.advanced.no;
  if (typeof value === "number") return format.plain(value, 6);
  const choices = t.settings.choices as Record<string, Record<string, string> | undefined>;
  return choices[path]?.[value] ?? value;
}

/** A run that nobody works on has been broken off, whatever was last stored. */
export const standingOf = (run: RunSummary): RunState => (run.state === "running" && !run.active ? "failed" : run.state);

/** Right answers on held-out examples, before and after: when asked, else by choice. */
export function rightEnds({ run }: RunLine): [string, string] | null {
  const change = rightOf(run);
  return change && changeWords(change, examplesOf(change, run.held_out));
}

/** What a cell says, where it is nothing but text. */
export function cellText(line: RunLine, { name, setting }: Column): string {
  const { run } = line;
  switch (name) {
    case "name": return run.name;
    case "project": return run.project_name;
    case "prompt": return line.prompt;
    case "data": return t.overlay.dataOf(line.data, format.count(line.examples));
    case "model": return line.model;
    case "device": return deviceWords(line.device, line.writer);
    case "settings": return setting ? settingWords(setting, valueOf(line.settings, setting)) : "";
    case "start_loss": return format.loss(run.start_loss);
    case "best_loss": return format.loss(run.best_loss);
    case "validation": return line.validation ? t.overlay.way(format.loss(line.validation[0]), format.loss(line.validation[1])) : "–";
    case "right": return rightEnds(line)?.join(" → ") ?? "–";
    case "verdict": { const verdict = verdictOf(run); return verdict ? t.runs.verdicts[verdict] : "–"; }
    case "pairs": return format.count(line.pairs);
    case "tokens": return format.count(line.tokens);
    case "working_seconds": return format.duration(run.working_seconds);
    case "steps": return format.count(line.steps);
    case "state": return t.runs.states[standingOf(run)];
    case "tags": return line.tags.join(", ");
    case "note": return line.note;
    case "created_at": return format.date(run.created_at);
  }
}

const verdicts = ["better", "no_clear_difference", "surer_but_less_right", "worse", "too_few"];
const states = ["running", "queued", "paused", "completed", "cancelled", "failed"];

/** What a line is sorted by; lines with null come last whichever way. */
function weightOf(line: RunLine, key: string): string | number | null {
  const { run } = line;
  if (key.startsWith("settings.")) {
    const value = valueOf(line.settings, key.slice(9) as SettingPath);
    return typeof value === "boolean" ? Number(value) : (value ?? null);
  }
  switch (key) {
    case "name": return run.name;
    case "project": return run.project_name;
    case "prompt": case "data": case "model": return line[key];
    case "device": return deviceWords(line.device, line.writer);
    case "start_loss": case "best_loss": case "working_seconds": return run[key];
    case "validation": return line.validation?.[1] ?? null;
    case "right": return rightOf(run)?.after ?? null;
    case "verdict": { const verdict = verdictOf(run); return verdict && verdicts.indexOf(verdict); }
    case "pairs": case "tokens": case "steps": return line[key];
    case "state": return states.indexOf(standingOf(run));
    case "tags": return line.tags.join(", ") || null;
    case "note": return line.note || null;
    default: return run.created_at;
  }
}

/** Lines in the order of a column; equal ones stay newest first. */
export function sorted(lines: RunLine[], key: string, descending: boolean): RunLine[] {
  const texts = new Intl.Collator(language(), { numeric: true, sensitivity: "base" });
  const sign = descending ? -1 : 1;
  return lines
    .map((line) => ({ line, weight: weightOf(line, key) }))
    .sort(({ weight: a }, { weight: b }) => {
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      return sign * (typeof a === "string" || typeof b === "string" ? texts.compare(String(a), String(b)) : a - b);
    })
    .map(({ line }) => line);
}
