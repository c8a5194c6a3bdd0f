/** Checks that took out servers which were only busy, as others report them (repository#number). */
import { describe, expect, test } from "vitest";
import { minuteMs, page, play, quick, well, words } from "./incident-stage.ts";

describe("the check is too eager", () => {
  test("GAIE#2328: a page of metrics that can not be had, again and again, takes nobody out", async () => {
    const shows = page("vLLM, recorded", (nowMs) => ({ running: 4, waiting: 9, moves: nowMs / 30 }));
    let read = 0;
    const told = await play(10 * minuteMs, { ready: well, infer: () => ({ outcome: "ok", afterMs: 2_000 }), page: (nowMs) => ((read += 1) % 3 === 0 ? undefined : shows(nowMs)) }, { perSecond: 0.4 });
    expect(read).toBeGreaterThan(100);
    expect(told.moves).toEqual([]);
  });

  test("kserve#5677: one slow answer of /health in ten takes nobody out, without any traffic either", async () => {
    let asked = 0;
    const server = { ready: () => ({ status: 200, afterMs: (asked += 1) % 10 === 0 ? 900 : 5 }), infer: () => quick };
    expect((await play(10 * minuteMs, server)).moves).toEqual([]);
    expect((await play(10 * minuteMs, server, { perSecond: 0.001 })).moves).toEqual([]);
    expect(asked).toBeGreaterThan(1_000);
  });

  test("gonka#1421: saturated for 2.3 h, /health too late for minutes on end, and 0 flaps instead of 23", async () => {
    const saturated = (nowMs: number) => Math.floor(nowMs / (3 * minuteMs)) % 2 === 1;
    let asked = 0;
    const told = await play(
      2.3 * 60 * minuteMs,
      {
        ready: (nowMs) => ({ status: 200, afterMs: saturated(nowMs) ? 2_500 : 5 }),
        infer: () => ({ outcome: "ok", afterMs: 5_000 + ((asked += 7_919) % 35_000) }),
        page: page("vLLM, recorded", (nowMs) => ({ running: 32, waiting: 200, moves: Math.floor(nowMs / 45) })),
      },
      { perSecond: 1 },
    );
    expect(told.moves).toEqual([]);
  });

  test("gonka#1421: busy for half an hour, with answers of 5 s to 40 s and steps that go on, there is no flap; the silent stall is found", async () => {
    const hungAtMs = 30 * minuteMs;
    let asked = 0;
    const told = await play(
      hungAtMs + minuteMs,
      {
        ready: well,
        infer: (nowMs) => (nowMs + 40_000 < hungAtMs ? { outcome: "ok", afterMs: 5_000 + ((asked += 7_919) % 35_000) } : undefined),
        page: page("vLLM, recorded", (nowMs) => ({ running: 6, waiting: 40, moves: Math.floor(Math.min(nowMs, hungAtMs) / 45) })),
      },
      { perSecond: 0.3 },
    );
    const [first] = told.moves;
    expect(first).toMatch(/ left$/);
    expect(Number(first?.split(" ")[0])).toBeGreaterThan(hungAtMs);
    expect(Number(first?.split(" ")[0])).toBeLessThanOrEqual(hungAtMs + 2_000);
  });

  test("triton#7014: while it loads another model the server is not ready; asked for the readiness of its own model, it stays", async () => {
    const loading = (nowMs: number) => nowMs >= minuteMs && nowMs < 2 * minuteMs;
    const told = (paths: readonly string[]) => play(3 * minuteMs, { ready: (nowMs, path) => ({ status: paths.includes(path) && loading(nowMs) ? 400 : 200, afterMs: 5 }), infer: () => quick });
    expect((await told(["/v2/health/ready"])).moves).toEqual([]);
    expect(words(await told(["/v2/health/ready", "/v2/models/m/ready"]))).toEqual(["left", "back"]);
  });
});

