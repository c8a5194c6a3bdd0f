/** Servers whose health says OK while inference hangs or is broken, as others report them (repository#number). */
import { describe, expect, test } from "vitest";
import { leftAtMs, minuteMs, page, play, quick, sentBetween, well, words } from "./incident-stage.ts";

describe("the health endpoint says OK", () => {
  test("vllm#39863, #36451, prime-rl#2375: the engine is frozen behind it, and is out within two seconds", async () => {
    const hungAtMs = 30_000;
    const told = await play(minuteMs, {
      ready: well,
      infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined),
      page: page("vLLM, recorded", (nowMs) => ({ running: 3, waiting: 0, moves: Math.min(nowMs, hungAtMs) / 20 })),
    });
    expect(told.moves[0]).toMatch(/ left$/);
    expect(Number(told.moves[0]?.split(" ")[0])).toBeLessThanOrEqual(hungAtMs + 2_000);
  });

  test("Fastllm-proxy#19: 85 minutes in rotation and 120 s burned by each request; here no client waits for 2.5 s", async () => {
    const told = await play(85 * minuteMs, { ready: well, infer: (nowMs) => (nowMs < minuteMs ? quick : undefined) }, { perSecond: 2 });
    expect(told.longestMs).toBeLessThan(2_500);
    expect(words(told)[0]).toBe("left");
    // Once in a while one request tries the server; it is called back too, and answered by the rung.
    const tried = Array.from({ length: 84 * 60 }, (_, i) => told.sentInSecond(66 + i)).reduce((sum, count) => sum + count, 0);
    expect(tried).toBeLessThan((84 * 60) / 4);
  });

  test("triton#3627, #7164: after one bad input every inference fails and readiness stays; only a real request ends it", async () => {
    const brokenAtMs = 10_000;
    const mendedAtMs = 5 * minuteMs;
    const told = await play(6 * minuteMs, { ready: well, infer: (nowMs) => (nowMs < brokenAtMs || nowMs >= mendedAtMs ? quick : { outcome: "error", afterMs: 2 }) });
    expect(told.moves[0]).toMatch(/^10\d{3} left$/);
    // No trial closes it before it is mended, though 290 health checks said 200.
    expect(told.moves.filter((move) => move.endsWith("back") && Number(move.split(" ")[0]) < mendedAtMs)).toEqual([]);
    expect(words(told).at(-1)).toBe("back");
  });

  test("kserve#6259: the model has crashed and health says 200; the known question finds it without any traffic", async () => {
    const goneAtMs = minuteMs;
    const known = (nowMs: number) => (nowMs < goneAtMs ? { status: 200, body: '{"outputs":[{"name":"y","shape":[1],"data":[4]}]}' } : { status: 404, body: '{"error":"unknown model"}' });
    const probe = { inference: { request: { inputs: [] }, expect: { y: [4] } } };
    const told = await play(2 * minuteMs, { ready: well, infer: () => quick, known }, { probe, perSecond: 0.001 });
    expect(told.moves[0]).toMatch(/ left$/);
    expect(Number(told.moves[0]?.split(" ")[0])).toBeLessThanOrEqual(goneAtMs + 12_000);
  });

  test("vllm#19849: running and waiting requests stand still, older names of metrics; out within two seconds", async () => {
    const told = await play(minuteMs, {
      ready: well,
      infer: (nowMs) => (nowMs < 30_000 ? { outcome: "ok", afterMs: 8_000 } : undefined),
      page: page("vLLM, without a count of iterations", (nowMs) => ({ running: 16, waiting: 4, moves: Math.min(nowMs, 38_000) / 40 })),
    }, { perSecond: 2 });
    expect(leftAtMs(told)).toBeGreaterThan(38_000);
    expect(leftAtMs(told)).toBeLessThanOrEqual(38_000 + 2_000);
  });

  test("vllm#45094: a deadlock that survives a restart; the restart brings nobody back but one request at a time", async () => {
    const [hungAtMs, downAtMs, upAtMs] = [30_000, 60_000, 64_000];
    const told = await play(3 * minuteMs, {
      ready: (nowMs) => (nowMs >= downAtMs && nowMs < upAtMs ? "refused" : well()),
      infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined),
    });
    expect(leftAtMs(told)).toBeLessThanOrEqual(hungAtMs + 2_000);
    expect(words(told)).not.toContain("back");
    // A cold server's first request may wait for the model to load, which is 10 s; nobody waits for longer.
    expect(told.longestMs).toBeLessThanOrEqual(10_500);
    expect(sentBetween(told, upAtMs, 3 * minuteMs)).toBeLessThanOrEqual((3 * minuteMs - upAtMs) / 8_000);
  });

  test("vllm#45097: running above 0 and no token, asked of metrics alone: found in 2 s where 60 s were proposed", async () => {
    const told = await play(minuteMs, { ready: well, infer: () => quick, page: page("vLLM, recorded", (nowMs) => ({ running: 2, waiting: 0, moves: Math.min(nowMs, 30_000) / 20 })) }, { perSecond: 0 });
    expect(leftAtMs(told)).toBeGreaterThan(30_000);
    expect(leftAtMs(told)).toBeLessThanOrEqual(32_000);
  });

  test("vllm#45453: an hour with nothing to do is idle and no stall, and the first stall after it is found as fast", async () => {
    const hourMs = 60 * minuteMs;
    const running = (nowMs: number) => (nowMs < minuteMs || nowMs >= hourMs ? 1 : 0);
    const moves = (nowMs: number) => Math.min(nowMs, minuteMs) / 20 + Math.max(0, Math.min(nowMs, hourMs + 10_000) - hourMs) / 20;
    const told = await play(hourMs + minuteMs, { ready: well, infer: () => quick, page: page("vLLM, recorded", (nowMs) => ({ running: running(nowMs), waiting: 0, moves: moves(nowMs) })) }, { perSecond: 0 });
    expect(leftAtMs(told)).toBeGreaterThan(hourMs + 10_000);
    expect(leftAtMs(told)).toBeLessThanOrEqual(hourMs + 12_000);
  });

  test("vllm#45526: a first prompt that is read for 9 s without a token is no stall; one that is read for ever is one", async () => {
    const prefill = (ms: number) => play(minuteMs, { ready: well, infer: () => (ms === Infinity ? undefined : { outcome: "ok", afterMs: ms }), page: page("vLLM, without a count of iterations", (nowMs) => ({ running: 1, waiting: 0, moves: Math.max(0, nowMs - ms) / 20 })) }, { perSecond: 0.5 });
    expect((await prefill(9_000)).moves).toEqual([]);
    const forever = await prefill(Infinity);
    expect(leftAtMs(forever)).toBeGreaterThanOrEqual(10_000);
    expect(leftAtMs(forever)).toBeLessThanOrEqual(13_000);
  });

  test("triton#6939: ready, and requests pend in its queue while nothing is executed", async () => {
    const hungAtMs = 30_000;
    const told = await play(minuteMs, {
      ready: well,
      infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined),
      page: page("Triton, recorded", (nowMs) => ({ running: 0, waiting: nowMs < hungAtMs ? 0 : Math.floor((nowMs - hungAtMs) / 50), moves: Math.min(nowMs, hungAtMs) / 20 })),
    });
    expect(leftAtMs(told)).toBeLessThanOrEqual(hungAtMs + 2_000);
    expect(told.longestMs).toBeLessThan(2_500);
  });

  test("triton#8477: one model hangs and its neighbour on the same server does not; the neighbour's progress acquits nobody", async () => {
    const hungAtMs = 30_000;
    const family = (name: string, ours: number, neighbour: number) => `${name}{model="m",version="1"} ${ours}\n${name}{model="neighbour",version="1"} ${neighbour}\n`;
    const told = await play(minuteMs, {
      ready: well,
      infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined),
      page: (nowMs) => family("nv_inference_pending_request_count", nowMs < hungAtMs ? 0 : 5, 3) + family("nv_inference_exec_count", Math.min(nowMs, hungAtMs), nowMs),
    });
    expect(leftAtMs(told)).toBeLessThanOrEqual(hungAtMs + 2_000);
  });

  test("triton#7588: the model is unloaded and the server says that it is ready; the model's own readiness is asked", async () => {
    const unloadedAtMs = minuteMs;
    const server = (paths: RegExp) => ({ ready: (nowMs: number, path: string) => ({ status: paths.test(path) && nowMs >= unloadedAtMs ? 400 : 200, afterMs: 5 }), infer: () => quick });
    const told = await play(2 * minuteMs, server(/^\/v2\/models\/m\/ready$/), { perSecond: 0.001 });
    expect(leftAtMs(told)).toBeGreaterThanOrEqual(unloadedAtMs);
    expect(leftAtMs(told)).toBeLessThanOrEqual(unloadedAtMs + 1_500);
  });

  test("onnxruntime_backend#365: with a request each 20 s the first one that hangs is called back within 2.5 s", async () => {
    const told = await play(3 * minuteMs, { ready: well, infer: (nowMs) => (nowMs < 90_000 ? { outcome: "ok", afterMs: 300 } : undefined) }, { perSecond: 0.05 });
    expect(leftAtMs(told)).toBeGreaterThan(100_000);
    expect(leftAtMs(told)).toBeLessThanOrEqual(102_500);
    expect(told.longestMs).toBeLessThanOrEqual(2_500);
  });

  test("ray#61263: user code blocks behind a ping that answers, and clients give up after 1 s each: their leaving is no progress", async () => {
    const hungAtMs = 30_000;
    const told = await play(minuteMs, { ready: well, infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined) }, { patienceMs: 1_000 });
    expect(leftAtMs(told)).toBeLessThanOrEqual(hungAtMs + 2_000);
  });

  test("kserve#6259: the model's process has crashed and liveness says 200; resets take it out at once, and 200s do not bring it back", async () => {
    const told = await play(5 * minuteMs, { ready: well, infer: (nowMs) => (nowMs < 10_000 ? quick : { outcome: "reset", afterMs: 1 }) });
    expect(told.moves).toEqual([expect.stringMatching(/^10\d{3} left$/)]);
    expect(sentBetween(told, 11_000, 5 * minuteMs)).toBeLessThan(60);
  });
});
