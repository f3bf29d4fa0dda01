/** Which rows of a long list are worth drawing. */
export type RowWindow = {
  /** First row and the one after the last. */
  first: number;
  end: number;
  /** Empty space in pixels that stands for the rows before and after. */
  before: number;
  after: number;
};

export type RowLayout = {
  count: number;
  row: number;
  scrollTop: number;
  viewport: number;
  /** One row may be opened and is then higher by `extra`. */
  open: { at: number; extra: number } | null;
  /** Rows drawn beyond the edges, so that scrolling shows no gaps. */
  spare?: number;
};

export function rowWindow({ count, row, scrollTop, viewport, open, spare = 6 }: RowLayout): RowWindow {
  const extra = open && open.at >= 0 && open.at < count ? open.extra : 0;
  const total = count * row + extra;
  const top = Math.min(Math.max(0, scrollTop), Math.max(0, total - viewport));
  const first = Math.max(0, rowAt(top) - spare);
  const end = Math.min(count, rowAt(top + viewport) + 1 + spare);
  return { first, end, before: start(first), after: total - start(end) };

  /** Pixels above a row. */
  function start(at: number): number {
    return at * row + (open && extra > 0 && at > open.at ? extra : 0);
  }

  function rowAt(pixel: number): number {
    if (!open || extra === 0 || pixel < start(open.at)) return Math.floor(pixel / row);
    if (pixel < start(open.at + 1)) return open.at;
    return Math.floor((pixel - extra) / row);
  }
}
