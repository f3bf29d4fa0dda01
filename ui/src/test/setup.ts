import "@testing-library/jest-dom/vitest";
import { beforeEach } from "vitest";
import { router } from "../lib/router.svelte";
import { setLanguage } from "../text";

// What the test's stand-in for a browser lacks and the pages use.
class NoObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= NoObserver as unknown as typeof ResizeObserver;
globalThis.matchMedia ??= ((query: string) => ({
  matches: false, media: query, onchange: null,
  addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {}, dispatchEvent: () => false,
})) as unknown as typeof matchMedia;
// Asked for by axe when it looks for icon fonts, of which there are none.
HTMLCanvasElement.prototype.getContext = () => null;
Element.prototype.scrollIntoView ??= () => {};
Element.prototype.hasPointerCapture ??= () => false;
Element.prototype.setPointerCapture ??= () => {};
Element.prototype.releasePointerCapture ??= () => {};
Element.prototype.animate ??= (() => ({ cancel() {}, finished: Promise.resolve() })) as unknown as Element["animate"];

beforeEach(() => {
  router.reset();
  setLanguage("en");
});
