import type { Backend } from "../backend";
import type { Preferences } from "../backend/generated/wire";
import { setLanguage } from "../text";

let current = $state.raw<Preferences>({ theme: "system", language: "", advanced: false });
let dark = $state(false);

function paint(): void {
  const systemDark = typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches;
  dark = current.theme === "dark" || (current.theme === "system" && systemDark);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Colours, language and whether Advanced is open; kept by the program. */
export const preferences = {
  get now(): Preferences {
    return current;
  },
  /** Whether the window is dark right now. */
  get dark(): boolean {
    return dark;
  },
  /** Shows what the program remembers. */
  apply(next: Preferences): void {
    current = next;
    setLanguage(next.language);
    paint();
  },
  async change(backend: Backend, change: Partial<Preferences>): Promise<void> {
    preferences.apply({ ...current, ...change });
    await backend.savePreferences(current);
  },
  /** Follows the system while the person has chosen neither light nor dark. */
  followSystem(): () => void {
    const query = matchMedia("(prefers-color-scheme: dark)");
    query.addEventListener("change", paint);
    return () => query.removeEventListener("change", paint);
  },
};
