import type { Backend } from "./backend";
import type {
  AnswerTokens, AppError, ComparedFigures, ComparedPrompt, ComparedRow, Comparison, ComparisonRequest, GroundChoice, Project, RunSummary, RunView,
  Scatter, ShellEvent, Subject, TokenSurprise,
} from "./generated/wire";
import { changeOf } from "../lib/right";
import { STEPS, type Turn } from "./scripted-measure";
import { dice } from "./scripted-run";
import { lossOf, type Book, type BookRow, type makeTables } from "./scripted-table";

type CompareHost = {
  project(id: number): Project;
  run(id: number): RunView;
  /** Of a project, newest first. */
  runs(project: number): RunSummary[];
  shell(event: ShellEvent): void;
  busy(): boolean;
};

/** As many as the program sends. */
const MOST_ROWS = 5000;
/** Longer texts are cut in rows. */
const CUT = 300;

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const right = (loss: number) => loss < 1.6;
/** What the model says by itself is right less often than what it picks. */
const said = (loss: number) => loss < 1.1;

function figuresOf(rows: ComparedRow[], labels: boolean, data: string): ComparedFigures | null {
  if (rows.length < 2) return null;
  const [before, after] = [rows.map((row) => row.first), rows.map((row) => row.second)] as const;
  const differences = rows.map((row) => row.second - row.first);
  const middle = mean(differences);
  const error = Math.sqrt(differences.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (rows.length - 1) / rows.length);
  const interval = { low: middle - 1.96 * error, high: middle + 1.96 * error };
  const share = (losses: number[]) => losses.filter(right).length / losses.length;
  return {
    first_loss: mean(before), second_loss: mean(after), accuracy: labels ? [share(before), share(after)] : null,
    asked: labels ? changeOf(before.map(said), after.map(said)) : null, choices: labels ? changeOf(before.map(right), after.map(right)) : null, interval,
    verdict: interval.high < 0 ? "better" : interval.low > 0 ? "worse" : "no_clear_difference", examples: rows.length, data,
  };
}

/** Pieces as a model might read them: words with the space before, long ones in two. */
function tokensOf(text: string, loss: number, seed: number): TokenSurprise[] {
  const words = (text.match(/\s?[^\s]+|\s/gu) ?? []).flatMap((word) => {
    const letters = [...word];
    return letters.length > 7 ? [letters.slice(0, 4).join(""), letters.slice(4).join("")] : [word];
  });
  const roll = dice(seed);
  const texts = [...words, ""];
  // The beginning decides; what follows is mostly expected.
  const weights = texts.map((_, at) => (at === 0 ? 3 : 0.05 + roll() * 0.8));
  const scale = (loss * texts.length) / weights.reduce((sum, weight) => sum + weight, 0);
  return texts.map((token, at) => ({ text: token, nats: (weights[at] ?? 0) * scale }));
}

/** Comparing two prompts example by example, as a stand-in. */
export function makeCompare(host: CompareHost, tables: ReturnType<typeof makeTables>, pace: number, turn: Turn) {
  function textOf(project: Project, subject: Subject): string {
    if (subject.kind === "draft") return project.draft.prompt;
    if (subject.kind === "version") {
      const version = project.versions.find((one) => one.id === subject.id);
      if (!version) throw wrong("not_found", "This version does not exist any more.", "Choose another one.");
      return version.text;
    }
    const view = host.run(subject.run);
    return subject.kind === "run_start" ? view.start_prompt : (view.best?.text ?? view.start_prompt);
  }

  function promptOf(project: Project, subject: Subject): ComparedPrompt {
    const text = textOf(project, subject);
    let segments: ComparedPrompt["segments"] = null;
    let segments_run: string | null = null;
    for (const run of host.runs(project.id)) {
      const found = host.run(run.id).segments.find((view) => view.pieces.map((piece) => piece.text).join("") === text);
      if (!found) continue;
      segments = found;
      segments_run = run.name;
      break;
    }
    return {
      text, segments, segments_run, version: project.versions.find((one) => one.text === text)?.number ?? null,
      run_name: subject.kind === "run_best" || subject.kind === "run_start" ? host.run(subject.run).run.name : null,
    };
  }

  const usedOf = (book: Book) => book.rows.filter((row, at) => tables.partOf(book, row, at) !== "rest");

  function isMeasured(book: Book, ground: GroundChoice, text: string, row: BookRow): boolean {
    if (book.scored.get(text)?.has(row.key)) return true;
    if (ground.kind === "project") return false;
    // A run has measured its own start and best.
    const view = host.run(ground.run);
    return view.start_prompt === text || view.best?.text === text;
  }

  function compare(request: ComparisonRequest): Comparison {
    const project = host.project(request.project);
    const [first, second] = [promptOf(project, request.first), promptOf(project, request.second)];
    const view = request.ground.kind === "run" ? host.run(request.ground.run) : null;
    if (!project.data) return { first, second, ground: null, figures: null, missing: 0, rows: [], rows_total: 0 };
    const book = tables.bookOf(request.project);
    const used = usedOf(book);
    const both = used.filter((row) => isMeasured(book, request.ground, first.text, row) && isMeasured(book, request.ground, second.text, row));
    const labels = book.data.labels !== null;
    const rows = both.map((row): ComparedRow => {
      const [before, after] = [lossOf(row, first.text), lossOf(row, second.text)];
      return {
        example: row.key, row: row.row, input: row.text.input.slice(0, CUT), target: (row.text.targets[0] ?? "").slice(0, CUT), first: before, second: after,
        first_correct: labels ? right(before) : null, second_correct: labels ? right(after) : null,
      };
    });
    rows.sort((a, b) => Math.abs(b.second - b.first) - Math.abs(a.second - a.first));
    const data = view?.data_name ?? book.data.name;
    return {
      first, second, figures: figuresOf(rows, labels, data), missing: used.length - both.length, rows: rows.slice(0, MOST_ROWS), rows_total: rows.length,
      ground: { data, examples: used.length, model: view?.model ?? project.draft.model_path?.split("/").pop() ?? "Qwen3 0.6B" },
    };
  }

  return {
    async compare(request) { return structuredClone(compare(request)); },
    async scatter(request, width, height, dark) { return scatterOf(compare(request).rows, width, height, dark); },
    async measureComparison(request) {
      const { project } = request;
      if (host.busy()) throw wrong("busy", "A run is going on and needs the model for itself.", "Wait for it to end, or pause it.");
      if (turn.going) throw wrong("busy", "Something is being measured already.", "Wait for it to end, or stop it.");
      const book = tables.bookOf(project);
      book.closed = true;
      const texts = [request.first, request.second].map((subject) => textOf(host.project(project), subject));
      const missing = usedOf(book).filter((row) => texts.some((text) => !isMeasured(book, request.ground, text, row)));
      const mine = { project, stopped: false };
      turn.going = mine;
      for (let step = 1; step <= STEPS; step++) {
        await new Promise((resolve) => setTimeout(resolve, pace));
        if (mine.stopped) break;
        const done = Math.round((missing.length * step) / STEPS);
        for (const text of texts) {
          const known = book.scored.get(text) ?? new Set();
          for (const row of missing.slice(0, done)) known.add(row.key);
          book.scored.set(text, known);
        }
        host.shell({ kind: "measuring", project, done, total: missing.length });
      }
      turn.going = null;
      host.shell({ kind: "measured", project, error: null });
      if (mine.stopped) throw wrong("model", "It was stopped.", "Start again whenever you like.");
      return structuredClone(compare(request));
    },
    async compareTokens(request, example) {
      if (host.busy()) throw wrong("busy", "A run is going on and needs the model for itself.", "Wait for it to end, or pause it.");
      const project = host.project(request.project);
      const book = tables.bookOf(request.project);
      const row = book.rows.find((one) => one.key === example);
      if (!row) throw wrong("no_row", "This example is not there any more.", "Look at the table again.");
      await new Promise((resolve) => setTimeout(resolve, pace * 4));
      const losses = [request.first, request.second].map((subject) => lossOf(row, textOf(project, subject)));
      const answer = (role: AnswerTokens["role"], text: string): AnswerTokens => {
        const [first = [], second = []] = losses.map((loss) => tokensOf(text, role === "wrong" ? Math.max(0.1, 2.6 - loss) : loss, example + 3));
        return { role, text, first, second };
      };
      const { targets, rejected } = row.text;
      const others = [...rejected, ...(book.data.labels ?? []).filter((label) => !targets.includes(label))];
      return {
        row: row.row, input: row.text.input,
        answers: [...targets.map((text, at) => answer(at === 0 ? "right" : "also_right", text)), ...others.map((text) => answer("wrong", text))],
      };
    },
  } satisfies Partial<Backend>;
}

/** A dot for each row and the line on which both prompts do the same. */
function scatterOf(rows: ComparedRow[], width: number, height: number, dark: boolean): Scatter {
  const plot = { left: 44, top: 10, width: Math.max(40, width - 56), height: Math.max(40, height - 38) };
  const most = Math.max(0.1, ...rows.flatMap((row) => [row.first, row.second])) * 1.05;
  const axis = { min: 0, max: most };
  const px = (loss: number) => plot.left + (loss / most) * plot.width;
  const py = (loss: number) => plot.top + (1 - loss / most) * plot.height;
  const ink = dark ? "#a9adb3" : "#5b5d61";
  const [better, worse] = dark ? ["#6fc3dd", "#f2a06a"] : ["#0b6a86", "#a8480c"];
  const parts = [`<rect width="${width}" height="${height}" fill="${dark ? "#1c1e21" : "#ffffff"}"/>`];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const loss = most * share;
    parts.push(
      `<text x="${plot.left - 6}" y="${py(loss) + 4}" text-anchor="end" font-size="12" fill="${ink}">${loss.toFixed(1)}</text>`,
      `<text x="${px(loss)}" y="${height - 8}" text-anchor="middle" font-size="12" fill="${ink}">${loss.toFixed(1)}</text>`,
    );
  }
  parts.push(`<rect x="${plot.left}" y="${plot.top}" width="${plot.width}" height="${plot.height}" fill="none" stroke="${dark ? "#34373c" : "#e0e0db"}"/>`);
  parts.push(`<line x1="${px(0)}" y1="${py(0)}" x2="${px(most)}" y2="${py(most)}" stroke="${ink}" stroke-dasharray="4 3"/>`);
  for (const row of rows) {
    parts.push(`<circle cx="${px(row.first).toFixed(1)}" cy="${py(row.second).toFixed(1)}" r="3.5" fill="${row.second < row.first ? better : worse}" fill-opacity="0.7"/>`);
  }
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">${parts.join("")}</svg>`,
    plot, x: axis, y: { ...axis, log: false },
  };
}
