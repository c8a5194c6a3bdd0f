/** What the model server and the rungs hear of a request's trace, and what is told of it afterwards. */
import { describe, expect } from "vitest";
import type { ExchangeObservation } from "../../agent/observation.ts";
import { bodyOf, deadAddress, fallback, httpServer, post, question, rung, stage, test } from "./stage.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callers = "00f067aa0ba902b7";
const sampledContext = { traceparent: `00-${traceId}-${callers}-03`, tracestate: "vendor=1,other=2" };

describe.each(["both", "ordinary"] as const)("lanes: %s", (lanes) => {
  async function heardBy(deps: object, headers: Record<string, string>, ratio: number = 0) {
    const heard: Record<string, unknown>[] = [];
    const server = await httpServer((request, response) => void bodyOf(request).then(() => (heard.push(request.headers), response.end("{}"))));
    const { url, exchange } = await stage(server, deps, { lanes, sample: { ratio } });
    await post(url, question, headers);
    return { heard: heard[0] as Record<string, string>, exchange: (await exchange()) as ExchangeObservation };
  }

  test("where spans are exported, the server hears of the attempt's span in the client's trace, with the flags and the state as they came", async () => {
    const { heard, exchange } = await heardBy({ traced: true }, sampledContext);
    const [attempt] = exchange.trace?.attempts ?? [];
    expect(heard["traceparent"]).toBe(`00-${traceId}-${attempt?.spanId}-03`);
    expect(heard["tracestate"]).toBe(sampledContext.tracestate);
    expect(exchange.trace).toMatchObject({ traceId, parentSpanId: callers, state: sampledContext.tracestate, method: "POST", protocol: "open-inference" });
    expect(new Set([callers, exchange.trace?.spanId, attempt?.spanId]).size).toBe(3);
    expect(attempt).toMatchObject({ backend: "primary", outcome: "ok", status: 200 });
  });

  test("where they are not, the context passes as it came", async () => {
    const { heard, exchange } = await heardBy({}, sampledContext);
    expect(heard["traceparent"]).toBe(sampledContext.traceparent);
    expect(exchange.traceparent).toBe(sampledContext.traceparent);
  });

  test("a client that says it is not sampled is believed, though we would have sampled", async () => {
    const traceparent = `00-${traceId}-${callers}-00`;
    const { heard, exchange } = await heardBy({ traced: true }, { traceparent }, 1);
    expect(heard["traceparent"]).toBe(traceparent);
    expect(exchange.trace).toBeUndefined();
  });

  test("a request without a context, or with a broken one, that we sample begins a trace of its own", async () => {
    for (const headers of [{}, { traceparent: "nonsense" }, { traceparent: `00-${"0".repeat(32)}-${callers}-01` }]) {
      const { heard, exchange } = await heardBy({ traced: true }, headers as Record<string, string>, 1);
      expect(exchange.trace?.parentSpanId).toBeUndefined();
      expect(heard["traceparent"]).toBe(`00-${exchange.trace?.traceId}-${exchange.trace?.attempts[0]?.spanId}-01`);
    }
  });

  test("vendors' state goes on with the client's trace only: a trace that begins here has none, with the primary and with a rung", async () => {
    for (const headers of [{ traceparent: "nonsense", tracestate: "vendor=1" }, { tracestate: "vendor=1" }] as Record<string, string>[]) {
      const { heard, exchange } = await heardBy({ traced: true }, headers, 1);
      expect(heard["traceparent"]).toContain(exchange.trace?.traceId);
      expect(heard).not.toHaveProperty("tracestate");
      expect(exchange.trace?.state).toBeUndefined();

      const asked: Record<string, unknown>[] = [];
      const small = rung("small", fallback("{}"));
      const hearing = { ...small, answer: (...[given, signal]: Parameters<typeof small.answer>) => (asked.push(given.headers), small.answer(given, signal)) };
      const { url } = await stage(await deadAddress(), { traced: true, rungs: [hearing] }, { lanes, sample: { ratio: 1 } });
      await post(url, question, headers);
      expect(asked).toHaveLength(1);
      expect(asked[0]).not.toHaveProperty("tracestate");
    }
  });

  test("one that nobody samples has no trace, and nothing is added to it", async () => {
    const { heard, exchange } = await heardBy({ traced: true }, {});
    expect(heard).not.toHaveProperty("traceparent");
    expect(exchange.trace).toBeUndefined();
  });

  test("every attempt is told, in order: the primary's that failed, and the rung's that answered, which hears of its own span", async () => {
    const asked: (string | undefined)[] = [];
    const small = rung("small", fallback("{}"));
    const hearing = { ...small, answer: (...[given, signal]: Parameters<typeof small.answer>) => (asked.push(given.headers["traceparent"] as string), small.answer(given, signal)) };
    const { url, exchange, attempts } = await stage(await deadAddress(), { traced: true, rungs: [hearing] }, { lanes, sample: { ratio: 0 } });
    await post(url, question, sampledContext);
    const { trace, durationMs } = (await exchange()) as ExchangeObservation;
    expect(trace?.attempts.map(({ backend, outcome }) => [backend, outcome]).at(-1)).toEqual(["small", "ok"]);
    expect(trace?.attempts[0]).toMatchObject({ backend: "primary", outcome: "refused" });
    expect(asked).toEqual([`00-${traceId}-${trace?.attempts.at(-1)?.spanId}-03`]);
    for (const attempt of trace?.attempts ?? []) expect(attempt.startMs + attempt.durationMs).toBeLessThanOrEqual(durationMs);
    expect(attempts().map((attempt) => attempt.trace?.spanId)).toEqual(trace?.attempts.map(({ spanId }) => spanId));
  });
});
