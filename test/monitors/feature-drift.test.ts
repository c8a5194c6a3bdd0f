import { expect, test } from "vitest";
import { FeatureDrift } from "../../agent/monitors/feature-drift.ts";
import type { Judgement } from "../../agent/judgement.ts";
import type { FalseAlarmBudget } from "../../agent/units.ts";
import { buildReference, type Reference, type Value } from "../../detectors/reference/reference.ts";
import { featureNames, readRows, type CensusRow } from "../../examples/employment/rows.ts";
import { people, referenceOf, type Row } from "./traffic.ts";

const month = { alarms: 1, perMs: 30 * 86_400_000 };

/** Rows come one a request, `perSecond` of them. */
function watched(reference: Reference, falseAlarms: FalseAlarmBudget = month, perSecond = 200, firstRow = 0) {
  const told: { row: number; judgement: Judgement }[] = [];
  let row = firstRow;
  const drift = new FeatureDrift(reference, { model: "people", falseAlarms, window: 2_000, clear: 600_000 }, (judgement) => told.push({ row, judgement }));
  const nowMs = () => (row * 1_000) / perSecond;
  const play = (rows: readonly Row[], scores?: readonly number[]) => {
    for (const [i, values] of rows.entries()) {
      const columns = new Map(Object.entries(values).map(([name, value]): [string, Value[]] => [name, [value]]));
      drift.hear(columns, 1, scores && [scores[i] as number], nowMs(), nowMs());
      row += 1;
      if (row % perSecond === 0) drift.tick(nowMs(), nowMs());
    }
  };
  /** The first message of a stream. */
  const first = (stream: string) => told.find(({ judgement }) => judgement.stream === stream)?.judgement;
  const levels = () => new Map(drift.tick(nowMs(), nowMs()).map(({ instrument, labels, value }) => [[instrument.name, ...Object.values(labels).slice(1)].join(" "), value]));
  return { drift, told, play, first, levels, nowMs };
}

test("20,000 rows like the reference raise no alarm", () => {
  const { told, play } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 20_000));
  expect(told).toEqual([]);
});

test("a shifted feature is found within 300 rows and named, with what changed", () => {
  const { told, play } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 3_000));
  play(people(3, 300, { income: 1 }));
  const first = told[0]?.judgement;
  expect(first).toMatchObject({ model: "people", stream: "features", detector: "conformal-e-detector", verdict: "drift" });
  expect(first?.culprits[0]?.name).toBe("income");
  expect(first?.culprits[0]?.share).toBeGreaterThan(0.9);
  expect(first?.message).toMatch(/^people drifted: income( \(\d+ % of the evidence; mean 2\d+00 to \d+|: the values are about 2)/);
  expect(first?.statistic).toBeGreaterThan(first?.threshold as number);
});

test("a feature in another unit: the cause is told", () => {
  const { play, first } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 1_000));
  play(people(3, 300).map((row) => ({ ...row, income: 100 * (row["income"] as number) })));
  expect(first("features")?.message).toMatch(/^people drifted: income: .*the values are a hundred times as large, such as percent for ratios \(\d+ % of the evidence\)/);
});

test("what moved less is named in its turn, beside what moved most, and each with its share of all the evidence", () => {
  const { told, play } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 3_000));
  play(people(3, 600, { income: 2, age: 8 }));
  expect(told[0]?.judgement.culprits.map(({ name }) => name)).toEqual(["income"]);
  const last = told.at(-1)?.judgement;
  expect(last?.culprits.map(({ name }) => name)).toEqual(["income", "age"]);
  expect(last?.culprits.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(last?.message).toMatch(/^people drifted: income.*\), age \(/);
});

test("a feature that vanishes from the requests: the cause is told before any statistic, and the rate as a warning", () => {
  const { play, first } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 1_000));
  play(people(3, 300).map(({ age, colour }) => ({ age, colour })));
  expect(first("features")?.message).toMatch(/^people drifted: income: (\d+ % of the values are|every value is) missing \(0 % in the reference\)/);
  expect(first("violations")).toMatchObject({ verdict: "warning", detector: "mean-e-detector", culprits: [{ name: "income" }] });
  expect(first("violations")?.message).toMatch(/^people: more values than before break the reference's rules: income \(missing 0 % to \d+ %\)/);
});

test("a category never seen before is named with its share; one that has another name, with both names", () => {
  const { play, first } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 1_000));
  play(people(3, 300).map((row) => ({ ...row, colour: "ultraviolet" })));
  expect(first("features")?.message).toMatch(/^people drifted: colour/);
  expect(first("violations")?.message).toMatch(/colour \(category 0 % to \d+ %\)/);

  const renamed = watched(referenceOf(people(1, 5_000)));
  renamed.play(people(2, 1_000));
  renamed.play(people(3, 500).map((row) => ({ ...row, colour: String(row["colour"]).toUpperCase() })));
  expect(renamed.told.filter(({ judgement }) => judgement.stream === "features").at(-1)?.judgement.message).toMatch(/colour: "\w+" is written "[A-Z]+" now/);
});

test("a value in fifty out of range is a warning of its own, long before the feature as a whole looks different", () => {
  const { play, first, levels } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 2_000));
  play(people(3, 1_000).map((row, i) => (i % 50 === 0 ? { ...row, age: 400 } : row)));
  expect(first("violations")?.message).toMatch(/age \(range 0 % to \d(\.\d)? %\)/);
  expect(levels().get("pilotfish.drift.violations age range")).toBeCloseTo(0.01, 2);
});

test("values that break rules as often as in the reference are normal: 2 % nulls here as there", () => {
  const nulls = (rows: readonly Row[]) => rows.map((row, i) => (i % 50 === 7 ? { ...row, age: null } : row));
  const { told, play } = watched(referenceOf(nulls(people(1, 5_000))));
  play(nulls(people(2, 20_000)));
  expect(told).toEqual([]);
});

test("a relation that breaks while every feature stays as it was is found by the row as a whole", () => {
  const { play, first, told } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 3_000));
  expect(told).toEqual([]);
  const others = people(4, 3_000);
  play(people(3, 3_000).map((row, i) => ({ ...row, income: others[i]?.["income"] })));
  expect(first("features")?.culprits[0]?.name).toMatch(/^row\./);
});

test("rows that depend on each other enter the evidence every so-manyth only, and raise no alarm where they are as in the reference", () => {
  /** Each value hangs on the one before. */
  const slow = (seed: number, rows: number): Row[] => {
    let level = 0;
    return people(seed, rows).map((row) => {
      level = 0.7 * level + (row["age"] as number) - 40;
      return { age: level };
    });
  };
  const reference = referenceOf(slow(1, 10_000));
  expect(reference.thinning).toBeGreaterThan(5);
  const thinned = watched(reference, { alarms: 1, perSamples: 10_000 });
  thinned.play(slow(2, 10_000));
  expect(thinned.told).toEqual([]);
  const unthinned = watched({ ...reference, thinning: 1 }, { alarms: 1, perSamples: 10_000 });
  unthinned.play(slow(2, 10_000));
  expect(unthinned.told.length).toBeGreaterThan(0);
});

test("a drift that lasts is told again each minute, and is over ten minutes after it ended", () => {
  const { told, play, nowMs } = watched(referenceOf(people(1, 5_000)), month, 50);
  play(people(3, 15_000, { age: 12 })); // five minutes
  const drifted = told.map(({ judgement }) => judgement.verdict);
  expect(drifted.length).toBeGreaterThanOrEqual(4);
  expect(drifted.length).toBeLessThanOrEqual(6);
  const endMs = nowMs();
  play(people(4, 32_000));
  expect(told.at(-1)?.judgement.verdict).toBe("stable");
  expect(told.at(-1)?.judgement.atWallMs).toBeGreaterThan(endMs + 590_000);
});

test("the score is watched beside the features, under its own name, where the primary answered", () => {
  const rows = people(1, 5_000);
  const reference: Reference = { ...referenceOf(rows), score: buildReference({ model: "people", features: [{ name: "p", values: rows.map((_, i) => (i % 100) / 100) }] }).features[0] };
  const { told, play, levels } = watched(reference);
  play(people(2, 1_000));
  expect(levels().has("pilotfish.drift.evidence score")).toBe(false);
  play(people(3, 500), people(3, 500).map(() => 0.97));
  expect(told[0]?.judgement.culprits[0]?.name).toBe("score");
});

test("what people see: distances small on the same traffic, large on other traffic, the threshold beside the evidence", () => {
  const { play, levels } = watched(referenceOf(people(1, 5_000)));
  play(people(2, 2_000));
  const same = levels();
  play(people(3, 2_000, { age: 12 }));
  const other = levels();
  expect(same.get("pilotfish.drift.window.samples")).toBe(2_000);
  expect(same.get("pilotfish.drift.distance age psi")).toBeLessThan(0.1);
  expect(same.get("pilotfish.drift.distance age jensen_shannon")).toBeLessThan(0.15);
  expect(other.get("pilotfish.drift.distance age psi")).toBeGreaterThan(0.5);
  expect(other.get("pilotfish.drift.distance age jensen_shannon")).toBeGreaterThan(0.25);
  expect(other.get("pilotfish.drift.distance colour psi")).toBeLessThan(0.1);
  expect(same.get("pilotfish.drift.evidence all")).toBeLessThan(same.get("pilotfish.drift.evidence.threshold") as number);
});

test("the budget holds: at one false alarm in 20,000 rows, 60 streams of 5,000 rows give about 15 or fewer", () => {
  const reference = referenceOf(people(1, 5_000));
  let alarmed = 0;
  for (let seed = 100; seed < 160; seed += 1) {
    const { told, play } = watched(reference, { alarms: 1, perSamples: 20_000 });
    play(people(seed, 5_000));
    if (told.length > 0) alarmed += 1;
  }
  // Expected at most 60 * 5,000 / 20,000 = 15; three standard deviations above that is 25.
  expect(alarmed).toBeLessThanOrEqual(25);
});

test("requests without any of the features are not judged until the first one that has some", () => {
  const { drift, told, play, levels } = watched(referenceOf(people(1, 5_000)));
  expect(drift.hear(new Map([["pixels", [1]]]), 1, undefined, 0, 0)).toBe(false);
  expect(levels().size).toBe(0);
  play(people(2, 500));
  expect(told).toEqual([]);
  expect(levels().get("pilotfish.drift.window.samples")).toBe(500);
});

test("from a snapshot it goes on exactly", () => {
  const reference = referenceOf(people(1, 5_000));
  const budget = { alarms: 1, perSamples: 1e6 };
  const straight = watched(reference, budget);
  const cut = watched(reference, budget);
  const [first, second] = [people(2, 1_510), people(3, 1_500, { age: 4 })];
  straight.play(first);
  cut.play(first);

  const resumed = watched(reference, budget, 200, first.length);
  resumed.drift.restore(structuredClone(cut.drift.snapshot(cut.nowMs())), cut.nowMs());
  straight.play(second);
  resumed.play(second);
  expect(straight.told.length).toBeGreaterThan(0);
  expect(resumed.told).toEqual(straight.told);
  expect(resumed.levels()).toEqual(straight.levels());
});

function census(rows: readonly CensusRow[]): readonly Row[] {
  return rows.map(({ features }) => features);
}

test("US census: 21,000 rows of the reference's year raise no alarm, those of the years after do, and RELP is named", async () => {
  const reference = census(await readRows("reference"));
  const made = buildReference({ model: "people", features: featureNames.map((name) => ({ name, values: reference.map((row) => row[name]) })) });
  const { told, play } = watched(made);
  play(census(await readRows("steady")));
  expect(told).toEqual([]);
  play(census(await readRows("drifted")));
  expect(told[0]?.judgement.message).toMatch(/^people drifted: RELP \(\d+ % of the evidence; mean 2\.98 to \d/);
});
