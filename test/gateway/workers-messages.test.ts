/**
 * The gateway of several workers, with the threads left out: the same code on both sides, a channel in memory between them,
 * and a clock turned by hand. What real threads do is in workers.test.ts.
 */
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { primaryName, type Question, type Route, type RungAnswer } from "../../agent/backend.ts";
import { systemClock } from "../../agent/clock.ts";
import { contractOptions } from "../../agent/contract/options.ts";
import { outlineOf, perform, portable, proxies } from "../../agent/gateway/crossing.ts";
import { Decision, DecisionReader } from "../../agent/gateway/decision.ts";
import type { Gateway } from "../../agent/gateway/gateway.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import { Outbox, type Telling } from "../../agent/gateway/outbox.ts";
import { emptyQuarantine, quarantinePolicy, reduceQuarantine } from "../../agent/gateway/quarantine.ts";
import { quarantineOptions } from "../../agent/gateway/quarantine-options.ts";
import type { Dropped, GatewayDeps } from "../../agent/gateway/room.ts";
import { sum, Tally } from "../../agent/gateway/shared.ts";
import { KeptBytes } from "../../agent/gateway/upload.ts";
import { gatewayOfWorkers } from "../../agent/gateway/workers.ts";
import { silent } from "../../agent/log.ts";
import type { AttemptObservation, Observation } from "../../agent/observation.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { channel } from "./channel.ts";
import { deadAddress, fallback, flowing, httpServer, infer, post, question, rung } from "./stage.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(isSo: () => boolean, clock?: FakeClock): Promise<void> {
  for (let i = 0; i < 5_000; i += 1) {
    if (isSo()) return;
    clock?.advance(1);
    await turn();
  }
  throw new Error("it did not come to that");
}

const attempt = (outcome: AttemptObservation["outcome"], more: Partial<AttemptObservation> = {}): Observation => ({
  kind: "attempt", backend: primaryName, outcome, status: undefined, firstByteMs: 1, durationMs: 1, trial: false, ...more,
});

/** Workers before `server`, and what the main thread is told by them. */
async function crew(server: URL, given: Partial<GatewayDeps> = {}, options: Record<string, unknown> = {}) {
  const clock = new FakeClock();
  const { openThread, workers } = channel(clock);
  const observed: Observation[] = [];
  const dropped: Dropped[] = [];
  const made: Gateway = gatewayOfWorkers(gatewayOptions.parse({ host: "127.0.0.1", port: 0, workers: 2, linger: "0s", ...options }), {
    clock, log: silent, server, protocol: openInference, rungs: [], openThread,
    route: () => flowing,
    claimTrial: () => false,
    observe: (observation) => observed.push(observation),
    dropped: (what) => dropped.push(what),
    ...given,
  });
  const { address, close } = await made.start();
  let closed: Promise<void> | undefined;
  const end = () => (closed ??= close());
  onTestFinished(async () => {
    let done = false;
    void end().finally(() => (done = true));
    for (let i = 0; i < 1_000 && !done; i += 1) {
      clock.advance(100);
      await turn();
    }
  });
  return { clock, workers, observed, dropped, gateway: made, url: new URL(`http://127.0.0.1:${address.port}`), close: end, exchanges: () => observed.filter(({ kind }) => kind === "exchange") };
}

const answering = () => httpServer((request, response) => void request.resume().on("end", () => response.end('{"model_name":"employment","outputs":[]}')));

test("all threads of a process count time from the same moment: a deadline of one is a deadline of all", async () => {
  const worker = new Worker('const { parentPort } = require("node:worker_threads"); parentPort.on("message", () => parentPort.postMessage(performance.now()));', { eval: true });
  onTestFinished(() => void worker.terminate());
  const asked = async () => {
    const beforeMs = systemClock.monotonicMs();
    const theirsMs = await new Promise<number>((resolve) => {
      worker.once("message", resolve);
      worker.postMessage("now");
    });
    return { beforeMs, theirsMs, afterMs: systemClock.monotonicMs() };
  };
  await asked();
  const { beforeMs, theirsMs, afterMs } = await asked();
  expect(theirsMs).toBeGreaterThanOrEqual(beforeMs);
  expect(theirsMs).toBeLessThanOrEqual(afterMs);
});

test("requests fall to all workers, and each is told of exactly once", async () => {
  const { url, workers, exchanges, gateway, clock } = await crew(await answering());
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => post(url, question, { "pilotfish-inference-id": `id-${i}` })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  await until(() => exchanges().length >= 60, clock);
  const ids = exchanges().map((exchange) => exchange.kind === "exchange" && exchange.inferenceId);
  expect([ids.length, new Set(ids)]).toEqual([60, new Set(answers.map((_, i) => `id-${i}`))]);
  expect(workers.map(({ said }) => said.some(({ type }) => type === "told"))).toEqual([true, true]);
  expect(gateway.active()).toBe(0);
});

test("a change of route holds for the next request of every worker, though not a message has been delivered", async () => {
  let route: Route = flowing;
  let asked = 0;
  const server = await httpServer((request, response) => {
    asked += 1;
    request.resume().on("end", () => response.end("{}"));
  });
  const small = rung("small", fallback());
  const { url, gateway, workers } = await crew(server, { route: () => route, rungs: [small] });
  for (let i = 0; i < 8; i += 1) await post(url);
  expect(asked).toBe(8);
  route = { primary: "blocked", reason: "circuit-open", rung: "small" };
  gateway.routed();
  for (let i = 0; i < 8; i += 1) expect((await post(url)).headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "circuit-open", "pilotfish-model-version": "small-1" });
  expect(asked).toBe(8);
  expect(workers.every(({ said }) => said.some(({ type }) => type === "ask"))).toBe(true);
});

test("a rung is asked with the bytes that the client sent and the deadline of its share, and its answer's bytes come back", async () => {
  const body = Buffer.from('{"bytes":"æ\\u0000"}');
  const small = rung("small", (asked) => Promise.resolve({ ...(fallback(`${asked.body.toString()}!`) as Extract<RungAnswer, { outcome: "ok" }>), members: ["a"] }));
  const { url, clock } = await crew(await deadAddress(), { rungs: [small] }, { timeout: "1s" });
  const answers = [await post(url, body), await post(url, body)];
  expect(answers.map((answer) => answer.body.toString())).toEqual([`${body.toString()}!`, `${body.toString()}!`]);
  const [asked] = small.asked as [Question];
  expect([asked.method, asked.path, asked.body.equals(body), Buffer.isBuffer(asked.body)]).toEqual(["POST", infer, true, true]);
  expect(asked.deadlineMs).toBeGreaterThan(clock.monotonicMs());
  expect(asked.deadlineMs).toBeLessThanOrEqual(clock.monotonicMs() + 1_000);
});

test("a rung hears why it is given up: its time is over, or nobody wants the answer any more", async () => {
  const reasons: unknown[] = [];
  const slow = rung("slow", (_, signal) => new Promise(() => signal.addEventListener("abort", () => reasons.push(signal.reason))));
  const { url, clock } = await crew(await deadAddress(), { rungs: [slow] }, { timeout: "1s" });
  const waits = post(url);
  await until(() => slow.asked.length === 1);
  clock.advance(1_000);
  expect((await waits).status).toBe(503);
  await until(() => reasons.length === 1);
  expect(reasons[0]).toMatchObject({ name: "TimeoutError" });

  const abort = new AbortController();
  const leaves = fetch(new URL(infer, url), { method: "POST", body: question, signal: abort.signal }).catch(() => "left");
  await until(() => slow.asked.length === 2);
  abort.abort();
  expect(await leaves).toBe("left");
  await until(() => reasons.length === 2);
  expect(reasons[1]).toMatchObject({ name: "AbortError" });
});

test("a failed attempt is told at once, with all before it; what went well may wait a few milliseconds", () => {
  const clock = new FakeClock();
  const told: Telling[] = [];
  const outbox = new Outbox(clock, (telling) => told.push(telling));
  outbox.tell("observe", [attempt("ok")]);
  expect(told).toEqual([]);
  outbox.tell("observe", [attempt("reset")]);
  expect(told.map(({ calls }) => calls.map(([, [observation]]) => (observation as AttemptObservation).outcome))).toEqual([["ok", "reset"]]);
  outbox.tell("observe", [attempt("ok")]);
  clock.advance(5);
  expect(told).toHaveLength(2);
  outbox.tell("observe", [attempt("ok", { trial: true })]);
  expect(told).toHaveLength(3);
});

test("while nobody listens a bounded number of calls and bytes waits; the rest is let go, and counted when somebody listens again", () => {
  const told: Telling[] = [];
  const outbox = new Outbox(new FakeClock(), (telling) => told.push(telling), { calls: 3, bytes: 3_000 });
  for (let i = 0; i < 5; i += 1) outbox.tell("observe", [attempt("reset")]);
  expect(told).toHaveLength(3);
  outbox.heard(3, told.reduce((bytes, telling) => bytes + telling.bytes, 0));
  outbox.tell("observe", [attempt("reset")]);
  expect(told.at(-1)).toMatchObject({ lost: 2 });
  outbox.tell("observe", [{ kind: "sample", request: new Uint8Array(2_000), response: new Uint8Array(600) } as unknown as Observation]);
  outbox.flush();
  expect(told).toHaveLength(4 + 1);
  expect(told.at(-1)).toMatchObject({ calls: [], lost: 1 });
});

test("a body that is lent is copied, one that is given away is moved, and either arrives as a Buffer with the same bytes", () => {
  const lent = Buffer.from("lent, from the middle of a pool");
  const given = new TextEncoder().encode("given away").slice();
  const remembered: unknown[][] = [];
  const deps = { remember: (...args: unknown[]) => remembered.push(args) } as unknown as GatewayDeps;
  const { args, transfer } = portable([{ path: "/a", body: lent }, { status: 200, body: given }]);
  const arrived = structuredClone(args, { transfer: [...transfer] });
  expect([lent.toString(), given.byteLength]).toEqual(["lent, from the middle of a pool", 0]);
  perform(deps, ["remember", arrived]);
  expect(remembered).toEqual([[{ path: "/a", body: Buffer.from("lent, from the middle of a pool") }, { status: 200, body: Buffer.from("given away") }]]);
});

test("a worker has the members that the main thread has, and no others; only what may be told is done", () => {
  const told: unknown[] = [];
  const deps = { log: { ...silent, warn: (_: unknown, message: string) => told.push(message) }, model: "m", version: () => "3", observe: () => {}, claimTrial: () => told.push("claimed") } as unknown as GatewayDeps;
  const outline = structuredClone(outlineOf(deps));
  const made = proxies(outline, (path) => outline.mirrored[path], (path, args) => perform(deps, [path, args])) as GatewayDeps;
  expect(Object.keys(made).toSorted()).toEqual(["log", "model", "observe", "version"]);
  expect([made.model, made.version?.()]).toEqual(["m", "3"]);
  made.log.warn({}, "across");
  perform(deps, ["claimTrial", []]);
  expect(told).toEqual(["across"]);
});

test("the version is mirrored: what the main thread learns from one worker's answers all workers say", async () => {
  const known: { version?: string } = {};
  const { url, gateway } = await crew(await answering(), { version: () => known.version });
  expect((await post(url)).headers["pilotfish-model-version"]).toBeUndefined();
  known.version = "7";
  gateway.routed();
  await turn();
  for (let i = 0; i < 6; i += 1) expect((await post(url)).headers["pilotfish-model-version"]).toBe("7");
});

test("of all requests in all workers one has the trial, and the main thread hears so before it hears what became of it", async () => {
  const heard: string[] = [];
  let claimed = false;
  let finish: () => void = () => {};
  const server = await httpServer((request, response) => void request.resume().on("end", () => (finish = () => response.end("{}"))));
  const { url, clock } = await crew(server, {
    route: () => ({ primary: "trial", reason: "circuit-open", rung: "small" }),
    mayClaimTrial: () => !claimed,
    claimTrial: () => {
      claimed = true;
      heard.push("claimed");
      return true;
    },
    observe: (observation) => observation.kind === "attempt" && observation.trial && heard.push(observation.outcome),
    rungs: [rung("small", fallback())],
  }, { workers: 4 });
  const answers = Array.from({ length: 40 }, () => post(url));
  let settled = 0;
  for (const answer of answers) void answer.then(() => (settled += 1));
  await until(() => settled === 39, clock);
  finish();
  const reasons = (await Promise.all(answers)).map(({ headers }) => headers["pilotfish-reason"]);
  expect(reasons.filter((reason) => reason === "trial")).toHaveLength(1);
  await until(() => heard.length === 2);
  expect(heard).toEqual(["claimed", "ok"]);
});

test("a ticket for the trial is used once; one that is withdrawn is gone, unless it was taken before", () => {
  const trial: Route = { primary: "trial", reason: "unready", rung: "b" };
  const decision = new Decision([{ name: "a" }, { name: "b" }]);
  const [one, other] = [new DecisionReader(decision.cells, [{ name: "a" }, { name: "b" }]), new DecisionReader(decision.cells, [{ name: "a" }, { name: "b" }])];
  expect(one.take()).toBeUndefined();
  decision.set(trial, true);
  expect(one.route()).toEqual(trial);
  const ticket = one.take() as number;
  expect([ticket > 0, other.take()]).toEqual([true, undefined]);
  // It is not known yet who has it: no second one is put down.
  decision.set(trial, true);
  expect(other.take()).toBeUndefined();
  decision.taken(ticket);
  decision.set(trial, false);
  expect(other.take()).toBeUndefined();
  decision.set(trial, true);
  decision.set({ primary: "blocked", reason: "unready", rung: "none" }, true);
  expect([other.take(), other.route().rung]).toEqual([undefined, "none"]);
  // A worker that died with the ticket in its hand does not keep it for ever.
  decision.set(trial, true);
  one.take();
  decision.workerLost();
  decision.set(trial, true);
  expect(other.take()).toBeTypeOf("number");
});

test("limits are the whole gateway's: workers count requests, connections and kept bytes together", () => {
  const slots = new Int32Array(new SharedArrayBuffer(8));
  const [one, other] = [new Tally(slots, 0), new Tally(slots, 1)];
  expect([one.take(3), other.take(3), one.take(3), other.take(3)]).toEqual([true, true, true, false]);
  one.give();
  expect([other.take(3), sum(slots)]).toEqual([true, 3]);

  const kept = new Int32Array(new SharedArrayBuffer(8));
  const [mine, theirs] = [new KeptBytes(10 * 1_024, kept, 0), new KeptBytes(10 * 1_024, kept, 1)];
  expect([mine.take(6 * 1_024), theirs.take(5 * 1_024), theirs.take(4 * 1_024)]).toEqual([true, false, true]);
  mine.give(6 * 1_024);
  expect(theirs.take(6 * 1_024)).toBe(true);
});

test("requests beyond `active` are turned away, whichever worker they fall to", async () => {
  const waiting: (() => void)[] = [];
  const server = await httpServer((request, response) => void request.resume().on("end", () => waiting.push(() => response.end("{}"))));
  const { url, gateway, dropped, clock } = await crew(server, {}, { active: 5 });
  const answers = Array.from({ length: 12 }, () => post(url));
  let settled = 0;
  for (const answer of answers) void answer.then(() => (settled += 1));
  await until(() => settled === 7 && waiting.length === 5);
  expect(gateway.active()).toBe(5);
  for (const finish of waiting) finish();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 503)).toHaveLength(7);
  await until(() => dropped.length === 7, clock);
  expect(gateway.active()).toBe(0);
});

test("a worker that dies gives back what it counted, is counted itself, and is started anew; what it had completed stays completed", async () => {
  let hang = false;
  const server = await httpServer((request, response) => void request.resume().on("end", () => hang || response.end("{}")));
  const { url, gateway, workers, dropped, clock } = await crew(server);
  for (let i = 0; i < 10; i += 1) await post(url);
  clock.advance(100);
  await until(() => gateway.work().completed === 10, clock);
  hang = true;
  for (let i = 0; i < 10; i += 1) void post(url).catch(() => {});
  await until(() => gateway.active() === 10);
  clock.advance(100);
  await until(() => gateway.work().inFlight === 10);
  const [first, second] = workers;
  first?.crash();
  expect(dropped).toContain("worker");
  expect(gateway.work().completed).toBe(10);
  expect(gateway.active()).toBeLessThan(10);
  second?.crash();
  expect([gateway.active(), gateway.work()]).toEqual([0, { inFlight: 0, completed: 10, oldestWaitMs: undefined, usualMs: undefined }]);
  clock.advance(100);
  await until(() => workers.length === 4 && workers.slice(2).every(({ said }) => said.some(({ type }) => type === "serving")));
});

test("a worker whose loop hangs does not make the primary look hung: after half a second its word no longer counts", async () => {
  const server = await httpServer(() => {});
  const { url, gateway, workers, clock } = await crew(server, {}, { timeout: "60s" });
  for (let i = 0; i < 10; i += 1) void post(url).catch(() => {});
  await until(() => gateway.active() === 10);
  clock.advance(100);
  await until(() => gateway.work().inFlight === 10);
  for (const worker of workers) worker.hang();
  clock.advance(501);
  expect(gateway.work()).toMatchObject({ inFlight: 0, oldestWaitMs: undefined });
});

test("a worker that says nothing for seconds is ended and started anew, the other is left alone", async () => {
  const { workers, dropped, clock } = await crew(await answering());
  for (let s = 0; s < 10; s += 1) {
    clock.advance(1_000);
    await turn();
  }
  expect(workers).toHaveLength(2);
  workers[0]?.hang();
  for (let s = 0; s < 8; s += 1) {
    clock.advance(1_000);
    await turn();
  }
  expect(dropped).toEqual(["worker"]);
  expect(workers.map(({ slot }) => slot)).toEqual([0, 1, 0]);
});

test("an address that another has is an error at the start, also where that one shares its port", async () => {
  const { url } = await crew(await answering());
  await expect(crew(await answering(), {}, { port: Number(url.port) })).rejects.toThrow(/the port is in use; change gateway.port$/);
});

test("where the system can not share a port, the start fails and says what to do", async () => {
  const clock = new FakeClock();
  const made = gatewayOfWorkers(gatewayOptions.parse({ host: "127.0.0.1", port: 0, workers: 2 }), {
    clock, log: silent, server: new URL("http://127.0.0.1:1"), protocol: openInference, rungs: [], route: () => flowing, claimTrial: () => false, observe: () => {},
    openThread: (_, { message }) => ({ post: (sent) => message({ type: "failed", generation: sent.generation, code: "ENOTSUP", message: "operation not supported" }), terminate() {} }),
  });
  await expect(made.start()).rejects.toThrow("set gateway.workers to 1");
  expect(clock.pending).toBe(0);
});

test("every worker holds requests against the contract, what they find is counted once, and copies for rungs come from all of them", async () => {
  const server = await answering();
  const found: string[] = [];
  const offered: string[] = [];
  const { clock, workers, url } = await crew(server, {
    gates: { contract: { options: contractOptions.parse({ validation: "reject" }), features: [] }, confidence: undefined },
    gateCounts: { request: (result) => found.push(result), violations: (kind, count) => found.push(`${kind} ${count}`), unchecked() {}, judged() {} },
    description: () => ({ name: "employment", versions: [], inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }], outputs: [] }),
    qualify: { ratio: 1, offer: (inferenceId, asked, answer) => offered.push(`${inferenceId} ${asked.body.toString()} ${answer.body.toString()}`) },
  });
  const good = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] });
  const bad = JSON.stringify({ inputs: [{ name: "y", datatype: "FP32", shape: [1, 1], data: [1] }] });
  const statuses: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    statuses.push((await post(url, good, { "pilotfish-inference-id": `good-${i}` })).status, (await post(url, bad)).status);
  }
  expect(statuses).toEqual(Array.from({ length: 8 }, () => [200, 422]).flat());
  await until(() => found.length >= 24 && offered.length >= 8, clock);
  expect(workers.map(({ said }) => said.some(({ type }) => type === "told"))).toEqual([true, true]);
  expect(found.filter((one) => one === "passed")).toHaveLength(8);
  expect(found.filter((one) => one === "rejected")).toHaveLength(8);
  expect(found.filter((one) => one === "feature 1")).toHaveLength(8);
  expect(offered.toSorted()).toEqual(Array.from({ length: 8 }, (_, i) => `good-${i} ${good} {"model_name":"employment","outputs":[]}`));
});

test("a request that is in quarantine is in quarantine for every worker, and what one of them sees of a crash the one state hears", async () => {
  const server = await httpServer((request) => void request.resume().on("end", () => request.socket.destroy()));
  const policy = quarantinePolicy(quarantineOptions.parse({}));
  let state = emptyQuarantine;
  const heard: string[] = [];
  const { clock, gateway: made, url } = await crew(server, {
    quarantine: {
      current: () => state,
      hear(event) {
        heard.push(event.type);
        state = reduceQuarantine(state, event, clock.monotonicMs(), policy);
      },
    },
  });
  // Broken twice in a row: a worker process of the server died of it, and when it is tried alone the server dies once more.
  for (let i = 0; i < 4 && [...state.suspects.values()][0]?.crashes !== 2; i += 1) {
    await post(url, question).catch(() => undefined);
    await until(() => heard.length > i, clock);
    made.routed();
  }
  expect([...state.suspects.values()].map(({ crashes }) => crashes)).toEqual([2]);
  made.routed();
  await turn();
  for (let i = 0; i < 6; i += 1) {
    const { status, headers } = await post(url, question);
    expect([status, headers["pilotfish-reason"]]).toEqual([422, "quarantine"]);
  }
});
