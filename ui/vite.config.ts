import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), svelteTesting()],
  define: {
    // The stand-in for the program is left out of the real build altogether.
    __SCRIPTED__: JSON.stringify(mode === "scripted"),
  },
  build: {
    // WebKitGTK 4.1, WebView2 and WKWebView all understand this.
    target: "safari15",
    // The policy allows images as data, but scripts and styles come as files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { port: 5180, strictPort: true },
  test: {
    // Busy computers are slow; a test that hangs still ends.
    testTimeout: 30_000,
    environment: "jsdom",
    setupFiles: ["./src/test/setup.ts"],
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
  },
}));
