import type { Backend } from "./backend";
import type {
  AppError, CatalogueModel, DownloadProgress, Fit, ModelChoice, ModelKind, ModelState, OwnModel, RepoModels, ShellEvent,
} from "./generated/wire";
import { devices } from "./scripted-data";

export type ModelsHost = {
  shell(event: ShellEvent): void;
  /** Names of the projects that use a model. */ users(path: string | null): string[];
  /** Milliseconds between two pieces; 0: only `tick` moves them. */ pace: number;
};

const wrong = (code: string, message: string, hint = ""): AppError => ({ code, message, hint });
const cache = "/home/you/.cache/huggingface/hub";
const freeOn = (id: string) => devices.find((device) => device.id === id)?.free ?? 0;
const free = freeOn("cpu");
const gpu = freeOn("gpu0");
const longest = 2048;
/** A download comes in so many pieces. */
const pieces = 12;

type Line = {
  id: string; name: string; family: string; kind: ModelKind; parameters: number; licence: [name: string, address: string, gated?: boolean];
  languages: string[]; en: string; de: string; repo: string; files: string[]; quantisation: string; bytes: number;
};

const apache: Line["licence"] = ["Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"];
const many = ["en", "zh", "de", "fr", "es", "it", "pt", "ru", "ja", "ko", "ar"];
const lines: Line[] = [
  { id: "smollm2-135m-instruct", name: "SmolLM2 135M Instruct", family: "llama", kind: "instruct", parameters: 134_515_008, licence: apache, languages: ["en"], en: "The smallest one: good for trying things out on any computer, not for real work.", de: "Das kleinste: gut zum Ausprobieren auf jedem Computer, nicht für ernsthafte Arbeit.", repo: "bartowski/SmolLM2-135M-Instruct-GGUF", files: ["SmolLM2-135M-Instruct-Q8_0.gguf"], quantisation: "Q8_0", bytes: 144_811_392 },
  { id: "llama-3.2-1b", name: "Llama 3.2 1B (base)", family: "llama", kind: "base", parameters: 1_235_814_400, licence: ["Llama 3.2 Community License", "https://www.llama.com/llama3_2/license/"], languages: ["en", "de", "fr", "it", "pt", "es", "hi", "th"], en: "A small base model: it continues texts and follows examples rather than instructions.", de: "Ein kleines Grundmodell: Es setzt Texte fort und folgt eher Beispielen als Anweisungen.", repo: "QuantFactory/Llama-3.2-1B-GGUF", files: ["Llama-3.2-1B.Q4_K_M.gguf"], quantisation: "Q4_K_M", bytes: 808_000_000 },
  { id: "gemma-2-2b-it", name: "Gemma 2 2B Instruct", family: "gemma2", kind: "instruct", parameters: 2_614_341_888, licence: ["Gemma Terms of Use", "https://ai.google.dev/gemma/terms", true], languages: ["en"], en: "Careful English texts of moderate length.", de: "Sorgfältige englische Texte mittlerer Länge.", repo: "google/gemma-2-2b-it-GGUF", files: ["2b_it_v2.gguf"], quantisation: "BF16", bytes: 5_246_000_000 },
  { id: "qwen3-4b", name: "Qwen3 4B", family: "qwen3", kind: "instruct", parameters: 4_022_468_096, licence: apache, languages: many, en: "A good middle way: many languages, careful instructions, still quick.", de: "Ein guter Mittelweg: viele Sprachen, genaue Anweisungen, noch flott.", repo: "Qwen/Qwen3-4B-GGUF", files: ["Qwen3-4B-Q4_K_M.gguf"], quantisation: "Q4_K_M", bytes: 2_497_280_256 },
  { id: "mistral-7b", name: "Mistral 7B Instruct v0.3", family: "mistral3", kind: "instruct", parameters: 7_248_023_552, licence: apache, languages: ["en", "fr"], en: "Longer English and French texts.", de: "Längere englische und französische Texte.", repo: "bartowski/Mistral-7B-Instruct-v0.3-GGUF", files: ["Mistral-7B-Instruct-v0.3-Q4_K_M.gguf"], quantisation: "Q4_K_M", bytes: 4_372_812_000 },
  { id: "qwen3-14b", name: "Qwen3 14B", family: "qwen3", kind: "instruct", parameters: 14_768_307_200, licence: apache, languages: many, en: "The largest one: for hard tasks and a computer with much memory.", de: "Das größte: für schwere Aufgaben und einen Computer mit viel Speicher.", repo: "Qwen/Qwen3-14B-GGUF", files: ["Qwen3-14B-Q4_K_M.gguf"], quantisation: "Q4_K_M", bytes: 9_001_752_960 },
];

function fitOf({ parameters, bytes }: Pick<Line, "parameters" | "bytes">): Fit {
  const keys_and_values = Math.round(parameters * 0.06);
  const one = (verdict: Fit["verdict"], way: Fit["way"], weights: number, packed_weights: number, program: number): Fit =>
    ({ verdict, way, memory: { weights, packed_weights, keys_and_values, working: 620_000_000 + Math.round(parameters * 0.1), program } });
  const total = (fit: Fit) => Object.values(fit.memory).reduce((sum, part) => sum + part, 0);
  const onGpu = one("fits_gpu", "gpu_packed", bytes, bytes, 419_000_000);
  if (total(onGpu) <= gpu) return onGpu;
  const packed = one("on_processor", "packed", parameters * 4, parameters * 4, 210_000_000);
  if (total(packed) <= free) return packed;
  const inFile = one("on_processor", "as_in_file", bytes, 0, 210_000_000);
  return total(inFile) <= free ? inFile : { ...inFile, verdict: "too_big" };
}

type Kept = { state: "partial" | "ready"; done: number; bytes: number };
type Going = { repo: string; files: string[]; at: number; bytes: number; tries: number; timer: ReturnType<typeof setInterval> | undefined };

/** Models of the hub, as a stand-in: pieces of a twelfth, in order. */
export function makeModels(host: ModelsHost) {
  const key = (repo: string, files: string[]) => [repo, ...files].join("\n");
  const kept = new Map<string, Kept>();
  const going = new Map<string, Going>();
  /** Repositories that broke off once. */
  const broken = new Set<string>();
  /** A file, or the folder of several. */
  const pathOf = (repo: string, files: string[]) => `${cache}/models--${repo.replace("/", "--")}/snapshots/0a1b2c${files.length === 1 ? `/${files[0]}` : ""}`;

  function bytesOf(repo: string, files: string[]): number {
    const entry = lines.find((line) => line.repo === repo && line.files.join() === files.join());
    return entry?.bytes ?? choicesOf(repo).find((choice) => choice.files.join() === files.join())?.bytes ?? 1_000_000_000;
  }
  const progressOf = (one: Going): DownloadProgress => {
    const done = Math.round((one.bytes * Math.max(0, one.at - 1)) / pieces);
    const known = one.at > 2;
    return {
      stage: { kind: one.at === 0 ? "looking_up" : "downloading" }, file: one.at === 0 ? "" : one.files[0] ?? "", files_done: 0, files: one.files.length,
      done, total: one.at === 0 ? 0 : one.bytes, bytes_per_second: known ? 24_000_000 : null, seconds_left: known ? (one.bytes - done) / 24_000_000 : null,
    };
  };
  function stateOf(repo: string, files: string[]): ModelState {
    const now = going.get(key(repo, files));
    if (now) return { kind: "downloading", progress: progressOf(now) };
    const here = kept.get(key(repo, files));
    if (here?.state === "ready") return { kind: "ready", path: pathOf(repo, files) };
    return here ? { kind: "partial", done: here.done } : { kind: "missing" };
  }
  function end(one: Going, what: Extract<ShellEvent, { kind: "download_ended" }>["end"]) {
    clearInterval(one.timer);
    const name = key(one.repo, one.files);
    going.delete(name);
    const { done } = progressOf(one);
    if (what.kind === "ready") kept.set(name, { state: "ready", done: one.bytes, bytes: one.bytes });
    else if (what.kind === "cancelled" || done === 0) kept.delete(name);
    else kept.set(name, { state: "partial", done, bytes: one.bytes });
    host.shell({ kind: "download_ended", repo: one.repo, files: one.files, end: what });
  }
  function step(one: Going) {
    const entry = lines.find((line) => line.repo === one.repo);
    if (entry?.licence[2]) {
      return end(one, { kind: "failed", error: wrong("hub", `${one.repo} may be downloaded once its terms are accepted at https://huggingface.co/${one.repo}`, "Accept the terms on that page, make an access token at huggingface.co/settings/tokens, and put it into HF_TOKEN.") });
    }
    if (one.repo.includes("broken") && one.at === pieces / 2 && !broken.has(one.repo)) {
      one.tries += 1;
      if (one.tries < 3) {
        const stage = { kind: "retrying" as const, why: "the connection to huggingface.co broke", seconds: 4, attempt: one.tries };
        return host.shell({ kind: "download", repo: one.repo, files: one.files, progress: { ...progressOf(one), stage } });
      }
      broken.add(one.repo);
      return end(one, { kind: "failed", error: wrong("hub", "The connection to huggingface.co broke.", "Go on later: what is here is kept.") });
    }
    one.at += 1;
    if (one.at > pieces) end(one, { kind: "ready", path: pathOf(one.repo, one.files) });
    else host.shell({ kind: "download", repo: one.repo, files: one.files, progress: progressOf(one) });
  }

  function choicesOf(repo: string): ModelChoice[] {
    const name = repo.split("/")[1] ?? repo;
    if (/nothing/.test(name)) return [];
    if (/safetensors/.test(name)) return [{ name, format: "safetensors", quantisation: null, files: ["model.safetensors", "config.json", "tokenizer.json"], bytes: 3_411_000_000 }];
    return (["Q4_K_M", "Q8_0"] as const).map((quantisation, at) => ({
      name: `${name}-${quantisation}`, format: "gguf", quantisation, files: [`${name}-${quantisation}.gguf`], bytes: [1_050_000_000, 1_890_000_000][at] ?? 0,
    }));
  }
  function own(): OwnModel[] {
    const found: Array<Omit<OwnModel, "used_by">> = [
      { name: "Qwen3 0.6B", path: null, repo: null, bytes: 639_000_000, architecture: "qwen3", parameters: 596_000_000, has_chat_template: true, problem: null, files: [], format: "gguf" },
      { name: "My own 1.7B", path: "/home/you/models/my-own-1.7b.gguf", repo: null, bytes: 1_830_000_000, architecture: "qwen3", parameters: 1_720_000_000, has_chat_template: false, problem: null, files: [], format: "gguf" },
    ];
    for (const [name, { state, bytes }] of kept) {
      const [repo = "", ...files] = name.split("\n");
      if (state !== "ready" || lines.some((line) => key(line.repo, line.files) === name)) continue;
      const gguf = files.length === 1;
      found.push({
        name: gguf ? (files[0] ?? "").replace(/\.gguf$/, "") : repo.split("/")[1] ?? repo, path: pathOf(repo, files), repo, bytes, architecture: "llama",
        parameters: Math.round(bytes * (gguf ? 1.6 : 0.5)), has_chat_template: true, problem: null, files, format: gguf ? "gguf" : "safetensors",
      });
    }
    return found.map((model) => ({ ...model, used_by: host.users(model.path) }));
  }

  const methods = {
    async models() {
      const catalogue: CatalogueModel[] = lines.map((line) => {
        const { licence: [name, address, gated = false], en, de, ...rest } = line;
        const shape = { layers: 28, hidden: 1024, feed_forward: 3072, heads: 16, kv_heads: 8, head_size: 128, vocabulary: 151_936, tied: true, window: 40_960 };
        return {
          entry: { ...rest, licence: { name, address, gated }, good_for: { en, de }, format: "gguf", shape },
          fit: fitOf(line), state: stateOf(line.repo, line.files), page: `https://huggingface.co/${line.repo}`, used_by: host.users(pathOf(line.repo, line.files)),
        };
      });
      const computer = { free, gpu, longest, cache, endpoint: "https://huggingface.co", has_token: false, devices, disk_free: 212_000_000_000, no_gpu: null };
      return structuredClone({ catalogue, own: own(), computer });
    },
    async lookUpModel(given): Promise<RepoModels> {
      const repo = given.trim().replace(/^https?:\/\/[^/]+\//, "").split("/").slice(0, 2).join("/");
      if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) throw wrong("hub", `“${given}” cannot be used as a name: it needs an owner and a name with a slash between them`, "Write it as owner/name, or paste the address of the model's page.");
      if (repo.includes("unknown")) throw wrong("hub", `There is no model ${repo} on the hub.`, "See whether the name is right.");
      const choices = choicesOf(repo);
      return {
        files: {
          repo, commit: "0a1b2c", gated: repo.includes("gated"), licence: repo.includes("nolicence") ? null : "apache-2.0", family: choices.length ? "llama" : null,
          parameters: choices.length ? 1_700_000_000 : null, files: choices.length ? choices.map((one) => ({ name: one.files[0] ?? "", bytes: one.bytes })) : [{ name: "model.onnx", bytes: 3_400_000_000 }],
        },
        choices: choices.map((choice) => ({ choice, state: stateOf(repo, choice.files), fit: choice.quantisation ? fitOf({ parameters: choice.bytes * 1.6, bytes: choice.bytes }) : null })), page: `https://huggingface.co/${repo}`,
      };
    },
    async downloadModel(repo, files) {
      const name = key(repo, files);
      if (going.has(name)) return;
      const bytes = bytesOf(repo, files);
      const before = kept.get(name)?.done ?? 0;
      const one: Going = { repo, files, at: before ? Math.round((before / bytes) * pieces) : 0, bytes, tries: 0, timer: undefined };
      going.set(name, one);
      if (host.pace > 0) one.timer = setInterval(() => step(one), host.pace * 4);
    },
    async pauseDownload(repo, files) {
      const one = going.get(key(repo, files));
      if (one) end(one, { kind: "paused" });
    },
    async cancelDownload(repo, files) {
      const one = going.get(key(repo, files));
      if (one) end(one, { kind: "cancelled" });
      else kept.delete(key(repo, files));
    },
    async removeModel(repo, files) {
      const here = kept.get(key(repo, files));
      if (here?.state !== "ready") throw wrong("hub", "This model is not here any more.");
      kept.delete(key(repo, files));
      return here.bytes;
    },
  } satisfies Partial<Backend>;
  return {
    methods,
    /** Moves all downloads on by a piece. */
    tick() { for (const one of [...going.values()]) step(one); },
  };
}
