import type { SplitBalance, SplitWarning } from "../backend/generated/wire";
import { format, t } from "../text";

/** A line of the table: an answer, or several of them, and its rows in each part. */
export type SplitLine = { name: string; isLabel: boolean; train: number; validation: number; pool: number };

/** Answers that get a line of their own; more are told together. */
const MOST = 12;

/** Rows by answer and part; nothing where answers do not repeat. */
export function splitLines(balance: SplitBalance): SplitLine[] {
  const { labels } = balance;
  if (labels.length === 0) return [];
  const own = labels.length > MOST ? labels.slice(0, MOST - 1) : labels;
  const lines: SplitLine[] = own.map(({ label, train, validation, pool }) => ({ name: label, isLabel: true, train, validation, pool }));
  const rest = labels.slice(own.length);
  if (rest.length > 0) lines.push({ name: t.shown.split.more(format.count(rest.length)), isLabel: false, ...sum(rest) });
  // Answers that stand only once are no labels.
  const counted = sum(labels);
  const others = { train: balance.train - counted.train, validation: balance.validation - counted.validation, pool: balance.pool - counted.pool };
  if (others.train + others.validation + others.pool > 0) lines.push({ name: t.shown.split.others, isLabel: false, ...others });
  return lines;
}

function sum(rows: ReadonlyArray<Omit<SplitLine, "name" | "isLabel">>) {
  const of = (part: "train" | "validation" | "pool") => rows.reduce((total, row) => total + row[part], 0);
  return { train: of("train"), validation: of("validation"), pool: of("pool") };
}

/** What is wrong with a split, in a sentence. */
export function warningWords(warning: SplitWarning): string {
  const words = t.shown.split;
  switch (warning.kind) {
    case "label_missing":
      return words.missing(warning.label, warning.part === "train" ? words.inTrain : words.inValidation);
    case "label_uneven": {
      const part = warning.part === "train" ? words.inTrain : words.inValidation;
      const share = words.about(format.count(Math.max(1, Math.round(warning.share))));
      return warning.has === 1 ? words.unevenOnce(warning.label, part, share) : words.uneven(warning.label, part, format.count(warning.has), share);
    }
    case "few_held_out":
      return warning.rows === 0 ? words.noneHeldOut : words.fewHeldOut(format.count(warning.rows), warning.rows === 1);
    case "few_training":
      return words.fewTraining(format.count(warning.rows), warning.rows === 1);
  }
}
