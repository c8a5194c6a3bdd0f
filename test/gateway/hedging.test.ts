/** A rung asked beside a slow primary: the first good answer wins, the other is called back, and the budget holds. */
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import { Hedging } from "../../agent/gateway/hedging.ts";
import type { RungAnswer } from "../../agent/backend.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, fallback, httpServer, post, question, rung, stage, test } from "./stage.ts";

/** Answers nobody until it is told to; says when a client has hung up. */
async function slowServer() {
  const waiting: ServerResponse[] = [];
  let hungUp = 0;
  let wake = () => {};
  const url = await httpServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) hungUp += 1;
      wake();
    });
    void bodyOf(request).then(() => {
      waiting.push(response);
      wake();
    }, () => {});
  });
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { url, waiting, until, hungUp: () => hungUp };
}

const good = '{"model_name":"employment","outputs":[]}';
const hedge = { hedge: { after: "200ms" } };
const other = (answer: Parameters<typeof rung>[1] = fallback()) => ({ ...rung("other", answer), kind: "onnx" });

test("a primary that has not answered after 200 ms: the rung's answer is given, and the primary is called back and not blamed", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  const hedges: string[] = [];
  const { url, attempts, exchange } = await stage(server.url, { clock, rungs: [{ ...rung("rules", fallback()), kind: "rules" }, other()], hedged: (result) => hedges.push(result) }, hedge);
  const asking = post(url);
  await server.until(() => server.waiting.length === 1);
  clock.advance(200);
  const { status, headers } = await asking;
  expect([status, headers["pilotfish-rung"], headers["pilotfish-reason"], headers["pilotfish-model-version"]]).toEqual([200, "other", "hedged", "small-1"]);
  expect(await exchange()).toMatchObject({ rung: "other", reason: "hedged", outcome: "ok", attempts: 2 });
  expect(attempts().map(({ backend, outcome }) => `${backend} ${outcome}`).sort()).toEqual(["other ok", "primary cancelled"]);
  expect(hedges).toEqual(["won"]);
  await server.until(() => server.hungUp() === 1);
});

test("a primary that answers before the rung does is given; the rung is called back and not blamed", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  const hedges: string[] = [];
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  let calledBack = false;
  const never = other((_question, signal) => {
    asked();
    return new Promise<RungAnswer>((resolve) => signal.addEventListener("abort", () => {
      calledBack = true;
      resolve({ outcome: "error", detail: "given up" });
    }));
  });
  const { url, attempts } = await stage(server.url, { clock, rungs: [never], hedged: (result) => hedges.push(result) }, hedge);
  const asking = post(url);
  await server.until(() => server.waiting.length === 1);
  clock.advance(200);
  await isAsked;
  server.waiting[0]?.end(good);
  const { headers } = await asking;
  expect([headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual(["primary", "normal"]);
  expect(attempts().map(({ backend, outcome }) => `${backend} ${outcome}`).sort()).toEqual(["other cancelled", "primary ok"]);
  expect([hedges, calledBack]).toEqual([["lost"], true]);
});

test("a rung that fails does not spoil it: the primary is waited for, and its failure still has the rest of the ladder", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  const hedges: string[] = [];
  const broken = other({ outcome: "error", detail: "no model" });
  const last = rung("last", fallback());
  const { url } = await stage(server.url, { clock, rungs: [broken, last], hedged: (result) => hedges.push(result) }, hedge);
  const asking = post(url);
  await server.until(() => server.waiting.length === 1);
  clock.advance(200);
  while (broken.asked.length === 0) await new Promise(setImmediate);
  server.waiting[0]?.writeHead(429).end();
  const { headers } = await asking;
  expect([headers["pilotfish-rung"], headers["pilotfish-reason"], hedges]).toEqual(["last", "overloaded", ["failed"]]);
  expect(broken.asked).toHaveLength(1);
});

test("a primary that fails while the rung is asked: the rung's answer is waited for, and the failure counts", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  let answer: (answer: RungAnswer) => void = () => {};
  const slow = other(() => new Promise<RungAnswer>((resolve) => (answer = resolve)));
  const { url, attempts } = await stage(server.url, { clock, rungs: [slow] }, hedge);
  const asking = post(url);
  await server.until(() => server.waiting.length === 1);
  clock.advance(200);
  while (slow.asked.length === 0) await new Promise(setImmediate);
  server.waiting[0]?.writeHead(500).end("{}");
  await server.until(() => server.waiting[0]?.writableFinished === true);
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
  answer(fallback());
  expect((await asking).headers["pilotfish-reason"]).toBe("hedged");
  expect(attempts().map(({ backend, outcome }) => `${backend} ${outcome}`).sort()).toEqual(["other ok", "primary error"]);
});

test("hedges and second attempts take from one budget: a slow server gets at most three hedges of its first ten requests", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  const hedges: string[] = [];
  const rungs = [other()];
  const { url, retries } = await stage(server.url, { clock, rungs, hedged: (result) => hedges.push(result) }, hedge);
  for (let i = 1; i <= 10; i += 1) {
    const asking = post(url);
    await server.until(() => server.waiting.length === i);
    clock.advance(200);
    if (i > 3) server.waiting.at(-1)?.end(good);
    expect((await asking).headers["pilotfish-reason"]).toBe(i <= 3 ? "hedged" : "normal");
  }
  expect(hedges.filter((result) => result === "won")).toHaveLength(3);
  expect(hedges.filter((result) => result === "refused")).toHaveLength(7);
  const asking = post(url);
  await server.until(() => server.waiting.length === 11);
  server.waiting.at(-1)?.writeHead(500).end();
  expect((await asking).headers["pilotfish-rung"]).toBe("other"); // No second attempt: the budget is spent.
  expect(retries).toEqual(["refused"]);
});

test("what is no inference, and a ladder without a model to ask, is not hedged; a rung named in the config is", async () => {
  const clock = new FakeClock();
  const server = await slowServer();
  const standIn = { ...rung("default", fallback()), kind: "default" };
  const unhedged = await stage(server.url, { clock, rungs: [standIn] }, hedge);
  const asking = post(unhedged.url);
  await server.until(() => server.waiting.length === 1);
  clock.advance(200);
  server.waiting[0]?.end(good);
  expect((await asking).headers["pilotfish-rung"]).toBe("primary");
  expect(standIn.asked).toEqual([]);

  const named = await stage(server.url, { clock, rungs: [standIn] }, { hedge: { after: "200ms", rung: "default" } });
  const again = post(named.url, question);
  await server.until(() => server.waiting.length === 2);
  clock.advance(200);
  expect((await again).headers["pilotfish-reason"]).toBe("hedged");
});

test("p95: the delay is the quantile of the latest latencies, once there are twenty, and called-back ones count as at least so long", () => {
  const hedging = new Hedging("p95");
  for (let ms = 1; ms <= 19; ms += 1) hedging.took(ms);
  expect(hedging.delayMs).toBeUndefined();
  hedging.took(20);
  expect(hedging.delayMs).toBe(20);
  for (let i = 0; i < 128; i += 1) hedging.took(i < 115 ? 10 : 500);
  expect(hedging.delayMs).toBe(500);
  for (let i = 0; i < 128; i += 1) hedging.took(7);
  expect(hedging.delayMs).toBe(7);
});
