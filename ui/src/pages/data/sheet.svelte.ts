import { asAppError, type Backend } from "../../backend";
import type { AppError, TablePage, TableQuery, TableRow } from "../../backend/generated/wire";

/** Rows that are asked for at once. */
export const PAGE = 200;
/** Pages that are kept; those far from the rows in sight go first. */
const KEPT = 60;
/** Questions under way at once: more would only fetch what has been scrolled past. */
const AT_ONCE = 2;

export const everything: TableQuery = { search: "", part: null, label: null, order: "file" };

export type Head = Omit<TablePage, "rows" | "from">;

/** The rows that a query finds, of which only those near the ones in sight are here. */
export class Sheet {
  query = $state.raw<TableQuery>(everything);
  /** What the last answer said of the whole table. */
  head = $state.raw<Head | null>(null);
  /** A new query, or everything anew, is on its way. */
  busy = $state(false);
  error = $state.raw<AppError | null>(null);
  /** Whether a row that was read has a weight of its own. */
  weighted = $state(false);

  #pages = $state.raw<ReadonlyMap<number, TableRow[]>>(new Map());
  readonly #backend: Backend;
  readonly #project: number;
  /** Counts queries, so that a late answer to an old one is let go. */
  #turn = 0;
  #asked = new Set<number>();
  #sight = { first: 0, end: 1 };

  constructor(backend: Backend, project: number) {
    this.#backend = backend;
    this.#project = project;
  }

  readonly count = $derived(this.head?.found ?? 0);
  readonly narrowed = $derived(this.query.search.trim() !== "" || this.query.part !== null || this.query.label !== null);

  /** null while its page is on its way. */
  row(at: number): TableRow | null {
    return this.#pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? null;
  }

  /** Its place, where it is among the rows read; otherwise -1. */
  indexOf(key: number): number {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.key === key);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  find(change: Partial<TableQuery>): Promise<void> {
    this.query = { ...this.query, ...change };
    this.#sight = { first: 0, end: this.#sight.end - this.#sight.first };
    return this.load();
  }

  /** Reads the rows in sight anew. What is shown stays until the answer is here. */
  async load(): Promise<void> {
    const turn = ++this.#turn;
    this.#asked = new Set();
    this.busy = true;
    this.error = null;
    try {
      const numbers = this.#wanted();
      const answers = await Promise.all(numbers.map((page) => this.#ask(page)));
      if (turn !== this.#turn) return;
      this.weighted = false;
      this.#pages = new Map();
      answers.forEach((answer, at) => this.#take(numbers[at] ?? 0, answer));
      this.busy = false;
      this.#more();
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.error = asAppError(thrown);
      this.busy = false;
    }
  }

  /** Says which rows are in sight; those that are missing are asked for. */
  look(first: number, end: number): void {
    this.#sight = { first, end: Math.max(end, first + 1) };
    this.#more();
  }

  /** A row wherever it is; null beyond the ends. */
  async at(at: number): Promise<TableRow | null> {
    if (at < 0 || at >= this.count) return null;
    return this.row(at) ?? (await this.#ask(Math.floor(at / PAGE))).rows[at % PAGE] ?? null;
  }

  /** The keys of a stretch of rows, both ends included. */
  async keys(first: number, last: number): Promise<number[]> {
    const keys: number[] = [];
    for (let page = Math.floor(first / PAGE); page * PAGE <= last; page++) {
      const rows = this.#pages.get(page) ?? (await this.#ask(page)).rows;
      keys.push(...rows.filter((_, at) => page * PAGE + at >= first && page * PAGE + at <= last).map((row) => row.key));
    }
    return keys;
  }

  #wanted(): number[] {
    const first = Math.floor(this.#sight.first / PAGE);
    const last = Math.floor((this.#sight.end - 1) / PAGE);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  }

  #ask(page: number): Promise<TablePage> {
    return this.#backend.tablePage(this.#project, this.query, page * PAGE, PAGE);
  }

  #take(page: number, answer: TablePage): void {
    const { rows, from: _, ...head } = answer;
    this.head = head;
    if (rows.some((row) => row.weight !== 1)) this.weighted = true;
    const pages = new Map(this.#pages).set(page, rows);
    if (pages.size > KEPT) {
      const away = (one: number) => Math.abs(one * PAGE - this.#sight.first);
      const furthest = [...pages.keys()].reduce((far, one) => (away(one) > away(far) ? one : far), page);
      pages.delete(furthest);
    }
    this.#pages = pages;
  }

  #more(): void {
    if (this.busy || this.error) return;
    for (const page of this.#wanted()) {
      const there = this.#pages.has(page) || this.#asked.has(page) || page * PAGE >= this.count;
      if (!there && this.#asked.size < AT_ONCE) void this.#fetch(page);
    }
  }

  async #fetch(page: number): Promise<void> {
    const turn = this.#turn;
    this.#asked.add(page);
    try {
      const answer = await this.#ask(page);
      if (turn !== this.#turn) return;
      this.#take(page, answer);
    } catch (thrown) {
      if (turn === this.#turn) this.error = asAppError(thrown);
    } finally {
      if (turn === this.#turn) {
        this.#asked.delete(page);
        this.#more();
      }
    }
  }
}
