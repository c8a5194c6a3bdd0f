/** Doane's bins against numpy.histogram(values, bins="doane") of numpy 2.1.3, bin for bin. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { binOf, doaneBins, emptyHistogram } from "../../../detectors/reference/doane.ts";
import { featureReference, type NumericReference } from "../../../detectors/reference/reference.ts";

/** Streams that both languages compute to the last bit. */
const streams = {
  even: (u: number) => u,
  cube: (u: number) => u * u * u,
  ratio: (u: number) => u / (1.000_000_1 - u),
  wide: (u: number) => 1e9 + (u - 0.5) / 8,
  tenths: (u: number) => Math.round(u * 50) / 10,
  constant: () => 0.1,
};

const published: readonly [keyof typeof streams, number, number, number, readonly number[]][] = [
  ["even", 2, 0.001299090636554412, 0.7926451483961228, [2]],
  ["even", 3, 0.001299090636554412, 0.7926451483961228, [1, 0, 1, 1]],
  ["even", 10, 0.001299090636554412, 0.9580293794343959, [3, 2, 1, 2, 2]],
  ["even", 1000, 0.00029979014689717197, 0.9993004896572399, [84, 83, 83, 83, 83, 83, 84, 83, 83, 84, 83, 84]],
  ["cube", 2, 2.192392751652195e-09, 0.4980081122894504, [2]],
  ["cube", 3, 2.192392751652195e-09, 0.4980081122894504, [1, 1, 0, 1]],
  ["cube", 10, 2.192392751652195e-09, 0.8792988046424086, [5, 2, 1, 1, 0, 1]],
  ["cube", 1000, 2.694337928748714e-11, 0.997902936573598, [405, 104, 75, 58, 50, 43, 39, 36, 33, 30, 27, 27, 25, 24, 24]],
  ["ratio", 2, 0.0013007803380337317, 3.822648758879705, [2]],
  ["ratio", 3, 0.0013007803380337317, 3.822648758879705, [1, 1, 0, 1]],
  ["ratio", 10, 0.0013007803380337317, 22.82613609020381, [8, 1, 0, 0, 0, 0, 1]],
  ["ratio", 1000, 0.00029988001798381304, 1428.3672332727126, [986, 7, 2, 2, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ["wide", 2, 999999999.9376624, 1000000000.0365807, [2]],
  ["wide", 3, 999999999.9376624, 1000000000.0365807, [1, 0, 1, 1]],
  ["wide", 10, 999999999.9376624, 1000000000.0572537, [3, 2, 1, 2, 2]],
  ["wide", 1000, 999999999.9375374, 1000000000.0624126, [84, 83, 83, 83, 83, 83, 84, 83, 83, 84, 83, 84]],
  ["tenths", 2, 0.0, 4.0, [2]],
  ["tenths", 3, 0.0, 4.0, [1, 0, 1, 1]],
  ["tenths", 10, 0.0, 4.8, [3, 2, 1, 2, 2]],
  ["tenths", 1000, 0.0, 5.0, [90, 80, 80, 79, 81, 79, 101, 80, 79, 81, 80, 90]],
  ["constant", 2, -0.4, 0.6, [2]],
  ["constant", 3, -0.4, 0.6, [3]],
  ["constant", 10, -0.4, 0.6, [10]],
  ["constant", 1000, -0.4, 0.6, [1000]],
];

function histogramOf(values: readonly number[]) {
  return (featureReference("x", values, { kind: "numeric" }) as NumericReference).histogram!;
}

test.each(published)("%s numbers, %i of them, lie in the bins that numpy puts them in", (kind, count, low, high, counts) => {
  const values = Array.from({ length: count }, (_, i) => streams[kind](((i * 7_919 + 13) % 10_007) / 10_007));
  expect(histogramOf(values)).toEqual({ low, high, counts });
});

test("any finite numbers all lie in some bin", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 60 }), (values) => {
      const { low, high, counts } = histogramOf(values);
      expect(low).toBeLessThanOrEqual(high);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
    }),
  );
});

test("the last bin holds its upper end, the others do not; beyond them there is none", () => {
  const histogram = emptyHistogram(0, 4, 4);
  expect([0, 0.99, 1, 3, 3.99, 4].map((value) => binOf(histogram, value))).toEqual([0, 0, 1, 3, 3, 3]);
  expect([-0.01, 4.01, NaN, Infinity].map((value) => binOf(histogram, value))).toEqual([undefined, undefined, undefined, undefined]);
});

test("a single value, two rows, or no skewness to speak of make one bin", () => {
  expect(doaneBins({ count: 1_000, min: 3, max: 3, skewness: undefined })).toBe(1);
  expect(doaneBins({ count: 2, min: 0, max: 1, skewness: 0 })).toBe(1);
  expect(emptyHistogram(3, 3, 1)).toEqual({ low: 2.5, high: 3.5, counts: [0] });
});
