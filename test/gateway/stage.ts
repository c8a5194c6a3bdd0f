/** Real servers on loopback, a gateway before them, and a client that hides nothing: what the tests of the data path share. */
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server as TcpServer, Socket } from "node:net";
import { onTestFinished, test as story } from "vitest";
import type { Question, Route, Rung, RungAnswer } from "../../agent/backend.ts";
import { systemClock } from "../../agent/clock.ts";
import { gateway } from "../../agent/gateway/gateway.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import type { Dropped, Gateway, GatewayDeps, Listener } from "../../agent/gateway/gateway.ts";
import { silent } from "../../agent/log.ts";
import type { AttemptObservation, ExchangeObservation, Observation, SampleObservation } from "../../agent/observation.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";

export const infer = "/v2/models/employment/infer";
export const question = JSON.stringify({ inputs: [{ name: "AGEP", shape: [1, 1], datatype: "FP32", data: [40] }] });
export const flowing: Route = { primary: "flows", reason: "normal", rung: "primary" };

/** Which lanes the stage's gateways have: a story is the same whether its requests take the plain lane where they may, or never. */
let lanes: "both" | "ordinary" = "both";

async function inLanes(which: typeof lanes, run: () => unknown): Promise<void> {
  lanes = which;
  await run();
}

const lanesInTurn = ["both", "ordinary"] as const;

/** A test that is told twice: once with both lanes, once with the ordinary one alone. */
export function test(name: string, run: () => unknown): void {
  for (const which of lanesInTurn) story(`${name} [${which}]`, () => inLanes(which, run));
}

test.each =
  <Case extends readonly [unknown, ...unknown[]]>(cases: readonly Case[]) =>
  (name: string, run: (...told: Case) => unknown): void => {
    for (const which of lanesInTurn) story.each(cases as readonly (readonly unknown[])[])(`${name} [${which}]`, (...told) => inLanes(which, () => run(...(told as unknown as Case))));
  };

export async function listen(server: Server | TcpServer): Promise<URL> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** An HTTP server that answers as it is told. */
export function httpServer(listener: RequestListener): Promise<URL> {
  return listen(createServer(listener));
}

/** A server that speaks no HTTP by itself: `on` is called with each connection and what came first over it. */
export async function rawServer(on: (socket: Socket, head: string) => void): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (bytes) => on(socket, bytes.toString("latin1")));
  });
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  return listen(server);
}

/** Where nobody listens. */
export async function deadAddress(): Promise<URL> {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string | readonly string[]>;
  /** Chunks are sent one by one, without a Content-Length. */
  readonly body?: string | Buffer | readonly Buffer[];
}

export function send(url: URL, path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // It says that the connection may stay, as clients of model servers do; it does not stay.
    const request = httpRequest(new URL(path, url), { method, headers: { connection: "keep-alive", ...(headers as Record<string, string>) }, agent: false }, (message) => {
      void bodyOf(message).finally(() => request.destroy()).then(
        (bytes) => resolve({ status: message.statusCode ?? 0, statusText: message.statusMessage ?? "", headers: message.headers, rawHeaders: message.rawHeaders, body: bytes }),
        reject,
      );
    });
    request.on("error", reject);
    if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) {
      request.end(body);
      return;
    }
    for (const chunk of body) request.write(chunk);
    request.end();
  });
}

export const post = (url: URL, body: Asking["body"] = question, headers: Asking["headers"] = {}, path: string = infer): Promise<Answer> =>
  send(url, path, { method: "POST", body: body as string, headers: { "content-type": "application/json", ...headers } });

/** A connection by hand, for what node's client would not send. */
export async function dial(url: URL): Promise<{ readonly socket: Socket; readonly received: () => string; until(text: string): Promise<string> }> {
  const socket = connect(Number(url.port), url.hostname);
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return {
    socket,
    received: () => text,
    until: async (wanted) => {
      while (!text.includes(wanted)) await once(socket, "data");
      return text;
    },
  };
}

/** A rung that answers as it is told and remembers what it was asked. */
export function rung(name: string, answer: RungAnswer | ((asked: Question, signal: AbortSignal) => Promise<RungAnswer>)): Rung & { readonly asked: Question[] } {
  const asked: Question[] = [];
  return {
    name,
    kind: "test",
    asked,
    answer(question, signal) {
      asked.push(question);
      return typeof answer === "function" ? answer(question, signal) : Promise.resolve(answer);
    },
  };
}

export const fallback = (body: string = '{"model_name":"employment","outputs":[]}'): RungAnswer => ({
  outcome: "ok",
  status: 200,
  headers: { "content-type": "application/json" },
  body: Buffer.from(body),
  version: "small-1",
});

export interface Stage {
  readonly url: URL;
  readonly gateway: Gateway<Listener>;
  readonly close: () => Promise<void>;
  readonly observed: readonly Observation[];
  readonly dropped: readonly Dropped[];
  readonly retries: readonly string[];
  readonly attempts: () => readonly AttemptObservation[];
  readonly exchanges: () => readonly ExchangeObservation[];
  readonly samples: () => readonly SampleObservation[];
  /** Kept when the exchange of that number (from 1) has been observed. */
  readonly exchange: (count?: number) => Promise<ExchangeObservation>;
}

/** A gateway before `server`, on a port of its own. */
export async function stage(server: URL, { inherited, ...deps }: Partial<GatewayDeps> & { readonly inherited?: Listener } = {}, options: Record<string, unknown> = {}): Promise<Stage> {
  const observed: Observation[] = [];
  const dropped: Dropped[] = [];
  const retries: string[] = [];
  let wake = () => {};
  const made = gateway(gatewayOptions.parse({ host: "127.0.0.1", port: 0, lanes, linger: "0s", ...options }), {
    clock: systemClock,
    log: silent,
    server,
    protocol: openInference,
    route: () => flowing,
    claimTrial: () => false,
    rungs: [],
    observe: (observation) => {
      observed.push(observation);
      wake();
    },
    dropped: (what) => dropped.push(what),
    retried: (result) => retries.push(result),
    ...deps,
  });
  const { address, close } = await made.start(inherited);
  onTestFinished(close);
  const exchanges = () => observed.filter((observation) => observation.kind === "exchange");
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    gateway: made,
    close,
    observed,
    dropped,
    retries,
    attempts: () => observed.filter((observation) => observation.kind === "attempt"),
    exchanges,
    samples: () => observed.filter((observation) => observation.kind === "sample"),
    exchange: async (count = 1) => {
      while (exchanges().length < count) await new Promise<void>((resolve) => (wake = resolve));
      return exchanges()[count - 1] as ExchangeObservation;
    },
  };
}
