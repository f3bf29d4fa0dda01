import type { Backend } from "./backend";
import type { AppError, ModelInfo, ServerView } from "./generated/wire";

const wrong = (message: string, hint: string): AppError => ({ code: "server", message, hint });

type Machine = { models: string[]; scores: boolean; key?: string; /** Answers nothing, for as long as one waits. */ silent?: boolean };
/** What answers where. */
const machines: Record<string, Machine> = {
  "http://localhost:8000": { models: ["Qwen/Qwen3-8B"], scores: true },
  "http://localhost:11434": { models: ["llama3.1:8b"], scores: false },
  "http://192.168.1.20:8080": { models: ["mistral-small-24b"], scores: true },
  "http://localhost:1234": { models: [], scores: false, silent: true },
  "https://models.example.org": { models: ["qwen3-32b"], scores: true, key: "open-sesame" },
};
const noEcho = "it does not repeat the text that was sent";

/** As the program reads what a person types. */
function addressOf(typed: string): string {
  const given = typed.trim();
  const fault = (why: string) => wrong(`"${given}" is not the address of a server: ${why}`, "Type it like http://127.0.0.1:11434.");
  if (!given) throw fault("it is empty");
  const whole = given.includes("://") ? given : `http://${given}`;
  if (!URL.canParse(whole)) throw fault("invalid port number");
  if (!/^https?:/i.test(whole)) throw fault("it must begin with http:// or https://");
  return whole.replace(/\/+$/, "").replace(/\/v1$/, "");
}

/** Servers of the person's own, as a stand-in. */
export function makeServers(pace = 0) {
  let kept: ServerView[] = [];
  let number = 0;
  let cancel = () => {};
  const keys = new Map<string, string>();
  const view = (one: ServerView): ServerView => structuredClone({ ...one, has_key: keys.has(one.address) });

  const methods = {
    async servers() { return kept.map(view); },
    async checkServer(typed) {
      const address = addressOf(typed.address);
      const machine = machines[address];
      if (pace > 0 || machine?.silent) {
        await new Promise<void>((go, stop) => {
          cancel = () => stop(wrong("The check was cancelled.", ""));
          if (!machine?.silent) setTimeout(go, 1500);
        });
      }
      if (!machine) throw wrong(`nothing answers at ${address}: connection refused`, "Start the server, and check the address: http or https, computer, port.");
      const key = typed.key?.trim() || keys.get(address);
      if (machine.key && key !== machine.key) throw wrong(`${address} does not accept the key, or wants one`, "Enter the key that the server was started with.");
      const model = typed.model?.trim() || machine.models[0] || "";
      if (!machine.models.includes(model)) {
        throw wrong(`${address} has no model "${model}"; it has ${machine.models.join(", ")}`, "Choose one of its models, or load this one there.");
      }
      if (key) keys.set(address, key);
      const old = kept.find((one) => one.address === address && one.model === model);
      const made: ServerView = {
        path: old?.path ?? `server:${++number}`, address, model, writes: true, scores: machine.scores, why_no_scores: machine.scores ? "" : noEcho,
        found: machine.scores
          ? [{ key: "report.both", params: {} }]
          : [{ key: "report.only_writes", params: { why: noEcho } }, { key: "report.echo", params: {} }],
        in_clear: address.startsWith("http://") && !address.includes("//localhost"), has_key: false,
        keys_last: true,
      };
      kept = [...kept.filter((one) => one !== old), made];
      return view(made);
    },
    async cancelServerCheck() { cancel(); },
    async removeServer(path) {
      const gone = kept.find((one) => one.path === path);
      kept = kept.filter((one) => one !== gone);
      if (gone && !kept.some((one) => one.address === gone.address)) keys.delete(gone.address);
    },
  } satisfies Partial<Backend>;

  /** What is known of a server as a project's model; null where the path is a file's. */
  function info(path: string | null): ModelInfo | null {
    if (!path?.startsWith("server:")) return null;
    const one = kept.find((server) => server.path === path);
    if (!one) throw wrong("The server that this project uses is not known any more.", "Choose another model, or type its address again.");
    return {
      path, name: one.model, built_in: false, architecture: "", parameters: 0, file_bytes: 0, context_window: 32768, has_chat_template: true,
      device: { class: { kind: "server", address: one.address }, precision: "unknown", scorer: "engine", reasons: [] }, devices: [], exact: false, memory_needed: 0, memory_free: 0, loaded: false,
      problem: one.scores ? null : wrong(`This server cannot score: ${one.why_no_scores}`, "Use it for rewriting, and score with a model on this computer."),
    };
  }

  return { methods, info };
}
