/**
 * The whole agent with real worker threads, before a model server that can be told to fail: what clients see is what they see
 * of one thread. The clock is the machine's, since threads have no other; whatever is waited for is asked for until it is so.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Pool } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { startAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { systemClock } from "../../agent/clock.ts";
import { parseConfig, type Config } from "../../agent/config/config.ts";
import { workerThread, type OpenThread } from "../../agent/gateway/crew.ts";
import { silent } from "../../agent/log.ts";
import { otlpCollector } from "../exporters/otlp-collector.ts";
import type { Decoded } from "../exporters/protobuf.ts";

const infer = "/v2/models/m/infer";
const question = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] });
const answer = JSON.stringify({ model_name: "m", model_version: "1", outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [0.25] }] });
const metadata = JSON.stringify({ name: "m", versions: ["1"], inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }], outputs: [{ name: "y", datatype: "FP32", shape: [-1] }] });

interface ModelServer {
  readonly url: string;
  mood: "well" | "failing" | "holding";
  asked: number;
  readonly held: ServerResponse[];
  /** It is no more: its connections break, and nobody listens. */
  die(): void;
}

async function modelServer(port: number = 0): Promise<ModelServer> {
  const listener = createServer((request, response) => {
    const reply = (status: number, body: string) => response.writeHead(status, { "content-type": "application/json" }).end(body);
    request.resume().on("end", () => {
      if (request.method !== "POST") return reply(server.mood === "failing" ? 500 : 200, metadata);
      server.asked += 1;
      if (server.mood === "holding") return void server.held.push(response);
      return server.mood === "failing" ? reply(500, "{}") : reply(200, answer);
    });
  });
  await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
  const server: ModelServer = {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    mood: "well",
    asked: 0,
    held: [],
    die() {
      listener.close();
      listener.closeAllConnections();
    },
  };
  onTestFinished(() => server.die());
  return server;
}

function configOf(server: ModelServer, { lanes = "both", workers = 3, fallback = 0.5, linger = "200ms", otlp = "" } = {}): Config {
  const parsed = parseConfig(`
server: { url: "${server.url}", protocol: open-inference }
model: { name: m }
gateway: { host: 127.0.0.1, port: 0, workers: ${workers}, lanes: ${lanes}, linger: ${linger}, timeout: 30s, drain: 20s, sample: { ratio: 1 } }
api: { port: 0 }
metrics: { host: 127.0.0.1, port: 0 }
# A machine that is busy with other things is no failure of the server.
probes: { http: { interval: 100ms, timeout: 20s }, progress: { floor: 20s } }
failover: { dwell: 300ms, dwellMax: 300ms }
collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } }
ladder: [{ kind: default, outputs: { y: ${fallback} } }]
${otlp}`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

async function swimming(config: Config) {
  const threads: ReturnType<OpenThread>[] = [];
  /** How many exchanges each worker told of. */
  const told = new Map<number, number>();
  const gatewayThread: OpenThread = (data, on) => {
    const thread = workerThread(data, {
      ...on,
      message(message) {
        if (message.type === "told") {
          const exchanges = message.calls.filter(([path, [observation]]) => path === "observe" && (observation as { kind: string }).kind === "exchange").length;
          told.set(data.slot, (told.get(data.slot) ?? 0) + exchanges);
        }
        on.message(message);
      },
    });
    threads.push(thread);
    return thread;
  };
  const agent = await startAgent(config, { clock: systemClock, log: silent, version: "test", analysis: inlineAnalysis, gatewayThread });
  let closed: Promise<readonly string[]> | undefined;
  const close = () => (closed ??= agent.close());
  onTestFinished(async () => void (await close()));
  const at = (port: number) => `http://127.0.0.1:${port}`;
  const text = async (url: string) => (await fetch(url)).text();
  return {
    agent, threads, told, close,
    gateway: at(agent.listeners.gateway.port),
    status: async () => (JSON.parse(await text(`${at(agent.listeners.api.port)}/v1/state`)) as { status: string }).status,
    metrics: () => text(`${at(agent.listeners.metrics.port)}/metrics`),
  };
}

interface Got {
  readonly status: number;
  readonly rung: string;
  readonly reason: string;
}

/** Connections of its own each time, so that they fall to all workers. */
async function ask(gateway: string, id?: string): Promise<Got> {
  const pool = new Pool(gateway, { connections: 1 });
  try {
    const { statusCode, headers, body } = await pool.request({ method: "POST", path: infer, body: question, headers: { "content-type": "application/json", ...(id === undefined ? {} : { "pilotfish-inference-id": id }) } });
    await body.dump();
    return { status: statusCode, rung: String(headers["pilotfish-rung"]), reason: String(headers["pilotfish-reason"]) };
  } catch (error) {
    return { status: 0, rung: "", reason: String(error) };
  } finally {
    await pool.destroy();
  }
}

const many = (gateway: string, count: number): Promise<Got[]> => Promise.all(Array.from({ length: count }, () => ask(gateway)));

/** Requests one after the other on so many connections, until stopped. */
function traffic(gateway: string, connections: number) {
  const answers: Got[] = [];
  let on = true;
  const clients = Array.from({ length: connections }, async () => {
    while (on) answers.push(await ask(gateway));
  });
  return {
    answers,
    async stop() {
      on = false;
      await Promise.all(clients);
      return answers;
    },
  };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonicMs() + 50_000;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > endMs) throw new Error("it did not come to that");
    await turn();
  }
}

/** The sum of a counter's series that have all of these labels. */
function counted(metrics: string, name: string, ...labels: readonly string[]): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test("where spans are exported, every inference has one in whichever worker, and so has every attempt, below it", async () => {
  const collector = await otlpCollector();
  onTestFinished(() => collector.close());
  const server = await modelServer();
  const { gateway, told, close } = await swimming(configOf(server, { otlp: `otlp: { endpoint: "${collector.url}", metrics: false, logs: "off" }` }));
  await many(gateway, 30);
  server.mood = "failing";
  expect((await ask(gateway)).rung).toBe("default");
  await until(() => [...told.values()].reduce((a, b) => a + b, 0) === 31);
  await close();

  expect(told.size).toBeGreaterThan(1);
  const spans = collector.spans();
  const inferences = spans.filter(({ name }) => name === "infer m");
  expect(inferences).toHaveLength(31);
  const attemptsOf = (inference: Decoded) => spans.filter(({ parentSpanId, traceId }) => parentSpanId === inference["spanId"] && traceId === inference["traceId"]).map(({ name }) => name as string);
  const attempts = inferences.map((inference) => attemptsOf(inference));
  expect(attempts.filter((names) => names.join() === "attempt primary")).toHaveLength(30);
  expect(attempts.find((names) => names.length > 1)?.at(-1)).toBe("attempt default");
});

describe.each(["both", "ordinary"])("lanes: %s", (lanes) => {
  test("requests are served by all workers, and series count each of them once", async () => {
    const server = await modelServer();
    const { gateway, told, metrics } = await swimming(configOf(server, { lanes }));
    const answers = await many(gateway, 90);
    expect(answers).toEqual(answers.map(() => ({ status: 200, rung: "primary", reason: "normal" })));
    expect(server.asked).toBe(90);
    await until(() => [...told.values()].reduce((a, b) => a + b, 0) === 90);
    expect([...told.keys()].toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    const page = await metrics();
    expect([counted(page, "pilotfish_gateway_requests_total"), counted(page, "pilotfish_gateway_attempts_total")]).toEqual([90, 90]);
  });

  test("the primary dies under load: no request fails, in whichever worker, and all workers take the ladder by one decision", async () => {
    const server = await modelServer();
    const { gateway, status, told } = await swimming(configOf(server, { lanes }));
    await until(async () => (await many(gateway, 1))[0]?.rung === "primary" && (await status()) === "healthy");
    const load = traffic(gateway, 8);
    await until(() => load.answers.length > 50);
    server.die();
    await until(async () => (await status()) === "failed");
    const after = await many(gateway, 30);
    const answers = await load.stop();
    expect(answers.filter((got) => got.status !== 200)).toEqual([]);
    expect(after.map(({ rung }) => rung)).toEqual(after.map(() => "default"));
    // None of them asked the primary any more: they were told not to.
    expect(after.map(({ reason }) => reason)).toEqual(after.map(({ reason }) => (reason === "unready" ? "unready" : "circuit-open")));
    expect(told.size).toBe(3);
  });

  test("on trial exactly one request of all workers asks the primary, and its answer closes the circuit for all", async () => {
    const server = await modelServer();
    const { gateway, status } = await swimming(configOf(server, { lanes }));
    await many(gateway, 3);
    server.mood = "failing";
    await until(async () => {
      await many(gateway, 2);
      return (await status()) === "failed";
    });
    server.mood = "holding";
    const before = server.asked;
    await until(async () => (await status()) === "probation");
    const asked = Array.from({ length: 60 }, () => ask(gateway));
    let answered = 0;
    for (const one of asked) void one.then(() => (answered += 1));
    await until(() => answered === 59);
    expect(server.asked - before).toBe(1);
    server.mood = "well";
    server.held[0]?.writeHead(200, { "content-type": "application/json" }).end(answer);
    const reasons = (await Promise.all(asked)).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === "trial")).toHaveLength(1);
    await until(async () => (await status()) === "healthy");
    expect((await many(gateway, 30)).map(({ reason }) => reason)).toEqual(Array.from({ length: 30 }, () => "normal"));
  });

  test("reloads under load lose nothing: each worker goes on with the new config on the connections that it has", async () => {
    const server = await modelServer();
    const other = await modelServer();
    const { agent, gateway, threads } = await swimming(configOf(server, { lanes }));
    const kept = new Pool(gateway, { connections: 1 });
    onTestFinished(() => kept.destroy());
    let connections = 0;
    kept.on("connect", () => (connections += 1));
    const askKept = async () => (await kept.request({ method: "POST", path: infer, body: question })).body.dump();
    await askKept();
    const load = traffic(gateway, 6);
    await until(() => load.answers.length > 20);
    await agent.reload(configOf(other, { lanes }));
    await until(() => other.asked > 20);
    await askKept();
    // Threads come and go with the process: so many stay, whatever the new config says.
    await agent.reload(configOf(server, { lanes, workers: 1 }));
    await askKept();
    const answers = await load.stop();
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect([connections, threads.length]).toEqual([1, 3]);
    const before = other.asked;
    await many(gateway, 12);
    expect(other.asked).toBe(before);
  });

  test("a worker that dies is replaced, the others serve on meanwhile, and it is counted", async () => {
    const server = await modelServer();
    const { gateway, threads, told, metrics, status } = await swimming(configOf(server, { lanes }));
    await many(gateway, 12);
    threads[1]?.terminate();
    await until(() => threads.length === 4);
    await until(async () => counted(await metrics(), "pilotfish_dropped_total", 'what="worker"') === 1);
    told.clear();
    await until(async () => {
      const answers = await many(gateway, 12);
      expect(answers.filter((got) => got.status !== 200)).toEqual([]);
      return told.size === 3;
    });
    expect(await status()).toBe("healthy");
  });

  test("closing: connections that come throughout the drain are served, each told to end; then nothing is there", async () => {
    const server = await modelServer();
    const { gateway, close } = await swimming(configOf(server, { lanes, linger: "3s" }));
    await many(gateway, 3);
    const load = traffic(gateway, 4);
    await until(() => load.answers.length > 20);
    const before = load.answers.length;
    const closed = close();
    await until(() => load.answers.length > before + 100);
    const answers = await load.stop();
    expect(answers.filter((got) => got.status !== 200)).toEqual([]);
    expect(await closed).toEqual([]);
    expect((await ask(gateway)).reason).toContain("ECONNREFUSED");
  });
});
