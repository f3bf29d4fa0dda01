import type { AnswerRole, AnswerTokens, TokenSurprise } from "../../backend/generated/wire";

/** From so many nats on a step begins: chances of about 90, 50, 10 and 1 in 100. */
const STEPS = [0.105, 0.693, 2.303, 4.605];

/** How surprising, from 0, expected, to 4. */
export function stepOf(nats: number): 0 | 1 | 2 | 3 | 4 {
  return STEPS.filter((least) => nats >= least).length as 0 | 1 | 2 | 3 | 4;
}

export type Visible = { text: string; mark: "space" | "newline" | "tab" | "hidden" | null };

const MARKS: Record<string, Visible> = {
  "\n": { text: "↵\n", mark: "newline" },
  "\r": { text: "↵", mark: "newline" },
  "\t": { text: "⇥", mark: "tab" },
};

/** Signs that show nothing, or turn the direction of all that follows. */
const HIDDEN = /^[\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]$/u;
const PARTS = /[\s\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[^\s\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu;

/** A token with what cannot be seen as marks that can. */
export function visible(text: string): Visible[] {
  return (text.match(PARTS) ?? []).map((part): Visible => {
    const known = MARKS[part];
    if (known) return known;
    if (HIDDEN.test(part)) return { text: "∘", mark: "hidden" };
    return /^\s$/u.test(part) ? { text: "·", mark: "space" } : { text: part, mark: null };
  });
}

/** Whether a line may end before this token: words that models cut in pieces stay whole. */
export const mayBreakBefore = (text: string) => /^\s/u.test(text);

/** Whether both prompts read the answer in the same pieces, so that these stand under each other. */
export function alike(first: TokenSurprise[], second: TokenSurprise[]): boolean {
  return first.length === second.length && first.every((token, at) => token.text === second[at]?.text);
}

/** Nats per token; null where there is none. */
export function average(tokens: TokenSurprise[]): number | null {
  return tokens.length ? tokens.reduce((sum, token) => sum + token.nats, 0) / tokens.length : null;
}

export type RoleName = AnswerRole | "better" | "worse";

/** What to call an answer: the pairs of a preference are better and worse, not right and wrong. */
export function roleName({ role }: AnswerTokens, preference: boolean): RoleName {
  if (!preference) return role;
  return role === "right" ? "better" : role === "wrong" ? "worse" : role;
}
