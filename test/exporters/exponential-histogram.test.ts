/** Held to the definition in OpenTelemetry's data model: at scale s, bucket i has the values in (base^i, base^(i+1)], base = 2^(2^-s). */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ExponentialHistogram, indexOf } from "../../exporters/exponential-histogram.ts";

const values = fc.array(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 });

function filled(recorded: readonly number[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram();
  for (const value of recorded) histogram.record(value);
  return histogram;
}

/** Counts by bucket, from the definition with logarithms. */
function byDefinition(recorded: readonly number[], scale: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of recorded) {
    const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

test("every value lies in the bucket that the definition gives it", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), fc.integer({ min: -10, max: 12 }), (value, scale) => {
      const index = indexOf(value, scale);
      // Logarithms to base 2, in which the bounds are index / 2^scale; a few units of the last place are the logarithm's own.
      const position = Math.log2(value) * 2 ** scale;
      const slack = 1e-12 * Math.max(1, Math.abs(position));
      expect(position).toBeGreaterThan(index - slack);
      expect(position).toBeLessThanOrEqual(index + 1 + slack);
    }),
  );
});

test("a power of two is the upper bound of its bucket, exactly", () => {
  for (const scale of [-10, -3, -1, 0, 1, 5, 20]) {
    for (const exponent of [-1_000, -3, -1, 0, 1, 2, 64, 1_000]) {
      const wanted = scale > 0 ? exponent * 2 ** scale - 1 : Math.floor((exponent - 1) / 2 ** -scale);
      expect([scale, exponent, indexOf(2 ** exponent, scale)]).toEqual([scale, exponent, wanted]);
    }
  }
  expect(indexOf(1.000_000_1, 0)).toBe(0);
  expect(indexOf(0.999_999_9, 0)).toBe(-1);
});

test("the counts are those of the definition at the scale that was come to", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.001_1, max: 899, noNaN: true }), { minLength: 2, maxLength: 200 }), (recorded) => {
      const { scale, offset, ...histogram } = { ...read(filled(recorded)) };
      const counts = new Map(histogram.counts.flatMap((count, i): [number, number][] => (count === 0 ? [] : [[offset + i, count]])));
      const wanted = byDefinition(recorded, scale);
      // Where a logarithm falls on a bound, a value may be on either side of it; the sums over a pair of buckets may not differ by more.
      expect([...counts.values()].reduce((a, b) => a + b, 0)).toBe(recorded.length);
      for (const [index, count] of wanted) if (![...recorded].some((value) => nearBound(value, scale))) expect([index, counts.get(index)]).toEqual([index, count]);
    }),
  );
});

function read(histogram: ExponentialHistogram) {
  return { scale: histogram.scale, offset: histogram.offset, counts: [...histogram.counts()] };
}

function nearBound(value: number, scale: number): boolean {
  const position = Math.log2(value) * 2 ** scale;
  return Math.abs(position - Math.round(position)) < 1e-9;
}

test("the scale is the finest at which all values fit into 160 buckets", () => {
  fc.assert(
    fc.property(values, (recorded) => {
      const histogram = filled(recorded);
      const span = (scale: number) => indexOf(Math.max(...recorded), scale) - indexOf(Math.min(...recorded), scale) + 1;
      expect(span(histogram.scale)).toBe(histogram.length);
      expect(histogram.length).toBeLessThanOrEqual(160);
      if (histogram.scale < 20) expect(span(histogram.scale + 1)).toBeGreaterThan(160);
    }),
  );
});

test("the order of the values does not matter", () => {
  fc.assert(fc.property(values, (recorded) => {
    expect(read(filled(recorded.toReversed()))).toEqual(read(filled(recorded)));
  }));
});

test("a quantile read from it is within the error that the file's head promises", () => {
  const recorded = Array.from({ length: 1_000 }, (_, i) => 0.001 * 1.006 ** i);
  const histogram = filled(recorded);
  const base = 2 ** (2 ** -histogram.scale);
  let left = 500;
  let index = histogram.offset;
  for (const count of histogram.counts()) {
    left -= count;
    if (left <= 0) break;
    index += 1;
  }
  const middle = (2 * base ** (index + 1)) / (base + 1);
  expect(Math.abs(middle / (recorded[499] as number) - 1)).toBeLessThan((base - 1) / (base + 1) + 1e-9);
  expect((base - 1) / (base + 1)).toBeLessThan(0.022);
});

test("zeros are counted apart, and the smallest and largest numbers there are fit in", () => {
  const histogram = filled([0, 0, Number.MIN_VALUE, Number.MAX_VALUE]);
  expect([histogram.count, histogram.zeroCount, [...histogram.counts()].reduce((a, b) => a + b, 0)]).toEqual([4, 2, 2]);
});
