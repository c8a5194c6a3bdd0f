/**
 * The routes that need no token, on node:http alone, so that both listeners serve the very same: `/livez` answers as long as the
 * loop turns, `/readyz` says whether predictions can be served and why not, `/metrics` is the exporter's. The API's listener has the
 * console's files beside them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../log.ts";
import { problem, problemType } from "./problem.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Why not: a sentence each. */
  readonly reasons: readonly string[];
}

export interface OpenRoutesDeps {
  readonly log: Log;
  readonly ready: () => Readiness;
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
  /** Files that say nothing of what runs here, by path. */
  readonly pages?: Readonly<Record<string, OpenRoute>>;
}

export type OpenRoute = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export function openRoutes({ log, ready, metrics, pages }: OpenRoutesDeps): Readonly<Record<string, OpenRoute>> {
  return {
    ...pages,
    "/livez": (_, response) => sendJson(response, 200, "application/json", { alive: true }),
    "/readyz": guarded(log, (_, response) => {
      const readiness = ready();
      sendJson(response, readiness.ready ? 200 : 503, "application/json", readiness);
    }),
    "/metrics": guarded(log, metrics),
  };
}

export function sendJson(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), "cache-control": "no-store" });
  response.end(text);
}

export function sendProblem(response: ServerResponse, status: number, detail: string): void {
  sendJson(response, status, problemType, problem(status, detail));
}

/** A part that is broken answers 500; it does not take the process with it. */
export function guarded(log: Log, route: OpenRoute): OpenRoute {
  return async (request, response) => {
    try {
      await route(request, response);
    } catch (error) {
      log.error({ error }, "a route that is open to all failed");
      if (response.headersSent) response.destroy();
      else sendProblem(response, 500, "this is a fault in Pilotfish; its log says more");
    }
  };
}
