/**
 * The control API: the table of routes behind one listener, health and metrics beside it, and the websocket for signals. On
 * loopback by default; elsewhere it needs a token. Which routes there are is not known here: rooms bring their own.
 */
import type { WebSocket } from "ws";
import type { Close } from "../lifecycle.ts";
import { listenError, type Address } from "../listen.ts";
import type { Principal } from "../principal.ts";
import { isLoopback, readToken, refusalOf } from "./access.ts";
import { addressOf } from "./listening.ts";
import type { OpenRoutesDeps } from "./open-routes.ts";
import { apiOptionsProblem, type ApiOptions } from "./options.ts";
import type { Route } from "./route.ts";
import { server } from "./server.ts";
import { acceptUpgrades } from "./upgrade.ts";

export interface ApiDeps extends OpenRoutesDeps {
  readonly routes: readonly Route[];
  readonly connect: (socket: WebSocket, remote: string, principal: Principal) => void;
}

export interface Api {
  /** Rejects where the options contradict, the token can not be read or the port can not be had; the message names the option. */
  start(): Promise<{ readonly address: Address; readonly close: Close }>;
}

const local: Principal = { name: "local", role: "admin" };

export function api(options: ApiOptions, deps: ApiDeps): Api {
  return {
    async start() {
      const contradiction = apiOptionsProblem(options);
      if (contradiction !== undefined) throw new Error(contradiction);
      const access = { token: await readToken("api.tokenFile", options.tokenFile), loopback: isLoopback(options.host) };
      const app = server({
        ...deps,
        bodyMax: options.bodyMax,
        admit({ headers }, route) {
          const refusal = refusalOf(headers, access, route === "open");
          if (refusal === undefined) return local;
          const { status, detail } = refusal;
          return { status, problem: detail, ...(status === 401 && { headers: { "www-authenticate": "Bearer" } }) };
        },
      });
      const sockets = acceptUpgrades(app.server, (socket, remote) => deps.connect(socket, remote, local));
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
