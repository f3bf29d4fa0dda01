import type { Backend } from "../backend";
import { toasts } from "./toasts.svelte";

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

  copy(text: string): Promise<void> {
    return this.copyFrom(async () => text);
  }

  /** Copies a text that is asked for only now. */
  async copyFrom(ask: () => Promise<string>): Promise<void> {
    clearTimeout(this.#timer);
    this.copied = false;
    try {
      await this.#backend.copyText(await ask());
      this.copied = true;
      this.#timer = setTimeout(() => (this.copied = false), SAID);
    } catch (thrown) {
      toasts.fault(thrown);
    }
  }

  /** To be called when the button goes. */
  forget(): void {
    clearTimeout(this.#timer);
  }
}
