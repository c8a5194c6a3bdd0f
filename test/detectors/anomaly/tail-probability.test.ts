import { expect, test } from "vitest";
import { learnTail, leastProbability, startTail, tailProbability } from "../../../detectors/anomaly/tail-probability.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

const parents: Readonly<Record<string, (next: Chance) => number>> = {
  normal: (next) => Math.abs(gaussian(next)),
  uniform: (next) => next(),
  exponential: (next) => -Math.log(next()),
  "heavy-tailed": (next) => next() ** -1,
  "mostly zero": (next) => (next() < 0.05 ? -Math.log(next()) : 0),
};

test.each(Object.entries(parents))("a probability of one in a hundred comes up about that often, or less where the tail ends abruptly, from %s values", (name, parent) => {
  const next = chance(17);
  const tail = startTail(1);
  const below = [0, 0];
  const n = 40_000;
  for (let i = 0; i < n; i += 1) {
    const value = parent(next);
    if (i > 1_000) {
      const p = tailProbability(tail, value);
      if (p < 1e-2) below[0]! += 1;
      if (p < 1e-3) below[1]! += 1;
    }
    learnTail(tail, value);
  }
  expect((below[0] as number) / n).toBeGreaterThan(name === "uniform" ? -1 : 0.3e-2);
  expect((below[0] as number) / n).toBeLessThan(1.5e-2);
  expect((below[1] as number) / n).toBeLessThan(2e-3);
});

test("further out is never more likely, and never impossible", () => {
  const next = chance(3);
  const tail = startTail(4);
  for (let i = 0; i < 2_000; i += 1) learnTail(tail, Math.abs(gaussian(next)));
  let last = 1;
  for (let value = 0; value < 60; value += 0.01) {
    const p = tailProbability(tail, value);
    expect(p).toBeLessThanOrEqual(last + 1e-12);
    expect(p).toBeGreaterThan(0);
    last = p;
  }
  expect(tailProbability(tail, 1e300)).toBeGreaterThanOrEqual(leastProbability(2_000));
});

test("what has come is learnt after the delay only", () => {
  const tail = startTail(5);
  for (let i = 0; i < 300; i += 1) learnTail(tail, 1);
  const before = tailProbability(tail, 50);
  for (let i = 0; i < 5; i += 1) learnTail(tail, 50);
  expect(tailProbability(tail, 50)).toBeLessThanOrEqual(before);
  for (let i = 0; i < 5; i += 1) learnTail(tail, 1);
  expect(tailProbability(tail, 50)).toBeGreaterThan(100 * before);
});

test("before anything is learnt nothing is rare", () => {
  expect(tailProbability(startTail(1), 1e9)).toBe(1);
});
