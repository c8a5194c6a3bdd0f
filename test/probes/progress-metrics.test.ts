import { expect, test } from "vitest";
import { systemClock, wait } from "../../agent/clock.ts";
import { ask as realAsk, type Asked } from "../../agent/forward/ask.ts";
import { metricsPage as page, type MetricsPageDeps, type MetricsPageOptions } from "../../agent/adapters/page.ts";
import { progressMetrics } from "../../agent/probes/progress-metrics.ts";
import { progressProbe } from "../../agent/probes/progress-probe.ts";
import type { GatewayWork } from "../../agent/probes/progress.ts";
import { FakeClock } from "../fake-clock.ts";
import { metricsPage } from "./engine.ts";
import { testServer } from "./server.ts";

const reader = (of: MetricsPageOptions, deps: MetricsPageDeps) => progressMetrics(page(of, deps));
const options: MetricsPageOptions = { server: new URL("http://server:8080/base"), url: undefined, adapter: "auto", timeoutMs: 1_000 };
const never = new AbortController().signal;
const shows = { running: 2, waiting: 1, moves: 7 };

/** A host with a page at each of these addresses; anything else is refused. */
function host(pages: Readonly<Record<string, string>>) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const ask = async (_: unknown, { url }: { readonly url: string | URL }): Promise<Asked> => {
    asked.push(url.toString());
    const page = pages[url.toString()];
    if (page === undefined) return { ok: false, outcome: "refused", detail: "", durationMs: 1 };
    return { ok: true, status: 200, headers: {}, body: Buffer.from(page), durationMs: 1 };
  };
  return { asked, deps: { clock, ask, model: () => undefined } };
}

test("`auto` looks in the places of all adapters in turn, and stays where it found one", async () => {
  const { asked, deps } = host({ "http://server:8082/metrics": metricsPage("MLServer, recorded", shows) });
  const read = reader(options, deps);
  expect([await read(never), await read(never)]).toEqual([undefined, undefined]);
  expect(await read(never)).toMatchObject({ adapter: "mlserver", inFlight: 3, movesBy: "answers" });
  expect(await read(never)).toMatchObject({ adapter: "mlserver" });
  expect(asked).toEqual(["http://server:8080/base/metrics", "http://server:8002/metrics", "http://server:8082/metrics", "http://server:8082/metrics"]);
});

test("another server's page on the way, such as a node's, is passed by", async () => {
  const { deps } = host({ "http://server:8080/base/metrics": "node_load1 0.4\n", "http://server:8002/metrics": metricsPage("Triton, recorded", shows) });
  const read = reader(options, deps);
  expect(await read(never)).toBeUndefined();
  expect(await read(never)).toMatchObject({ adapter: "triton", inFlight: 1 });
});

test("a place that was found is kept while it is down, and a configured one is the only one", async () => {
  const pages: Record<string, string> = { "http://server:8080/base/metrics": metricsPage("vLLM, recorded", shows) };
  const { asked, deps } = host(pages);
  const read = reader(options, deps);
  await read(never);
  delete pages["http://server:8080/base/metrics"];
  await read(never);
  await read(never);
  expect(new Set(asked)).toEqual(new Set(["http://server:8080/base/metrics"]));

  const other = host({});
  const readThere = reader({ ...options, url: new URL("http://elsewhere:9000/m") }, other.deps);
  await readThere(never);
  await readThere(never);
  expect(new Set(other.asked)).toEqual(new Set(["http://elsewhere:9000/m"]));
});

test("a status, a page cut short and one too large are no reading; over real sockets", async () => {
  const page = metricsPage("vLLM, recorded", shows);
  const bodies = [[503, page], [200, page.slice(0, 900)], [200, page + "x".repeat(2 * 1_048_576)], [200, page]] as const;
  await using server = await testServer((_, response) => {
    const [status, body] = bodies[server.asked.length - 1] ?? [404, ""];
    response.writeHead(status).end(body);
  });
  const read = reader({ ...options, server: server.url, adapter: "vllm" }, { clock: systemClock, ask: realAsk, model: () => undefined });
  const seen = [await read(never), await read(never), await read(never), await read(never)];
  expect(seen.map((work) => work?.inFlight)).toEqual([undefined, undefined, undefined, 3]);
});

/** How often the page is asked for, with pages that take so long. */
async function pagesAsked(durationMs: number, work: (nowMs: number) => GatewayWork | undefined): Promise<number> {
  const clock = new FakeClock();
  let asked = 0;
  const readServerWork = async () => {
    asked += 1;
    const readAtMs = clock.monotonicMs();
    if (durationMs > 0) await wait(clock, durationMs);
    return { adapter: "vllm", inFlight: 1, progress: readAtMs, readAtMs, movesBy: "steps" } as const;
  };
  const probe = progressProbe({ intervalMs: 250, floorMs: 1_500, factor: 2, coldMs: 10_000, staleMs: 5_000 }, { clock, work: () => work(clock.monotonicMs()), readServerWork });
  clock.every(250, () => void probe.ask(never));
  await clock.advanceAsync(60_000, 125);
  return asked;
}

test("the page is not asked for while answers come through the gateway, and asked for while they do not", async () => {
  expect(await pagesAsked(0, (nowMs) => ({ inFlight: 3, completed: nowMs, oldestWaitMs: 20, usualMs: 20 }))).toBeLessThanOrEqual(1);
  expect(await pagesAsked(0, (nowMs) => ({ inFlight: 3, completed: 9, oldestWaitMs: nowMs, usualMs: 20 }))).toBeGreaterThanOrEqual(239);
});

test("a page that is dear is asked for less often: a quarter of the time goes into it at most", async () => {
  expect(await pagesAsked(0, () => undefined)).toBe(240);
  expect(await pagesAsked(500, () => undefined)).toBeLessThanOrEqual(30);
});
