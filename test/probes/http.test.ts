import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { ask } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import type { Observation, ProbeObservation } from "../../agent/observation.ts";
import { httpProbe, type HttpProbeDeps } from "../../agent/probes/http.ts";
import { probesOptions } from "../../agent/probes/probes.ts";
import { runProbe } from "../../agent/probes/run.ts";
import type { Protocol } from "../../agent/protocols/protocol.ts";
import { protocols } from "../../agent/protocols/protocols.ts";
import { FakeClock } from "../fake-clock.ts";
import { Heard, testServer } from "./server.ts";

const never = new AbortController().signal;
const probeOf = (url: URL, timeoutMs = 2_000) => httpProbe({ url, intervalMs: 1_000, timeoutMs }, { clock: systemClock, ask });

test.each([
  [200, "pass", "none"],
  [204, "pass", "none"],
  [302, "fail", "status"],
  [400, "fail", "status"], // Triton's word for not ready
  [503, "fail", "status"],
])("status %d alone decides: %s", async (status, verdict, reason) => {
  await using server = await testServer((_, response) => response.writeHead(status).end('{"live": "who knows"}'));
  const seen = await probeOf(new URL("/v2/health/ready", server.url)).ask(never);
  expect(seen).toMatchObject({ kind: "probe", probe: "http", verdict, reason, detail: `GET /v2/health/ready answered ${status}` });
  expect(seen.durationMs).toBeGreaterThan(0);
  expect(server.asked).toMatchObject([{ method: "GET", path: "/v2/health/ready" }]);
});

test("nobody there: refused; hung up on: reset; silent: timeout", async () => {
  let url: URL;
  {
    await using gone = await testServer(() => {});
    url = gone.url;
  }
  expect(await probeOf(url).ask(never)).toMatchObject({ verdict: "fail", reason: "refused" });
  await using rude = await testServer((_, response) => response.socket?.destroy());
  expect(await probeOf(rude.url).ask(never)).toMatchObject({ verdict: "fail", reason: "reset" });
  await using mute = await testServer(() => {});
  expect(await probeOf(mute.url, 50).ask(never)).toMatchObject({ verdict: "fail", reason: "timeout" });
});

test.each([["invalid"], ["too-large"]] as const)("an answer that is %s is invalid", async (outcome) => {
  const answer: typeof ask = () => Promise.resolve({ ok: false, outcome, detail: "why", durationMs: 3 });
  const probe = httpProbe({ url: new URL("http://127.0.0.1:1/ready"), intervalMs: 1_000, timeoutMs: 50 }, { clock: systemClock, ask: answer });
  expect(await probe.ask(never)).toMatchObject({ verdict: "fail", reason: "invalid", durationMs: 3, detail: "GET /ready: why" });
});

test("a detail is bounded to 200 characters", async () => {
  await using server = await testServer((_, response) => response.writeHead(500).end());
  expect((await probeOf(new URL(`/${"x".repeat(500)}`, server.url)).ask(never)).detail).toHaveLength(200);
});

describe("the model's own readiness", () => {
  /** By path: what the server answers now. */
  type Paths = Record<string, readonly [status: number, body?: string]>;
  const server = new URL("http://127.0.0.1:1");

  /** What the probe says at each state of the server, and what it asked. */
  async function verdicts(states: readonly Paths[], deps: Partial<HttpProbeDeps> = {}): Promise<[verdicts: string[], asked: string[]]> {
    let paths: Paths = {};
    const asked: string[] = [];
    const answer: typeof ask = (_, { url }) => {
      const { pathname } = new URL(url);
      asked.push(pathname);
      const [status, body = ""] = paths[pathname] ?? [404];
      return Promise.resolve({ ok: true, status, headers: {}, body: Buffer.from(body), durationMs: 1 });
    };
    const probe = httpProbe({ url: new URL("/ready", server), intervalMs: 1_000, timeoutMs: 50 }, { clock: systemClock, ask: answer, modelUrl: () => new URL("/m/ready", server), ...deps });
    const said: string[] = [];
    for (const state of states) {
      paths = state;
      said.push((await probe.ask(never)).verdict);
    }
    return [said, asked];
  }

  test("counts before the server's, whichever way they differ", async () => {
    expect(await verdicts([{ "/ready": [400], "/m/ready": [200] }, { "/ready": [200], "/m/ready": [400] }])).toEqual([["pass", "fail"], ["/m/ready", "/m/ready"]]);
  });

  test("a server without such a path is asked for its own; one whose path goes missing has lost the model", async () => {
    expect(await verdicts([{ "/ready": [200] }, { "/ready": [503] }])).toEqual([["pass", "fail"], ["/m/ready", "/ready", "/m/ready", "/ready"]]);
    expect((await verdicts([{ "/ready": [200], "/m/ready": [200] }, { "/ready": [200] }]))[0]).toEqual(["pass", "fail"]);
  });

  test("while the model's name is not known the server is asked", async () => {
    expect(await verdicts([{ "/ready": [200] }], { modelUrl: () => undefined })).toEqual([["pass"], ["/ready"]]);
  });

  test.each([
    ["tf-serving", '{"model_version_status":[{"version":"2","state":"LOADING"},{"version":"1","state":"AVAILABLE"}]}', "pass"],
    ["tf-serving", '{"model_version_status":[{"version":"1","state":"END"}]}', "fail"],
    ["tf-serving", "no JSON", "fail"],
    ["kserve", '{"name":"m","ready":true}', "pass"],
    ["kserve", '{"name":"m","ready":"False"}', "fail"],
  ] as const)("%s answers 200 in any case, and the body tells: %s", async (protocol, body, verdict) => {
    const { isReady } = protocols[protocol] as Protocol;
    expect((await verdicts([{ "/m/ready": [200, body], "/ready": [200] }], { isReady }))[0]).toEqual([verdict]);
  });
});

/** The default settings against a server that answers until `brokenAtMs`, and from then on fails by `failure`. */
async function secondFailureMs(brokenAtMs: number, failure: "timeout" | "refused"): Promise<number> {
  const clock = new FakeClock();
  const { interval: intervalMs, timeout: timeoutMs } = probesOptions.parse({}).http;
  const answering: typeof ask = async (_, { timeoutMs: limitMs }) => {
    if (clock.monotonicMs() < brokenAtMs) return { ok: true, status: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1 };
    if (failure === "timeout") await new Promise<void>((resolve) => clock.after(limitMs, resolve));
    return { ok: false, outcome: failure, detail: "", durationMs: 1 };
  };
  const failures: number[] = [];
  const observe = (seen: Observation) => {
    if ((seen as ProbeObservation).verdict === "fail") failures.push(clock.monotonicMs());
  };
  const close = runProbe(httpProbe({ url: new URL("http://127.0.0.1:1"), intervalMs, timeoutMs }, { clock, ask: answering }), { clock, log: silent, observe });
  await clock.advanceAsync(10_000, 10);
  await close();
  return (failures[1] as number) - brokenAtMs;
}

test("at default settings a hang is confirmed in at most 2.5 s and a death in 1 s, wherever in the interval it happens", async () => {
  const moments = [2_001, 2_250, 2_500, 2_750, 2_990];
  const hangs = await Promise.all(moments.map((atMs) => secondFailureMs(atMs, "timeout")));
  const deaths = await Promise.all(moments.map((atMs) => secondFailureMs(atMs, "refused")));
  expect(Math.max(...hangs)).toBeLessThanOrEqual(2_500);
  expect(Math.max(...deaths)).toBeLessThanOrEqual(1_000);
});

test("a real process: SIGSTOP is two time-outs, SIGCONT passes again, SIGKILL is refused", async () => {
  const program = 'const s=require("node:http").createServer((q,r)=>r.end("ok")).listen(0,"127.0.0.1",()=>console.log(s.address().port))';
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  const heard = new Heard<Observation>();
  const probe = httpProbe({ url: new URL(`http://127.0.0.1:${port.toString().trim()}/`), intervalMs: 100, timeoutMs: 150 }, { clock: systemClock, ask });
  const close = runProbe(probe, { clock: systemClock, log: silent, observe: heard.push });
  const next = (fits: Partial<ProbeObservation>) => heard.next((seen) => Object.entries(fits).every(([key, value]) => seen[key as keyof Observation] === value));
  try {
    await next({ verdict: "pass" });
    child.kill("SIGSTOP");
    await next({ verdict: "fail", reason: "timeout" });
    const from = heard.all.length;
    expect((await heard.count(from + 1))[from]).toMatchObject({ verdict: "fail", reason: "timeout" });
    child.kill("SIGCONT");
    await next({ verdict: "pass" });
    child.kill("SIGKILL");
    await next({ verdict: "fail", reason: "refused" });
  } finally {
    child.kill("SIGKILL");
    await close();
  }
});
