import type { Backend } from "../../../backend";
import type { Draft, ModelsPage, ServerView } from "../../../backend/generated/wire";
import { Waiting } from "../../../lib/waiting.svelte";

/** Whether a model's path stands for a server. */
export const isServer = (path: string | null): path is string => path?.startsWith("server:") ?? false;

/** The last part of a path, of whatever system. */
export const fileName = (path: string): string => path.split(/[\\/]/).pop() || path;

/** Servers of the person's own that were checked. */
export class Servers {
  /** None before they were read. */
  list = $state.raw<ServerView[] | null>(null);
  readonly reading = new Waiting();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load(): Promise<void> {
    const found = await this.reading.run(() => this.#backend.servers());
    if (found) this.list = found;
  }

  find(path: string | null): ServerView | null {
    return this.list?.find((one) => one.path === path) ?? null;
  }

  /** Fails as the program does. */
  async remove(path: string): Promise<void> {
    await this.#backend.removeServer(path);
    this.list = this.list?.filter((one) => one.path !== path) ?? null;
  }
}

/** A model of this computer. */
export type LocalModel = { path: string; name: string; bytes: number };

/** Models of this computer that can be used, by name. The built-in one has no path. */
export function localModels({ catalogue, own }: ModelsPage): LocalModel[] {
  const known = catalogue.flatMap(({ entry, state }) => (state.kind === "ready" ? [{ path: state.path, name: entry.name, bytes: entry.bytes }] : []));
  const others = own.flatMap(({ path, name, bytes, problem }) => (path === null || problem ? [] : [{ path, name, bytes }]));
  return [...known, ...others];
}

/** Who writes a project's rewrites. */
export type Writer =
  | { kind: "same" }
  /** The one that scores is a server. */
  | { kind: "same_server" }
  | { kind: "file"; name: string }
  | { kind: "server"; server: ServerView }
  /** A server, and the list of them is not read yet. */
  | { kind: "unread" }
  /** A server that was removed. */
  | { kind: "gone" }
  /** A server that cannot write. */
  | { kind: "cannot" };

/** What a model's file or folder is called. */
export const nameOf = (path: string, here: LocalModel[]): string => here.find((one) => one.path === path)?.name ?? fileName(path);

export function writerOf({ model_path, writer_path }: Draft, servers: Servers, here: LocalModel[]): Writer {
  const path = writer_path ?? model_path;
  if (!isServer(path)) return writer_path === null ? { kind: "same" } : { kind: "file", name: nameOf(writer_path, here) };
  const server = servers.find(path);
  if (!servers.list) return { kind: "unread" };
  // What is wrong with the model that scores is said where it is shown.
  if (!server) return { kind: writer_path === null ? "same_server" : "gone" };
  if (!server.writes) return { kind: "cannot" };
  return writer_path === null ? { kind: "same_server" } : { kind: "server", server };
}

/** Whether what goes to a typed address can be read on the way; see `Address` of the program. */
export function sendsInClear(typed: string): boolean {
  const given = typed.trim();
  if (!given) return false;
  const whole = given.includes("://") ? given : `http://${given}`;
  if (!URL.canParse(whole)) return false;
  const { protocol, hostname } = new URL(whole);
  if (protocol !== "http:" || !hostname) return false;
  // Half typed, it may still become this computer.
  const bare = given.toLowerCase().replace(/^http:\/\//, "");
  const begun = "https://".startsWith(given.toLowerCase()) || "localhost".startsWith(bare) || "127.0.0.1".startsWith(bare);
  const here = hostname === "localhost" || hostname === "[::1]" || hostname.endsWith(".localhost") || /^127(\.\d+){3}$/.test(hostname);
  return !begun && !here;
}

/** A window as it was typed; null for none, undefined for what is no number. */
export function windowOf(typed: string): number | null | undefined {
  const bare = typed.replace(/[\s.,'’]/g, "");
  if (!bare) return typed.trim() ? undefined : null;
  const number = /^\d{1,9}$/.test(bare) ? Number(bare) : 0;
  return number > 0 ? number : undefined;
}
