import { de } from "./de";
import { deAbout } from "./de-about";
import { deDevice } from "./de-device";
import { deAnswers } from "./de-answers";
import { deCompare } from "./de-compare";
import { deImport } from "./de-import";
import { deKeeping } from "./de-keeping";
import { deModels } from "./de-models";
import { deRun } from "./de-run";
import { deRuns } from "./de-runs";
import { deServers } from "./de-servers";
import { deShown } from "./de-shown";
import { deTable } from "./de-table";
import { deVersions } from "./de-versions";
import { en } from "./en";
import { enAbout } from "./en-about";
import { enDevice } from "./en-device";
import { enAnswers } from "./en-answers";
import { enCompare } from "./en-compare";
import { enImport } from "./en-import";
import { enKeeping } from "./en-keeping";
import { enModels } from "./en-models";
import { enRun } from "./en-run";
import { enRuns } from "./en-runs";
import { enServers } from "./en-servers";
import { enShown } from "./en-shown";
import { enTable } from "./en-table";
import { enVersions } from "./en-versions";

const english = { ...en, ...enRun, ...enImport, ...enTable, ...enVersions, ...enRuns, ...enCompare, ...enKeeping, ...enModels, ...enServers, ...enShown, ...enAnswers, ...enAbout, ...enDevice };
export type Texts = typeof english;
const german: Texts = { ...de, ...deRun, ...deImport, ...deTable, ...deVersions, ...deRuns, ...deCompare, ...deKeeping, ...deModels, ...deServers, ...deShown, ...deAnswers, ...deAbout, ...deDevice };

export const languages = { en: english, de: german } as const;
export type Language = keyof typeof languages;

let current = $state<Language>("en");

/** Tag of the language that is shown, also for numbers and dates. */
export function language(): Language {
  return current;
}

/** `wanted` is a language, or "" to follow the system. */
export function setLanguage(wanted: string): void {
  const asked = wanted || (typeof navigator === "undefined" ? "en" : navigator.language);
  const short = asked.slice(0, 2).toLowerCase();
  current = short in languages ? (short as Language) : "en";
  if (typeof document !== "undefined") document.documentElement.lang = current;
}

/** All texts in the language that is shown; changes with it. */
export const t: Texts = new Proxy(english, {
  get: (_, group: keyof Texts) => languages[current][group],
});
