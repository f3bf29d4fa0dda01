/// <reference types="svelte" />
/// <reference types="vite/client" />

/** True only in a build that runs without the program, for looking at the pages in a browser. */
declare const __SCRIPTED__: boolean;
