let waiting = $state.raw<string[] | null>(null);

/** Files dropped on the window, until a page takes them. */
export const dropped = {
  get paths(): string[] | null {
    return waiting;
  },
  put(paths: string[]): void {
    waiting = paths.length ? paths : null;
  },
  take(): string[] {
    const paths = waiting ?? [];
    waiting = null;
    return paths;
  },
};
