/** The server dies, lies, hangs or refuses, and the client has its answer all the same. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import type { Outcome, Route } from "../../agent/backend.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import type { Protocol } from "../../agent/protocols/protocol.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, deadAddress, dial, fallback, flowing, httpServer, infer, post, question, rawServer, rung, send, stage, test } from "./stage.ts";

const blocked: Route = { primary: "blocked", reason: "circuit-open", rung: "small" };
const trial: Route = { primary: "trial", reason: "circuit-open", rung: "small" };

/** A server whose requests stay unanswered; `requests` grows, `arrived` waits for the n-th. */
async function hangingServer() {
  const requests: ServerResponse[] = [];
  let wake = () => {};
  const url = await httpServer((request, response) => {
    void bodyOf(request).then(() => {
      requests.push(response);
      wake();
    }, () => {});
  });
  const arrived = async (count: number): Promise<void> => {
    while (requests.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { url, requests, arrived };
}

test.each<[string, () => Promise<URL>, Outcome[]]>([
  ["refuses connections", deadAddress, ["refused", "refused"]],
  ["resets before it answers", () => rawServer((socket) => void socket.resetAndDestroy()), ["reset", "reset"]],
  ["closes before it answers", () => rawServer((socket) => void socket.end()), ["reset", "reset"]],
  ["dies in the middle of the head", () => rawServer((socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Le")), ["reset", "reset"]],
  ["dies in the middle of the body", () => rawServer((socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"outputs":')), ["reset", "reset"]],
  ["dies before a chunked body", () => rawServer((socket) => void socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")), ["reset", "reset"]],
  ["speaks no HTTP", () => rawServer((socket) => void socket.end("SSH-2.0-OpenSSH_9.9\r\n")), ["invalid"]],
  ["answers 500 twice", () => httpServer((_, response) => void response.writeHead(500).end("{}")), ["error", "error"]],
  ["is overloaded (429)", () => httpServer((_, response) => void response.writeHead(429).end()), ["overloaded"]],
  ["is overloaded (503 with Retry-After)", () => httpServer((_, response) => void response.writeHead(503, { "retry-after": "1" }).end()), ["overloaded"]],
])("a server that %s: the first rung answers and says why", async (_name, server, outcomes) => {
  const small = rung("small", fallback());
  const { url, attempts, exchange } = await stage(await server(), { rungs: [small] });
  const answer = await post(url, question, { "pilotfish-inference-id": "i-1" });
  expect(answer.status).toBe(200);
  expect(answer.body.toString()).toBe('{"model_name":"employment","outputs":[]}');
  expect(answer.headers).toMatchObject({
    "pilotfish-rung": "small",
    "pilotfish-reason": outcomes.at(-1),
    "pilotfish-model-version": "small-1",
    "pilotfish-inference-id": "i-1",
    "content-type": "application/json",
  });
  expect(attempts().map(({ backend, outcome }) => [backend, outcome])).toEqual([...outcomes.map((outcome) => ["primary", outcome]), ["small", "ok"]]);
  expect(await exchange()).toMatchObject({ rung: "small", reason: outcomes.at(-1), version: "small-1", outcome: "ok", attempts: outcomes.length + 1 });
  expect(small.asked[0]).toMatchObject({ method: "POST", path: infer, body: Buffer.from(question) });
});

test("a second attempt does not meet the first one's connection, which the server may be about to end", async () => {
  let connections = 0;
  const server = await rawServer((socket) => {
    connections += 1;
    const answer = connections === 1 ? "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    if (connections === 1) socket.end(answer);
    else socket.write(answer);
  });
  const { url, attempts } = await stage(server);
  expect((await post(url)).headers["pilotfish-reason"]).toBe("retried");
  expect(attempts().map(({ outcome }) => outcome)).toEqual(["error", "ok"]);
});

test("one failure is mended by a second attempt with the same bytes", async () => {
  const bodies: string[] = [];
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(body.toString());
      if (bodies.length === 1) request.socket.resetAndDestroy();
      else response.end("{}");
    });
  });
  const { url, exchange, retries } = await stage(server, { rungs: [rung("small", fallback())] });
  const answer = await post(url);
  expect(answer.headers).toMatchObject({ "pilotfish-rung": "primary", "pilotfish-reason": "retried" });
  expect(bodies).toEqual([question, question]);
  expect(retries).toEqual(["taken"]);
  expect(await exchange()).toMatchObject({ outcome: "ok", attempts: 2 });
});

test("a body that was still coming when the server broke off reaches the second attempt from its first byte", async () => {
  const bodies: Buffer[] = [];
  let attempts = 0;
  const server = await httpServer((request, response) => {
    attempts += 1;
    if (attempts === 1) {
      request.once("data", () => request.socket.resetAndDestroy());
      return;
    }
    void bodyOf(request).then((body) => {
      bodies.push(body);
      response.end("{}");
    });
  });
  const { url } = await stage(server);
  const body = Buffer.alloc(2_000_000, "abcdefg");
  const answer = await post(url, body);
  expect(answer.headers["pilotfish-reason"]).toBe("retried");
  expect(bodies[0]?.equals(body)).toBe(true);
});

test("with no rung that can answer, the server's own failing answer is given, with its body", async () => {
  const server = await httpServer((_request, response) => void response.writeHead(500, { "x-model": "m" }).end('{"error":"CUDA out of memory"}'));
  const { url, exchange } = await stage(server, { rungs: [rung("small", { outcome: "unsupported", detail: "no such input" })] });
  const answer = await post(url);
  expect([answer.status, answer.body.toString()]).toEqual([500, '{"error":"CUDA out of memory"}']);
  expect(answer.headers).toMatchObject({ "x-model": "m", "pilotfish-rung": "primary", "pilotfish-reason": "error" });
  expect(await exchange()).toMatchObject({ rung: "primary", reason: "error", outcome: "error", status: 500, attempts: 3 });
});

test("a failing answer that is longer than is held still comes whole when nobody has a better one", async () => {
  const text = `{"error":"${"x".repeat(300_000)}"}`;
  const server = await httpServer((_request, response) => void response.writeHead(500).end(text));
  const { url } = await stage(server, { rungs: [rung("small", { outcome: "error", detail: "broken" })] });
  expect((await post(url)).body.toString()).toBe(text);
});

test("with nobody to answer, the client is told so in the protocol's own form", async () => {
  const { url, exchange } = await stage(await deadAddress(), { rungs: [rung("small", { outcome: "unsupported", detail: "no such input" })] });
  const answer = await post(url);
  expect(answer.status).toBe(503);
  expect(answer.headers).toMatchObject({ "pilotfish-rung": "none", "pilotfish-reason": "no-rung", "content-type": "application/json" });
  expect(JSON.parse(answer.body.toString())).toEqual({ error: expect.stringMatching(/primary: refused .*small: unsupported \(no such input\)/) });
  expect(await exchange()).toMatchObject({ rung: "none", reason: "no-rung", outcome: "refused", status: 503 });
});

test("rungs are asked in their order; one that throws or fails is passed over", async () => {
  const order: string[] = [];
  const broken = rung("broken", () => {
    order.push("broken");
    return Promise.reject(new Error("a bug"));
  });
  const unfit = rung("unfit", (asked) => {
    order.push(`unfit ${asked.body.length}`);
    return Promise.resolve({ outcome: "rejected", detail: "wrong shape" });
  });
  const { url } = await stage(await deadAddress(), { rungs: [broken, unfit, rung("last", fallback())] });
  expect((await post(url)).headers["pilotfish-rung"]).toBe("last");
  expect(order).toEqual(["broken", `unfit ${question.length}`]);
});

test("a server that hangs: the fallback's answer comes before the client's own deadline", async () => {
  const server = await hangingServer();
  const { url, attempts } = await stage(server.url, { rungs: [rung("small", fallback())] });
  const start = performance.now();
  const answer = await post(url, question, { "pilotfish-timeout-ms": "500" });
  expect(performance.now() - start).toBeLessThan(500);
  expect(answer.headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "timeout" });
  expect(attempts()[0]).toMatchObject({ outcome: "timeout", backend: "primary" });
  expect(attempts()[0]?.durationMs).toBeGreaterThanOrEqual(399);
});

test("a hang is given the primary's share of the time, to the millisecond, and no second try", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, attempts, exchange } = await stage(server.url, { clock, rungs: [rung("small", fallback())] });
  const answering = post(url);
  await server.arrived(1);
  clock.advance(7_999);
  expect(attempts()).toEqual([]);
  clock.advance(1);
  expect((await answering).headers["pilotfish-reason"]).toBe("timeout");
  expect(attempts()).toMatchObject([{ outcome: "timeout", durationMs: 8_000 }, { backend: "small", outcome: "ok" }]);
  expect(server.requests).toHaveLength(1);
  expect((await exchange()).durationMs).toBe(8_000);
});

test("without rungs a hang has the whole time, and ends in 504", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, attempts } = await stage(server.url, { clock });
  const answering = post(url, question, { "x-envoy-expected-rq-timeout-ms": "3000" });
  await server.arrived(1);
  clock.advance(2_999);
  expect(attempts()).toEqual([]);
  clock.advance(1);
  expect((await answering).status).toBe(504);
});

test("a rung that never answers is left in time for the one after it", async () => {
  const clock = new FakeClock();
  let asked: () => void = () => {};
  const asleep = new Promise<void>((resolve) => (asked = resolve));
  const slow = rung("slow", () => {
    asked();
    return new Promise(() => {});
  });
  const { url, attempts } = await stage(await deadAddress(), { clock, rungs: [slow, rung("last", fallback())] });
  const answering = post(url);
  await asleep;
  clock.advance(9_975);
  expect((await answering).headers["pilotfish-rung"]).toBe("last");
  expect(attempts().slice(2)).toMatchObject([{ backend: "slow", outcome: "timeout", durationMs: 9_975 }, { backend: "last", outcome: "ok" }]);
});

test("after its first byte an answer is not tried again: where it breaks, the client's connection breaks", async () => {
  let finish: () => void = () => {};
  const server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    finish = () => socket.resetAndDestroy();
  });
  const small = rung("small", fallback());
  const { url, attempts, exchange } = await stage(server, { rungs: [small] });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await client.until("first");
  finish();
  await once(client.socket, "close");
  expect(client.received()).not.toContain("\r\n0\r\n");
  expect(await exchange()).toMatchObject({ rung: "primary", outcome: "reset", status: 200 });
  expect(attempts()).toMatchObject([{ backend: "primary", outcome: "reset", status: 200 }]);
  expect(small.asked).toHaveLength(0);
});

test("a stream that falls silent is broken off after the time limit, counted from its last byte", async () => {
  const clock = new FakeClock();
  let say: (text: string) => void = () => {};
  const server = await httpServer((_request, response) => {
    response.write("one");
    say = (text) => void response.write(text);
  });
  const { url, exchange, exchanges } = await stage(server, { clock });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await client.until("one");
  clock.advance(9_000);
  say("two");
  await client.until("two");
  clock.advance(9_000);
  expect(exchanges()).toEqual([]);
  clock.advance(1_000);
  expect(await exchange()).toMatchObject({ outcome: "timeout" });
  await once(client.socket, "close");
});

test("retries stay within their budget: three where there were hardly any requests, then a fifth of them", async () => {
  const clock = new FakeClock();
  const { url, attempts, retries } = await stage(await deadAddress(), { clock, rungs: [rung("small", fallback())] });
  for (let i = 0; i < 30; i += 1) expect((await post(url)).status).toBe(200);
  expect(retries.filter((result) => result === "taken")).toHaveLength(6);
  expect(retries.filter((result) => result === "refused")).toHaveLength(24);
  expect(attempts().filter(({ backend }) => backend === "primary")).toHaveLength(36);
  clock.advance(11_000);
  await post(url);
  expect(retries.at(-1)).toBe("taken");
});

test("what is called back as stalled goes on to the ladder at once, and is not tried again", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, gateway, attempts } = await stage(server.url, { clock, rungs: [rung("small", fallback())] });
  const answering = [post(url), post(url)];
  await server.arrived(2);
  clock.advance(1_500);
  expect(gateway.work()).toMatchObject({ inFlight: 2, completed: 0, oldestWaitMs: 1_500, usualMs: undefined });
  gateway.release("stalled");
  for (const answer of await Promise.all(answering)) expect(answer.headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "stalled" });
  expect(attempts().filter(({ backend }) => backend === "primary")).toMatchObject([
    { outcome: "stalled", durationMs: 1_500 },
    { outcome: "stalled", durationMs: 1_500 },
  ]);
  expect(gateway.work()).toMatchObject({ inFlight: 0, completed: 0, oldestWaitMs: undefined });
});

test("the account of the work counts answers and knows how long they usually take", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, gateway } = await stage(server.url, { clock });
  for (let i = 1; i <= 3; i += 1) {
    const answering = post(url);
    await server.arrived(i);
    clock.advance(40);
    server.requests[i - 1]?.end("{}");
    await answering;
  }
  expect(gateway.work()).toEqual({ inFlight: 0, completed: 3, oldestWaitMs: undefined, usualMs: 40 });
});

test("a client that is slow to send is not waited for by the server, and its time does not run", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, gateway, attempts } = await stage(server.url, { clock, rungs: [rung("small", fallback())] });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n`);
  while (gateway.work().inFlight === 0 || gateway.work().oldestWaitMs !== undefined) await new Promise(setImmediate);
  clock.advance(7_000);
  expect(gateway.work()).toMatchObject({ inFlight: 1, oldestWaitMs: undefined });
  client.socket.write("1\r\n}\r\n0\r\n\r\n");
  await server.arrived(1);
  clock.advance(7_999);
  expect(attempts()).toEqual([]);
  expect(gateway.work().oldestWaitMs).toBe(7_999);
  clock.advance(1);
  await client.until("pilotfish-reason: timeout");
});

test("on probation one request, which claims it, asks the primary; the others go straight to the rungs", async () => {
  const claims = [true, false, false];
  const server = await httpServer((_request, response) => void response.end("{}"));
  const { url, attempts } = await stage(server, { route: () => trial, claimTrial: () => claims.shift() ?? false, rungs: [rung("small", fallback())] });
  const reasons = [];
  for (let i = 0; i < 3; i += 1) {
    const { headers } = await post(url);
    reasons.push([headers["pilotfish-rung"], headers["pilotfish-reason"]]);
  }
  expect(reasons).toEqual([["primary", "trial"], ["small", "circuit-open"], ["small", "circuit-open"]]);
  expect(attempts().map(({ backend, trial }) => [backend, trial])).toEqual([["primary", true], ["small", false], ["small", false]]);
});

test("a trial that fails is not repeated, its client is answered by a rung, and it is always accounted for", async () => {
  const { url, attempts } = await stage(await deadAddress(), { route: () => trial, claimTrial: () => true, rungs: [rung("small", fallback())] });
  expect((await post(url)).headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "refused" });
  expect(attempts()).toMatchObject([{ backend: "primary", outcome: "refused", trial: true }, { backend: "small" }]);
});

test("a trial whose client goes away is accounted for as well", async () => {
  const server = await hangingServer();
  const { url, attempts, exchange } = await stage(server.url, { route: () => trial, claimTrial: () => true });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await server.arrived(1);
  client.socket.destroy();
  await exchange();
  expect(attempts()).toMatchObject([{ backend: "primary", outcome: "cancelled", trial: true }]);
});

test("while the primary is blocked the rungs answer, and where none can, the primary is asked all the same", async () => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.end('{"from":"primary"}');
  });
  const able = await stage(server, { route: () => blocked, rungs: [rung("small", fallback())] });
  expect((await post(able.url)).headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "circuit-open" });
  expect(asked).toBe(0);

  const unable = await stage(server, { route: () => blocked, rungs: [rung("small", { outcome: "error", detail: "broken" })] });
  const answer = await post(unable.url);
  expect(answer.body.toString()).toBe('{"from":"primary"}');
  expect(answer.headers).toMatchObject({ "pilotfish-rung": "primary", "pilotfish-reason": "circuit-open" });
});

test("a person's override keeps the primary from being asked at all", async () => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.end();
  });
  const { url } = await stage(server, { route: () => ({ primary: "blocked", reason: "override", rung: "none" }) });
  const answer = await post(url);
  expect([answer.status, answer.headers["pilotfish-reason"], asked]).toEqual([503, "no-rung", 0]);
});

test("other requests never go down the ladder: a GET is tried twice, a POST once", async () => {
  const { url, attempts } = await stage(await deadAddress(), { rungs: [rung("small", fallback())], route: () => flowing });
  const get = await send(url, "/v2/health/ready");
  expect([get.status, get.headers["pilotfish-rung"]]).toEqual([503, undefined]);
  expect(attempts().map(({ outcome }) => outcome)).toEqual(["refused", "refused"]);
  expect((await send(url, "/v2/repository/models/m/load", { method: "POST", body: "{}" })).status).toBe(503);
  expect(attempts()).toHaveLength(3);
});

test("other requests reach the primary also while it is blocked for inferences", async () => {
  const server = await httpServer((_request, response) => void response.writeHead(400).end("not ready"));
  const { url } = await stage(server, { route: () => blocked, rungs: [rung("small", fallback())] });
  const answer = await send(url, "/v2/health/ready");
  expect([answer.status, answer.body.toString()]).toEqual([400, "not ready"]);
});

test("a request that is no inference has minutes, since loading a model takes them", async () => {
  const clock = new FakeClock();
  const server = await hangingServer();
  const { url, attempts } = await stage(server.url, { clock, rungs: [rung("small", fallback())] });
  const answering = send(url, "/v2/repository/models/m/load", { method: "POST", body: "{}" });
  await server.arrived(1);
  clock.advance(299_999);
  expect(attempts()).toEqual([]);
  server.requests[0]?.end("loaded");
  expect((await answering).body.toString()).toBe("loaded");
});

test("a failure of the gateway itself, even in saying so, costs one connection and not the process", async () => {
  const protocol: Protocol = {
    ...openInference,
    formatError: () => {
      throw new Error("a bug");
    },
  };
  const { url, gateway, exchange } = await stage(await deadAddress(), { protocol });
  await expect(post(url)).rejects.toThrow();
  expect(await exchange()).toMatchObject({ rung: "none", outcome: "error" });
  while (gateway.active() > 0) await new Promise(setImmediate);
  await expect(post(url)).rejects.toThrow();
});

test("many clients at the moment of a kill: every one of them has an answer", async () => {
  let served = 0;
  const server = await httpServer((request, response) => {
    served += 1;
    if (served > 20) request.socket.resetAndDestroy();
    else response.end("{}");
  });
  const { url, gateway } = await stage(server, { rungs: [rung("small", fallback())] });
  const answers = await Promise.all(Array.from({ length: 100 }, () => post(url)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
  expect(gateway.active()).toBe(0);
});
