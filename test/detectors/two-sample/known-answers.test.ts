/**
 * The answers that scipy 1.17.1, frouros and NannyML publish. Where another tool has a convention of its own about bins,
 * it is kept here, in the test, and not in the measures.
 */
import { describe, expect, test } from "vitest";
import { bhattacharyya } from "../../../detectors/distance/bhattacharyya.ts";
import { energyDistance } from "../../../detectors/distance/energy-distance.ts";
import { hellinger } from "../../../detectors/distance/hellinger.ts";
import { histogramIntersection } from "../../../detectors/distance/histogram-intersection.ts";
import { jensenShannonDistance } from "../../../detectors/distance/jensen-shannon.ts";
import { lInfinity } from "../../../detectors/distance/l-infinity.ts";
import { mmd } from "../../../detectors/distance/maximum-mean-discrepancy.ts";
import { psi } from "../../../detectors/distance/population-stability-index.ts";
import { wasserstein1 } from "../../../detectors/distance/wasserstein.ts";
import { binOf, doaneBins } from "../../../detectors/reference/doane.ts";
import { andersonDarling } from "../../../detectors/two-sample/anderson-darling.ts";
import { brunnerMunzel } from "../../../detectors/two-sample/brunner-munzel.ts";
import { chiSquareTest } from "../../../detectors/two-sample/chi-square-test.ts";
import { cramerVonMises } from "../../../detectors/two-sample/cramer-von-mises.ts";
import { eppsSingleton } from "../../../detectors/two-sample/epps-singleton.ts";
import { fisherExact } from "../../../detectors/two-sample/fisher-exact.ts";
import { gTest } from "../../../detectors/two-sample/g-test.ts";
import { kolmogorovSmirnov } from "../../../detectors/two-sample/kolmogorov-smirnov.ts";
import { kuiper } from "../../../detectors/two-sample/kuiper.ts";
import { mannWhitney } from "../../../detectors/two-sample/mann-whitney.ts";
import type { TestResult } from "../../../detectors/two-sample/test-result.ts";
import { welch } from "../../../detectors/two-sample/welch.ts";
import knownAnswers from "../known-answers/two-sample.json" with { type: "json" };

type Sample = readonly number[];

describe("scipy 1.17.1", () => {
  const { r, c, ...published } = knownAnswers.scipy;

  test.each([
    ["Kolmogorov-Smirnov", kolmogorovSmirnov, published.ks.statistic, published.ks.p],
    ["Cramer-von Mises", cramerVonMises, published.cramer_von_mises.statistic, published.cramer_von_mises.p],
    ["Anderson-Darling", andersonDarling, published.anderson_darling.statistic, published.anderson_darling.p],
    ["Mann-Whitney", mannWhitney, published.mann_whitney.u, published.mann_whitney.p],
    ["Epps-Singleton", eppsSingleton, published.epps_singleton.statistic, published.epps_singleton.p],
    ["Welch", welch, published.welch.t, published.welch.p],
    ["Brunner-Munzel", brunnerMunzel, published.brunner_munzel.statistic, published.brunner_munzel.p],
  ])("%s", (_, run, statistic, p) => {
    const found = run(r, c);
    expect(found.statistic).toBeCloseTo(statistic, 8);
    expect(found.p).toBeCloseTo(p, 9);
  });

  test("Wasserstein and energy distance", () => {
    expect(wasserstein1(r, c)).toBeCloseTo(published.wasserstein1, 9);
    expect(energyDistance(r, c)).toBeCloseTo(published.energy, 9);
  });

  test("tables: chi-square, G, Fisher's, and Yates' correction only where it is asked for", () => {
    const [homogeneous, g, fisher, yates] = knownAnswers.tables;
    const found = chiSquareTest(homogeneous!.counts);
    expect(found.statistic).toBeCloseTo(homogeneous!.chi2!, 9);
    expect(found.p).toBeCloseTo(homogeneous!.p!, 9);
    expect(gTest(g!.counts).p).toBeCloseTo(g!.g_p!, 9);
    expect(fisherExact(fisher!.counts).p).toBeCloseTo(fisher!.fisher_p!, 9);
    const corrected = chiSquareTest(yates!.counts, { yates: true });
    expect(corrected.statistic).toBeCloseTo(yates!.chi2_yates!, 9);
    expect(corrected.p).toBeCloseTo(yates!.p!, 9);
    expect(chiSquareTest(yates!.counts).statistic).toBeCloseTo(20 / 3, 9);
  });
});

describe("frouros (docstrings and tests at c69d1394)", () => {
  const { samples, cases } = knownAnswers.frouros;
  const values = (name: string) => samples[name as "x"];
  const points = (name: string) => samples[name as "X2"];
  /** Numpy's 0 for the logarithm of an empty bin: the smallest normal double, or a double's precision. */
  const filled = (counts: Sample, least: number) => {
    const sum = counts.reduce((total, count) => total + count, 0);
    return counts.map((count) => count / sum || least);
  };

  const tests: Readonly<Record<string, (a: string, b: string) => TestResult>> = {
    ks: (a, b) => kolmogorovSmirnov(values(a), values(b)),
    kuiper: (a, b) => kuiper(values(a), values(b)),
    cvm: (a, b) => cramerVonMises(values(a), values(b)),
    anderson_darling: (a, b) => andersonDarling(values(a), values(b)),
    mann_whitney_u: (a, b) => mannWhitney(values(a), values(b)),
    welch_t: (a, b) => welch(values(a), values(b)),
    "chi2 contingency": (a, b) => chiSquareTest(tableOf(values(a), values(b)), { yates: true }),
  };

  test("its docstring's figure for chi-square is that of 82 zeros, and not of the 79 that its samples have", () => {
    expect(chiSquareTest([[61, 39], [82, 18]], { yates: true }).statistic).toBeCloseTo(9.81474665685192, 9);
    expect(tableOf(values("cx"), values("cy"))).toEqual([[61, 39], [79, 21]]);
  });

  test.each(cases.filter((one) => one.statistic !== undefined))("$test of $a and $b", ({ test: name, a, b, statistic, p_value }) => {
    const found = tests[name]!(a, b);
    expect(found.statistic).toBeCloseTo(statistic!, 7);
    expect(found.p).toBeCloseTo(p_value!, 9);
    // All digits of the far tail, but for Cramer-von Mises: what is published there is 1 less a sum, and has none left.
    if (name !== "cvm") expect(found.p / p_value!).toBeCloseTo(1, 5);
  });

  const binned = (measure: (p: Sample, q: Sample) => number, bins: number) => (a: string, b: string) =>
    measure(...equalBins(values(a), values(b), bins));
  const jensenShannonNats = (bins: number) => (a: string, b: string) =>
    jensenShannonDistance(...smoothedBins(values(a), values(b), bins)) * Math.sqrt(Math.LN2);
  const psiOfFilled = (p: Sample, q: Sample) => psi(filled(p, 2.2250738585072014e-308), filled(q, 2.2250738585072014e-308));
  const bhattacharyyaOfFilled = (p: Sample, q: Sample) => bhattacharyya(filled(p, Number.EPSILON), filled(q, Number.EPSILON));
  const complement = (p: Sample, q: Sample) => 1 - histogramIntersection(p, q);

  const distances: Readonly<Record<string, (a: string, b: string) => number>> = {
    "emd/wasserstein-1": (a, b) => wasserstein1(values(a), values(b)),
    emd: (a, b) => wasserstein1(values(a), values(b)),
    "energy distance": (a, b) => energyDistance(values(a), values(b)),
    energy: (a, b) => energyDistance(values(a), values(b)),
    "hellinger, 20 equal bins over the joint range": binned(hellinger, 20),
    "hellinger 10 bins": binned(hellinger, 10),
    "histogram intersection complement, 20 bins": binned(complement, 20),
    "hi complement 10 bins": binned(complement, 10),
    "js (rv_histogram, 20 bins)": jensenShannonNats(20),
    "js 10 bins": jensenShannonNats(10),
    "psi, 20 bins, zeros -> 2.2250738585072014e-308": binned(psiOfFilled, 20),
    "psi 10 bins": binned(psiOfFilled, 10),
    "mmd rbf sigma 0.5": (a, b) => mmd(points(a), points(b), 0.5),
    "bhattacharyya 10 bins": (a, b) =>
      a === "X2" ? bhattacharyyaOfFilled(...equalBinsOfRows(points(a), points(b), 10)) : binned(bhattacharyyaOfFilled, 10)(a, b),
  };

  test.each(cases.filter((one) => one.distance !== undefined))("$test of $a and $b", ({ test: name, a, b, distance }) => {
    // Published to eight decimals at least.
    expect(Math.abs(distances[name]!(a, b) - distance!)).toBeLessThanOrEqual(1e-8);
  });
});

describe("NannyML (tests at 4c86ee35)", () => {
  const { samples, cases } = knownAnswers.nannyml;
  const numbers = (name: string): Sample => {
    const held = samples[name as keyof typeof samples];
    return typeof held === "string" ? held.split("").map((digit) => parseInt(digit, 16) / 5) : (held as Sample);
  };
  const letters = (name: string) => samples[name as "lettersReference"].split("");

  const methods: Readonly<Record<string, (reference: string, analysis: Sample | string) => number>> = {
    "jensen_shannon continuous": (reference, analysis) => jensenShannonDistance(...doane(numbers(reference), analysis as Sample)),
    "hellinger continuous": (reference, analysis) => hellinger(...doane(numbers(reference), analysis as Sample)),
    "jensen_shannon continuous (few distinct values)": (reference, analysis) => jensenShannonDistance(...doane(numbers(reference), analysis as Sample)),
    "hellinger continuous (few distinct values)": (reference, analysis) => hellinger(...doane(numbers(reference), analysis as Sample)),
    "jensen_shannon categorical": (reference, analysis) => jensenShannonDistance(...pairOf(letters(reference), letters(analysis as string))),
    "hellinger categorical": (reference, analysis) => hellinger(...pairOf(letters(reference), letters(analysis as string))),
    l_infinity: (reference, analysis) => lInfinity(...pairOf(letters(reference), letters(analysis as string))),
    wasserstein: (reference, analysis) => wasserstein1(numbers(reference), analysis as Sample),
  };

  test.each(cases)("$method of $reference and $analysis is $expected", ({ method, reference, analysis, rows, shift, expected, decimals }) => {
    const later = rows === undefined ? undefined : numbers(analysis).slice(0, rows).map((value) => value + shift!);
    const measured = methods[method]!(reference, later ?? (analysis.startsWith("fifths") ? numbers(analysis) : analysis));
    expect(measured).toBeCloseTo(expected, decimals);
  });
});

/** A cell for each value that occurs on either side. */
function tableOf<T>(a: readonly T[], b: readonly T[]): number[][] {
  const cells = [...new Set([...a, ...b])];
  return [a, b].map((side) => cells.map((cell) => side.filter((value) => value === cell).length));
}

function pairOf<T>(a: readonly T[], b: readonly T[]): [number[], number[]] {
  return tableOf(a, b) as [number[], number[]];
}

function equalBins(a: Sample, b: Sample, bins: number): [number[], number[]] {
  const [low, high] = [Math.min(...a, ...b), Math.max(...a, ...b)];
  return [histogram(a, low, high, bins), histogram(b, low, high, bins)];
}

function histogram(sample: Sample, low: number, high: number, bins: number): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const value of sample) counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))]! += 1;
  return counts;
}

function equalBinsOfRows(a: readonly Sample[], b: readonly Sample[], bins: number): [number[], number[]] {
  const all = [...a, ...b];
  const ranges = [0, 1].map((column) => [Math.min(...all.map((row) => row[column]!)), Math.max(...all.map((row) => row[column]!))] as const);
  return [a, b].map((rows) => {
    const counts = Array.from({ length: bins * bins }, () => 0);
    for (const row of rows) {
      const [x, y] = ranges.map(([low, high], column) => Math.min(bins - 1, Math.floor(((row[column]! - low) / (high - low)) * bins)));
      counts[x! * bins + y!]! += 1;
    }
    return counts;
  }) as [number[], number[]];
}

/** Each sample's own histogram by numpy's rule "auto", taken to be flat within a bin, read off at `points` points of the joint range. */
function smoothedBins(a: Sample, b: Sample, points: number): [number[], number[]] {
  const [low, high] = [Math.min(...a, ...b), Math.max(...a, ...b)];
  const edges = Array.from({ length: points }, (_, index) => low + ((high - low) * index) / (points - 1));
  return [a, b].map((sample) => {
    const sorted = sample.toSorted((x, y) => x - y);
    const quantile = (ratio: number) => {
      const at = ratio * (sorted.length - 1);
      return sorted[Math.floor(at)]! + (at % 1) * (sorted[Math.ceil(at)]! - sorted[Math.floor(at)]!);
    };
    const [least, range] = [sorted[0]!, sorted.at(-1)! - sorted[0]!];
    const width = Math.min((2 * (quantile(0.75) - quantile(0.25))) / Math.cbrt(sorted.length), range / (Math.log2(sorted.length) + 1));
    const counts = histogram(sample, least, sorted.at(-1)!, Math.ceil(range / width));
    const cumulative = (value: number) => {
      const at = Math.min(counts.length, Math.max(0, ((value - least) / range) * counts.length));
      return counts.reduce((sum, count, bin) => sum + count * Math.min(1, Math.max(0, at - bin)), 0);
    };
    return edges.slice(1).map((edge, index) => Math.max(0, cumulative(edge) - cumulative(edges[index]!)));
  }) as [number[], number[]];
}

/** The reference's bins by Doane's rule, and one for what lies outside them. */
function doane(reference: Sample, analysis: Sample): [number[], number[]] {
  const count = reference.length;
  const mean = reference.reduce((sum, value) => sum + value, 0) / count;
  const moment = (power: number) => reference.reduce((sum, value) => sum + (value - mean) ** power, 0) / count;
  const [low, high] = [reference.reduce((a, b) => Math.min(a, b)), reference.reduce((a, b) => Math.max(a, b))];
  const bins = doaneBins({ count, min: low, max: high, skewness: moment(3) / moment(2) ** 1.5 });
  return [reference, analysis].map((sample) => {
    const counts = Array.from({ length: bins + 1 }, () => 0);
    for (const value of sample) counts[binOf({ low, high, counts: counts.slice(1) }, value) ?? bins]! += 1;
    return counts;
  }) as [number[], number[]];
}
