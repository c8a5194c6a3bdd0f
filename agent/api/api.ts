/**
 * The control API: the table of routes behind its doors (TCP, and a unix socket where one is asked for), health and metrics beside
 * it, and the websocket for signals. On loopback by default; elsewhere it asks who comes. Which routes there are is not known
 * here: rooms bring their own.
 */
import type { SignalHub } from "../../exporters/websocket.ts";
import type { Audit } from "../audit.ts";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import { listenError, type Address } from "../listen.ts";
import type { Principal } from "../principal.ts";
import { isLoopback } from "./access.ts";
import { openDoor } from "./door.ts";
import { limitFrames } from "./frame-limit.ts";
import { gates, type Gate } from "./gate.ts";
import { limitConnections } from "./limits.ts";
import { addressOf } from "./listening.ts";
import type { OpenRoutesDeps } from "./open-routes.ts";
import { allTokens, apiOptionsProblem, asksWho, type ApiOptions } from "./options.ts";
import { replays } from "./replays.ts";
import type { Route } from "./route.ts";
import { serveTable } from "./server.ts";
import { readTls } from "./tls.ts";
import { openTokens } from "./tokens.ts";
import { listenAtSocket } from "./unix-socket.ts";
import { acceptUpgrades, offersSignals } from "./upgrade.ts";

export interface ApiDeps extends OpenRoutesDeps {
  readonly clock: Clock;
  readonly routes: readonly Route[];
  readonly audit: Audit;
  /** A request of the table was answered. */
  readonly answered: (route: string, status: number) => void;
  readonly dropped: (what: string, count?: number) => void;
  readonly connect: SignalHub["connect"];
}

export interface Api {
  /** Rejects where the options contradict, a file can not be read or the port can not be had; the message names the option. */
  start(): Promise<RunningApi>;
}

export interface RunningApi {
  readonly address: Address;
  /** Whose token it is; undefined where it does not count, or no longer. */
  readonly authenticate: (token: string) => Principal | undefined;
  readonly close: Close;
}

export function api(options: ApiOptions, deps: ApiDeps): Api {
  return {
    async start() {
      const contradiction = apiOptionsProblem(options);
      if (contradiction !== undefined) throw new Error(contradiction);
      const { clock, log } = deps;
      const closing: Close[] = [];
      const closeAll = async (): Promise<void> => {
        for (const close of closing.splice(0).reverse()) await close();
      };
      try {
        const tokens = await openTokens(allTokens(options), { clock, log });
        closing.push(tokens.close);
        const tls = options.tls === undefined ? undefined : await readTls("api", options.tls, { clock, log });
        const gateFor = gates({ limits: options.limits, bodyMax: options.bodyMax, clients: options.clients, asked: asksWho(options) }, { ...deps, tokens });
        const table = await serveTable({ ...deps, bodyMax: options.bodyMax, replays: replays({ clock, dropped: deps.dropped }) });
        closing.push(table.close);

        const open = (gate: Gate, withTls: typeof tls) => {
          const signals = deps.routes.find(({ name }) => name === "signals.read");
          const door = openDoor(withTls, {
            handle: (request, response) => table.handle(request, response, gate),
            // What is not upgraded goes the way of every request, and so is refused there in the same words.
            mayUpgrade: (request) => offersSignals(request) && !("problem" in gate.admit(request, signals)),
          });
          limitConnections(door.server, options.limits, () => deps.dropped("connections"));
          const sockets = acceptUpgrades(door.server, gate.admitted, (socket, ...who) => {
            limitFrames(socket, options.limits.frames, clock, () => deps.dropped("subscriber_frames"));
            deps.connect(socket, ...who);
          });
          closing.push(door.close, () => sockets.clients.forEach((socket) => socket.terminate()));
          return door.server;
        };

        const main = open(gateFor({ loopback: isLoopback(options.host), trusted: false }), tls);
        try {
          await new Promise<void>((resolve, reject) => main.once("error", reject).listen(options.port, options.host, resolve));
        } catch (error) {
          throw listenError(error, "api", options);
        }
        if (options.socket !== undefined) closing.push(await listenAtSocket(open(gateFor({ loopback: false, trusted: true }), undefined), options.socket));
        return {
          address: addressOf(main),
          authenticate(token) {
            const found = tokens.find(token);
            return found === "expired" ? undefined : found;
          },
          close: closeAll,
        };
      } catch (error) {
        await closeAll();
        throw error;
      }
    },
  };
}
