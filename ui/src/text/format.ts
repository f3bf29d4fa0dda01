import { language, t } from "./language.svelte";

const formats = new Map<string, Intl.NumberFormat>();

/** Making a format costs far more than using it. */
function formatOf(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language() + JSON.stringify(options);
  const made = formats.get(key) ?? new Intl.NumberFormat(language(), options);
  formats.set(key, made);
  return made;
}

function number(value: number, least: number, most: number): string {
  return formatOf({ minimumFractionDigits: least, maximumFractionDigits: most }).format(value);
}

/** A count, as in "1,234". */
export function count(value: number): string {
  return number(value, 0, 0);
}

/** A loss in nats, with three digits after the point unless told. */
export function loss(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : number(value, digits, digits);
}

/** A difference with its sign; the minus is a real minus. */
export function signed(value: number, digits = 3): string {
  const text = number(Math.abs(value), digits, digits);
  if (Number(Math.abs(value).toFixed(digits)) === 0) return `±${text}`;
  return `${value > 0 ? "+" : "−"}${text}`;
}

/** A number as a person would write it, with at most `digits` after the point. */
export function plain(value: number, digits = 3): string {
  return number(value, 0, digits);
}

/** A share from 0 to 1. */
export function percent(share: number, digits = 0): string {
  return formatOf({ style: "percent", maximumFractionDigits: digits }).format(share);
}

/** A time span: "8 s", "3 min 20 s", "1 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t.units.seconds(count(whole));
  if (whole < 3600) {
    const rest = whole % 60;
    return t.units.minutes(count(Math.floor(whole / 60))) + (rest && whole < 600 ? ` ${t.units.seconds(count(rest))}` : "");
  }
  const minutes = Math.round((whole % 3600) / 60);
  return t.units.hours(count(Math.floor(whole / 3600))) + (minutes ? ` ${t.units.minutes(count(minutes))}` : "");
}

/** A span that nobody knows exactly: "about 4 minutes". */
export function about(minutes: number): string {
  if (minutes < 1) return t.units.underAMinute;
  if (minutes < 90) return t.units.aboutMinutes(count(minutes), Math.round(minutes) === 1);
  return t.units.aboutHours(number(minutes / 60, 0, 1));
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${number(value / 1e9, 1, 1)} GB`;
  if (value >= 1e6) return `${count(value / 1e6)} MB`;
  return `${count(Math.max(1, value / 1e3))} kB`;
}

/** A size counted in units of 1,048,576 bytes. */
export function mebibytes(value: number): string {
  return bytes(value * 2 ** 20);
}

/** How many weights a model has: "0.6 billion". */
export function weights(value: number): string {
  return value >= 1e9 || value >= 1e8 ? t.units.billion(number(value / 1e9, 0, 1)) : t.units.million(count(value / 1e6));
}

/** A day written as year, month and day: "December 24, 2026". */
export function day(written: string): string {
  const at = Date.parse(`${written}T00:00:00Z`);
  return Number.isNaN(at) ? written : new Intl.DateTimeFormat(language(), { dateStyle: "long", timeZone: "UTC" }).format(at);
}

export function date(milliseconds: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(milliseconds);
}
