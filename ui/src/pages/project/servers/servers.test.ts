import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import type { Draft, ModelRoles, ServerTyped } from "../../../backend/generated/wire";
import { makeScripted, type Scripted } from "../../../backend/scripted";
import { downloads } from "../../../lib/downloads.svelte";
import { setLanguage } from "../../../text";
import { renderPage, seriousFaults } from "../../../test/render";
import ProjectPage from "../ProjectPage.svelte";
import { fileName, sendsInClear, windowOf } from "./servers.svelte";

beforeEach(() => downloads.reset());

const typed = (address: string, more: Partial<ServerTyped> = {}): ServerTyped => ({ address, key: null, model: null, template: null, window: null, ...more });
const both = "http://localhost:8000";
const writing = "http://localhost:11434";
const far = "http://192.168.1.20:8080";
const silent = "http://localhost:1234";
const keyed = "https://models.example.org";

/** The sample's page, with servers that were checked before. */
async function page(addresses: string[] = [], draft: Partial<Draft> = {}) {
  const backend = makeScripted();
  for (const address of addresses) await backend.checkServer(typed(address));
  const project = await backend.openSample("review-mood");
  await backend.saveDraft(project.id, { ...project.draft, ...draft });
  const view = renderPage(ProjectPage, { id: project.id }, backend);
  await screen.findByTestId("model-summary");
  return { backend, project, ...view };
}
const saved = async (backend: Scripted, id: number, draft: Partial<Draft>) =>
  waitFor(async () => expect((await backend.project(id)).draft).toMatchObject(draft), { timeout: 2000 });

async function dialog() {
  await userEvent.click(await screen.findByTestId("writer-server"));
  return screen.findByTestId("servers");
}
async function check(address: string) {
  await userEvent.type(screen.getByTestId("server-address"), address);
  await userEvent.click(screen.getByTestId("server-check"));
}

it("writes with the same model unless told otherwise, and asks no server", async () => {
  const { backend, container } = await page();
  expect(screen.getByTestId("writer-select")).toHaveValue("");
  expect(screen.getByTestId("writer-select")).toHaveDisplayValue("The same model");
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("One model does both");
  expect(screen.getByTestId("plan-model")).toHaveTextContent("On Qwen3 0.6B, on this computer.");
  expect(screen.queryByTestId("plan-writer")).toBeNull();
  expect(screen.queryByTestId("model-server")).toBeNull();
  expect(backend.calls.some(([name]) => name === "checkServer")).toBe(false);
  expect(await seriousFaults(container)).toEqual([]);
});

it("lets a server write, and says what is sent to it", async () => {
  const { backend, project, container } = await page([writing, far]);
  const select = screen.getByTestId("writer-select");
  await userEvent.selectOptions(select, "llama3.1:8b at http://localhost:11434");
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent(`single examples (the hard ones, with their right answers) are sent to ${writing}. Nothing else`);
  expect(screen.getByTestId("writer-sentence")).not.toHaveTextContent("unencrypted");
  expect(screen.getByTestId("plan-model")).toHaveTextContent("on this computer");
  expect(screen.getByTestId("plan-writer")).toHaveTextContent(`Rewrites by llama3.1:8b at ${writing}.`);
  await saved(backend, project.id, { writer_path: "server:1", model_path: null });
  await userEvent.selectOptions(select, "server:2");
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("unencrypted");
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.selectOptions(select, "");
  await saved(backend, project.id, { writer_path: null });
});

it("does not say “nothing else” of a server that gets everything", async () => {
  await page([both], { model_path: "server:1", writer_path: "server:1" });
  await waitFor(() => expect(screen.getByTestId("writer-sentence")).toHaveTextContent("The server that is measured also writes"));
  expect(screen.getByTestId("writer-sentence")).not.toHaveTextContent("Nothing else");
  expect(screen.getByTestId("scorer-sentence")).toHaveTextContent("All your examples");
});

it("lets a file write, shows its name and stays as it was when none is chosen", async () => {
  const { backend, project } = await page();
  const select = screen.getByTestId("writer-select");
  await userEvent.selectOptions(select, "A file…");
  await waitFor(() => expect(select).toHaveDisplayValue("qwen3-1.7b-q8.gguf"));
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("on this computer");
  expect(screen.getByTestId("plan-writer")).toHaveTextContent("Rewrites by qwen3-1.7b-q8.gguf, on this computer.");
  await saved(backend, project.id, { writer_path: "/home/you/models/qwen3-1.7b-q8.gguf" });
  backend.failNext("chooseModel", { code: "dialog", message: "No dialog.", hint: "" });
  await userEvent.selectOptions(select, "A file…");
  await waitFor(() => expect(select).toHaveDisplayValue("qwen3-1.7b-q8.gguf"));
});

it("lets a folder write, and stays as it was when none is chosen", async () => {
  const { backend, project } = await page();
  const select = screen.getByTestId("writer-select");
  await userEvent.selectOptions(select, "A folder…");
  await waitFor(() => expect(select).toHaveDisplayValue("Qwen3-1.7B"));
  await saved(backend, project.id, { writer_path: "/home/you/models/Qwen3-1.7B" });
  backend.chooseModelFolder = async () => null;
  await userEvent.selectOptions(select, "A folder…");
  await waitFor(() => expect(select).toHaveDisplayValue("Qwen3-1.7B"));
});

it("offers the models that are here by name, but for the one that measures", async () => {
  const { container } = await page([writing]);
  const select = screen.getByTestId("writer-select");
  const group = await within(select).findByRole("group", { name: "On this computer" });
  expect(within(group).getAllByRole("option").map((one) => one.textContent)).toEqual(["My own 1.7B"]);
  expect(within(select).getByRole("group", { name: "Your servers" })).toBeInTheDocument();
  expect(within(within(select).getByRole("group", { name: "More" })).getAllByRole("option").map((one) => one.textContent)).toEqual(["A file…", "A folder…", "A server…"]);
  expect(await seriousFaults(container)).toEqual([]);
});

it("does not offer the model that measures a second time", async () => {
  const { backend } = await page([], { model_path: "/home/you/models/my-own-1.7b.gguf" });
  await waitFor(() => expect(backend.calls.some(([name]) => name === "models")).toBe(true));
  expect(within(screen.getByTestId("writer-select")).queryByRole("option", { name: "My own 1.7B" })).toBeNull();
  await userEvent.click(screen.getByTestId("model-built-in"));
  await within(screen.getByTestId("writer-select")).findByRole("option", { name: "My own 1.7B" });
});

it("shows the model that writes by its name, and tells two of the same name apart by their sizes", async () => {
  const backend = makeScripted();
  const models = await backend.models();
  const [one] = models.own.filter(({ path }) => path !== null);
  const other = { ...one!, path: "/home/you/models/again.gguf", bytes: 640_000_000 };
  const broken = { ...one!, path: "/home/you/models/broken.gguf", name: "Broken", problem: { code: "model", message: "Not a model.", hint: "" } };
  backend.models = async () => ({ ...models, own: [...models.own, other, broken] });
  const project = await backend.openSample("review-mood");
  await backend.saveDraft(project.id, { ...project.draft, writer_path: other.path });
  renderPage(ProjectPage, { id: project.id }, backend);
  const select = await screen.findByTestId("writer-select");
  await waitFor(() => expect(select).toHaveDisplayValue("My own 1.7B, 640 MB"));
  const group = within(select).getByRole("group", { name: "On this computer" });
  expect(within(group).getAllByRole("option").map((option) => option.textContent)).toEqual(["My own 1.7B, 1.8 GB", "My own 1.7B, 640 MB"]);
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("My own 1.7B");
});

it("offers a model as soon as its download has ended", async () => {
  const { backend, project } = await page();
  await backend.onShell((event) => { if (event.kind === "download" || event.kind === "download_ended") downloads.hear(event); });
  const select = screen.getByTestId("writer-select");
  const { entry } = (await backend.models()).catalogue.find((one) => one.state.kind === "missing")!;
  expect(within(select).queryByRole("option", { name: entry.name })).toBeNull();
  await downloads.begin(backend, entry.repo, entry.files, entry.name);
  backend.tick(13);
  const option = await within(select).findByRole("option", { name: entry.name });
  await userEvent.selectOptions(select, option);
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("writes other wordings, on this computer");
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent(entry.name);
  expect(screen.getByTestId("plan-writer")).toHaveTextContent(entry.name);
  const { state } = (await backend.models()).catalogue.find((one) => one.entry.id === entry.id)!;
  await saved(backend, project.id, { writer_path: state.kind === "ready" ? state.path : "" });
});

it("works without a list of the models that are here", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  backend.models = () => Promise.reject(new Error("No list."));
  renderPage(ProjectPage, { id: project.id }, backend);
  const select = await screen.findByTestId("writer-select");
  expect(within(select).queryByRole("group", { name: "On this computer" })).toBeNull();
  await userEvent.selectOptions(select, "A file…");
  await waitFor(() => expect(select).toHaveDisplayValue("qwen3-1.7b-q8.gguf"));
  expect(screen.queryByText("No list.")).toBeNull();
});

it("goes back to what was chosen when the dialog is closed", async () => {
  await page();
  const select = screen.getByTestId("writer-select");
  await userEvent.selectOptions(select, "A server…");
  expect(await screen.findByTestId("servers")).toHaveTextContent("everything stays on this computer");
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByTestId("servers")).toBeNull());
  expect(select).toHaveDisplayValue("The same model");
});

it("checks a server, says what was found and lets it write", async () => {
  const { backend, project } = await page();
  const open = await dialog();
  expect(screen.getByTestId("server-check")).toBeDisabled();
  expect(await seriousFaults(open)).toEqual([]);
  await check(writing);
  expect(await screen.findByTestId("server-found")).toHaveTextContent("This server can write, but not score: it does not repeat");
  expect(screen.queryByTestId("server-use-scorer")).toBeNull();
  expect(screen.getByTestId("server-no-scores")).toHaveTextContent("It cannot be used for scoring: it does not repeat the text that was sent.");
  expect(screen.getByTestId("server-keys-kept")).toHaveTextContent("kept in the keyring");
  expect(within(open).getByTestId("server-0")).toHaveTextContent(/llama3\.1:8b.*writes/);
  expect(await seriousFaults(open)).toEqual([]);
  await userEvent.click(screen.getByTestId("server-use-writer"));
  await waitFor(() => expect(screen.queryByTestId("servers")).toBeNull());
  expect(screen.getByTestId("writer-select")).toHaveValue("server:1");
  await saved(backend, project.id, { writer_path: "server:1" });
});

it("scores on a server, and says that everything goes there", async () => {
  const { backend, project, container } = await page();
  await dialog();
  await check(far);
  await userEvent.click(await screen.findByTestId("server-use-scorer"));
  expect(await screen.findByTestId("model-server")).toHaveTextContent("server");
  expect(screen.getByTestId("scorer-sentence")).toHaveTextContent(`All your examples and every prompt tried are sent to ${far}.`);
  expect(screen.getByTestId("scorer-sentence")).toHaveTextContent("unencrypted");
  expect(screen.getByTestId("model-summary")).toHaveTextContent(`Server at ${far}`);
  expect(screen.getByTestId("model-summary")).not.toHaveTextContent(/file of|memory|weights/);
  expect(screen.queryByTestId("device-select")).toBeNull();
  expect(screen.queryByText(/It runs on this computer/)).toBeNull();
  expect(screen.getByTestId("plan-model")).toHaveTextContent(`On mistral-small-24b at ${far}, which gets all examples`);
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("also writes");
  await saved(backend, project.id, { model_path: "server:1", writer_path: null });
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(screen.getByTestId("model-built-in"));
  await waitFor(() => expect(screen.getByTestId("plan-model")).toHaveTextContent("on this computer"));
});

it("says where texts go even when nothing is known of the server", async () => {
  const scripted = makeScripted();
  const project = await scripted.openSample("review-mood");
  await scripted.saveDraft(project.id, { ...project.draft, model_path: "server:9" });
  const silence = () => new Promise<never>(() => {});
  renderPage(ProjectPage, { id: project.id }, { ...scripted, servers: silence, modelInfo: silence });
  expect(await screen.findByText(/On a server of yours, which gets all examples/)).toBeInTheDocument();
});

it("does not start with a server that is not known any more, even before the servers are read", async () => {
  const scripted = makeScripted();
  const project = await scripted.openSample("review-mood");
  await scripted.saveDraft(project.id, { ...project.draft, model_path: "server:9" });
  renderPage(ProjectPage, { id: project.id }, { ...scripted, servers: () => new Promise<never>(() => {}) });
  expect(await screen.findByText("The server that this project uses is not known any more.")).toBeInTheDocument();
  expect(screen.getByTestId("start-run")).toBeDisabled();
});

it("does not start while the server that should score is gone", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  await backend.saveDraft(project.id, { ...project.draft, model_path: "server:9" });
  renderPage(ProjectPage, { id: project.id }, backend);
  expect(await screen.findByTestId("missing")).toHaveTextContent("a model that can be used");
  await userEvent.click(screen.getByTestId("model-built-in"));
  await waitFor(() => expect(screen.getByTestId("start-run")).toBeEnabled());
  expect(screen.getByTestId("plan-model")).toHaveTextContent("on this computer");
});

it("keeps a key that was taken, forgets it in the window and uses it again", async () => {
  const { backend } = await page();
  await dialog();
  await userEvent.type(screen.getByTestId("server-key"), "wrong");
  await check(keyed);
  const note = await screen.findByTestId("error-note");
  expect(note).toHaveTextContent("does not accept the key");
  expect(note).toHaveTextContent("Enter the key that the server was started with.");
  const key = screen.getByTestId("server-key");
  expect(key).toHaveAttribute("type", "password");
  await userEvent.clear(key);
  await userEvent.type(key, "open-sesame{Enter}");
  await screen.findByTestId("server-found");
  await waitFor(() => expect(key).toHaveValue(""));
  expect(screen.queryByTestId("error-note")).toBeNull();
  expect(screen.getByTestId("server-0")).toHaveTextContent("key kept");
  expect(screen.getByText(/Leave it empty to use the key/)).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("server-check"));
  await waitFor(() => expect(backend.calls.filter(([name]) => name === "checkServer").at(-1)?.[1]).toEqual(typed(keyed)));
  expect(await screen.findByTestId("server-found")).toBeInTheDocument();
  expect(document.body.innerHTML).not.toContain("open-sesame");
});

it("sends what is given for scoring, and refuses a wrong window", async () => {
  const { backend } = await page();
  await dialog();
  await userEvent.click(screen.getByText("For scoring"));
  await userEvent.selectOptions(screen.getByTestId("server-template"), "gemma");
  await userEvent.type(screen.getByTestId("server-window"), "many");
  await userEvent.type(screen.getByTestId("server-address"), both);
  expect(screen.getByTestId("server-check")).toBeDisabled();
  expect(screen.getByTestId("server-window")).toBeInvalid();
  await userEvent.clear(screen.getByTestId("server-window"));
  await userEvent.type(screen.getByTestId("server-window"), "8,192");
  await userEvent.type(screen.getByTestId("server-model"), "Qwen/Qwen3-8B{Enter}");
  await screen.findByTestId("server-use-scorer");
  expect(backend.calls.filter(([name]) => name === "checkServer")).toEqual([["checkServer", typed(both, { model: "Qwen/Qwen3-8B", template: "gemma", window: 8192 })]]);
});

it("warns before anything goes unencrypted to another computer", async () => {
  await page();
  const open = await dialog();
  await userEvent.type(screen.getByTestId("server-address"), far);
  expect(open).toHaveTextContent("keys and texts travel unencrypted");
  await userEvent.clear(screen.getByTestId("server-address"));
  await userEvent.type(screen.getByTestId("server-address"), writing);
  expect(open).not.toHaveTextContent("keys and texts travel unencrypted");
});

it("is busy while it checks, and closing leaves the check behind", async () => {
  const scripted = makeScripted();
  let answer = () => {};
  const slow = new Promise<void>((go) => { answer = go; });
  const backend = { ...scripted, async checkServer(given: ServerTyped) { await slow; return scripted.checkServer(given); } };
  const project = await scripted.openSample("review-mood");
  renderPage(ProjectPage, { id: project.id }, backend);
  await screen.findByTestId("model-summary");
  await dialog();
  await check(writing);
  expect(screen.getByTestId("server-check")).toHaveAttribute("aria-busy", "true");
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByTestId("servers")).toBeNull());
  await dialog();
  expect(screen.getByTestId("server-check")).not.toHaveAttribute("aria-busy");
  answer();
  expect(await screen.findByTestId("server-0")).toHaveTextContent(writing);
  expect(screen.queryByTestId("server-found")).toBeNull();
});

it("cancels a check by a button, shows no error and keeps the keyboard", async () => {
  const { backend } = await page();
  const open = await dialog();
  expect(screen.queryByTestId("server-check-cancel")).toBeNull();
  await userEvent.type(screen.getByTestId("server-key"), "a key");
  await check(silent);
  expect(await seriousFaults(open)).toEqual([]);
  screen.getByTestId("server-check-cancel").focus();
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(screen.queryByTestId("server-check-cancel")).toBeNull());
  expect(backend.calls.filter(([name]) => name === "cancelServerCheck")).toHaveLength(1);
  expect(screen.getByTestId("server-news")).toHaveTextContent("The check was cancelled.");
  await waitFor(() => expect(screen.getByTestId("server-check")).toHaveFocus());
  expect(screen.getByTestId("server-check")).not.toHaveAttribute("aria-busy");
  expect(screen.queryByTestId("error-note")).toBeNull();
  // What was typed is still there, and another check goes well.
  expect(screen.getByTestId("server-address")).toHaveValue(silent);
  expect(screen.getByTestId("server-key")).toHaveValue("a key");
  await userEvent.clear(screen.getByTestId("server-address"));
  await check(writing);
  expect(await screen.findByTestId("server-found")).toBeInTheDocument();
});

it("cancels a check when its dialog is closed or its page is left, and only then", async () => {
  const { backend, unmount } = await page([writing]);
  const cancelled = () => backend.calls.filter(([name]) => name === "cancelServerCheck").length;
  const closed = () => waitFor(() => expect(screen.queryByTestId("servers")).toBeNull());
  await dialog();
  await userEvent.keyboard("{Escape}");
  await closed();
  expect(cancelled()).toBe(0);
  await dialog();
  await check(silent);
  await userEvent.keyboard("{Escape}");
  await closed();
  expect(cancelled()).toBe(1);
  await dialog();
  expect(screen.queryByTestId("error-note")).toBeNull();
  await check(silent);
  await userEvent.click(screen.getByTestId("server-open-0"));
  await userEvent.click(await screen.findByTestId("server-use-writer"));
  await closed();
  expect(cancelled()).toBe(2);
  await dialog();
  await check(silent);
  unmount();
  expect(cancelled()).toBe(3);
  // The page below is given free a moment later.
  await waitFor(() => expect(document.body.style.overflow).toBe(""));
});

const small = "/home/you/models/qwen3-1.7b-q8.gguf";
const large = "/home/you/models/qwen3-8b.gguf";

it("says that both models fit into memory together, and asks again for another device or writer", async () => {
  const { backend, container } = await page([writing], { writer_path: small });
  const note = await screen.findByTestId("model-roles");
  await waitFor(() => expect(note).toHaveTextContent("Both models fit into memory together: they need 3.4 GB, and 11.8 GB are free."));
  expect(note).toHaveAttribute("role", "status");
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.selectOptions(screen.getByTestId("device-select"), "gpu0");
  await waitFor(() => expect(note).toHaveTextContent("Both models together need 3.4 GB of memory, and 2.5 GB are free, so they are loaded in turn."));
  expect(note).toHaveTextContent("how long a change takes shows when the run begins");
  const asked = () => backend.calls.filter(([name]) => name === "modelRoles").length;
  const before = asked();
  await userEvent.selectOptions(screen.getByTestId("writer-select"), "server:1");
  await waitFor(() => expect(screen.queryByTestId("model-roles")).toBeNull());
  await userEvent.selectOptions(screen.getByTestId("writer-select"), "");
  expect(asked()).toBe(before);
});

it("says what loading two models in turn costs, once that was measured", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  backend.finish((await backend.startRun(project.id)).id);
  await backend.saveDraft(project.id, { ...project.draft, writer_path: large });
  setLanguage("de");
  const { unmount } = renderPage(ProjectPage, { id: project.id }, backend);
  await waitFor(() => expect(screen.getByTestId("model-roles")).toHaveTextContent("Ein Wechsel dauert etwa 12 Sekunden und kommt in jedem Schritt etwa zweimal vor."));
  unmount();
  setLanguage("en");
  const slow: Scripted = { ...backend, modelRoles: async () => ({ in_turn: true, needed: 2e10, free: 1e10, seconds: 131, problem: null }) };
  const view = renderPage(ProjectPage, { id: project.id }, slow);
  await waitFor(() => expect(screen.getByTestId("model-roles")).toHaveTextContent("Changing models takes about 2 minutes, about twice in every step."));
  view.unmount();
  renderPage(ProjectPage, { id: project.id }, { ...slow, modelRoles: async () => ({ in_turn: true, needed: 2e10, free: 1e10, seconds: 0.6, problem: null }) });
  await waitFor(() => expect(screen.getByTestId("model-roles")).toHaveTextContent("takes about 1 second, about twice"));
});

it("says what stands in the way of two models, and does not start", async () => {
  const { backend } = await page([], { writer_path: "/m/huge.gguf" });
  const note = await screen.findByTestId("error-note");
  expect(note).toHaveTextContent("The model that should write is too big for this computer.");
  expect(screen.getByTestId("model-roles")).toHaveTextContent("");
  expect(screen.getByTestId("missing")).toHaveTextContent("a model that can write the rewrites");
  backend.failNext("modelRoles", { code: "disk", message: "The file cannot be read.", hint: "" });
  await userEvent.click(within(note).getByTestId("error-retry"));
  expect(await screen.findByText("The file cannot be read.")).toBeInTheDocument();
  await userEvent.selectOptions(screen.getByTestId("writer-select"), "");
  await waitFor(() => expect(screen.getByTestId("start-run")).toBeEnabled());
  expect(screen.queryByTestId("error-note")).toBeNull();
});

it("leaves a late answer about other models behind, and asks about the draft that is saved", async () => {
  const scripted = makeScripted();
  const answers: Array<(roles: ModelRoles) => void> = [];
  const asked: string[] = [];
  const backend: Scripted = {
    ...scripted,
    async modelRoles(id) {
      asked.push((await scripted.project(id)).draft.device);
      return new Promise((go) => answers.push(go));
    },
  };
  const project = await scripted.openSample("review-mood");
  await scripted.saveDraft(project.id, { ...project.draft, writer_path: small });
  renderPage(ProjectPage, { id: project.id }, backend);
  const note = await screen.findByTestId("model-roles");
  expect(note).toHaveTextContent("Looking whether both models fit into memory…");
  await waitFor(() => expect(answers).toHaveLength(1));
  await userEvent.selectOptions(await screen.findByTestId("device-select"), "cpu");
  await waitFor(() => expect(answers).toHaveLength(2));
  expect(asked).toEqual(["auto", "cpu"]);
  const roles: ModelRoles = { in_turn: false, needed: 1e9, free: 9e9, seconds: null, problem: null };
  answers[1]?.(roles);
  await waitFor(() => expect(note).toHaveTextContent("they need 1.0 GB, and 9.0 GB are free"));
  answers[0]?.({ ...roles, needed: 5e9 });
  await new Promise((go) => setTimeout(go, 20));
  expect(note).toHaveTextContent("they need 1.0 GB");
});

it("removes a server, and no project is left with it unawares", async () => {
  const { backend, project } = await page([writing, both], { writer_path: "server:2", model_path: "server:2" });
  await dialog();
  await userEvent.click(await screen.findByTestId("server-remove-1"));
  await waitFor(() => expect(screen.queryByTestId("server-1")).toBeNull());
  expect(screen.getByTestId("server-news")).toHaveTextContent(`Qwen/Qwen3-8B at ${both} was removed. This project does not use it any more.`);
  await waitFor(() => expect(screen.getByTestId("server-remove-0")).toHaveFocus());
  await saved(backend, project.id, { writer_path: null, model_path: null });
  await userEvent.click(screen.getByTestId("server-remove-0"));
  await waitFor(() => expect(screen.getByTestId("server-address")).toHaveFocus());
  expect(await backend.servers()).toEqual([]);
});

it("does not start while the server that should write is gone", async () => {
  await page([], { writer_path: "server:7" });
  expect(await screen.findByTestId("missing")).toHaveTextContent("a model that can write the rewrites");
  expect(screen.getByTestId("start-run")).toBeDisabled();
  expect(screen.getByTestId("writer-select")).toHaveDisplayValue("A server that is not known any more");
  expect(screen.getByTestId("writer-sentence")).toHaveTextContent("was removed");
  await userEvent.selectOptions(screen.getByTestId("writer-select"), "");
  await waitFor(() => expect(screen.getByTestId("start-run")).toBeEnabled());
});

it("shows hostile names as text, and speaks German", async () => {
  const scripted = makeScripted();
  const one = await scripted.checkServer(typed(both));
  const name = "<img src=x onerror=alert(1)>" + "wort".repeat(80);
  const backend = { ...scripted, servers: async () => [{ ...one, model: name, found: [{ key: "report.only_writes", params: { why: name } }], writes: false, scores: false, why_no_scores: name }] };
  const project = await scripted.openSample("review-mood");
  setLanguage("de");
  renderPage(ProjectPage, { id: project.id }, backend);
  await userEvent.click(await screen.findByTestId("writer-server"));
  await userEvent.click(await screen.findByTestId("server-open-0"));
  const open = screen.getByTestId("servers");
  expect(open).toHaveTextContent("nicht verwendbar");
  expect(open).toHaveTextContent(name);
  expect(open.querySelector("img")).toBeNull();
  expect(await seriousFaults(open)).toEqual([]);
});

it("says when the servers cannot be read, and tries again", async () => {
  const backend = makeScripted();
  const project = await backend.openSample("review-mood");
  backend.failNext("servers", { code: "disk", message: "The list is locked.", hint: "Try again." });
  renderPage(ProjectPage, { id: project.id }, backend);
  expect(await screen.findByText("The list is locked.")).toBeInTheDocument();
  await userEvent.click(screen.getByTestId("error-retry"));
  await waitFor(() => expect(screen.queryByText("The list is locked.")).toBeNull());
});

it("reads addresses, windows and paths as people type them", () => {
  for (const here of ["", "http", "loc", "localhost:11434", "http://127.0.0.1:8000/v1", "127.0.0.2:80", "http://[::1]:80", "https://models.example", "a.localhost", "http://"]) expect(sendsInClear(here), here).toBe(false);
  for (const there of ["192.168.1.20:8080", "http://models.example", "models.example", "http://127.example.com", "HTTP://host:1"]) expect(sendsInClear(there), there).toBe(true);
  expect([windowOf(""), windowOf(" "), windowOf("8192"), windowOf("8,192"), windowOf("8.192"), windowOf("0"), windowOf("-3"), windowOf("1e3"), windowOf("many")])
    .toEqual([null, null, 8192, 8192, 8192, undefined, undefined, undefined, undefined]);
  expect([fileName("/a/b.gguf"), fileName("C:\\m\\b.gguf"), fileName("b.gguf")]).toEqual(["b.gguf", "b.gguf", "b.gguf"]);
});
