/** What goes through the gateway goes through as it is. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { answersIn } from "../../bench/gateway/answers-in.ts";
import { bodyOf, dial, httpServer, infer, post, question, rawServer, send, stage, test } from "./stage.ts";

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Answers with the request's own body, so that one comparison covers both ways. */
const echo = () =>
  httpServer((request, response) => {
    response.setHeader("content-type", request.headers["content-type"] ?? "application/octet-stream");
    if (request.headers["content-length"] !== undefined) response.setHeader("content-length", request.headers["content-length"]);
    request.pipe(response);
  });

test.each([
  ["empty", 0],
  ["one byte", 1],
  ["just under what is held", 65_535],
  ["just over what is held", 65_537],
  ["three megabytes", 3_000_001],
])("a body of %s arrives and comes back byte for byte, framed by its length or in chunks", async (_name, size) => {
  const { url } = await stage(await echo());
  const body = randomBytes(size);
  const framed = await post(url, body);
  expect(framed.status).toBe(200);
  expect(framed.headers["content-length"]).toBe(String(size));
  expect(digest(framed.body)).toBe(digest(body));

  const pieces = Array.from({ length: 7 }, (_, index) => body.subarray(Math.floor((index * size) / 7), Math.floor(((index + 1) * size) / 7)));
  const chunked = await post(url, pieces);
  expect(digest(chunked.body)).toBe(digest(body));
});

test("a compressed body, numbers beyond 2^53, NaN and bytes after the JSON are passed on without being read", async () => {
  const { url } = await stage(await echo());
  const text = '{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[9007199254740993,NaN]}]}';
  for (const body of [gzipSync(text), Buffer.concat([Buffer.from(text), Buffer.from([0, 255, 128, 13, 10])])]) {
    expect((await post(url, body)).body.equals(body)).toBe(true);
  }
});

test("header fields keep their order, case and repetition; those of one connection stay behind, with what Connection names", async () => {
  let seen: readonly string[] = [];
  const server = await rawServer((socket, head) => {
    seen = head.split("\r\n\r\n")[0]?.split("\r\n") ?? [];
    socket.end(
      "HTTP/1.1 200 Fine Then\r\nX-One: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nKeep-Alive: timeout=3\r\nX-Hop: y\r\nConnection: close, X-Hop\r\nServer: S\r\nContent-Length: 2\r\n\r\nok",
    );
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(
    "GET /v2/health/ready?deep=1 HTTP/1.1\r\nHost: model.example\r\nX-Zeta: z\r\nx-alpha: 1\r\nX-Alpha: 2\r\nTE: trailers\r\nX-Secret: s\r\nConnection: keep-alive, X-Secret, Host\r\n\r\n",
  );
  const answer = await client.until("\r\n\r\nok");
  expect(seen[0]).toBe("GET /v2/health/ready?deep=1 HTTP/1.1");
  expect(seen.filter((line) => /^(x-|host|te:)/i.test(line))).toEqual(["host: model.example", "X-Zeta: z", "x-alpha: 1", "X-Alpha: 2"]);
  const lines = answer.split("\r\n");
  expect(lines[0]).toBe("HTTP/1.1 200 Fine Then");
  expect(lines.slice(1, 6)).toEqual(["X-One: 1", "Set-Cookie: a=1", "set-cookie: b=2", "Server: S", "Content-Length: 2"]);
  expect(answer).not.toMatch(/x-hop|timeout=3|pilotfish/i);
});

test("an inference carries its trace context and gets an id, and its answer says who gave it", async () => {
  let headers: Record<string, unknown> = {};
  const server = await httpServer((request, response) => {
    headers = request.headers;
    response.setHeader("pilotfish-rung", "another's");
    response.end("{}");
  });
  const { url, exchange } = await stage(server, { version: () => "7" });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const answer = await post(url, question, { traceparent, "x-request-id": "order-12" });
  expect(headers).toMatchObject({ traceparent, "pilotfish-inference-id": "order-12", "x-request-id": "order-12" });
  expect(answer.headers).toMatchObject({
    "pilotfish-rung": "primary",
    "pilotfish-reason": "normal",
    "pilotfish-model-version": "7",
    "pilotfish-inference-id": "order-12",
  });
  expect(await exchange()).toMatchObject({
    inference: true,
    model: "employment",
    inferenceId: "order-12",
    rung: "primary",
    reason: "normal",
    outcome: "ok",
    status: 200,
    attempts: 1,
    traceparent,
    requestBytes: question.length,
    responseBytes: 2,
  });
});

test("an id that is no id is replaced by a new one", async () => {
  const { url } = await stage(await echo());
  for (const id of ["two words", "x".repeat(129), ""]) {
    const answer = await post(url, question, { "pilotfish-inference-id": id });
    expect(answer.headers["pilotfish-inference-id"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("the version that the path asks for is the version of the answer, unless it can not stand in a header", async () => {
  const { url } = await stage(await echo());
  const asked = await post(url, question, {}, "/v2/models/employment/versions/3/infer");
  expect(asked.headers["pilotfish-model-version"]).toBe("3");
  const forged = await post(url, question, {}, "/v2/models/employment/versions/3%0d%0aSet-Cookie:%20a/infer");
  expect(forged.status).toBe(200);
  expect(forged.headers["set-cookie"]).toBeUndefined();
  expect(forged.headers["pilotfish-model-version"]).toBeUndefined();
});

test("statuses and heads without a body: HEAD, 204, 304", async () => {
  const server = await httpServer((request, response) => {
    if (request.url === "/204") response.writeHead(204).end();
    else if (request.url === "/304") response.writeHead(304, { etag: '"a"' }).end();
    else response.writeHead(200, { "content-length": 1234 }).end();
  });
  const { url } = await stage(server);
  const head = await send(url, "/v2", { method: "HEAD" });
  expect([head.status, head.headers["content-length"], head.body.length]).toEqual([200, "1234", 0]);
  const none = await send(url, "/204");
  expect([none.status, none.headers["transfer-encoding"], none.body.length]).toEqual([204, undefined, 0]);
  const same = await send(url, "/304");
  expect([same.status, same.headers.etag, same.body.length]).toEqual([304, '"a"', 0]);
});

test("pipelined requests on one connection are answered in their order", async () => {
  const server = await httpServer((request, response) => {
    // The first answer is the slowest.
    const wait = request.url === "/a" ? 3 : 0;
    const answer = (turns: number): void => void (turns === 0 ? response.end(`<${request.url}>`) : setImmediate(() => answer(turns - 1)));
    answer(wait);
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(["/a", "/b", "/c"].map((path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(""));
  const answers = await client.until("</c>");
  expect(answers.match(/<\/.>/g)).toEqual(["</a>", "</b>", "</c>"]);
});

test("connections are kept alive on both sides", async () => {
  const ports = new Set<number | undefined>();
  const server = await httpServer((request, response) => {
    ports.add(request.socket.remotePort);
    response.end("x");
  });
  const { url } = await stage(server);
  const client = await dial(url);
  for (let i = 1; i <= 5; i += 1) {
    client.socket.write(`GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`);
    while (client.received().split("HTTP/1.1 200").length <= i) await once(client.socket, "data");
  }
  expect(ports.size).toBe(1);
});

test("an answer streams: its first part arrives while the server still holds the second back", async () => {
  let release: () => void = () => {};
  const server = await httpServer((_request, response) => {
    response.write("data: 1\n\n");
    release = () => response.end("data: 2\n\n");
  });
  const { url, exchange } = await stage(server);
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}`);
  await client.until("data: 1");
  expect(client.received()).not.toContain("data: 2");
  release();
  await client.until("data: 2");
  expect(await exchange()).toMatchObject({ outcome: "ok", responseBytes: 18 });
});

test("a request streams: its first part reaches the server while the client still holds the second back", async () => {
  let arrived: (text: string) => void = () => {};
  const first = new Promise<string>((resolve) => (arrived = resolve));
  const server = await httpServer((request, response) => {
    request.once("data", (chunk: Buffer) => arrived(chunk.toString()));
    request.on("end", () => response.end("done"));
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
  expect(await first).toBe("first");
  client.socket.write("6\r\nsecond\r\n0\r\n\r\n");
  await client.until("done");
});

test("a client that does not read stops the server from sending, and gets every byte once it does", async () => {
  const size = 64 * 1_048_576;
  let sent = 0;
  const block = Buffer.alloc(65_536, 7);
  const server = await httpServer((_request, response) => {
    const more = (): void => {
      while (sent < size) {
        sent += block.length;
        if (!response.write(block)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.pause();
  client.socket.write("GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  let before = -1;
  while (sent !== before) {
    before = sent;
    for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
  }
  expect(sent).toBeLessThan(size);
  let received = 0;
  client.socket.on("data", (bytes) => (received += bytes.length));
  client.socket.resume();
  await once(client.socket, "close");
  expect(received).toBeGreaterThanOrEqual(size);
});

test("Expect: 100-continue is answered by the gateway before the body comes", async () => {
  const { url } = await stage(await echo());
  const client = await dial(url);
  client.socket.write(`POST ${infer} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
  await client.until("HTTP/1.1 100 Continue");
  client.socket.write("hello");
  expect(await client.until("hello")).toContain("HTTP/1.1 200");
});

test("of requests that came at once, the one that expects 100 Continue does not find it in the middle of its answer", async () => {
  let answerFirst = () => {};
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (body.toString() === "a") answerFirst = () => response.end("<a>");
      else response.end("<b>");
    });
  });
  const { url, attempts } = await stage(server);
  const client = await dial(url);
  const asked = (body: string) => `POST ${infer} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n${body}`;
  client.socket.write(`${asked("a")}${asked("b")}`);
  while (attempts().length === 0) await new Promise(setImmediate);
  answerFirst();
  await client.until("<b>");
  const { answers, rest, fault } = answersIn(client.received());
  expect([...answers.map(({ text }) => text.slice(-3)), rest, fault]).toEqual(["<a>", "<b>", "", undefined]);
});

test("malformed JSON and an unknown model are the server's to judge", async () => {
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.statusCode = request.url === infer ? 400 : 404;
      response.end(`{"error":"${body.length} bytes"}`);
    });
  });
  const { url, exchanges } = await stage(server, { model: "employment" });
  const malformed = await post(url, "{ no json");
  expect([malformed.status, malformed.body.toString()]).toEqual([400, '{"error":"9 bytes"}']);
  const unknown = await post(url, question, {}, "/v2/models/nobody/infer");
  expect([unknown.status, unknown.headers["pilotfish-rung"]]).toEqual([404, undefined]);
  expect(exchanges()).toMatchObject([
    { inference: true, outcome: "rejected", status: 400, reason: "normal" },
    { inference: false, outcome: "rejected", status: 404, inferenceId: "" },
  ]);
});

test("trailers of a chunked answer come along", async () => {
  const server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n");
    setImmediate(() => socket.end("0\r\nX-Sum: 6\r\n\r\n"));
  });
  const { url } = await stage(server);
  const client = await dial(url);
  client.socket.write("GET /t HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await client.until("0\r\n")).toContain("abc");
  await client.until("X-Sum: 6\r\n\r\n");
});

test("a base path in the server's address goes before every path; a target in absolute form loses its authority", async () => {
  const paths: (string | undefined)[] = [];
  const server = await httpServer((request, response) => {
    paths.push(request.url);
    response.end();
  });
  const { url } = await stage(new URL("/models/", server));
  await send(url, "/v2/health/live?x=%2F");
  const client = await dial(url);
  client.socket.write("GET http://elsewhere.example/v2?y HTTP/1.1\r\nHost: h\r\n\r\n");
  await client.until("200 OK");
  expect(paths).toEqual(["/models/v2/health/live?x=%2F", "/models/v2?y"]);
});
