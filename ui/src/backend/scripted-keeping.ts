import type { Backend } from "./backend";
import type { AppError, ExampleText, Project, RunView, StorageInfo, StoryChange, VersionSummary } from "./generated/wire";
import { emptyDraft } from "./scripted-data";
import type { Host } from "./scripted-table";

export type KeepingHost = Host & {
  addVersion(project: number, text: string, origin: VersionSummary["origin"]): VersionSummary;
  /** A run, if it is there still. */
  run(id: number): RunView | null;
  /** Puts a project beside the others; the id is its own already. */
  add(project: Project): Project;
  /** Deleted runs that can be brought back. */
  binned(): number;
};

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });
const nameOf = (path: string) => path.split(/[\\/]/).pop() ?? path;

/** Stories of versions, files of prompts and backups, as a stand-in. */
export function makeKeeping(host: KeepingHost) {
  /** What was written, by path. */
  const backups = new Map<string, Project>();
  let free = 5_200_000;
  let emptied = 0;

  function versionOf(project: number, id: number): VersionSummary {
    const found = host.project(project).versions.find((one) => one.id === id);
    if (!found) throw wrong("not_found", "This version does not exist any more.");
    return found;
  }

  function examplesOf(project: number, change: Pick<StoryChange, "origin">): ExampleText[] {
    const rows = host.project(project).data?.preview ?? [];
    const { origin } = change;
    const wanted = origin.kind === "rewrite" ? [origin.example] : origin.kind === "demonstrations" ? origin.examples : [];
    return rows.length ? wanted.flatMap((at) => { const row = rows[at % rows.length]; return row ? [{ ...row, row: at + 1 }] : []; }) : [];
  }

  const binned = () => Math.max(0, host.binned() - emptied);
  const info = (): StorageInfo => ({ path: "/home/you/.local/share/pmpo-studio/studio.sqlite3", bytes: 18_400_000 + free, free_bytes: free, binned: binned() });

  return {
    async versionStory(project, id) {
      const { origin, parent } = versionOf(project, id);
      if (origin.kind !== "run") return null;
      const { versions } = host.project(project);
      const view = host.run(origin.run);
      if (!view) return { run: null, run_name: "", from: versions.find((one) => one.id === parent)?.number ?? null, changes: [] };
      const changes: StoryChange[] = [];
      let next = view.candidates.find((one) => one.ordinal === origin.candidate);
      while (next && next.ordinal > 0) {
        const { step, ordinal, origin: how, loss, parent: before } = next;
        changes.unshift({ step, candidate: ordinal, origin: how, examples: examplesOf(project, { origin: how }), loss });
        next = before !== null && before < ordinal ? view.candidates.find((one) => one.ordinal === before) : undefined;
      }
      return { run: view.run.id, run_name: view.run.name, from: versions.find((one) => one.text === view.start_prompt)?.number ?? null, changes };
    },
    async exportVersion(project, id, format) {
      const ending = { txt: "txt", messages: "json", card: "md", code: "py" }[format];
      return `/home/you/prompt-${versionOf(project, id).number}.${ending}`;
    },
    async choosePrompt() { return "/home/you/prompt.md"; },
    async importPrompt(id, path) {
      if (!/\.(txt|md|markdown|json)$/i.test(path)) throw wrong("prompt_file", `${path} cannot be read: it is no text in UTF-8`, "Choose another file.");
      const { draft } = host.project(id);
      const text = `Read the text and name its mood in one word. (From ${nameOf(path)})`;
      if (draft.prompt.trim()) host.addVersion(id, draft.prompt, { kind: "written" });
      host.addVersion(id, text, { kind: "imported", file: nameOf(path) });
      draft.locked = draft.locked.filter((locked) => text.includes(locked));
      draft.prompt = text;
      return host.give(id);
    },

    async backUp(id, withData) {
      const project = host.give(id);
      const path = `/home/you/${project.name.replace(/[\\/:*?"<>|]+/g, "-").slice(0, 60)}.pmpo`;
      backups.set(path, withData ? project : { ...project, data: project.data && { ...project.data, preview: [] } });
      return path;
    },
    async chooseBackup() { return [...backups.keys()].at(-1) ?? "/home/you/Reviews.pmpo"; },
    async bringBack(path) {
      if (!/\.pmpo$/i.test(path)) throw wrong("backup", "This file is no backup of this program.", "Choose a file that ends in .pmpo.");
      const kept = backups.get(path);
      // A file from another computer: the stand-in does not know what is in it.
      if (!kept) return host.add({ id: host.next(), name: nameOf(path).replace(/\.pmpo$/i, ""), sample: null, draft: emptyDraft(), unread: [], shows_examples: true, data: null, runs: [], versions: [] });
      const ids = new Map(kept.versions.map((version) => [version.id, host.next()]));
      const versions = kept.versions.map((version) => ({ ...version, id: ids.get(version.id) ?? 0, parent: ids.get(version.parent ?? 0) ?? null }));
      return host.add({ ...structuredClone(kept), id: host.next(), sample: null, runs: [], versions });
    },

    async storage() { return info(); },
    async checkStorage(): Promise<string[]> { return []; },
    async compactStorage() {
      free = 0;
      emptied = host.binned();
      return info();
    },
  } satisfies Partial<Backend>;
}
