import { expect, it } from "vitest";
import { change } from "../test/run-fixtures";
import { changeOf, choicesOf, clearness, countOf, examplesOf, signTest, soundVerdict } from "./right";

const yes = (count: number, of: number) => Array.from({ length: of }, (_, at) => at < count);

it("counts what came and went, and how often chance would do it", () => {
  const found = changeOf([...yes(6, 7), false], [false, false, false, false, false, false, false, true]);
  expect(found).toMatchObject({ gained: 1, lost: 6 });
  // 2 (1 + 7) / 128, as the program has it.
  expect(found.p).toBeCloseTo(0.125, 12);
  expect(signTest(0, 0)).toBe(1);
  expect(signTest(0, 8)).toBeCloseTo(2 / 256, 12);
  expect(signTest(900, 2000)).toBeLessThan(0.001);
});

it("calls clear what chance would seldom do", () => {
  const all = changeOf(yes(0, 40), yes(35, 40));
  expect(clearness(all)).toBe("more");
  expect(clearness(changeOf(yes(35, 40), yes(0, 40)))).toBe("fewer");
  expect(clearness(changeOf(yes(20, 40), yes(22, 40)))).toBe("same");
  // More examples, but of less weight: not more right answers.
  expect(clearness({ ...all, before: 0.5, after: 0.4 })).toBe("same");
});

it("counts examples only where all weigh the same", () => {
  expect(examplesOf(changeOf(yes(13, 37), yes(17, 37)), 37)).toBe(37);
  expect(examplesOf(changeOf(yes(5, 40), yes(5, 40)), 40)).toBe(40);
  expect(countOf(changeOf(yes(0, 40), yes(35, 40)).after, 40)).toBe(35);
  expect(examplesOf({ before: 0.21, after: 0.53, gained: 12, lost: 0, p: 0 }, 40)).toBeNull();
  expect(examplesOf(changeOf(yes(5, 40), yes(5, 40)), null)).toBeNull();
});

it("makes choices of the examples of a run that has no such figure", () => {
  expect(choicesOf([change(1, { start_correct: true, best_correct: false }), change(2, { start_correct: true, best_correct: true })]))
    .toMatchObject({ before: 1, after: 0.5, gained: 0, lost: 1 });
  expect(choicesOf([change(1)])).toBeNull();
  expect(choicesOf([])).toBeNull();
});

it("never calls better what is right clearly less often", () => {
  const lost = changeOf(yes(30, 40), yes(10, 40));
  expect(soundVerdict("better", lost, null)).toBe("surer_but_less_right");
  expect(soundVerdict("better", null, lost)).toBe("surer_but_less_right");
  expect(soundVerdict("better", null, null)).toBe("better");
  expect(soundVerdict("worse", lost, lost)).toBe("worse");
});
