/** Numbers and times as a run tells them, in the language of the window. */

const formats = new Map<string, Intl.NumberFormat>();

/** Making a format costs far more than using it. */
function format(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.NumberFormat(language, options);
    formats.set(key, made);
  }
  return made;
}

const TWO = { minimumFractionDigits: 2, maximumFractionDigits: 2 } as const;
const THREE = { minimumFractionDigits: 3, maximumFractionDigits: 3 } as const;

/** A loss in nats; a dash where there is none. */
export function formatLoss(loss: number | null, language: string): string {
  if (loss === null || !Number.isFinite(loss)) return "–";
  return format(language, THREE).format(loss).replace("-", "−");
}

/** A loss that is only estimated, no more exact than it is known. */
export function formatEstimate(loss: number | null, language: string): string {
  if (loss === null || !Number.isFinite(loss)) return "–";
  return `≈ ${format(language, TWO).format(loss).replace("-", "−")}`;
}

/** A difference with its sign, the minus as wide as the plus. */
export function formatChange(change: number | null, language: string): string {
  if (change === null || !Number.isFinite(change)) return "–";
  return format(language, { ...THREE, signDisplay: "exceptZero" }).format(change).replace("-", "−");
}

/** A share from 0 to 1. */
export function formatShare(share: number | null, language: string): string {
  if (share === null || !Number.isFinite(share)) return "–";
  return format(language, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

export function formatCount(count: number, language: string): string {
  return format(language, { maximumFractionDigits: 0 }).format(count);
}

/** Seconds of an answer: "0.8", "12". */
export function formatSeconds(seconds: number, language: string): string {
  return format(language, { maximumFractionDigits: seconds < 10 ? 1 : 0 }).format(seconds);
}

export type TimeAmount =
  | { unit: "moment" }
  | { unit: "minute"; count: number }
  | { unit: "hour"; count: number };

/**
 * A remaining time as coarse as it is known. Minutes up to an hour and a
 * half, then half hours.
 */
export function roughly(seconds: number): TimeAmount {
  if (seconds < 45) return { unit: "moment" };
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 10) return { unit: "minute", count: minutes };
  if (minutes < 90) return { unit: "minute", count: Math.round(minutes / 5) * 5 };
  return { unit: "hour", count: Math.round(minutes / 30) / 2 };
}

/** Time already spent: "48 s", "3 min 20 s", "1 h 5 min". */
export function formatDuration(seconds: number, language: string): string {
  const whole = Math.max(0, Math.round(seconds));
  const part = (count: number, unit: "second" | "minute" | "hour") =>
    format(language, { style: "unit", unit, unitDisplay: "short" }).format(count);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  if (hours > 0) return minutes > 0 ? `${part(hours, "hour")} ${part(minutes, "minute")}` : part(hours, "hour");
  if (minutes > 0) return rest > 0 && minutes < 10 ? `${part(minutes, "minute")} ${part(rest, "second")}` : part(minutes, "minute");
  return part(rest, "second");
}

/** The first words of a text on one line. */
export function firstWords(text: string, length = 90): string {
  const line = text.slice(0, length * 4).replace(/\s+/gu, " ").trim();
  if (line.length <= length) return line.length < text.trim().length && text.length > length * 4 ? `${line}…` : line;
  // Half of a sign outside the first plane would be no sign.
  const cut = line.slice(0, length).replace(/[\uD800-\uDBFF]$/u, "");
  const space = cut.lastIndexOf(" ");
  return `${cut.slice(0, space > length / 2 ? space : length)}…`;
}
