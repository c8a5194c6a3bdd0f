/** What is bounded, and what a client learns of it. */
import { once } from "node:events";
import { expect } from "vitest";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, dial, fallback, httpServer, infer, post, question, rung, send, stage, test } from "./stage.ts";

const ok = () => httpServer((request, response) => void bodyOf(request).then(() => response.end("{}"), () => {}));

test("a body whose length is over the limit is refused at once, and the server hears nothing of it", async () => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.end();
  });
  const { url, exchange } = await stage(server, {}, { bodyMax: "1KiB" });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 1025\r\n\r\n`);
  const answer = await client.until('"}');
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toContain('{"error":"the body has more than 1024 bytes"}');
  client.socket.write(Buffer.alloc(1_025));
  await once(client.socket, "close");
  expect(asked).toBe(0);
  expect(await exchange()).toMatchObject({ outcome: "too-large", status: 413, rung: "none", attempts: 0 });
});

test("a client that asks before it sends is refused without sending", async () => {
  const { url } = await stage(await ok(), {}, { bodyMax: "1KiB" });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n`);
  await once(client.socket, "close");
  expect(client.received()).toMatch(/^HTTP\/1\.1 413 /);
});

test("a chunked body is refused as soon as it passes the limit, and its attempt is called off", async () => {
  let broken = false;
  const server = await httpServer((request) => {
    request.on("error", () => {});
    request.on("close", () => (broken = !request.complete));
    request.resume();
  });
  const { url, attempts, exchange } = await stage(server, { rungs: [rung("small", fallback())] }, { bodyMax: "100KiB" });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  for (let i = 0; i < 8; i += 1) client.socket.write(chunk);
  expect(await client.until('"}')).toMatch(/^HTTP\/1\.1 413 /);
  client.socket.end();
  expect(await exchange()).toMatchObject({ outcome: "too-large", status: 413 });
  expect(attempts()).toMatchObject([{ backend: "primary", outcome: "too-large" }]);
  while (!broken) await new Promise(setImmediate);
});

test("a body at the limit passes", async () => {
  const { url } = await stage(await ok(), {}, { bodyMax: "100KiB" });
  expect((await post(url, Buffer.alloc(102_400))).status).toBe(200);
  expect((await post(url, [Buffer.alloc(51_200), Buffer.alloc(51_200)])).status).toBe(200);
});

test.each([
  ["short", "Content-Length: 10\r\n\r\n{", 0],
  ["long", `Content-Length: 900000\r\n\r\n${"x".repeat(200_000)}`, 1],
  ["chunked", "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", 1],
])("a %s body cut short is the client's doing, never a failure of the server", async (_name, text, attemptsMade) => {
  let seen = 0;
  let broken = 0;
  const server = await httpServer((request) => {
    seen += 1;
    request.on("error", () => {});
    request.on("close", () => (broken += 1));
    request.resume();
  });
  const { url, gateway, attempts, exchange } = await stage(server, { rungs: [rung("small", fallback())] });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\n${text}`);
  while (gateway.active() === 0 || seen < attemptsMade) await new Promise(setImmediate);
  client.socket.destroy();
  expect(await exchange()).toMatchObject({ outcome: "cancelled", rung: "none", status: 499, attempts: attemptsMade });
  expect(attempts().map(({ outcome }) => outcome)).toEqual(Array.from({ length: attemptsMade }, () => "cancelled"));
  while (broken < attemptsMade) await new Promise(setImmediate);
  expect(gateway.active()).toBe(0);
});

test("a client that goes away while it waits cancels the request at the server", async () => {
  let cancelled: () => void = () => {};
  const closed = new Promise<void>((resolve) => (cancelled = resolve));
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const server = await httpServer((_request, response) => {
    response.on("close", cancelled);
    reached();
  });
  const small = rung("small", fallback());
  const { url, attempts, exchange } = await stage(server, { rungs: [small] });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await arrived;
  client.socket.destroy();
  await closed;
  expect(await exchange()).toMatchObject({ outcome: "cancelled" });
  expect(attempts()).toMatchObject([{ outcome: "cancelled" }]);
  expect(small.asked).toHaveLength(0);
});

test("a client that goes away while a rung thinks has the rung's work stopped", async () => {
  let stopped: () => void = () => {};
  const aborted = new Promise<void>((resolve) => (stopped = resolve));
  let reached: () => void = () => {};
  const asked = new Promise<void>((resolve) => (reached = resolve));
  const slow = rung("slow", (_question, signal) => {
    signal.addEventListener("abort", stopped);
    reached();
    return new Promise(() => {});
  });
  const { url, exchange } = await stage(await ok(), { rungs: [slow], route: () => ({ primary: "blocked", reason: "unready", rung: "slow" }) });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await asked;
  client.socket.destroy();
  await aborted;
  expect(await exchange()).toMatchObject({ outcome: "cancelled", rung: "none" });
});

test("beyond the requests that may be under way at once: 503 with Retry-After, counted, and room again afterwards", async () => {
  const waiting: (() => void)[] = [];
  let wake = () => {};
  const server = await httpServer((_request, response) => {
    waiting.push(() => response.end("{}"));
    wake();
  });
  const { url, dropped, exchanges } = await stage(server, {}, { active: 2 });
  const first = [post(url), post(url)];
  while (waiting.length < 2) await new Promise<void>((resolve) => (wake = resolve));
  const refused = await post(url);
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
  expect(dropped).toEqual(["request"]);
  expect(exchanges()).toMatchObject([{ outcome: "overloaded", status: 503, rung: "none" }]);
  waiting.forEach((finish) => finish());
  await Promise.all(first);
  const after = post(url);
  while (waiting.length < 3) await new Promise<void>((resolve) => (wake = resolve));
  waiting[2]?.();
  expect((await after).status).toBe(200);
});

test("a body that does not fit beside the others kept is passed on once, without a second attempt or a rung", async () => {
  let asked = 0;
  const server = await httpServer((request) => {
    asked += 1;
    request.resume().on("end", () => request.socket.destroy());
  });
  const small = rung("small", fallback());
  const { url } = await stage(server, { rungs: [small] }, { keptMax: "64KiB", holdMax: "1KiB" });
  const answer = await post(url, Buffer.alloc(200_000, 1));
  expect([answer.status, asked, small.asked.length]).toEqual([503, 1, 0]);
  expect((await post(url, Buffer.alloc(50_000, 1))).headers["pilotfish-rung"]).toBe("small");
});

test.each([
  ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00", /^HTTP\/1\.1 400 /],
  ["two lengths", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, /^HTTP\/1\.1 400 /],
  ["a length and chunks", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /^HTTP\/1\.1 400 /],
  ["a head without end", `GET / HTTP/1.1\r\nHost: h\r\nX: ${"x".repeat(70_000)}`, /^HTTP\/1\.1 431 /],
])("%s is refused before the server sees anything of it", async (_name, text, status) => {
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    response.end();
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(Buffer.from(text, "latin1"));
  await once(client.socket, "close");
  expect(client.received()).toMatch(status);
  expect(asked).toBe(0);
});

test("a target that can not be sent on is the client's mistake, not the server's failure", async () => {
  const { url, attempts } = await stage(await ok());
  const client = await dial(url);
  client.socket.write("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await client.until('"}')).toMatch(/^HTTP\/1\.1 400 /);
  expect(attempts()).toMatchObject([{ outcome: "unsupported" }]);
});

test("draining: requests under way finish, their connections end, and new ones get one answer each", async () => {
  let finish: () => void = () => {};
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const server = await httpServer((request, response) => {
    if (request.url !== infer) return void response.end("x");
    finish = () => response.end("{}");
    reached();
  });
  const { url, gateway } = await stage(server);
  const early = post(url, question, { connection: "keep-alive" });
  await arrived;
  gateway.drain();
  expect((await send(url, "/late", { headers: { connection: "keep-alive" } })).headers.connection).toBe("close");
  finish();
  const { status, headers } = await early;
  expect([status, headers.connection]).toEqual([200, "close"]);
});

test("closing waits for requests under way, as long as the drain lasts and no longer", async () => {
  const clock = new FakeClock();
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const server = await httpServer(() => reached());
  const { url, close, gateway } = await stage(server, { clock }, { drain: "3s", timeout: "60s" });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await arrived;
  let closed = false;
  const closing = close().then(() => (closed = true));
  clock.advance(2_999);
  await new Promise(setImmediate);
  expect([closed, gateway.active()]).toEqual([false, 1]);
  clock.advance(1);
  await closing;
  await once(client.socket, "close");
});

test("a gateway that is to end goes on accepting as long as something comes, and tells each connection to end", async () => {
  const clock = new FakeClock();
  const { url, close } = await stage(await ok(), { clock }, { linger: "5s", drain: "3s" });
  await post(url);
  let closed = false;
  const closing = close().then(() => (closed = true));
  for (let s = 0; s < 3; s += 1) {
    await tick(clock, 900);
    const { status, headers } = await post(url, question, { connection: "keep-alive" });
    expect([status, headers.connection, closed]).toEqual([200, "close", false]);
  }
  // A second in which nothing comes ends the wait early.
  await tick(clock, 999);
  expect(closed).toBe(false);
  await tick(clock, 1);
  await closing;
  await expect(post(url)).rejects.toThrow("ECONNREFUSED");
  expect(clock.pending).toBe(0);
});

test("traffic that never stops is served as long as the gateway lingers; whoever had connected by then may still ask", async () => {
  const clock = new FakeClock();
  const { url, close } = await stage(await ok(), { clock }, { linger: "2s", drain: "3s" });
  await post(url);
  let closed = false;
  const closing = close().then(() => (closed = true));
  for (let i = 0; i < 4; i += 1) {
    await tick(clock, 499);
    expect((await post(url)).status).toBe(200);
  }
  const last = await dial(url);
  await tick(clock, 4);
  await expect(post(url)).rejects.toThrow("ECONNREFUSED");
  last.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  expect(await last.until("Connection: close")).toContain("200 OK");
  for (let i = 0; i < 4 && !closed; i += 1) await tick(clock, 500);
  await closing;
  expect(clock.pending).toBe(0);
});

test("nothing under way and nothing coming: a gateway that may linger closes at once", async () => {
  const clock = new FakeClock();
  const { url, close } = await stage(await ok(), { clock }, { linger: "5s" });
  await post(url);
  clock.advance(1_000);
  await close();
  expect(clock.pending).toBe(0);
});

/** Lets what follows from the time happen, sockets included. */
async function tick(clock: FakeClock, byMs: number): Promise<void> {
  clock.advance(byMs);
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
}

test("a listener handed over goes on without a break: the old gateway finishes what it has, the new one serves the same connections", async () => {
  let finish: () => void = () => {};
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const oldServer = await httpServer((request, response) => {
    if (request.url !== "/slow") return void response.end("old");
    finish = () => response.end("old and slow");
    reached();
  });
  const old = await stage(oldServer);
  const kept = await dial(old.url);
  kept.socket.write("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  await kept.until("old");
  const slow = send(old.url, "/slow");
  await arrived;

  let leave: () => void = () => {};
  const left = new Promise<void>((resolve) => (leave = resolve));
  const newServer = await httpServer((request, response) => {
    if (request.url !== "/wait") return void response.end("new");
    response.on("close", leave);
    kept.socket.destroy();
  });
  const next = await stage(newServer, { inherited: old.gateway.handOver() });
  expect(next.url.href).toBe(old.url.href);
  expect(() => old.gateway.handOver()).toThrow("there is no listener");
  kept.socket.write("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  await kept.until("new");
  const closing = old.close();
  finish();
  expect((await slow).body.toString()).toBe("old and slow");
  await closing;
  expect((await send(next.url, "/c")).body.toString()).toBe("new");
  // A client that goes away is noticed by the gateway that serves it now.
  kept.socket.write("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  await left;
  expect(await next.exchange(3)).toMatchObject({ outcome: "cancelled" });
  expect(old.exchanges()).toHaveLength(2);
});

test("an address that is taken is an error at the start that names the option", async () => {
  const { url } = await stage(await ok());
  await expect(stage(url, {}, { port: Number(url.port) })).rejects.toThrow(/the port is in use; change gateway.port$/);
});

test("closing an idle gateway is immediate, and leaves no timer behind", async () => {
  const clock = new FakeClock();
  const { url, close } = await stage(await ok(), { clock });
  await post(url);
  await close();
  expect(clock.pending).toBe(0);
});
