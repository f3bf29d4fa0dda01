/** Asks about the newest place only. */
export type Latest<A> = {
  want(asked: A): void;
  /** Nothing more is wanted for now. */
  drop(): void;
  stop(): void;
};

const nextFrame = (go: () => void): void => {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(go);
  else setTimeout(go, 16);
};

/**
 * One question at a time, at most one per frame: while an answer is on its way
 * the newest wish waits and older ones are forgotten. What fails is let go,
 * because the next move of the pointer asks again.
 */
export function latest<A, R>(
  ask: (asked: A) => Promise<R>, take: (answer: R, asked: A) => void, frame: (go: () => void) => void = nextFrame,
): Latest<A> {
  let wanted: { asked: A } | null = null;
  let busy = false;
  let planned = false;
  let stopped = false;

  function plan() {
    if (stopped || busy || planned || !wanted) return;
    planned = true;
    frame(() => void run());
  }

  async function run() {
    planned = false;
    if (stopped || !wanted) return;
    const { asked } = wanted;
    wanted = null;
    busy = true;
    try {
      const answer = await ask(asked);
      if (!stopped) take(answer, asked);
    } catch {
      // The next place is asked about all the same.
    } finally {
      busy = false;
      plan();
    }
  }

  return {
    want(asked) {
      wanted = { asked };
      plan();
    },
    drop() {
      wanted = null;
    },
    stop() {
      stopped = true;
    },
  };
}
