import { asAppError } from "../backend";
import { errorWords } from "./told";

export type Toast = { id: number; text: string; action?: { label: string; run: () => void } };

let list = $state.raw<Toast[]>([]);
let next = 1;

/** Short notices at the edge of the window, for what needs no answer. */
export const toasts = {
  get list(): Toast[] {
    return list;
  },
  /** Its number, with which it can be taken away again. */
  show(text: string, action?: Toast["action"]): number {
    const id = next++;
    list = [...list.slice(-2), { id, text, action }];
    // One with an action stays long enough to be reached by keyboard.
    setTimeout(() => toasts.dismiss(id), action ? 12000 : 5000);
    return id;
  },
  /** What went wrong with something small, and what to do. */
  fault(thrown: unknown): void {
    const { message, hint } = errorWords(asAppError(thrown));
    toasts.show([message, hint].filter(Boolean).join(" "));
  },
  dismiss(id: number): void {
    list = list.filter((toast) => toast.id !== id);
  },
};
