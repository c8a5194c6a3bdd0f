/** One question, one answer or one reason; against real servers on loopback. */
import { expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { ask } from "../../agent/forward/ask.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, deadAddress, httpServer, rawServer } from "../gateway/stage.ts";

const timeoutMs = 5_000;

test("an answer comes back with its status, headers and whole body, whatever the status", async () => {
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.writeHead(418, ["X-Kind", "Teapot", "x-kind", "Stout"]).end([request.method, request.url, request.headers["x-a"], body.toString()].join(" "));
    });
  });
  const asked = await ask(systemClock, { url: new URL("/tea?cups=2", server), method: "POST", headers: { "x-a": "b" }, body: "sugar", timeoutMs });
  expect(asked).toMatchObject({ ok: true, status: 418, headers: { "x-kind": "Teapot, Stout" } });
  expect(asked.ok && asked.body.toString()).toBe("POST /tea?cups=2 b sugar");
  expect(asked.durationMs).toBeGreaterThan(0);
});

test.each<[string, string, () => Promise<URL>]>([
  ["refused", "nobody listens", deadAddress],
  ["reset", "the connection is reset before an answer", () => rawServer((socket) => void socket.resetAndDestroy())],
  ["reset", "the connection is closed before an answer", () => rawServer((socket) => void socket.end())],
  ["reset", "the connection breaks in the middle of a framed body", () => rawServer((socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))],
  ["reset", "the connection breaks in the middle of a chunked body", () => rawServer((socket) => void socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"))],
  ["reset", "the connection closes as announced, but too early", () => rawServer((socket) => void socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"))],
  ["invalid", "the answer is no HTTP", () => rawServer((socket) => void socket.end("220 mail.example ESMTP\r\n"))],
  ["invalid", "the answer's head has no end", () => rawServer((socket) => void socket.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`))],
  ["invalid", "the server wants to speak another protocol", () => rawServer((socket) => void socket.end("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"))],
  ["refused", "its name is known to nobody", () => Promise.resolve(new URL("http://pilotfish.invalid:1"))],
  ["invalid", "its address is of another kind", () => Promise.resolve(new URL("ftp://127.0.0.1/"))],
])("%s: %s", async (outcome, _story, server) => {
  const asked = await ask(systemClock, { url: await server(), timeoutMs });
  expect(asked).toMatchObject({ ok: false, outcome });
  expect(asked.ok ? "" : asked.detail).toMatch(/^.{3,200}$/);
});

test("a server that hangs before its answer, or in the middle of it, is given up in time", async () => {
  for (const beginning of ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]) {
    const clock = new FakeClock();
    let reached: () => void = () => {};
    const arrived = new Promise<void>((resolve) => (reached = resolve));
    const server = await rawServer((socket) => {
      if (beginning !== "") socket.write(beginning);
      reached();
    });
    const asking = ask(clock, { url: server, timeoutMs: 700 });
    await arrived;
    clock.advance(700);
    expect(await asking).toMatchObject({ ok: false, outcome: "timeout", durationMs: 700 });
    expect(clock.pending).toBe(0);
  }
});

test("an answer over its limit is given up, one at its limit is taken", async () => {
  const server = await httpServer((request, response) => void response.end(Buffer.alloc(Number(request.url?.slice(1)))));
  expect(await ask(systemClock, { url: new URL("/1000", server), timeoutMs, bodyMaxBytes: 1_000 })).toMatchObject({ ok: true });
  expect(await ask(systemClock, { url: new URL("/1001", server), timeoutMs, bodyMaxBytes: 1_000 })).toMatchObject({ ok: false, outcome: "too-large" });
});

test("who no longer wants to know cancels, before or while waiting", async () => {
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  let closed: () => void = () => {};
  const broken = new Promise<void>((resolve) => (closed = resolve));
  const server = await rawServer((socket) => {
    socket.on("close", closed);
    reached();
  });
  const abort = new AbortController();
  const asking = ask(systemClock, { url: server, timeoutMs, signal: abort.signal });
  await arrived;
  abort.abort();
  expect(await asking).toMatchObject({ ok: false, outcome: "cancelled" });
  await broken;
  expect(await ask(systemClock, { url: server, timeoutMs, signal: abort.signal })).toMatchObject({ ok: false, outcome: "cancelled" });
});

test("each question has a connection of its own, which is closed after it", async () => {
  const ports = new Set<number | undefined>();
  let open = 0;
  const server = await httpServer((request, response) => {
    ports.add(request.socket.remotePort);
    open += 1;
    request.socket.once("close", () => (open -= 1));
    response.end("x");
  });
  for (let i = 0; i < 3; i += 1) await ask(systemClock, { url: server, timeoutMs });
  while (open > 0) await new Promise(setImmediate);
  expect(ports.size).toBe(3);
});
