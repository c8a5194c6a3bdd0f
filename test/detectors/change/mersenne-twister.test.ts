/** Held to CPython 3.11's random module. */
import { expect, test } from "vitest";
import { drawSample, randomBits, startTwister } from "../../../detectors/change/mersenne-twister.ts";

function sample(seed: number, end: number, count: number): number[] {
  const drawn = new Uint16Array(count);
  drawSample(startTwister(seed), end, drawn, new Uint16Array(end));
  return [...drawn];
}

test.each([
  [42, [1_373_158_606, 239_081_663, 53_710_184], 2_107_002_898],
  [0, [1_813_382_118, 827_307_999, 1_627_694_678], 1_070_393_657],
  [2 ** 32, [242_653_419, 754_435_550, 897_280_643], 1_594_737_677],
  [2 ** 40 + 3, [471_989_223, 130_636_568, 1_179_975_209], 1_079_667_940],
])("seed %d: the first and the 701st of getrandbits(31)", (seed, first, late) => {
  const twister = startTwister(seed);
  const words = Array.from({ length: 701 }, () => randomBits(twister, 31));
  expect(words.slice(0, 3)).toEqual(first);
  expect(words[700]).toBe(late);
});

test("sample(range(70), 30), from a pool", () => {
  expect(sample(42, 70, 30)).toEqual([14, 3, 35, 31, 28, 17, 13, 43, 47, 57, 34, 5, 37, 27, 2, 1, 58, 63, 69, 32, 38, 54, 67, 12, 45, 41, 59, 26, 51, 65]);
});

test("sample(range(1000), 8), by drawing again; sample(range(5), 5), all of them", () => {
  expect(sample(42, 1_000, 8)).toEqual([654, 114, 25, 759, 281, 250, 228, 142]);
  expect(sample(0, 5, 5)).toEqual([3, 4, 0, 1, 2]);
});
