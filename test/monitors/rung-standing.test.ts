/** How soon a rung that would answer badly is found, and how seldom a good one is taken for one: by simulation alone. */
import { expect, test } from "vitest";
import { RungStanding } from "../../agent/monitors/rung-standing.ts";
import { FakeClock } from "../fake-clock.ts";

const dice = new FakeClock();
const disagrees = (ratio: number): 0 | 1 => (dice.random() < ratio ? 1 : 0);

/** Copies until it is so, at most `most`. */
function copiesUntil(wanted: "good" | "bad", disagreement: (copy: number) => number, most: number, standing = new RungStanding(0.1, 20)): number {
  for (let copy = 1; copy <= most; copy += 1) {
    standing.push(disagrees(disagreement(copy)));
    if (standing.standing === wanted) return copy;
  }
  return Infinity;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

test.each([
  [0.228, 230], // the candidate with exchanged columns, on the census rows
  [0.5, 40],
  [1, 20],
])("a rung that differs in %f of its answers, where 0.1 are allowed, is found bad within %i copies in more than half the cases", (ratio, within) => {
  expect(median(Array.from({ length: 200 }, () => copiesUntil("bad", () => ratio, 5_000)))).toBeLessThanOrEqual(within);
});

test("of good rungs hardly one is falsely found bad in 5,000 copies: none that differs in 0.041, as the small model does, and few at the very limit", () => {
  const falsely = (ratio: number) => Array.from({ length: 400 }, () => copiesUntil("bad", () => ratio, 5_000)).filter(Number.isFinite).length;
  expect(falsely(0.041)).toBe(0);
  // The promise is 5,000 in a million: two of the 400 on average.
  expect(falsely(0.1)).toBeLessThanOrEqual(8);
});

test("one that was good for long and breaks is found as soon as one that was bad from its first answer", () => {
  const afterwards = Array.from({ length: 100 }, () => copiesUntil("bad", (copy) => (copy <= 2_000 ? 0.03 : 0.5), 5_000) - 2_000);
  expect(median(afterwards)).toBeLessThanOrEqual(40);
});

test("a bad one that is mended is good again after some hundred copies; a bad one never comes back by itself", () => {
  const mended = new RungStanding(0.1, 20);
  expect(copiesUntil("bad", () => 0.5, 1_000, mended)).toBeLessThan(1_000);
  expect(copiesUntil("good", () => 0.03, 1_000, mended)).toBeLessThan(500);
  const bad = new RungStanding(0.1, 20);
  copiesUntil("bad", () => 0.228, 5_000, bad);
  expect(copiesUntil("good", () => 0.228, 20_000, bad)).toBe(Infinity);
});

test("where full agreement is asked, a rung that is mended can still come back", () => {
  const strict = new RungStanding(0, 20);
  expect(copiesUntil("bad", () => 0.5, 100, strict)).toBeLessThanOrEqual(100);
  expect(copiesUntil("good", () => 0, 2_000, strict)).toBeLessThan(2_000);
});

test("it is not judged before so many values; a copy of its state goes on as it would have", () => {
  expect(copiesUntil("bad", () => 1, 100, new RungStanding(0.1, 33))).toBe(33);
  const one = new RungStanding(0.1, 20);
  for (let i = 0; i < 10; i += 1) one.push(1);
  const other = new RungStanding(0.1, 20);
  other.restore(structuredClone(one.snapshot()));
  for (let i = 0; i < 10; i += 1) expect(other.push(1)).toBe(one.push(1));
  expect([one.standing, other.standing]).toEqual(["bad", "bad"]);
});
