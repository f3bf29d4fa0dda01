import type { DroppedEarly, Interval, Origin, Refusal, RunView, SegmentVerdict } from "../backend/generated/wire";
import type { Texts } from "../text";
import type { RunText } from "../text/en-run";
import { firstWords, formatCount, formatEstimate, formatLoss, roughly } from "./run-format";
import { canResume } from "./run";

/** How a prompt came about. People count from 1. */
export function originWords(origin: Origin, text: RunText, language: string): string {
  const words = text.origin;
  const number = (index: number) => formatCount(index + 1, language);
  switch (origin.kind) {
    case "start":
      return words.start;
    case "mask":
      return words.mask(number(origin.segment));
    case "rewrite":
      return words.rewrite(number(origin.example), number(origin.variant));
    case "drop":
      return words.drop(number(origin.segment));
    case "reorder":
      return words.reorder;
    case "bank":
      return words.bank(firstWords(origin.phrase, 60));
    case "demonstrations":
      return words.demonstrations(origin.examples.length, formatCount(origin.examples.length, language));
    case "prune":
      return words.prune(number(origin.segment));
  }
}

/** Why a prompt was not tried. */
export function refusalWords(refusal: Refusal, text: RunText): string {
  return refusal.kind === "leak" ? text.refusal.leak(firstWords(refusal.words, 60)) : text.refusal[refusal.kind];
}

/** The loss of a prompt, which is only estimated for one dropped early. */
export function lossWords(loss: number | null, dropped: DroppedEarly | null | undefined, language: string): string {
  return dropped ? formatEstimate(loss, language) : formatLoss(loss, language);
}

/** On how much of the examples a prompt was measured before it was dropped. */
export function droppedWords(dropped: DroppedEarly, text: RunText, language: string): string {
  return text.dropped.after(formatCount(dropped.scored, language), formatCount(dropped.of, language));
}

/** What the interval of a difference says; below zero the second prompt gains. */
export function intervalWords({ low, high }: Interval, text: Texts["result"], language: string): string {
  const size = (value: number) => formatLoss(Math.abs(value), language);
  if (high < 0) return text.intervalBetter(size(high), size(low));
  if (low > 0) return text.intervalWorse(size(low), size(high));
  return text.intervalUnclear(size(low), size(high));
}

/** The time to go, as coarse as it is known. */
export function timeLeftWords(seconds: number | null, text: RunText, language: string): string {
  if (seconds === null || !Number.isFinite(seconds)) return text.time.unknown;
  const amount = roughly(seconds);
  if (amount.unit === "moment") return text.time.moment;
  const count = new Intl.NumberFormat(language).format(amount.count);
  if (amount.unit === "hour") return amount.count === 1 ? text.time.hour : text.time.hours(count);
  return amount.count === 1 ? text.time.minute : text.time.minutes(count);
}

export const SIGNS: Record<SegmentVerdict, string> = { helps: "+", no_clear_effect: "·", hurts: "−" };

export type Standing = keyof RunText["state"];

/** The state of a run as a person sees it: a wish already made counts. */
export function standing(view: RunView, wish: "pause" | "stop" | null): Standing {
  const { state, active } = view.run;
  if (state === "running" || state === "queued") {
    if (!active && canResume(view)) return "interrupted";
    if (wish === "pause") return "pausing";
    if (wish === "stop") return "stopping";
  }
  return state;
}
