/** What a client may send instead of a request: it is refused, or it means the same to the gateway and to the server. */
import { once } from "node:events";
import { expect } from "vitest";
import { answersIn } from "../../bench/gateway/answers-in.ts";
import { bodyOf, dial, httpServer, infer, stage, test } from "./stage.ts";

/** A server that notes what it hears. */
async function listeningServer() {
  const heard: { readonly line: string; readonly headers: readonly string[]; readonly body: string }[] = [];
  const url = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      heard.push({ line: `${request.method} ${request.url}`, headers: request.rawHeaders, body: body.toString("latin1") });
      response.end("{}");
    }, () => {});
  });
  return { url, heard };
}

const posted = (fields: string, body: string) => `POST ${infer} HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n${body}`;

test.each<[string, string]>([
  ["a negative length", posted("Content-Length: -2", "{}")],
  ["a length with a plus", posted("Content-Length: +2", "{}")],
  ["a length in hex", posted("Content-Length: 0x2", "{}")],
  ["a length beyond all numbers", posted("Content-Length: 99999999999999999999", "{}")],
  ["a length of nothing", posted("Content-Length:", "{}")],
  ["a length with a fraction", posted("Content-Length: 2.0", "{}")],
  ["two lengths that differ", posted("Content-Length: 2\r\nContent-Length: 3", "{}")],
  ["a length and chunks", posted("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n")],
  ["chunks that are not the last coding", posted("Transfer-Encoding: chunked, identity", "2\r\n{}\r\n0\r\n\r\n")],
  ["a coding that only ends in chunked", posted("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n")],
  ["a chunk's size with a sign", posted("Transfer-Encoding: chunked", "+2\r\n{}\r\n0\r\n\r\n")],
  ["a chunk's size in 0x", posted("Transfer-Encoding: chunked", "0x2\r\n{}\r\n0\r\n\r\n")],
  ["a chunk's size beyond all numbers", posted("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n")],
  ["a chunk that is longer than it says", posted("Transfer-Encoding: chunked", "2\r\n{}{}\r\n0\r\n\r\n")],
  ["a trailer that frames the message anew", posted("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nContent-Length: 99\r\n\r\n")],
  ["a trailer that chunks the message anew", posted("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")],
  ["a space before the colon", posted("Transfer-Encoding : chunked", "2\r\n{}\r\n0\r\n\r\n")],
  ["a folded framing", posted("Transfer-Encoding:\r\n chunked", "2\r\n{}\r\n0\r\n\r\n")],
  ["a folded field", posted("X-A: 1\r\n\tContent-Length: 2\r\nContent-Length: 2", "{}")],
  ["a bare line feed between fields", posted("X-A: 1\nContent-Length: 2", "{}")],
  ["a bare carriage return in a field", posted("X-A: 1\rTransfer-Encoding: chunked\r\nContent-Length: 2", "{}")],
  ["a NUL in a field", posted("X-A: \u0000\r\nContent-Length: 2", "{}")],
  ["a NUL in the path", `GET /v2/\u0000 HTTP/1.1\r\nHost: h\r\n\r\n`],
  ["a space in the path", `GET /v2/a b HTTP/1.1\r\nHost: h\r\n\r\n`],
  ["HTTP/0.9", "GET /v2\r\n"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["HTTP/2.0", "GET /v2 HTTP/2.0\r\nHost: h\r\n\r\n"],
  ["an unknown version", "GET /v2 HTTP/1.7\r\nHost: h\r\n\r\n"],
  ["no host", `GET /v2 HTTP/1.1\r\n\r\n`],
  ["an authority for a target", "CONNECT elsewhere:443 HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a method that is none", "G\u0001T /v2 HTTP/1.1\r\nHost: h\r\n\r\n"],
])("%s: refused, and the server hears nothing that the client did not mean", async (_name, text) => {
  const { url: server, heard } = await listeningServer();
  const { url, gateway } = await stage(server);
  const client = await dial(url);
  client.socket.write(Buffer.from(text, "latin1"));
  client.socket.write(`POST ${infer}?smuggled HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await once(client.socket, "close");
  expect(client.received()).toMatch(/^(HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n[^{}]*)?$/);
  while (gateway.active() > 0) await new Promise(setImmediate);
  expect(heard).toEqual([]);
});

test.each<[string, string, string, string]>([
  ["chunk extensions", posted("Transfer-Encoding: chunked", '2;a=b;c="d"\r\n{}\r\n0;e\r\n\r\n'), `POST ${infer}`, "{}"],
  ["a tab before the coding", posted("Transfer-Encoding:\tchunked", "2\r\n{}\r\n0\r\n\r\n"), `POST ${infer}`, "{}"],
  ["the coding in capitals", posted("Transfer-Encoding: CHUNKED", "2\r\n{}\r\n0\r\n\r\n"), `POST ${infer}`, "{}"],
  ["a length with zeros before it", posted("Content-Length: 0002", "{}"), `POST ${infer}`, "{}"],
  ["spaces around a length", posted("Content-Length: \t2 \t", "{}"), `POST ${infer}`, "{}"],
  ["a target in absolute form", `POST http://elsewhere${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`, `POST ${infer}`, "{}"],
  ["a path with everything that may stand in one", "GET /v2/%00/..;/a//b/?x='\"*&y=|{}^` HTTP/1.1\r\nHost: h\r\n\r\n", "GET /v2/%00/..;/a//b/?x='\"*&y=|{}^`", ""],
  ["an empty line before it", `\r\nGET /v2 HTTP/1.1\r\nHost: h\r\n\r\n`, "GET /v2", ""],
  ["a body where none is usual", "GET /v2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", "GET /v2", "{}"],
])("%s: means the same to the server, and what comes behind it as well", async (_name, text, line, body) => {
  const { url: server, heard } = await listeningServer();
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(Buffer.from(text, "latin1"));
  client.socket.write("GET /v2/next HTTP/1.1\r\nHost: h\r\n\r\n");
  while (answersIn(client.received()).answers.length < 2) await once(client.socket, "data");
  expect(answersIn(client.received())).toMatchObject({ answers: [{ status: 200 }, { status: 200 }], rest: "", fault: undefined });
  // Two connections may lead to the server, so they may come there in any order.
  expect(heard.map((one) => `${one.line} <${one.body}>`).sort()).toEqual([`${line} <${body}>`, "GET /v2/next <>"].sort());
});

test("a wish to upgrade is not passed on, the request itself is, and the connection ends with its answer", async () => {
  const { url: server, heard } = await listeningServer();
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(posted("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 2", "{}"));
  await once(client.socket, "close");
  expect(client.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*\{\}$/);
  expect(heard).toMatchObject([{ line: `POST ${infer}`, body: "{}" }]);
  expect(heard[0]?.headers.map((name) => name.toLowerCase())).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(upgrade|http2-settings)$/)]));
});

test("a request's trailers stay behind, with the field that announces them", async () => {
  const { url: server, heard } = await listeningServer();
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(posted("Transfer-Encoding: chunked\r\nTrailer: X-Sum", "2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n"));
  await client.until("\r\n\r\n{}");
  expect(heard).toMatchObject([{ body: "{}" }]);
  expect(heard[0]?.headers.map((text) => text.toLowerCase())).not.toContain("trailer");
});

test("an expectation that nobody can meet is refused with 417, and the server hears nothing of it", async () => {
  const { url: server, heard } = await listeningServer();
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(posted("Expect: a-miracle\r\nContent-Length: 2", "{}"));
  expect(await client.until("\r\n\r\n")).toMatch(/^HTTP\/1\.1 417 /);
  expect(heard).toEqual([]);
});

test("fields of 64 kB in all are refused with 431 at the limit of the head, and pass beneath it", async () => {
  const { url: server, heard } = await listeningServer();
  const { url } = await stage(server);
  const beneath = await dial(url);
  beneath.socket.write(posted(`X-A: ${"a".repeat(15_000)}\r\nContent-Length: 2`, "{}"));
  await beneath.until("\r\n\r\n{}");
  const over = await dial(url);
  over.socket.write(posted(`${`X-A: ${"a".repeat(994)}\r\n`.repeat(66)}Content-Length: 2`, "{}"));
  await once(over.socket, "close");
  expect(over.received()).toMatch(/^HTTP\/1\.1 431 /);
  expect(heard).toHaveLength(1);
});
