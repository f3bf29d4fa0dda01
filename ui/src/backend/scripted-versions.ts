import type { Backend } from "./backend";
import type { AppError, LabelMove, VersionSummary } from "./generated/wire";
import type { Host } from "./scripted-table";

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });

type VersionHost = Host & { addVersion(project: number, text: string, origin: VersionSummary["origin"]): VersionSummary };

/** Notes, tags and labels of versions, as a stand-in. */
export function makeVersions(host: VersionHost) {
  const moves = new Map<number, LabelMove[]>();

  function versionOf(project: number, id: number): VersionSummary {
    const found = host.project(project).versions.find((one) => one.id === id);
    if (!found) throw wrong("not_found", "This version does not exist any more.");
    return found;
  }

  function put(project: number, name: string, version: VersionSummary | null): void {
    const { versions } = host.project(project);
    if ((versions.find((one) => one.labels.includes(name)) ?? null) === version) return;
    for (const one of versions) one.labels = one.labels.filter((label) => label !== name);
    version?.labels.push(name);
    moves.set(project, [{ name, version: version?.id ?? null, moved_at: host.now() }, ...(moves.get(project) ?? [])]);
  }

  return {
    async useVersion(project, version) {
      const chosen = versionOf(project, version);
      const { draft } = host.project(project);
      // What was in the editor is kept.
      if (draft.prompt.trim()) host.addVersion(project, draft.prompt, { kind: "written" });
      put(project, "in use", chosen);
      draft.prompt = chosen.text;
      return host.give(project);
    },
    async annotateVersion(project, version, note, starred, tags) {
      const found = versionOf(project, version);
      if ([...note].length > 20_000) throw wrong("version", "The note is too long.", "20,000 letters fit.");
      if (tags.length > 20 || tags.some((tag) => [...tag].length > 40)) throw wrong("version", "There are too many tags, or one is too long.", "20 tags of 40 letters fit.");
      Object.assign(found, { note, starred, tags: [...tags] });
      return host.give(project);
    },
    async labelVersion(project, name, version) {
      if (!name.trim() || [...name].length > 40) throw wrong("version", "This label is empty or too long.", "40 letters fit.");
      put(project, name, version === null ? null : versionOf(project, version));
      return host.give(project);
    },
    async labelMoves(project) { return structuredClone(moves.get(project) ?? []); },
  } satisfies Partial<Backend>;
}
