/** A judge by itself: observations go in, readings and notes come out. */
import { judgeOptions } from "../../agent/rollout/judge-options.ts";
import { compileMetrics } from "../../agent/rollout/metric.ts";
import type { TrialSetup } from "../../agent/rollout/trial-comparisons.ts";
import { TrialJudge } from "../../agent/rollout/trial-judge.ts";
import type { ActualObservation, SampleObservation } from "../../agent/observation.ts";
import { protocolNamed } from "../../agent/protocols/protocols.ts";
import { scoreColumns } from "../../agent/protocols/score-columns.ts";
import type { Value } from "../../agent/protocols/protocol.ts";
import type { ComparisonShown, ShadowObservation, TrialMark, TrialObservation, TrialReading } from "../../agent/trial.ts";
import { advance, uniform } from "../../detectors/random.ts";

export function setupOf(options: Parameters<typeof judgeOptions.parse>[0] = {}, more: Partial<TrialSetup> = {}): TrialSetup {
  return { rollout: "r1", options: judgeOptions.parse(options), live: true, copies: false, keyed: false, weight: 0.1, ...more };
}

export function staged(setup: TrialSetup, labels = { buffer: 100_000, ttl: 86_400_000 }) {
  const told: TrialReading[] = [];
  const notes: string[] = [];
  const compiled = compileMetrics(setup.options.metrics);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.mistakes));
  const judge = new TrialJudge(setup, {
    metrics: compiled.metrics,
    reading: () => ({ prediction: "label", scores: scoreColumns("probabilities_1"), regression: false }),
    protocol: () => protocolNamed("open-inference"),
    features: undefined,
    labels,
    tell: (reading) => told.push(reading),
    note: (text) => notes.push(text),
  });
  const hear = (...all: readonly Parameters<TrialJudge["hear"]>[0][]) => all.forEach((one) => judge.hear(one, wallOf(one), wallOf(one)));
  const shown = (name: string, reading: TrialReading = judge.read(0)): ComparisonShown => {
    const found = reading.comparisons.find((one) => one.name === name);
    if (found === undefined) throw new Error(`nothing is compared under ${name}`);
    return found;
  };
  return { judge, hear, told, notes, shown };
}

function wallOf(observation: { readonly atWallMs: number }): number {
  return observation.atWallMs;
}

/** A repeatable source of numbers from 0 to 1. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => uniform((state = advance(state)));
}

export interface Dealt extends Partial<Omit<TrialObservation, "kind">> {
  readonly candidate: boolean;
}

export function trial(id: number, { failed = false, ...dealt }: Dealt): TrialObservation {
  return { kind: "trial", rollout: "r1", inferenceId: `i${id}`, weight: 0.1, key: 0, failed, outcome: failed ? "error" : "ok", durationMs: 10, atWallMs: 100 * id, ...dealt };
}

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export function body(columns: Readonly<Record<string, readonly Value[]>>, of: "inputs" | "outputs"): Uint8Array {
  return text({ [of]: Object.entries(columns).map(([name, data]) => ({ name, datatype: typeof data[0] === "string" ? "BYTES" : "FP64", shape: [data.length], data })) });
}

export function sample(id: number, { candidate, weight = 0.1, key = 0, atWallMs = 100 * id }: Dealt, answer: Uint8Array, request: Uint8Array = body({ x: [1] }, "inputs")): SampleObservation {
  const mark: TrialMark = { rollout: "r1", candidate, weight, key };
  return { kind: "sample", inferenceId: `i${id}`, model: "m", version: undefined, rung: candidate ? "candidate" : "primary", protocol: "open-inference", request, response: answer, trial: mark, atWallMs };
}

export function pair(id: number, primary: Uint8Array, candidate: Uint8Array, more: Partial<ShadowObservation> = {}): ShadowObservation {
  const side = (answer: Uint8Array) => ({ outcome: "ok" as const, body: answer, durationMs: 10 });
  return { kind: "shadow", rollout: "r1", inferenceId: `i${id}`, protocol: "open-inference", primary: side(primary), candidate: side(candidate), key: 0, atWallMs: 100 * id, ...more };
}

export function actual(id: number, values: readonly (number | string | boolean)[], atWallMs = 100 * id + 50): ActualObservation {
  return { kind: "actual", inferenceId: `i${id}`, values, atWallMs };
}
