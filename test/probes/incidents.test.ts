/**
 * What others report of health checks that lie and of checks that are too eager, played again on the virtual clock: probes
 * and failover as they are, beside a server and clients that behave as in the report. The reports are named
 * repository#number.
 */
import { describe, expect, test } from "vitest";
import { wait } from "../../agent/clock.ts";
import type { Outcome } from "../../agent/backend.ts";
import { failover, failoverOptions } from "../../agent/failover/failover.ts";
import type { Asked } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import { probes, probesOptions } from "../../agent/probes/probes.ts";
import type { GatewayWork } from "../../agent/probes/progress.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { metricsPage, type Kind, type Shows } from "./engine.ts";

/** How the server behaves at a moment. */
interface Server {
  /** What readiness answers: a status, after so long; undefined: no answer ever. */
  readonly ready: (nowMs: number, path: string) => { readonly status: number; readonly afterMs: number } | undefined;
  /** What becomes of an inference that is sent now; undefined: it is never answered. */
  readonly infer: (nowMs: number) => { readonly outcome: Outcome; readonly afterMs: number } | undefined;
  /** What the known question is answered with. */
  readonly known?: (nowMs: number) => { readonly status: number; readonly body: string };
  readonly metrics?: { readonly kind: Kind; readonly page: (nowMs: number) => Shows };
}

interface Told {
  /** When the server was left, and taken back. */
  readonly moves: readonly string[];
  /** Inferences that were sent to the server, by the second. */
  readonly sentInSecond: (second: number) => number;
  /** The longest that any client waited for its answer, from the server or a rung. */
  readonly longestMs: number;
  /** Inferences that a rung answered. */
  readonly byRung: number;
}

/** Clients ask 20 times a second; nobody but this server and a rung can answer. */
async function play(untilMs: number, server: Server, { probe = {}, policy = {}, perSecond = 20 }: { readonly probe?: object; readonly policy?: object; readonly perSecond?: number } = {}): Promise<Told> {
  const clock = new FakeClock();
  const moves: string[] = [];
  const waiting = new Map<number, { readonly sinceMs: number; readonly trial: boolean }>();
  const sentAtMs: number[] = [];
  const tookMs: number[] = [];
  let longestMs = 0;
  let byRung = 0;
  let completed = 0;
  let flowed = true;

  const end = (id: number, outcome: Outcome) => {
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    const durationMs = clock.monotonicMs() - asked.sinceMs;
    longestMs = Math.max(longestMs, durationMs);
    if (outcome === "ok") tookMs.push(durationMs);
    else byRung += 1;
    if (outcome === "ok") completed += 1;
    room.hear({ kind: "attempt", backend: "primary", outcome, status: outcome === "error" ? 500 : 200, firstByteMs: durationMs, durationMs, trial: asked.trial });
  };
  const room = failover(failoverOptions.parse(policy), {
    clock,
    announce() {
      const flows = room.route().primary === "flows";
      if (flows !== flowed) moves.push(`${clock.monotonicMs()} ${flows ? "back" : "left"}`);
      flowed = flows;
    },
    rungs: () => ["onnx"],
    target: () => ({ model: "m", version: "1", endpoint: "http://server:8080" }),
    release: () => [...waiting.keys()].forEach((id) => end(id, "stalled")),
    save: () => {},
    saved: undefined,
    rev: 0,
  });

  const work = (): GatewayWork => {
    const sinceMs = [...waiting.values()].map(({ sinceMs: since }) => since);
    return { inFlight: waiting.size, completed, oldestWaitMs: sinceMs.length === 0 ? undefined : clock.monotonicMs() - Math.min(...sinceMs), usualMs: tookMs.slice(-128).toSorted((a, b) => a - b).at(-6) };
  };
  const answered = async (status: number, afterMs: number, body: string, timeoutMs: number): Promise<Asked> => {
    await wait(clock, Math.min(afterMs, timeoutMs));
    return afterMs > timeoutMs ? { ok: false, outcome: "timeout", detail: "no answer in time", durationMs: timeoutMs } : { ok: true, status, headers: {}, body: Buffer.from(body), durationMs: afterMs };
  };
  const ask = (_: unknown, { url, timeoutMs }: { readonly url: string | URL; readonly timeoutMs: number }): Promise<Asked> => {
    const nowMs = clock.monotonicMs();
    const { pathname } = new URL(url);
    // Steps of this clock are longer than a page takes.
    if (pathname === "/metrics") return Promise.resolve({ ok: true, status: 200, headers: {}, durationMs: 0, body: Buffer.from(server.metrics === undefined ? "" : metricsPage(server.metrics.kind, server.metrics.page(nowMs))) });
    if (pathname.endsWith("/infer")) return answered(server.known?.(nowMs).status ?? 500, 5, server.known?.(nowMs).body ?? "", timeoutMs);
    const { status, afterMs } = server.ready(nowMs, pathname) ?? { status: 0, afterMs: Infinity };
    return answered(status, afterMs, "", timeoutMs);
  };

  const closes = [
    room.start(),
    probes(probesOptions.parse(probe), {
      clock, ask, work, log: silent, observe: (seen) => room.hear(seen), server: new URL("http://server:8080"), protocol: openInference,
      model: () => "m",
    }).start(),
  ];
  clock.every(1_000 / perSecond, () => {
    const { primary } = room.route();
    const trial = primary === "trial" && room.claimTrial();
    if (primary !== "flows" && !trial) return void (byRung += 1);
    const nowMs = clock.monotonicMs();
    const id = sentAtMs.push(nowMs);
    waiting.set(id, { sinceMs: nowMs, trial });
    const result = server.infer(nowMs);
    // A client that gets no answer gives up after 120 s, as in the report.
    clock.after(result?.afterMs ?? 120_000, () => end(id, result?.outcome ?? "timeout"));
  });
  await clock.advanceAsync(untilMs, 125);
  for (const close of closes) await close();
  return { moves, byRung, longestMs, sentInSecond: (second) => sentAtMs.filter((atMs) => Math.floor(atMs / 1_000) === second).length };
}

const words = ({ moves }: Told) => moves.map((move) => move.replace(/^\d+ /, ""));
const well = () => ({ status: 200, afterMs: 5 });
const quick = { outcome: "ok", afterMs: 20 } as const;
const minuteMs = 60_000;

describe("the health endpoint says OK", () => {
  test("vllm#39863, #36451, prime-rl#2375: the engine is frozen behind it, and is out within two seconds", async () => {
    const hungAtMs = 30_000;
    const told = await play(minuteMs, {
      ready: well,
      infer: (nowMs) => (nowMs < hungAtMs ? quick : undefined),
      metrics: { kind: "vLLM, recorded", page: (nowMs) => ({ running: 3, waiting: 0, moves: Math.min(nowMs, hungAtMs) / 20 }) },
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

  test("kserve#6259, triton#7588: the model is gone and health says 200; the known question finds it without any traffic", async () => {
    const goneAtMs = minuteMs;
    const known = (nowMs: number) => (nowMs < goneAtMs ? { status: 200, body: '{"outputs":[{"name":"y","shape":[1],"data":[4]}]}' } : { status: 404, body: '{"error":"unknown model"}' });
    const probe = { inference: { request: { inputs: [] }, expect: { y: [4] } } };
    const told = await play(2 * minuteMs, { ready: well, infer: () => quick, known }, { probe, perSecond: 0.001 });
    expect(told.moves[0]).toMatch(/ left$/);
    expect(Number(told.moves[0]?.split(" ")[0])).toBeLessThanOrEqual(goneAtMs + 12_000);
  });

  test("onnxruntime_backend#365, ray#61263: a replica that hangs on one request while others wait is found by its silence alone", async () => {
    const told = await play(minuteMs, { ready: well, infer: (nowMs) => (nowMs < 30_000 ? { outcome: "ok", afterMs: 600 } : undefined) }, { perSecond: 1 });
    expect(told.moves[0]).toMatch(/ left$/);
    expect(Number(told.moves[0]?.split(" ")[0])).toBeLessThanOrEqual(31_000 + 2_000);
  });
});

describe("the check is too eager", () => {
  test("GAIE#2328, llm-d-router#1123, kserve#5677: one check that is slow, each ten seconds, takes nobody out", async () => {
    let asked = 0;
    const told = await play(10 * minuteMs, { ready: () => ({ status: 200, afterMs: (asked += 1) % 10 === 0 ? 900 : 5 }), infer: () => quick });
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
        metrics: { kind: "vLLM, recorded", page: (nowMs) => ({ running: 6, waiting: 40, moves: Math.floor(Math.min(nowMs, hungAtMs) / 45) }) },
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

describe("one server alone", () => {
  test("envoy#3263, gateway#8140: the only server there is, is left when it fails, since a rung can answer", async () => {
    const told = await play(minuteMs, { ready: well, infer: (nowMs) => (nowMs < 10_000 ? quick : { outcome: "error", afterMs: 2 }) });
    expect(told.moves[0]).toMatch(/^10\d{3} left$/);
    expect(told.byRung).toBeGreaterThan(20 * 45);
  });

  test("envoy#28303, #31069, #32442: a good health check does not bring back a server that real requests took out", async () => {
    const told = await play(minuteMs, { ready: well, infer: (nowMs) => (nowMs < 10_000 ? quick : { outcome: "error", afterMs: 2 }) });
    expect(words(told)).not.toContain("back");
  });

  test("envoy#26758: with each failed trial the server is left alone for longer", async () => {
    const told = await play(2 * minuteMs, { ready: well, infer: (nowMs) => (nowMs < 10_000 ? quick : { outcome: "error", afterMs: 2 }) });
    const trials = Array.from({ length: 108 }, (_, i) => 12 + i).filter((second) => told.sentInSecond(second) > 0);
    const gaps = trials.slice(1).map((second, i) => second - (trials[i] as number));
    expect(gaps[0]).toBeLessThan(gaps.at(-1) as number);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(7);
  });
});
