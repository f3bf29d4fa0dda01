import { screen } from "@testing-library/svelte";
import type { Backend } from "../backend";
import { makeScripted, type Scripted } from "../backend/scripted";
import ProjectPage from "../pages/project/ProjectPage.svelte";
import { renderPage } from "./render";

/** A project with a version of its own and one that a run found. */
export async function prepared(): Promise<{ backend: Scripted; id: number; first: number; best: number }> {
  const backend = makeScripted();
  const { id } = await backend.openSample("review-mood");
  const run = await backend.startRun(id);
  backend.finish(run.id);
  const { versions } = await backend.project(id);
  return { backend, id, first: versions[1]?.id ?? 0, best: versions[0]?.id ?? 0 };
}

export async function show(backend: Backend, id: number) {
  const view = renderPage(ProjectPage, { id }, backend);
  await screen.findByTestId("prompt-editor");
  return view;
}

/** What a method was asked, without the project. */
export const asked = (backend: Scripted, name: string) => backend.calls.filter(([method]) => method === name).map(([, , ...given]) => given);
export const refusal = { code: "version", message: "That cannot be.", hint: "Try another." };
