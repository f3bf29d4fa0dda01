import { rowWindow } from "../../lib/run-window";

/** Browsers draw no element higher than some 16 million pixels. */
export const TALLEST = 9_900_000;

type Source = { count: () => number; /** Height of a row in pixels. */ row: number; /** Height of the head that stays in sight. */ head: number };

/**
 * The scrolling of a list of any length of which only the rows in sight are
 * drawn. Where it is higher than a browser can draw, its height is squeezed:
 * the bar covers the whole list, and the wheel still moves by single rows.
 */
export class Tall {
  /** Pixels of the list above the first row in sight. */
  top = $state(0);
  /** Before it is measured, and where nothing has a height, as in tests. */
  viewport = $state(480);
  #scrolled = $state(0);
  #element: HTMLElement | null = null;
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  readonly #whole = $derived.by(() => this.#source.count() * this.#source.row);
  /** Height of the drawn list. */
  readonly height = $derived(Math.min(this.#whole, TALLEST));
  readonly #squeeze = $derived(this.#whole > TALLEST ? (this.#whole - this.viewport) / (TALLEST - this.viewport) : 1);
  readonly shown = $derived.by(() => {
    const { first, end } = rowWindow({
      count: this.#source.count(), row: this.#source.row, scrollTop: this.top, viewport: this.viewport, open: null, spare: 10,
    });
    return { first, end };
  });

  /** Rows that fit into view. */
  get fits(): number {
    return Math.max(1, Math.floor(this.viewport / this.#source.row));
  }

  /** Where in the drawn list a row is. */
  place(at: number): number {
    return at * this.#source.row + (this.#squeeze > 1 ? this.#scrolled - this.top : 0);
  }

  /** Attachment of the element that scrolls. */
  readonly attach = (element: HTMLElement) => {
    this.#element = element;
    const measure = () => {
      const height = element.clientHeight - this.#source.head;
      if (height > 0) this.viewport = height;
    };
    const scrolled = () => {
      // What `to` has set comes back rounded, and is known better already.
      const own = this.#squeeze > 1 && Math.abs(element.scrollTop - this.#scrolled) < 1;
      this.#scrolled = element.scrollTop;
      if (!own) this.top = element.scrollTop * this.#squeeze;
    };
    const wheeled = (event: WheelEvent) => {
      if (this.#squeeze <= 1 || event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
      event.preventDefault();
      this.to(this.top + event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? this.#source.row : 1));
    };
    measure();
    element.addEventListener("scroll", scrolled, { passive: true });
    element.addEventListener("wheel", wheeled, { passive: false });
    const observer = typeof ResizeObserver === "function" ? new ResizeObserver(measure) : null;
    observer?.observe(element);
    return () => {
      element.removeEventListener("scroll", scrolled);
      element.removeEventListener("wheel", wheeled);
      observer?.disconnect();
      this.#element = null;
    };
  };

  /** Brings a row into sight, moving no further than needed. */
  reveal(at: number): void {
    const { row } = this.#source;
    if (at * row < this.top) this.to(at * row);
    else if ((at + 1) * row > this.top + this.viewport) this.to((at + 1) * row - this.viewport);
  }

  to(top: number): void {
    this.top = Math.max(0, Math.min(top, this.#whole - this.viewport));
    if (this.#element) this.#element.scrollTop = this.top / this.#squeeze;
    this.#scrolled = this.#element?.scrollTop ?? this.top / this.#squeeze;
  }
}
