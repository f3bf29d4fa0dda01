import type { VersionSummary } from "./generated/wire";
import { dice } from "./scripted-run";

const openings = [
  "Read the review and decide which mood it shows.", "Name the mood of the review.", "You judge reviews.", "Is the writer of this review happy or not?",
  "Say in one word what the writer feels.", "Look at the review, then answer.",
];
const endings = ["Answer with one word.", "Write only “positive” or “negative”.", "Nothing else.", "Think before you answer.", "Be brief.", "Answer in English."];

/** Texts that somebody may well paste. */
export const hostile = [
  "<img src=x onerror=alert(1)><b>bold</b> & {{review}}",
  "اقرأ المراجعة ثم قل ما شعور الكاتب \u202E gnorw",
  "😀🏳️‍🌈👩‍👩‍👧‍👦 What mood is this? 🇩🇪",
  "Donaudampfschifffahrt".repeat(477),
  "\n\n   \n\tA prompt that begins with empty lines.\n\nAnd goes on.",
];

/**
 * Versions as months of work leave them, newest first: edits one after the other,
 * runs on the way, and now and then a step back to an old one. `runs` found some.
 */
export function historyOf(count: number, next: () => number, runs: number[] = [], big = false): VersionSummary[] {
  const roll = dice(count);
  const made: VersionSummary[] = [];
  let at = -1;
  let ofRun = 0;
  let run = runs[0] ?? 0;
  for (let number = 1; number <= count; number++) {
    const parent = made[at] ?? null;
    if (ofRun > 0) ofRun -= 1;
    else if (number > 2 && roll() < 0.05) {
      ofRun = roll() < 0.5 ? 0 : 2 + Math.floor(roll() * 4);
      run = runs.length ? runs[Math.floor(roll() * runs.length)] ?? 0 : 900 + number;
      ofRun += 1;
    }
    const origin: VersionSummary["origin"] =
      number === 1 ? { kind: "sample" } : ofRun > 0 ? { kind: "run", run, candidate: 5 + Math.floor(roll() * 8) }
        : roll() < 0.02 ? { kind: "imported", file: "my best prompt.md" } : { kind: "written" };
    const strange = number % 37 === 0 ? hostile[Math.floor(number / 37) % hostile.length] : undefined;
    const text = strange ? `${strange} (${number})` : `${openings[number % openings.length]} ${endings[(number * 7) % endings.length]} (${number})`;
    made.push({
      id: next(), number, text: big && number === count ? `${text}\n${"A long prompt. ".repeat(70_000)}` : text, parent: parent?.id ?? null, origin,
      note: roll() < 0.06 ? "Works for short reviews, not for long ones with several opinions." : "", starred: roll() < 0.04,
      tags: roll() < 0.06 ? ["short", "for Anna"].slice(0, roll() < 0.5 ? 1 : 2) : [], labels: number === Math.max(1, count - 9) ? ["in use"] : roll() < 0.008 ? ["shop"] : [],
      created_at: Date.UTC(2025, 0, 3, 9) + number * 5_400_000,
    });
    // Mostly on from the newest; sometimes from one further back.
    at = roll() < 0.09 ? Math.max(0, made.length - 1 - Math.floor(roll() * 40)) : made.length - 1;
  }
  const labelled = new Set<string>();
  for (const version of [...made].reverse()) version.labels = version.labels.filter((label) => !labelled.has(label) && labelled.add(label));
  return made.reverse();
}
