import { expect, test } from "vitest";
import { slopeOf } from "../../bench/memory/slope.ts";

const along = (mb: readonly number[]) => mb.map((one, index) => ({ requests: 100_000 * index, mb: one }));

test("memory that grows steadily is not flat", () => {
  // By hand: slope 2; residuals 0.1, -0.2, 0.1 leave 0.06 over 1 degree of freedom and a spread of 2.
  const { mbPer100k, standardError, flat } = slopeOf(along([100.1, 101.8, 104.1]));
  expect(mbPer100k).toBeCloseTo(2, 9);
  expect(standardError).toBeCloseTo(Math.sqrt(0.06 / 2), 9);
  expect(flat).toBe(false);
});

test("memory that goes up and down is flat, and so is memory that falls", () => {
  expect(slopeOf(along([100, 104, 99, 103, 100])).flat).toBe(true);
  expect(slopeOf(along([105, 104, 103])).flat).toBe(true);
});
