/** What is so now, as a document. */
import * as z from "zod";
import { route, type Route } from "./route.ts";

/** What `/v1/state` shows. Leave out what changes by itself, such as the time: its digest is the ETag. */
export type StateDocument = Readonly<Record<string, unknown>>;

export interface StateDeps {
  readonly state: () => StateDocument;
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
  ];
}
