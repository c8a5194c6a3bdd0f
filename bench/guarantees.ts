/**
 * What alarms with a guarantee keep of their promise, measured on the shipped code:
 * `node bench/guarantees.ts [--json] [--quick]`. The whole takes about eight minutes on one thread. The quick one, of one
 * minute, plays a tenth of the values at a budget of false alarms ten times as large.
 *
 * False alarms are told as a ratio of the budget, which is one in A values that enter the detector. Each run draws a new
 * reference, and the detector starts anew after every alarm. Delays are means over runs, from a change that comes after
 * 1,000 values in which nothing had changed.
 */
import { conformalEDetector } from "../detectors/guarantee/conformal-e-detector.ts";
import { detectableChange } from "../detectors/guarantee/detectable-change.ts";
import { combineEvidence, provenEvidence } from "../detectors/guarantee/evidence.ts";
import { buildReference, cellOf, featureReference, type FeatureReference, type Value } from "../detectors/reference/reference.ts";
import { seasonOf } from "../detectors/reference/seasons.ts";
import { gaussian, random, seed } from "./chance.ts";

interface Row {
  readonly figure: string;
  readonly setting: string;
  readonly value: number;
  readonly unit: string;
  /** What it must be, at least and at most; absent where it is for comparison only. */
  readonly limits?: readonly [low: number, high: number];
  readonly from: string;
}

const quick = process.argv.includes("--quick");
const scale = quick ? 0.1 : 1;
/** A. */
const budget = 100_000;
/** A where false alarms are counted. */
const alarmBudget = budget * scale;

type Draw = () => Value;
const normal: Draw = gaussian;
const logNormal: Draw = () => Math.exp(gaussian());
const discrete: Draw = () => [0.9, 0.97, 0.99, 0.998, 1].findIndex((upTo) => random() < upTo);
const distributions: Readonly<Record<string, Draw>> = { normal, "log-normal": logNormal, "five values, four of them rare": discrete };

function draws(draw: Draw, rows: number): Value[] {
  return Array.from({ length: rows }, draw);
}

const rows: Row[] = [];
function tell(row: Row): void {
  rows.push(row);
  if (process.argv.includes("--json")) return;
  const value = `${Number(row.value.toPrecision(3))} ${row.unit}`;
  const limits = row.limits === undefined ? "" : `${row.limits[0]} to ${row.limits[1]} ${within(row) ? "" : "MISSED"}`;
  console.log(`${row.figure.padEnd(24)} ${row.setting.padEnd(58)} ${value.padStart(18)}   ${limits.padEnd(18)} ${row.from}`);
}

function within({ value, limits = [-Infinity, Infinity] }: Row): boolean {
  return value >= limits[0] && value <= limits[1];
}

function tellAlarms(figure: string, setting: string, alarms: number, values: number, per: number, limits?: readonly [number, number]): void {
  tell({ figure, setting, value: (alarms * per) / values, unit: "of the budget", ...(limits && { limits }), from: `${alarms} alarms in ${values.toExponential(0)}, A ${per.toExponential(0)}` });
}

/** Alarms in so many values, which `next` gives with their season. */
function alarmsIn(reference: FeatureReference, seedOfTies: number, values: number, next: () => Value, season: () => number = () => 0): number {
  const detector = conformalEDetector(reference, { seed: seedOfTies });
  let state = detector.start();
  let alarms = 0;
  for (let t = 0; t < values; t += 1) {
    state = detector.step(state, cellOf(reference, next()), season());
    if (detector.logEvidence(state) < Math.log(alarmBudget)) continue;
    alarms += 1;
    state = detector.start(state);
  }
  return alarms;
}

function falseAlarms(): void {
  for (const [index, [name, draw]] of Object.entries(distributions).entries()) {
    for (const [referenceRows, runs, each] of [[500, 50, 200_000], [10_000, 50, 200_000], [500, 1, 10_000_000]] as const) {
      seed(referenceRows + runs + index);
      const values = each * scale;
      let alarms = 0;
      for (let run = 0; run < runs; run += 1) alarms += alarmsIn(featureReference("x", draws(draw, referenceRows)), run, values, draw);
      tellAlarms("false alarms", `${name}, ${runs} reference${runs > 1 ? "s" : ""} of ${referenceRows}`, alarms, runs * values, alarmBudget, [0.2, 1.1]);
    }
  }
}

/** Rows of features that share so much of their variance. */
function correlated(features: number, correlation: number): Float64Array {
  const common = Math.sqrt(correlation) * gaussian();
  return Float64Array.from({ length: features }, () => common + Math.sqrt(1 - correlation) * gaussian());
}

function watchTogether(features: number, correlation: number, referenceRows: number, run: number) {
  const sample = Array.from({ length: referenceRows }, () => correlated(features, correlation));
  const references = Array.from({ length: features }, (_, i) => featureReference(`f${i}`, sample.map((row) => row[i])));
  const detectors = references.map((reference, i) => conformalEDetector(reference, { seed: run * features + i }));
  let states = detectors.map((detector) => detector.start());
  const logs = Array.from({ length: features }, () => -Infinity);
  return {
    step(row: Float64Array): readonly number[] {
      for (let i = 0; i < features; i += 1) {
        const detector = detectors[i] as (typeof detectors)[number];
        states[i] = detector.step(states[i] as (typeof states)[number], cellOf(references[i] as FeatureReference, row[i]));
        logs[i] = detector.logEvidence(states[i] as (typeof states)[number]);
      }
      return logs;
    },
    startAnew(): void {
      states = detectors.map((detector, i) => detector.start(states[i]));
    },
  };
}

function together(): void {
  // A tenth of A, since each row is worth fifty values.
  const [features, per, runs, each] = [50, alarmBudget / 10, 20, 100_000 * scale];
  for (const correlation of [0, 0.5, 0.95]) {
    for (const [name, combine] of [["average", (logs: readonly number[]) => combineEvidence(logs).log10], ["Bonferroni", provenEvidence]] as const) {
      if (name === "Bonferroni" && quick) continue;
      seed(7);
      let alarms = 0;
      for (let run = 0; run < runs; run += 1) {
        const watched = watchTogether(features, correlation, 1_000, run);
        for (let t = 0; t < each; t += 1) {
          if (combine(watched.step(correlated(features, correlation))) < Math.log10(per)) continue;
          alarms += 1;
          watched.startAnew();
        }
      }
      tellAlarms(`${features} features, ${name}`, `correlation ${correlation}, references of 1,000`, alarms, runs * each, per, name === "average" ? [0, 1.1] : undefined);
    }
  }
}

/** A series with a season of a day and dependence from row to row, read off at so many rows an hour. */
function series(amplitude: number, dependence: number, rowsPerHour: number) {
  let atMs = Date.UTC(2026, 0, 5);
  let noise = gaussian();
  return {
    next(): number {
      atMs += 3_600_000 / rowsPerHour;
      noise = dependence * noise + Math.sqrt(1 - dependence ** 2) * gaussian();
      return noise + amplitude * Math.sin((2 * Math.PI * atMs) / 86_400_000);
    },
    atMs: () => atMs,
  };
}

function calibrated(): void {
  const cases: readonly (readonly [amplitude: number, dependence: number, referenceRows: number])[] = [[1, 0, 10_080], [1, 0, 1_680], [0, 0.7, 10_000], [0, 0.7, 500], [0, 0.9, 10_000], [0.7, 0.7, 10_080]];
  for (const [amplitude, dependence, referenceRows] of cases) {
    for (const calibrate of [true, false]) {
      seed(referenceRows + 10 * dependence);
      const [runs, each] = [calibrate ? 50 : 5, 200_000 * scale];
      let [alarms, thinnings, seasons] = [0, 0, 0];
      for (let run = 0; run < runs; run += 1) {
        // Two weeks of it.
        const stream = series(amplitude, dependence, referenceRows / 336);
        const times: number[] = [];
        const values = Array.from({ length: referenceRows }, () => {
          const value = stream.next();
          times.push(stream.atMs());
          return value;
        });
        const { features, season, thinning = 1 } = buildReference({ model: "m", features: [{ name: "x", values }], times });
        const measured = features[0] as FeatureReference;
        const reference = calibrate ? measured : { ...measured, seasons: undefined, autocorrelation: undefined };
        thinnings += thinning / runs;
        seasons += season === "hour-of-day" ? 1 : 0;
        const next = (): number => {
          for (let i = 1; calibrate && i < thinning; i += 1) stream.next();
          return stream.next();
        };
        alarms += alarmsIn(reference, run, each, next, () => (calibrate && season !== undefined ? seasonOf(season, stream.atMs()) : 0));
      }
      const found = calibrate ? `season found ${seasons}/${runs}, every ${thinnings.toFixed(1)}th row` : "as it comes";
      tellAlarms(calibrate ? "calibrated" : "not calibrated", `season ${amplitude}, AR(1) ${dependence}, ${referenceRows} rows: ${found}`, alarms, runs * each, alarmBudget, calibrate ? [0, 1.1] : undefined);
    }
  }
}

function delays(): void {
  const changes: readonly (readonly [string, Draw, number | undefined])[] = [
    ["mean + 0.25 sigma", () => gaussian() + 0.25, undefined],
    ["mean + 0.5 sigma", () => gaussian() + 0.5, 180],
    ["mean + 1 sigma", () => gaussian() + 1, undefined],
    ["sigma x 1.25", () => 1.25 * gaussian(), undefined],
    ["sigma x 1.5", () => 1.5 * gaussian(), 160],
    ["sigma x 0.7", () => 0.7 * gaussian(), undefined],
    ["one in twenty 6 sigma wide", () => (random() < 0.05 ? 6 : 1) * gaussian(), undefined],
    ["one in twenty null", () => (random() < 0.05 ? null : gaussian()), undefined],
    ["two humps, same mean", () => (random() < 0.5 ? 0.6 : -0.6) + 0.5 * gaussian(), undefined],
  ];
  const runs = 400 * (quick ? 0.5 : 1);
  for (const [name, changed, limit] of changes) {
    for (const referenceRows of [500, 10_000]) {
      seed(referenceRows);
      let [sum, squares] = [0, 0];
      for (let run = 0; run < runs; run += 1) {
        const reference = featureReference("x", draws(normal, referenceRows));
        const detector = conformalEDetector(reference, { seed: run });
        let state = detector.start();
        for (let t = 0; t < 1_000; t += 1) {
          state = detector.step(state, cellOf(reference, gaussian()));
          if (detector.logEvidence(state) >= Math.log(budget)) state = detector.start(state);
        }
        let delay = 0;
        do {
          state = detector.step(state, cellOf(reference, changed()));
          delay += 1;
        } while (detector.logEvidence(state) < Math.log(budget) && delay < 20_000);
        sum += delay;
        squares += delay * delay;
      }
      const error = Math.sqrt(squares / runs - (sum / runs) ** 2) / Math.sqrt(runs);
      tell({ figure: "delay", setting: `${name}, reference of ${referenceRows}`, value: sum / runs, unit: "values", ...(limit !== undefined && { limits: [1, limit] as const }), from: `${runs} runs, +/- ${error.toFixed(1)}` });
    }
  }
}

function culprit(): void {
  const [features, runs] = [50, 60];
  for (const correlation of [0, 0.5, 0.95]) {
    seed(60);
    let [named, sum] = [0, 0];
    for (let run = 0; run < runs; run += 1) {
      const watched = watchTogether(features, correlation, 2_000, run);
      for (let t = 0; t < 500; t += 1) watched.step(correlated(features, correlation));
      watched.startAnew();
      const moved = run % features;
      for (let t = 1; t < 5_000; t += 1) {
        const row = correlated(features, correlation);
        row[moved]! += 0.5;
        const { log10, shares } = combineEvidence(watched.step(row));
        if (log10 < Math.log10(budget)) continue;
        sum += t;
        if (shares.indexOf(Math.max(...shares)) === moved) named += 1;
        break;
      }
    }
    tell({ figure: "culprit of 50", setting: `one moved by 0.5 sigma, correlation ${correlation}`, value: named, unit: `of ${runs}`, limits: [57, 60], from: `found after ${(sum / runs).toFixed(0)} values` });
  }
}

function stated(): void {
  for (const referenceRows of [500, 10_000]) {
    for (const horizon of [1_000, 5_000]) {
      seed(horizon + referenceRows);
      const runs = quick ? 50 : 200;
      const { smallest = 0 } = detectableChange(featureReference("x", draws(normal, referenceRows)), { samplesPerFalseAlarm: budget, horizon });
      for (const part of [1, 0.5]) {
        let found = 0;
        for (let run = 0; run < runs; run += 1) {
          const reference = featureReference("x", draws(normal, referenceRows));
          const detector = conformalEDetector(reference, { seed: run });
          let state = detector.start();
          for (let t = 0; t < horizon; t += 1) {
            state = detector.step(state, cellOf(reference, gaussian() + part * smallest));
            if (detector.logEvidence(state) < Math.log(budget)) continue;
            found += 1;
            break;
          }
        }
        tell({ figure: "detectable change", setting: `${(part * smallest).toFixed(3)} sigma (${part} of what is stated), ${referenceRows} rows, within ${horizon}`, value: found / runs, unit: "found", limits: part === 1 ? [0.8, 1] : [0, 0.6], from: `${runs} runs` });
      }
    }
  }
}

function cost(): void {
  seed(1);
  const reference = featureReference("x", draws(normal, 10_000));
  const detector = conformalEDetector(reference, { seed: 1 });
  const cells = Uint16Array.from({ length: 100_000 }, () => cellOf(reference, gaussian()));
  let state = detector.start();
  const rounds = Array.from({ length: 31 }, () => {
    const start = process.hrtime.bigint();
    for (const cell of cells) state = detector.step(state, cell);
    return Number(process.hrtime.bigint() - start) / cells.length;
  });
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10; i += 1) for (const cell of cells) state = detector.step(state, cell);
  const allocated = (process.memoryUsage().heapUsed - before) / (10 * cells.length);
  const bytes = state.seen.byteLength + state.bets.byteLength;
  tell({ figure: "cost", setting: "a value of a continuous feature", value: rounds.sort((a, b) => a - b)[15] as number, unit: "ns", limits: [0, 150], from: "median of 31 rounds of 1e5" });
  tell({ figure: "allocation", setting: "a value", value: Math.max(0, allocated), unit: "bytes", limits: [0, 0.5], from: "heap after 1e6 values" });
  tell({ figure: "state", setting: "a continuous feature without seasons", value: bytes, unit: "bytes", limits: [0, 2_000], from: "its arrays" });
}

for (const measure of [cost, delays, culprit, stated, falseAlarms, calibrated, together]) measure();
if (process.argv.includes("--json")) console.log(JSON.stringify({ node: process.version, quick, rows: rows.map((row) => ({ ...row, holds: within(row) })) }, undefined, 2));
if (!rows.every(within)) process.exitCode = 1;
