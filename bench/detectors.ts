/**
 * What a value costs in each detector and measure, and what it costs elsewhere: `npm run bench:detectors [-- --python PATH]
 * [-- --json]`. One thread. With a Python interpreter that has river, frouros, scipy or evidently, these run on the same
 * values, their rounds in turn with ours, and the answers are compared. Medians of rounds; ratios are theirs over ours. Each
 * subject has a process of its own (`--only NAME`), since code that has seen many kinds of detectors is slower for each.
 */
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import v8 from "node:v8";
import vm from "node:vm";
import { FeatureDrift } from "../agent/monitors/feature-drift.ts";
import { halfSpaceTrees } from "../detectors/anomaly/half-space-trees.ts";
import { seriesScore } from "../detectors/anomaly/series-score.ts";
import { changeDetectors } from "../detectors/change/change-detectors.ts";
import type { Detector } from "../detectors/detector.ts";
import { energyDistance } from "../detectors/distance/energy-distance.ts";
import { jensenShannonDistance } from "../detectors/distance/jensen-shannon.ts";
import { psi } from "../detectors/distance/population-stability-index.ts";
import { wasserstein1 } from "../detectors/distance/wasserstein.ts";
import { calibrationEDetector } from "../detectors/guarantee/calibration-e-detector.ts";
import { conformalEDetector } from "../detectors/guarantee/conformal-e-detector.ts";
import { combineEvidence } from "../detectors/guarantee/evidence.ts";
import { meanEDetector } from "../detectors/guarantee/mean-e-detector.ts";
import { blockWindow } from "../detectors/reference/block-window.ts";
import { cellFinder } from "../detectors/reference/cell-finder.ts";
import { quantileSketch } from "../detectors/reference/quantiles.ts";
import { buildReference, cellCount, featureReference, type FeatureReference, type Reference } from "../detectors/reference/reference.ts";
import { andersonDarling } from "../detectors/two-sample/anderson-darling.ts";
import { cramerVonMises } from "../detectors/two-sample/cramer-von-mises.ts";
import { eppsSingleton } from "../detectors/two-sample/epps-singleton.ts";
import { kolmogorovSmirnov } from "../detectors/two-sample/kolmogorov-smirnov.ts";
import { mannWhitney } from "../detectors/two-sample/mann-whitney.ts";
import { welch } from "../detectors/two-sample/welch.ts";
import { gaussian, random } from "./chance.ts";
import { competitors, type Competitors, type Question } from "./competitors.ts";
import { median } from "./measure.ts";

const { values: flags } = parseArgs({
  options: { json: { type: "boolean", default: false }, python: { type: "string" }, rounds: { type: "string", default: "9" }, only: { type: "string" } },
});
const rounds = Number(flags.rounds);
const length = 100_000;
const features = 16;

const normal = Float64Array.from({ length }, (_, i) => gaussian() + (Math.floor(i / 20_000) % 2));
const bits = Float64Array.from({ length }, (_, i) => Number(random() < (Math.floor(i / 20_000) % 2 === 0 ? 0.1 : 0.3)));
const rows = Float64Array.from({ length: features * 20_000 }, random);
const before = Float64Array.from({ length: 10_000 }, gaussian);
const after = Float64Array.from({ length: 2_000 }, () => gaussian() + 0.05);
const streams = { normal, bits, rows, before, after };

/** What a round is worth: nanoseconds a value (or a call), and an answer to compare. */
interface Round {
  readonly ns: number;
  readonly answer?: readonly number[] | undefined;
}

interface Subject {
  readonly name: string;
  /** What one of it is. */
  readonly per: "value" | "row" | "call";
  readonly run: () => Round;
  /** At most, where a bar is set. */
  readonly limitNs?: number;
  /** Who else does it, with what they take their values from, and by how much they must be slower. */
  readonly others?: readonly (Question & { readonly atLeast?: number; readonly same?: boolean })[];
}

function timed(count: number, work: () => readonly number[] | undefined): Round {
  const start = process.hrtime.bigint();
  const answer = work();
  return { ns: Number(process.hrtime.bigint() - start) / count, answer };
}

/** Steps and reads each value and starts anew after an alarm, as an owner does. */
function alarms<State>(detector: Detector<State>, stream: Float64Array): readonly number[] {
  const found: number[] = [];
  let state = detector.start();
  for (let i = 0; i < stream.length; i += 1) {
    state = detector.step(state, stream[i] as number);
    if (detector.read(state).verdict !== "drift") continue;
    found.push(i);
    state = detector.start();
  }
  return found;
}

type Name = keyof typeof changeDetectors;

function change(name: Name, { on = "normal", values = length, limitNs, given = {}, others = [] }: {
  on?: "normal" | "bits";
  values?: number;
  limitNs?: number;
  given?: Readonly<Record<string, number | boolean | string>>;
  others?: readonly (Omit<Question, "streams"> & { readonly atLeast?: number; readonly same?: boolean })[];
}): Subject {
  const detector = changeDetectors[name].make(given) as Detector<unknown>;
  const stream = streams[on].subarray(0, values);
  return {
    name,
    per: "value",
    run: () => timed(values, () => alarms(detector, stream)),
    ...(limitNs !== undefined && { limitNs }),
    others: others.map((other) => ({ same: true, ...other, streams: [[on, values]] })),
  };
}

function simple(name: string, limitNs: number | undefined, count: number, work: () => void, per: Subject["per"] = "value"): Subject {
  const done = () => {
    work();
    return undefined;
  };
  return { name, per, run: () => timed(count, done), ...(limitNs !== undefined && { limitNs }) };
}

function measure(name: string, ours: (a: Float64Array, b: Float64Array) => readonly number[], theirs: readonly Omit<Question, "params" | "streams">[]): Subject {
  return {
    name,
    per: "call",
    run: () => timed(1, () => ours(before, after)),
    others: theirs.map((other) => ({ ...other, params: {}, streams: [["before", before.length], ["after", after.length]], same: other.kind === "scipy" })),
  };
}

const tested = ({ statistic, p }: { readonly statistic: number; readonly p: number }) => [statistic, p];
const continuous = featureReference("continuous", [...before]);
const categories = featureReference("categories", Array.from({ length: 10_000 }, () => `c${Math.floor(5 * random())}`));
const texts = Array.from({ length }, () => `c${Math.floor(5 * random())}`);

function conformal(reference: FeatureReference, stream: ArrayLike<number | string>): () => void {
  const detector = conformalEDetector(reference, { seed: 1 });
  const find = cellFinder(reference);
  const cells = Uint16Array.from({ length }, (_, i) => find(stream[i]));
  return () => {
    let state = detector.start();
    for (let i = 0; i < length; i += 1) state = detector.step(state, cells[i] as number);
  };
}

const window = blockWindow(cellCount(continuous), 2_000);
const findNumber = cellFinder(continuous);
const findCategory = cellFinder(categories);
const sketch = quantileSketch();
const mean = meanEDetector({ baseline: 0.3, samplesPerFalseAlarm: 1e6 });
const calibration = calibrationEDetector({ samplesPerFalseAlarm: 1e6 });
const trees = halfSpaceTrees({ features, limits: Array.from({ length: features }, () => [0, 1] as const) });
const score = seriesScore();

/** The whole of what the analysis does with a row of ten features: cells, evidence, windows, violations. */
function tenFeatures(): Subject {
  const names = Array.from({ length: 10 }, (_, i) => `f${i}`);
  // The same values in another order for each feature, so that no feature says anything of another.
  const valueAt = (f: number, i: number) => before[(i * (2 * f + 7)) % before.length] as number;
  const reference = buildReference({ model: "bench", features: names.map((name, f) => ({ name, values: Array.from({ length: before.length }, (_, i) => valueAt(f, i)) })) });
  const drift = new FeatureDrift(reference, { model: "bench", falseAlarms: { alarms: 1, perSamples: 1e9 }, window: 2_000, clear: 600_000 }, () => {});
  const batch = 1_000;
  const columns = new Map(names.map((name, f) => [name, Array.from({ length: batch }, (_, i) => valueAt(f, i * 3 + 1))]));
  return simple("ten features of a row, all that is done live", 2_500, 20 * batch, () => {
    for (let i = 0; i < 20; i += 1) drift.hear(columns, batch, undefined, i, i);
  }, "row");
}

const river = (name: string, params: Question["params"] = {}, atLeast = 5) => ({ kind: "river" as const, name, params, atLeast });
const frouros = (name: string, params: Question["params"] = {}) => ({ kind: "frouros" as const, name, params, same: false });

const subjects: readonly Subject[] = [
  change("page-hinkley", { limitNs: 20, others: [river("PageHinkley"), frouros("PageHinkley")] }),
  change("adwin", { limitNs: 150, on: "bits", others: [river("ADWIN", {}, 1), frouros("ADWIN")] }),
  change("ddm", { on: "bits", others: [river("DDM"), frouros("DDM")] }),
  change("eddm", { on: "bits", others: [river("EDDM"), frouros("EDDM")] }),
  change("hddm-a", { on: "bits", limitNs: 40, others: [river("HDDMA"), frouros("HDDMA")] }),
  change("hddm-w", { on: "bits", limitNs: 40, others: [river("HDDMW"), frouros("HDDMW")] }),
  change("fhddm", { on: "bits", given: { mode: "down" }, others: [river("FHDDM")] }),
  change("kswin", { values: 4_000, given: { seed: 42 }, others: [river("KSWIN", { seed: 42 }), frouros("KSWIN")] }),
  change("cusum", { others: [frouros("CUSUM")] }),
  change("gma", { others: [frouros("GeometricMovingAverage")] }),
  change("rddm", { on: "bits", others: [frouros("RDDM")] }),
  change("stepd", { on: "bits", others: [frouros("STEPD")] }),
  change("ecdd", { on: "bits", others: [frouros("ECDDWT")] }),
  change("bocpd", { values: 10_000, others: [frouros("BOCD")] }),
  change("ewma", {}),
  change("shewhart", {}),
  simple("mean e-detector", 40, length, () => void alarms(mean, bits)),
  simple("calibration e-detector", undefined, length, () => {
    let state = calibration.start();
    for (let i = 0; i < length; i += 1) state = calibration.step(state, 0.2, bits[i] as number);
  }),
  simple("conformal e-detector, continuous", 150, length, conformal(continuous, normal)),
  simple("conformal e-detector, five categories", 150, length, conformal(categories, texts)),
  simple("histogram: cell and window of a number", 60, length, () => {
    let state = window.start();
    for (let i = 0; i < length; i += 1) state = window.step(state, findNumber(normal[i]));
  }),
  simple("cell of a category", undefined, length, () => {
    for (let i = 0; i < length; i += 1) findCategory(texts[i]);
  }),
  tenFeatures(),
  simple("quantile sketch (DDSketch)", undefined, length, () => {
    let state = sketch.start();
    for (let i = 0; i < length; i += 1) state = sketch.step(state, Math.exp(normal[i] as number));
  }),
  simple("telemetry score", undefined, 20_000, () => {
    let state = score.start();
    for (let i = 0; i < 20_000; i += 1) state = score.step(state, 60_000 * i, normal[i] as number);
  }),
  {
    ...simple("half-space trees, 25 of height 8, rows of 16", 3_000, 5_000, () => {
      let state = trees.start();
      for (let i = 0; i < 5_000; i += 1) {
        const row = rows.subarray(i * features, (i + 1) * features);
        trees.score(state, row);
        state = trees.step(state, row);
      }
    }, "row"),
    others: [{ kind: "half-space-trees", name: "HalfSpaceTrees", params: { features, n_trees: 25, height: 8, window_size: 250, seed: 1 }, streams: [["rows", features * 2_000]] }],
  },
  simple("evidence of 17 features", undefined, length, () => {
    const logs = Array.from({ length: 17 }, (_, i) => i / 2);
    for (let i = 0; i < length; i += 1) combineEvidence(logs);
  }, "call"),
  simple("PSI of 70 cells", undefined, 20_000, () => {
    for (let i = 0; i < 20_000; i += 1) psi(continuous.counts, continuous.counts);
  }, "call"),
  simple("Jensen-Shannon of 70 cells", undefined, 20_000, () => {
    for (let i = 0; i < 20_000; i += 1) jensenShannonDistance(continuous.counts, continuous.counts);
  }, "call"),
  measure("Kolmogorov-Smirnov, 10,000 against 2,000", (a, b) => tested(kolmogorovSmirnov(a, b, { method: "asymptotic" })), [{ kind: "scipy", name: "ks" }, { kind: "evidently", name: "ks_stat_test" }]),
  measure("Cramer-von Mises", (a, b) => tested(cramerVonMises(a, b)), [{ kind: "scipy", name: "cramer-von-mises" }]),
  measure("Anderson-Darling", (a, b) => tested(andersonDarling(a, b)), [{ kind: "scipy", name: "anderson-darling" }, { kind: "evidently", name: "anderson_darling_test" }]),
  measure("Mann-Whitney", (a, b) => tested(mannWhitney(a, b)), [{ kind: "scipy", name: "mann-whitney" }, { kind: "evidently", name: "mann_whitney_u_stat_test" }]),
  measure("Epps-Singleton", (a, b) => tested(eppsSingleton(a, b)), [{ kind: "scipy", name: "epps-singleton" }]),
  measure("Welch", (a, b) => tested(welch(a, b)), [{ kind: "scipy", name: "welch" }, { kind: "evidently", name: "t_test" }]),
  measure("Wasserstein-1", (a, b) => [wasserstein1(a, b)], [{ kind: "scipy", name: "wasserstein" }, { kind: "evidently", name: "wasserstein_stat_test" }]),
  measure("energy distance", (a, b) => [energyDistance(a, b)], [{ kind: "scipy", name: "energy" }, { kind: "evidently", name: "energy_dist_test" }]),
];

interface Result {
  readonly name: string;
  readonly per: Subject["per"];
  readonly ns: number;
  readonly limitNs?: number | undefined;
  readonly others: readonly Compared[];
}

interface Compared {
  readonly name: string;
  readonly ns?: number;
  readonly ratio?: number;
  readonly atLeast?: number | undefined;
  /** Whether the answers agree: alarms to the value, statistics and p to six digits. Undefined where they are not comparable. */
  readonly agrees?: boolean | undefined;
  readonly error?: string;
}

function agree(ours: readonly number[] | undefined, theirs: readonly number[] | null): boolean {
  if (ours === undefined || theirs === null || ours.length !== theirs.length) return false;
  return ours.every((value, i) => Math.abs(value - (theirs[i] as number)) <= 1e-6 * Math.max(1, Math.abs(value)));
}

async function raced(subject: Subject, rivals: Competitors | undefined): Promise<Result> {
  subject.run(); // warms up
  const ours: Round[] = [];
  const theirs = new Map<Question, { ns: number[]; answer: readonly number[] | null } | { error: string }>();
  const roundsHere = rivals === undefined ? rounds : Math.min(rounds, 5);
  for (let round = 0; round < roundsHere; round += 1) {
    ours.push(subject.run());
    for (const other of rivals === undefined ? [] : (subject.others ?? [])) {
      const known = theirs.get(other);
      if (known !== undefined && "error" in known) continue;
      const answer = await (rivals as Competitors).ask(other);
      if ("error" in answer) theirs.set(other, answer);
      else theirs.set(other, { ns: [...(known?.ns ?? []), answer.ns], answer: answer.answer });
    }
  }
  const ns = median(ours.map((round) => round.ns));
  const others = [...theirs].map(([question, found]): Compared => {
    const { kind, name, streams: [first] } = question;
    const label = kind === "half-space-trees" ? "river HalfSpaceTrees" : `${kind} ${name}`;
    if ("error" in found) return { name: label, error: found.error };
    const count = subject.per === "call" ? 1 : ((first as readonly [string, number])[1] / (subject.per === "row" ? features : 1));
    const theirNs = median(found.ns) / count;
    const { atLeast, same } = question as Question & { atLeast?: number; same?: boolean };
    return { name: label, ns: theirNs, ratio: theirNs / ns, atLeast, agrees: same === true ? agree(ours[0]?.answer, found.answer) : undefined };
  });
  return { name: subject.name, per: subject.per, ns, limitNs: subject.limitNs, others };
}

function shown(ns: number): string {
  if (ns < 1e4) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(0)} us` : `${(ns / 1e6).toFixed(2)} ms`;
}

/** What each of 1,000 watched features keeps, reference, evidence, window and rates together: on V8's heap and beside it. */
async function featureMemory(): Promise<{ readonly features: number; readonly heapBytes: number; readonly bufferBytes: number }> {
  v8.setFlagsFromString("--expose-gc");
  const gc = vm.runInNewContext("gc") as () => void;
  /** Buffers go in the turn after the objects that held them. */
  const collect = async () => {
    for (let i = 0; i < 4; i += 1) {
      gc();
      await new Promise(setImmediate);
    }
  };
  const names = Array.from({ length: 1_000 }, (_, i) => `f${i}`);
  const make = (): FeatureDrift => {
    const reference = buildReference({ model: "bench", features: names.map((name) => ({ name, values: Array.from({ length: 1_000 }, gaussian) })) });
    return new FeatureDrift(JSON.parse(JSON.stringify(reference)) as Reference, { model: "bench", falseAlarms: { alarms: 1, perSamples: 1e9 }, window: 2_000, clear: 600_000 }, () => {});
  };
  make();
  await collect();
  const empty = process.memoryUsage();
  const drift = make();
  for (let row = 0; row < 300; row += 1) drift.hear(new Map(names.map((name) => [name, [gaussian()]])), 1, undefined, row, row);
  await collect();
  const full = process.memoryUsage();
  drift.tick(300, 300);
  return { features: names.length, heapBytes: (full.heapUsed - empty.heapUsed) / names.length, bufferBytes: (full.arrayBuffers - empty.arrayBuffers) / names.length };
}

const memoryName = "a watched feature";

/** In the subject's own process. */
async function measured(name: string): Promise<unknown> {
  if (name === memoryName) return featureMemory();
  const subject = subjects.find((one) => one.name === name);
  if (subject === undefined) throw new Error(`there is no subject ${name}; there are ${subjects.map((one) => one.name).join(", ")}`);
  const rivals = flags.python === undefined || subject.others === undefined ? undefined : await competitors(flags.python, streams);
  try {
    return { ...(await raced(subject, rivals)), versions: rivals?.versions };
  } finally {
    rivals?.close();
  }
}

async function inItsOwn<Found>(name: string): Promise<Found> {
  const args = [import.meta.filename, "--only", name, "--rounds", flags.rounds, ...(flags.python === undefined ? [] : ["--python", flags.python])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Found;
}

function show(result: Result): void {
  const limit = result.limitNs === undefined ? "" : `bar ${shown(result.limitNs)}${result.ns <= result.limitNs ? "" : " MISSED"}`;
  console.log(`${result.name.padEnd(46)} ${shown(result.ns).padStart(10)} a ${result.per.padEnd(6)} ${limit}`);
  for (const { name, ns, ratio, atLeast, agrees, error } of result.others) {
    if (error !== undefined) {
      console.log(`    ${name}: not compared (${error})`);
      continue;
    }
    const answers = agrees === undefined ? "" : agrees ? ", same answers" : ", OTHER ANSWERS";
    console.log(`    ${name.padEnd(42)} ${shown(ns as number).padStart(10)}   ${(ratio as number).toFixed(1)} times ours${answers}${atLeast !== undefined && (ratio as number) < atLeast ? `, bar ${atLeast} MISSED` : ""}`);
  }
}

if (flags.only !== undefined) {
  console.log(JSON.stringify(await measured(flags.only)));
} else {
  const results: (Result & { readonly versions?: unknown })[] = [];
  if (!flags.json && flags.python === undefined) console.log("without --python PATH nothing is compared");
  for (const { name } of subjects) {
    const result = await inItsOwn<Result & { readonly versions?: unknown }>(name);
    if (!flags.json && result.versions !== undefined && results.every(({ versions }) => versions === undefined)) console.log(`compared with ${JSON.stringify(result.versions)}`);
    results.push(result);
    if (!flags.json) show(result);
  }
  const memory = await inItsOwn<Awaited<ReturnType<typeof featureMemory>>>(memoryName);
  if (flags.json) console.log(JSON.stringify({ node: process.version, rounds, length, results, memory }, undefined, 2));
  else console.log(`${memoryName}, of ${memory.features}: ${((memory.heapBytes + memory.bufferBytes) / 1_000).toFixed(2)} kB with what V8 adds, ${(memory.bufferBytes / 1_000).toFixed(2)} of them in buffers; bar 4 kB`);
}
