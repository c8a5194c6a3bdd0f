import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  buildReference, cellCount, cellName, cellOf, featureReference, mergeCounts, parseReference,
  type CategoricalReference, type FeatureReference, type NumericReference, type Value,
} from "../../../detectors/reference/reference.ts";
import { buildEstimator } from "../../../detectors/performance/estimator.ts";
import { chance, gaussian } from "../chance.ts";

const anything: fc.Arbitrary<Value> = fc.oneof(
  fc.double(), fc.integer(), fc.integer({ min: 0, max: 5 }), fc.string(), fc.boolean(),
  fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, "__proto__"),
);
const columns = fc.array(anything, { minLength: 1, maxLength: 200 }).map((values) => [...values, 1.5]);
const options = fc.record({ kind: fc.constantFrom("numeric" as const, "categorical" as const), cells: fc.integer({ min: 1, max: 64 }) });

function namesOf(reference: FeatureReference): string[] {
  return reference.counts.map((_, cell) => cellName(reference, cell));
}

function numeric(values: readonly Value[], cells?: number): NumericReference {
  return featureReference("x", values, { kind: "numeric", ...(cells !== undefined && { cells }) }) as NumericReference;
}

function categorical(values: readonly Value[], cells?: number): CategoricalReference {
  return featureReference("x", values, { kind: "categorical", ...(cells !== undefined && { cells }) }) as CategoricalReference;
}

describe("whatever the column", () => {
  test("every row is in one cell, and the reference survives JSON and its own check", () => {
    fc.assert(
      fc.property(columns, options, (values, chosen) => {
        const feature = featureReference("x", values, chosen);
        expect(feature.counts).toHaveLength(cellCount(feature));
        expect(feature.counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
        const reference = buildReference({ model: "m", features: [{ name: "x", values, kind: chosen.kind }], cells: chosen.cells });
        expect(reference.features[0]).toEqual(feature);
        expect(parseReference(JSON.parse(JSON.stringify(reference)))).toEqual(reference);
      }),
    );
  });

  test("any value falls into some cell, and the cell has a name", () => {
    fc.assert(
      fc.property(columns, options, anything, (values, chosen, value) => {
        const feature = featureReference("x", values, chosen);
        const cell = cellOf(feature, value);
        expect(cell).toBeGreaterThanOrEqual(0);
        expect(cell).toBeLessThan(cellCount(feature));
        expect(cellName(feature, cell)).toBeTypeOf("string");
      }),
    );
  });

  test("what nobody promised to send has a cell too", () => {
    for (const feature of [numeric([1, 2]), categorical(["a"])]) {
      for (const value of [{}, [], 3n, () => 1, Symbol("s")] as unknown as Value[]) {
        expect(cellName(feature, cellOf(feature, value))).toBe("wrong type");
      }
    }
  });

  test("merged halves are the whole", () => {
    fc.assert(
      fc.property(columns, options, fc.nat(), (values, chosen, at) => {
        const feature = featureReference("x", values, chosen);
        const count = (part: readonly Value[]) => {
          const counts = feature.counts.map(() => 0);
          for (const value of part) counts[cellOf(feature, value)]! += 1;
          return counts;
        };
        const cut = at % values.length;
        expect(mergeCounts(count(values.slice(0, cut)), count(values.slice(cut)))).toEqual(feature.counts);
      }),
    );
  });
});

describe("numbers", () => {
  test("up to 64 distinct values have a cell each, which reaches halfway to the next", () => {
    const feature = numeric([0, 1, 1, 3, 3, 3, 17]);
    expect(namesOf(feature)).toEqual(["0", "1 to 2", "3 to 10", "11 to 17", "under 0", "over 17", "null", "NaN", "infinite", "wrong type"]);
    expect(feature.counts).toEqual([1, 2, 3, 1, 0, 0, 0, 0, 0, 0]);
  });

  test("a value of its own, whatever it is", () => {
    const feature = numeric([1, 2, 3]);
    const name = (value: Value) => cellName(feature, cellOf(feature, value));
    expect([0, 4, null, undefined, NaN, -Infinity, "2", true].map(name)).toEqual([
      "under 1", "over 3", "null", "null", "NaN", "infinite", "wrong type", "wrong type",
    ]);
  });

  test("more distinct values share 64 cells of about equal weight", () => {
    const next = chance(1);
    const feature = numeric(Array.from({ length: 64_000 }, () => gaussian(next)));
    expect(feature.edges).toHaveLength(63);
    for (const count of feature.counts.slice(0, 64)) expect(count).toBeCloseTo(1_000, -1);
  });

  test("a value that is half of all rows has its own cell, and the other rows share the other cells", () => {
    const next = chance(2);
    const values = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? 0 : Math.abs(gaussian(next))));
    const feature = numeric(values, 20);
    const zero = cellOf(feature, 0);
    expect(feature.counts[zero]).toBe(5_000);
    const others = feature.counts.slice(0, feature.edges.length + 1).filter((_, cell) => cell !== zero);
    expect(others).toHaveLength(19);
    for (const count of others) expect(count).toBeLessThan(270);
  });

  test("the counts are those of an independent histogram", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }), fc.integer({ min: 1, max: 8 }), (values, cells) => {
        const { edges, counts } = numeric(values, cells);
        const bounds = [-Infinity, ...edges, Infinity];
        const expected = bounds.slice(1).map((upper, i) => values.filter((value) => value > (bounds[i] as number) && value <= upper).length);
        expect(edges.length).toBeLessThan(cells);
        expect(counts).toEqual([...expected, 0, 0, 0, 0, 0, 0]);
      }),
    );
  });

  test("a feature sent in single precision falls into the cells of its double precision reference", () => {
    const values = Array.from({ length: 2_000 }, (_, i) => 0.1 + ((i * 37) % 50) / 10);
    for (const cells of [8, 64]) {
      const feature = numeric(values, cells);
      for (const value of values) expect(cellOf(feature, Math.fround(value))).toBe(cellOf(feature, value));
    }
  });

  test("a number beyond single precision is still under or over", () => {
    const feature = numeric([-1e300, 0, 1e300]);
    expect([-1.1e300, 1.1e300].map((value) => cellName(feature, cellOf(feature, value)))).toEqual(["under -1e+300", "over 1e+300"]);
  });

  test("mean, deviation, least and greatest are those of the finite values", () => {
    const { mean, standardDeviation, min, max } = numeric([2, 4, 4, 4, 5, 5, 7, 9, null, NaN, Infinity, "8"]);
    expect({ mean, standardDeviation, min, max }).toEqual({ mean: 5, standardDeviation: 2, min: 2, max: 9 });
    expect(numeric([0.1, 0.1, 0.1])).toMatchObject({ mean: 0.1, standardDeviation: 0 });
  });

  test("intervals are named by their ends: whole numbers by those they hold, others in four digits", () => {
    const ages = numeric(Array.from({ length: 960 }, (_, i) => i % 96), 4);
    expect(namesOf(ages).slice(0, 6)).toEqual(["0 to 23", "24 to 47", "48 to 71", "72 to 95", "under 0", "over 95"]);
    const scores = numeric(Array.from({ length: 1_001 }, (_, i) => i / 1_000), 2);
    expect(namesOf(scores).slice(0, 4)).toEqual(["0 to 0.5005", "0.5005 to 1", "under 0", "over 1"]);
  });
});

describe("categories", () => {
  test("each has a cell; numbers and booleans are known by their text; the rest has a name", () => {
    const feature = categorical(["b", "a", "b", true, 3, null, NaN]);
    expect(namesOf(feature)).toEqual(["3", "a", "b", "true", "other", "null", "wrong type"]);
    expect(feature.counts).toEqual([1, 1, 2, 1, 0, 1, 1]);
    const name = (value: Value) => cellName(feature, cellOf(feature, value));
    expect(["a", "3", 3, true, "c", undefined, Infinity].map(name)).toEqual(["a", "3", "3", "true", "other", "null", "wrong type"]);
  });

  test("of more than 64 the most frequent are known, and the rest are other", () => {
    const values = Array.from({ length: 100 }, (_, i) => Array.from({ length: 10 * (i + 1) }, () => `c${i}`)).flat();
    const feature = categorical(values);
    expect(feature.values).toHaveLength(64);
    for (let i = 60; i < 100; i += 1) expect(feature.values).toContain(`c${i}`);
    expect(feature.counts[cellOf(feature, "c0")]).toBe(values.length - feature.counts.slice(0, 64).reduce((sum, count) => sum + count, 0));
  });

  test("about half of each cell's rows are held out", () => {
    const { counts, heldOut } = categorical(Array.from({ length: 10_000 }, (_, i) => `c${i % 4}`));
    for (const [cell, count] of counts.entries()) expect(heldOut[cell]! / Math.max(1, count)).toBeCloseTo(count === 0 ? 0 : 0.5, 1);
  });

  test("nothing but nulls makes a feature without categories", () => {
    expect(featureReference("x", [null, undefined, null])).toMatchObject({ kind: "categorical", values: [], counts: [0, 3, 0] });
  });
});

describe("what is kept beside the cells", () => {
  test("whether numbers are whole, how many there are, and all of them where they are few", () => {
    expect(numeric([3, 1, 1, -0, null])).toMatchObject({ integer: true, distinct: 3, sample: [0, 1, 1, 3] });
    expect(numeric([3, 1.5])).toMatchObject({ integer: false, distinct: 2, sample: [1.5, 3] });
    expect(categorical(["b", "a", "b", null])).toMatchObject({ distinct: 2 });
  });

  test("of many numbers a thousand are kept, which look like all of them", () => {
    const next = chance(4);
    const { sample } = numeric(Array.from({ length: 20_000 }, next));
    expect(sample).toHaveLength(1_000);
    expect(sample).toEqual(sample!.toSorted((a, b) => a - b));
    // Kolmogorov: above 1.95 / sqrt(1000) in one sample of a thousand.
    const gaps = sample!.map((value, i) => Math.max(Math.abs(value - i / 1_000), Math.abs(value - (i + 1) / 1_000)));
    expect(Math.max(...gaps)).toBeLessThan(1.95 / Math.sqrt(1_000));
  });

  test("a prediction is a feature of its own", () => {
    const reference = buildReference({ model: "m", features: [{ name: "a", values: [1, 2] }], prediction: { name: "label", values: ["x", "y"] } });
    expect(reference.prediction).toEqual(featureReference("label", ["x", "y"]));
    expect(reference.columns).toEqual({ prediction: "label" });
  });

  test("times are one a row", () => {
    expect(() => buildReference({ model: "m", features: [{ name: "a", values: [1, 2] }], times: [0] })).toThrow(new RangeError("reference: 1 times for 2 rows"));
  });
});

test("most values decide whether a column is numbers or categories", () => {
  expect(featureReference("x", [1, 2, null, "n/a"]).kind).toBe("numeric");
  expect(featureReference("x", ["a", "b", 1]).kind).toBe("categorical");
  expect(featureReference("x", [true, false, null]).kind).toBe("categorical");
  expect(featureReference("x", [1, 2], { kind: "categorical" }).kind).toBe("categorical");
});

test("a column without rows, or without a number where there should be some, is refused by its name", () => {
  expect(() => featureReference("age", [])).toThrow(new RangeError("reference: feature age has no rows"));
  expect(() => featureReference("age", [NaN])).toThrow(new RangeError("reference: feature age has no finite number"));
});

test("columns must have different names and the same rows", () => {
  const features = [{ name: "a", values: [1, 2] }];
  expect(() => buildReference({ model: "m", features: [] })).toThrow("no features");
  expect(() => buildReference({ model: "m", features: [...features, { name: "b", values: [1] }] })).toThrow("feature b has 1 rows, a has 2");
  expect(() => buildReference({ model: "m", features, score: { name: "a", values: [1, 2] } })).toThrow("two features are named a");
});

test("counts of different cells do not merge", () => {
  expect(() => mergeCounts([1], [1, 2])).toThrow(RangeError);
});

describe("a reference file", () => {
  const good = () =>
    JSON.parse(
      JSON.stringify(
        buildReference({
          model: "m",
          features: [{ name: "age", values: [1, 2, 3, 4] }, { name: "city", values: ["a", "b", "a", null] }],
          score: { name: "score", values: [0.1, 0.2, 0.3, 0.4] },
          performance: { accuracy: 0.9 },
        }),
      ),
    ) as Record<string, any>; // eslint-disable-line typescript/no-explicit-any -- it is broken on purpose below

  test("that is right comes back as it is", () => {
    expect(parseReference(good())).toEqual(good());
  });

  test.each<[string, (file: ReturnType<typeof good>) => void]>([
    ["format", (file) => (file["format"] = "pilotfish.reference/2")],
    ["model", (file) => delete file["model"]],
    ["rows", (file) => (file["rows"] = 0)],
    ["features", (file) => (file["features"] = [])],
    ["features[1]", (file) => (file["features"][1] = null)],
    ["features[1].name", (file) => (file["features"][1].name = "age")],
    ["features[0].kind", (file) => (file["features"][0].kind = "number")],
    ["features[0].rows", (file) => (file["features"][0].rows = 5)],
    ["features[0].edges", (file) => (file["features"][0].edges = [3, 2, 1])],
    ["features[0].edges", (file) => (file["features"][0].edges = [1.5, 2.5, 9])],
    ["features[0].counts", (file) => file["features"][0].counts.pop()],
    ["features[0].counts", (file) => (file["features"][0].counts[0] = 7)],
    ["features[0].counts", (file) => (file["features"][0].counts[0] = 0.5)],
    ["features[0].mean", (file) => (file["features"][0].mean = null)],
    ["features[0].standardDeviation", (file) => (file["features"][0].standardDeviation = -1)],
    ["features[0].max", (file) => delete file["features"][0].max],
    ["features[1].values", (file) => (file["features"][1].values = ["b", "a"])],
    ["features[1].heldOut", (file) => delete file["features"][1].heldOut],
    ["features[1].heldOut", (file) => (file["features"][1].heldOut[0] = 9)],
    ["score", (file) => (file["score"] = [])],
    ["score.counts", (file) => (file["score"].counts = "many")],
    ["performance.accuracy", (file) => (file["performance"].accuracy = "good")],
  ])("is refused with the path %s", (path, spoil) => {
    const file = good();
    spoil(file);
    expect(() => parseReference(file)).toThrow(`${path}: expected`);
  });

  /** With everything that a reference may have, and a season. */
  const full = () => {
    const times = Array.from({ length: 24 * 20 * 14 }, (_, i) => i * 180_000);
    const daily = times.map((atMs) => Math.floor(atMs / 3_600_000) % 24);
    const file = buildReference({
      model: "m", times,
      features: [{ name: "hour", values: daily }, { name: "half", values: daily.map((hour) => (hour < 12 ? "am" : "pm")) }],
      score: { name: "score", values: daily.map((hour, i) => hour / 24 + (i % 7) / 100) },
      prediction: { name: "label", values: daily.map((hour) => (hour > 6 ? 1 : 0)) },
    });
    const scores = daily.map((hour, i) => hour / 24 + (i % 7) / 1_000);
    const { estimator } = buildEstimator({ scores, actuals: scores.map((score, i) => Number(score > ((i * 7) % 11) / 11)) });
    return JSON.parse(JSON.stringify({ ...file, columns: { score: "score", actual: "y" }, estimator })) as ReturnType<typeof good>;
  };

  test("with everything that there may be comes back as it is", () => {
    expect(full()["season"]).toBe("hour-of-day");
    expect(parseReference(full())).toEqual(full());
  });

  test("of before seasons, samples and the like is still read", () => {
    const old = full();
    for (const name of ["prediction", "columns", "season", "thinning", "estimator"]) delete old[name];
    for (const feature of [...old["features"], old["score"]]) {
      for (const name of ["integer", "distinct", "histogram", "sample", "autocorrelation", "seasons"]) delete feature[name];
    }
    expect(parseReference(old)).toEqual(old);
  });

  test.each<[string, (file: ReturnType<typeof good>) => void]>([
    ["features[0].integer", (file) => (file["features"][0].integer = 1)],
    ["features[0].distinct", (file) => (file["features"][0].distinct = 2.5)],
    ["features[1].distinct", (file) => (file["features"][1].distinct = -1)],
    ["features[0].autocorrelation", (file) => (file["features"][0].autocorrelation = 1.1)],
    ["features[1].autocorrelation", (file) => (file["features"][1].autocorrelation = null)],
    ["features[0].histogram", (file) => (file["features"][0].histogram = [1])],
    ["features[0].histogram.low", (file) => (file["features"][0].histogram.low = 99)],
    ["features[0].histogram.counts", (file) => (file["features"][0].histogram.counts = [])],
    ["features[0].histogram.counts", (file) => (file["features"][0].histogram.counts[0] = "1")],
    ["features[0].sample", (file) => (file["features"][0].sample = [2, 1])],
    ["features[0].sample", (file) => (file["features"][0].sample = [null])],
    ["features[0].seasons", (file) => delete file["features"][0].seasons],
    ["features[0].seasons", (file) => file["features"][0].seasons.pop()],
    ["features[0].seasons", (file) => file["features"][0].seasons[3].pop()],
    ["features[0].seasons", (file) => (file["features"][0].seasons[3][3] += 1)],
    ["features[1].seasons", (file) => (file["features"][1].seasons[0] = file["features"][1].seasons[0].map(() => 0))],
    ["score.seasons", (file) => (file["score"].seasons = "hourly")],
    ["prediction", (file) => (file["prediction"] = 1)],
    ["prediction.counts", (file) => (file["prediction"].counts[0] += 1)],
    ["columns", (file) => (file["columns"] = ["score"])],
    ["columns.score", (file) => (file["columns"].score = "")],
    ["columns.target", (file) => (file["columns"].target = "y")],
    ["season", (file) => (file["season"] = "month")],
    ["features[0].seasons", (file) => delete file["season"]],
    ["thinning", (file) => (file["thinning"] = 0)],
    ["thinning", (file) => (file["thinning"] = 1.5)],
    ["estimator.problem", (file) => (file["estimator"].problem = "ranking")],
    ["estimator", (file) => (file["estimator"] = null)],
    ["estimator.bins", (file) => delete file["estimator"].bins],
  ])("with something wrong in what is optional is refused with the path %s", (path, spoil) => {
    const file = full();
    spoil(file);
    expect(() => parseReference(file)).toThrow(`${path}: expected`);
  });

  /** Two features that hang together, so that whole rows are modelled too. */
  const paired = () => {
    const a = Array.from({ length: 300 }, (_, i) => (i * 37) % 101);
    const features = [{ name: "a", values: a }, { name: "b", values: a.map((value, i) => value + (i % 9)) }, { name: "c", values: a.map((value) => (value % 2 === 0 ? "even" : "odd")) }];
    return JSON.parse(JSON.stringify(buildReference({ model: "m", features }))) as ReturnType<typeof good>;
  };

  test.each<[string, (rows: ReturnType<typeof good>) => void]>([
    ["wholeRows.encoding", (rows) => rows["encoding"].pop()],
    ["wholeRows.encoding", (rows) => (rows["encoding"][2].values = [1])],
    ["wholeRows.mahalanobis.means", (rows) => delete rows["mahalanobis"]],
    ["wholeRows.mahalanobis.whitening", (rows) => rows["mahalanobis"].whitening.pop()],
    ["wholeRows.components.components", (rows) => (rows["components"].components[0] = [1])],
    ["wholeRows.sample", (rows) => (rows["sample"][0] = ["x"])],
    ["wholeRows.measures", (rows) => rows["measures"].pop()],
    ["wholeRows.measures[1].mean", (rows) => (rows["measures"][1].mean = "x")],
  ])("with something wrong in the model of whole rows is refused with the path %s", (path, spoil) => {
    const file = paired();
    expect(parseReference(paired())).toEqual(paired());
    spoil(file["wholeRows"]);
    expect(() => parseReference(file)).toThrow(`${path}: expected`);
  });

  test("tells all its mistakes at once, and stops at twenty", () => {
    const file = good();
    file["model"] = "";
    file["features"][0].mean = "x";
    expect(() => parseReference(file)).toThrow(/model: .*; features\[0\]\.mean: /);
    file["features"] = Array.from({ length: 30 }, () => 1);
    expect(() => parseReference(file)).toThrow(/and 11 more$/);
  });

  test("that is no object at all is refused", () => {
    for (const value of [null, 1, "reference", [], undefined]) expect(() => parseReference(value)).toThrow("expected an object");
  });
});
