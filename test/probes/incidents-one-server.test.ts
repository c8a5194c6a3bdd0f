/**
 * What goes wrong in clusters of one to three, and where health checks and real requests disagree, as others report it of
 * proxies (repository#number). Of several servers as replicas: test/ladder/small-clusters.test.ts.
 */
import { describe, expect, test } from "vitest";
import { entryOf, next, type Situation } from "../../agent/gateway/plan.ts";
import { leftAtMs, minuteMs, play, quick, sentBetween, well, words } from "./incident-stage.ts";

const brokenAtMs = 10_000;
const broken = { outcome: "error", afterMs: 2 } as const;
/** Every inference fails from 10 s on, until it is mended. */
const failing = (mendedAtMs = Infinity) => (nowMs: number) => (nowMs < brokenAtMs || nowMs >= mendedAtMs ? quick : broken);

describe("percentages of few", () => {
  test("envoy#3263: shares are of attempts, so one server alone stays while it fails one in ten, and is left when it fails all", async () => {
    let asked = 0;
    const seldom = await play(10 * minuteMs, { ready: well, infer: () => ((asked += 1) % 10 === 0 ? broken : quick) });
    expect(seldom.moves).toEqual([]);
    const told = await play(minuteMs, { ready: well, infer: failing() });
    expect(told.moves[0]).toMatch(/^10\d{3} left$/);
    expect(told.byRung).toBeGreaterThan(20 * 45);
  });

  test("envoy#17504: the only server is out and nobody else can answer: it is asked all the same, since that is never worse", () => {
    const entry = entryOf({ primary: "blocked", reason: "circuit-open", rung: "none" }, () => false);
    const situation: Situation = {
      entry, routeReason: "circuit-open", kind: "inference", replayable: true, tried: [], retryRefused: false,
      barred: undefined, suspect: undefined, unsure: false, rungs: [], asked: [], primaryLeftMs: 8_000, leftMs: 8_000,
    };
    expect(next(situation)).toMatchObject({ ask: "primary", lastResort: true, trial: false });
    expect(next({ ...situation, rungs: [{ inside: true, hedges: false, servers: false }] })).toMatchObject({ ask: "rung" });
  });
});

describe("health checks against real requests", () => {
  test("envoy#12076: well again after half an hour, it is back within 10 s, and has not to serve the rest of a long sentence", async () => {
    const mendedAtMs = 30 * minuteMs;
    const told = await play(31 * minuteMs, { ready: well, infer: failing(mendedAtMs) }, { perSecond: 2 });
    const backAtMs = Number(told.moves.at(-1)?.split(" ")[0]);
    expect(words(told)).toEqual(["left", "back"]);
    expect(backAtMs).toBeGreaterThanOrEqual(mendedAtMs);
    expect(backAtMs).toBeLessThanOrEqual(mendedAtMs + 10_000);
  });

  test("envoy#28303: a check that passes gives it one request and no traffic: of 1,200 requests a minute fewer than 20 meet it", async () => {
    const told = await play(minuteMs, { ready: well, infer: failing() });
    expect(words(told)).toEqual(["left"]);
    expect(sentBetween(told, 11_000, minuteMs)).toBeGreaterThan(0);
    expect(sentBetween(told, 11_000, minuteMs)).toBeLessThan(20);
  });

  test("envoy#31037: neither check goes before the other: it is back when both say so, whichever is the later", async () => {
    const later = (readyAtMs: number, mendedAtMs: number) =>
      play(3 * minuteMs, { ready: (nowMs) => ({ status: nowMs >= brokenAtMs && nowMs < readyAtMs ? 503 : 200, afterMs: 5 }), infer: failing(mendedAtMs) });
    for (const [readyAtMs, mendedAtMs] of [[40_000, 90_000], [90_000, 40_000]] as const) {
      const told = await later(readyAtMs, mendedAtMs);
      expect(words(told)).toEqual(["left", "back"]);
      expect(Number(told.moves[1]?.split(" ")[0])).toBeGreaterThanOrEqual(90_000);
      expect(Number(told.moves[1]?.split(" ")[0])).toBeLessThanOrEqual(100_000);
    }
  });

  test("envoy#31069: ten minutes of checks that pass do not bring back a server whose every inference fails", async () => {
    const told = await play(10 * minuteMs, { ready: well, infer: failing() });
    expect(words(told)).toEqual(["left"]);
    expect(told.byRung).toBeGreaterThanOrEqual(20 * (10 * 60 - 11));
  });

  test("envoy#32442: a check that fails, but not often enough to count, is not taken for one that passes", async () => {
    let asked = 0;
    // From the trip on every second check fails: never two in a row, and never two passes in a row.
    const told = await play(3 * minuteMs, { ready: (nowMs) => ({ status: nowMs >= brokenAtMs && (asked += 1) % 2 === 1 ? 503 : 200, afterMs: 5 }), infer: failing() });
    expect(words(told)).toEqual(["left"]);
    expect(sentBetween(told, 12_000, 3 * minuteMs)).toBe(0);
  });

  test("envoy#35186: the first check that fails after the trip brings nobody back; no request is sent while checks fail", async () => {
    const told = await play(3 * minuteMs, { ready: (nowMs) => ({ status: nowMs >= brokenAtMs + 500 && nowMs < 2 * minuteMs ? 503 : 200, afterMs: 5 }), infer: failing(2 * minuteMs) });
    expect(leftAtMs(told)).toBeLessThan(brokenAtMs + 500);
    expect(words(told)).toEqual(["left", "back"]);
    expect(sentBetween(told, 12_000, 2 * minuteMs)).toBe(0);
  });

  test("envoy#26758: with each failed trial the server is left alone for longer, up to 8 s", async () => {
    const told = await play(2 * minuteMs, { ready: well, infer: failing() });
    const trials = Array.from({ length: 108 }, (_, i) => 12 + i).filter((second) => told.sentInSecond(second) > 0);
    const gaps = trials.slice(1).map((second, i) => second - (trials[i] as number));
    expect(gaps[0]).toBeLessThan(gaps.at(-1) as number);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(7);
  });
});
