/** Words for where a model is computed. */
export const enDevice = {
  device: {
    cpu: "Processor",
    gpu: (name: string) => `Graphics card ${name}`,
    server: (address: string) => `Server at ${address}`,
    exact: "exact",
    stored: "compressed",
    auto: "Automatic: a graphics card where there is one",
    because: (what: string, reasons: string) => `${what} (${reasons})`,
    written: (device: string, writer: string, where: string) => `${device}; rewrites by ${writer} (${where})`,
    reasons: {
      cpu_asked: "as you chose",
      no_gpu_support: "this program cannot use graphics cards",
      no_gpu: (why: string) => why,
      gpu_too_small: (gpu: string, free: string, needs: string) => `${gpu} has ${free} free and the model needs ${needs}`,
      gpu_failed: (why: string) => `the graphics card could not be used: ${why}`,
      stored_asked: "compressed as you chose, which is slower",
      memory_short: "compressed because memory is short, which is slower",
      not_packed: (why: string) => `slower than usual: ${why}`,
    },
  },
};
