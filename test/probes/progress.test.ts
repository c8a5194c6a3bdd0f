import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeProgress, nothingFollowed, reduceProgress, type GatewayWork, type ProgressPolicy, type ProgressReading, type ServerWork } from "../../agent/probes/progress.ts";
import { progressProbe } from "../../agent/probes/progress-probe.ts";
import { FakeClock } from "../fake-clock.ts";

const policy: ProgressPolicy = { floorMs: 1_500, factor: 2, coldMs: 10_000, staleMs: 5_000 };

/** Reads the world each 250 ms and gives the verdicts: the first time of each change. */
function play(untilMs: number, world: (nowMs: number) => Partial<ProgressReading>): string[] {
  let state = nothingFollowed;
  const verdicts: string[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 250) {
    state = reduceProgress(state, { gateway: undefined, server: undefined, ...world(nowMs) }, nowMs, policy);
    const judged = judgeProgress(state, nowMs, policy);
    const word = judged.verdict === "unknown" ? `unknown ${judged.reason}` : judged.verdict;
    if (verdicts.at(-1)?.replace(/^\d+ /, "") !== word) verdicts.push(`${nowMs} ${word}`);
  }
  return verdicts;
}

const idle: GatewayWork = { inFlight: 0, completed: 100, oldestWaitMs: undefined, usualMs: 20 };
/** A page of the server's metrics is read each two seconds. */
const pageAt = (nowMs: number) => Math.floor(nowMs / 2_000) * 2_000;

describe("the gateway alone", () => {
  test("without a source it is unknown for want of one; with nothing in flight there is nothing to judge", () => {
    expect(play(1_000, () => ({}))).toEqual(["0 unknown no-source"]);
    expect(play(60_000, () => ({ gateway: idle }))).toEqual(["0 unknown none"]);
  });

  test("a server frozen under load is stalled after the floor, where pauses are short", () => {
    const verdicts = play(6_000, (nowMs) => {
      const hungSinceMs = 2_000;
      return { gateway: { inFlight: 4, completed: 1 + Math.min(nowMs, hungSinceMs), oldestWaitMs: Math.max(5, nowMs - hungSinceMs), usualMs: 20 } };
    });
    expect(verdicts).toEqual(["0 pass", "3500 fail"]);
  });

  test("a lone request that takes a second each time is stalled after twice that", () => {
    const hungAtMs = 10_000;
    const verdicts = play(20_000, (nowMs) => ({
      gateway: { inFlight: 1, completed: 3 + Math.floor(Math.min(nowMs, hungAtMs) / 1_000), oldestWaitMs: nowMs < hungAtMs ? nowMs % 1_000 : nowMs - hungAtMs, usualMs: 1_000 },
    }));
    expect(verdicts).toEqual(["0 pass", "12000 fail"]);
  });

  test("a first request may take as long as `cold`, and so may the first after the server came up anew", () => {
    const waiting = (nowMs: number): GatewayWork => ({ inFlight: 1, completed: 0, oldestWaitMs: nowMs, usualMs: undefined });
    expect(play(12_000, (nowMs) => ({ gateway: waiting(nowMs) }))).toEqual(["0 pass", "10000 fail"]);
    const again = play(60_000, (nowMs) => ({
      gateway: { inFlight: 1, completed: 7 + Math.min(nowMs, 20_000), oldestWaitMs: Math.max(5, nowMs - 20_000), usualMs: 20 },
      restarts: nowMs < 20_000 ? 0 : 1,
    }));
    expect(again).toEqual(["0 pass", "30000 fail"]);
  });

  test("a long idle time counts for nothing: the stall begins with the work", () => {
    const verdicts = play(70_000, (nowMs) => ({ gateway: nowMs < 60_100 ? idle : { ...idle, inFlight: 1, oldestWaitMs: nowMs - 60_100 } }));
    expect(verdicts).toEqual(["0 unknown none", "60250 pass", "61750 fail"]);
  });

  test("busy is never stalled: a queue that grows for minutes while answers come", () => {
    const verdicts = play(120_000, (nowMs) => ({ gateway: { inFlight: 10 + nowMs, completed: 1 + Math.floor(nowMs / 900), oldestWaitMs: nowMs, usualMs: 20 } }));
    expect(verdicts).toEqual(["0 pass"]);
  });

  test("a server that has become slow is doubted once, and known as slow from then on", () => {
    const slow = (nowMs: number) => Math.floor(nowMs / (nowMs < 20_000 ? 50 : 2_500)) + (nowMs < 20_000 ? 0 : 1_000);
    const verdicts = play(180_000, (nowMs) => ({ gateway: { inFlight: 9, completed: slow(nowMs), oldestWaitMs: 4_000, usualMs: 400 } }));
    expect(verdicts.filter((line) => line.endsWith("fail")).length).toBeLessThanOrEqual(1);
    expect(verdicts.at(-1)).toMatch(/pass$/);
  });

  test("a stall that is over does not excuse the next one", () => {
    const frozen = (nowMs: number) => (nowMs >= 20_000 && nowMs < 32_000) || nowMs >= 60_000;
    let completed = 1;
    const verdicts = play(70_000, (nowMs) => {
      if (!frozen(nowMs)) completed += 100;
      const sinceMs = nowMs >= 60_000 ? 60_000 : 20_000;
      return { gateway: { inFlight: 9, completed, oldestWaitMs: frozen(nowMs) ? nowMs - sinceMs : 10, usualMs: 20 } };
    });
    expect(verdicts).toEqual(["0 pass", "21250 fail", "32000 pass", "61250 fail"]);
  });

  test("a batch that gives eight answers at once each four seconds is one pause of four, not eight of a half", () => {
    const verdicts = play(120_000, (nowMs) => ({ gateway: { inFlight: 20, completed: 8 * (1 + Math.floor(nowMs / 4_000)), oldestWaitMs: nowMs % 4_000, usualMs: 4_000 } }));
    expect(verdicts).toEqual(["0 pass"]);
  });

  test("a lone request that is longer than others is only long", () => {
    const verdicts = play(30_000, (nowMs) => ({ gateway: { inFlight: 1, completed: 90, oldestWaitMs: nowMs, usualMs: 10_000 } }));
    expect(verdicts).toEqual(["0 pass", "20000 fail"]);
  });

  test("a request twelve times as large as usual is given twelve times as long, but no longer than a cold server", () => {
    const large = (largestRatio: number) => play(30_000, (nowMs) => ({ gateway: { inFlight: 1, completed: 90, oldestWaitMs: nowMs, usualMs: 500, largestRatio } }));
    expect(large(1)).toEqual(["0 pass", "1500 fail"]);
    expect(large(12)).toEqual(["0 pass", "6000 fail"]);
    expect(large(1e9)).toEqual(["0 pass", "10000 fail"]);
  });

  test("a client that takes a minute to send its body is no work of the server's, before or after", () => {
    const verdicts = play(62_000, (nowMs) => ({ gateway: { inFlight: 1, completed: nowMs < 60_500 ? 9 : 10, oldestWaitMs: nowMs < 60_000 || nowMs >= 60_500 ? undefined : nowMs - 60_000, usualMs: 20 } }));
    expect(verdicts).toEqual(["0 unknown none", "60000 pass", "60500 unknown none"]);
  });

  test("it is over as soon as something comes of the work, and unknown when there is none left", () => {
    const verdicts = play(9_000, (nowMs) => ({
      gateway: { inFlight: nowMs < 7_000 ? 2 : 0, completed: nowMs < 5_000 ? 10 : nowMs, oldestWaitMs: nowMs < 7_000 ? nowMs : undefined, usualMs: 20 },
    }));
    expect(verdicts).toEqual(["0 pass", "1500 fail", "5000 pass", "7000 unknown none"]);
  });

  test("whatever the step, the workers and the queue: busy is never hung, and hung is found in 3 steps or 2 s", () => {
    const worlds = fc.record({ stepMs: fc.integer({ min: 10, max: 8_000 }), workers: fc.integer({ min: 1, max: 64 }), queued: fc.integer({ min: 0, max: 50 }), phaseMs: fc.integer({ min: 0, max: 8_000 }) });
    fc.assert(
      fc.property(worlds, ({ stepMs, workers, queued, phaseMs }) => {
        const hungAtMs = 40_000 + phaseMs;
        // Each worker takes a step for a request; they stand evenly apart, and requests wait their turn.
        const gapMs = stepMs / workers;
        const waitMs = stepMs + queued * gapMs;
        const gateway = (hangsAtMs: number) => (nowMs: number): { gateway: GatewayWork } => ({
          gateway: {
            inFlight: workers + queued,
            completed: 1_000 + Math.floor((Math.min(nowMs, hangsAtMs) + phaseMs) / gapMs),
            oldestWaitMs: nowMs < hangsAtMs ? waitMs : waitMs + nowMs - hangsAtMs,
            usualMs: waitMs,
          },
        });
        expect(play(hungAtMs, gateway(Infinity))).toEqual(["0 pass"]);
        const failedAtMs = Number(play(hungAtMs + 60_000, gateway(hungAtMs)).at(-1)?.split(" ")[0]);
        // Here the usual step is a request's own time, its turn in the queue included.
        expect(failedAtMs - hungAtMs).toBeLessThanOrEqual(Math.max(3 * waitMs, 2_000));
      }),
      { numRuns: 300 },
    );
  });
});

describe("with the server's metrics", () => {
  test("a request that waits behind others' work is not stalled while the server's own counter moves", () => {
    const waiting = (nowMs: number): GatewayWork => ({ inFlight: 1, completed: 5, oldestWaitMs: nowMs, usualMs: 500 });
    const verdicts = play(30_000, (nowMs) => ({ gateway: waiting(nowMs), server: { inFlight: 50, progress: Math.min(nowMs, 12_000), readAtMs: nowMs } }));
    expect(verdicts).toEqual(["0 pass", "13500 fail"]);
  });

  test("where no traffic passes the gateway, they alone tell a frozen engine from a busy one", () => {
    const engine = (frozenAtMs: number) => (nowMs: number) => ({ server: { inFlight: 3, progress: Math.min(pageAt(nowMs), frozenAtMs) / 10, readAtMs: pageAt(nowMs) } });
    expect(play(60_000, engine(Infinity))).toEqual(["0 pass"]);
    expect(play(20_000, engine(8_000))).toEqual(["0 pass", "10000 fail"]);
  });

  test("long batches, seen through a page each two seconds, are no stall", () => {
    const batches = (untilMs: number) => (nowMs: number) => ({ server: { inFlight: 1, progress: Math.floor(Math.min(pageAt(nowMs), untilMs) / 6_000), readAtMs: pageAt(nowMs) } });
    expect(play(120_000, batches(Infinity))).toEqual(["0 pass"]);
    // The pause that is seen of 6 s is 4 s, and the stall twice that; the last move was at 60 s.
    expect(play(120_000, batches(60_000))).toEqual(["0 pass", "68000 fail"]);
    // Six pauses are no experience yet: the limit of a cold server holds.
    expect(play(120_000, batches(36_000))).toEqual(["0 pass", "46000 fail"]);
  });

  test("a server that starts anew is cold again, for itself and for the gateway", () => {
    const server = (nowMs: number): ServerWork => ({ inFlight: 1, progress: pageAt(nowMs) < 10_000 ? 1_000 + pageAt(nowMs) : 3, readAtMs: pageAt(nowMs) });
    expect(play(40_000, (nowMs) => ({ server: server(nowMs) }))).toEqual(["0 pass", "20000 fail"]);
    const gateway = (nowMs: number): GatewayWork => ({ inFlight: 1, completed: 7 + Math.min(nowMs, 9_900), oldestWaitMs: Math.max(5, nowMs - 9_900), usualMs: 20 });
    expect(play(40_000, (nowMs) => ({ server: server(nowMs), gateway: gateway(nowMs) }))).toEqual(["0 pass", "20000 fail"]);
  });

  test("metrics that are not read any more are not looked at", () => {
    const verdicts = play(20_000, (nowMs) => ({ server: { inFlight: 1, progress: 7, readAtMs: Math.min(pageAt(nowMs), 4_000) } }));
    expect(verdicts).toEqual(["0 pass", "9250 unknown no-source"]);
  });

  test("a server that does not say what is in flight accuses nobody", () => {
    const server = (nowMs: number): ServerWork => ({ inFlight: undefined, progress: 7, readAtMs: pageAt(nowMs) });
    expect(play(60_000, (nowMs) => ({ server: server(nowMs) }))).toEqual(["0 unknown no-source"]);
  });

  test("gauges that outlive the work are given their time", () => {
    const server = (nowMs: number): ServerWork => ({ inFlight: nowMs < 60_000 ? 8 : 0, progress: Math.min(nowMs, 30_000), readAtMs: nowMs, movesBy: "steps", gaugesLagMs: 35_000 });
    expect(play(90_000, (nowMs) => ({ server: server(nowMs) }))).toEqual(["0 pass", "60000 unknown none"]);
  });

  test("a gauge that forgot to count a cancelled request down accuses nobody while the gateway is idle", () => {
    expect(play(60_000, (nowMs) => ({ gateway: idle, server: { inFlight: 1, progress: 7, readAtMs: pageAt(nowMs), movesBy: "steps" } }))).toEqual(["0 unknown none"]);
  });
});

test("the probe says in words what it saw", async () => {
  const clock = new FakeClock();
  let work: GatewayWork | undefined = { inFlight: 3, completed: 9, oldestWaitMs: 10, usualMs: 20 };
  const probe = progressProbe({ ...policy, intervalMs: 250 }, { clock, work: () => work });
  const never = new AbortController().signal;
  expect(await probe.ask(never)).toMatchObject({ probe: "progress", verdict: "pass", reason: "none", detail: "3 in flight, flat for 10ms" });
  clock.advance(1_500);
  work = { ...work, oldestWaitMs: 1_510 };
  expect(await probe.ask(never)).toMatchObject({ verdict: "fail", reason: "stalled", detail: "3 in flight and nothing came of it for 1510ms (limit 1500ms, seen by the gateway)" });
  work = undefined;
  expect(await probe.ask(never)).toMatchObject({ verdict: "unknown", reason: "no-source" });
});
