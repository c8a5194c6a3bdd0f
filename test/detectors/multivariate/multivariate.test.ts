import { describe, expect, test } from "vitest";
import { conformalEDetector } from "../../../detectors/guarantee/conformal-e-detector.ts";
import { domainClassifier } from "../../../detectors/multivariate/domain-classifier.ts";
import { eigenOf } from "../../../detectors/multivariate/eigen.ts";
import { fitMahalanobis, mahalanobisDistance } from "../../../detectors/multivariate/mahalanobis.ts";
import { fitPrincipalComponents, reconstructionError } from "../../../detectors/multivariate/principal-components.ts";
import { meanDiscrepancy, medianDistance, randomFeatures } from "../../../detectors/multivariate/random-features.ts";
import { randomProjection } from "../../../detectors/multivariate/random-projection.ts";
import { fitRows, rowScorer } from "../../../detectors/multivariate/row-reference.ts";
import { covarianceOf, rowsOf } from "../../../detectors/multivariate/rows.ts";
import { buildReference, cellOf, featureReference, type Value } from "../../../detectors/reference/reference.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

/** Two numbers that hang together with a correlation of 0.9, and one apart. */
const together = (next: Chance): number[] => {
  const [a, b] = [gaussian(next), gaussian(next)];
  return [a, 0.9 * a + Math.sqrt(1 - 0.81) * b, gaussian(next)];
};
/** Each number as before, but apart. */
const apart = (next: Chance): number[] => [gaussian(next), gaussian(next), gaussian(next)];

function many<Row>(draw: (next: Chance) => Row, rows: number, seed: number): Row[] {
  const next = chance(seed);
  return Array.from({ length: rows }, () => draw(next));
}

describe("linear algebra", () => {
  test("the covariance is that of its definition", () => {
    // numpy.cov(rows.T, bias=True) of numpy 2.1.3
    expect([...covarianceOf(rowsOf([[1, 2], [3, 5], [4, 1], [8, 2]]))]).toEqual([6.5, -0.75, -0.75, 2.25]);
  });

  test("eigenvectors give the matrix back, stand at right angles, and come with the largest value first", () => {
    const size = 12;
    const covariance = covarianceOf(rowsOf(many((next) => Array.from({ length: size }, (_, i) => (i + 1) * gaussian(next)), 40, 1)));
    const { values, vectors } = eigenOf(covariance, size);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < size; j += 1) {
        const back = values.reduce((sum, value, k) => sum + value * vectors[k]![i]! * vectors[k]![j]!, 0);
        expect(back).toBeCloseTo(covariance[i * size + j]!, 9);
        expect(vectors[i]!.reduce((sum, value, k) => sum + value * vectors[j]![k]!, 0)).toBeCloseTo(Number(i === j), 12);
      }
    }
  });
});

describe("Mahalanobis' distance", () => {
  test("of many ordinary rows its square has as many as the columns on average; a row against the grain is far", () => {
    const model = fitMahalanobis(rowsOf(many(together, 5_000, 1)));
    const squares = many(together, 5_000, 2).map((row) => mahalanobisDistance(model, row) ** 2);
    expect(squares.reduce((sum, square) => sum + square, 0) / 5_000).toBeCloseTo(3, 0);
    // By the definition, with the true covariance: (2, -2) lies 2 sqrt(2 / (1 - 0.9)) away.
    expect(mahalanobisDistance(model, [2, -2, 0])).toBeCloseTo(2 * Math.sqrt(2 / 0.1), 0);
    expect(mahalanobisDistance(model, [2, 2, 0])).toBeLessThan(2.5);
  });

  test("columns that are constant, or copies of each other, or more than rows, do no harm", () => {
    const odd = [many((next) => [gaussian(next), 7, 0], 50, 1), many((next) => [next(), 2].map((x, _, [a]) => a! * x), 50, 1), many((next) => Array.from({ length: 30 }, next), 5, 1)];
    for (const rows of odd) {
      const model = fitMahalanobis(rowsOf(rows));
      for (const row of rows) expect(mahalanobisDistance(model, row)).toBeLessThan(50);
    }
  });

  test("a row of another length is refused", () => {
    expect(() => mahalanobisDistance(fitMahalanobis(rowsOf([[1, 2], [2, 1]])), [1])).toThrow("mahalanobisDistance: expected 2 numbers, got 1");
  });
});

describe("principal components", () => {
  test("a row along the components is put together again, one across is not", () => {
    const model = fitPrincipalComponents(rowsOf(many(together, 5_000, 1)), { variance: 0.6 });
    expect(model.components).toHaveLength(1);
    expect(reconstructionError(model, [1.5, 1.5, 0])).toBeLessThan(0.1);
    expect(reconstructionError(model, [1.5, -1.5, 0])).toBeCloseTo(Math.hypot(1.5, 1.5), 1);
  });
});

describe("random projection", () => {
  test("keeps the lengths of long vectors on average, and is the same for the same seed", () => {
    const [one, same, other] = [1, 1, 2].map((seed) => randomProjection({ inputs: 300, outputs: 64, seed }));
    const shadows = [one!, same!, other!].map(({ outputs }) => new Float64Array(outputs));
    let ratio = 0;
    for (const row of many((next) => Array.from({ length: 300 }, () => gaussian(next)), 200, 3)) {
      [one!, same!, other!].forEach((projection, i) => projection.project(row, shadows[i]!));
      const square = (vector: Iterable<number>) => [...vector].reduce((sum, value) => sum + value ** 2, 0);
      ratio += square(shadows[0]!) / square(row) / 200;
    }
    expect(ratio).toBeCloseTo(1, 1);
    expect(shadows[1]).toEqual(shadows[0]);
    expect(shadows[2]).not.toEqual(shadows[0]);
  });

  test("a shift of an embedding that each direction hardly shows is found on its shadows by e-detectors", () => {
    const inputs = 128;
    const embedding = (shift: number) => (next: Chance) => Array.from({ length: inputs }, (_, i) => gaussian(next) + (i % 2 === 0 ? shift : -shift));
    const projection = randomProjection({ inputs, outputs: 16, seed: 5 });
    const shadowsOf = (rows: number[][]) => rows.map((row) => { const into = new Float64Array(16); projection.project(row, into); return into; });
    const before = shadowsOf(many(embedding(0), 2_000, 1));
    const references = Array.from({ length: 16 }, (_, i) => featureReference(`s${i}`, before.map((row) => row[i]!)));
    const greatest = (rows: number[][]) => Math.max(...references.map((reference, i) => {
      const detector = conformalEDetector(reference, { seed: i });
      let state = detector.start();
      for (const row of shadowsOf(rows)) state = detector.step(state, cellOf(reference, row[i]!));
      return detector.logEvidence(state);
    }));
    expect(greatest(many(embedding(0), 1_000, 2))).toBeLessThan(Math.log(1e5));
    expect(greatest(many(embedding(0.3), 1_000, 2))).toBeGreaterThan(Math.log(1e5));
  });
});

describe("maximum mean discrepancy by random features", () => {
  test("is the kernel's, for many waves: the mean of k(x,x') + k(y,y') - 2 k(x,y) over all pairs", () => {
    const bandwidth = 1.5;
    const [x, y] = [many(together, 200, 1), many(apart, 150, 2).map(([a, b, c]) => [a! + 1, b!, c!])];
    const kernel = (a: number[], b: number[]) => Math.exp(-a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / (2 * bandwidth ** 2));
    const meanOf = (a: number[][], b: number[][], same: boolean) => {
      let [sum, pairs] = [0, 0];
      for (const [i, p] of a.entries()) for (const [j, q] of b.entries()) if (!same || i !== j) [sum, pairs] = [sum + kernel(p, q), pairs + 1];
      return sum / pairs;
    };
    const unbiased = meanOf(x, x, true) + meanOf(y, y, true) - 2 * meanOf(x, y, false);
    const watched = meanDiscrepancy(rowsOf(x), randomFeatures({ inputs: 3, features: 8_192, bandwidth, seed: 1 }), { memory: 1e9 });
    let state = watched.start();
    for (const row of y) state = watched.step(state, row);
    expect(watched.read(state)!).toBeCloseTo(unbiased, 2);
    expect(unbiased).toBeGreaterThan(0.05);
  });

  test("about zero on rows like the reference's; well above once columns fall apart that hung together", () => {
    const reference = rowsOf(many(together, 2_000, 1));
    const watched = meanDiscrepancy(reference, randomFeatures({ inputs: 3, bandwidth: medianDistance(reference, 1), seed: 1 }));
    const read = (rows: number[][]) => {
      let state = watched.start();
      for (const row of rows) state = watched.step(state, row);
      return watched.read(state)!;
    };
    const usual = Array.from({ length: 20 }, (_, run) => read(many(together, 1_000, 10 + run)));
    const mean = usual.reduce((sum, value) => sum + value, 0) / 20;
    expect(Math.abs(mean)).toBeLessThan(5e-4);
    expect(read(many(apart, 1_000, 2))).toBeGreaterThan(5 * Math.max(...usual.map(Math.abs)));
    expect(watched.read(watched.start())).toBeUndefined();
  });
});

describe("the domain classifier", () => {
  const play = (before: (next: Chance) => number[], now: (next: Chance) => number[], rows = 4_000) => {
    const classifier = domainClassifier({ columns: 3 });
    let state = classifier.start();
    const next = chance(1);
    for (let row = 0; row < rows; row += 1) {
      state = classifier.step(state, before(next), false);
      state = classifier.step(state, now(next), true);
    }
    return { auc: classifier.read(state)!, shares: classifier.shares(state) };
  };

  test("can not tell like from like, and tells a shifted column, by name", () => {
    expect(play(apart, apart).auc).toBeCloseTo(0.5, 1);
    const { auc, shares } = play(apart, (next) => apart(next).map((value, i) => (i === 2 ? value + 1 : value)));
    // Two normals one deviation apart: the best there is scores Phi(1 / sqrt(2)) = 0.760.
    expect(auc).toBeGreaterThan(0.72);
    expect(auc).toBeLessThan(0.8);
    expect(shares[2]).toBeGreaterThan(0.8);
  });

  test("before both kinds were seen there is no reading, and every column has its equal share", () => {
    const classifier = domainClassifier({ columns: 2 });
    expect(classifier.read(classifier.start())).toBeUndefined();
    expect(classifier.shares(classifier.start())).toEqual([0.5, 0.5]);
    expect(() => classifier.step(classifier.start(), [NaN, 1], true)).toThrow(RangeError);
  });
});

describe("rows of any values", () => {
  const person = (next: Chance): Value[] => {
    const tall = gaussian(next);
    return [170 + 10 * tall, 70 + 10 * (0.9 * tall + 0.43 * gaussian(next)), next() < 0.5 ? "a" : "b", 1, next() < 0.05 ? null : Math.floor(5 * next())];
  };
  const scattered = (next: Chance): Value[] => person(next).with(1, 70 + 10 * gaussian(next));
  const rows = many(person, 4_000, 1);
  const names = ["height", "weight", "group", "constant", "stars"];
  const { features, wholeRows } = buildReference({ model: "people", features: names.map((name, i) => ({ name, values: rows.map((row) => row[i] as Value) })) });

  test("a relation that breaks, with every column as it was, is found by e-detectors on the rows' scores and on no column's", () => {
    const greatest = (stream: Value[][]) => {
      const scorer = rowScorer(wholeRows!);
      const watched = [...wholeRows!.measures, ...features].map((of, seed) => ({ of, detector: conformalEDetector(of, { seed }) }));
      const states = watched.map(({ detector }) => detector.start());
      for (const row of stream) {
        const scores = scorer.score(row);
        for (const [i, { of, detector }] of watched.entries()) states[i] = detector.step(states[i]!, cellOf(of, i < 2 ? scores[i] : row[i - 2]));
      }
      return watched.map(({ detector }, i) => detector.logEvidence(states[i]!));
    };
    const usual = greatest(many(person, 2_000, 2));
    expect(Math.max(...usual)).toBeLessThan(Math.log(1e5));
    const broken = greatest(many(scattered, 2_000, 2));
    expect(broken[0]).toBeGreaterThan(Math.log(1e5));
    expect(Math.max(...broken.slice(2))).toBeLessThan(Math.log(1e5));
  });

  test("rows that look different from hour to hour are not modelled as one", () => {
    const next = chance(5);
    const times = Array.from({ length: 6_000 }, (_, i) => Date.UTC(2026, 0, 1) + i * 600_000);
    const values = times.map((ms) => gaussian(next) + 2 * Math.sin((ms / 86_400_000) * 2 * Math.PI));
    const reference = buildReference({ model: "m", features: [{ name: "a", values }, { name: "b", values: values.map((value) => value + gaussian(next)) }], times });
    expect(reference.season).toBe("hour-of-day");
    expect(reference.wholeRows).toBeUndefined();
  });

  test("nulls, text for numbers and unknown categories are scored like any other row", () => {
    const scorer = rowScorer(wholeRows!);
    for (const row of [[null, null, null, null, null], ["x", NaN, 3, Infinity, undefined], [1e300, -1e300, "z", 2, 9]]) {
      for (const score of scorer.score(row)) expect(score).toBeLessThan(100);
    }
  });

  test("too few rows, or too few columns that say anything, make no reference of rows", () => {
    expect(fitRows(features, rows.slice(0, 99))).toBeUndefined();
    expect(fitRows(features.slice(3, 4), rows.map((row) => [row[3] as Value]))).toBeUndefined();
  });
});

test("rows of another length and values that are no numbers are named", () => {
  expect(() => rowsOf([[1, 2], [1]])).toThrow("rows: row 1 has 1 columns, row 0 has 2");
  expect(() => rowsOf([[1, 2], [1, NaN]])).toThrow("rows: expected a finite number in row 1, column 1, got NaN");
  expect(() => rowsOf([])).toThrow(RangeError);
});
