import fc from "fast-check";
import { expect, test } from "vitest";
import { count, countBefore, cumulativeCounts } from "../../../detectors/guarantee/cumulative-counts.ts";

test("after any additions, the count before each place is the sum of those before it", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 80 }), fc.array(fc.nat()), (counts, additions) => {
      const plain = [...counts];
      const tree = cumulativeCounts(counts);
      for (const addition of additions) {
        plain[addition % counts.length]! += 1;
        count(tree, addition % counts.length);
      }
      let before = 0;
      for (const [place, here] of plain.entries()) {
        expect(countBefore(tree, place)).toBe(before);
        before += here;
      }
      expect(countBefore(tree, counts.length)).toBe(before);
    }),
  );
});

test("trees that stand behind each other know nothing of each other", () => {
  const trees = cumulativeCounts([1, 2, 3], [10, 20, 30]);
  count(trees, 1, 5, 4, 3);
  expect([0, 1, 2, 3].map((place) => countBefore(trees, place))).toEqual([0, 1, 3, 6]);
  expect([0, 1, 2, 3].map((place) => countBefore(trees, place, 4))).toEqual([0, 10, 35, 65]);
});
