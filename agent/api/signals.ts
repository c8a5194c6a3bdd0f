/**
 * `GET /v1/signals` for those without a websocket: a stream of events where it is accepted (Last-Event-ID resumes), else the
 * snapshot as a document with an ETag; and the protocol's own contract at `/asyncapi.json`. Both take `topics`, `models` and
 * `targets`, each a list with commas.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { snapshotDocument, subprotocol } from "../../exporters/frames.ts";
import { asyncapi } from "../../exporters/websocket/asyncapi.ts";
import type { EventStreamRequest } from "../../exporters/websocket/event-stream.ts";
import { unknownTopics, type Selection } from "../../exporters/websocket/selection.ts";
import type { SignalHub } from "../../exporters/websocket.ts";
import { matches } from "./exchange.ts";
import { sendProblem } from "./open-routes.ts";
import { route, type Answer, type Route } from "./route.ts";

export type SignalRoutesDeps = Pick<SignalHub, "snapshot" | "stream">;

const list = z.string().max(4_096).transform((text) => text.split(","));
const selection = z.object({
  topics: list.refine((topics) => unknownTopics(topics).length === 0, { error: "expected topics of the signals protocol, with commas" }).optional(),
  models: list.optional(),
  targets: list.optional(),
});

const events = "text/event-stream";

export function signalRoutes(deps: SignalRoutesDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/signals",
      name: "signals.read",
      role: "read",
      summary: "What the signals say now, as one document; with Accept: text/event-stream that and all that follows. A websocket starts here too (docs/SIGNALS.md).",
      query: selection,
      gives: ["application/json", events],
      answers: { 200: { description: "A snapshot, or a stream.", schema: snapshotDocument }, 304: { description: "It is as If-None-Match says." } },
      handle({ headers, query, principal }) {
        if (headers.upgrade?.toLowerCase() === "websocket") {
          return { status: 400, problem: `expected a websocket of version 13 with the subprotocol ${subprotocol}` };
        }
        if (acceptsEvents(headers.accept)) return { status: 200, raw: (request, response) => sendEvents(deps, request, response, { ...query, principal }) };
        return snapshotOf(deps, query, headers["if-none-match"]);
      },
    }),
    route({
      method: "GET",
      path: "/asyncapi.json",
      name: "asyncapi.read",
      role: "read",
      summary: "The signals protocol as an AsyncAPI 3 document.",
      etag: true,
      answers: { 200: { description: "The document.", schema: z.looseObject({ asyncapi: z.string() }) } },
      handle: () => ({ status: 200, body: asyncapi() }),
    }),
  ];
}

/** It has no end, and so writes to the response by itself. */
function sendEvents({ stream }: SignalRoutesDeps, request: IncomingMessage, response: ServerResponse, asked: Selection & Pick<EventStreamRequest, "principal">): void {
  const { remoteAddress, remotePort } = request.socket;
  const cursor = request.headers["last-event-id"];
  const open = () => response.writeHead(200, { "content-type": events, "cache-control": "no-store", vary: "accept", "x-accel-buffering": "no", "x-content-type-options": "nosniff" });
  if (request.method === "HEAD") return void open().end();
  const isTaken = stream(open, { ...asked, remote: remoteOf(remoteAddress, remotePort), cursor: typeof cursor === "string" ? cursor : undefined });
  if (isTaken) return;
  response.setHeader("retry-after", "1");
  sendProblem(response, 503, "there are too many subscribers: come back later");
}

/** The number says all that the document says, but for the time at which it was asked for: hence a weak tag. */
function snapshotOf({ snapshot }: SignalRoutesDeps, asked: Selection, known: string | undefined): Answer {
  const document = snapshot(asked);
  const tag = `"${document.cursor}"`;
  const headers = { etag: `W/${tag}`, vary: "accept", "cache-control": "no-cache" };
  return matches(known, tag) ? { status: 304, headers } : { status: 200, headers, body: document };
}

/** By name: what accepts anything gets the document. */
function acceptsEvents(accept: string = ""): boolean {
  return accept.split(",").some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === events);
}

export function remoteOf(address: string | undefined, port: number | undefined): string {
  return address === undefined ? "local" : `${address}:${port}`;
}
