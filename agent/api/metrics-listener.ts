/**
 * The listener for Prometheus and the kubelet: metrics and health, no more, so that it may stand off loopback without a
 * token.
 */
import * as z from "zod";
import type { Close } from "../lifecycle.ts";
import { listenError, type Address } from "../listen.ts";
import type { Clock } from "../clock.ts";
import { openDoor } from "./door.ts";
import { addressOf, connectionsMax } from "./listening.ts";
import { openRoutes, sendProblem, type OpenRoutesDeps } from "./open-routes.ts";
import { readTls, tlsOptions } from "./tls.ts";

export const metricsOptions = z.strictObject({
  host: z.string().min(1).default("0.0.0.0"),
  port: z.int().min(0).max(65_535).default(9_464),
  tls: tlsOptions.optional(),
});
export type MetricsOptions = z.infer<typeof metricsOptions>;

export interface MetricsListener {
  /** Rejects where the port can not be had; the message names the option. */
  start(): Promise<{ readonly address: Address; readonly close: Close }>;
}

export function metricsListener(options: MetricsOptions, deps: OpenRoutesDeps & { readonly clock: Clock }): MetricsListener {
  return {
    async start() {
      const routes = openRoutes(deps);
      const tls = options.tls === undefined ? undefined : await readTls("metrics", options.tls, deps);
      const { server, close } = openDoor(tls, {
        handle(request, response) {
          const path = (request.url ?? "").split("?", 1)[0] as string;
          const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
          if (route === undefined) return sendProblem(response, 404, `no route ${path.slice(0, 200)}`);
          if (request.method !== "GET" && request.method !== "HEAD") {
            response.setHeader("allow", "GET, HEAD");
            return sendProblem(response, 405, "expected GET");
          }
          void route(request, response);
        },
      });
      server.maxConnections = connectionsMax;
      try {
        await new Promise<void>((resolve, reject) => server.once("error", reject).listen(options.port, options.host, resolve));
      } catch (error) {
        await close();
        throw listenError(error, "metrics", options);
      }
      return { address: addressOf(server), close };
    },
  };
}
