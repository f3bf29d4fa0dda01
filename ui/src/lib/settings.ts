import type { Settings } from "../backend/generated/wire";

/** What a person can set; the method itself is none of it. */
type Setting = Exclude<keyof Settings, "split" | "method">;
/** Where a setting lies in `Settings`. */
export type SettingPath = Setting | `split.${keyof Settings["split"]}`;
export type Control =
  | { control: "number"; whole: boolean; least?: number; above?: number; most?: number; optional?: boolean }
  | { control: "switch" }
  | { control: "choice"; choices: readonly string[] };
export type SettingValue = number | boolean | string | null;
export type Fault = { kind: "number" | "whole" } | { kind: "least" | "above" | "most"; bound: number };

const whole = (least: number, most?: number): Control => ({ control: "number", whole: true, least, most });
const real = (least: number, most?: number): Control => ({ control: "number", whole: false, least, most });
const share = real(0, 1);
const onOff: Control = { control: "switch" };
const choice = (...choices: string[]): Control => ({ control: "choice", choices });

/** Every setting, in the groups and the order in which it is shown. */
export const settingGroups = {
  looking: {
    steps: whole(0), patience: whole(0), min_gain: real(0), accept_z: real(0),
    max_minutes: { control: "number", whole: false, above: 0, optional: true },
    max_tokens: { control: "number", whole: true, least: 0, optional: true },
    seed: whole(0, Number.MAX_SAFE_INTEGER),
  },
  examples: {
    "split.train_share": { control: "number", whole: false, above: 0, most: 1 }, "split.train_limit": whole(2),
    "split.validation_share": share, "split.validation_limit": whole(0), hard_examples: whole(0),
    racing: onOff, race_z: { control: "number", whole: false, above: 0 }, answers: whole(0),
  },
  measuring: {
    objective: choice("label", "pairs", "answer", "choice", "both"), form_weight: real(0), calibration: onOff, normalization: choice("per_token", "sum"),
    preference_normalization: choice("per_token", "sum"), beta: { control: "number", whole: false, above: 0 },
    end_of_turn: onOff, content_free_prior: onOff,
  },
  parts: {
    segmenter: choice("auto", "model", "rules"), max_segments: whole(1), mask_mode: choice("replace", "remove"), clear_z: real(0),
  },
  rewriting: {
    rewrites: whole(0), wording: choice("auto", "large_instruct", "small_instruct", "completion"), temperature: real(0),
    top_p: { control: "number", whole: false, above: 0, most: 1 }, max_rewrite_tokens: whole(1),
  },
  proposing: {
    propose_drop: onOff, propose_reorder: onOff, bank_phrases: whole(0), max_demonstrations: whole(0), demonstration_sets: whole(0),
    prune: onOff,
  },
  safety: { leak_words: whole(2) },
} as const satisfies Record<string, Partial<Record<SettingPath, Control>>>;

export type SettingGroup = keyof typeof settingGroups;

export function allSettings(): Array<[SettingPath, Control]> {
  return Object.values(settingGroups).flatMap((group) => Object.entries(group) as Array<[SettingPath, Control]>);
}

export function valueOf(settings: Settings, path: SettingPath): SettingValue {
  if (path.startsWith("split.")) return settings.split[path.slice(6) as keyof Settings["split"]];
  return settings[path as Setting];
}

export function withValue(settings: Settings, path: SettingPath, value: SettingValue): Settings {
  if (path.startsWith("split.")) return { ...settings, split: { ...settings.split, [path.slice(6)]: value } };
  return { ...settings, [path]: value };
}

/** Which settings differ from `defaults`. */
export function changedSettings(settings: Settings, defaults: Settings): SettingPath[] {
  return allSettings().map(([path]) => path).filter((path) => valueOf(settings, path) !== valueOf(defaults, path));
}

/** What a person typed, as a number, or what is wrong with it. A comma counts as the point. */
export function readNumber(text: string, control: Extract<Control, { control: "number" }>): { value: number | null } | { fault: Fault } {
  const typed = text.trim().replace(",", ".");
  if (typed === "") return control.optional ? { value: null } : { fault: { kind: "number" } };
  const value = Number(typed);
  if (!Number.isFinite(value)) return { fault: { kind: "number" } };
  if (control.whole && !Number.isInteger(value)) return { fault: { kind: "whole" } };
  if (control.least !== undefined && value < control.least) return { fault: { kind: "least", bound: control.least } };
  if (control.above !== undefined && value <= control.above) return { fault: { kind: "above", bound: control.above } };
  if (control.most !== undefined && value > control.most) return { fault: { kind: "most", bound: control.most } };
  return { value };
}

/** The two shares are parts of the same examples. */
export function sharesExceed(settings: Settings): boolean {
  return settings.split.train_share + settings.split.validation_share > 1 + 1e-9;
}
