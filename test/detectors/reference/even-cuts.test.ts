import fc from "fast-check";
import { expect, test } from "vitest";
import { evenCuts } from "../../../detectors/reference/even-cuts.ts";

test("equal items are cut into equal groups", () => {
  expect(evenCuts([1, 1, 1, 1, 1, 1], 3)).toEqual([1, 3]);
});

test("an item that fills a group alone is cut out, and the rest is shared by the other groups", () => {
  expect(evenCuts([5, 5, 100, 5, 5, 5, 5], 4)).toEqual([2, 4, 5]);
  expect(evenCuts([20, 20, 100, 5, 5, 5, 5], 4)).toEqual([1, 2, 4]);
});

test("heavy items among light ones do not use up the groups", () => {
  const counts = Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? 100 : 5));
  const ends = [...evenCuts(counts, 10), 99];
  const weights = ends.map((end, i) => counts.slice(i === 0 ? 0 : (ends[i - 1] as number) + 1, end + 1).reduce((sum, count) => sum + count, 0));
  expect(weights).toHaveLength(10);
  expect(Math.max(...weights)).toBeLessThan(250);
});

test("there are never more groups than asked for, the cuts ascend, and none is behind the last item", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { maxLength: 50 }), fc.integer({ min: 1, max: 20 }), (counts, groups) => {
      const cuts = evenCuts(counts, groups);
      expect(cuts.length).toBeLessThan(groups);
      expect(cuts).toEqual([...new Set(cuts)].sort((a, b) => a - b));
      for (const cut of cuts) expect(cut).toBeLessThan(counts.length - 1);
    }),
  );
});

test("equal items make groups that differ by one at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40 }), (items, groups) => {
      const ends = [-1, ...evenCuts(Array.from({ length: items }, () => 7), groups), items - 1];
      const sizes = ends.slice(1).map((end, i) => end - (ends[i] as number));
      expect(sizes).toHaveLength(Math.min(items, groups));
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
