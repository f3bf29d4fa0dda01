import type { Backend } from "./backend";
import type { AppError, ComparedFigures, LabelMove, VersionSummary } from "./generated/wire";
import { lossOf, type Host, type makeTables } from "./scripted-table";

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Notes, tags and labels of versions, and comparing them, as a stand-in. */
export function makeVersions(host: Host, tables: ReturnType<typeof makeTables>) {
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

  function figuresOf(project: number, first: string, second: string): ComparedFigures | null {
    if (!host.project(project).data) return null;
    const book = tables.bookOf(project);
    const rows = book.rows.filter((row) => book.scored.get(first)?.has(row.key) && book.scored.get(second)?.has(row.key));
    if (rows.length < 2) return null;
    const [before, after] = [rows.map((row) => lossOf(row, first)), rows.map((row) => lossOf(row, second))] as const;
    const differences = after.map((loss, at) => loss - (before[at] ?? 0));
    const middle = mean(differences);
    const error = Math.sqrt(differences.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (rows.length - 1) / rows.length);
    const interval = { low: middle - 1.96 * error, high: middle + 1.96 * error };
    const right = (losses: number[]) => losses.filter((loss) => loss < 1.6).length / losses.length;
    return {
      first_loss: mean(before), second_loss: mean(after), accuracy: book.data.labels ? [right(before), right(after)] : null, interval,
      verdict: interval.high < 0 ? "better" : interval.low > 0 ? "worse" : "no_clear_difference", examples: rows.length, data: book.data.name,
    };
  }

  return {
    async useVersion(project, version) {
      const chosen = versionOf(project, version);
      put(project, "in use", chosen);
      host.project(project).draft.prompt = chosen.text;
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
    async compareVersions(project, first, second) {
      const [before, after] = [first, second].map((id) => (id === null ? host.project(project).draft.prompt : versionOf(project, id).text)) as [string, string];
      return { first: before, second: after, figures: figuresOf(project, before, after) };
    },
  } satisfies Partial<Backend>;
}
