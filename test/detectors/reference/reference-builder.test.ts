import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Roles } from "../../../detectors/reference/finish-reference.ts";
import { referenceBuilder } from "../../../detectors/reference/reference-builder.ts";
import { buildReference, parseReference, type CategoricalReference, type NumericReference, type Value } from "../../../detectors/reference/reference.ts";
import { featureNames, readRows } from "../../../examples/employment/rows.ts";
import { chance, gaussian } from "../chance.ts";

type Columns = ReadonlyMap<string, readonly Value[]>;

function rowsIn(columns: Columns): number {
  return columns.values().next().value?.length ?? 0;
}

/** Both passes, in batches that end at the given rows. */
function made(columns: Columns, { ends = [], times, kinds, cells, roles = {} }: {
  ends?: readonly number[];
  times?: readonly number[] | undefined;
  kinds?: ReadonlyMap<string, "numeric" | "categorical">;
  cells?: number;
  roles?: Roles;
} = {}) {
  const bounds = [0, ...ends.toSorted((a, b) => a - b), rowsIn(columns)];
  const builder = referenceBuilder({ model: "m", kinds, cells });
  const pass = (take: (batch: Columns, times?: readonly number[]) => void) => {
    for (const [i, end] of bounds.entries()) {
      const from = bounds[i - 1];
      if (from !== undefined) take(new Map([...columns].map(([name, values]) => [name, values.slice(from, end)])), times?.slice(from, end));
    }
  };
  pass((batch, batchTimes) => builder.learn(batch, batchTimes));
  builder.cut();
  pass((batch, batchTimes) => builder.count(batch, batchTimes));
  return builder.finish(roles);
}

const anything: fc.Arbitrary<Value> = fc.oneof(fc.double(), fc.integer({ min: 0, max: 9 }), fc.constantFrom("a", "b", "c", true, null, undefined, NaN, Infinity, -0));

describe("in two passes over batches", () => {
  test("any data in any batches make the very reference that they make at once", () => {
    const tables = fc.integer({ min: 1, max: 80 }).chain((rows) =>
      fc.record({
        x: fc.array(anything, { minLength: rows, maxLength: rows }),
        y: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: rows, maxLength: rows }),
        times: fc.option(fc.array(fc.integer({ min: 0, max: 4e9 }), { minLength: rows, maxLength: rows }), { nil: undefined }),
        ends: fc.array(fc.nat(rows), { maxLength: 5 }),
        cells: fc.integer({ min: 1, max: 20 }),
        xKind: fc.constantFrom(undefined, "categorical" as const),
      }),
    );
    fc.assert(
      fc.property(tables, ({ x, y, times, ends, cells, xKind }) => {
        const values = x.some(Number.isFinite) ? x : [...x.slice(1), 1];
        const columns = new Map<string, readonly Value[]>([["x", values], ["y", y]]);
        const { reference } = made(columns, { ends, times, cells, roles: { keep: ["x", "y"] }, ...(xKind && { kinds: new Map([["x", xKind]]) }) });
        const atOnce = buildReference({ model: "m", features: [{ name: "x", values, kind: xKind }, { name: "y", values: y }], times, cells });
        expect(reference).toEqual(atOnce);
        expect(parseReference(JSON.parse(JSON.stringify(reference)))).toEqual(reference);
      }),
    );
  });

  test("20,000 census rows by thousands are those rows at once, with what the columns are called beside it", async () => {
    const rows = await readRows("reference");
    const features = featureNames.map((name) => ({ name, values: rows.map((row) => row.features[name]) }));
    const columns = new Map<string, readonly Value[]>([
      ["id", rows.map(({ id }) => id)], ...features.map(({ name, values }) => [name, values] as const), ["employed", rows.map(({ employed }) => employed)],
    ]);
    const { reference, notes } = made(columns, { ends: Array.from({ length: 19 }, (_, i) => 1_000 * (i + 1)), roles: { actual: "employed" } });
    expect(reference).toEqual({ ...buildReference({ model: "m", features }), columns: { actual: "employed" } });
    expect(reference.thinning).toBe(1);
    expect(notes).toEqual(["id: every row has a value of its own, as an identifier has; left out (a column whose kind is given stays)."]);
  });
});

describe("of data larger than what is held", () => {
  const next = chance(5);
  const rows = 150_000;
  const table = new Map<string, Value[]>([
    ["continuous", Array.from({ length: rows }, () => gaussian(next))],
    ["rare", Array.from({ length: rows }, (_, i) => (i === 149_999 ? 40 : Math.floor(40 * next())))],
    ["word", Array.from({ length: rows }, () => `w${Math.floor(60_000 ** next())}`)],
  ]);
  const { reference, notes } = made(table, { ends: [60_000] });
  const [continuous, rare, word] = reference.features as [NumericReference, NumericReference, CategoricalReference];

  test("64 cells cut from a sample have about equal weight, and their counts are exact", () => {
    expect(continuous.edges).toHaveLength(63);
    for (const count of continuous.counts.slice(0, 64)) expect(Math.abs(count / (rows / 64) - 1)).toBeLessThan(0.15);
    const bounds = [-Infinity, ...continuous.edges, Infinity];
    const below = (edge: number) => table.get("continuous")!.filter((value) => (value as number) <= edge).length;
    for (const cell of [0, 20, 63]) expect(continuous.counts[cell]).toBe(below(bounds[cell + 1]!) - below(bounds[cell]!));
    expect(continuous.histogram!.counts.reduce((sum, count) => sum + count, 0)).toBe(rows);
    expect(continuous.sample).toHaveLength(1_000);
    expect(Math.abs(continuous.distinct! / rows - 1)).toBeLessThan(0.065);
  });

  test("a value that came once in 150,000 rows has its cell where all distinct ones can be held", () => {
    expect(rare).toMatchObject({ distinct: 41, integer: true, max: 40 });
    for (const value of [0, 17, 40]) expect(rare.counts[value]).toBe(table.get("rare")!.filter((one) => one === value).length);
    expect(rare.counts[40]).toBe(1);
  });

  test("the frequent categories are found among 60,000, and the note says how far that can be trusted", () => {
    const frequency = new Map<Value, number>();
    for (const value of table.get("word")!) frequency.set(value, (frequency.get(value) ?? 0) + 1);
    const most = [...frequency].sort(([, a], [, b]) => b - a).slice(0, 40);
    for (const [value, count] of most) expect(word.counts[word.values.indexOf(value as string)]).toBe(count);
    expect(Math.abs(word.distinct! / frequency.size - 1)).toBeLessThan(0.065);
    expect(notes).toEqual([
      expect.stringMatching(/^word: of about \d+ categories the 64 most frequent are known, the others count as other; none with more than [1-4] rows of the deciding half is missed\.$/),
    ]);
  });
});

describe("rows that depend on each other", () => {
  const hourMs = 3_600_000;
  /** A row every two minutes for three weeks, in UTC from a Monday. */
  const times = Array.from({ length: 21 * 720 }, (_, i) => Date.UTC(2024, 0, 1) + i * 120_000);

  test("an autoregressive column tells its correlation, and so many rows are passed over", () => {
    const next = chance(7);
    let last = 0;
    const ar = Array.from({ length: 20_000 }, () => (last = 0.7 * last + gaussian(next)));
    const { reference, notes } = made(new Map<string, Value[]>([["ar", ar], ["steady", ar.map(() => gaussian(next))]]));
    // Ranks of normal numbers correlated by 0.7 are correlated by 6/pi asin(0.35).
    expect(reference.features[0]!.autocorrelation).toBeCloseTo((6 / Math.PI) * Math.asin(0.35), 1);
    expect(Math.abs(reference.features[1]!.autocorrelation!)).toBeLessThan(0.03);
    expect(reference.thinning).toBeGreaterThan(5);
    const { autocorrelation } = reference.features[0]!;
    expect(notes).toEqual([`Rows depend on the ones before them, most in ar (correlation ${autocorrelation!.toFixed(2)}): one row in ${reference.thinning} enters the alarms.`]);
  });

  test("a column that follows the hour of the day is counted by hour, and then neighbours are independent", () => {
    const next = chance(8);
    const table = new Map<string, Value[]>([
      ["load", times.map((atMs) => 3 * Math.sin((2 * Math.PI * atMs) / (24 * hourMs)) + gaussian(next))],
      ["city", times.map((atMs) => (next() < 0.5 + 0.4 * Math.sin((2 * Math.PI * atMs) / (24 * hourMs)) ? "day" : "night"))],
    ]);
    const { reference, notes } = made(table, { times, ends: [1_000, 9_000] });
    expect(reference.season).toBe("hour-of-day");
    expect(reference.thinning).toBe(1);
    expect(notes).toEqual(["What is normal depends on the hour of day (UTC), so each has a reference of its own."]);
    const [load, city] = reference.features as [NumericReference, CategoricalReference];
    for (const { autocorrelation } of [load, city]) expect(Math.abs(autocorrelation!)).toBeLessThan(0.03);
    expect(load.seasons!.map((counts) => counts.reduce((sum, count) => sum + count, 0))).toEqual(Array.from({ length: 24 }, () => 630));
    const days = city.values.indexOf("day");
    expect(city.seasons![6]![days]! / city.seasons![18]![days]!).toBeGreaterThan(5);
    expect(parseReference(JSON.parse(JSON.stringify(reference)))).toEqual(reference);

    const timeless = made(table);
    expect(timeless.reference.season).toBeUndefined();
    expect(timeless.reference.thinning).toBeGreaterThan(5);
  });

  test("a column that is no part of the reference has no say in its season", () => {
    const next = chance(9);
    const table = new Map<string, Value[]>([
      ["hour", times.map((atMs) => Math.floor(atMs / hourMs) % 24)],
      ["x", times.map(() => gaussian(next))],
    ]);
    expect(made(table, { times, roles: { ignore: ["hour"] } }).reference.season).toBeUndefined();
    expect(made(table, { times }).reference.season).toBe("hour-of-day");
  });

  test("rows without a time, and too short a span, are told", () => {
    const table = new Map<string, Value[]>([["x", times.map((_, i) => i % 7)]]);
    expect(made(table, { times: times.with(5, NaN) }).notes).toContain(`1 of ${times.length} rows have no time, so no season was looked for.`);
    expect(made(table, { times: times.map((atMs) => atMs / 100) }).notes).toContain("The rows span 0.2 days, too few to tell whether there is a season.");
  });
});

describe("which column is what", () => {
  const next = chance(11);
  const table = new Map<string, Value[]>([
    ["id", Array.from({ length: 100 }, (_, i) => i)],
    ["name", Array.from({ length: 100 }, (_, i) => `customer ${i}`)],
    ["amount", Array.from({ length: 100 }, () => Math.floor(1e9 * next()))],
    ["ratio", Array.from({ length: 100 }, () => next())],
    ["nothing", Array.from({ length: 100 }, () => null)],
    ["same", Array.from({ length: 100 }, () => 7)],
    ["mixed", Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? "?" : Math.floor(9 * next())))],
    ["text", Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? 1 : next() < 0.5 ? "a" : "b"))],
    ["score", Array.from({ length: 100 }, () => next())],
    ["label", Array.from({ length: 100 }, () => Math.floor(2 * next()))],
    ["at", Array.from({ length: 100 }, (_, i) => `day ${i}`)],
  ]);

  test("the score and the prediction are kept apart, what is no feature is left out, and each oddity is told", () => {
    const { reference, notes } = made(table, { roles: { score: "score", prediction: "label", timestamp: "at" } });
    expect(reference.features.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["amount numeric", "ratio numeric", "same numeric", "mixed numeric", "text categorical"]);
    expect(reference.score).toMatchObject({ name: "score", kind: "numeric" });
    expect(reference.prediction).toMatchObject({ name: "label", kind: "numeric", distinct: 2 });
    expect(reference.columns).toEqual({ score: "score", prediction: "label", timestamp: "at" });
    expect(notes).toEqual([
      "id: every row has a value of its own, as an identifier has; left out (a column whose kind is given stays).",
      "name: every row has a value of its own, as an identifier has; left out (a column whose kind is given stays).",
      "nothing: every row is null; left out.",
      "same: every row is 7, so any other will be far from normal.",
      "mixed: 10 of 100 rows are no numbers, though most are; they count as wrong type.",
      "text: 10 of 100 rows are numbers among text; they are known by their text.",
    ]);
  });

  test("a kind that is given is kept to, also by an identifier", () => {
    const { reference } = made(table, { kinds: new Map([["id", "numeric"], ["same", "categorical"]]), roles: { score: "score", prediction: "label", timestamp: "at" } });
    expect(reference.features[0]).toMatchObject({ name: "id", kind: "numeric", distinct: 100 });
    expect(reference.features.find(({ name }) => name === "same")).toMatchObject({ kind: "categorical", values: ["7"] });
  });

  test("a role that names no column is refused, with the columns that there are", () => {
    const few = new Map<string, Value[]>([["a", [1, 2]], ["b", ["x", "y"]]]);
    expect(() => made(few, { roles: { score: "p" } })).toThrow(new RangeError("reference: score: there is no column p; there are a, b"));
    expect(() => made(few, { roles: { ignore: ["c"] } })).toThrow(new RangeError("reference: ignore: there is no column c; there are a, b"));
    expect(() => made(few, { roles: { score: "b" } })).toThrow(new RangeError("reference: score: expected a column of numbers, got b, most of whose rows are none"));
    expect(() => made(few, { kinds: new Map([["c", "numeric"]]) })).toThrow(new RangeError("reference: kinds: there is no column c; there are a, b"));
    expect(() => made(few, { roles: { ignore: ["a", "b"] } })).toThrow(new RangeError("reference: no features"));
  });
});

describe("what can go wrong between the passes", () => {
  const batch = (values: readonly Value[]): Columns => new Map([["a", values]]);
  const learnt = () => {
    const builder = referenceBuilder({ model: "m" });
    builder.learn(batch([1, 2, 3]));
    return builder;
  };

  test("no rows, one row, and rows that are all the same", () => {
    const empty = referenceBuilder({ model: "m" });
    empty.learn(batch([]));
    expect(() => empty.cut()).toThrow(new RangeError("reference: feature a has no rows"));
    expect(() => referenceBuilder({ model: "m" }).cut()).toThrow(new RangeError("reference: no rows"));

    expect(made(batch([5])).reference.features[0]).toEqual({
      kind: "numeric", name: "a", rows: 1, edges: [], counts: [1, 0, 0, 0, 0, 0, 0], mean: 5, standardDeviation: 0, min: 5, max: 5,
      integer: true, distinct: 1, histogram: { low: 4.5, high: 5.5, counts: [1] }, sample: [5], autocorrelation: 0,
    });
    expect(made(batch(["x"])).reference.features[0]).toMatchObject({ values: ["x"], counts: [1, 0, 0, 0], distinct: 1, autocorrelation: 0 });
    expect(made(batch([0.1, 0.1, 0.1])).reference.features[0]).toMatchObject({ mean: 0.1, standardDeviation: 0, autocorrelation: 0 });
  });

  test("columns that come, go, or differ in length are named", () => {
    const builder = learnt();
    expect(() => builder.learn(new Map([["b", [1]]]))).toThrow(new RangeError("reference: a batch lacks the column a"));
    expect(() => builder.learn(new Map([["a", [1]], ["b", [1]]]))).toThrow(new RangeError("reference: a batch has the column b, the first one had not"));
    expect(() => builder.learn(new Map([["a", [1, 2]], ["b", [1]]]))).toThrow(new RangeError("reference: feature b has 1 rows, a has 2"));
    expect(() => builder.learn(batch([1, 2]), [0])).toThrow(new RangeError("reference: 1 times for 2 rows"));
  });

  test("a second pass over other rows than the first is no reference", () => {
    const builder = learnt();
    builder.cut();
    builder.count(batch([1, 2]));
    expect(() => builder.finish({})).toThrow(new RangeError("reference: 3 rows were learnt, but 2 counted"));
  });

  test("the passes have an order", () => {
    const builder = learnt();
    expect(() => builder.count(batch([1]))).toThrow("count before cut");
    expect(() => builder.finish({})).toThrow("finish before cut");
    builder.cut();
    expect(() => builder.learn(batch([1]))).toThrow("learn after cut");
    expect(() => builder.cut()).toThrow("cut after cut");
  });
});
