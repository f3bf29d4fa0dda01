/** Asks for a new picture at most once per `pause`, one at a time. */
export type Redraw = {
  /** Says that the picture should look as `key` says. */
  want(key: string): void;
  /** Draws again even if the key is the same, as after an error. */
  again(): void;
  stop(): void;
};

/**
 * `draw` is called with nothing and should read what is wanted now. The last
 * wish is always drawn; those in between may be skipped.
 */
export function redraw(draw: () => Promise<void>, pause = 250, now: () => number = () => performance.now()): Redraw {
  let wanted: string | null = null;
  let drawn: string | null = null;
  let busy = false;
  let stopped = false;
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function plan() {
    if (stopped || busy || timer !== null || wanted === drawn) return;
    const wait = Math.max(0, last + pause - now());
    timer = setTimeout(() => void run(), wait);
  }

  async function run() {
    timer = null;
    if (stopped) return;
    busy = true;
    drawn = wanted;
    last = now();
    try {
      await draw();
    } finally {
      busy = false;
      plan();
    }
  }

  return {
    want(key) {
      wanted = key;
      plan();
    },
    again() {
      drawn = null;
      plan();
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
