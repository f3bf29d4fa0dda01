import { asAppError, type Backend } from "../backend";
import { toasts } from "./toasts.svelte";
import { errorWords } from "./told";

/** How long a button says that it has copied, in milliseconds. */
const SAID = 2500;

/** A button that copies: it says “Copied” for a moment, or in words why it could not. */
export class Copying {
  copied = $state(false);
  readonly #backend: Backend;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async copy(text: string): Promise<void> {
    clearTimeout(this.#timer);
    this.copied = false;
    try {
      await this.#backend.copyText(text);
      this.copied = true;
      this.#timer = setTimeout(() => (this.copied = false), SAID);
    } catch (thrown) {
      const { message, hint } = errorWords(asAppError(thrown));
      toasts.show([message, hint].filter(Boolean).join(" "));
    }
  }

  /** To be called when the button goes. */
  forget(): void {
    clearTimeout(this.#timer);
  }
}
