/** Traffic for the monitors' tests: rows drawn with a fixed seed, as a gateway would have sampled them. */
import { monitorsOptions, type MonitorsOptions } from "../../agent/monitors/options.ts";
import type { ActualObservation, ExchangeObservation, SampleObservation } from "../../agent/observation.ts";
import { buildReference, type Reference, type Value } from "../../detectors/reference/reference.ts";

export type Row = Readonly<Record<string, Value>>;

/** Park and Miller's generator, and normal numbers by Box and Muller. */
export function dice(seed: number) {
  let state = seed;
  const uniform = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** Three features: age and income, correlated, and a colour. */
export function people(seed: number, count: number, shift: Partial<{ age: number; income: number }> = {}): readonly Row[] {
  const { uniform, normal } = dice(seed);
  return Array.from({ length: count }, () => {
    const common = normal();
    return {
      age: Math.round(40 + (shift.age ?? 0) + 12 * common),
      income: Math.exp(10 + 0.5 * common + 0.5 * normal() + (shift.income ?? 0)),
      colour: uniform() < 0.6 ? "red" : uniform() < 0.5 ? "blue" : "green",
    };
  });
}

export function referenceOf(rows: readonly Row[], model: string = "people"): Reference {
  const names = Object.keys(rows[0] as Row);
  return buildReference({ model, features: names.map((name) => ({ name, values: rows.map((row) => row[name] as Value) })) });
}

export function optionsOf(settings: unknown = {}): MonitorsOptions {
  return monitorsOptions.parse(settings);
}

export function requestBody(rows: readonly Row[]): Uint8Array {
  const names = Object.keys(rows[0] as Row);
  const inputs = names.map((name) => ({ name, datatype: typeof rows[0]?.[name] === "string" ? "BYTES" : "FP64", shape: [rows.length, 1], data: rows.map((row) => row[name]) }));
  return Buffer.from(JSON.stringify({ inputs }));
}

/** Two-class answers: `label` and `probabilities`. */
export function answerBody(scores: readonly number[]): Uint8Array {
  const n = scores.length;
  const outputs = [
    { name: "label", datatype: "INT64", shape: [n], data: scores.map((score) => Number(score > 0.5)) },
    { name: "probabilities", datatype: "FP32", shape: [n, 2], data: scores.flatMap((score) => [1 - score, score]) },
  ];
  return Buffer.from(JSON.stringify({ model_name: "people", outputs }));
}

export function sample(inferenceId: string, rows: readonly Row[], scores: readonly number[] = rows.map(() => 0.7), other: Partial<SampleObservation> = {}): SampleObservation {
  return {
    kind: "sample",
    inferenceId,
    model: "people",
    version: "1",
    rung: "primary",
    protocol: "open-inference",
    request: requestBody(rows),
    response: answerBody(scores),
    atWallMs: 0,
    ...other,
  };
}

export function exchange(other: Partial<ExchangeObservation> = {}): ExchangeObservation {
  return {
    kind: "exchange",
    inferenceId: "x",
    inference: true,
    model: "people",
    version: "1",
    rung: "primary",
    reason: "normal",
    outcome: "ok",
    status: 200,
    durationMs: 3,
    attempts: 1,
    requestBytes: 100,
    responseBytes: 100,
    traceparent: undefined,
    atWallMs: 0,
    ...other,
  };
}

export function actual(inferenceId: string, ...values: ActualObservation["values"]): ActualObservation {
  return { kind: "actual", inferenceId, values, atWallMs: 0 };
}
