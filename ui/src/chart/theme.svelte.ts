import { createSubscriber } from "svelte/reactivity";

const system = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;

const subscribe = createSubscriber((update) => {
  const observer = new MutationObserver(update);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  system?.addEventListener?.("change", update);
  return () => {
    observer.disconnect();
    system?.removeEventListener?.("change", update);
  };
});

/** Whether the window is dark now; pictures are drawn outside of CSS. */
export const theme = {
  get dark(): boolean {
    subscribe();
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && (system?.matches ?? false));
  },
};
