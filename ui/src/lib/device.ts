import type { Device, DeviceOption, DeviceReason, RunWriter } from "../backend/generated/wire";
import { format, t } from "../text";
import { clause } from "./told";

/** Where and how a model is computed and why so, in the page's language. */
export function deviceWords(device: Device, writer: RunWriter | null = null): string {
  const own = placeWords(device);
  return writer ? t.device.written(own, writer.name, placeWords(writer.device)) : own;
}

function placeWords({ class: kind, precision, reasons }: Device): string {
  const how = precision === "exact" ? t.device.exact : precision === "stored" ? t.device.stored : "";
  const what = [classWords(kind), how].filter(Boolean).join(", ");
  return reasons.length ? t.device.because(what, reasons.map(reasonWords).join("; ")) : what;
}

function classWords(kind: Device["class"]): string {
  switch (kind.kind) {
    case "cpu": return t.device.cpu;
    case "gpu": return t.device.gpu(kind.name ?? String(kind.number + 1));
    case "server": return t.device.server(kind.address);
    case "other": return kind.words;
  }
}

/** Why it is this device, in the page's language. */
export function reasonWords(reason: DeviceReason): string {
  const words = t.device.reasons;
  switch (reason.kind) {
    case "no_gpu": case "gpu_failed": case "not_packed": return words[reason.kind](clause(reason.why));
    case "gpu_too_small": return words.gpu_too_small(reason.gpu, format.mebibytes(reason.free_mib), format.mebibytes(reason.needs_mib));
    default: return words[reason.kind];
  }
}

/** The name of a place to choose from. */
export function optionWords({ id, label }: DeviceOption): string {
  return id === "auto" ? t.device.auto : id === "cpu" ? t.device.cpu : label;
}
