/** Copies for the candidate: bounded, marked, never repeated, and nobody waits for one. */
import { expect, onTestFinished, test } from "vitest";
import type { Question, Rung, RungAnswer } from "../../agent/backend.ts";
import { Shadow } from "../../agent/rollout/shadow.ts";
import { shadowOptions } from "../../agent/rollout/shadow-options.ts";
import type { ShadowObservation, ShadowResult } from "../../agent/trial.ts";
import { CandidateRung } from "../../agent/ladder/candidate-rung.ts";
import { ask } from "../../agent/forward/ask.ts";
import { sender } from "../../agent/forward/send.ts";
import { silent } from "../../agent/log.ts";
import { systemClock } from "../../agent/clock.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { httpServer, post, stage as gatewayStage, bodyOf } from "../gateway/stage.ts";

const question: Question = { method: "POST", path: "/v2/models/employment/infer", headers: { "content-type": "application/json" }, body: Buffer.from("{}") };
const primary = { outcome: "ok", body: Buffer.from("one"), durationMs: 12 } as const;
const copied = (id: string) => ({ rollout: "r1", inferenceId: id, key: 7, atWallMs: 1_000 });
const good = (text: string): RungAnswer => ({ outcome: "ok", status: 200, headers: {}, body: Buffer.from(text), version: "2" });

function stage(answer: Rung["answer"], options: Record<string, unknown> = {}) {
  const clock = new FakeClock();
  const asked: Question[] = [];
  const pairs: ShadowObservation[] = [];
  const results: ShadowResult[] = [];
  const candidate: Rung = {
    name: "candidate",
    kind: "candidate",
    answer(given, signal) {
      asked.push(given);
      return answer(given, signal);
    },
  };
  const shadow = new Shadow(shadowOptions.parse(options), { clock, protocol: "open-inference", candidate, observe: (pair) => pairs.push(pair), counted: (result) => results.push(result) });
  onTestFinished(() => shadow.close());
  return { clock, shadow, asked, pairs, results };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a copy is marked, and both answers are a pair by the inference's id", async () => {
  const { clock, shadow, asked, pairs, results } = stage(() => {
    clock.advance(30);
    return Promise.resolve(good("two"));
  });
  shadow.offer(copied("a"), question, primary);
  await settled();
  expect(asked).toMatchObject([{ shadow: "r1", path: question.path, headers: { "content-type": "application/json", "pilotfish-inference-id": "a" } }]);
  expect(pairs).toEqual([{ kind: "shadow", rollout: "r1", inferenceId: "a", protocol: "open-inference", primary, candidate: { outcome: "ok", body: Buffer.from("two"), durationMs: 30 }, key: 7, atWallMs: 1_000 }]);
  expect(results).toEqual(["asked"]);
});

test("a failure is the candidate's side of the pair, and is not repeated", async () => {
  const { shadow, asked, pairs } = stage(() => Promise.resolve({ outcome: "error", detail: "answered 500" }));
  shadow.offer(copied("a"), question, primary);
  const { shadow: other, pairs: thrown } = stage(() => Promise.reject(new Error("it broke its promise")));
  other.offer(copied("b"), question, primary);
  await settled();
  expect([asked.length, pairs[0]?.candidate.outcome, pairs[0]?.candidate.body.byteLength, thrown[0]?.candidate.outcome]).toEqual([1, "error", 0, "error"]);
});

test("a candidate that hangs holds as many copies as may be and no more, each for its time; the rest is counted", async () => {
  const { clock, shadow, asked, pairs, results } = stage(() => new Promise(() => {}), { atOnce: 3, timeout: "10s" });
  for (let i = 0; i < 10; i += 1) shadow.offer(copied(`a${i}`), question, primary);
  expect([asked.length, shadow.underWay, results]).toEqual([3, 3, Array.from({ length: 7 }, () => "busy")]);
  clock.advance(10_000);
  await settled();
  expect([shadow.underWay, pairs.map(({ candidate: { outcome, durationMs } }) => [outcome, durationMs])]).toEqual([0, Array.from({ length: 3 }, () => ["timeout", 10_000])]);
});

test("so many a second; what comes faster is let go and counted", async () => {
  const { clock, shadow, results } = stage(() => Promise.resolve(good("two")), { perSecond: 5, atOnce: 256 });
  for (let second = 0; second < 3; second += 1) {
    for (let i = 0; i < 20; i += 1) shadow.offer(copied(`${second}-${i}`), question, primary);
    await settled();
    clock.advance(1_000);
  }
  expect([results.filter((result) => result === "asked").length, results.filter((result) => result === "rate").length]).toEqual([15, 45]);
});

test("bodies over the limit, and those that were not kept, are let go and counted", async () => {
  const { shadow, asked, pairs, results } = stage(() => Promise.resolve(good("x".repeat(2_000))), { bodyMax: "1KiB" });
  shadow.offer(copied("a"), { ...question, body: Buffer.alloc(2_000) }, primary);
  shadow.offer(copied("b"), question, { ...primary, body: Buffer.alloc(2_000) });
  shadow.offer(copied("c"), question, { ...primary, body: undefined });
  shadow.offer(copied("d"), undefined, primary);
  expect(asked).toEqual([]);
  shadow.offer(copied("e"), question, primary);
  await settled();
  expect([results, pairs]).toEqual([["too-large", "too-large", "too-large", "not-kept", "too-large"], []]);
});

test("at the end what is under way is called back and told to nobody", async () => {
  let calledBack = false;
  const { shadow, pairs } = stage((_question, signal) => new Promise(() => signal.addEventListener("abort", () => (calledBack = true))));
  shadow.offer(copied("a"), question, primary);
  shadow.close();
  shadow.offer(copied("b"), question, primary);
  await settled();
  expect([calledBack, shadow.underWay, pairs]).toEqual([true, 0, []]);
});

test("copies to a candidate that never answers delay no client, and go marked to it alone", async () => {
  const server = await httpServer((request, response) => void bodyOf(request).then(() => response.end('{"outputs":[]}')));
  const heard: unknown[] = [];
  const hanging = await httpServer((request, response) => {
    if (request.method === "GET") response.end();
    else heard.push([request.headers["pilotfish-shadow"], request.headers["pilotfish-inference-id"]]);
  });
  const others = sender(systemClock);
  onTestFinished(() => others.close());
  const rung = new CandidateRung({ clock: systemClock, log: silent, protocol: openInference, server, describe: () => undefined, model: () => "employment", send: others.send, ask });
  expect(await rung.use({ url: hanging.href })).toEqual({ ok: true });
  const results: ShadowResult[] = [];
  const shadow = new Shadow(shadowOptions.parse({ atOnce: 2, perSecond: 1_000 }), { clock: systemClock, protocol: "open-inference", candidate: rung, observe: () => {}, counted: (result) => results.push(result) });
  onTestFinished(() => shadow.close());
  const { url, exchange } = await gatewayStage(server, {
    deal: () => ({ rollout: "r1", candidate: { kind: "server", url: hanging.href }, weight: 0, shadow: 1, key: {}, judged: true }),
    candidate: rung,
    shadow,
  });
  for (let i = 0; i < 6; i += 1) {
    const { status, headers } = await post(url, "{}", { "pilotfish-inference-id": `i-${i}` });
    expect([status, headers["pilotfish-rung"]]).toEqual([200, "primary"]);
  }
  await exchange(6);
  while (heard.length < 2) await settled();
  expect([heard, shadow.underWay, results]).toEqual([[["r1", "i-0"], ["r1", "i-1"]], 2, ["busy", "busy", "busy", "busy"]]);
});
