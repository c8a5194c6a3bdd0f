/**
 * Both lanes held against each other: the same bytes go to a gateway with both lanes and to one with the ordinary lane alone,
 * before the same server, and whatever can be seen of either must be the same: every byte of the answer, and every observation.
 * They go to the server itself as well, which is node:http without anything around it: what that refuses, both must refuse.
 *
 * A case is a request, well-formed or spoilt, cut in two at any byte, and one of the server's answers, good, bad or spoilt in
 * one byte, and cut at any as well. After it the connection is asked for something usual: where anything was framed wrongly,
 * that shows it.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import type { Route, Rung } from "../../agent/backend.ts";
import { systemClock, wait } from "../../agent/clock.ts";
import { gateway } from "../../agent/gateway/gateway.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import { silent } from "../../agent/log.ts";
import type { Observation } from "../../agent/observation.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";

export interface Case {
  readonly request: Buffer;
  /** Where it is cut; 0 sends it whole. */
  readonly cut: number;
}

/**
 * What the server answers, by the number in the path's `?answer=`. A last piece "" ends the connection. Not among
 * them: 100 Continue that nobody asked for, which undici takes for no answer, and the plain lane passes over.
 *
 * Behind the number may stand how the answer is spoilt: `7.120r65.30` replaces its byte 120 by 65 (`i` puts one in, `d` takes
 * it out, `k` keeps all) and cuts it at byte 30. Its connection does not end: a server that ends one unannounced may meet the
 * next request there, which is each lane's own luck. So is whether the first byte of a body in chunks has left when garbage
 * follows it, so its chunks are left alone. Undici 8 takes CR CR for the end of a status line, and a tab
 * or a space behind a length for garbage, which node:http does not: both are left alone.
 */
export const answers: readonly (readonly string[])[] = [
  ["HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n", '{"outputs":[]}'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n{"outputs":[]}'],
  ["HTTP/1.1 200 Fine Then\r\nX-A:  1\r\nx-a: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ""],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "6\r\nsecond\r\n0\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;name=value\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\nX-Framed: by the end\r\n\r\nup to the end", ""],
  ["HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"],
  ['HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n'],
  ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"],
  ["HTTP/1.1 500 Internal Server Error\r\nContent-Length: 7\r\n\r\nno more"],
  ["HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 3\r\n\r\nbad"],
  ["HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ""],
  ["HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", ""],
  ["HTTP/1.1 200 OK\r\nX-A: 1\r\n folded\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nX-A: \u0000\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc"],
  ["HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["SSH-2.0-OpenSSH_9.9\r\n", ""],
  ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", ""],
  ["HTTP/1.1 200 OK\r\nContent-Len", ""],
  [""],
  ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\npilotfish-rung: another\r\nPilotfish-Reason: x\r\n\r\nabc"],
  ["HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-\u00e4: no\r\nContent-Length: 3\r\n\r\nabc", ""],
  ["HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-B: \u00e4\u00ff\t \r\nContent-Length: 3\r\n\r\nabc"],
  [`HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n${"x".repeat(40_000)}`, "y".repeat(30_000)],
  [`HTTP/1.1 200 OK\r\nX-Long: ${"x".repeat(70_000)}\r\nContent-Length: 3\r\n\r\nabc`, ""],
  [`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(5_000)}Content-Length: 3\r\n\r\nabc`],
];

const lines = [
  "Host: h", "host: h", "Host:h", "Content-Type: application/json", "X-Alpha: 1", "x-alpha:\t2 ", "X-Empty:", "X-High: \u00e4\u00ff", "Accept: */*",
  "Connection: keep-alive", "Connection: Keep-Alive", "Connection: close", "Connection: keep-alive, X-Alpha", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
  "TE: trailers", "Trailer: X-Sum", "Upgrade: h2c", "Expect: 100-continue", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity", "Transfer-Encoding : chunked", " folded: 1", "\tfolded", "No colon", "Bad Name: 1", "X-Nul: a\u0000b", "X-Lf: a\nX-B: 1", "X-Cr: a\rb", "X-Del: \u007f",
  "Content-Length: 2", "Content-Length: 0", "Content-Length: 02", "Content-Length: 2, 2", "Content-Length: -2", "Content-Length: 0x2", "Content-Length: +2", "Content-Length: 2 ",
  "Content-Length:", "Content-Length: 99999999999999999999", "content-length: 2", "Content-Length : 2", "X-Request-Id: r", "x-request-id: s", "pilotfish-inference-id: fixed",
  "Pilotfish-Inference-Id: two words", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "pilotfish-timeout-ms: 5000", "pilotfish-timeout-ms: soon", ": 1", "\"quoted\": 1", "X-\u00e4: 1",
] as const;
const requestLines = [
  "GET /v2/models/m?answer=A HTTP/1.1", "POST /v2/models/m/infer?answer=A HTTP/1.0", "PUT /v2?answer=A HTTP/1.1", "HEAD /v2?answer=A HTTP/1.1", "POST  /v2?answer=A HTTP/1.1", "POST /a b?answer=A HTTP/1.1",
  "POST /v2/models/m/infer?answer=A HTTP/1.1 ", "POST /v2/\u0000?answer=A HTTP/1.1", "POST /v2/\u00e4?answer=A HTTP/1.1", "POST http://h/v2/models/m/infer?answer=A HTTP/1.1", "OPTIONS * HTTP/1.1", "post /v2?answer=A HTTP/1.1",
  "POST /v2?answer=A#f HTTP/1.1", "POST /v2?answer=A HTTP/2.0", "POST v2?answer=A HTTP/1.1", "POST /v2/\u007f?answer=A HTTP/1.1", "GET /v2?answer=A&x=\"<>\\^`{|} HTTP/1.1", "GET /v2?answer=A HTTP/1.1\n", "\r\nGET /v2?answer=A HTTP/1.1", "CONNECT h:1 HTTP/1.1",
] as const;

const answerAsked = /answer=(\d+)(?:\.(\d+)([ridk])(\d+)\.(\d+))?/;

/** The pieces of the answer that a path asks for. */
export function answerTo(path: string): readonly string[] {
  const [, number = "0", at, how, byte, cut] = answerAsked.exec(path) ?? [];
  const pieces = answers[Number(number)] ?? [];
  if (how === undefined) return pieces;
  const text = pieces.join("");
  const put = how === "r" || how === "i" ? String.fromCharCode(Number(byte) % 256) : "";
  const spoilt = how === "k" ? text : text.slice(0, Number(at)) + put + text.slice(Number(at) + (how === "i" ? 0 : 1));
  return [spoilt.slice(0, Number(cut)), spoilt.slice(Number(cut))].filter((piece) => piece !== "");
}

/** How an answer is asked for: half as the table has it, half spoilt or cut somewhere, mostly in its head. */
function anyAnswer(random: () => number, pick: <T>(of: readonly T[]) => T): string {
  const number = random() < 0.5 ? 0 : Math.floor(random() * answers.length);
  if (random() < 0.5) return String(number);
  const text = (answers[number] as readonly string[]).join("");
  const { length } = text;
  const place = Math.floor(random() * Math.min(text.includes("chunked") ? text.indexOf("\r\n\r\n") : length, 200));
  const at = place === text.indexOf("\n") ? 0 : place;
  const any = random() < 0.5 ? Math.floor(random() * 256) : pick([0, 9, 10, 13, 32, 44, 48, 49, 58]);
  const isBehindLength = (any === 9 || any === 32) && /^content-length: *\d+ *$/i.test(text.slice(text.lastIndexOf("\n", at - 1) + 1, at));
  const byte = isBehindLength ? 48 : any;
  return `${number}.${at}${pick(["r", "i", "d", "k"])}${byte}.${Math.floor(random() * Math.min(length, 200))}`;
}

/** A case from numbers in [0, 1). About two in five are well-formed; the others are spoilt in one to three places. */
export function generated(random: () => number): Case {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const spoilt = random() < 0.6;
  const answer = anyAnswer(random, pick);
  const isGet = random() < 0.15;
  const body = isGet ? "" : pick(['{"inputs":[]}', "{}", "x".repeat(3_000), "\u0000\u00ff\r\n\r\n"]);
  const usual = isGet ? "GET /v2/health/ready?answer=A HTTP/1.1" : "POST /v2/models/m/infer?answer=A HTTP/1.1";
  const head = [spoilt && random() < 0.3 ? pick(requestLines) : usual, "Host: h", ...(isGet ? [] : [`Content-Length: ${body.length}`])];
  const more = Math.floor(random() * 4);
  for (let i = 0; i < more; i += 1) head.splice(1 + Math.floor(random() * head.length), 0, pick(lines.slice(3, 9)));
  if (spoilt) for (let i = Math.floor(random() * 3); i >= 0; i -= 1) head.splice(1 + Math.floor(random() * head.length), random() < 0.2 ? 1 : 0, pick(lines));
  let text = `${head.join(spoilt && random() < 0.03 ? "\n" : "\r\n")}\r\n\r\n${body}`.replace("answer=A", `answer=${answer}`);
  if (spoilt && random() < 0.2) {
    const at = Math.floor(random() * text.length);
    text = text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + (random() < 0.5 ? 1 : 0));
  }
  const request = Buffer.from(text, "latin1");
  return { request, cut: random() < 0.5 ? 0 : Math.floor(random() * request.length) };
}

export interface Compared {
  readonly both: string;
  readonly ordinary: string;
  /** The answer of node:http alone, which refuses or takes a request and says no more. */
  readonly alone: string;
}

export interface Differential {
  /** What came back from either until the connection ended; random ids and words about errors are masked. */
  compare(one: Case): Promise<Compared>;
  /** What has been observed since it was last asked for, in no order, by either. */
  observed(): Promise<readonly [both: readonly string[], ordinary: readonly string[]]>;
  /** The ratio of the requests at the server that came by the plain lane, of those sent through the gateway with both. */
  plainRatio(): number;
  close(): Promise<void>;
}

/** What differs between the lanes over these cases, in words. */
export async function differences(both: Differential, cases: readonly Case[], triesLeft: number = 3): Promise<readonly string[]> {
  const answered = await Promise.all(cases.map((one) => both.compare(one)));
  const [here, there] = await both.observed();
  const differing = cases.flatMap((one, i) => (isSame(answered[i] as Compared) ? [] : [{ ...one, ...(answered[i] as Compared) }]));
  const sameSeen = here.join() === there.join();
  if (differing.length === 0 && sameSeen) return [];
  // Once more, without the others: on a machine that is busy, time limits pass in one lane and not in the other.
  if (cases.length > 1) {
    const half = Math.ceil(cases.length / 2);
    const found: string[] = [];
    for (const part of differing.length > 0 ? differing.map((one) => [one]) : [cases.slice(0, half), cases.slice(half)]) found.push(...(await differences(both, part)));
    return found;
  }
  if (triesLeft > 0) return differences(both, cases, triesLeft - 1);
  const found = differing.map(({ request, cut, both: one, ordinary, alone }) => `${JSON.stringify(request.toString("latin1"))} cut at ${cut}\n  both:     ${JSON.stringify(one)}\n  ordinary: ${JSON.stringify(ordinary)}\n  alone:    ${JSON.stringify(alone)}`);
  const only = (of: readonly string[], not: readonly string[]) => of.filter((observation) => !not.includes(observation)).join("\n    ");
  return sameSeen ? found : [...found, `observed by\n  both:     ${only(here, there)}\n  ordinary: ${only(there, here)}`];
}

/** Nothing is taken that node:http alone refuses. */
function isSame({ both, ordinary, alone }: Compared): boolean {
  const refused = /^HTTP\/1\.1 4/;
  return both === ordinary && (!refused.test(alone) || refused.test(both));
}

const usual = "GET /v2/health/live?answer=0 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
/** Nothing comes for so long: nothing will, since the request is not whole. */
const silenceMs = 800;

export async function differential(): Promise<Differential> {
  // Undici says that it keeps connections; the plain lane has no need to.
  let asked = 0;
  let plain = 0;
  const server = await answering((headers) => {
    asked += 1;
    if (headers.connection === undefined) plain += 1;
  });
  const bare = await listening(createServer((request, response) => void request.resume().on("end", () => response.end("taken"))));
  const sides = await Promise.all((["both", "ordinary"] as const).map((lanes) => side(portOf(server), lanes)));
  const [both, ordinary] = sides as [Side, Side];
  return {
    async compare(one) {
      const [here, there, alone] = await Promise.all([exchanged(both.port, one), exchanged(ordinary.port, one), exchanged(portOf(bare), one)]);
      return { both: here, ordinary: there, alone };
    },
    async observed() {
      for (let tries = 0; tries < 200 && sides.some(({ active }) => active() > 0); tries += 1) await wait(systemClock, 10);
      return [both.observed(), ordinary.observed()];
    },
    plainRatio: () => plain / (asked / 2),
    async close() {
      await Promise.all(sides.map(({ close }) => close()));
      for (const one of [server, bare]) {
        one.closeAllConnections();
        one.close();
      }
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function listening(server: Server): Promise<Server> {
  server.on("connection", (socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Takes requests by node:http and answers them by hand. */
function answering(heard: (headers: IncomingHttpHeaders) => void): Promise<Server> {
  const server = createServer((request) => {
    const { socket } = request;
    heard(request.headers);
    request.resume();
    request.on("end", () => {
      void (async () => {
        for (const piece of answerTo(request.url ?? "")) {
          if (piece === "") socket.end();
          else socket.write(piece, "latin1");
          await wait(systemClock, 1);
        }
      })();
    });
  });
  return listening(server);
}

interface Side {
  readonly port: number;
  readonly close: () => Promise<void>;
  readonly active: () => number;
  readonly observed: () => readonly string[];
}

async function side(serverPort: number, lanes: "both" | "ordinary"): Promise<Side> {
  const flowing: Route = { primary: "flows", reason: "normal", rung: "primary" };
  const last: Rung = {
    name: "last",
    kind: "default",
    answer: ({ headers, body }) => Promise.resolve({ outcome: "ok", status: 200, headers: { "x-host": String(headers.host) }, body, version: undefined }),
  };
  let observed: string[] = [];
  const made = gateway(gatewayOptions.parse({ host: "127.0.0.1", port: 0, lanes, timeout: "300ms", retry: { ratio: 1, min: 1_000 }, sample: { ratio: 1 }, active: 4_096, connections: 4_096 }), {
    clock: systemClock,
    log: silent,
    server: new URL(`http://127.0.0.1:${serverPort}`),
    protocol: openInference,
    route: () => flowing,
    claimTrial: () => false,
    rungs: [last],
    observe: (observation) => observed.push(shown(observation)),
  });
  const { address, close } = await made.start();
  return {
    port: address.port,
    close,
    active: () => made.active(),
    observed() {
      const all = observed.sort();
      observed = [];
      return all;
    },
  };
}

/** An observation without times and random ids. */
function shown(observation: Observation): string {
  const saidHere = observation.kind === "exchange" && observation.rung === "none";
  return JSON.stringify(observation, (key, value: unknown) => {
    if (key.endsWith("Ms") || ["traceparent", "traceId", "spanId"].includes(key) || (saidHere && key === "responseBytes")) return undefined;
    if (typeof value === "string") return masked(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
  });
}

async function exchanged(port: number, { request, cut }: Case): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let text = "";
  let wake = (): void => {};
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    wake();
  });
  socket.on("error", () => {});
  const closed = once(socket, "close").catch(() => {});
  await once(socket, "connect");
  if (cut > 0) {
    socket.write(request.subarray(0, cut));
    await wait(systemClock, 2);
  }
  socket.write(request.subarray(cut));
  const isHead = request.toString("latin1", 0, 5) === "HEAD ";
  while (!socket.closed && !isWhole(text, isHead)) {
    const before = text.length;
    await Promise.race([closed, new Promise<void>((resolve) => (wake = resolve)), wait(systemClock, silenceMs)]);
    if (text.length > before || socket.closed) continue;
    socket.destroy();
    return masked(`${text} and no more`);
  }
  socket.write(usual);
  await Promise.race([closed, wait(systemClock, 5_000)]);
  socket.destroy();
  return masked(text);
}

/** One final answer has come to its end. */
function isWhole(text: string, isHead: boolean): boolean {
  const final = text.replace(/^(?:HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)+/, "");
  const end = final.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = final.slice(0, end + 2).toLowerCase();
  if (isHead || /^http\/1\.1 (?:204|304)/.test(head)) return true;
  if (/\r\ntransfer-encoding: chunked\r\n/.test(head)) return /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(final.slice(end));
  return final.length - end - 4 >= Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
}

/** Without what differs from run to run: random ids, words behind a status and about errors, the space behind a colon, and where a body is cut into chunks. */
function masked(text: string): string {
  return text
    .replaceAll(/(\r\ntransfer-encoding: chunked\r\n(?:[^\r\n]+\r\n)*\r\n)([^]*)/gi, (_all, head: string, body: string) => `${head}${unchunked(body)}`)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, "ID")
    .replaceAll(/content-length: \d+((?:\r\n[^\r\n]+)*\r\n\r\n)\{"error":"[^"]*"\}/g, 'content-length: N$1{"error":"..."}')
    .replaceAll(/^HTTP\/1\.1 (\d{3}) .*\r$/gm, "HTTP/1.1 $1\r")
    .replaceAll(/^([-\w]+):[ \t]*(.*?)[ \t]*\r$/gm, "$1: $2\r");
}

/** A body in one piece, with what follows its last chunk. */
function unchunked(body: string): string {
  let whole = "";
  for (let at = 0; ; ) {
    const [line, size = ""] = /^([0-9a-f]+)\r\n/.exec(body.slice(at, at + 12)) ?? [];
    if (line === undefined || Number.parseInt(size, 16) === 0) return `${whole}|${masked(body.slice(at))}`;
    const from = at + line.length;
    at = from + Number.parseInt(size, 16) + 2;
    whole += body.slice(from, at - 2);
  }
}
