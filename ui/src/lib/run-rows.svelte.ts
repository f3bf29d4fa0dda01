import { rowWindow, type RowWindow } from "./run-window";

type Source = {
  count: () => number;
  /** Height of a closed row in pixels. */
  row: number;
  /** Index of the row that is open, or -1. */
  open: () => number;
};

/** The scrolling of a long list of which only the rows in sight are drawn. */
export class RowScroll {
  scrollTop = $state(0);
  /** Before it is measured, and where nothing has a height, as in tests. */
  viewport = $state(480);
  /** Height that the open row has beyond a closed one. */
  extra = $state(0);
  #element: HTMLElement | null = null;
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  readonly shown: RowWindow = $derived.by(() =>
    rowWindow({
      count: this.#source.count(),
      row: this.#source.row,
      scrollTop: this.scrollTop,
      viewport: this.viewport,
      open: this.#source.open() < 0 ? null : { at: this.#source.open(), extra: this.extra },
    }),
  );

  /** Attachment of the element that scrolls. */
  readonly attach = (element: HTMLElement) => {
    this.#element = element;
    const measure = () => {
      if (element.clientHeight > 0) this.viewport = element.clientHeight;
    };
    const scrolled = () => (this.scrollTop = element.scrollTop);
    measure();
    element.addEventListener("scroll", scrolled, { passive: true });
    const observer = typeof ResizeObserver === "function" ? new ResizeObserver(measure) : null;
    observer?.observe(element);
    return () => {
      element.removeEventListener("scroll", scrolled);
      observer?.disconnect();
      this.#element = null;
    };
  };

  /** Brings a row into sight without moving the page. */
  reveal(at: number): void {
    const { row } = this.#source;
    const top = at * row;
    if (top >= this.scrollTop && top + row <= this.scrollTop + this.viewport) return;
    this.to(Math.max(0, top - row));
  }

  to(top: number): void {
    if (this.#element) this.#element.scrollTop = top;
    this.scrollTop = top;
  }

  /** Keeps the rows in sight where they are when others come in above. */
  grew(rows: number): void {
    if (rows > 0 && this.scrollTop > this.#source.row / 2) this.to(this.scrollTop + rows * this.#source.row);
  }
}
