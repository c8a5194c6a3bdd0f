/** What a server may answer instead of an answer, on purpose or broken: the client never sees it as something that it is not. */
import { once } from "node:events";
import { expect } from "vitest";
import { dial, fallback, infer, post, rawServer, rung, stage, test } from "./stage.ts";

const says = (answer: string) => rawServer((socket) => void socket.end(Buffer.from(answer, "latin1")));

test.each([
  ["a control character", "Fine\u0001"],
  ["a NUL", "Fi\u0000ne"],
  ["bytes beyond ASCII", "Sch\u00c3\u00b6n"],
  ["bytes that are no UTF-8", "\u00ff\u00fe"],
])("%s in the words behind the status: the usual words stand there, and the gateway lives on", async (_name, words) => {
  const { url } = await stage(await says(`HTTP/1.1 200 ${words}\r\nContent-Length: 2\r\n\r\n{}`), { rungs: [rung("small", fallback())] });
  for (let i = 0; i < 2; i += 1) {
    const answer = await post(url);
    expect([answer.status, answer.statusText]).toEqual([200, "OK"]);
  }
});

test.each<[string, string, number, string]>([
  ["both framings", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "invalid"],
  ["two lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 200, "invalid"],
  ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}", 200, "invalid"],
  ["the status 000", "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "invalid"],
  ["a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", 200, "invalid"],
  ["a length beyond all numbers", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", 200, "invalid"],
  ["a control character in a field", "HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 2\r\n\r\n{}", 200, "invalid"],
  ["a bare line feed that makes a field of its own", "HTTP/1.1 200 OK\r\nX-A: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}", 200, "invalid"],
  ["a head of 100 kB", `HTTP/1.1 200 OK\r\n${`X-A: ${"a".repeat(994)}\r\n`.repeat(100)}Content-Length: 2\r\n\r\n{}`, 200, "invalid"],
  ["another protocol than it was asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200, "invalid"],
  ["another protocol, without saying which", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 200, "invalid"],
  ["fewer bytes than it declared", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 200, "reset"],
  ["a chunk that is cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9", 200, "reset"],
  ["a status beyond all classes", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}", 200, "error"],
])("%s: no answer in HTTP, and a rung gives one", async (_name, answer, status, reason) => {
  const { url, exchange } = await stage(await says(answer), { rungs: [rung("small", fallback())] });
  const { headers, ...given } = await post(url);
  expect([given.status, headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([status, "small", reason]);
  expect(headers).not.toHaveProperty("set-cookie");
  expect(await exchange()).toMatchObject({ rung: "small", reason, outcome: "ok" });
});

test.each<[string, string, number, string]>([
  ["more bytes than it declared", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200, "{}"],
  ["early hints first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"],
  ["204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", 204, ""],
  ["304 with a body", "HTTP/1.1 304 Not Modified\r\n\r\nevil", 304, ""],
  ["205 with a body", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\n{}", 205, "{}"],
  ["an unknown coding before the chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "{}"],
  ["a body up to the end of the connection", "HTTP/1.1 200 OK\r\n\r\n{}", 200, "{}"],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"],
])("%s: the client has exactly one answer, and the next request another", async (_name, answer, status, body) => {
  const { url } = await stage(await says(answer));
  const client = await dial(url);
  for (let i = 1; i <= 2; i += 1) {
    client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
    const ends = body === "" ? "\r\n\r\n" : body;
    while (client.received().split(ends).length <= i) await once(client.socket, "data");
  }
  const text = client.received();
  expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual([`HTTP/1.1 ${status}`, `HTTP/1.1 ${status}`]);
  expect(text).not.toContain("evil");
});

test("a Trailer field where no trailer can follow stays behind, and the answer after it is framed as its own", async () => {
  const answers = ["HTTP/1.1 204 No Content\r\nTrailer: X-Sum\r\n\r\n", 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 14\r\n\r\n{"outputs":[]}'];
  const server = await rawServer((socket, head) => void (head.startsWith("POST") && socket.end(answers.shift() ?? "")));
  const { url } = await stage(server);
  const first = await post(url);
  expect([first.status, first.headers["trailer"], first.body.length]).toEqual([204, undefined, 0]);
  const second = await post(url);
  expect([second.status, second.headers["trailer"], second.body.toString()]).toEqual([200, undefined, '{"outputs":[]}']);
});
