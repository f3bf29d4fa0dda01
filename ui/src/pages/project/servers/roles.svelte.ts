import type { Backend } from "../../../backend";
import type { ModelRoles } from "../../../backend/generated/wire";
import { Waiting } from "../../../lib/waiting.svelte";
import type { Desk } from "../desk.svelte";
import { isServer } from "./servers.svelte";

/** How the model that measures and a second one that writes share the memory of this computer. */
export class Roles {
  /** None where there are not two, or nothing is known yet. */
  answer = $state.raw<ModelRoles | null>(null);
  asking = $state.raw(new Waiting());

  readonly #backend: Backend;
  readonly #desk: Desk;

  constructor(backend: Backend, desk: Desk) {
    this.#backend = backend;
    this.#desk = desk;
  }

  /** Asks for what the draft says now; answers to earlier questions are left behind. */
  async ask(): Promise<void> {
    const mine = new Waiting();
    this.asking = mine;
    this.answer = null;
    const { model_path, writer_path } = this.#desk.draft;
    if (writer_path === null || isServer(writer_path) || isServer(model_path)) return;
    const found = await mine.run(async () => {
      // The program looks at the draft that is saved.
      await this.#desk.flush();
      if (this.#desk.saving.error) throw this.#desk.saving.error;
      return mine === this.asking ? this.#backend.modelRoles(this.#desk.project.id) : null;
    });
    if (mine === this.asking) this.answer = found ?? null;
  }
}
