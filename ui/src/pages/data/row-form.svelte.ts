import type { RowPart, RowText } from "../../backend/generated/wire";
import { readNumber } from "../../lib/settings";

export type AnswerField = "targets" | "rejected";

/** What stands in the fields of a row while it is edited. */
export class RowForm {
  input = $state("");
  targets = $state<string[]>([""]);
  rejected = $state<string[]>([]);
  part = $state<RowPart | null>(null);
  /** As it is typed. */
  weight = $state("1");
  weightFault = $state(false);
  #before = "";

  constructor(row: RowText | null, preference: boolean) {
    if (row) {
      this.input = row.input;
      this.targets = row.targets.length ? [...row.targets] : [""];
      this.rejected = [...row.rejected];
      this.part = row.part;
      this.weight = String(row.weight);
    }
    if (preference && this.rejected.length === 0) this.rejected = [""];
    this.#before = this.#now();
  }

  get changed(): boolean {
    return this.#now() !== this.#before;
  }

  add(field: AnswerField): void {
    this[field] = [...this[field], ""];
  }

  leaveOut(field: AnswerField, at: number): void {
    this[field] = this[field].filter((_, one) => one !== at);
  }

  /** The row, or null where its weight is no number over 0. */
  row(): RowText | null {
    const read = readNumber(this.weight, { control: "number", whole: false, above: 0 });
    this.weightFault = !("value" in read) || read.value === null;
    if (!("value" in read) || read.value === null) return null;
    return { input: this.input, targets: $state.snapshot(this.targets), rejected: $state.snapshot(this.rejected), part: this.part, weight: read.value };
  }

  #now(): string {
    return JSON.stringify([this.input, this.targets, this.rejected, this.part, this.weight]);
  }
}
