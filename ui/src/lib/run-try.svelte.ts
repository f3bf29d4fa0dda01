import { asAppError, type Backend, type Unsubscribe } from "../backend";
import type { AppError } from "../backend/generated/wire";

export type AnswerState = "empty" | "waiting" | "starting" | "writing" | "done" | "stopped" | "failed";

/** One streamed answer. */
export class Answer {
  state = $state<AnswerState>("empty");
  text = $state("");
  cost = $state.raw<{ tokens: number; seconds: number } | null>(null);
  error = $state.raw<AppError | null>(null);
  #stop: Unsubscribe | null = null;
  #turn = 0;
  #ended: (() => void) | null = null;

  get busy(): boolean {
    return this.state === "waiting" || this.state === "starting" || this.state === "writing";
  }

  clear(state: AnswerState = "empty"): void {
    this.#end();
    this.text = "";
    this.cost = null;
    this.error = null;
    this.state = state;
  }

  /** Resolves once nothing more will come. */
  async ask(backend: Backend, project: number, prompt: string, input: string): Promise<void> {
    this.clear("starting");
    const turn = ++this.#turn;
    const ended = new Promise<void>((resolve) => (this.#ended = resolve));
    try {
      const stop = await backend.tryPrompt(project, prompt, input, (message) => {
        if (turn !== this.#turn) return;
        if (message.kind === "text") {
          this.state = "writing";
          this.text += message.text;
        } else if (message.kind === "done") {
          this.cost = { tokens: message.tokens, seconds: message.seconds };
          this.state = "done";
          this.#finish();
        } else {
          this.error = message.error;
          this.state = "failed";
          this.#finish();
        }
      });
      // Stopped before the program had even answered the call.
      if (turn !== this.#turn) stop();
      else if (this.busy) this.#stop = stop;
    } catch (thrown) {
      if (turn === this.#turn) {
        this.error = asAppError(thrown);
        this.state = "failed";
        this.#finish();
      }
    }
    return ended;
  }

  /** What has been written so far stays. */
  stop(): void {
    if (!this.busy) return;
    this.state = "stopped";
    this.#end();
  }

  #finish(): void {
    this.#stop = null;
    this.#ended?.();
    this.#ended = null;
  }

  #end(): void {
    this.#turn += 1;
    this.#stop?.();
    this.#finish();
  }
}
