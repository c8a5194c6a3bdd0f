import { expect, test } from "vitest";
import { judgeProgress, nothingFollowed, reduceProgress, type GatewayWork, type ProgressPolicy, type ServerWork } from "../../agent/probes/progress.ts";
import { progressProbe } from "../../agent/probes/progress-probe.ts";
import { FakeClock } from "../fake-clock.ts";

const policy: ProgressPolicy = { floorMs: 1_000, factor: 8, coldMs: 10_000, staleMs: 5_000 };

interface World {
  readonly gateway?: GatewayWork | undefined;
  readonly server?: ServerWork | undefined;
}

/** Reads the world each 250 ms and gives the verdicts: the first time of each change. */
function play(untilMs: number, world: (nowMs: number) => World): string[] {
  let state = nothingFollowed;
  const verdicts: string[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 250) {
    const { gateway, server } = world(nowMs);
    state = reduceProgress(state, { gateway, server }, nowMs);
    const judged = judgeProgress(state, nowMs, policy);
    const word = judged.verdict === "unknown" ? `unknown ${judged.reason}` : judged.verdict;
    if (verdicts.at(-1)?.replace(/^\d+ /, "") !== word) verdicts.push(`${nowMs} ${word}`);
  }
  return verdicts;
}

const idle: GatewayWork = { inFlight: 0, completed: 100, oldestWaitMs: undefined, usualMs: 20 };
/** A page of the server's metrics is read each two seconds. */
const pageAt = (nowMs: number) => Math.floor(nowMs / 2_000) * 2_000;

test("without a source it is unknown for want of one; with nothing in flight there is nothing to judge", () => {
  expect(play(1_000, () => ({}))).toEqual(["0 unknown no-source"]);
  expect(play(60_000, () => ({ gateway: idle }))).toEqual(["0 unknown none"]);
});

test("a server frozen under load is stalled after the floor, where the usual step is short", () => {
  const verdicts = play(6_000, (nowMs) => {
    const hungSinceMs = 2_000;
    return { gateway: { inFlight: 4, completed: Math.min(nowMs, hungSinceMs), oldestWaitMs: Math.max(5, nowMs - hungSinceMs), usualMs: 20 } };
  });
  expect(verdicts).toEqual(["0 pass", "3000 fail"]);
});

test("the limit is the factor times the usual step, where that is longer than the floor", () => {
  const verdicts = play(10_000, (nowMs) => ({ gateway: { inFlight: 1, completed: Math.min(nowMs, 2_000), oldestWaitMs: 0, usualMs: 500 } }));
  expect(verdicts).toEqual(["0 pass", "6000 fail"]);
});

test("a first request may take as long as `cold`", () => {
  const waiting = (nowMs: number): World => ({ gateway: { inFlight: 1, completed: 0, oldestWaitMs: nowMs, usualMs: undefined } });
  expect(play(12_000, waiting)).toEqual(["0 pass", "10000 fail"]);
});

test("a long idle time counts for nothing: the stall begins with the work", () => {
  const verdicts = play(70_000, (nowMs) => ({ gateway: nowMs < 60_100 ? idle : { ...idle, inFlight: 1, oldestWaitMs: nowMs - 60_100 } }));
  expect(verdicts).toEqual(["0 unknown none", "60250 pass", "61250 fail"]);
});

test("busy is never stalled: a queue that grows for minutes while answers come", () => {
  const verdicts = play(120_000, (nowMs) => ({ gateway: { inFlight: 10 + nowMs, completed: Math.floor(nowMs / 900), oldestWaitMs: nowMs, usualMs: 20 } }));
  expect(verdicts).toEqual(["0 pass"]);
});

test("a request that waits behind others' work is not stalled while the server's own counter moves", () => {
  const waiting = (nowMs: number): GatewayWork => ({ inFlight: 1, completed: 5, oldestWaitMs: nowMs, usualMs: 500 });
  const verdicts = play(30_000, (nowMs) => ({ gateway: waiting(nowMs), server: { inFlight: 50, progress: nowMs < 12_000 ? pageAt(nowMs) : 10_000, readAtMs: pageAt(nowMs) } }));
  // The last page that shows a move was read at 10 s, and the limit is 4 s from there.
  expect(verdicts).toEqual(["0 pass", "14000 fail"]);
});

test("it is over as soon as something comes of the work, and unknown when there is none left", () => {
  const verdicts = play(9_000, (nowMs) => ({
    gateway: { inFlight: nowMs < 7_000 ? 2 : 0, completed: nowMs < 5_000 ? 10 : nowMs, oldestWaitMs: nowMs, usualMs: 20 },
  }));
  expect(verdicts).toEqual(["0 pass", "1000 fail", "5000 pass", "7000 unknown none"]);
});

test("where no traffic passes the gateway, the server's metrics alone tell a frozen engine from a busy one", () => {
  const engine = (frozenAtMs: number) => (nowMs: number) => ({ server: { inFlight: 3, progress: Math.min(pageAt(nowMs), frozenAtMs) / 10, readAtMs: pageAt(nowMs) } });
  expect(play(60_000, engine(Infinity))).toEqual(["0 pass"]);
  // Steps of 10 ms: the floor holds, and the first page without a move is two seconds after the last with one.
  expect(play(20_000, engine(8_000))).toEqual(["0 pass", "10000 fail"]);
});

test("the server's usual step is learnt from its pages: long batches are no stall", () => {
  // One step each 6 s, seen through a page each 2 s: the limit becomes 8 steps.
  const batches = (untilMs: number) => (nowMs: number) => ({ server: { inFlight: 1, progress: Math.floor(Math.min(pageAt(nowMs), untilMs) / 6_000), readAtMs: pageAt(nowMs) } });
  expect(play(120_000, batches(Infinity))).toEqual(["0 pass"]);
  expect(play(120_000, batches(36_000))).toEqual(["0 pass", "84000 fail"]);
});

test("a server that starts anew is cold again", () => {
  const verdicts = play(40_000, (nowMs) => {
    const readAtMs = pageAt(nowMs);
    return { server: { inFlight: 1, progress: readAtMs < 10_000 ? 1_000 + readAtMs : 3, readAtMs } };
  });
  expect(verdicts).toEqual(["0 pass", "20000 fail"]);
});

test("metrics that are not read any more are not looked at", () => {
  const verdicts = play(20_000, (nowMs) => ({ server: { inFlight: 1, progress: 7, readAtMs: Math.min(pageAt(nowMs), 4_000) } }));
  expect(verdicts).toEqual(["0 pass", "9250 unknown no-source"]);
});

test("a gauge that forgot to count a cancelled request down accuses nobody while the gateway is idle", () => {
  expect(play(60_000, (nowMs) => ({ gateway: idle, server: { inFlight: 1, progress: 7, readAtMs: pageAt(nowMs) } }))).toEqual(["0 unknown none"]);
});

test("the probe says in words what it saw", async () => {
  const clock = new FakeClock();
  let work: GatewayWork | undefined = { inFlight: 3, completed: 9, oldestWaitMs: 10, usualMs: 20 };
  const probe = progressProbe({ ...policy, intervalMs: 250 }, { clock, work: () => work, serverWork: () => undefined });
  const never = new AbortController().signal;
  expect(await probe.ask(never)).toMatchObject({ probe: "progress", verdict: "pass", reason: "none", detail: "3 in flight, flat for 10ms" });
  clock.advance(1_500);
  expect(await probe.ask(never)).toMatchObject({ verdict: "fail", reason: "stalled", detail: "3 in flight and nothing came of it for 1510ms (limit 1000ms, seen by the gateway)" });
  work = undefined;
  expect(await probe.ask(never)).toMatchObject({ verdict: "unknown", reason: "no-source" });
});
