/**
 * What others report of retries and fallbacks that made things worse or never came, played again: each test says in a sentence
 * what happened there and shows what Pilotfish does. The reports are named repository#number.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Reason } from "../../agent/backend.ts";
import { judgeConfidence } from "../../agent/contract/confidence.ts";
import { restore, save } from "../../agent/failover/saved.ts";
import { ladder, ladderOptions } from "../../agent/ladder/ladder.ts";
import { openai } from "../../agent/protocols/openai.ts";
import { FakeClock } from "../fake-clock.ts";
import { ladderDeps } from "../ladder/stage.ts";
import { bodyOf, deadAddress, dial, fallback, httpServer, infer, post, question, rawServer, rung, stage, test } from "./stage.ts";

const chat = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "hello" }] });
const eventStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

// There, neither retries nor fallbacks worked for calls that stream: they lived on another code path.
test.each<[string, Reason, (socket: { end(text: string): unknown; resetAndDestroy(): unknown }) => void]>([
  ["is overloaded", "overloaded", (socket) => void socket.end("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")],
  ["fails", "error", (socket) => void socket.end("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")],
  ["breaks off", "reset", (socket) => void socket.resetAndDestroy()],
  ["breaks off behind the head of its stream", "reset", (socket) => void socket.end(eventStream)],
])("litellm#1226, #6532, #6957: a stream whose server %s falls back as any other call does", async (_name, reason, answer) => {
  const { url } = await stage(await rawServer(answer), { protocol: openai, rungs: [rung("small", fallback("data: [DONE]\n\n"))] });
  const answered = await post(url, chat, {}, "/v1/chat/completions");
  expect([answered.status, answered.body.toString()]).toEqual([200, "data: [DONE]\n\n"]);
  expect(answered.headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": reason });
});

// There, one API had mid-stream handling and another let the error out unhandled; with it two models' texts ran together.
test.each([["/v1/chat/completions"], ["/v1/completions"]])(
  "litellm#28216, #29808, PR#38606, production-stack#643: a stream at %s that breaks says so in its own form, and no other model goes on with it",
  async (path) => {
    let breakOff = () => {};
    const server = await rawServer((socket) => {
      socket.write(eventStream + chunk('data: {"choices":[]}\n\n'));
      breakOff = () => void socket.resetAndDestroy();
    });
    const small = rung("small", fallback());
    const { url, exchange } = await stage(server, { protocol: openai, rungs: [small] });
    const client = await dial(url);
    client.socket.write(`POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${chat.length}\r\n\r\n${chat}`);
    await client.until("choices");
    breakOff();
    const text = await client.until("\r\n0\r\n\r\n");
    expect(text.slice(text.indexOf("choices"))).toMatch(/data: \{"error":.*the answer broke off: reset/);
    expect(small.asked).toEqual([]);
    expect(await exchange()).toMatchObject({ rung: "primary", outcome: "reset" });
  },
);

// There, a deployment that failed as a fallback never got its cooldown: failures were booked for the first attempt only.
test("litellm#32574, PR#34416: a fallback that fails is left alone as well, for its own time, and then asked once", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(500).end();
  });
  const replica = await new Promise<string>((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)));
  const made = ladder(ladderOptions.parse([{ kind: "replica", urls: [replica], circuit: { failures: 3, wait: "10s" } }, { kind: "default", outputs: { y: 0 } }]), ladderDeps({ clock }));
  const close = await made.start();
  const { url } = await stage(await deadAddress(), { clock, rungs: made.rungs });
  for (let i = 0; i < 10; i += 1) expect((await post(url)).headers["pilotfish-rung"]).toBe("default");
  expect(asked).toBe(3);
  clock.advance(10_000);
  for (let i = 0; i < 10; i += 1) await post(url);
  expect(asked).toBe(4);
  await close();
  server.closeAllConnections();
  server.close();
});

// There, a wait that was read back after a restart had lost how much of it was left, and became ten minutes.
test("litellm PR#34416: after a restart an open circuit waits for what was left of its time, and never longer than its bound", () => {
  const policy = { dwellMaxMs: 60_000 } as Parameters<typeof restore>[2];
  const open = restore({ version: 1, open: true, trips: 1, retryInMs: 60_000, cause: { detector: "traffic", code: "reset", evidence: "" } }, 0, policy);
  if (open === undefined) throw new Error("not restored");
  const saved = save(open, 56_000);
  expect(restore(saved, 1_000_000, policy)?.circuit).toMatchObject({ state: "open", retryAtMs: 1_004_000 });
  expect(restore({ ...saved, retryInMs: 600_000 }, 0, policy)?.circuit).toMatchObject({ retryAtMs: 60_000 });
});

// There, people ask for a gate on confidence, since an answer that came can still be none to act upon.
test("litellm#42139: an answer that is not sure enough can go to the next rung, and one row is enough", () => {
  expect(judgeConfidence([0.99, 0.6, 0.95], { threshold: 0.8, below: "next-rung" })).toEqual({ decision: "next-rung", confidence: 0.6, rows: [1], count: 1 });
  expect(judgeConfidence([0.99, 0.9], { threshold: 0.8, below: "next-rung" })).toMatchObject({ decision: "answer", confidence: 0.9 });
});

// There, a list of endpoints in order was agreed on, and proxies used the first one only or chose anew with each retry.
test("GAIE#414, #459, #2936, agentgateway#1816: the whole ladder is gone down in its order, each rung once, for one request", async () => {
  const order: string[] = [];
  const failing = (name: string) =>
    rung(name, () => {
      order.push(name);
      return Promise.resolve({ outcome: "error", detail: "down" });
    });
  const { url, attempts } = await stage(await deadAddress(), { rungs: [failing("b"), failing("c"), failing("d"), rung("e", fallback())] });
  expect((await post(url)).headers["pilotfish-rung"]).toBe("e");
  expect(order).toEqual(["b", "c", "d"]);
  expect(attempts().map(({ backend }) => backend)).toEqual(["primary", "primary", "b", "c", "d", "e"]);
});

// There, every provider error was treated alike, and callers could not tell whose answer they had.
test.each<[number, Record<string, string>, string, string]>([
  [401, {}, "primary", "normal"],
  [403, {}, "primary", "normal"],
  [404, {}, "primary", "normal"],
  [422, {}, "primary", "normal"],
  [429, { "retry-after": "1" }, "small", "overloaded"],
  [500, {}, "small", "error"],
  [503, {}, "small", "error"],
  [503, { "retry-after": "1" }, "small", "overloaded"],
])("praxis-proxy/ai#249: %i with %j is classified, and the answer says whether it came from a fallback and why", async (status, headers, who, reason) => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.writeHead(status, headers).end("{}");
  });
  const { url } = await stage(server, { rungs: [rung("small", fallback())] });
  const answer = await post(url);
  expect([answer.status, answer.headers["pilotfish-rung"], answer.headers["pilotfish-reason"]]).toEqual([who === "primary" ? status : 200, who, reason]);
  expect(asked).toBe(reason === "error" ? 2 : 1);
});

// There, two layers that each tried three times on every error made up to sixteen requests of one: a DDoS of one's own making.
test("kserve#807: two gateways in a row before a server that fails make at most 1.44 requests of one", async () => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.writeHead(500).end();
  });
  const clock = new FakeClock();
  const inner = await stage(server, { clock });
  const outer = await stage(inner.url, { clock });
  for (let i = 0; i < 100; i += 1) expect((await post(outer.url)).status).toBe(500);
  expect(asked).toBeGreaterThan(100);
  expect(asked).toBeLessThanOrEqual(144);
});

// There, many requests that fail at once were all tried again at once.
test.each([
  ["resets them all", 120, (response: { socket: { resetAndDestroy(): void } | null }) => response.socket?.resetAndDestroy()],
  ["asks for less with 429", 100, (response: { writeHead(status: number): { end(): void } }) => response.writeHead(429).end()],
])("elastic#105993: a hundred requests at once to a server that %s become at most %i, and a rung answers every one", async (_name, most, fail) => {
  let asked = 0;
  let release = () => {};
  const all = new Promise<void>((resolve) => (release = resolve));
  const server = await httpServer((request, response) => {
    asked += 1;
    if (asked === 100) release();
    void bodyOf(request).then(() => all).then(() => fail(response as never), () => {});
  });
  const { url } = await stage(server, { clock: new FakeClock(), rungs: [rung("small", fallback())] });
  const answers = await Promise.all(Array.from({ length: 100 }, () => post(url)));
  expect(new Set(answers.map(({ headers }) => headers["pilotfish-rung"]))).toEqual(new Set(["small"]));
  expect(asked).toBeGreaterThanOrEqual(100);
  expect(asked).toBeLessThanOrEqual(most);
});

// There, the fallback's own deadline equalled the caller's, so the caller had always left before it ran.
test("gsv#308: where the client's deadline is the very one that the server may take, the fallback still answers within it", async () => {
  const clock = new FakeClock();
  let arrived = () => {};
  const reached = new Promise<void>((resolve) => (arrived = resolve));
  const { url, exchange } = await stage(await httpServer(() => arrived()), { clock, rungs: [rung("small", fallback())] }, { timeout: "3s" });
  const answering = post(url, question, { "pilotfish-timeout-ms": "3000" });
  await reached;
  clock.advance(2_999);
  expect((await answering).headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "timeout" });
  expect((await exchange()).durationMs).toBeLessThan(3_000);
});

// There, an answer by default was built into the client after its retries, since a pipeline needs some row for each row.
test("flink#27561: when all else fails the default answers in the model's own form, a row for each row, and says that it did", async () => {
  const description = { name: "employment", versions: [], inputs: [], outputs: [{ name: "y", datatype: "INT64", shape: [-1] }] };
  const made = ladder(ladderOptions.parse([{ kind: "default", outputs: { y: 7 } }]), ladderDeps({ describe: () => description }));
  const { url, attempts } = await stage(await deadAddress(), { rungs: made.rungs });
  const answer = await post(url, JSON.stringify({ inputs: [{ name: "x", shape: [3, 1], datatype: "FP32", data: [1, 2, 3] }] }));
  expect(JSON.parse(answer.body.toString())).toMatchObject({ outputs: [{ name: "y", datatype: "INT64", shape: [3], data: [7, 7, 7] }] });
  expect(answer.headers).toMatchObject({ "pilotfish-rung": "default", "pilotfish-reason": "refused" });
  expect(attempts().map(({ outcome }) => outcome)).toEqual(["refused", "refused", "ok"]);
});

// There, clients got 503 while a deployment's replicas changed: the old one had gone and the new one was not there yet.
test("seldon-core#4562: while one server goes and its successor comes at the same address, no client sees a 503", async () => {
  const start = (name: string, port: number) =>
    new Promise<ReturnType<typeof createServer>>((resolve) => {
      const made = createServer((request, response) => void request.resume().on("end", () => response.end(name)));
      made.listen(port, "127.0.0.1", () => resolve(made));
    });
  const first = await start("first", 0);
  const { port } = first.address() as AddressInfo;
  const { url } = await stage(new URL(`http://127.0.0.1:${port}`), { rungs: [rung("small", fallback("rung"))] });
  const told: string[] = [];
  const ask = async () => {
    const { status, body } = await post(url, question, {}, infer);
    told.push(`${status} ${body.toString()}`);
  };
  await ask();
  await new Promise<void>((resolve) => {
    first.close(() => resolve());
    first.closeAllConnections();
  });
  await ask();
  await ask();
  const second = await start("second", port);
  await ask();
  second.closeAllConnections();
  second.close();
  expect(told).toEqual(["200 first", "200 rung", "200 rung", "200 second"]);
});
