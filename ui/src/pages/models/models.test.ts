import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import { makeScripted, type Scripted } from "../../backend/scripted";
import { downloads } from "../../lib/downloads.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../../test/render";
import { setLanguage } from "../../text";
import { languageNames, matches } from "./models";
import ModelsPage from "./ModelsPage.svelte";

beforeEach(() => downloads.reset());

const at = (id: string) => screen.getByTestId(id);
const row = (id: string) => screen.getByTestId(`model-${id}`);
const here = () => within(screen.getByTestId("models-here"));

/** The page for a project, with what the shell says heard as App does. */
async function show(withProject = true, backend: Scripted = makeScripted()) {
  const id = withProject ? (await backend.openSample("review-mood")).id : null;
  await backend.onShell((event) => { if (event.kind === "download" || event.kind === "download_ended") downloads.hear(event); });
  const view = renderPage(ModelsPage, { project: id }, backend);
  await screen.findByTestId("models-catalogue");
  return { backend, id: id ?? 0, ...view };
}

async function bring(backend: Scripted, id: string) {
  await userEvent.click(at(`model-download-${id}`));
  backend.tick(13);
  await waitFor(() => expect(here().queryByTestId(`model-${id}`)).not.toBeNull());
}

it("shows this computer, what is here and what can be downloaded, without serious faults", async () => {
  const { container, backend } = await show();
  expect(at("device-cpu")).toHaveTextContent("Processor 11.8 GB of 16.7 GB memory free");
  expect(at("device-gpu0")).toHaveTextContent("GPU 0: Example 4060 2.5 GB of 8.0 GB memory free");
  expect(screen.queryByTestId("device-auto")).toBeNull();
  expect(screen.queryByTestId("no-gpu")).toBeNull();
  expect(at("disk-free")).toHaveTextContent("212.0 GB free");
  expect(at("models-computer")).toHaveTextContent("Nothing of yours is sent.");
  expect(at("models-computer")).toHaveTextContent("https://huggingface.co");
  expect(at("own-model-0")).toHaveTextContent("in use");
  expect(screen.queryByTestId("use-built-in")).toBeNull();
  expect(at("own-model-1")).toHaveTextContent("continues texts");
  expect(row("qwen3-4b")).toHaveTextContent("English, Chinese, German, French and 7 more");
  expect(at("model-gated-gemma-2-2b-it")).toHaveTextContent("HF_TOKEN");
  await userEvent.click(at("model-more-qwen3-14b"));
  expect(await seriousFaults(container)).toEqual([]);
  expect(backend.calls.map(([name]) => name)).not.toContain("lookUpModel");
});

it("says in words and numbers whether a model fits, and of what its need is made", async () => {
  await show();
  const words = (id: string) => at(`model-fit-${id}`).textContent;
  expect(words("smollm2-135m-instruct")).toMatch(/Fits your GPU · needs 1\.4 GB of memory, 2\.5 GB free/);
  expect(words("llama-3.2-1b")).toMatch(/Runs on the processor · /);
  expect(words("qwen3-4b")).toMatch(/Runs on the processor, much slower · /);
  expect(words("qwen3-14b")).toMatch(/Too big for this computer · needs 12\.2 GB of memory, 11\.8 GB free/);
  await userEvent.click(at("model-more-llama-3.2-1b"));
  const details = at("model-details-llama-3.2-1b");
  expect(details).toHaveTextContent("A second copy, for speed");
  expect(details).toHaveTextContent("Notes on a prompt of 2,048 tokens");
  expect(within(details).getByRole("row", { name: /Together/ })).toHaveTextContent("GB");
});

it("copies addresses instead of opening them", async () => {
  const { backend } = await show();
  await userEvent.click(at("model-more-qwen3-4b"));
  await userEvent.click(at("model-licence-qwen3-4b"));
  await userEvent.click(at("model-page-qwen3-4b"));
  expect(backend.copied).toEqual(["https://www.apache.org/licenses/LICENSE-2.0", "https://huggingface.co/Qwen/Qwen3-4B-GGUF"]);
});

it("finds models by kind, by what fits and by words", async () => {
  await show();
  await userEvent.selectOptions(at("models-filter"), "base");
  expect(at("models-found")).toHaveTextContent("1 of 6 models");
  await userEvent.selectOptions(at("models-filter"), "fits");
  expect(screen.queryByTestId("model-qwen3-14b")).toBeNull();
  await userEvent.type(at("models-search"), "german MANY");
  expect(within(at("models-catalogue")).getAllByRole("heading")).toHaveLength(1);
  await userEvent.type(at("models-search"), " nothing like it");
  await userEvent.click(within(at("models-none")).getByRole("button"));
  expect(at("models-found")).toHaveTextContent("6 of 6 models");
});

it("downloads with progress, pauses, goes on, and offers what is ready; the keyboard keeps its place", async () => {
  const { backend, id } = await show();
  const button = at("model-download-qwen3-4b");
  await userEvent.click(button);
  expect(at("model-progress-qwen3-4b")).toHaveTextContent("Asking the hub…");
  expect(at("model-pause-qwen3-4b")).toHaveFocus();
  backend.tick(7);
  await waitFor(() => expect(at("model-progress-qwen3-4b")).toHaveTextContent("1.2 GB of 2.5 GB · 24 MB per second · 52 s to go"));
  expect(within(at("model-progress-qwen3-4b")).getByRole("progressbar", { name: "Download of Qwen3 4B" })).toHaveAttribute("aria-valuenow", "50");
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(at("model-progress-qwen3-4b")).toHaveTextContent("1.2 GB of 2.5 GB are here"));
  expect(at("model-resume-qwen3-4b")).toHaveFocus();
  await userEvent.keyboard("{Enter}");
  backend.tick(7);
  await waitFor(() => expect(here().queryByTestId("model-qwen3-4b")).not.toBeNull());
  expect(within(at("models-catalogue")).queryByTestId("model-qwen3-4b")).toBeNull();
  expect(at("model-use-qwen3-4b")).toHaveFocus();
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(router.place).toEqual({ page: "project", id }));
  expect((await backend.project(id)).draft.model_path).toMatch(/snapshots\/0a1b2c\/Qwen3-4B-Q4_K_M\.gguf$/);
});

it("leaves the keyboard alone when a download ends beside it", async () => {
  const { backend } = await show();
  await userEvent.click(at("model-download-qwen3-4b"));
  await userEvent.click(at("models-search"));
  backend.tick(13);
  await waitFor(() => expect(here().queryByTestId("model-qwen3-4b")).not.toBeNull());
  expect(at("models-search")).toHaveFocus();
});

it("cancels a download and discards a paused one", async () => {
  const { backend } = await show();
  await userEvent.click(at("model-download-llama-3.2-1b"));
  backend.tick(4);
  await userEvent.click(await screen.findByTestId("model-cancel-llama-3.2-1b"));
  await screen.findByTestId("model-download-llama-3.2-1b");
  expect(row("llama-3.2-1b").contains(document.activeElement)).toBe(true);
  await userEvent.click(at("model-download-llama-3.2-1b"));
  backend.tick(4);
  await userEvent.click(at("model-pause-llama-3.2-1b"));
  await screen.findByTestId("model-resume-llama-3.2-1b");
  await userEvent.click(at("model-cancel-llama-3.2-1b"));
  await screen.findByTestId("model-download-llama-3.2-1b");
  expect(screen.queryByTestId("model-progress-llama-3.2-1b")).toBeNull();
  expect(backend.calls.filter(([name]) => name === "cancelDownload")).toHaveLength(2);
});

it("says why a download failed, and tries again", async () => {
  const { backend } = await show();
  await userEvent.click(at("model-download-gemma-2-2b-it"));
  backend.tick();
  const note = await within(row("gemma-2-2b-it")).findByTestId("error-note");
  expect(note).toHaveTextContent("may be downloaded once its terms are accepted");
  await userEvent.click(within(note).getByTestId("error-retry"));
  expect(backend.calls.filter(([name]) => name === "downloadModel")).toHaveLength(2);
  expect(within(row("gemma-2-2b-it")).queryByTestId("error-note")).toBeNull();
  backend.failNext("downloadModel", { code: "hub", message: "The disk is full.", hint: "" });
  await userEvent.click(at("model-download-qwen3-4b"));
  expect(await within(row("qwen3-4b")).findByText("The disk is full.")).toBeInTheDocument();
});

it("warns before it downloads what is too big", async () => {
  const { backend } = await show();
  const asked = () => backend.calls.filter(([name]) => name === "downloadModel").length;
  await userEvent.click(at("model-download-qwen3-14b"));
  expect(await screen.findByTestId("too-big")).toHaveTextContent("It needs about 12.2 GB of memory, and 11.8 GB are free");
  expect(asked()).toBe(0);
  await userEvent.click(at("too-big-yes"));
  await waitFor(() => expect(asked()).toBe(1));
  await screen.findByTestId("model-pause-qwen3-14b");
});

it("asks before it removes one, with the space and the projects that use it", async () => {
  const { backend, id, unmount } = await show();
  await bring(backend, "llama-3.2-1b");
  await userEvent.click(at("model-use-llama-3.2-1b"));
  await waitFor(async () => expect((await backend.project(id)).draft.model_path).toMatch(/snapshots/));
  // The choice leads to the project; the page is opened again.
  unmount();
  renderPage(ModelsPage, { project: id }, backend);
  expect(await screen.findByTestId("model-used-by-llama-3.2-1b")).toHaveTextContent("Used by Mood of reviews");
  await userEvent.click(at("model-remove-llama-3.2-1b"));
  const question = await screen.findByTestId("remove-model");
  expect(question).toHaveTextContent("This frees 808 MB.");
  expect(question.textContent?.replace(/[\u2068\u2069]/g, "")).toContain("The project Mood of reviews uses it");
  await userEvent.click(at("remove-model-yes"));
  await waitFor(() => expect(within(at("models-catalogue")).queryByTestId("model-llama-3.2-1b")).not.toBeNull());
  expect(toasts.list.at(-1)?.text).toContain("808 MB are free again");
});

it("uses the built-in model, own ones and a file of the person's", async () => {
  const { backend, id, unmount } = await show();
  await userEvent.click(at("own-use-1"));
  await waitFor(() => expect(router.place).toEqual({ page: "project", id }));
  expect((await backend.project(id)).draft.model_path).toBe("/home/you/models/my-own-1.7b.gguf");
  unmount();
  renderPage(ModelsPage, { project: id }, backend);
  await userEvent.click(await screen.findByTestId("use-built-in"));
  await waitFor(async () => expect((await backend.project(id)).draft.model_path).toBeNull());
  await userEvent.click(at("model-file"));
  await waitFor(async () => expect((await backend.project(id)).draft.model_path).toBe("/home/you/models/qwen3-1.7b-q8.gguf"));
});

it("uses a folder of the person's own, or says why none could be chosen", async () => {
  const { backend, id } = await show();
  backend.failNext("chooseModelFolder", { code: "dialog", message: "No dialog.", hint: "" });
  await userEvent.click(at("model-folder"));
  expect(await screen.findByText("No dialog.")).toBeInTheDocument();
  await userEvent.click(at("model-folder"));
  await waitFor(async () => expect((await backend.project(id)).draft.model_path).toBe("/home/you/models/Qwen3-1.7B"));
});

it("shows which dialog is open, and opens no second one beside it", async () => {
  const { backend, id } = await show();
  let close: (path: string | null) => void = () => {};
  backend.chooseModelFolder = () => new Promise((resolve) => (close = resolve));
  await userEvent.click(at("model-folder"));
  expect(at("model-folder")).toHaveAttribute("aria-busy", "true");
  expect(at("model-file")).not.toHaveAttribute("aria-busy");
  await userEvent.click(at("model-file"));
  expect(at("model-file")).not.toHaveAttribute("aria-busy");
  expect(backend.calls.some(([name]) => name === "chooseModel")).toBe(false);
  close(null);
  await waitFor(() => expect(at("model-folder")).not.toHaveAttribute("aria-busy"));
  expect((await backend.project(id)).draft.model_path).toBeNull();
});

it("says why a choice could not be kept", async () => {
  const { backend } = await show();
  backend.failNext("saveDraft", { code: "disk", message: "The disk is full.", hint: "" });
  await userEvent.click(at("own-use-1"));
  expect(await screen.findByText("The disk is full.")).toBeInTheDocument();
  expect(router.place.page).toBe("home");
});

it("only lists where there is no project", async () => {
  const { backend } = await show(false);
  expect(screen.queryByTestId("model-file")).toBeNull();
  expect(screen.queryByTestId("own-use-1")).toBeNull();
  await bring(backend, "qwen3-4b");
  expect(screen.queryByTestId("model-use-qwen3-4b")).toBeNull();
  expect(at("model-remove-qwen3-4b")).toBeInTheDocument();
});

it("looks up another one, downloads it, and lists it as here", async () => {
  const { backend, container } = await show();
  expect(at("repo-look")).toBeDisabled();
  await userEvent.type(at("repo-name"), "https://huggingface.co/Some/Model-GGUF/tree/main{Enter}");
  const found = await screen.findByTestId("repo-result");
  expect(found).toHaveTextContent("Some/Model-GGUF");
  expect(at("repo-fit-0")).toHaveTextContent(/needs about .* reckoned from its size/);
  expect(found).toHaveTextContent("Licence: apache-2.0");
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(at("repo-download-0"));
  backend.tick(5);
  await userEvent.click(await screen.findByTestId("repo-pause-0"));
  await userEvent.click(await screen.findByTestId("repo-resume-0"));
  backend.tick(12);
  await screen.findByTestId("repo-use-0");
  expect(await screen.findByTestId("own-model-2")).toHaveTextContent("Some/Model-GGUF");
  await userEvent.click(at("own-remove-2"));
  await userEvent.click(await screen.findByTestId("remove-model-yes"));
  await screen.findByTestId("repo-download-0");
  expect(backend.calls.find(([name]) => name === "removeModel")).toEqual(["removeModel", "Some/Model-GGUF", ["Model-GGUF-Q4_K_M.gguf"]]);
});

it("says that nothing in a repository can be loaded, that a name is wrong, and that terms come first", async () => {
  await show();
  const look = async (name: string) => {
    await userEvent.clear(at("repo-name"));
    await userEvent.type(at("repo-name"), `${name}{Enter}`);
  };
  await look("Some/nothing");
  expect(await screen.findByTestId("repo-nothing")).toHaveTextContent("Nothing in it can be loaded");
  await look("nonsense");
  expect(await screen.findByText(/needs an owner and a name/)).toBeInTheDocument();
  expect(screen.queryByTestId("repo-result")).toBeNull();
  await look("Some/gated");
  expect(await screen.findByTestId("repo-gated")).toHaveTextContent("https://huggingface.co/Some/gated");
});

it("downloads a repository with safetensors, names it as a folder and removes all its files", async () => {
  const { backend, container } = await show();
  expect(at("own-model-0")).not.toHaveTextContent("safetensors");
  await userEvent.type(at("repo-name"), "Some/Model-safetensors{Enter}");
  expect(await screen.findByTestId("repo-choice-0")).toHaveTextContent("safetensors folder");
  await userEvent.click(at("repo-download-0"));
  backend.tick(13);
  const own = await screen.findByTestId("own-model-2");
  expect(own).toHaveTextContent("safetensors folder");
  expect(await seriousFaults(container)).toEqual([]);
  await userEvent.click(at("own-remove-2"));
  await userEvent.click(await screen.findByTestId("remove-model-yes"));
  await screen.findByTestId("repo-download-0");
  expect(backend.calls.find(([name]) => name === "removeModel")).toEqual(["removeModel", "Some/Model-safetensors", ["model.safetensors", "config.json", "tokenizer.json"]]);
});

/** The page with models and a computer of the test's. */
async function showOther(change: (page: Awaited<ReturnType<Scripted["models"]>>) => Awaited<ReturnType<Scripted["models"]>>) {
  const plain = makeScripted();
  return show(true, { ...plain, models: async () => change(await plain.models()) });
}

it("says which projects use a model, three by name, in their own direction", async () => {
  const names = ["Routing", "<b>Reviews</b>", "\u202eevil", "Four", "Five", "Six", "Seven"];
  const { container } = await showOther((page) => ({
    ...page,
    own: page.own.map((one, at) => ({ ...one, used_by: names.slice(0, at === 0 ? 2 : 7) })),
    catalogue: page.catalogue.map((one, at) => (at === 0 ? { ...one, state: { kind: "ready", path: "/m" }, used_by: names.slice(0, 4) } : { ...one, used_by: names })),
  }));
  expect(at("own-used-by-0").textContent?.trim()).toBe("Used by Routing, <b>Reviews</b>");
  expect(at("own-used-by-1").textContent?.trim()).toBe("Used by Routing, <b>Reviews</b>, \u202eevil and 4 more");
  expect([...at("own-used-by-1").querySelectorAll("bdi")].map((one) => one.textContent)).toEqual(names.slice(0, 3));
  expect(at("model-used-by-smollm2-135m-instruct")).toHaveTextContent("and 1 more");
  // What is not here is used by no one.
  expect(screen.queryByTestId("model-used-by-qwen3-4b")).toBeNull();
  expect(container.querySelector("b")).toBeNull();
  await userEvent.click(within(at("own-used-by-1")).getByRole("button", { name: "and 4 more" }));
  expect((await screen.findAllByText(/Four.*Seven/)).length).toBeGreaterThan(0);
  expect(await seriousFaults(container)).toEqual([]);
});

it("removes nothing of what lies outside the hub's folder, and offers no removal without files", async () => {
  await showOther((page) => ({ ...page, own: page.own.map((one) => ({ ...one, repo: "a/b", files: [] })) }));
  expect(screen.queryByTestId("own-remove-1")).toBeNull();
});

it("says why no GPU is used, and what is not known of the memory", async () => {
  const { container } = await showOther((page) => ({
    ...page,
    computer: {
      ...page.computer, gpu: null, disk_free: null, no_gpu: { kind: "no_gpu_support" },
      devices: [{ id: "auto", label: "Automatic", free: null, total: null }, { id: "cpu", label: "", free: null, total: null }],
    },
  }));
  expect(at("no-gpu")).toHaveTextContent("none that this program can use");
  expect(at("no-gpu")).toHaveTextContent("This program cannot use graphics cards.");
  expect(at("device-cpu")).toHaveTextContent("how much memory is free is not known");
  expect(container.querySelector("i")).toBeNull();
  expect(screen.queryByTestId("disk-free")).toBeNull();
  expect(await seriousFaults(container)).toEqual([]);
});

it("keeps what breaks off in sight, with the reason for each new try", async () => {
  const { backend } = await show();
  await userEvent.type(at("repo-name"), "Some/broken{Enter}");
  await userEvent.click(await screen.findByTestId("repo-download-1"));
  backend.tick(7);
  await waitFor(() => expect(at("repo-progress-1")).toHaveTextContent("Trying again in 4 s (try 1): the connection to huggingface.co broke"));
  await userEvent.clear(at("repo-name"));
  await userEvent.type(at("repo-name"), "Some/Other{Enter}");
  // Another search must not hide it.
  expect(await screen.findByTestId("other-0")).toHaveTextContent("broken-Q8_0");
  backend.tick(3);
  expect(await within(at("other-0")).findByTestId("error-note")).toHaveTextContent("Go on later");
  await userEvent.click(at("other-resume-0"));
  expect(await screen.findByTestId("other-pause-0")).toBeInTheDocument();
});

it("shows hostile names as text", async () => {
  const plain = makeScripted();
  const name = "<img src=x onerror=alert(1)> \u202eevil " + "W".repeat(5000);
  const backend: Scripted = {
    ...plain,
    async models() {
      const page = await plain.models();
      const problem = { code: "model", message: "<b>cut off</b>", hint: "" };
      return { ...page, own: page.own.map((one) => ({ ...one, name, problem })), catalogue: page.catalogue.map((one) => ({ ...one, entry: { ...one.entry, name } })) };
    },
  };
  const { container } = await show(true, backend);
  expect(container.querySelector("img")).toBeNull();
  expect(at("own-model-1")).toHaveTextContent("<b>cut off</b>");
  expect(screen.queryByTestId("own-use-1")).toBeNull();
  expect(row("qwen3-4b").querySelector("bdi")).toHaveTextContent(name.replace(/\s+/g, " "));
});

it("says it when the models cannot be read, and reads them again", async () => {
  const backend = makeScripted();
  backend.failNext("models", { code: "hub", message: "There is no home folder.", hint: "" });
  renderPage(ModelsPage, { project: null }, backend);
  await screen.findByText("There is no home folder.");
  await userEvent.click(at("error-retry"));
  await screen.findByTestId("models-catalogue");
});

it("speaks German", async () => {
  setLanguage("de");
  await show();
  expect(row("qwen3-4b")).toHaveTextContent("Ein guter Mittelweg");
  expect(row("qwen3-4b")).toHaveTextContent("Englisch, Chinesisch, Deutsch, Französisch und 7 weitere");
  expect(at("model-fit-qwen3-14b")).toHaveTextContent("Zu groß für diesen Rechner");
});

it("knows names of languages", async () => {
  expect(languageNames(["de", "not a code"])).toEqual(["German", "not a code"]);
  const { catalogue } = await makeScripted().models();
  expect(catalogue.filter((one) => matches(one, "all", "")).length).toBe(catalogue.length);
});
