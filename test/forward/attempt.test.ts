/** What the gateway relies on when it sends a request on: holding, piping, cancelling, waiting for a connection. */
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import type { Attempt, AttemptRequest } from "../../agent/forward/attempt.ts";
import { backendPool } from "../../agent/forward/pool.ts";
import { bodyOf, httpServer } from "../gateway/stage.ts";

const get: AttemptRequest = { method: "GET", path: "/", headers: [], body: null, deadlineMs: () => systemClock.monotonicMs() + 10_000, hold: () => 1_000 };

function attempting(server: URL, connections: number = 4): (request: AttemptRequest) => Attempt {
  const pool = backendPool(systemClock, { server, connections });
  onTestFinished(() => pool.close());
  return (request) => pool.attempt(request);
}

test("a short answer is held whole; a longer one waits after its limit until it is piped on", async () => {
  const body = Buffer.alloc(500_000, "pilotfish");
  const server = await httpServer((request, response) => void response.end(request.url === "/" ? "short" : body));
  const attempt = attempting(server);
  const short = attempt(get);
  expect(await short.answered).toMatchObject({ ok: true, whole: true, head: { status: 200, statusText: "", length: 5 } });
  expect(Buffer.concat(short.held).toString()).toBe("short");

  const long = attempt({ ...get, path: "/long" });
  expect(await long.answered).toMatchObject({ ok: true, whole: false, head: { length: 500_000 } });
  const chunks: Buffer[] = [];
  expect(await long.pipe((chunk) => chunks.push(chunk) > 0, 1_000)).toBeUndefined();
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
});

test("an attempt given up while it waits for a connection harms nobody else's", async () => {
  const answers: (() => void)[] = [];
  let wake = () => {};
  const connections = new Set<number | undefined>();
  const server = await httpServer((request, response) => {
    connections.add(request.socket.remotePort);
    answers.push(() => response.end(request.url));
    wake();
  });
  const attempt = attempting(server, 1);
  const first = attempt(get);
  const second = attempt({ ...get, path: "/second" });
  const third = attempt({ ...get, path: "/third" });
  while (answers.length < 1) await new Promise<void>((resolve) => (wake = resolve));
  second.cancel("timeout", "waited too long");
  expect(await second.answered).toEqual({ ok: false, outcome: "timeout", detail: "waited too long" });
  answers[0]?.();
  expect(await first.answered).toMatchObject({ ok: true });
  while (answers.length < 2) await new Promise<void>((resolve) => (wake = resolve));
  answers[1]?.();
  await third.answered;
  expect(Buffer.concat(third.held).toString()).toBe("/third");
  expect(connections.size).toBe(1);
});

test("an attempt given up under way breaks its connection, so that the server can stop", async () => {
  let reached: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  let stopped: () => void = () => {};
  const closed = new Promise<void>((resolve) => (stopped = resolve));
  const server = await httpServer((request) => {
    request.socket.on("close", stopped);
    reached();
  });
  const attempt = attempting(server)(get);
  await arrived;
  attempt.cancel("stalled", "called back");
  attempt.cancel("timeout", "too late to matter");
  expect(await attempt.answered).toMatchObject({ outcome: "stalled" });
  await closed;
});

test("a body is sent with its length where that is declared, in chunks where it is not", async () => {
  const seen: (string | undefined)[][] = [];
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push([request.headers["content-length"], request.headers["transfer-encoding"], body.toString()]);
      response.end();
    });
  });
  const attempt = attempting(server);
  const post = { ...get, method: "POST" };
  await attempt({ ...post, body: Buffer.from("abc") }).answered;
  await attempt({ ...post, headers: ["Content-Length", "6"], body: Readable.from([Buffer.from("abc"), Buffer.from("def")]) }).answered;
  await attempt({ ...post, body: Readable.from([Buffer.from("abc"), Buffer.from("def")]) }).answered;
  expect(seen).toEqual([["3", undefined, "abc"], ["6", undefined, "abcdef"], [undefined, "chunked", "abcdef"]]);
});

test("early hints and other interim answers are not taken for the answer", async () => {
  const server = await httpServer((_request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.end("final");
  });
  const attempt = attempting(server)(get);
  expect(await attempt.answered).toMatchObject({ ok: true, head: { status: 200 } });
});
