import { asAppError, type Backend } from "../../backend";
import type { AppError, Comparison, ComparisonRequest } from "../../backend/generated/wire";
import { measuring } from "../../lib/measuring.svelte";
import { Waiting } from "../../lib/waiting.svelte";

/** An answer and what it answers: nothing may be asked about other prompts than those shown. */
export type Answered = { request: ComparisonRequest; found: Comparison };

/** Two chosen prompts, and what is known of them side by side. */
export class Comparing {
  request = $state.raw() as ComparisonRequest;
  /** The newest answer; it stays in sight while another one is on its way. */
  shown = $state.raw<Answered | null>(null);
  error = $state.raw<AppError | null>(null);
  busy = $state(false);
  /** The person ended the last measurement. */
  stopped = $state(false);
  readonly working = new Waiting();

  readonly #backend: Backend;
  /** Counts questions, so that a late answer to an old one is let go. */
  #turn = 0;

  constructor(backend: Backend, request: ComparisonRequest) {
    this.#backend = backend;
    this.request = request;
  }

  choose(request: ComparisonRequest): void {
    this.request = request;
    this.stopped = false;
    this.working.error = null;
    void this.ask();
  }

  async ask(): Promise<void> {
    const { request } = this;
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const found = await this.#backend.compare(request);
      if (turn === this.#turn) this.#take({ request, found });
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.error = asAppError(thrown);
      this.shown = null;
      this.busy = false;
    }
  }

  async measure(): Promise<void> {
    const { request } = this;
    const { project } = request;
    this.stopped = false;
    const found = await this.working.run(() => measuring.run(project, () => this.#backend.measureComparison(request)));
    this.stopped = found === null;
    // Stopped, failed, or asked for other prompts since: what was scored counts all the same.
    if (!found || request !== this.request) return this.ask();
    this.#turn += 1;
    this.#take({ request, found });
  }

  #take(answered: Answered): void {
    this.shown = answered;
    this.error = null;
    this.busy = false;
  }
}
