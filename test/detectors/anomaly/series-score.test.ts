import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seriesScore, severity, type SeriesReading } from "../../../detectors/anomaly/series-score.ts";
import { chance, gaussian } from "../chance.ts";
import { clean, troubled, type LabelledSeries } from "./series-families.ts";

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2024, 2, 5, 13, 7);

function readings(values: ArrayLike<number>, intervalMs = minute, times?: ArrayLike<number>): SeriesReading[] {
  const scorer = seriesScore();
  let state = scorer.start();
  return Array.from(values, (value, i) => {
    state = scorer.step(state, times?.[i] ?? start + i * intervalMs, value);
    return scorer.read(state);
  });
}

function strangest(all: readonly SeriesReading[], from: number, end = all.length): SeriesReading {
  return all.slice(from, end).reduce((a, b) => (b.score > a.score ? b : a));
}

const series = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));
const noise = (seed: number): (() => number) => {
  const next = chance(seed);
  return () => gaussian(next);
};

describe("what a person would see", () => {
  test("one spike on a flat line", () => {
    const all = readings(series(400, (i) => (i === 300 ? 9 : 1)));
    expect(all[300]).toMatchObject({ kind: "spike", expected: 1, message: "9 where 1 was expected" });
    expect(all[300]?.score).toBeGreaterThan(0.8);
    expect(strangest(all, 0, 300).score).toBeLessThan(0.1);
  });

  test("a spike of ten sigma in noise, and nothing else in it", () => {
    const g = noise(3);
    const all = readings(series(800, (i) => g() + (i === 600 ? 10 : 0)));
    expect(all[600]?.kind).toBe("spike");
    expect(all[600]?.score).toBeGreaterThan(0.8);
    expect(strangest(all, 0, 600).score).toBeLessThan(0.5);
    expect(strangest(all, 602).score).toBeLessThan(0.5);
  });

  test("one peak of a daily season that does not come, at values that are quite usual", () => {
    const g = noise(4);
    const all = readings(series(24 * 28, (i) => 100 + (i >= 552 && i < 576 ? 0 : 50 * Math.max(0, Math.sin((2 * Math.PI * (i - 6)) / 24))) + 2 * g()), hour);
    const worst = strangest(all, 552, 576);
    expect(worst.kind).toBe("pattern");
    expect(worst.score).toBeGreaterThan(0.8);
    expect(strangest(all, 168, 552).score).toBeLessThan(0.5);
  });

  test("a season of no calendar is found: a wave of 24 rows that pauses", () => {
    const g = noise(5);
    const all = readings(series(1_500, (i) => 100 + (i >= 1_200 && i < 1_224 ? 0 : 50 * Math.sin((2 * Math.PI * i) / 24)) + 2 * g()), 1_000);
    expect(strangest(all, 1_200, 1_224).score).toBeGreaterThan(0.8);
    expect(strangest(all, 200, 1_200).score).toBeLessThan(0.5);
  });

  test("a level shift stays high for a while and is then the new normal", () => {
    const g = noise(6);
    const all = readings(series(3_000, (i) => g() + (i >= 1_500 ? 5 : 0)));
    const worst = strangest(all, 1_500, 1_540);
    expect(worst.kind).toBe("level-shift");
    expect(worst.score).toBeGreaterThan(0.9);
    expect(all.slice(1_500, 1_540).filter(({ score }) => score >= 0.5).length).toBeGreaterThan(15);
    expect(strangest(all, 1_700).score).toBeLessThan(0.5);
  });

  test("a stuck value in a noisy series", () => {
    const g = noise(7);
    const all = readings(series(1_000, (i) => (i >= 700 && i < 740 ? 0.5 : g())));
    expect(strangest(all, 700, 740)).toMatchObject({ kind: "flat-line" });
    expect(strangest(all, 700, 720).score).toBeGreaterThan(0.8);
  });

  test("noise that triples", () => {
    const g = noise(8);
    const all = readings(series(1_500, (i) => (i >= 1_000 ? 3 : 1) * g()));
    expect(strangest(all, 1_000, 1_060).score).toBeGreaterThan(0.8);
    expect(strangest(all, 0, 1_000).score).toBeLessThan(0.5);
  });

  test("a slow ramp", () => {
    const g = noise(9);
    const all = readings(series(2_000, (i) => g() + Math.max(0, i - 1_500) * 0.03));
    expect(["drift", "level-shift"]).toContain(strangest(all, 1_500).kind);
    expect(strangest(all, 1_500).score).toBeGreaterThan(0.8);
    expect(strangest(all, 0, 1_500).score).toBeLessThan(0.5);
  });

  test("the first move of what never moved", () => {
    const all = readings(series(1_200, (i) => (i < 1_000 ? 5 : 6)));
    expect(all[1_000]?.score).toBeGreaterThan(0.9);
    expect(strangest(all, 0, 1_000).score).toBeLessThan(0.01);
    expect(strangest(all, 1_100).score).toBeLessThan(0.5);
  });

  test("a gap of twenty values, as NaN or as silence, and a single one that is missing", () => {
    const g = noise(10);
    const asNaN = readings(series(800, (i) => (i >= 600 && i < 620 ? Number.NaN : g())));
    expect(strangest(asNaN, 600, 620)).toMatchObject({ kind: "missing" });
    expect(asNaN[600]?.score).toBeLessThan(0.5);
    const values = series(800, () => g());
    const silent = readings(values, minute, values.map((_, i) => start + (i + (i >= 600 ? 60 : 0)) * minute));
    expect(silent[600]).toMatchObject({ kind: "missing" });
    expect(silent[300]?.score).toBeLessThan(0.5);
  });

  test("a series that is wild by nature is not wild all the time", () => {
    const next = chance(12);
    const all = readings(series(10_000, () => gaussian(next) / gaussian(next)));
    expect(all.filter(({ score }) => score >= 0.5).length).toBeLessThan(20);
  });

  test("counts that are mostly zero: a one is nothing, fifty is something", () => {
    const next = chance(13);
    const all = readings(series(3_000, (i) => (i === 2_500 ? 50 : next() < 0.03 ? 1 : 0)));
    expect(all[2_500]?.score).toBeGreaterThan(0.8);
    expect(all.filter(({ score }, i) => i > 400 && score >= 0.5 && Math.abs(i - 2_500) > 40)).toEqual([]);
  });
});

describe("over all families of labelled series", () => {
  const probation = 0.15;

  /** Share of the labelled windows that reach the threshold, and of ten thousand ordinary rows. */
  function judged(score: (of: LabelledSeries) => ArrayLike<number>): { windows: number[]; ordinary: number[]; ranked: number } {
    const windows: number[] = [];
    const ordinary: number[] = [];
    let better = 0;
    let pairs = 0;
    for (const [table, makes] of [["troubled", troubled], ["clean", clean]] as const) {
      for (const [name, make] of Object.entries(makes)) {
        const labelled = make(table.length * 100 + name.length);
        const scores = score(labelled);
        const n = scores.length;
        const from = Math.floor(probation * n);
        const peaks = labelled.windows.map(([first, end]) => Math.max(...Array.from(scores).slice(first, end)));
        // After a window the series may still be settling for as long again: neither hit nor false alarm.
        const near = (row: number): boolean => labelled.windows.some(([first, end]) => row >= first && row < end + (end - first));
        for (let row = from; row < n; row += 1) if (!near(row)) ordinary.push(scores[row] as number);
        const length = (labelled.windows[0]?.[1] ?? 0) - (labelled.windows[0]?.[0] ?? 0);
        for (let row = from; length > 0 && row + length <= n; row += length) {
          const stretch = Array.from(scores).slice(row, row + length);
          if (stretch.some((_, i) => near(row + i))) continue;
          const greatest = Math.max(...stretch);
          for (const peak of peaks) {
            better += peak > greatest ? 1 : peak === greatest ? 0.5 : 0;
            pairs += 1;
          }
        }
        windows.push(...peaks);
      }
    }
    return { windows, ordinary, ranked: better / pairs };
  }

  const share = (all: readonly number[], threshold: number): number => all.filter((score) => score >= threshold).length / all.length;

  const ours = judged(({ times, values }) => readings(values, 0, times).map(({ score }) => score));
  const rolling = judged(({ values }) =>
    values.map((value, i) => {
      const last = values.subarray(Math.max(0, i - 100), i);
      const mean = last.reduce((a, b) => a + b, 0) / last.length;
      const spread = Math.sqrt(last.reduce((a, b) => a + (b - mean) ** 2, 0) / last.length);
      return i < 20 || value === mean ? 0 : Math.min(1e6, Math.abs(value - mean) / spread);
    }),
  );

  test("0.5 is passed once or twice in 10,000 ordinary rows, and in six of seven labelled windows or more", () => {
    expect(share(ours.ordinary, 0.5)).toBeLessThan(2e-4);
    expect(share(ours.windows, 0.5)).toBeGreaterThan(6 / 7);
  });

  test("a labelled window ranks above an ordinary one of its length, in 98 of 100 pairs; by z-scores over 100 rows in less than 90", () => {
    expect(ours.ranked).toBeGreaterThan(0.98);
    expect(rolling.ranked).toBeLessThan(0.9);
  });

  test("at one threshold for all with 5 false alarms in 10,000 rows, 9 of 10 windows are found; by z-scores not a third", () => {
    const found = ({ windows, ordinary }: typeof ours): number => share(windows, ordinary.toSorted((a, b) => b - a)[Math.floor(5e-4 * ordinary.length)] as number);
    expect(found(ours)).toBeGreaterThan(0.9);
    expect(found(rolling)).toBeLessThan(1 / 3);
  });
});

describe("what holds for every series", () => {
  const names = [...Object.entries(troubled), ...Object.entries(clean)];
  const pick = fc.constantFrom(...names).map(([, make]) => make);

  test("unit, sign and offset change no score", () => {
    fc.assert(
      fc.property(pick, fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(1e-9, -1, 0.3, 1e12), fc.constantFrom(0, 10), (make, seed, unit, offset) => {
        const { times, values } = make(seed);
        const [n, spread] = [Math.min(1_500, values.length), Math.max(1, ...values.slice(0, 1_500).map(Math.abs))];
        const plain = readings(values.slice(0, n), 0, times);
        const moved = readings(values.slice(0, n).map((value) => unit * (value + offset * spread)), 0, times);
        for (let row = 0; row < n; row += 1) expect(Math.abs((plain[row] as SeriesReading).score - (moved[row] as SeriesReading).score)).toBeLessThan(0.02);
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  test("a score knows nothing of what comes later, and the state survives a copy at any moment", () => {
    const scorer = seriesScore();
    for (const [, make] of names.slice(0, 8)) {
      const { times, values } = make(9);
      let state = scorer.start();
      const whole = readings(values.slice(0, 1_200), 0, times);
      for (let row = 0; row < 1_200; row += 1) {
        if (row % 53 === 0) state = structuredClone(state);
        state = scorer.step(state, times[row] as number, values[row] as number);
        expect(scorer.read(state)).toEqual(whole[row]);
      }
    }
  });

  test("whatever comes, the score is a number from 0 to 1", () => {
    const wild = fc.oneof(fc.double(), fc.constantFrom(0, 1, Number.NaN, Infinity, -Infinity, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE));
    const times = fc.oneof(fc.integer({ min: -1e12, max: 1e13 }), fc.constant(0));
    fc.assert(
      fc.property(fc.array(fc.tuple(times, wild), { maxLength: 300 }), (rows) => {
        for (const { score, expected } of readings(rows.map(([, value]) => value), 0, rows.map(([at]) => at))) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
          expect(Number.isFinite(expected ?? 0)).toBe(true);
        }
      }),
    );
  });

  test("less than 64 kB of state, of any length", () => {
    const scorer = seriesScore();
    let state = scorer.start();
    const g = noise(2);
    for (let row = 0; row < 20_000; row += 1) state = scorer.step(state, row * 1_000, g());
    let bytes = 0;
    const weigh = (part: unknown): void => {
      if (ArrayBuffer.isView(part)) bytes += part.byteLength;
      else if (typeof part === "object" && part !== null) for (const each of Object.values(part)) weigh(each);
      else bytes += 8;
    };
    weigh(state);
    expect(bytes).toBeLessThan(64 * 1_024);
  });
});

test("the map: 0.5 at one in 10,000, more where it is rarer", () => {
  expect(severity(1)).toBe(0);
  expect(severity(1e-3)).toBeCloseTo(0.25, 2);
  expect(severity(1e-4)).toBeCloseTo(0.5, 12);
  expect(severity(1e-6)).toBeCloseTo(0.9, 2);
  expect(severity(1e-12)).toBeLessThanOrEqual(1);
});

test("nothing is said during the warm-up, and bad options and times are refused by name", () => {
  const scorer = seriesScore({ warmup: 50 });
  let state = scorer.start();
  expect(scorer.read(state)).toEqual({ score: 0, kind: "warmup" });
  for (let row = 0; row < 50; row += 1) state = scorer.step(state, row * minute, row === 40 ? 1e6 : 1);
  expect(scorer.read(state)).toMatchObject({ score: 0, kind: "warmup" });
  expect(() => scorer.step(state, Number.NaN, 1)).toThrow("seriesScore: atMs must be finite, got NaN");
  expect(() => seriesScore({ warmup: 1 })).toThrow("seriesScore: warmup must be a whole number, 2 or more, got 1");
});
