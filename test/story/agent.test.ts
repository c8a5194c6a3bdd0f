/**
 * The whole agent on one thread and a clock turned by hand, before a model server that can be told to fail. Sockets are real,
 * so `settled` lets them turn until something is so; no test waits for time to pass.
 */
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startAgent, type RunningAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { parseConfig, type Config } from "../../agent/config/config.ts";
import { silent, type Log } from "../../agent/log.ts";
import { FakeClock } from "../fake-clock.ts";

type Mood = "well" | "failing" | "hanging";

interface ModelServer {
  readonly url: string;
  mood: Mood;
  readonly asked: () => number;
  /** Answers what was left hanging. */
  readonly letGo: () => void;
  readonly close: () => void;
}

const answer = { model_name: "m", model_version: "1", outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [0.25] }] };
const metadata = { name: "m", versions: ["1"], inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }], outputs: [{ name: "y", datatype: "FP32", shape: [-1] }] };

const opened: (() => void | Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function modelServer(): Promise<ModelServer> {
  const hanging: (() => void)[] = [];
  let asked = 0;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const reply = (status: number, body: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "POST") asked += 1;
    const go = () => (server.mood === "failing" ? reply(500, { error: "broken" }) : request.method === "POST" ? reply(200, answer) : reply(200, metadata));
    if (server.mood === "hanging") hanging.push(() => reply(200, answer));
    else request.resume().on("end", go);
  };
  const listener: Server = createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const close = () => {
    listener.closeAllConnections();
    listener.close();
  };
  opened.push(close);
  const server: ModelServer = {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    mood: "well",
    asked: () => asked,
    letGo: () => hanging.splice(0).forEach((go) => go()),
    close,
  };
  return server;
}

function configOf(text: string): Config {
  const parsed = parseConfig(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const yaml = (server: ModelServer, fallback: number, more: string = "") => `
server: { url: "${server.url}" }
model: { name: m }
gateway: { host: 127.0.0.1, port: 0 }
api: { port: 0 }
metrics: { host: 127.0.0.1, port: 0 }
collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } }
ladder: [{ kind: default, outputs: { y: ${fallback} } }]
${more}`;

interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

async function startSwimming(config: Config, log: Log = silent) {
  const clock = new FakeClock();
  const agent: RunningAgent = await startAgent(config, { clock, log, version: "test", analysis: inlineAnalysis });
  opened.push(async () => {
    const closed = agent.close();
    let done = false;
    void closed.finally(() => (done = true));
    for (let i = 0; i < 10_000 && !done; i += 1) {
      clock.advance(50);
      await turn();
    }
  });
  const infer = (headers: Record<string, string> = {}): Promise<Reply> => post(agent.listeners.gateway.port, "/v2/models/m/infer", { inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] }, headers);
  const state = async () => (await get(agent.listeners.api.port, "/v1/state")).body as { status: string; rung: string; reason: string; rev: number };
  return { clock, agent, infer, state };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets sockets turn, and the clock by `stepMs` each time, until it is so. */
async function settled(clock: FakeClock, isSo: () => boolean | Promise<boolean>, stepMs: number = 0): Promise<void> {
  for (let i = 0; i < 5_000; i += 1) {
    if (await isSo()) return;
    if (stepMs > 0) clock.advance(stepMs);
    await turn();
  }
  throw new Error("it did not come to that");
}

function post(port: number, path: string, body: unknown, headers: Record<string, string>): Promise<Reply> {
  return send(port, "POST", path, JSON.stringify(body), headers);
}

function get(port: number, path: string): Promise<Reply> {
  return send(port, "GET", path, "", {});
}

function send(port: number, method: string, path: string, body: string, headers: Record<string, string>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = ask({ port, method, path, host: "127.0.0.1", agent: false, headers: { ...headers, ...(body === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

test("steady: answers pass untouched and say who gave them", async () => {
  const server = await modelServer();
  const { infer, state, clock } = await startSwimming(configOf(yaml(server, 0.5)));
  const { status, headers, body } = await infer({ "pilotfish-inference-id": "first" });
  expect({ status, body }).toEqual({ status: 200, body: answer });
  expect(headers).toMatchObject({ "pilotfish-rung": "primary", "pilotfish-reason": "normal", "pilotfish-model-version": "1", "pilotfish-inference-id": "first" });
  await settled(clock, async () => (await state()).status === "healthy");
});

test("a server that fails: each client is answered by the rung, five attempts in a row open the circuit, a good trial closes it", async () => {
  const server = await modelServer();
  const { infer, state, clock } = await startSwimming(configOf(yaml(server, 0.5)));
  await infer();
  server.mood = "failing";
  // Each request tries the primary twice, so the third one's first attempt is the fifth failure.
  for (const reason of ["error", "error", "error", "circuit-open"]) {
    const { status, headers, body } = await infer();
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "pilotfish-rung": "default", "pilotfish-reason": reason });
    expect(body).toMatchObject({ model_name: "m", outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [0.5] }] });
  }
  expect(await state()).toMatchObject({ status: "failed", rung: "default" });
  const askedBefore = server.asked();
  expect((await infer()).headers).toMatchObject({ "pilotfish-rung": "default" });
  expect(server.asked()).toBe(askedBefore);

  server.mood = "well";
  await settled(clock, async () => (await state()).status === "probation", 50);
  expect((await infer()).headers).toMatchObject({ "pilotfish-rung": "primary", "pilotfish-reason": "trial" });
  expect((await infer()).headers).toMatchObject({ "pilotfish-rung": "primary", "pilotfish-reason": "normal" });
  expect(await state()).toMatchObject({ status: "healthy", rung: "primary" });
});

test("what was asked before is answered as it was then, by the rung that remembers", async () => {
  const server = await modelServer();
  const remembering = "ladder: [{ kind: last-good }, { kind: default, outputs: { y: 0.5 } }]";
  const { infer } = await startSwimming(configOf(yaml(server, 0.5).replace(/ladder: .*/, remembering)));
  await infer();
  server.mood = "failing";
  const { headers, body } = await infer();
  expect(headers).toMatchObject({ "pilotfish-rung": "last-good", "pilotfish-reason": "error", "pilotfish-model-version": "1" });
  expect(body).toEqual(answer);
});

test("a server that succeeds every third time is taken out by its ratio, though no five attempts in a row fail", async () => {
  const server = await modelServer();
  const { infer, state } = await startSwimming(configOf(yaml(server, 0.5)));
  for (let i = 0; i < 30; i += 1) {
    server.mood = i % 3 === 0 ? "well" : "failing";
    await infer();
    if ((await state()).status !== "healthy" && (await state()).status !== "suspect") break;
  }
  expect(await state()).toMatchObject({ status: "failed", rung: "default" });
});

test("a server of another protocol is found out by asking it, and its clients fall back in its own words", async () => {
  let failing = false;
  const listener = createServer((request, response) => {
    const reply = (status: number, body: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    request.resume().on("end", () => {
      if (request.url === "/v1/models") return reply(200, { models: ["m"] });
      if (request.url === "/v1/models/m") return reply(200, { name: "m", ready: true });
      if (request.url === "/v1/models/m:predict") return failing ? reply(500, { error: "broken" }) : reply(200, { predictions: [0.25] });
      return reply(request.url === "/" ? 200 : 404, { status: "alive" });
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  opened.push(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const server = { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}` } as ModelServer;
  const { agent, clock } = await startSwimming(configOf(yaml(server, 0.5).replace("outputs: { y: 0.5 }", "outputs: { predictions: 0.5 }")));
  const predict = () => post(agent.listeners.gateway.port, "/v1/models/m:predict", { instances: [[1]] }, {});
  await settled(clock, async () => (await predict()).headers["pilotfish-rung"] === "primary", 20);
  failing = true;
  const { status, headers, body } = await predict();
  expect({ status, body }).toEqual({ status: 200, body: { predictions: [0.5] } });
  expect(headers).toMatchObject({ "pilotfish-rung": "default", "pilotfish-reason": "error" });
});

test("a server that hangs with its port open: waiting clients are called back and answered within seconds", async () => {
  const server = await modelServer();
  const { infer, state, clock } = await startSwimming(configOf(yaml(server, 0.5)));
  for (let i = 0; i < 3; i += 1) await infer();
  server.mood = "hanging";
  const startMs = clock.monotonicMs();
  const waiting = [infer(), infer(), infer()];
  await settled(clock, () => server.asked() >= 6);
  await settled(clock, async () => (await state()).status === "failed", 50);
  expect(clock.monotonicMs() - startMs).toBeLessThanOrEqual(3_000);
  for (const { status, headers } of await Promise.all(waiting)) {
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "pilotfish-rung": "default", "pilotfish-reason": "stalled" });
  }
  server.mood = "well";
  server.letGo();
  await settled(clock, async () => (await state()).status === "probation", 50);
  expect((await infer()).headers).toMatchObject({ "pilotfish-reason": "trial" });
});

test("a reload takes effect without a lost request, and the state goes on from where it was", async () => {
  const server = await modelServer();
  const { agent, infer, state, clock } = await startSwimming(configOf(yaml(server, 0.5)));
  await infer();
  server.mood = "failing";
  for (let i = 0; i < 5; i += 1) await infer();
  const before = await state();
  expect(before.status).toBe("failed");

  const reloaded = agent.reload(configOf(yaml(server, 0.75)));
  const answers = [];
  for (let i = 0; i < 10; i += 1) answers.push(await infer());
  await reloaded;
  answers.push(await infer());
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.at(-1)?.body).toMatchObject({ outputs: [{ data: [0.75] }] });
  const after = await state();
  expect(after).toMatchObject({ status: "failed", rung: "default" });
  expect(after.rev).toBeGreaterThan(before.rev);
  server.mood = "well";
  await settled(clock, async () => (await state()).status === "probation", 50);
});

test("rooms that a reload has replaced keep silent: what they still see is not told as the state", async () => {
  const server = await modelServer();
  const { agent, infer, state, clock } = await startSwimming(configOf(yaml(server, 0.5)));
  await infer();
  server.mood = "hanging";
  // One request is still under way at the old rooms, which drain for its sake while the new ones swim on.
  const waiting = infer({ "pilotfish-timeout-ms": "60000" });
  await settled(clock, () => server.asked() === 2);
  const other = await modelServer();
  const reloaded = agent.reload(configOf(yaml(other, 0.5)));
  await settled(clock, async () => (await infer()).headers["pilotfish-rung"] === "primary" && other.asked() > 0);
  const revs: number[] = [];
  await settled(clock, async () => {
    const { rev, status } = await state();
    revs.push(rev);
    expect(status).not.toBe("failed");
    return revs.length > 60;
  }, 50);
  expect(revs).toEqual(revs.toSorted((a, b) => a - b));
  server.letGo();
  expect((await waiting).status).toBe(200);
  await settled(clock, async () => Promise.race([reloaded.then(() => true), turn().then(() => false)]), 50);
  const subscribed = (await get(agent.listeners.api.port, "/v1/signals")).body as { states: { target: { endpoint: string }; status: string }[] };
  expect(subscribed.states.filter(({ target }) => target.endpoint === server.url).map(({ status }) => status)).not.toContain("failed");
});

test("a reload with a config whose files are gone changes nothing, and says so", async () => {
  const server = await modelServer();
  const errors: string[] = [];
  const { agent, infer } = await startSwimming(configOf(yaml(server, 0.5)), { ...silent, error: (_, message) => void errors.push(message) });
  await agent.reload(configOf(yaml(server, 0.75, 'probes: { inference: { request: "/nowhere/request.json", expect: { y: [1] } } }')));
  expect(errors).toEqual(["the config was not reloaded, the old one stays in force"]);
  server.mood = "failing";
  expect((await infer()).body).toMatchObject({ outputs: [{ data: [0.5] }] });
  const { body } = await new Promise<{ body: string }>((resolve, reject) => {
    ask({ port: agent.listeners.metrics.port, host: "127.0.0.1", path: "/metrics", agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ body: Buffer.concat(chunks).toString("utf8") }));
    }).on("error", reject).end();
  });
  expect(body).toMatch(/^pilotfish_config_last_reload_success 0$/m);
});

test("late actuals for what was answered are joined; for an unknown inference they are counted", async () => {
  const server = await modelServer();
  const { agent, infer, clock } = await startSwimming(configOf(yaml(server, 0.5, "monitors: { prediction: y }").replace("gateway: {", "gateway: { sample: { ratio: 1 },")));
  await infer({ "pilotfish-inference-id": "known" });
  const late = await post(agent.listeners.api.port, "/v1/actuals", [{ inference_id: "known", actual: 0.25 }, { inference_id: "never-seen", actual: 1 }], {});
  expect(late.status).toBe(202);
  const actuals = async () => ((await get(agent.listeners.api.port, "/v1/state")).body as { actuals: Record<string, number> }).actuals;
  await settled(clock, async () => (await actuals())["joined"] === 1, 100);
  // The unknown one is given a little time: its inference may be on its way.
  await settled(clock, async () => (await actuals())["unknown"] === 1, 500);
});

test("of several models behind one server the name is learnt from a body that gives one; none is no name", async () => {
  const seen = createServer((request, response) => {
    const reply = (status: number, body: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    request.resume().on("end", () => (request.url === "/v1/models" ? reply(200, { object: "list", data: [{ id: "base" }, { id: "adapter" }] }) : reply(200, { model: "base", choices: [] })));
  });
  await new Promise<void>((resolve) => seen.listen(0, "127.0.0.1", resolve));
  opened.push(() => {
    seen.closeAllConnections();
    seen.close();
  });
  const config = yaml({ url: `http://127.0.0.1:${(seen.address() as AddressInfo).port}` } as ModelServer, 0.5)
    .replace(/server: .*/, (line) => line.replace(" }", ", protocol: openai }"))
    .replace("model: { name: m }\n", "")
    .replace(/ladder: .*/, "ladder: []");
  const { agent, state, clock } = await startSwimming(configOf(config));
  const chat = (model: string | undefined) => post(agent.listeners.gateway.port, "/v1/chat/completions", { messages: [{ role: "user", content: "hi" }], model }, {});
  const named = async () => ((await state()) as unknown as { model: { name: string } }).model.name;
  await chat(undefined);
  await settled(clock, async () => (await state()).status === "healthy", 50);
  expect(await named()).toBe("unknown");
  await chat("adapter");
  await settled(clock, async () => (await named()) === "adapter", 50);
  await chat("base");
  clock.advance(500);
  expect(await named()).toBe("adapter");
});
