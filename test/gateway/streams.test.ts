/** What the gateway knows of answers that stream: over real sockets, on a clock that is turned by hand. */
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, dial, fallback, httpServer, infer, post, rung, stage, test } from "./stage.ts";

const sse = { "content-type": "text/event-stream; charset=utf-8" };
const settled = () => new Promise(setImmediate);

/** A server that sends the head of a stream at once and each part when it is told. */
async function streamingServer(headers: Record<string, string> = sse) {
  const open: ServerResponse[] = [];
  const url = await httpServer((request, response) => {
    void bodyOf(request).then(() => {
      response.writeHead(200, headers).flushHeaders();
      open.push(response);
    });
  });
  return {
    url,
    async opened(count: number): Promise<readonly ServerResponse[]> {
      while (open.length < count) await settled();
      return open;
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settled();
}

test("a head is no first token, a comment is none, and each event with data is one", async () => {
  const clock = new FakeClock();
  const server = await streamingServer();
  const { url, gateway, exchange } = await stage(server.url, { clock });
  const answering = post(url);
  const [response] = (await server.opened(1)) as [ServerResponse];
  await until(() => gateway.work().streams !== undefined);
  clock.advance(300);
  expect(gateway.work()).toMatchObject({ inFlight: 1, completed: 0, oldestWaitMs: 300, streams: { waiting: 1, oldestWaitMs: 300, flowing: 0 } });

  response.write(": ping\n\n");
  clock.advance(100);
  for (let i = 0; i < 20; i += 1) await settled();
  expect(gateway.work()).toMatchObject({ completed: 0, oldestWaitMs: 400, streams: { waiting: 1, oldestWaitMs: 400 } });

  response.write('data: {"a":1}\n\n');
  await until(() => gateway.work().completed === 1);
  clock.advance(30);
  expect(gateway.work()).toMatchObject({ oldestWaitMs: 30, streams: { waiting: 0, flowing: 1, longestSilenceMs: 30, usualFirstMs: 400 } });
  response.write('data: {"a":2}\n\n: ping\n\n');
  await until(() => gateway.work().completed === 2);
  clock.advance(50);
  response.write('data: {"a":3}\n\ndata: {"a":4}\n\n');
  await until(() => gateway.work().completed === 3);
  response.end("data: [DONE]\n\n");
  await answering;
  expect(await exchange()).toMatchObject({ outcome: "ok", stream: { firstTokenMs: 400, perTokenMs: 80 / 3 } });
  expect(gateway.work()).toMatchObject({ inFlight: 0, completed: 4, oldestWaitMs: undefined, usualMs: undefined, streams: { waiting: 0, flowing: 0, usualFirstMs: 400, usualTokenMs: 50 } });
});

test("keep-alives of a frozen engine are no progress, and neither are clients that give up on it", async () => {
  const clock = new FakeClock();
  const server = await streamingServer();
  const { url, gateway, exchange } = await stage(server.url, { clock });
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  const [response] = (await server.opened(1)) as [ServerResponse];
  for (let i = 0; i < 5; i += 1) {
    clock.advance(1_000);
    response.write(": ping\n\n");
    await client.until("ping");
  }
  expect(gateway.work()).toMatchObject({ completed: 0, oldestWaitMs: 5_000 });
  client.socket.destroy();
  expect(await exchange()).toMatchObject({ outcome: "cancelled", stream: undefined });
  expect(gateway.work()).toMatchObject({ inFlight: 0, completed: 0 });
});

test("an engine that froze after the head is left: nobody has had a byte, so the ladder answers", async () => {
  const clock = new FakeClock();
  const server = await streamingServer();
  const { url, gateway } = await stage(server.url, { clock, rungs: [rung("small", fallback())] });
  const answering = post(url);
  await server.opened(1);
  await until(() => gateway.work().streams !== undefined);
  gateway.release("stalled");
  expect((await answering).headers).toMatchObject({ "pilotfish-rung": "small", "pilotfish-reason": "stalled" });
});

test("the largest request that still waits is compared with the usual one", async () => {
  const clock = new FakeClock();
  const server = await streamingServer();
  const { url, gateway } = await stage(server.url, { clock });
  for (let i = 1; i <= 3; i += 1) {
    const answering = post(url, "x".repeat(100));
    (await server.opened(i)).at(-1)?.end("data: a\n\n");
    await answering;
  }
  expect(gateway.work().largestRatio).toBeUndefined();
  const answering = [post(url, "x".repeat(2_000)), post(url, "x".repeat(100))];
  const open = await server.opened(5);
  await until(() => gateway.work().inFlight === 2);
  expect(gateway.work().largestRatio).toBe(20);
  open.forEach((response) => response.end("data: a\n\n"));
  await Promise.all(answering);
  expect(gateway.work().largestRatio).toBeUndefined();
});

test("an answer that comes in parts but is no stream of events counts by its chunks, and one of compressed events too", async () => {
  for (const headers of [{ "content-type": "application/json" }, { ...sse, "content-encoding": "gzip" }] as Record<string, string>[]) {
    const server = await streamingServer(headers);
    const { url, gateway, exchange } = await stage(server.url, { clock: new FakeClock() });
    const answering = post(url);
    const [response] = (await server.opened(1)) as [ServerResponse];
    response.write("[1,");
    await until(() => gateway.work().completed === 1);
    response.write("2,");
    await until(() => gateway.work().completed === 2);
    response.end("3]");
    await answering;
    expect(await exchange()).toMatchObject({ outcome: "ok", stream: undefined });
    expect(gateway.work().streams).toBeUndefined();
  }
});
