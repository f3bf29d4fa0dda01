let changes = $state(0);

/** Counts what the program said about its runs, so that lists can be read again. */
export const notices = {
  get changes(): number {
    return changes;
  },
  add(): void {
    changes += 1;
  },
};
