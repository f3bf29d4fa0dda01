import type { Backend } from "../backend";
import type { RunSummary } from "../backend/generated/wire";
import { t } from "../text";
import { firstWords } from "./run-format";
import { notices } from "./notices.svelte";
import { toasts } from "./toasts.svelte";
import { thrownWords } from "./told";

/** A name within a sentence, whatever direction it is written in. */
export const isolated = (name: string): string => `\u2068${firstWords(name, 60)}\u2069`;

/** Puts a run into the bin, with a notice that brings it back. `changed` is called after each. */
export async function deleteRun(backend: Backend, run: RunSummary, changed: () => void | Promise<void>): Promise<void> {
  await backend.deleteRun(run.id);
  toasts.show(t.overlay.deleted(isolated(run.name)), {
    label: t.common.undo,
    run: () => void backend.undeleteRun(run.id).then(changed).then(
      // Another page may be open by now, with a list of its own.
      () => notices.add(), (thrown) => void toasts.show(thrownWords(thrown)),
    ),
  });
  await changed();
}
