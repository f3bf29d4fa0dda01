import { asAppError } from "../backend";
import type { AppError } from "../backend/generated/wire";

/** One kind of request of a page: whether it is under way, and how it failed. */
export class Waiting {
  busy = $state(false);
  error = $state.raw<AppError | null>(null);

  /** Runs `work`; a failure is kept as `error`, and the answer is undefined then. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.busy = true;
    this.error = null;
    try {
      return await work();
    } catch (thrown) {
      this.error = asAppError(thrown);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
