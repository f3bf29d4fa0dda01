import type { CatalogueModel, Computer, Fit, ModelMemory } from "../../backend/generated/wire";
import { language } from "../../text";

export const filters = ["all", "fits", "instruct", "base"] as const;
export type Filter = (typeof filters)[number];

/** Names of languages in the language of the page. */
export function languageNames(codes: string[]): string[] {
  const names = new Intl.DisplayNames(language(), { type: "language" });
  return codes.map((code) => {
    try {
      return names.of(code) ?? code;
    } catch {
      return code;
    }
  });
}

export function matches(model: CatalogueModel, filter: Filter, search: string): boolean {
  const { entry, fit } = model;
  if (filter === "fits" && fit.verdict === "too_big") return false;
  if ((filter === "instruct" || filter === "base") && entry.kind !== filter) return false;
  const text = [entry.name, entry.family, entry.repo, entry.quantisation, entry.licence.name, entry.good_for[language()], ...languageNames(entry.languages)].join("\n").toLocaleLowerCase();
  return search.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export const onGpu = (fit: Fit) => fit.way === "gpu_packed" || fit.way === "gpu";

export function total(memory: ModelMemory): number {
  return memory.weights + memory.packed_weights + memory.keys_and_values + memory.working + memory.program;
}

/** What is free where the model would run. */
export function freeFor(fit: Fit, computer: Computer): number {
  return onGpu(fit) ? (computer.gpu ?? 0) : computer.free;
}

/** A name within a sentence, in its own direction. */
export const isolated = (name: string) => `\u2068${name}\u2069`;
