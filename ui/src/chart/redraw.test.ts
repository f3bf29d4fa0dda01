import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { redraw } from "./redraw";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("draws at most four times a second, and the last wish always", async () => {
  let wish = "";
  const drawn: string[] = [];
  const painter = redraw(async () => void drawn.push(wish), 250, () => Date.now());
  for (let step = 0; step < 100; step++) {
    wish = `wish ${step}`;
    painter.want(wish);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(drawn.length).toBeLessThanOrEqual(5);
  await vi.advanceTimersByTimeAsync(1000);
  expect(drawn.at(-1)).toBe("wish 99");
});

it("draws the same only once, and one at a time", async () => {
  let running = 0;
  let most = 0;
  let count = 0;
  const painter = redraw(async () => {
    count += 1;
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 900));
    running -= 1;
  }, 250, () => Date.now());
  painter.want("a");
  painter.want("a");
  await vi.advanceTimersByTimeAsync(300);
  painter.want("b");
  await vi.advanceTimersByTimeAsync(300);
  painter.want("b");
  await vi.advanceTimersByTimeAsync(5000);
  expect([count, most]).toEqual([2, 1]);
});

it("stops for good", async () => {
  const draw = vi.fn(async () => undefined);
  const painter = redraw(draw, 250, () => Date.now());
  painter.want("a");
  painter.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(draw).not.toHaveBeenCalled();
});
