import { isWhole, parse, write, type Demonstration } from "../../lib/prompt-document";

/** A demonstration in the editor; the key stays while its texts change. */
export type Card = Demonstration & { key: number };

/**
 * A prompt in the editor: its text, and a card for each example that it shows.
 * A card that is not filled in yet stands here only; the document holds the others.
 */
export class PromptSheet {
  text = $state("");
  cards = $state.raw<Card[]>([]);
  /** What was written or read last. */
  #document: string | null = null;
  #next = 0;
  readonly #onchange: (document: string) => void;

  constructor(document: string, onchange: (document: string) => void) {
    this.#onchange = onchange;
    this.take(document);
  }

  /** Takes a document that came from elsewhere; its own leaves it as it is. */
  take(document: string): void {
    if (document === this.#document) return;
    this.#document = document;
    const { text, demonstrations } = parse(document);
    this.text = text;
    this.cards = demonstrations.map((shown) => ({ ...shown, key: this.#next++ }));
  }

  setText(text: string): void {
    this.text = text;
    this.#tell();
  }

  edit(key: number, change: Partial<Demonstration>): void {
    this.#put(this.cards.map((card) => (card.key === key ? { ...card, ...change } : card)));
  }

  /** Adds a card, an empty one unless told, and gives its key. */
  add(shown: Demonstration = { input: "", columns: {}, answer: "" }): number {
    const key = this.#next++;
    this.#put([...this.cards, { ...shown, key }]);
    return key;
  }

  /** Takes a card out; what is given puts it back into its place, as long as it is not there. */
  remove(key: number): () => void {
    const from = this.cards.findIndex((card) => card.key === key);
    const card = this.cards[from];
    this.#put(this.cards.filter((one) => one.key !== key));
    return () => {
      // A document that came from elsewhere may show it already.
      if (!card || this.cards.some((one) => one.key === key || (one.input === card.input && one.answer === card.answer))) return;
      this.#put([...this.cards.slice(0, from), card, ...this.cards.slice(from)]);
    };
  }

  /** Moves a card by one place and gives its new one. */
  move(key: number, by: -1 | 1): number {
    const cards = [...this.cards];
    const from = cards.findIndex((card) => card.key === key);
    const to = from + by;
    const [card] = cards.splice(from, 1);
    if (from < 0 || to < 0 || to > cards.length || !card) return from;
    cards.splice(to, 0, card);
    this.#put(cards);
    return to;
  }

  #put(cards: Card[]): void {
    this.cards = cards;
    this.#tell();
  }

  #tell(): void {
    const demonstrations = this.cards.filter(isWhole);
    const document = write({ text: this.text, demonstrations });
    if (document === this.#document) return;
    this.#document = document;
    this.#onchange(document);
  }
}
