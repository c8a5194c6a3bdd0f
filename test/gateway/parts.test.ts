/** The gateway's small pure parts: who gets how much time, how many retries, which header fields. */
import { expect, test } from "vitest";
import { primaryShareMs, rungShareMs, timeoutOf } from "../../agent/gateway/deadline.ts";
import { endToEnd } from "../../agent/gateway/headers.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import { RetryBudget } from "../../agent/gateway/retry-budget.ts";

test("an empty config is the defaults", () => {
  expect(gatewayOptions.parse({})).toEqual({
    host: "0.0.0.0",
    port: 9080,
    timeout: 10_000,
    reserve: 0.2,
    bodyMax: 16_777_216,
    holdMax: 65_536,
    keptMax: 268_435_456,
    active: 1_024,
    clients: 4_096,
    headMax: 65_536,
    headTimeout: 10_000,
    bodyTimeout: 300_000,
    idle: 75_000,
    lanes: "both",
    concurrency: { adaptive: false, min: 4, max: 1_000, initial: 20, tolerance: 1.5, relearn: 30_000, shares: { default: 0.9, sheddable: 0.75 } },
    quarantine: { enabled: true, bodyMax: 65_536, crashes: 2, ttl: 600_000, suspects: 256 },
    hedge: {},
    retry: { ratio: 0.2, min: 3 },
    sample: { ratio: 0.1, bodyMax: 1_048_576 },
    connections: 128,
    workers: 1,
    linger: 5_000,
    drain: 10_000,
  });
});

test("a client may ask for less time than the config allows, not for more, and nonsense is not heard", () => {
  const ask = (ours?: string, envoys?: string) => timeoutOf({ "pilotfish-timeout-ms": ours, "x-envoy-expected-rq-timeout-ms": envoys }, 10_000);
  expect([ask(), ask("500"), ask("500.5"), ask("20000"), ask(undefined, "700"), ask("500", "700")]).toEqual([10_000, 500, 500.5, 10_000, 700, 500]);
  expect(["0", "-5", "soon", "1e3", "", "99999999999"].map((said) => ask(said))).toEqual(Array.from({ length: 6 }, () => 10_000));
});

test("the rungs' share: a fifth, at least 25 ms, at most half; nothing where there are none", () => {
  expect(primaryShareMs(10_000, 0.2, 1)).toBe(8_000);
  expect(primaryShareMs(100, 0.2, 1)).toBe(75);
  expect(primaryShareMs(20, 0.2, 1)).toBe(10);
  expect(primaryShareMs(10_000, 0.2, 0)).toBe(10_000);
  expect([rungShareMs(2_000, 0), rungShareMs(2_000, 2), rungShareMs(30, 1)]).toEqual([2_000, 1_950, 15]);
});

test("retries are a share of the last ten seconds' requests, and buckets expire by themselves", () => {
  const budget = new RetryBudget({ ratio: 0.2, min: 3 });
  const granted = (nowMs: number, asked: number) => Array.from({ length: asked }, () => budget.take(nowMs)).filter(Boolean).length;
  expect(granted(0, 10)).toBe(3);
  for (let i = 0; i < 100; i += 1) budget.request(4_000);
  expect(granted(5_000, 50)).toBe(17); // a fifth of 100, less the 3 that were taken
  expect(granted(9_999, 50)).toBe(0);
  expect(granted(10_000, 50)).toBe(3); // the first 3 are forgotten
  expect(granted(14_000, 50)).toBe(0); // the requests are forgotten too; 20 retries are still remembered
  expect(granted(7_200_000, 50)).toBe(3);
});

test("no retry at all where the policy says so", () => {
  const budget = new RetryBudget({ ratio: 0, min: 0 });
  budget.request(0);
  expect(budget.take(0)).toBe(false);
});

test("what Connection names stays behind, but it can not name what frames or addresses the message", () => {
  const fields = ["Host", "h", "Connection", "close, X-A , content-length, HOST", "x-a", "1", "X-B", "2", "Content-Length", "3", "Proxy-Connection", "p", "Upgrade", "u"];
  expect(endToEnd(fields)).toEqual(["Host", "h", "X-B", "2", "Content-Length", "3"]);
  expect(endToEnd(["A", "1", "B", "2"], new Set(["b"]))).toEqual(["A", "1"]);
});
