import { getContext, setContext } from "svelte";
import type { Backend } from "./backend";
import type { AppError } from "./generated/wire";

const key = Symbol("backend");

export function setBackend(backend: Backend): Backend {
  return setContext(key, backend);
}

export function getBackend(): Backend {
  const backend = getContext<Backend | undefined>(key);
  if (!backend) throw new Error("a page was shown without a backend");
  return backend;
}

/** Whatever was thrown, as something a person can read. */
export function asAppError(thrown: unknown): AppError {
  if (isAppError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "unexpected", told: { key: "unexpected.other", params: { why: message } }, message, hint: "" };
}

function isAppError(thrown: unknown): thrown is AppError {
  return (
    typeof thrown === "object" && thrown !== null &&
    "code" in thrown && typeof thrown.code === "string" &&
    "message" in thrown && typeof thrown.message === "string" &&
    "hint" in thrown && typeof thrown.hint === "string"
  );
}

export type { Backend, Unsubscribe } from "./backend";
