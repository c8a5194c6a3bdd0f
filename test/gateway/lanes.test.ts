/**
 * Two lanes, one behaviour: what takes the plain lane is answered and observed as node:http and undici would have it, and what
 * is not plain goes to them whole.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { random, seed } from "../../bench/chance.ts";
import { differences, differential, generated } from "../../bench/gateway/differential.ts";
import type { Differential } from "../../bench/gateway/differential.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, dial, fallback, httpServer, infer, listen, post, question, rawServer, rung, stage } from "./stage.ts";

const asked = `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`;

async function held(): Promise<Differential> {
  const both = await differential();
  onTestFinished(() => both.close());
  return both;
}

test("400 generated requests and answers, good and bad: the same answer and the same observations in both lanes", { timeout: 60_000 }, async () => {
  const both = await held();
  seed(20_261_123);
  for (let done = 0; done < 400; done += 40) expect(await differences(both, Array.from({ length: 40 }, () => generated(random)))).toEqual([]);
  expect(both.plainRatio()).toBeGreaterThan(0.3);
});

test("an inference cut at every byte, before a server that answers at once, in pieces or in chunks", { timeout: 60_000 }, async () => {
  const both = await held();
  for (const answer of [0, 3]) {
    const request = Buffer.from(`POST /v2/models/m/infer?answer=${answer} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{"a":"b"}`);
    expect(await differences(both, Array.from(request, (_, cut) => ({ request, cut })))).toEqual([]);
  }
});

test.each([
  ["two lengths", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
  ["a length and chunks", `POST ${infer} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`],
  ["a list of lengths", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 2\r\n\r\n{}`],
  ["a length in hex", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\n{}`],
  ["a folded field", `POST ${infer} HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`],
  ["a bare line feed", `POST ${infer} HTTP/1.1\nHost: h\nContent-Length: 2\n\n{}`],
  ["a bare line feed in a field", `POST ${infer} HTTP/1.1\r\nHost: h\r\nX: a\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}`],
  ["a space before the colon", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length : 2\r\n\r\n{}`],
  ["a NUL in the path", `POST /v2/\u0000 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`],
  ["a NUL in a field", `POST ${infer} HTTP/1.1\r\nHost: h\r\nX: \u0000\r\nContent-Length: 2\r\n\r\n{}`],
  ["no host", `POST ${infer} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}`],
  ["garbage hidden behind a good request", `${asked}GET /admin HTTP/1.1\nHost: h\n\n`],
])("%s is refused, and no byte of it reaches the server", async (_name, text) => {
  const heard: string[] = [];
  const server = await httpServer((request, response) => {
    heard.push(request.url ?? "");
    response.end("{}");
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(Buffer.from(text, "latin1"));
  await once(client.socket, "close");
  expect(client.received()).toMatch(/HTTP\/1\.1 400 /);
  expect(heard.filter((path) => path !== infer)).toEqual([]);
});

test("plain and unusual requests by turns on one connection, all sent at once, are answered in their order", async () => {
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => response.end(`<${request.method} ${body.toString()}>`));
  });
  const { url } = await stage(server);
  const client = await dial(url);
  const plain = (body: string) => `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  client.socket.write(`${plain("1")}${plain("2")}GET /v2 HTTP/1.1\r\nHost: h\r\n\r\nPUT /v2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n4\r\n0\r\n\r\n${plain("5")}`);
  expect((await client.until("<POST 5>")).match(/<.*?>/g)).toEqual(["<POST 1>", "<POST 2>", "<GET >", "<PUT 4>", "<POST 5>"]);
});

test("a head of 10,000 fields passes whole; one over the limit is refused with 431", async () => {
  let fields = 0;
  const server = createServer({ maxHeaderSize: 131_072 }, (request, response) => {
    fields = request.rawHeaders.filter((name) => name === "a").length;
    response.end("{}");
  });
  server.maxHeadersCount = 0;
  const { url } = await stage(await listen(server), {}, { headMax: "61KiB" });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\n${"a: b\r\n".repeat(10_000)}Content-Length: 2\r\n\r\n{}`);
  expect(await client.until("\r\n\r\n{}")).toMatch(/^HTTP\/1\.1 200 /);
  expect(fields).toBe(10_000);
  const longer = await dial(url);
  longer.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nX: ${"x".repeat(63_000)}\r\nContent-Length: 2\r\n\r\n{}`);
  await once(longer.socket, "close");
  expect(longer.received()).toMatch(/^HTTP\/1\.1 431 /);
});

test("a head that is not whole in time is answered with 408; a connection without a request is closed as well", async () => {
  const clock = new FakeClock();
  const { url, gateway } = await stage(await httpServer((_request, response) => void response.end("{}")), { clock });
  const begun = await dial(url);
  begun.socket.write(asked.slice(0, 60));
  const silent = await dial(url);
  const idle = await dial(url);
  idle.socket.write(asked);
  await idle.until("{}");
  while (gateway.active() > 0) await new Promise(setImmediate);
  clock.advance(10_000);
  expect(begun.socket.closed).toBe(false);
  clock.advance(1_000);
  await Promise.all([once(begun.socket, "close"), once(silent.socket, "close")]);
  expect(begun.received()).toBe("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
  idle.socket.write(asked);
  await idle.until("{}HTTP/1.1 200");
  clock.advance(77_000);
  await once(idle.socket, "close");
});

test("a body that trickles is cut off at the end of its time, and the request counts as the client's doing", async () => {
  const clock = new FakeClock();
  const { url, exchange, gateway } = await stage(await httpServer((_request, response) => void response.end("{}")), { clock }, { bodyTimeout: "30s" });
  const client = await dial(url);
  client.socket.write(asked.slice(0, -1));
  while (gateway.active() === 0) await new Promise(setImmediate);
  clock.advance(32_000);
  await once(client.socket, "close");
  expect(client.received()).toMatch(/^HTTP\/1\.1 408 /);
  expect(await exchange()).toMatchObject({ outcome: "cancelled", attempts: 0 });
});

/** Answers the n-th request on the n-th connection as told; gives the number of connections. */
async function countingServer(answer: string) {
  let connections = 0;
  const url = await rawServer((socket) => {
    connections += 1;
    socket.write(answer);
    socket.on("data", () => void socket.write(answer));
  });
  return { url, connections: () => connections };
}

test.each([
  ["plain", 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', 1],
  ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1],
  ["after an informational head that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 3],
  ["with the end of the connection announced", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 3],
  ["with bytes behind it", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 3],
  ["in chunks with bytes behind it", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-", 3],
])("three answers %s: each is whole and right, and a connection with anything left on it is not used again", async (_name, answer, connections) => {
  const server = await countingServer(answer);
  const { url } = await stage(server.url);
  for (let i = 0; i < 3; i += 1) expect((await post(url)).body.toString()).toBe("{}");
  expect(server.connections()).toBe(connections);
});

test("an answer that comes before the body was sent is passed on, and its connection is not used again", async () => {
  let connections = 0;
  const server = await rawServer((socket) => {
    connections += 1;
    socket.pause();
    socket.write("HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 2\r\n\r\nno");
    if (connections === 1) socket.resume();
  });
  const { url } = await stage(server);
  expect((await post(url, Buffer.alloc(8_000_000))).status).toBe(422);
  expect((await post(url, "{}")).status).toBe(422);
  expect(connections).toBe(2);
});

test("a server that closes an idle connection costs nobody an answer", async () => {
  let close = () => {};
  const server = await httpServer((request, response) => {
    close = () => void request.socket.destroy();
    response.end("{}");
  });
  const { url, attempts } = await stage(server);
  await post(url);
  close();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect((await post(url)).status).toBe(200);
  expect(attempts().map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
});

test("requests beyond the connections wait for one", async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const server = await httpServer((_request, response) => {
    most = Math.max(most, waiting.push(() => response.end("{}")));
    setImmediate(() => waiting.shift()?.());
  });
  const { url } = await stage(server, {}, { connections: 2 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(url)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBeLessThanOrEqual(2);
});

test("a rung's header that would split the answer is our failure, not the client's second answer", async () => {
  const splitting = { ...fallback(), headers: { "x-a": "1\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK" } } as ReturnType<typeof fallback>;
  const { url } = await stage(await rawServer((socket) => void socket.destroy()), { rungs: [rung("bad", splitting)] });
  const answer = await post(url);
  expect([answer.status, answer.rawHeaders.length > 0]).toEqual([500, true]);
});

test("a stream of events that breaks says so in the protocol's own form, and is reset in the account", async () => {
  let breakOff: () => void = () => {};
  const server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
    breakOff = () => void socket.resetAndDestroy();
  });
  const { url, exchange } = await stage(server);
  const client = await dial(url);
  client.socket.write(asked);
  await client.until("data: 1");
  breakOff();
  expect(await client.until("\r\n0\r\n\r\n")).toContain('data: {"error":"the answer broke off: reset"}');
  expect(await exchange()).toMatchObject({ outcome: "reset", status: 200 });
});

test("a stream of events that is compressed and breaks is broken off: plain words behind it could not be read", async () => {
  let breakOff: () => void = () => {};
  const server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    breakOff = () => void socket.resetAndDestroy();
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(asked);
  await client.until("abc");
  const closed = once(client.socket, "close");
  breakOff();
  await closed;
  expect(client.received()).not.toContain("error");
  expect(client.received()).not.toContain("\r\n0\r\n\r\n");
});

test("with the lanes set to ordinary nothing takes the plain lane", async () => {
  // Undici tells the server that it keeps the connection; the plain lane has no need to.
  let connection: string | undefined;
  const server = await httpServer((request, response) => {
    connection = request.headers.connection;
    response.end("{}");
  });
  const seen = [];
  for (const lanes of ["both", "ordinary"]) {
    const { url } = await stage(server, {}, { lanes });
    await post(url, question);
    seen.push(connection);
  }
  expect(seen).toEqual([undefined, "keep-alive"]);
});
