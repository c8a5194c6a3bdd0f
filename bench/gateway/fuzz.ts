/**
 * Hostile bytes through the gateway: requests and answers are real ones that were mutated (bits flipped, pieces cut out, put in,
 * doubled or swapped, two messages spliced) and sent in pieces, several on one connection, in both directions.
 *
 * Every request carries an id, and an answer of the server carries its request's. So it can be told from outside whether an
 * answer was split or went astray: what a client receives must be a row of whole answers in HTTP, no more of them than it asked
 * for, each with its own request's id or none, in their order. The server is node:http, so that a request which it refuses is
 * one that the gateway should not have passed on. In the end nothing may be left: no request, connection or kept byte.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import type { Route, Rung } from "../../agent/backend.ts";
import { systemClock, wait } from "../../agent/clock.ts";
import { gateway } from "../../agent/gateway/gateway.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import { silent } from "../../agent/log.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { answersIn } from "./answers-in.ts";
import { mutated } from "./mutated.ts";

export interface FuzzOptions {
  readonly cases: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly atOnce: number;
  readonly lanes: "both" | "ordinary";
}

export interface Fuzzed {
  readonly cases: number;
  /** Answers that clients received. */
  readonly answers: number;
  /** Requests that reached the server. */
  readonly reached: number;
  /** What should not have happened, in words, each with its case's number. */
  readonly found: readonly string[];
}

/** One connection of a client: what it sends, and how the server answers whatever of it comes through. */
interface Case {
  readonly ids: readonly string[];
  readonly bytes: Buffer;
  /** Where the bytes are cut. */
  readonly cuts: readonly number[];
  /** By id; a request without one is answered as it should be. */
  readonly answers: ReadonlyMap<string, Buffer>;
  /** The requests are sound, so each has an answer unless the connection breaks. */
  readonly sound: boolean;
}

const keptBytes = 262_144;
/** Nothing comes for so long: nothing will. */
const silenceMs = 500;
const idPattern = /id-[0-9a-f]{12}z/g;

const requests: readonly ((id: string) => string)[] = [
  (id) => `POST /v2/models/m/infer?${id} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${id.length + 9}\r\n\r\n{"id":"${id}"}`,
  (id) => `POST /v2/models/m/infer?${id} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${id.length.toString(16)}\r\n${id}\r\n2;a=b\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n`,
  (id) => `GET /v2/models/m?${id} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n`,
  (id) => `PUT /v2/things?${id} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody`,
  (id) => `POST /v2/models/m/infer?${id} HTTP/1.1\r\nHost: h\r\nX-A: ${"a".repeat(200)}\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nContent-Length: 2000\r\n\r\n${"x".repeat(2_000)}`,
];
const answers: readonly ((id: string) => string)[] = [
  (id) => `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${id.length + 9}\r\n\r\n{"id":"${id}"}`,
  (id) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${id.length.toString(16)}\r\n${id}\r\n3;a=b\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
  (id) => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\nConnection: keep-alive\r\n\r\n${id}`,
  (id) => `HTTP/1.1 500 Internal Server Error\r\nX-Id: ${id}\r\nContent-Length: 4\r\n\r\noops`,
  (id) => `HTTP/1.1 204 No Content\r\nX-Id: ${id}\r\n\r\n`,
  (id) => `HTTP/1.0 200 OK\r\nX-Id: ${id}\r\nContent-Length: 3000\r\n\r\n${"y".repeat(3_000)}`,
];

/** Sends that many cases through a gateway of its own. */
export async function fuzz({ cases, random, atOnce, lanes }: FuzzOptions): Promise<Fuzzed> {
  const found: string[] = [];
  const spoilt = new Map<string, Buffer>();
  const server = await answering(spoilt, (problem) => found.push(problem));
  const flowing: Route = { primary: "flows", reason: "normal", rung: "primary" };
  const last: Rung = { name: "last", kind: "default", answer: () => Promise.resolve({ outcome: "ok", status: 200, headers: {}, body: Buffer.from("{}"), version: undefined }) };
  const options = { host: "127.0.0.1", port: 0, lanes, timeout: "250ms", holdMax: "1KiB", keptMax: `${keptBytes / 1_024}KiB`, active: 10_000, clients: 10_000, connections: 10_000, retry: { ratio: 1, min: 1_000 } };
  const made = gateway(gatewayOptions.parse(options), {
    clock: systemClock,
    log: { ...silent, error: (fields, message) => void found.push(`${message}: ${JSON.stringify(fields)}`) },
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    protocol: openInference,
    route: () => flowing,
    claimTrial: () => false,
    rungs: [last],
    observe: () => {},
  });
  const { address, close } = await made.start();

  const issued = new Set<string>();
  let answered = 0;
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < cases) {
      const number = next;
      next += 1;
      const one = anyCase(random);
      for (const id of one.ids) issued.add(id);
      for (const [id, bytes] of one.answers) spoilt.set(id, bytes);
      const text = await exchanged(address.port, one);
      for (const id of one.ids) spoilt.delete(id);
      const read = answersIn(text);
      answered += read.answers.length;
      const problem = problemWith(one, issued, read);
      if (problem !== undefined) found.push(`case ${number}: ${problem}\n  sent ${shown(one.bytes)}\n  answers ${[...one.answers.values()].map(shown).join(" ")}\n  received ${shown(text)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));

  for (let tries = 0; tries < 500 && made.active() > 0; tries += 1) await wait(systemClock, 10);
  if (made.active() > 0 || made.work().inFlight > 0) found.push(`left: ${made.active()} requests, ${made.work().inFlight} in flight`);
  if (!(await keepsAll(address.port))) found.push("left: kept bytes");
  const reached = server.reached();
  await close();
  server.closeAllConnections();
  server.close();
  return { cases, answers: answered, reached, found };
}

const hex = (random: () => number) => Math.floor(random() * 2 ** 24).toString(16).padStart(6, "0");

/** For people: long runs of one byte are cut short. */
const shown = (bytes: Buffer | string) => JSON.stringify(bytes.toString("latin1").replaceAll(/(.)\1{9,}/g, (run, one: string) => `<${run.length}${one}>`));

function anyCase(random: () => number): Case {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const ids = Array.from({ length: 1 + Math.floor(random() * 3) }, () => `id-${hex(random)}${hex(random)}z`);
  const sent = ids.map((id) => Buffer.from(pick(requests)(id), "latin1"));
  const sound = random() < 0.5;
  const bytes = Buffer.concat(sent);
  const given = new Map<string, Buffer>();
  const other = (id: string) => Buffer.from(pick(random() < 0.5 ? answers : requests)(id), "latin1");
  if (sound) for (const id of ids) given.set(id, mutated(Buffer.from(pick(answers)(id), "latin1"), other(id), random));
  const wire = sound ? bytes : mutated(bytes, other(pick(ids)), random);
  const cuts = Array.from({ length: Math.floor(random() * 3) }, () => Math.floor(random() * wire.length)).sort((a, b) => a - b);
  return { ids, bytes: wire, cuts, answers: given, sound };
}

/** Everything that comes back over one connection. */
async function exchanged(port: number, { bytes, cuts, ids }: Case): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let text = "";
  let wake = (): void => {};
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    wake();
  });
  socket.on("error", () => {});
  socket.on("close", () => wake());
  if (!(await once(socket, "connect").then(() => true, () => false))) return ""; // A busy machine.
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    socket.write(bytes.subarray(from, cut));
    from = cut;
    if (cut < bytes.length) await wait(systemClock, 1);
  }
  while (!socket.closed) {
    const { answers: whole, rest } = answersIn(text);
    if (whole.length >= ids.length && rest === "") break;
    const before = text.length;
    await Promise.race([new Promise<void>((resolve) => (wake = resolve)), wait(systemClock, silenceMs)]);
    if (text.length === before) break;
  }
  socket.destroy();
  return text;
}

function problemWith({ ids, sound }: Case, issued: ReadonlySet<string>, { answers: received, fault, rest }: ReturnType<typeof answersIn>): string | undefined {
  if (fault !== undefined) return fault;
  for (const [index, { text }] of received.entries()) {
    const named = [...new Set(text.match(idPattern))];
    if (named.length > 1 && !sound) return `the answer ${index} names ${named.length} requests`;
    for (const id of named) {
      const place = ids.indexOf(id);
      if (place < 0 && issued.has(id)) return `the answer ${index} is another connection's`;
      if (place < 0) continue; // A mutated one.
      // A mutated request may bear the id of one before it.
      if (sound && place !== index && named.length === 1) return `the answer ${index} is the one of request ${place}`;
    }
  }
  if (sound && received.length > ids.length) return `${received.length} answers to ${ids.length} requests`;
  return sound && rest !== "" && received.length >= ids.length ? "bytes behind the last answer" : undefined;
}

/** A body of as many bytes as may be kept is answered by the rung only where no others are. */
async function keepsAll(port: number): Promise<boolean> {
  const body = "x".repeat(keptBytes);
  const response = await fetch(`http://127.0.0.1:${port}/v2/models/m/infer?break`, { method: "POST", body });
  await response.arrayBuffer();
  return response.headers.get("pilotfish-rung") === "last";
}

/** Node's server, which answers by hand; tells of requests that it refuses. */
async function answering(spoilt: ReadonlyMap<string, Buffer>, problem: (what: string) => void): Promise<Server & { reached: () => number }> {
  let reached = 0;
  const server = createServer((request) => {
    reached += 1;
    const { socket, url = "" } = request;
    const id = /id-[0-9a-f]*z/.exec(url)?.[0] ?? "none";
    if (url.endsWith("?break")) return void socket.destroy();
    request.on("error", () => {});
    request.resume().on("end", () => {
      const bytes = spoilt.get(id);
      if (bytes === undefined) return void socket.write((answers[0] as (typeof answers)[number])(id), "latin1");
      const half = bytes.length >> 1;
      socket.write(bytes.subarray(0, half));
      setImmediate(() => socket.write(bytes.subarray(half)));
    });
  });
  server.on("connection", (socket) => socket.on("error", () => {}));
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (error.code?.startsWith("HPE_") === true && error.code !== "HPE_INVALID_EOF_STATE") problem(`the server was sent what it refuses: ${error.code}`);
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, { reached: () => reached });
}
