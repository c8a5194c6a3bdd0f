import fc from "fast-check";
import { expect, test } from "vitest";
import { adwin, adwinMean, adwinTotal, adwinWidth } from "../../../detectors/change/adwin.ts";
import { chance } from "../chance.ts";
import { alarmsOf } from "../monitored.ts";

test("the width, the mean and the variance are those of all values, however their buckets were merged", () => {
  const detector = adwin({ clock: 1_000_000 });
  fc.assert(
    fc.property(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 500 }), (values) => {
      let state = detector.start();
      for (const value of values) state = detector.step(state, value);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(adwinWidth(state)).toBe(values.length);
      expect(adwinMean(state)).toBeCloseTo(mean, 8);
      expect(state.variance).toBeCloseTo(values.reduce((sum, value) => sum + (value - mean) ** 2, 0), 4);
    }),
  );
});

test("200 values of i mod 7 make river's width, total and variance", () => {
  const detector = adwin({ clock: 1_000_000 });
  let state = detector.start();
  for (let i = 0; i < 200; i += 1) state = detector.step(state, i % 7);
  const values = Array.from({ length: 200 }, (_, i) => i % 7);
  const total = values.reduce((sum, value) => sum + value, 0);
  expect([adwinWidth(state), adwinTotal(state)]).toEqual([200, total]);
  expect(state.variance).toBeCloseTo(values.reduce((sum, value) => sum + (value - total / 200) ** 2, 0), 9);
});

test("the buckets hold every value once: their sizes and sums add up to the window's", () => {
  const detector = adwin({ clock: 8 });
  const random = chance(1);
  let state = detector.start();
  for (let i = 0; i < 5_000; i += 1) {
    state = detector.step(state, i < 2_500 ? random() : 2 + random());
    if (i % 100 !== 99) continue;
    let [width, total] = [0, 0];
    for (const [row, length] of state.lengths.entries()) {
      expect(length).toBeLessThanOrEqual(5);
      width += length * 2 ** row;
      for (let k = 0; k < length; k += 1) total += state.totals[row * 6 + k] as number;
    }
    expect(width).toBe(state.width);
    expect(total).toBeCloseTo(state.total, 6);
  }
});

test("without being started anew, the window drops what was before the change and its mean follows", () => {
  const detector = adwin();
  const random = chance(2);
  let state = detector.start();
  for (let i = 0; i < 2_000; i += 1) state = detector.step(state, Number(random() < (i < 1_000 ? 0.1 : 0.6)));
  expect(adwinWidth(state)).toBeLessThan(1_200);
  expect(adwinMean(state)).toBeCloseTo(0.6, 1);
});

test("an empty window has no mean", () => {
  expect(adwinMean(adwin().start())).toBeUndefined();
});

test("within the grace there is no alarm", () => {
  const values = Array.from({ length: 100 }, (_, i) => (i < 50 ? 0 : 1_000));
  expect(alarmsOf(adwin({ grace: 100 }), values)).toEqual([]);
  expect(alarmsOf(adwin({ grace: 10 }), values)).toHaveLength(1);
});

test("an error rate that goes from 10 to 20 percent is seen after some 300 answers, and no steady one in 20,000", () => {
  const random = chance(3);
  const errors = (count: number, rate: number) => Array.from({ length: count }, () => Number(random() < rate));
  expect(alarmsOf(adwin(), errors(20_000, 0.1))).toEqual([]);

  const delays = Array.from({ length: 100 }, () => (alarmsOf(adwin(), [...errors(2_000, 0.1), ...errors(3_000, 0.2)])[0] as number) - 2_000);
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  expect(mean).toBeGreaterThan(200);
  expect(mean).toBeLessThan(400);
});

test("after an alarm, started anew, the first value makes a window of one", () => {
  const detector = adwin({ clock: 1 });
  let state = detector.start();
  for (let i = 0; detector.read(state).verdict !== "drift"; i += 1) state = detector.step(state, i < 100 ? 0 : 1);
  state = detector.step(detector.start(), 7);
  expect([adwinWidth(state), adwinMean(state)]).toEqual([1, 7]);
});

test("a change is seen at any level: moved up by a billion, a stream alarms at the same values", () => {
  const random = chance(5);
  const values = Array.from({ length: 3_000 }, (_, i) => Number(random() < (i < 1_500 ? 0.1 : 0.4)));
  const alarms = alarmsOf(adwin(), values);
  expect(alarms.length).toBeGreaterThan(0);
  expect(alarmsOf(adwin(), values.map((value) => value + 1e9))).toEqual(alarms);
});
