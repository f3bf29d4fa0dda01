import { asAppError, type Backend, type Unsubscribe } from "../backend";
import type { AppError, RunMessage, RunView } from "../backend/generated/wire";
import { applyMessages } from "./run";

/** Messages are shown together this often; more would only be flicker. */
const BATCH = 100;

export type Wish = "pause" | "stop" | null;

/** A run that is being watched, and what the person can make it do. */
export class LiveRun {
  view = $state.raw<RunView | null>(null);
  error = $state.raw<AppError | null>(null);
  /** What was asked for and has not happened yet. */
  wish = $state<Wish>(null);
  resuming = $state(false);

  readonly #backend: Backend;
  readonly #run: number;
  #waiting: RunMessage[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #unsubscribe: Unsubscribe | null = null;
  /** Counts subscriptions, so that a late answer of an old one is ended. */
  #turn = 0;

  constructor(backend: Backend, run: number) {
    this.#backend = backend;
    this.#run = run;
  }

  async watch(): Promise<void> {
    this.#drop();
    const turn = ++this.#turn;
    this.error = null;
    try {
      const unsubscribe = await this.#backend.watchRun(this.#run, (message) => {
        if (turn === this.#turn) this.#take(message);
      });
      if (turn === this.#turn) this.#unsubscribe = unsubscribe;
      else unsubscribe();
    } catch (thrown) {
      if (turn === this.#turn) this.error = asAppError(thrown);
    }
  }

  close(): void {
    this.#turn += 1;
    this.#drop();
  }

  async pause(): Promise<void> {
    await this.#ask("pause", () => this.#backend.pauseRun(this.#run));
  }

  async stop(): Promise<void> {
    await this.#ask("stop", () => this.#backend.stopRun(this.#run));
  }

  async resume(): Promise<void> {
    if (this.resuming) return;
    this.resuming = true;
    try {
      const run = await this.#backend.resumeRun(this.#run);
      this.wish = null;
      if (this.view) this.view = { ...this.view, run };
      // A run that ended has ended its messages too.
      await this.watch();
    } catch (thrown) {
      this.error = asAppError(thrown);
    } finally {
      this.resuming = false;
    }
  }

  async #ask(wish: "pause" | "stop", call: () => Promise<void>): Promise<void> {
    if (this.wish === wish) return;
    this.wish = wish;
    try {
      await call();
      // A run that nobody works on sends no messages about its new state.
      if (this.view && !this.view.run.active) {
        this.view = await this.#backend.runView(this.#run);
        this.wish = null;
      }
    } catch (thrown) {
      this.wish = null;
      this.error = asAppError(thrown);
    }
  }

  #take(message: RunMessage): void {
    this.#waiting.push(message);
    // The first picture and the last word are not kept waiting.
    if (message.kind === "snapshot" || message.kind === "ended") this.#show();
    else this.#timer ??= setTimeout(() => this.#show(), BATCH);
  }

  #show(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const messages = this.#waiting;
    this.#waiting = [];
    this.view = applyMessages(this.view, messages);
    const state = this.view?.run.state;
    if (messages.some((message) => message.kind === "ended") || (state !== "running" && state !== "queued")) this.wish = null;
  }

  #drop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = [];
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}
