// What the pointer costs over a run of 2,000 prompts: `make bench-plot`.
import { bench, describe } from "vitest";
import { nearest, type PromptMark } from "./prompts";
import { spotOf, type Frame, type Spot } from "./scale";

const frame: Frame = { plot: { left: 56, top: 10, width: 790, height: 262 }, x: { min: -0.5, max: 2040 }, y: { min: 2, max: 6, log: false } };
const noise = (at: number) => ((at * 7919 + 31) % 1000) / 1000;
const marks: PromptMark[] = Array.from({ length: 2000 }, (_, at) => ({
  kind: "candidate", ordinal: at, x: at, y: 2 + 3 / (1 + at / 200) + noise(at), origin: { kind: "start" }, text: "", dropped: null,
}));
const spots: Spot[] = Array.from({ length: 100 }, (_, at) => ({ x: 60 + 780 * noise(at * 3), y: 12 + 258 * noise(at * 5) }));

function all(spot: Spot, reach: number): number | null {
  let found: number | null = null;
  let least = reach * reach;
  marks.forEach((mark, index) => {
    const { x, y } = spotOf(frame, mark);
    const distance = (x - spot.x) ** 2 + (y - spot.y) ** 2;
    if (distance <= least) [found, least] = [index, distance];
  });
  return found;
}

describe("100 moves of the pointer over 2,000 prompts", () => {
  bench("a look at those near it", () => void spots.forEach((spot) => nearest(frame, marks, spot, 44)));
  bench("a look at all", () => void spots.forEach((spot) => all(spot, 44)));
});
