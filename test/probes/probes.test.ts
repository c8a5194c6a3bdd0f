import { expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { ask } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import type { Observation, ProbeObservation } from "../../agent/observation.ts";
import { probes, probesOptions, type ProbesDeps } from "../../agent/probes/probes.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { Heard, testServer } from "./server.ts";

function depsOf(server: URL, observe: ProbesDeps["observe"]): ProbesDeps {
  const work = { inFlight: 0, completed: 0, oldestWaitMs: undefined, usualMs: undefined };
  return { clock: systemClock, log: silent, ask, observe, server, protocol: openInference, model: () => "square", work: () => work };
}

test("every option has its default", () => {
  expect(probesOptions.parse({})).toEqual({
    http: { interval: 1_000, timeout: 750 },
    progress: { interval: 250, floor: 1_500, factor: 2, cold: 10_000, adapter: "auto" },
  });
  expect(probesOptions.parse({ inference: { request: "request.json", expect: "answer.json" } }).inference).toEqual({
    interval: 10_000,
    timeout: 2_000,
    request: "request.json",
    expect: "answer.json",
    tolerance: 1e-4,
  });
});

test.each([
  [{ http: { path: "ready" } }, "http.path"],
  [{ http: { interval: 5 } }, "http.interval"],
  [{ inference: { request: "r.json" } }, "inference.expect"],
  [{ inference: { request: "r.json", expect: {} } }, "inference.expect"],
  [{ inference: { request: {}, expect: { y: [1] }, tolerance: -1 } }, "inference.tolerance"],
  [{ progress: { factor: 0 } }, "progress.factor"],
  [{ progress: { adapter: "vlm" } }, "progress.adapter"],
  [{ tcp: {} }, ""],
])("a mistake is refused at its place: %j", (options, path) => {
  const parsed = probesOptions.safeParse(options);
  expect(parsed.success).toBe(false);
  expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toContain(path);
});

test("started, each probe asks the server at its own place and says what it saw; closed, it is quiet", async () => {
  await using server = await testServer((asked, response) => response.end(asked.method === "POST" ? '{"outputs": [{"name": "y", "shape": [1], "data": [4]}]}' : ""));
  const heard = new Heard<Observation>();
  const options = probesOptions.parse({ inference: { request: { inputs: [] }, expect: { y: [4] } } });
  const close = probes(options, depsOf(server.url, heard.push)).start();
  const seen = (await heard.count(3)) as readonly ProbeObservation[];
  await close();
  const byName = Object.fromEntries(seen.map(({ probe, verdict }) => [probe, verdict]));
  expect(byName).toEqual({ http: "pass", inference: "pass", progress: "unknown" });
  expect(server.asked.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(["GET /v2/models/square/ready", "POST /v2/models/square/infer"]);
});

test("without a known question there is no inference probe; making probes asks nothing", async () => {
  await using server = await testServer((_, response) => response.end());
  const heard = new Heard<Observation>();
  const made = probes(probesOptions.parse({ http: { path: "/healthz" } }), depsOf(server.url, heard.push));
  expect(server.asked).toEqual([]);
  const close = made.start();
  const seen = (await heard.count(2)) as readonly ProbeObservation[];
  await close();
  expect(seen.map(({ probe }) => probe).sort()).toEqual(["http", "progress"]);
  expect(server.asked).toMatchObject([{ path: "/healthz" }]);
});

test("a known request that can not be read stops the making, by the option's name", () => {
  const options = probesOptions.parse({ inference: { request: "/nowhere/request.json", expect: { y: [4] } } });
  expect(() => probes(options, depsOf(new URL("http://127.0.0.1:1"), () => {}))).toThrow(/^probes\.inference\.request: \/nowhere\/request\.json can not be read/);
});
