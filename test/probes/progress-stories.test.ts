/**
 * Hung or busy, told from metrics alone and with the gateway's account beside them: whole stories on the virtual clock, for
 * each kind of server, from the page's text to what the probe says. How long a hung engine may go unnoticed is the promise:
 * 3 times its usual step or 2 s, whichever is longer.
 */
import { describe, expect, test } from "vitest";
import { wait } from "../../agent/clock.ts";
import type { Asked } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import type { Observation } from "../../agent/observation.ts";
import { probes, probesOptions } from "../../agent/probes/probes.ts";
import type { GatewayWork } from "../../agent/probes/progress.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { adapterFor, kinds, metricsPage, type Kind, type Shows } from "./engine.ts";

interface World {
  readonly kind: Kind;
  readonly page: (nowMs: number) => Shows | "hangs" | "refuses";
  readonly gateway?: (nowMs: number) => GatewayWork;
}

/** What the progress probe says over time: the moment and word of each change. The health endpoint answers 200 throughout. */
async function play({ kind, page, gateway }: World, untilMs: number): Promise<string[]> {
  const clock = new FakeClock();
  const said: string[] = [];
  const ask = async (_: unknown, { url, timeoutMs }: { readonly url: string | URL; readonly timeoutMs: number }): Promise<Asked> => {
    if (!url.toString().endsWith("/metrics")) return { ok: true, status: 200, headers: {}, body: Buffer.of(), durationMs: 1 };
    const now = page(clock.monotonicMs());
    if (now === "hangs") await wait(clock, timeoutMs);
    if (now === "hangs" || now === "refuses") return { ok: false, outcome: now === "hangs" ? "timeout" : "refused", detail: "", durationMs: 1 };
    return { ok: true, status: 200, headers: {}, body: Buffer.from(metricsPage(kind, now)), durationMs: 1 };
  };
  const observe = (seen: Observation) => {
    if (seen.kind !== "probe" || seen.probe !== "progress") return;
    const word = seen.verdict === "unknown" ? `unknown ${seen.reason}` : seen.verdict;
    if (said.at(-1)?.replace(/^\d+ /, "") !== word) said.push(`${clock.monotonicMs()} ${word}`);
  };
  const close = probes(probesOptions.parse({}), {
    clock, ask, observe, log: silent,
    server: new URL("http://server:8080"), protocol: openInference, model: () => undefined,
    work: () => gateway?.(clock.monotonicMs()),
  }).start();
  await clock.advanceAsync(untilMs, 125);
  await close();
  return said;
}

const words = (said: readonly string[]) => said.map((line) => line.replace(/^\d+ /, ""));
const failedAtMs = (said: readonly string[]) => Number(said.find((line) => line.endsWith(" fail"))?.split(" ")[0] ?? Infinity);
/** Triton and MLServer have ports of their own for metrics; the search gets there at its third place, a second after each miss. */
const foundByMs = 3_000;

/** Steps each so often, from the start until it hangs. */
const steps = (stepMs: number, hangsAtMs = Infinity) => (nowMs: number): Shows => ({ running: 8, waiting: 500, moves: Math.floor(Math.min(nowMs, hangsAtMs) / stepMs) });

describe.each(kinds)("%s, watched from beside", (kind) => {
  const lagMs = adapterFor(kind) === "sglang" ? 35_000 : 0;

  test("idle is neither hung nor well: there is nothing to judge", async () => {
    expect(words(await play({ kind, page: () => ({ running: 0, waiting: 0, moves: 40 }) }, 60_000))).toEqual(["unknown no-source", "unknown none"]);
  });

  test.each([50, 900, 3_000, 8_000])("busy, with a long queue and a step each %d ms, is never hung", async (stepMs) => {
    expect(words(await play({ kind, page: steps(stepMs) }, 180_000))).toEqual(["unknown no-source", "pass"]);
  });

  test.each([50, 700, 1_000, 3_000])("hung after a step each %d ms, it is found in time, while /health says 200", async (stepMs) => {
    const hungAtMs = 60_000;
    const said = await play({ kind, page: steps(stepMs, hungAtMs) }, 120_000);
    expect(words(said)).toEqual(["unknown no-source", "pass", "fail"]);
    expect(failedAtMs(said) - hungAtMs).toBeGreaterThan(stepMs);
    expect(failedAtMs(said) - hungAtMs).toBeLessThanOrEqual(Math.max(3 * stepMs, 2_000, lagMs + 500));
  });

  test("started anew, its counters at 0, it may take its time to load the model", async () => {
    const page = (nowMs: number): Shows | "refuses" => {
      if (nowMs < 30_000) return steps(50)(nowMs);
      if (nowMs < 34_000) return "refuses";
      return { running: 1, waiting: 3, moves: nowMs < 42_000 ? 0 : Math.floor((nowMs - 42_000) / 50) };
    };
    expect(words(await play({ kind, page }, 90_000))).toEqual(["unknown no-source", "pass"]);
  });

  test("a first request may wait for the model to load, but not for ever", async () => {
    const loads = await play({ kind, page: (nowMs) => ({ running: 1, waiting: 1, moves: nowMs < 9_000 ? 0 : Math.floor((nowMs - 9_000) / 50) + 1 }) }, 30_000);
    expect(words(loads)).toEqual(["unknown no-source", "pass"]);
    const never = await play({ kind, page: () => ({ running: 1, waiting: 1, moves: 0 }) }, 60_000);
    expect(failedAtMs(never)).toBeGreaterThanOrEqual(10_000);
    expect(failedAtMs(never)).toBeLessThanOrEqual(10_000 + foundByMs + lagMs);
  });

  test("metrics that hang with the engine make it unknown, not hung", async () => {
    const said = await play({ kind, page: (nowMs) => (nowMs < 30_000 ? steps(50)(nowMs) : "hangs") }, 90_000);
    expect(words(said)).toEqual(["unknown no-source", "pass", "unknown no-source"]);
  });
});

/** 500 requests a second that take 20 ms each, until nothing comes back any more. */
const traffic = (hangsAtMs = Infinity) => (nowMs: number): GatewayWork => ({
  inFlight: nowMs < hangsAtMs ? 10 : 10 + (nowMs - hangsAtMs) / 2,
  completed: Math.floor(Math.min(nowMs, hangsAtMs) / 2),
  oldestWaitMs: nowMs < hangsAtMs ? 19 : nowMs - hangsAtMs,
  usualMs: 20,
});

/** A few long answers at once, 20 s each, not streamed: the gateway sees nothing for seconds. */
const longAnswers = (hangsAtMs = Infinity) => (nowMs: number): GatewayWork => ({
  inFlight: 2,
  completed: 2 + Math.floor(Math.min(nowMs, hangsAtMs) / 20_000) * 2,
  oldestWaitMs: nowMs < hangsAtMs ? nowMs % 20_000 : nowMs - Math.floor(hangsAtMs / 20_000) * 20_000,
  usualMs: 20_000,
});

const countsSteps = (kind: Kind) => ["vllm", "sglang", "tgi"].includes(adapterFor(kind));

describe.each(kinds)("%s, with the gateway in front", (kind) => {
  test("a hung engine whose /health and metrics both answer 200 is found within 2 s", async () => {
    const said = await play({ kind, page: steps(20, 30_000), gateway: traffic(30_000) }, 40_000);
    expect(words(said)).toEqual(["pass", "fail"]);
    expect(failedAtMs(said)).toBeLessThanOrEqual(32_000);
  });

  test("when the metrics hang too, the gateway's own clock is enough", async () => {
    const said = await play({ kind, page: (nowMs) => (nowMs < 30_000 ? steps(20)(nowMs) : "hangs"), gateway: traffic(30_000) }, 40_000);
    expect(words(said)).toEqual(["pass", "fail"]);
    expect(failedAtMs(said)).toBeLessThanOrEqual(32_000);
  });

  test("a minute in its queue is no stall as long as its own counter moves", async () => {
    const queued = (nowMs: number): GatewayWork => ({ inFlight: 3, completed: 90, oldestWaitMs: nowMs, usualMs: 200 });
    expect(words(await play({ kind, page: steps(400), gateway: queued }, 60_000))).toEqual(["pass"]);
  });

  test("a gauge that forgot a cancelled request accuses nobody while nothing is asked of it", async () => {
    const idle: GatewayWork = { inFlight: 0, completed: 90, oldestWaitMs: undefined, usualMs: 20 };
    expect(words(await play({ kind, page: () => ({ running: 1, waiting: 0, moves: 50 }), gateway: () => idle }, 60_000))).toEqual(["unknown none"]);
  });

  test("long answers by themselves are no stall, whatever it counts", async () => {
    const counter = countsSteps(kind) ? steps(30) : steps(20_000);
    expect(words(await play({ kind, page: counter, gateway: longAnswers() }, 150_000))).toEqual(["pass"]);
  });
});

test.each(kinds.filter(countsSteps))("%s, hung in the midst of answers that take 20 s, is found by its steps: within 2 s, or 6 where they are written seldom", async (kind) => {
  const engine = steps(30, 65_000);
  const said = await play({ kind, page: engine, gateway: longAnswers(65_000) }, 80_000);
  expect(words(said)).toEqual(["pass", "fail"]);
  expect(failedAtMs(said)).toBeGreaterThan(65_000);
  expect(failedAtMs(said)).toBeLessThanOrEqual(kind === "SGLang" ? 71_000 : 67_000);
});

test("SGLang at 80 ms a step writes its counters each 3.2 s: a long answer by itself is no stall", async () => {
  const slowLog = (nowMs: number): Shows => ({ running: 1, waiting: 0, moves: nowMs < 20_000 ? Math.floor(nowMs / 200) : 100 + Math.floor((nowMs - 20_000) / 3_200) });
  expect(words(await play({ kind: "SGLang", page: slowLog, gateway: longAnswers() }, 60_000))).toEqual(["pass"]);
});

describe("streams", () => {
  const quiet = { waiting: 0, oldestWaitMs: undefined, flowing: 0, longestSilenceMs: undefined, usualFirstMs: 400, usualTokenMs: 30 };

  test("a long prompt, read in one go while other streams stand still, is given as much longer as it is larger", async () => {
    // From 30 s on a prompt 20 times the usual is read for 6 s; nothing else moves, on the page neither.
    const readsFromMs = 30_000;
    const readsForMs = (nowMs: number) => (nowMs < readsFromMs || nowMs >= readsFromMs + 6_000 ? 0 : nowMs - readsFromMs);
    const at = (nowMs: number) => (nowMs < readsFromMs ? nowMs : Math.max(readsFromMs, nowMs - 6_000));
    const gateway = (nowMs: number): GatewayWork => {
      const ms = readsForMs(nowMs);
      const streams = ms === 0 ? { ...quiet, flowing: 4, longestSilenceMs: 30 } : { ...quiet, waiting: 1, oldestWaitMs: ms, flowing: 4, longestSilenceMs: ms };
      return { inFlight: 5, completed: Math.floor(at(nowMs) / 10) + (nowMs < readsFromMs + 6_000 ? 0 : 1), oldestWaitMs: ms + 30, usualMs: 400, largestRatio: ms === 0 ? undefined : 20, streams };
    };
    const page = (nowMs: number) => steps(30)(at(nowMs));
    expect(words(await play({ kind: "vLLM, recorded", page, gateway }, 60_000))).toEqual(["pass"]);
  });

  test("a prompt that is read in chunks moves the iterations, though no token comes", async () => {
    const gateway = (nowMs: number): GatewayWork => ({
      inFlight: 1, completed: 500, oldestWaitMs: nowMs, usualMs: 400, streams: { ...quiet, waiting: 1, oldestWaitMs: nowMs },
    });
    expect(words(await play({ kind: "vLLM, recorded", page: steps(800), gateway }, 60_000))).toEqual(["pass"]);
  });

  test("an engine that freezes while it streams is found within 2 s, with new streams coming in and without metrics", async () => {
    const hungAtMs = 30_000;
    const gateway = (nowMs: number): GatewayWork => {
      const ms = Math.max(0, nowMs - hungAtMs);
      return {
        inFlight: 8, completed: Math.floor(Math.min(nowMs, hungAtMs) / 5), oldestWaitMs: 30 + ms, usualMs: 2,
        streams: { ...quiet, waiting: 3, oldestWaitMs: Math.min(ms, 500), flowing: 5, longestSilenceMs: 30 + ms },
      };
    };
    const said = await play({ kind: "vLLM, recorded", page: () => "refuses", gateway }, 40_000);
    expect(words(said)).toEqual(["pass", "fail"]);
    expect(failedAtMs(said)).toBeLessThanOrEqual(hungAtMs + 2_000);
  });

  test("one that freezes before any first token is found by the usual time to it", async () => {
    const gateway = (nowMs: number): GatewayWork => ({
      inFlight: 1, completed: 500, oldestWaitMs: nowMs, usualMs: 2, streams: { ...quiet, usualFirstMs: 3_000, waiting: 1, oldestWaitMs: nowMs },
    });
    const said = await play({ kind: "vLLM, recorded", page: () => "refuses", gateway }, 20_000);
    expect(failedAtMs(said)).toBeGreaterThan(3_000);
    expect(failedAtMs(said)).toBeLessThanOrEqual(9_000);
  });
});
