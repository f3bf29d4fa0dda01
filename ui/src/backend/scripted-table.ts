import type { Backend } from "./backend";
import type { AppError, DataSummary, Project, RowText, RowUse, RowsChosen, TablePage, TableQuery, TableRow } from "./generated/wire";

export type BookRow = { key: number; row: number; text: RowText };
type Edit = Array<{ key: number; before: BookRow | null; after: BookRow | null }>;

/** One state of a project's examples. */
export type Book = {
  id: number;
  project: number;
  data: DataSummary;
  rows: BookRow[];
  done: Edit[];
  undone: Edit[];
  /** Measured, so that an edit makes a copy. */
  closed: boolean;
  copy: boolean;
  created_at: number;
  /** Keys of rows that were measured, by prompt. */
  scored: Map<string, Set<number>>;
};

export type Host = {
  project(id: number): Project;
  give(id: number): Project;
  next(): number;
  now(): number;
};

const wrong = (code: string, message: string, hint: string): AppError => ({ code, message, hint });

/** A loss that is always the same for the same row and prompt. */
export function lossOf(row: BookRow, prompt: string): number {
  const spread = ((row.key * 7919 + row.text.input.length * 31) % 1000) / 1000;
  // Not every example gains by the same prompt.
  const taste = 1 + 0.35 * Math.sin(row.key * ((prompt.length % 17) + 3));
  return (0.2 + 2.6 * spread) * Math.max(0.4, 1.3 - prompt.length / 300) * taste;
}

function rowsOf(data: DataSummary): BookRow[] {
  const samples = data.preview.length ? data.preview : [{ row: 1, input: "", targets: [""], rejected: [] }];
  return Array.from({ length: data.examples }, (_, at) => {
    const like = samples[at % samples.length] ?? samples[0];
    const input = at < samples.length ? like?.input : `${like?.input} (${at + 1})`;
    const text: RowText = { input: input ?? "", targets: [...(like?.targets ?? [])], rejected: [...(like?.rejected ?? [])], part: null, weight: 1 };
    return { key: at, row: at + 1, text };
  });
}

function checked(row: RowText, preference: boolean): RowText {
  const filled = (texts: string[]) => [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ""))];
  const targets = filled(row.targets);
  const rejected = preference ? filled(row.rejected) : [];
  if (!row.input.trim()) throw wrong("row", "There is no input.", "Write what the model is to read.");
  if (!(row.weight > 0 && row.weight <= 1e6)) throw wrong("row", "The weight must be a number over 0, and a million at most.", "1 is the usual weight.");
  if (!targets.length) throw wrong("row", "There is no answer.", "Write what the model should answer.");
  if (preference && !rejected.length) throw wrong("row", "There is no worse answer.", "Write one.");
  if (preference && rejected.includes(targets[0] ?? "")) throw wrong("row", "The better and the worse answer are the same.", "Change one of them.");
  return { ...row, targets, rejected };
}

/** The table of examples as a stand-in. */
export function makeTables(host: Host) {
  const books = new Map<number, Book>();
  // What was found in the rows as they are, by query.
  let rows: BookRow[] = [];
  let found = new Map<string, TableRow[]>();

  /** The state of the data in use; it is made of its first rows when it is first asked for. */
  function bookOf(project: number): Book {
    const data = host.project(project).data;
    if (!data) throw wrong("no_data", "There are no examples yet.", "Bring a file.");
    const known = books.get(data.id);
    if (known) return known;
    const made: Book = {
      id: data.id, project, data: { ...data }, rows: rowsOf(data), done: [], undone: [], closed: false, copy: false, created_at: host.now(), scored: new Map(),
    };
    books.set(data.id, made);
    return made;
  }

  function open(project: number): Book {
    const book = bookOf(project);
    if (!book.closed) return book;
    const id = host.next();
    const scored = new Map([...book.scored].map(([prompt, keys]) => [prompt, new Set(keys)]));
    const copy: Book = { ...book, id, data: { ...book.data, id }, done: [...book.done], undone: [...book.undone], closed: false, copy: true, created_at: host.now(), scored };
    books.set(id, copy);
    return copy;
  }

  function use(book: Book): void {
    const preview = book.rows.slice(0, 5).map(({ row, text }) => ({ row, input: text.input, targets: text.targets, rejected: text.rejected }));
    book.data = { ...book.data, examples: book.rows.length, edits: book.done.length, preview };
    host.project(book.project).data = { ...book.data };
  }

  function put(book: Book, edit: Edit, back: boolean): void {
    const now = new Map(edit.map((one) => [one.key, back ? one.before : one.after]));
    const kept = book.rows.filter((row) => !now.has(row.key));
    const placed = [...now.values()].filter((row) => row !== null);
    book.rows = [...kept, ...placed].sort((a, b) => a.key - b.key);
    for (const keys of book.scored.values()) for (const key of now.keys()) keys.delete(key);
    use(book);
  }

  function edit(project: number, change: (book: Book) => Edit): void {
    const made = change(bookOf(project));
    if (!made.length) return;
    const book = open(project);
    book.done.push(made);
    book.undone = [];
    put(book, made, false);
  }

  function step(project: number, back: boolean): boolean {
    const there = bookOf(project);
    if (!(back ? there.done : there.undone).length) return false;
    const book = open(project);
    const made = (back ? book.done : book.undone).pop();
    if (!made) return false;
    (back ? book.undone : book.done).push(made);
    put(book, made, back);
    return true;
  }

  function partOf(book: Book, row: BookRow, at: number): RowUse {
    if (row.text.part) return row.text.part;
    const { train, validation } = book.data;
    return at < train ? "train" : at < train + validation ? "validation" : "rest";
  }

  function listed(book: Book): TableRow[] {
    const prompt = host.project(book.project).draft.prompt;
    const scored = book.scored.get(prompt);
    return book.rows.map((row, at) => {
      const loss = scored?.has(row.key) ? lossOf(row, prompt) : null;
      const { input, targets, rejected, weight } = row.text;
      return {
        key: row.key, row: row.row, input, targets, rejected, weight, part: partOf(book, row, at), loss,
        correct: loss === null || !book.data.labels ? null : loss < 1.6,
      };
    });
  }

  function find(book: Book, query: TableQuery): TableRow[] {
    const key = JSON.stringify([query, host.project(book.project).draft.prompt, [...book.scored.values()].map((keys) => keys.size)]);
    if (rows !== book.rows) {
      rows = book.rows;
      found = new Map();
    }
    const known = found.get(key);
    if (known) return known;
    const words = query.search.trim().toLowerCase();
    const list = listed(book).filter((row) =>
      (!query.part || row.part === query.part) && (query.label === null || row.targets[0] === query.label)
      && (!words || [row.input, ...row.targets, ...row.rejected].some((text) => text.toLowerCase().includes(words))));
    if (query.order === "hardest") list.sort((a, b) => (b.loss ?? -Infinity) - (a.loss ?? -Infinity));
    if (query.order === "easiest") list.sort((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity));
    found.set(key, list);
    return list;
  }

  const everything: TableQuery = { search: "", part: null, label: null, order: "file" };

  const methods = {
    async tablePage(project, query, from, count): Promise<TablePage> {
      const book = bookOf(project);
      const all = find(book, everything);
      const parts = (part: RowUse) => all.filter((row) => row.part === part).length;
      const labels = (book.data.labels ?? []).map((label) => ({ label, count: all.filter((row) => row.targets[0] === label).length }));
      const head = {
        total: all.length, labels, train: parts("train"), validation: parts("validation"), measured: all.filter((row) => row.loss !== null).length,
        preference: book.data.kind === "preference", edits: book.done.length, undone: book.undone.length,
      };
      const list = find(book, query);
      return structuredClone({ ...head, found: list.length, from, rows: list.slice(from, from + count) });
    },
    async tableRow(project, key) {
      const row = bookOf(project).rows.find((one) => one.key === key);
      if (!row) throw wrong("no_row", "This row is not there any more.", "Look at the table again.");
      return structuredClone(row.text);
    },
    async editRow(project, key, text) {
      edit(project, (book) => {
        const before = book.rows.find((one) => one.key === key);
        if (!before) throw wrong("no_row", "This row is not there any more.", "Look at the table again.");
        return [{ key, before, after: { ...before, text: checked(text, book.data.kind === "preference") } }];
      });
    },
    async addRow(project, text) {
      const used = [...books.values()].filter((book) => book.project === project).flatMap((book) => [...book.done, ...book.undone].flat());
      const key = 1 + [...bookOf(project).rows, ...used].reduce((most, one) => Math.max(most, one.key), -1);
      edit(project, (book) => [{ key, before: null, after: { key, row: 0, text: checked(text, book.data.kind === "preference") } }]);
      return key;
    },
    async removeRows(project, chosen: RowsChosen) {
      const book = bookOf(project);
      const keys = new Set(chosen.kind === "keys" ? chosen.keys : find(book, chosen.query).map((row) => row.key));
      const gone = book.rows.filter((row) => keys.has(row.key));
      edit(project, () => gone.map((before) => ({ key: before.key, before, after: null })));
      return gone.length;
    },
    async undoEdit(project) { return step(project, true); },
    async redoEdit(project) { return step(project, false); },
    async exportData(project, format) { return `/home/you/${bookOf(project).data.name.replace(/\.\w+$/, "")}-edited.${format}`; },
    async useDataset(project, dataset) {
      const book = books.get(dataset);
      if (!book || book.project !== project) throw wrong("no_data", "This belongs to another project.", "Go back.");
      bookOf(project).closed = true;
      use(book);
      return host.give(project);
    },
  } satisfies Partial<Backend>;

  return { methods, bookOf, partOf, books };
}
