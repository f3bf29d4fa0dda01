import type { enDevice } from "./en-device";

export const deDevice: typeof enDevice = {
  device: {
    cpu: "Prozessor",
    gpu: (name) => `Grafikkarte ${name}`,
    server: (address) => `Server unter ${address}`,
    exact: "genau",
    stored: "komprimiert",
    auto: "Automatisch: eine Grafikkarte, wo es eine gibt",
    because: (what, reasons) => `${what} (${reasons})`,
    written: (device, writer, where) => `${device}; Umschreibungen von ${writer} (${where})`,
    reasons: {
      cpu_asked: "wie von Ihnen gewählt",
      no_gpu_support: "dieses Programm kann keine Grafikkarten nutzen",
      no_gpu: (why) => why,
      gpu_too_small: (gpu, free, needs) => `${gpu} hat ${free} frei, und das Modell braucht ${needs}`,
      gpu_failed: (why) => `die Grafikkarte konnte nicht verwendet werden: ${why}`,
      stored_asked: "komprimiert, wie von Ihnen gewählt; das ist langsamer",
      memory_short: "komprimiert, weil der Speicher knapp ist; das ist langsamer",
      not_packed: (why) => `langsamer als sonst: ${why}`,
    },
  },
};
