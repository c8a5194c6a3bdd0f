/**
 * The listener for Prometheus and the kubelet: metrics and health, no more, so that it may stand off loopback without a
 * token.
 */
import { createServer } from "node:http";
import * as z from "zod";
import type { Close } from "../lifecycle.ts";
import { listenError, type Address } from "../listen.ts";
import { addressOf, connectionsMax, httpLimits, idleTimeoutMs, refuseConnection } from "./listening.ts";
import { openRoutes, sendProblem, type OpenRoutesDeps } from "./open-routes.ts";

export const metricsOptions = z.strictObject({
  host: z.string().min(1).default("0.0.0.0"),
  port: z.int().min(0).max(65_535).default(9_464),
});
export type MetricsOptions = z.infer<typeof metricsOptions>;

export interface MetricsListener {
  /** Rejects where the port can not be had; the message names the option. */
  start(): Promise<{ readonly address: Address; readonly close: Close }>;
}

export function metricsListener(options: MetricsOptions, deps: OpenRoutesDeps): MetricsListener {
  return {
    async start() {
      const routes = openRoutes(deps);
      const server = createServer(httpLimits, (request, response) => {
        const path = (request.url ?? "").split("?", 1)[0] as string;
        const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
        if (route === undefined) return sendProblem(response, 404, `no route ${path.slice(0, 200)}`);
        if (request.method !== "GET" && request.method !== "HEAD") {
          response.setHeader("allow", "GET, HEAD");
          return sendProblem(response, 405, "expected GET");
        }
        void route(request, response);
      });
      server.on("clientError", refuseConnection);
      server.timeout = idleTimeoutMs;
      server.maxConnections = connectionsMax;
      await new Promise<void>((resolve, reject) => {
        server.on("error", (error) => reject(listenError(error, "metrics", options)));
        server.listen(options.port, options.host, resolve);
      });
      return {
        address: addressOf(server),
        close: () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      };
    },
  };
}
