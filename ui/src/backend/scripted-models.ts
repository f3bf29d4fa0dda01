import type { Backend } from "./backend";
import type { AppError } from "./generated/wire";

const later = (): never => {
  throw { code: "unexpected", message: "The stand-in does not do this.", hint: "" } satisfies AppError;
};

/** Models of the hub, as a stand-in. */
export function makeModels() {
  return {
    async models() { return later(); },
    async lookUpModel() { return later(); },
    async downloadModel() { return later(); },
    async pauseDownload() { return later(); },
    async cancelDownload() { return later(); },
    async removeModel() { return later(); },
  } satisfies Partial<Backend>;
}
