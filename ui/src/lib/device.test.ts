import { afterEach, expect, it } from "vitest";
import type { Device } from "../backend/generated/wire";
import { setLanguage } from "../text/language.svelte";
import { deviceWords, optionWords } from "./device";

const cpu: Device = { class: { kind: "cpu" }, precision: "exact", scorer: "packed", reasons: [] };
const card: Device = { class: { kind: "gpu", number: 1, name: "Example 4060" }, precision: "stored", scorer: "packed", reasons: [] };

afterEach(() => setLanguage("en"));

it("says where a model is computed, and why so", () => {
  expect(deviceWords(cpu)).toBe("Processor, exact");
  expect(deviceWords(card)).toBe("Graphics card Example 4060, compressed");
  expect(deviceWords({ ...card, class: { kind: "gpu", number: 1, name: null } })).toBe("Graphics card 2, compressed");
  expect(deviceWords({ ...cpu, class: { kind: "server", address: "127.0.0.1:80" }, precision: "unknown" })).toBe("Server at 127.0.0.1:80");
  expect(deviceWords({ ...cpu, class: { kind: "other", words: "an abacus" }, precision: "unknown" })).toBe("an abacus");
  const reasons: Device["reasons"] = [
    { kind: "gpu_too_small", gpu: "GPU 0", free_mib: 1024, needs_mib: 4096 }, { kind: "memory_short" }, { kind: "not_packed", why: "no room" },
  ];
  expect(deviceWords({ ...cpu, precision: "stored", reasons })).toBe(
    "Processor, compressed (GPU 0 has 1.1 GB free and the model needs 4.3 GB; compressed because memory is short, which is slower; slower than usual: no room)",
  );
});

it("names who writes, in the page's language", () => {
  setLanguage("de");
  expect(deviceWords({ ...cpu, reasons: [{ kind: "cpu_asked" }] }, { name: "Qwen", device: card })).toBe(
    "Prozessor, genau (wie von Ihnen gewählt); Umschreibungen von Qwen (Grafikkarte Example 4060, komprimiert)",
  );
  expect(optionWords({ id: "auto", label: "Automatic", free: null, total: null })).toBe("Automatisch: eine Grafikkarte, wo es eine gibt");
  expect(optionWords({ id: "gpu0", label: "GPU 0 (Card)", free: null, total: null })).toBe("GPU 0 (Card)");
});
