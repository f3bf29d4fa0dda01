import type { Backend } from "./backend";
import type { AppError, CurveStyle, OverlayRequest, RunLine, RunsPage, RunView, VersionSummary } from "./generated/wire";
import { costs, groundOf, overlayOf, readingsOf, type Drawable } from "./scripted-overlay";

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#968214", "#787878"];
const usual: CurveStyle = { axis: "prompts", kind: "best", smoothing: 0, groups: "none", log: false, starts: false };

type Kept = { view: RunView };
type Noted = { note: string; tags: string[]; archived: boolean; colour: string | null };
type Host<R extends Kept> = { runs: Map<number, R>; versions: (project: number) => VersionSummary[] };

/** The page of runs, as a stand-in. */
export function makeRuns<R extends Kept>({ runs, versions }: Host<R>) {
  const bin = new Map<number, R>();
  const noted = new Map<number, Noted>();
  let page: RunsPage = { style: usual, columns: [], sort: "", descending: false, shown: null, archived: false };

  const runOf = (id: number): R => {
    const found = runs.get(id);
    if (!found) throw wrong("not_found", "This run does not exist any more.", "Go back to the start page.");
    return found;
  };
  const notedOf = (id: number): Noted => noted.get(id) ?? { note: "", tags: [], archived: false, colour: null };
  const change = (id: number, what: Partial<Noted>) => {
    runOf(id);
    noted.set(id, { ...notedOf(id), ...what });
  };
  const colourOf = (id: number) => notedOf(id).colour ?? PALETTE[id % PALETTE.length] ?? "";
  const drawn = ({ runs: ids }: OverlayRequest): Drawable[] =>
    ids.flatMap((id) => runs.get(id) ?? []).map(({ view }) => ({ view, colour: colourOf(view.run.id), ground: groundOf(view) }));

  function lineOf({ view }: R): RunLine {
    const { run } = view;
    const { colour, ...mine } = notedOf(run.id);
    const kept = versions(run.project);
    const check = view.outcome?.validation;
    const { pairs, tokens } = costs(view);
    return {
      run, prompt: view.start_prompt.slice(0, 160), start_version: kept.find((one) => one.text === view.start_prompt)?.number ?? 1,
      best_version: kept.find((one) => one.origin.kind === "run" && one.origin.run === run.id)?.number ?? null, data: view.data_name,
      examples: view.train + view.validation, model: view.model, device: view.device, writer: view.writer, settings: view.settings,
      validation: check ? [check.start_loss, check.best_loss] : null, pairs, tokens, steps: view.steps.length, ...mine, colour: colourOf(run.id), own_colour: colour !== null,
      ground: groundOf(view),
    };
  }

  return {
    async deleteRun(id) {
      const run = runOf(id);
      if (run.view.run.active) throw wrong("busy", "This run is going on.", "Stop it first.");
      bin.set(id, run);
      runs.delete(id);
    },
    async undeleteRun(id) {
      const run = bin.get(id);
      if (!run) throw wrong("not_found", "This run does not exist any more.", "Go back to the start page.");
      bin.delete(id);
      runs.set(id, run);
    },
    async runs(project) {
      const mine = [...runs.values()].filter(({ view }) => project === null || view.run.project === project);
      return structuredClone(mine.map(lineOf).sort((a, b) => b.run.created_at - a.run.created_at));
    },
    async describeRun(id, name, note, tags) {
      const { view } = runOf(id);
      if (!name.trim() || [...name.trim()].length > 200) throw wrong("run", "A run needs a name of at most 200 letters.", "Choose another name.");
      if ([...note].length > 20_000) throw wrong("run", "The note is too long.", "20,000 letters fit.");
      if (tags.length > 20 || tags.some((tag) => [...tag].length > 40)) throw wrong("run", "There are too many tags, or one is too long.", "20 tags of 40 letters fit.");
      view.run = { ...view.run, name: name.trim() };
      change(id, { note, tags: [...tags].sort() });
    },
    async archiveRun(id, archived) { change(id, { archived }); },
    async colourRun(id, colour) {
      if (colour !== null && !/^#[0-9a-f]{6}$/iu.test(colour)) throw wrong("run", "This is no colour.", "Choose one from the field.");
      change(id, { colour });
    },
    async overlay(request) { return overlayOf(request, drawn(request)); },
    async overlayAt(request, x) { return readingsOf(drawn(request), request.style, x); },
    async exportOverlay(request, format, large) { return `/home/you/${request.prompts ? `prompt-run-${request.runs[0]}` : "runs"}${large ? "-large" : ""}${request.dark ? "-dark" : ""}.${format}`; },
    async runsPage() { return structuredClone(page); },
    async saveRunsPage(next) { page = structuredClone(next); },
  } satisfies Partial<Backend>;
}
