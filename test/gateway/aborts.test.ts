/** A client that leaves is no longer worked for: the server learns of it at once, whatever was under way. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { bodyOf, dial, httpServer, infer, rawServer, send, stage, test } from "./stage.ts";

const short = `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`;
const chunked = `POST ${infer} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;

test.each<[string, string, (request: IncomingMessage, response: ServerResponse) => void, string]>([
  ["before any answer", short, () => {}, ""],
  ["before any answer to a body in chunks", chunked, () => {}, ""],
  ["in the middle of sending", `POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n${"x".repeat(100_000)}`, () => {}, ""],
  ["in the middle of a stream", short, (_request, response) => void response.write("data: 1\n\n"), "data: 1"],
  ["in the middle of an endless answer, which it does not read", short, (_request, response) => flood(response), ""],
])("a client leaves %s: the server's connection closes, and the account says cancelled", async (_name, text, serve, first) => {
  let arrived: (response: ServerResponse) => void = () => {};
  const reached = new Promise<ServerResponse>((resolve) => (arrived = resolve));
  const server = await httpServer((request, response) => {
    request.on("error", () => {}).resume();
    serve(request, response);
    arrived(response);
  });
  const { url, gateway, exchange } = await stage(server);
  const client = await dial(url);
  if (serve.length > 0 && first === "") client.socket.pause();
  client.socket.write(text);
  const response = await reached;
  const closed = once(response, "close");
  if (first !== "") await client.until(first);
  client.socket.destroy();
  await closed;
  expect(response.writableFinished).toBe(false);
  expect(await exchange()).toMatchObject({ outcome: "cancelled" });
  expect([gateway.active(), gateway.work().inFlight]).toEqual([0, 0]);
});

function flood(response: ServerResponse): void {
  const block = Buffer.alloc(65_536);
  const more = (): void => {
    while (!response.destroyed && response.write(block));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

test("a client that leaves is heard of though its next request has come meanwhile and waits", async () => {
  let arrived: (response: ServerResponse) => void = () => {};
  const reached = new Promise<ServerResponse>((resolve) => (arrived = resolve));
  const server = await httpServer((request, response) => {
    if (request.method === "GET") arrived(response);
    response.write("data: 1\n\n");
  });
  const { url, exchange } = await stage(server);
  const client = await dial(url);
  client.socket.write("GET /v2/models/m HTTP/1.1\r\nHost: h\r\n\r\n");
  const closed = reached.then((response) => once(response, "close"));
  await client.until("data: 1");
  client.socket.write(short);
  await new Promise(setImmediate);
  client.socket.destroy();
  await closed;
  expect(await exchange()).toMatchObject({ outcome: "cancelled" });
});

test("a client that leaves while its second request waits behind its first takes both back", async () => {
  const closed: string[] = [];
  const seen: string[] = [];
  const server = await httpServer((request, response) => {
    seen.push(request.url ?? "");
    response.on("close", () => closed.push(request.url ?? ""));
  });
  const { url, gateway } = await stage(server);
  const client = await dial(url);
  client.socket.write("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  while (seen.length === 0) await new Promise(setImmediate);
  client.socket.destroy();
  while (gateway.active() > 0 || closed.length < seen.length) await new Promise(setImmediate);
  expect(closed).toContain("/a");
});

test("an answer's coding and its bytes are left alone, in either framing", async () => {
  const packed = gzipSync('{"outputs":[]}');
  for (const framing of [`Content-Length: ${packed.length}\r\n`, ""]) {
    const server = await rawServer((socket) => void socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n${framing}\r\n`), packed])));
    const { url } = await stage(server);
    const answer = await send(url, infer, { method: "POST", body: "{}", headers: { "accept-encoding": "gzip" } });
    expect([answer.headers["content-encoding"], answer.body.equals(packed)]).toEqual(["gzip", true]);
  }
});

test("the server is asked for the codings that the client takes, and for no others", async () => {
  const asked: (string | undefined)[] = [];
  const server = await httpServer((request, response) => {
    asked.push(request.headers["accept-encoding"] as string | undefined);
    void bodyOf(request).then(() => response.end("{}"));
  });
  const { url } = await stage(server);
  await send(url, infer, { method: "POST", body: "{}" });
  await send(url, infer, { method: "POST", body: "{}", headers: { "accept-encoding": "br;q=1.0, *;q=0" } });
  expect(asked).toEqual([undefined, "br;q=1.0, *;q=0"]);
});
