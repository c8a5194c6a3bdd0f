/**
 * The control API: health, metrics, the state as a document, signals (the websocket's upgrade, and a snapshot without one)
 * and late actuals. Every error is a problem document. On loopback by default; elsewhere it needs a token.
 */
import { createHash } from "node:crypto";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import * as z from "zod";
import { subprotocol, type SnapshotDocument } from "../../exporters/frames.ts";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import { listenError, type Address } from "../listen.ts";
import type { ActualObservation } from "../observation.ts";
import { bytes } from "../units.ts";
import { isLoopback, readToken, refusalOf, type Access } from "./access.ts";
import { readActuals } from "./actuals.ts";
import { addressOf, connectionsMax, httpLimits, idleTimeoutMs, refuseConnection } from "./listening.ts";
import { openRoutes, type OpenRoutesDeps } from "./open-routes.ts";
import { problem, problemType, type Mistake } from "./problem.ts";
import { acceptUpgrades, offersSignals } from "./upgrade.ts";

export const apiOptions = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(9_081),
  /** Its content is the bearer token. Required off loopback. Read at start. */
  tokenFile: z.string().min(1).optional(),
  bodyMax: bytes().prefault("1MiB"),
});
export type ApiOptions = z.infer<typeof apiOptions>;

/** What is wrong between the options: a sentence that names them. */
export function apiOptionsProblem({ host, tokenFile }: ApiOptions): string | undefined {
  if (isLoopback(host) || tokenFile !== undefined) return undefined;
  return `api.host ${host} is not loopback, so that others can reach the API: set api.tokenFile, or leave api.host at 127.0.0.1`;
}

/** What `/v1/state` shows. Leave out what changes by itself, such as the time: its digest is the ETag. */
export type StateDocument = Readonly<Record<string, unknown>>;

export interface ApiDeps extends OpenRoutesDeps {
  readonly clock: Clock;
  readonly state: () => StateDocument;
  /** Takes an actual; whether its inference is known is found out later, elsewhere. */
  readonly actual: (observation: ActualObservation) => void;
  readonly connect: (socket: WebSocket, remote: string) => void;
  readonly snapshot: () => SnapshotDocument;
  readonly recordings?: RecordingsRead;
}

/** What was put on record. Neither rejects. */
export interface RecordingsRead {
  /** Ids, latest first. */
  list(): Promise<readonly string[]>;
  /** The JSON of one; undefined where there is none of that id. */
  read(id: string): Promise<string | undefined>;
}

export interface Api {
  /** Rejects where the options contradict, the token can not be read or the port can not be had; the message names the option. */
  start(): Promise<{ readonly address: Address; readonly close: Close }>;
}

export function api(options: ApiOptions, deps: ApiDeps): Api {
  return {
    async start() {
      const contradiction = apiOptionsProblem(options);
      if (contradiction !== undefined) throw new Error(contradiction);
      const access = { token: await readToken("api.tokenFile", options.tokenFile), loopback: isLoopback(options.host) };
      const app = server(options, access, deps);
      const sockets = acceptUpgrades(app.server, deps.connect);
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        await app.close();
        throw listenError(error, "api", options);
      }
      return {
        address: addressOf(app.server),
        async close() {
          for (const socket of sockets.clients) socket.terminate();
          await app.close();
        },
      };
    },
  };
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

function server(options: ApiOptions, access: Access, deps: ApiDeps): FastifyInstance {
  const open = openRoutes(deps);
  const routes: Readonly<Record<string, { readonly method: "GET" | "POST"; readonly handle: Handler }>> = {
    "/v1/state": { method: "GET", handle: (request, reply) => sendState(request, reply, deps.state()) },
    "/v1/signals": { method: "GET", handle: (request, reply) => sendSnapshot(request, reply, deps.snapshot) },
    "/v1/recordings": { method: "GET", handle: (_, reply) => sendRecordings(reply, deps) },
    "/v1/actuals": { method: "POST", handle: (request, reply) => takeActuals(request, reply, deps) },
  };

  const app = fastify({
    bodyLimit: options.bodyMax,
    http: {
      ...httpLimits,
      // What is not upgraded goes the way of every request, and so is refused there in the same words.
      shouldUpgradeCallback: (request) => offersSignals(request) && refusalOf(request.headers, access, false) === undefined,
    },
    requestTimeout: httpLimits.requestTimeout,
    keepAliveTimeout: httpLimits.keepAliveTimeout,
    connectionTimeout: idleTimeoutMs,
    forceCloseConnections: true,
    frameworkErrors: (error, _, reply) => void sendProblem(reply, error.statusCode ?? 400, error.message),
    clientErrorHandler: refuseConnection,
  });
  app.server.maxConnections = connectionsMax;
  app.removeContentTypeParser("text/plain");

  app.addHook("onRequest", (request, reply, next) => {
    const refusal = refusalOf(request.headers, access, Object.hasOwn(open, pathOf(request)));
    if (refusal === undefined) return next();
    if (refusal.status === 401) reply.header("www-authenticate", "Bearer");
    sendProblem(reply, refusal.status, refusal.detail);
  });
  for (const [path, handle] of Object.entries(open)) {
    app.get(path, (request, reply) => {
      reply.hijack();
      void handle(request.raw, reply.raw);
    });
  }
  for (const [url, { method, handle }] of Object.entries(routes)) {
    app.route({ url, method, handler: (request, reply) => void handle(request, reply) });
  }
  app.get("/v1/recordings/:id", (request, reply) => void sendRecording(request.params as { readonly id: string }, reply, deps));
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const method = Object.hasOwn(open, path) || /^\/v1\/recordings\/[^/]+$/.test(path) ? "GET" : Object.hasOwn(routes, path) ? routes[path]?.method : undefined;
    if (method === undefined) return sendProblem(reply, 404, `no route ${path.slice(0, 200)}`);
    reply.header("allow", method === "GET" ? "GET, HEAD" : method);
    return sendProblem(reply, 405, `expected ${method}`);
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) return sendProblem(reply, status, error.message);
    deps.log.error({ error, path: pathOf(request) }, "a route failed");
    return sendProblem(reply, 500, "this is a fault in Pilotfish; its log says more");
  });
  return app;
}

function sendState(request: FastifyRequest, reply: FastifyReply, state: StateDocument): FastifyReply {
  const text = JSON.stringify(state);
  const etag = `"${createHash("sha256").update(text).digest("base64url")}"`;
  reply.header("etag", etag).header("cache-control", "no-cache");
  if (matches(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.type("application/json").send(text);
}

function sendSnapshot(request: FastifyRequest, reply: FastifyReply, snapshot: () => SnapshotDocument): FastifyReply {
  if (request.headers.upgrade?.toLowerCase() === "websocket") {
    return sendProblem(reply, 400, `expected a websocket of version 13 with the subprotocol ${subprotocol}`);
  }
  return reply.header("cache-control", "no-store").send(snapshot());
}

function takeActuals(request: FastifyRequest, reply: FastifyReply, { clock, actual }: ApiDeps): FastifyReply {
  const read = readActuals(request.body, clock.wallMs());
  if (!read.ok) return sendProblem(reply, 400, "nothing was taken: the body has mistakes", read.mistakes);
  for (const observation of read.actuals) actual(observation);
  return reply.code(202).send({ accepted: read.actuals.length });
}

function sendRecordings(reply: FastifyReply, { recordings }: ApiDeps): FastifyReply {
  void Promise.resolve(recordings?.list() ?? []).then((ids) => reply.header("cache-control", "no-store").send({ recordings: ids.map((id) => ({ id, url: `/v1/recordings/${id}` })) }));
  return reply;
}

async function sendRecording({ id }: { readonly id: string }, reply: FastifyReply, { recordings }: ApiDeps): Promise<void> {
  const text = await recordings?.read(id);
  if (text === undefined) return void sendProblem(reply, 404, `no recording ${id.slice(0, 200)}`);
  reply.type("application/json").header("content-disposition", `attachment; filename="${id}.json"`).send(text);
}

/** If-None-Match compares weakly and may be a list (RFC 9110, 13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] as string;
}

function sendProblem(reply: FastifyReply, status: number, detail: string, mistakes?: readonly Mistake[]): FastifyReply {
  return reply.code(status).type(problemType).send(problem(status, detail, mistakes));
}
