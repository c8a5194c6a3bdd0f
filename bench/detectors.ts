/**
 * What a value costs in each detector: `node bench/detectors.ts [--json]`. One thread; the median of rounds over the
 * same streams, in nanoseconds per value.
 */
import { adwin } from "../detectors/change/adwin.ts";
import { conformalEDetector } from "../detectors/guarantee/conformal-e-detector.ts";
import type { Detector } from "../detectors/detector.ts";
import { combineEvidence } from "../detectors/guarantee/evidence.ts";
import { jensenShannonDistance } from "../detectors/distance/jensen-shannon.ts";
import { pageHinkley } from "../detectors/change/page-hinkley.ts";
import { psi } from "../detectors/distance/population-stability-index.ts";
import { quantileSketch } from "../detectors/reference/quantiles.ts";
import { advance, uniform } from "../detectors/random.ts";
import { cellCount, cellOf, featureReference, type FeatureReference } from "../detectors/reference/reference.ts";
import { cellWindow } from "../detectors/reference/window.ts";

const rounds = 15;
const values = 100_000;

let chance = 1;
function random(): number {
  chance = advance(chance);
  return uniform(chance);
}

function gaussian(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const normal = Float64Array.from({ length: values }, gaussian);
const codes = Float64Array.from({ length: values }, () => Math.floor(5 * random()));
const errors = Float64Array.from({ length: values }, () => Number(random() < 0.1));
const latencies = Float64Array.from(normal, (z) => Math.exp(3 + 0.5 * z));

const continuous = featureReference("continuous", [...normal.subarray(0, 10_000)]);
const coded = featureReference("coded", [...codes.subarray(0, 10_000)]);
const categories = featureReference("categories", Array.from(codes.subarray(0, 10_000), (code) => `c${code}`));
const texts = Array.from(codes, (code) => `c${code}`);

function stepped<State>(detector: Detector<State>, stream: Float64Array): () => void {
  return () => {
    let state = detector.start();
    for (const value of stream) state = detector.step(state, value);
  };
}

function conformal(reference: FeatureReference, stream: ArrayLike<number | string>): () => void {
  const detector = conformalEDetector(reference, { seed: 1 });
  const cells = Uint16Array.from({ length: values }, (_, i) => cellOf(reference, stream[i]));
  return () => {
    let state = detector.start();
    for (const cell of cells) state = detector.step(state, cell);
  };
}

function distances(distance: (a: ArrayLike<number>, b: ArrayLike<number>) => number): () => void {
  const window = Uint32Array.from(continuous.counts, (count) => Math.floor(count * random()));
  return () => {
    for (let i = 0; i < values; i += 1) distance(continuous.counts, window);
  };
}

const window = cellWindow(cellCount(continuous), 2_000);
const sketch = quantileSketch();

const subjects: Readonly<Record<string, () => void>> = {
  "conformal e-detector, continuous": conformal(continuous, normal),
  "conformal e-detector, five codes": conformal(coded, codes),
  "conformal e-detector, five categories": conformal(categories, texts),
  "cell of a number": () => {
    for (const value of normal) cellOf(continuous, value);
  },
  "cell of a category": () => {
    for (const text of texts) cellOf(categories, text);
  },
  "window": () => {
    let state = window.start();
    for (const [i, value] of normal.entries()) state = window.step(state, i % 64, value);
  },
  "adwin": stepped(adwin(), errors),
  "page-hinkley": stepped(pageHinkley({ delta: 0.005, lambda: 50, warmup: 30, direction: "both" }), normal),
  "quantile sketch": () => {
    let state = sketch.start();
    for (const value of latencies) state = sketch.step(state, value);
  },
  "evidence of 17 features": () => {
    const logs = Array.from({ length: 17 }, () => 10 * random());
    for (let i = 0; i < values; i += 1) combineEvidence(logs);
  },
  "PSI of 70 cells": distances(psi),
  "Jensen-Shannon of 70 cells": distances(jensenShannonDistance),
};

function medianNs(run: () => void): number {
  run();
  const times = Array.from({ length: rounds }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / values;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
}

const results = Object.entries(subjects).map(([name, run]) => ({ name, nsPerValue: Number(medianNs(run).toFixed(1)) }));
if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ node: process.version, rounds, values, results }, undefined, 2));
} else {
  for (const { name, nsPerValue } of results) console.log(`${name.padEnd(40)} ${nsPerValue.toFixed(1).padStart(8)} ns`);
}
