import type { RunLine } from "../../backend/generated/wire";
import { format, t } from "../../text";
import { tagsOf } from "../project/versions/annotation.svelte";

const MOST = { name: 200, note: 20_000, tags: 20, tag: 40 };

const letters = (text: string) => [...text].length;

/** What is being written about a run. */
export class RunForm {
  name = $state("");
  note = $state("");
  tagText = $state("");
  /** A colour of its own, null for the usual one, undefined to leave it as it is. */
  colour = $state<string | null | undefined>(undefined);
  readonly #before: RunLine;

  constructor(line: RunLine) {
    this.#before = line;
    this.name = line.run.name;
    this.note = line.note;
    this.tagText = line.tags.join(", ");
  }

  get nameFault(): string | null {
    if (!this.name.trim()) return t.overlay.nameEmpty;
    return letters(this.name.trim()) > MOST.name ? t.overlay.nameLong(format.count(MOST.name)) : null;
  }

  get noteFault(): string | null {
    return letters(this.note) > MOST.note ? t.overlay.noteLong(format.count(MOST.note)) : null;
  }

  get tagsFault(): string | null {
    if (this.tags.length > MOST.tags) return t.overlay.tagsMany(format.count(MOST.tags));
    return this.tags.some((tag) => letters(tag) > MOST.tag) ? t.overlay.tagLong(format.count(MOST.tag)) : null;
  }

  get faulty(): boolean {
    return this.nameFault !== null || this.noteFault !== null || this.tagsFault !== null;
  }

  /** The tags wanted; a comma inside a tag from elsewhere parts it only when the field is changed. */
  get tags(): string[] {
    const { tags } = this.#before;
    return this.tagText === tags.join(", ") ? tags : tagsOf(this.tagText);
  }

  get described(): boolean {
    const { run, note, tags } = this.#before;
    return this.name !== run.name || this.note !== note || JSON.stringify(this.tags) !== JSON.stringify(tags);
  }

  get changed(): boolean {
    return this.described || this.colour !== undefined;
  }
}
