export { language, languages, setLanguage, t, type Language, type Texts } from "./language.svelte";
export * as format from "./format";
