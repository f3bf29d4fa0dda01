import { mount } from "svelte";
import App from "./App.svelte";
import type { Backend } from "./backend";
import { preferences } from "./lib/preferences.svelte";
import "./styles/base.css";

async function chooseBackend(): Promise<Backend> {
  if (__SCRIPTED__) return (await import("./dev")).devBackend();
  return (await import("./backend/tauri")).tauri;
}

// Until the program tells what is remembered, the system decides: no white flash in a dark room.
preferences.apply(preferences.now);

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target, props: { backend: await chooseBackend() } });
