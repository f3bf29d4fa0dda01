import { asAppError, type Backend } from "../../../backend";
import type { AppError, VersionComparison } from "../../../backend/generated/wire";
import type { Desk } from "../desk.svelte";

/** Ids of two versions; null is the prompt in the editor. */
export type Pair = readonly [number | null, number | null];

/** What is known of two prompts on the same examples. */
export class Comparison {
  found = $state.raw<VersionComparison | null>(null);
  error = $state.raw<AppError | null>(null);
  /** Whether both are being measured for this. */
  measuring = $state(false);

  readonly #backend: Backend;
  readonly #desk: Desk;
  #asks = 0;

  constructor(backend: Backend, desk: Desk) {
    this.#backend = backend;
    this.#desk = desk;
  }

  /** An answer on its way is not waited for any more. */
  forget(): void {
    this.#asks += 1;
    this.found = null;
    this.error = null;
  }

  async ask(pair: Pair): Promise<void> {
    this.forget();
    const mine = this.#asks;
    try {
      // The program compares with the prompt that it has saved.
      await this.#desk.flush();
      if (this.#desk.saving.error) throw this.#desk.saving.error;
      const found = await this.#backend.compareVersions(this.#desk.project.id, ...pair);
      if (mine === this.#asks) this.found = found;
    } catch (thrown) {
      if (mine === this.#asks) this.error = asAppError(thrown);
    }
  }

  /** Measures both; whether that came to its end. */
  async measure(pair: Pair): Promise<boolean> {
    const { measures } = this.#desk;
    const versions = pair.filter((id) => id !== null);
    this.measuring = true;
    try {
      if (versions.length && !(await measures.measure(versions, []))) return false;
      return versions.length === pair.length || (await measures.measure([], []));
    } finally {
      this.measuring = false;
    }
  }
}
