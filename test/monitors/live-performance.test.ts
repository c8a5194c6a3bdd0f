import { expect, test } from "vitest";
import { estimatePerformance, realisedPerformance } from "../../detectors/performance/estimator.ts";
import { binaryReference, binaryRows, live, liveRows, withEstimator, type LiveRow } from "./answers.ts";
import { dice } from "./traffic.ts";

const reference = binaryReference(binaryRows(1, 10_000));

/** The latest of what was played, as the window holds them. */
const latest = binaryRows(2, 3_000).slice(-1_000);
const columns = { scores: latest.map(({ score }) => score), predictions: latest.map(({ prediction }) => prediction), actuals: latest.map((row) => row.actual) };

test("realised, estimated and corrected stand side by side, each with its bounds", () => {
  const { play, level, names } = live(reference);
  play(liveRows(binaryRows(2, 3_000)));
  const realised = realisedPerformance("binary", { ...columns, classes: ["0", "1"] });
  for (const metric of ["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "ece"]) {
    expect(level(`pilotfish.performance ${metric} realised`), metric).toBe(realised[metric]?.value);
    expect(level(`pilotfish.performance.bound ${metric} realised lower`), metric).toBe(realised[metric]?.lower);
    expect(level(`pilotfish.performance.bound ${metric} realised upper`), metric).toBe(realised[metric]?.upper);
  }
  const estimated = estimatePerformance(reference.estimator as NonNullable<typeof reference.estimator>, columns);
  expect(level("pilotfish.performance roc_auc estimated")).toBe(estimated["roc_auc"]?.value);
  expect(level("pilotfish.performance.bound roc_auc estimated upper")).toBe(estimated["roc_auc"]?.upper);
  expect(names().filter((name) => name.endsWith("corrected"))).toEqual(["accuracy", "log_loss", "brier"].map((metric) => `pilotfish.performance ${metric} corrected`));
});

test("without actuals there is the estimate alone, and it is near the truth", () => {
  const { play, level, names } = live(reference);
  play(liveRows(binaryRows(2, 3_000)).map(({ scores, prediction }) => ({ scores, prediction })));
  expect(names().filter((name) => /realised|corrected|lag/.test(name))).toEqual([]);
  expect(level("pilotfish.actuals.waiting")).toBe(3_000);
  const truth = realisedPerformance("binary", { ...columns, classes: ["0", "1"] })["accuracy"]?.value as number;
  expect(level("pilotfish.performance.bound accuracy estimated lower")).toBeLessThan(truth);
  expect(level("pilotfish.performance.bound accuracy estimated upper")).toBeGreaterThan(truth);
});

test("when the same score has come to mean something else, a few actuals put the estimate right", () => {
  const { play, level } = live(reference, { actuals: { buffer: 100_000, ttl: 86_400_000, window: 5_000 } });
  const changed = binaryRows(3, 5_000, { odds: 6 });
  play(liveRows(changed, 10));
  const truth = changed.filter(({ prediction, actual }) => prediction === actual).length / changed.length;
  expect(Math.abs((level("pilotfish.performance accuracy estimated") as number) - truth)).toBeGreaterThan(0.05);
  expect(level("pilotfish.performance.bound accuracy corrected lower")).toBeLessThan(truth);
  expect(level("pilotfish.performance.bound accuracy corrected upper")).toBeGreaterThan(truth);
  expect(Math.abs((level("pilotfish.performance accuracy corrected") as number) - truth)).toBeLessThan(0.05);
});

test("as of when the truth is known: the age of the youngest answer that has its actual", () => {
  const { made, play, level, tick } = live(reference);
  play([{ scores: [0.7], actual: 1 }], 3_600_000);
  expect(level("pilotfish.actuals.lag")).toBe(3_604);
  play([{ scores: [0.7] }, { scores: [0.2] }]);
  expect(level("pilotfish.actuals.lag")).toBe(3_608);
  expect(level("pilotfish.actuals.waiting")).toBe(2);
  made.answeredByRung("rung", 0);
  tick();
  expect(level("pilotfish.actuals.waiting")).toBe(2);
});

test("many classes: their names and scores come from the reference and the config", () => {
  const { uniform } = dice(5);
  const classes = ["bird", "cat", "dog"];
  const rows = Array.from({ length: 4_000 }, () => {
    const weights = classes.map(() => -Math.log(uniform()));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scores = weights.map((weight) => weight / total);
    let at = 0;
    for (let left = uniform() - (scores[0] as number); left > 0 && at < 2; left -= scores[at] as number) at += 1;
    return { scores, actual: classes[at] as string };
  });
  const known = rows.slice(0, 3_000);
  const many = withEstimator({ scores: new Map(classes.map((name, i) => [name, known.map(({ scores }) => scores[i] as number)])), actuals: known.map(({ actual }) => actual) });
  const { play, level } = live(many, { score: "bird=p_0,cat=p_1,dog=p_2" });
  const now = rows.slice(3_000);
  play(now);
  const truth = realisedPerformance("multiclass", { scores: new Map(classes.map((name, i) => [name, now.map(({ scores }) => scores[i] as number)])), actuals: now.map(({ actual }) => actual), classes });
  for (const metric of ["accuracy", "f1", "roc_auc", "log_loss", "brier", "ece"]) expect(level(`pilotfish.performance ${metric} realised`), metric).toBe(truth[metric]?.value);
  expect(Math.abs((level("pilotfish.performance roc_auc estimated") as number) - (truth["roc_auc"]?.value as number))).toBeLessThan(0.05);
});

test("a reference of many classes and a score of one column: it says what is missing, and what is realised is still told", () => {
  const classes = ["bird", "cat", "dog"];
  const scores = new Map(classes.map((name, i) => [name, Array.from({ length: 300 }, (_, row) => (row % 3 === i ? 0.8 : 0.1))]));
  const many = withEstimator({ scores, actuals: Array.from({ length: 300 }, (_, row) => classes[row % 3]) });
  const { made, play, level, names } = live(many, { score: "score" });
  expect(made.trouble).toBe("performance is not estimated: monitors.score has no column for bird, cat, dog; name one for each class, as in bird=COLUMN, cat=COLUMN, dog=COLUMN");
  play([{ scores: [0.3], prediction: "cat", actual: "cat" }]);
  expect(level("pilotfish.performance accuracy realised")).toBe(1);
  expect(names().some((name) => name.endsWith("estimated"))).toBe(false);
  expect(live(many, { score: "bird=a,cat=b,dog=c" }).made.trouble).toBeUndefined();
});

test("numbers: the loss is realised, and estimated from the features of the request", () => {
  const { uniform } = dice(6);
  const rows = Array.from({ length: 6_000 }, (_, i) => {
    const size = i < 5_000 ? uniform() : 0.7 + 0.3 * uniform(); // later only large ones, whose errors are large
    const prediction = 10 * size;
    return { features: { size }, scores: [] as number[], prediction, actual: prediction + size * 4 * (uniform() - 0.5) };
  });
  const known = rows.slice(0, 5_000);
  const priced = withEstimator({ problem: "regression", scores: known.map(({ prediction }) => prediction), actuals: known.map((row) => row.actual), features: new Map([["size", Float64Array.from(known, ({ features }) => features.size)]]) });
  const { play, level, judgements } = live(priced, { score: undefined });
  play(rows.slice(5_000));
  const mae = rows.slice(5_000).reduce((sum, row) => sum + Math.abs(row.prediction - row.actual) / 1_000, 0);
  expect(level("pilotfish.performance mae realised")).toBeCloseTo(mae, 10);
  expect(Math.abs((level("pilotfish.performance mae estimated") as number) / mae - 1)).toBeLessThan(0.1);
  expect(level("pilotfish.performance accuracy realised")).toBeUndefined();
  expect(judgements.map(({ stream }) => stream)).not.toContain("mistakes");
});

test("a class may be written as text, as a number or as true", () => {
  const words = withEstimator({ scores: binaryRows(1, 2_000).map(({ score }) => score), actuals: binaryRows(1, 2_000).map((row) => row.actual === 1) });
  const one = live(words);
  const two = live(words);
  const rows = binaryRows(4, 500);
  one.play(liveRows(rows));
  two.play(rows.map((row, i): LiveRow => ({ scores: [row.score], prediction: i % 2 === 0 ? String(row.prediction) : row.prediction === 1, actual: row.actual === 1 ? "true" : "0" })));
  expect(two.level("pilotfish.performance f1 realised")).toBe(one.level("pilotfish.performance f1 realised"));
});

test("a model that says only scores is judged by the threshold that the reference has", () => {
  const rows = binaryRows(4, 500);
  const { play, level } = live(reference);
  play(rows.map(({ score, actual }) => ({ scores: [score], actual })));
  expect(level("pilotfish.performance accuracy realised")).toBeCloseTo(rows.filter(({ prediction, actual }) => prediction === actual).length / 500, 10);
});

test("without a reference the figures are realised, and of the kind that the answers look like", () => {
  const kinds: [LiveRow["actual"][], string][] = [
    [[0, 1], "roc_auc"],
    [["cat", "dog", "bird"], "accuracy"],
    [[0.5, 2.25, 7], "mae"],
  ];
  for (const [values, metric] of kinds) {
    const { play, level, names } = live(undefined);
    play(Array.from({ length: 60 }, (_, i) => ({ scores: [((i * 7) % 10) / 10], prediction: values[i % values.length] ?? null, actual: values[(i * i) % values.length] })));
    expect(level(`pilotfish.performance ${metric} realised`), metric).toBeDefined();
    expect(names().filter((name) => /estimated|corrected|evidence/.test(name))).toEqual([]);
  }
});

test("rows that make no sense give no figure and no error", () => {
  for (const problem of ["binary", "multiclass", "regression", undefined] as const) {
    const { play, names } = live(undefined, { problem });
    play([
      { scores: [NaN], prediction: "cat", actual: "dog" },
      { scores: [7], prediction: "x".repeat(1_000), actual: "bird" },
      { scores: [], actual: 3.5 },
      { scores: [Infinity], prediction: null, actual: "" },
    ]);
    expect(names().every((name) => !name.includes("NaN"))).toBe(true);
  }
  const odd = live(reference);
  odd.play([{ scores: [NaN], prediction: "cat", actual: "dog" }, { scores: [Infinity], actual: 1 }, { scores: [-3], actual: 0 }]);
  expect(odd.level("pilotfish.performance roc_auc realised")).toBeUndefined();
});

test("figures are taken when something came in, and a large window has its turn in every so-manyth tick", () => {
  const { made, level, tick } = live(undefined, { actuals: { buffer: 100_000, ttl: 86_400_000, window: 40_000 } });
  const rows = binaryRows(8, 40_000);
  const predictions = rows.map(({ prediction }) => prediction);
  made.answered("a", { rows: rows.length, predictions, scores: [rows.map(({ score }) => score)], features: new Map() }, 0, 0, 0);
  made.actual({ kind: "actual", inferenceId: "a", values: rows.map((row) => row.actual), atWallMs: 0 }, 0, 0);
  tick();
  const before = level("pilotfish.performance accuracy realised");
  expect(before).toBeDefined();
  made.answered("b", { rows: 1, predictions: [1], scores: [[0.9]], features: new Map() }, 0, 0, 0);
  made.actual({ kind: "actual", inferenceId: "b", values: [0], atWallMs: 0 }, 0, 0);
  for (let i = 0; i < 3; i += 1) {
    tick();
    expect(level("pilotfish.performance accuracy realised")).toBe(before);
  }
  tick();
  expect(level("pilotfish.performance accuracy realised")).not.toBe(before);
});

test("a restart loses nothing: figures, alarms, evidence and answers that wait go on exactly", () => {
  const options = { actuals: { buffer: 100_000, ttl: 86_400_000, window: 400 } };
  const part = (seed: number, count: number) => [...liveRows(binaryRows(seed, count, { odds: 5, blur: 0.6 }), 2)];
  const one = live(reference, options);
  const two = live(reference, options);
  for (const { play } of [one, two]) play(part(11, 900));
  expect(one.judgements.length).toBeGreaterThan(0);

  const kept = structuredClone({ judges: two.made.judges(two.now()), rows: two.made.rows() });
  const three = live(reference, options, 900);
  three.at(two.now() - 1_000);
  three.tick();
  three.made.restoreJudges(kept.judges, three.now());
  three.made.restoreRows(kept.rows);
  expect(three.judgements.map(({ stream }) => stream).sort()).toEqual([...new Set(two.judgements.map(({ stream }) => stream))].sort());

  // What was answered before the restart still gets its actuals.
  for (const { made, now } of [one, three]) made.actual({ kind: "actual", inferenceId: "id-900", values: [1], atWallMs: 0 }, now(), now());
  for (const { play } of [one, three]) play(part(12, 700));
  expect(three.names()).toEqual(one.names());
  for (const name of one.names().filter((text) => !/^pilotfish.actuals (joined|duplicate|unknown)/.test(text))) expect(three.level(name), name).toBe(one.level(name));
  expect(three.made.judges(three.now())).toEqual(one.made.judges(one.now()));
  expect(three.made.rows()).toEqual(one.made.rows());
});
