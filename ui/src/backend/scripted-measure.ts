import type { Backend } from "./backend";
import type { AppError, DataChart, Measured, Measurements, ShellEvent, VersionSummary } from "./generated/wire";
import { lossOf, type Book, type Host, type makeTables } from "./scripted-table";

type MeasureHost = Host & {
  shell(event: ShellEvent): void;
  addVersion(project: number, text: string, origin: VersionSummary["origin"]): VersionSummary;
  busy(): boolean;
};

type Cell = Omit<Measured, "comparable"> & { scope: string };

/** What is being measured: one thing at a time. */
export type Turn = { going: { project: number; stopped: boolean } | null };

/** Messages of one measurement. */
export const STEPS = 4;

const wrong = (code: string, message: string, hint: string): AppError => ({ code, message, hint });

/** Versions measured on states of the data, as a stand-in; `pace` is the pause between two messages. */
export function makeMeasuring(host: MeasureHost, tables: ReturnType<typeof makeTables>, pace: number, turn: Turn) {
  const cells: Cell[] = [];

  function score(book: Book, version: VersionSummary, scope: string): void {
    const rows = book.rows.filter((row, at) => tables.partOf(book, row, at) !== "rest");
    const losses = rows.map((row) => lossOf(row, version.text));
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length);
    const spread = Math.sqrt(losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / Math.max(1, losses.length - 1));
    book.scored.set(version.text, new Set(rows.map((row) => row.key)));
    const known = cells.findIndex((cell) => cell.version === version.id && cell.dataset === book.id && cell.scope === scope);
    if (known >= 0) cells.splice(known, 1);
    const { model_path } = host.project(book.project).draft;
    cells.unshift({
      version: version.id, dataset: book.id, scope, loss: mean, std_error: losses.length > 1 ? spread / Math.sqrt(losses.length) : null,
      accuracy: book.data.labels ? losses.filter((loss) => loss < 1.6).length / Math.max(1, losses.length) : null,
      asked: book.data.labels ? losses.filter((loss) => loss < 1.1).length / Math.max(1, losses.length) : null,
      examples: rows.length, model: model_path?.split("/").pop() ?? "Qwen3 0.6B", measured_at: host.now(),
    });
  }

  function view(project: number): Measurements {
    const current = host.project(project).data ? tables.bookOf(project).id : null;
    const books = [...tables.books.values()].filter((book) => book.project === project).sort((a, b) => a.id - b.id);
    const mine = cells.filter((cell) => books.some((book) => book.id === cell.dataset));
    const newest = mine[0]?.scope;
    const shown: Measured[] = [];
    for (const { scope, ...cell } of mine) {
      const known = shown.findIndex((one) => one.version === cell.version && one.dataset === cell.dataset);
      const comparable = scope === newest;
      if (known < 0) shown.push({ ...cell, comparable });
      else if (comparable && !shown[known]?.comparable) shown[known] = { ...cell, comparable };
    }
    return {
      datasets: books.filter((book) => book.id === current || book.copy || mine.some((cell) => cell.dataset === book.id)).map((book) => ({
        id: book.id, name: book.data.name, examples: book.rows.length, edits: book.done.length, current: book.id === current, created_at: book.created_at,
      })),
      cells: shown, busy: turn.going?.project === project,
    };
  }

  const methods = {
    async measurements(project) { return view(project); },
    async measure(project, versions, datasets) {
      if (host.busy()) throw wrong("busy", "A run is going on and needs the model for itself.", "Wait for it to end, or pause it.");
      if (turn.going) throw wrong("busy", "Something is being measured already.", "Wait for it to end, or stop it.");
      const { draft, versions: known } = host.project(project);
      const current = tables.bookOf(project);
      current.closed = true;
      const books = datasets.length ? datasets.flatMap((id) => tables.books.get(id) ?? []) : [current];
      if (!versions.length && !draft.prompt.trim()) throw wrong("prompt", "The prompt is empty.", "Write what the model should do with each example.");
      const wanted = versions.length
        ? known.filter((version) => versions.includes(version.id))
        : [host.addVersion(project, draft.prompt, { kind: "written" })];
      const mine = { project, stopped: false };
      turn.going = mine;
      const scope = JSON.stringify([draft.model_path, draft.settings]);
      const pairs = books.flatMap((book) => wanted.map((version) => ({ book, version })));
      const total = pairs.reduce((sum, { book }) => sum + book.rows.length, 0);
      let before = 0;
      for (const { book, version } of pairs) {
        for (let step = 1; step <= STEPS && !mine.stopped; step++) {
          await new Promise((resolve) => setTimeout(resolve, pace));
          if (!mine.stopped) host.shell({ kind: "measuring", project, done: before + Math.round((book.rows.length * step) / STEPS), total });
        }
        if (mine.stopped) break;
        before += book.rows.length;
        score(book, version, scope);
      }
      turn.going = null;
      host.shell({ kind: "measured", project, error: null });
      if (mine.stopped) throw wrong("model", "It was stopped.", "Start again whenever you like.");
      return view(project);
    },
    async stopMeasuring(project) { if (turn.going?.project === project) turn.going.stopped = true; },
    async dataChart(project, versions, width, height, dark) { return chartOf(view(project), versions, width, height, dark); },
  } satisfies Partial<Backend>;

  return methods;
}

function chartOf({ datasets, cells }: Measurements, versions: number[], width: number, height: number, dark: boolean): DataChart {
  const plot = { left: 56, top: 10, width: Math.max(40, width - 70), height: Math.max(40, height - 38) };
  const lines = versions.map((version) => datasets.flatMap((dataset, at) => {
    const cell = cells.find((one) => one.version === version && one.dataset === dataset.id && one.comparable);
    return cell ? [{ at, loss: cell.loss }] : [];
  }));
  const losses = lines.flat().map((point) => point.loss);
  const room = 0.1 * Math.max(0.2, Math.max(...losses) - Math.min(...losses));
  const x = { min: -0.5, max: datasets.length - 0.5 };
  const y = { min: Math.min(...losses) - room, max: Math.max(...losses) + room, log: false };
  const px = (at: number) => plot.left + ((at - x.min) / (x.max - x.min)) * plot.width;
  const py = (loss: number) => plot.top + (1 - (loss - y.min) / (y.max - y.min)) * plot.height;
  const colours = lines.length === 1 ? [dark ? "#8ab4f0" : "#2b5a9e"] : ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
  const ink = dark ? "#a9adb3" : "#5b5d61";
  const parts = [`<rect width="${width}" height="${height}" fill="${dark ? "#1c1e21" : "#ffffff"}"/>`];
  for (const loss of [y.min, (y.min + y.max) / 2, y.max]) {
    parts.push(`<text x="${plot.left - 8}" y="${py(loss) + 4}" text-anchor="end" font-size="12" fill="${ink}">${loss.toFixed(2)}</text>`);
  }
  datasets.forEach((_, at) => parts.push(`<text x="${px(at)}" y="${height - 8}" text-anchor="middle" font-size="12" fill="${ink}">${at + 1}</text>`));
  lines.forEach((line, nth) => {
    const colour = colours[nth % colours.length];
    parts.push(`<polyline points="${line.map((point) => `${px(point.at)},${py(point.loss)}`).join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const point of line) parts.push(`<circle cx="${px(point.at)}" cy="${py(point.loss)}" r="4" fill="${colour}"/>`);
  });
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">${parts.join("")}</svg>`,
    plot, x, y,
  };
}
