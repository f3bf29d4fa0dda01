import type { VersionSummary } from "../../../backend/generated/wire";
import { format, t } from "../../../text";
import { IN_USE } from "./list";

const MOST = { note: 20_000, tags: 20, tag: 40, label: 40 };

const letters = (text: string) => [...text].length;
const alike = (one: string[], other: string[]) => JSON.stringify(one) === JSON.stringify(other);

export function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}

/** What is being written about a version. */
export class Annotation {
  note = $state("");
  tagText = $state("");
  labels = $state.raw<string[]>([]);
  /** A label that is being typed. */
  label = $state("");

  constructor(version: VersionSummary) {
    this.note = version.note;
    this.tagText = version.tags.join(", ");
    this.labels = version.labels;
  }

  get #named(): string {
    return this.label.trim();
  }

  get noteFault(): string | null {
    return letters(this.note) > MOST.note ? t.versions.noteLong(format.count(MOST.note)) : null;
  }

  get tagsFault(): string | null {
    const tags = tagsOf(this.tagText);
    if (tags.length > MOST.tags) return t.versions.tagsMany(format.count(MOST.tags));
    return tags.some((tag) => letters(tag) > MOST.tag) ? t.versions.tagLong(format.count(MOST.tag)) : null;
  }

  get labelFault(): string | null {
    if ([IN_USE, t.project.inUse.toLowerCase()].includes(this.#named.toLowerCase())) return t.versions.labelInUse;
    return letters(this.#named) > MOST.label ? t.versions.labelLong(format.count(MOST.label)) : null;
  }

  get faulty(): boolean {
    return this.noteFault !== null || this.tagsFault !== null || this.labelFault !== null;
  }

  /** The labels wanted, also one that is still in its field. */
  get wanted(): string[] {
    return [...new Set([...this.labels, this.#named].filter(Boolean))];
  }

  /** The tags wanted; a comma inside a tag from elsewhere parts it only when the field is changed. */
  tags(version: VersionSummary): string[] {
    return this.tagText === version.tags.join(", ") ? version.tags : tagsOf(this.tagText);
  }

  annotates(version: VersionSummary): boolean {
    return this.note !== version.note || !alike(this.tags(version), version.tags);
  }

  changed(version: VersionSummary): boolean {
    return this.annotates(version) || !alike(this.wanted, version.labels);
  }

  /** Puts the typed label among the others. */
  add(): void {
    if (this.labelFault) return;
    this.labels = this.wanted;
    this.label = "";
  }

  takeOff(name: string): void {
    this.labels = this.labels.filter((one) => one !== name);
  }
}
