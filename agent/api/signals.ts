/**
 * `GET /v1/signals` for those without a websocket: a stream of events where it is accepted (Last-Event-ID resumes), else the
 * snapshot as a document with an ETag; and the protocol's own contract at `/asyncapi.json`. Both take `topics`, `models` and
 * `targets`, each a list with commas. Handlers write to the raw response, since a stream has no end to be sent.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { subprotocol } from "../../exporters/frames.ts";
import { asyncapi } from "../../exporters/websocket/asyncapi.ts";
import type { EventStreamRequest } from "../../exporters/websocket/event-stream.ts";
import { unknownTopics, type Selection } from "../../exporters/websocket/selection.ts";
import type { SignalHub } from "../../exporters/websocket.ts";
import type { Principal, Role } from "../principal.ts";
import { sendJson, sendProblem } from "./open-routes.ts";

/** A route that answers by itself. Who asks has been let in by then; `principal` is undefined where nobody is asked. */
export interface RawRoute {
  readonly method: "GET";
  readonly path: string;
  readonly name: string;
  readonly role: Role;
  readonly summary: string;
  readonly handle: (request: IncomingMessage, response: ServerResponse, principal: Principal | undefined) => void;
}

export type SignalRoutesDeps = Pick<SignalHub, "snapshot" | "stream">;

export function signalRoutes(deps: SignalRoutesDeps): readonly RawRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/signals",
      name: "signals.read",
      role: "read",
      summary: "What is so now, as a document; or, with Accept: text/event-stream, that and all that follows. A websocket starts here too.",
      handle: (request, response, principal) => sendSignals(deps, request, response, principal),
    },
    {
      method: "GET",
      path: "/asyncapi.json",
      name: "asyncapi.read",
      role: "read",
      summary: "The signals protocol as an AsyncAPI 3 document.",
      handle: (_, response) => sendJson(response, 200, "application/json", asyncapi()),
    },
  ];
}

function sendSignals(deps: SignalRoutesDeps, request: IncomingMessage, response: ServerResponse, principal: Principal | undefined): void {
  if (request.headers.upgrade?.toLowerCase() === "websocket") {
    return sendProblem(response, 400, `expected a websocket of version 13 with the subprotocol ${subprotocol}`);
  }
  const selection = selectionOf(request.url ?? "");
  const unknown = unknownTopics(selection.topics);
  if (unknown.length > 0) return sendProblem(response, 400, `topics: not known: ${unknown.join(", ").slice(0, 200)}`);
  response.setHeader("vary", "accept");
  if (acceptsEvents(request.headers.accept)) return sendEvents(deps, request, response, { ...selection, principal });
  sendSnapshot(deps, request, response, selection);
}

function sendEvents({ stream }: SignalRoutesDeps, request: IncomingMessage, response: ServerResponse, asked: Selection & Pick<EventStreamRequest, "principal">): void {
  const { remoteAddress, remotePort } = request.socket;
  const cursor = request.headers["last-event-id"];
  const open = () => response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  if (request.method === "HEAD") return void open().end();
  const isTaken = stream(open, { ...asked, remote: remoteOf(remoteAddress, remotePort), cursor: typeof cursor === "string" ? cursor : undefined });
  if (isTaken) return;
  response.setHeader("retry-after", "1");
  sendProblem(response, 503, "there are too many subscribers: come back later");
}

/** The number says all that the document says, but for the time at which it was asked for: hence a weak tag. */
function sendSnapshot({ snapshot }: SignalRoutesDeps, request: IncomingMessage, response: ServerResponse, selection: Selection): void {
  const document = snapshot(selection);
  const etag = `W/"${document.cursor}"`;
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim());
  response.setHeader("etag", etag).setHeader("cache-control", "no-cache");
  if (known.includes(etag) || known.includes("*")) return void response.writeHead(304).end();
  const text = JSON.stringify(document);
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** By name: what accepts anything gets the document. */
function acceptsEvents(accept: string = ""): boolean {
  return accept.split(",").some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === "text/event-stream");
}

function selectionOf(url: string): Selection {
  const query = new URLSearchParams(url.split("?", 2)[1]);
  const list = (name: string) => query.get(name)?.split(",");
  return { topics: list("topics"), models: list("models"), targets: list("targets") };
}

export function remoteOf(address: string | undefined, port: number | undefined): string {
  return address === undefined ? "local" : `${address}:${port}`;
}
