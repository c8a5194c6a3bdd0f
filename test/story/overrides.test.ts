/** A person overrides a running agent through its API: what clients get at once, after a reload, after a restart, and when it is over. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { startAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { systemClock } from "../../agent/clock.ts";
import type { Config } from "../../agent/config/config.ts";
import { silent } from "../../agent/log.ts";
import { storeOptions } from "../../agent/store/options.ts";
import { openStore } from "../../agent/store/store.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, httpServer, post, send } from "../gateway/stage.ts";
import { storyConfig } from "./config.ts";
import { swim } from "./swim.ts";

const answer = '{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.25]}]}';
const metadata = '{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}';
const path = "/v2/models/m/infer";
const question = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]}';

/** A model server that answers as long as it is well, and a replica that does not. */
async function servers() {
  const server = { url: "", asked: 0, isWell: true };
  const url = await httpServer((request, response) => {
    void bodyOf(request).then(() => {
      if (request.method === "POST") server.asked += 1;
      const body = request.method === "POST" ? answer : metadata;
      response.writeHead(server.isWell ? 200 : 500, { "content-length": body.length }).end(body);
    }, () => {});
  });
  const broken = await httpServer((_, response) => response.writeHead(500).end());
  return { server: Object.assign(server, { url: url.origin }), broken: broken.origin };
}

const ladder = (broken: string) => `ladder: [{ kind: replica, name: broken, urls: ["${broken}"] }, { kind: default, name: first, outputs: { y: 1 } }, { kind: default, name: second, outputs: { y: 2 } }]`;

async function swimming(config: Config, clock = new FakeClock()) {
  const { agent, close } = await swim(config, clock);
  const at = (port: number) => new URL(`http://127.0.0.1:${port}`);
  const { gateway, api, metrics } = agent.listeners;
  const infer = async () => {
    const { status, headers } = await post(at(gateway.port), question, {}, path);
    return `${status} ${String(headers["pilotfish-rung"])} (${String(headers["pilotfish-reason"])})`;
  };
  const ask = async (method: string, route: string, body?: object) => {
    const { status, body: bytes } = await send(at(api.port), route, { method, ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }) });
    return { status, body: JSON.parse(bytes.toString()) as Record<string, unknown> };
  };
  const override = (body: object) => ask("POST", "/v1/overrides", { reason: "a story", ...body });
  const page = async () => (await send(at(metrics.port), "/metrics")).body.toString();
  return { agent, clock, close, infer, ask, override, page };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "overrides-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

test("a pin holds for the next request, ends by itself, and is in the series and in the audit with owner and reason", async () => {
  const { server, broken } = await servers();
  const file = join(await folder(), "state.db");
  const { infer, override, ask, page, clock, close } = await swimming(storyConfig(server.url, "m", `${ladder(broken)}\nstore: { path: "${file}" }`));
  expect(await infer()).toBe("200 primary (normal)");
  expect(await override({ action: "pin", rung: "second", owner: "ada", ttl: "10m" })).toMatchObject({ status: 201, body: { warnings: [] } });
  expect(await infer()).toBe("200 second (override)");
  const asked = server.asked;
  expect(await infer()).toBe("200 second (override)");
  expect(server.asked).toBe(asked);
  expect((await ask("GET", "/v1/state")).body).toMatchObject({ status: "isolated", rung: "second", reason: "override", override: { owner: "ada", rung: "second" } });
  expect(await page()).toMatch(/^pilotfish_override_active\{action="pin"\} 1$/m);
  expect(await page()).toMatch(/^pilotfish_override_until_time_seconds \d+$/m);

  clock.advance(600_000);
  expect(await infer()).toBe("200 primary (normal)");
  expect(await page()).toMatch(/^pilotfish_override_active\{action="pin"\} 0$/m);
  expect(await page()).not.toMatch(/^pilotfish_override_until/m);
  await close();
  const store = openStore(storeOptions.parse({ path: file }), { log: silent, wallMs: () => clock.wallMs() });
  onTestFinished(() => store.close());
  expect(store.events(10).filter(({ kind }) => kind === "audit").map(({ detail }) => detail)).toMatchObject([
    { who: "ada", action: "override.pin", result: "ended", reason: "a story" },
    { who: "local", action: "override.pin", result: "done", reason: "a story", detail: { owner: "ada", rung: "second" } },
  ]);
});

test("behind a pinned rung that fails the ladder goes on, and behind the whole ladder the primary", async () => {
  const { server, broken } = await servers();
  const long = await swimming(storyConfig(server.url, "m", ladder(broken)));
  await long.override({ action: "pin", rung: "broken" });
  expect(await long.infer()).toBe("200 first (override)");

  const short = await swimming(storyConfig(server.url, "m", `ladder: [{ kind: replica, name: broken, urls: ["${broken}"] }]`));
  await short.override({ action: "pin", rung: "broken" });
  expect(await short.infer()).toBe("200 primary (override)");
  await short.override({ action: "drain" });
  const asked = server.asked;
  expect(await short.infer()).toMatch(/^503 none/);
  expect(server.asked).toBe(asked);
});

test("the pinned primary is tried first though it is dead, each request is caught by the ladder, and it is well again when the pin ends", async () => {
  const { server, broken } = await servers();
  const { infer, override, ask, clock } = await swimming(storyConfig(server.url, "m", ladder(broken)));
  await infer();
  server.isWell = false;
  for (let i = 0; i < 4; i += 1) await infer();
  expect(await override({ action: "pin", rung: "primary" })).toMatchObject({ status: 201, body: { warnings: [expect.stringContaining("the primary is failing")] } });
  const asked = server.asked;
  expect(await infer()).toBe("200 first (error)");
  expect(server.asked).toBeGreaterThan(asked);
  server.isWell = true;
  expect(await infer()).toBe("200 primary (override)");
  for (let i = 0; i < 400 && (await ask("GET", "/v1/state")).body["status"] !== "healthy"; i += 1) {
    await infer();
    clock.advance(100);
  }
  expect(await ask("DELETE", "/v1/overrides/current?reason=well+again")).toMatchObject({ status: 200 });
  expect(await infer()).toBe("200 primary (normal)");
});

test("it outlives a reload and a restart, and ends at its time all the same", async () => {
  const { server, broken } = await servers();
  const config = storyConfig(server.url, "m", `${ladder(broken)}\nstore: { path: "${join(await folder(), "state.db")}" }`);
  const first = await swimming(config);
  await first.override({ action: "pin", rung: "second", ttl: "1h" });
  await first.agent.reload({ ...config, failover: { ...config.failover, failures: 9 } });
  expect(await first.infer()).toBe("200 second (override)");
  await first.close();

  const second = await swimming(config, new FakeClock(first.clock.wallMs() + 30 * 60_000));
  expect(await second.infer()).toBe("200 second (override)");
  expect((await second.ask("GET", "/v1/overrides")).body).toMatchObject({ overrides: [{ action: "pin", rung: "second" }] });
  second.clock.advance(30 * 60_000);
  expect(await second.infer()).toBe("200 primary (normal)");
  await second.close();

  const third = await swimming(config);
  expect((await third.ask("GET", "/v1/overrides")).body).toEqual({ overrides: [] });
});

test("an answer that the model was not sure of waits for a person, outlives a restart, and what the person says is its actual", async () => {
  const { server } = await servers();
  const config = storyConfig(server.url, "m", `monitors: { score: y }\nconfidence: { accept: 0.9, below: review }\nstore: { path: "${join(await folder(), "state.db")}" }`);
  const first = await swimming(config);
  expect(await first.infer()).toBe("200 primary (normal)");
  const { body } = await first.ask("GET", "/v1/reviews");
  expect(body).toMatchObject({ reviews: [{ id: "1", kind: "answer", evidence: "the model was not sure of row 0: its confidence was 0.750" }], next: null });
  expect(await first.page()).toMatch(/^pilotfish_reviews_open\{kind="answer"\} 1$/m);
  await first.close();

  const second = await swimming(config, new FakeClock(first.clock.wallMs()));
  expect(await second.ask("POST", "/v1/reviews/1", { actual: 1, reason: "it came true" })).toMatchObject({ status: 200, body: { state: "answered" } });
  expect((await second.ask("GET", "/v1/reviews")).body).toEqual({ reviews: [], next: null });
  for (let i = 0; i < 400 && !/pilotfish_actuals_total\{[^}]*\} [1-9]/.test(await second.page()); i += 1) second.clock.advance(100);
  expect(await second.page()).toMatch(/^pilotfish_actuals_total\{.*result="[a-z]+"\} 1$/m);
});

test("with several workers it holds for the next request of each of them", async () => {
  const { server, broken } = await servers();
  const config = storyConfig(server.url, "m", ladder(broken).concat("\nprobes: { http: { timeout: 20s }, progress: { floor: 20s } }"));
  const agent = await startAgent({ ...config, gateway: { ...config.gateway, workers: 2, linger: 0 } }, { clock: systemClock, log: silent, version: "test", analysis: inlineAnalysis });
  onTestFinished(async () => void (await agent.close()));
  const api = new Pool(`http://127.0.0.1:${agent.listeners.api.port}`, { connections: 1 });
  onTestFinished(() => api.destroy());
  const ask = () => post(new URL(`http://127.0.0.1:${agent.listeners.gateway.port}`), question, {}, path);
  const rungs = async () => new Set((await Promise.all(Array.from({ length: 24 }, ask))).map(({ headers }) => headers["pilotfish-rung"]));
  expect(await rungs()).toEqual(new Set(["primary"]));
  for (const [body, rung] of [[{ action: "pin", rung: "second" }, "second"], [{ action: "drain" }, "first"], [{ action: "pin", rung: "primary" }, "primary"]] as const) {
    const { statusCode, body: said } = await api.request({ method: "POST", path: "/v1/overrides", headers: { "content-type": "application/json" }, body: JSON.stringify({ ...body, reason: "a story" }) });
    expect([statusCode, await said.text()]).toMatchObject([201, expect.stringContaining("override")]);
    expect(await rungs()).toEqual(new Set([rung]));
  }
});
