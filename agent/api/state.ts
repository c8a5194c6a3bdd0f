/** What is so now: the state as a document, and what the signals say, for those without a websocket. */
import { snapshotDocument, subprotocol, type SnapshotDocument } from "../../exporters/frames.ts";
import * as z from "zod";
import { route, type Route } from "./route.ts";

/** What `/v1/state` shows. Leave out what changes by itself, such as the time: its digest is the ETag. */
export type StateDocument = Readonly<Record<string, unknown>>;

export interface StateDeps {
  readonly state: () => StateDocument;
  readonly snapshot: () => SnapshotDocument;
}

const stateSchema = z.looseObject({ version: z.string(), instance: z.string(), status: z.string() });

export function stateRoutes(deps: StateDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/state",
      name: "state.read",
      role: "read",
      summary: "What is so now: the primary's state and why, who answers, drift, performance, rungs and what they are worth.",
      etag: true,
      answers: { 200: { description: "The state.", schema: stateSchema } },
      handle: () => ({ status: 200, body: deps.state() }),
    }),
    route({
      method: "GET",
      path: "/v1/signals",
      name: "signals.read",
      role: "read",
      summary: "What the signals say now, as one document; with an upgrade to a websocket, the signals themselves (docs/SIGNALS.md).",
      answers: { 200: { description: "A snapshot.", schema: snapshotDocument } },
      handle({ headers }) {
        if (headers.upgrade?.toLowerCase() === "websocket") {
          return { status: 400, problem: `expected a websocket of version 13 with the subprotocol ${subprotocol}` };
        }
        return { status: 200, body: deps.snapshot() };
      },
    }),
  ];
}
