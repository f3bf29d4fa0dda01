import { expect, it, vi } from "vitest";
import { latest } from "./latest";

function frames() {
  const waiting: Array<() => void> = [];
  const next = async () => {
    waiting.splice(0).forEach((go) => go());
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { frame: (go: () => void) => void waiting.push(go), next };
}

it("asks about the newest place only, one at a time and once a frame", async () => {
  const { frame, next } = frames();
  const asked: number[] = [];
  const answers: Array<() => void> = [];
  const taken: number[] = [];
  const asker = latest(
    (place: number) => new Promise<number>((resolve) => {
      asked.push(place);
      answers.push(() => resolve(place * 10));
    }),
    (answer) => void taken.push(answer), frame,
  );
  for (let place = 1; place <= 50; place++) asker.want(place);
  await next();
  expect(asked).toEqual([50]);
  for (let place = 51; place <= 90; place++) {
    asker.want(place);
    await next();
  }
  expect(asked).toEqual([50]);
  answers[0]?.();
  await next();
  await next();
  expect([asked, taken]).toEqual([[50, 90], [500]]);
  answers[1]?.();
  await next();
  expect(taken).toEqual([500, 900]);
});

it("goes on after a fault, and forgets what is not wanted any more", async () => {
  const { frame, next } = frames();
  const take = vi.fn();
  let fails = true;
  const asker = latest(async (place: number) => {
    if (fails) throw new Error("gone");
    return place;
  }, take, frame);
  asker.want(1);
  await next();
  fails = false;
  asker.want(2);
  await next();
  expect(take.mock.calls).toEqual([[2, 2]]);
  asker.want(3);
  asker.drop();
  await next();
  asker.stop();
  asker.want(4);
  await next();
  expect(take).toHaveBeenCalledTimes(1);
});
