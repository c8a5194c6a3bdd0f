/** Answers that the model is not sure of, by the employment reference: given with a flag, left to a person, or to the next rung. */
import { join } from "node:path";
import { expect } from "vitest";
import { parseConfig } from "../../agent/config/config.ts";
import type { UnsureAnswer } from "../../agent/contract/unsure-answer.ts";
import { gates } from "../../agent/gates.ts";
import { silent, type Log } from "../../agent/log.ts";
import { readReference } from "../../agent/monitors/reference-file.ts";
import { Meter } from "../../exporters/meter.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, fallback, httpServer, post, rung, stage, test } from "./stage.ts";

const read = await readReference(join(import.meta.dirname, "../../examples/employment/reference.json.gz"));
if (!read.ok) throw new Error(read.message);
const { reference } = read;

/** The model server's answer to rows whose probability of employment is this. */
const answerOf = (...scores: readonly number[]): string =>
  JSON.stringify({ model_name: "employment", outputs: [{ name: "label", datatype: "INT64", shape: [scores.length], data: scores.map((score) => Number(score >= 0.5)) }, { name: "probabilities", datatype: "FP32", shape: [scores.length, 2], data: scores.flatMap((score) => [1 - score, score]) }] });

async function staged(confidence: string, answer: string, { rungs = [] as ReturnType<typeof rung>[], known = reference as typeof reference | null } = {}) {
  const logged: [string, unknown][] = [];
  const log: Log = { ...silent, info: (fields, message) => void logged.push([message, fields]), warn: (fields, message) => void logged.push([message, fields]) };
  const parsed = parseConfig(`{ server: { url: "http://127.0.0.1:1" }, confidence: ${confidence} }`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const made = gates(parsed.config, { log, meter: new Meter(new FakeClock()), reference: known ?? undefined, review: () => {} });
  const remembered: unknown[] = [];
  const server = await httpServer((request, response) => void bodyOf(request).then(() => response.end(answer)));
  const reviews: UnsureAnswer[] = [];
  const staging = await stage(server, { gates: made.setup, gateCounts: made.counts, rungs, remember: (...all) => remembered.push(all), review: (review) => reviews.push(review) });
  return { ...staging, logged, remembered, reviews };
}

test("accept 0.95 accuracy: the threshold is chosen from the reference, the log says what it brings, and unsure answers are flagged", async () => {
  const { url, logged, remembered } = await staged('{ accept: "0.95 accuracy" }', answerOf(0.99, 0.6));
  const [message, chosen] = logged[0] as [string, { threshold: number; coverage: number; accuracy: number }];
  expect(message).toBe("answers are given from this confidence on");
  expect(chosen).toMatchObject({ below: "flag" });
  expect(chosen.threshold).toBeGreaterThan(0.6);
  expect(chosen.accuracy).toBeGreaterThanOrEqual(0.95);
  expect(chosen.coverage).toBeGreaterThan(0.2);
  expect(chosen.coverage).toBeLessThan(1);

  const { status, headers, body } = await post(url);
  expect([status, headers["pilotfish-rung"], body.toString()]).toEqual([200, "primary", answerOf(0.99, 0.6)]);
  expect(headers["pilotfish-confidence"]).toMatch(/^low; value=0\.[56]\d*$/);
  expect(remembered).toEqual([]); // What was not sure enough is not given again.
  const sure = await staged('{ accept: "0.95 accuracy" }', answerOf(0.999, 0.001));
  expect((await post(sure.url)).headers["pilotfish-confidence"]).toBeUndefined();
  expect(sure.remembered).toHaveLength(1);
});

test("next-rung: a rung answers instead; where none can, the primary's own answer goes out with the flag", async () => {
  const small = rung("small", fallback());
  const { url, attempts } = await staged("{ accept: 0.9, below: next-rung }", answerOf(0.55), { rungs: [small] });
  const { headers } = await post(url);
  expect([headers["pilotfish-rung"], headers["pilotfish-reason"], headers["pilotfish-confidence"]]).toEqual(["small", "confidence", undefined]);
  expect(attempts().map(({ backend, outcome }) => [backend, outcome])).toEqual([["primary", "ok"], ["small", "ok"]]);

  const alone = await staged("{ accept: 0.9, below: next-rung }", answerOf(0.55), { rungs: [rung("small", { outcome: "error", detail: "no model" })] });
  const own = await post(alone.url);
  expect([own.status, own.headers["pilotfish-rung"], own.headers["pilotfish-reason"], own.body.toString()]).toEqual([200, "primary", "normal", answerOf(0.55)]);
  expect(own.headers["pilotfish-confidence"]).toMatch(/^low; value=/);
});

test("review: the answer goes out with the flag, and a person is told which rows", async () => {
  const { url, reviews } = await staged("{ accept: 0.9, below: review }", answerOf(0.999, 0.5, 0.001));
  const { status, headers } = await post(url, undefined, { "pilotfish-inference-id": "i-7" });
  expect([status, headers["pilotfish-confidence"]?.toString().startsWith("low; value=0.")]).toEqual([200, true]);
  expect(reviews).toHaveLength(1);
  expect(reviews[0]).toMatchObject({ inferenceId: "i-7", model: "employment", rows: [1] });
});

test("what has no score, is no answer or is no inference is given as it is", async () => {
  for (const answer of ["not json", '{"model_name":"employment","outputs":[]}']) {
    const { url } = await staged("{ accept: 0.9, below: next-rung }", answer, { rungs: [rung("small", fallback())] });
    const { headers, body } = await post(url);
    expect([headers["pilotfish-rung"], headers["pilotfish-confidence"], body.toString()]).toEqual(["primary", undefined, answer]);
  }
});

test("where no threshold can be chosen the log says why, and every answer is given", async () => {
  const { url, logged } = await staged('{ accept: "0.95 accuracy" }', answerOf(0.5), { known: null });
  expect(logged[0]).toEqual([expect.stringContaining("made without true answers"), { reason: "no-estimator" }]);
  expect((await post(url)).headers["pilotfish-confidence"]).toBeUndefined();
  expect((await staged("{ accept: 0.9 }", answerOf(0.5), { known: null })).logged[0]?.[0]).toContain("which column of an answer is the score");
  expect((await staged("{}", answerOf(0.5))).logged).toEqual([]);
});
