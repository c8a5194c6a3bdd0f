/**
 * The data path: clients reach the model server through here, and something else where the server can not answer.
 *
 * One lane: node:http takes requests in, undici sends them on. What is decided about a request is in plan.ts, what moves its
 * bytes in exchange.ts, so that a faster lane can share the decisions. The gateway waits for the backend and for nobody else:
 * the route is a field that it reads, and what it saw it tells after the last byte.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Cancel } from "../clock.ts";
import { backendPool } from "../forward/pool.ts";
import { basePath } from "../forward/under.ts";
import { listenError } from "../listen.ts";
import { Exchange } from "./exchange.ts";
import { gatewayOptions } from "./options.ts";
import type { GatewayOptions } from "./options.ts";
import { Reply } from "./reply.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { Dropped, GatewayDeps, Room } from "./room.ts";
import { KeptBytes } from "./upload.ts";
import { Work } from "./work.ts";
import type { WorkReading } from "./work.ts";

export { gatewayOptions };
export type { Dropped, GatewayDeps, GatewayOptions, WorkReading };

/** Limits against clients that are slow on purpose or by accident. */
const headMaxBytes = 65_536;
const headTimeoutMs = 10_000;
const uploadTimeoutMs = 300_000;
/** Longer than the idle limit of common load balancers (60 s), so that they and not we close a connection. */
const idleTimeoutMs = 75_000;
/** Open connections for each request that may be under way. */
const connectionsPerActive = 4;

export interface Gateway {
  /**
   * Opens the listener, or takes over one that another gateway has handed over, with the connections open on it. Rejects
   * where the address can not be had.
   */
  start(inherited?: Server): Promise<{ readonly address: AddressInfo; readonly close: () => Promise<void> }>;
  /** What is in flight at the primary. */
  work(): WorkReading;
  /** Requests being served now, whoever serves them. */
  active(): number;
  /** Calls back every attempt at the primary that has no answer byte yet; their requests go on to the ladder at once. */
  release(outcome: "stalled"): void;
  /** From now on every connection ends with the answer that is under way on it. */
  drain(): void;
  /**
   * Gives the listener away, for a gateway with another config: no connection is refused or broken meanwhile. What is under
   * way here is served to its end; `close` waits for that and leaves the listener alone. Throws where there is none to give.
   */
  readonly handOver: () => Server;
}

/** Has no effects until it is started; can be started once. */
export function gateway(options: GatewayOptions, deps: GatewayDeps): Gateway {
  let active = 0;
  let draining = false;
  let onIdle: () => void = () => {};
  const room: Room = {
    options,
    deps,
    pool: backendPool(deps.clock, { server: deps.server, connections: options.connections }),
    budget: new RetryBudget(options.retry),
    work: new Work(deps.clock),
    kept: new KeptBytes(options.keptMax),
    basePath: basePath(deps.server),
    isDraining: () => draining,
  };
  const byConnection = new Map<Socket, Set<Exchange>>();
  let server: Server | undefined;

  /** The exchanges on a connection; when it closes they learn of it. */
  const exchangesOn = (socket: Socket): Set<Exchange> => {
    const known = byConnection.get(socket);
    if (known !== undefined) return known;
    const exchanges = new Set<Exchange>();
    byConnection.set(socket, exchanges);
    socket.once("close", () => {
      byConnection.delete(socket);
      for (const exchange of exchanges) exchange.gone();
    });
    return exchanges;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> => {
    const exchange = new Exchange(room, request, new Reply(response));
    const exchanges = exchangesOn(request.socket);
    const admitted = active < options.active;
    active += 1;
    exchanges.add(exchange);
    if (admitted) {
      await exchange.run(expectsContinue);
    } else {
      deps.dropped?.("request");
      await exchange.turnAway();
    }
    exchanges.delete(exchange);
    active -= 1;
    if (active === 0) onIdle();
  };

  const handlers = {
    request: (request: IncomingMessage, response: ServerResponse) => void serve(request, response, false),
    checkContinue: (request: IncomingMessage, response: ServerResponse) => void serve(request, response, true),
    drop: () => deps.dropped?.("connection"),
    error: (error: Error) => deps.log.error({ error: String(error) }, "the gateway's listener failed"),
  };

  const attach = (to: Server): void => {
    server = to;
    to.maxConnections = connectionsPerActive * options.active;
    for (const [event, handler] of Object.entries(handlers)) to.on(event, handler);
  };

  const handOver = (): Server => {
    const given = server;
    if (given === undefined) throw new Error("gateway: there is no listener to hand over");
    server = undefined;
    for (const [event, handler] of Object.entries(handlers)) given.off(event, handler);
    return given;
  };

  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const listener = createServer({
        maxHeaderSize: headMaxBytes,
        headersTimeout: headTimeoutMs,
        requestTimeout: uploadTimeoutMs,
        keepAliveTimeout: idleTimeoutMs,
        connectionsCheckingInterval: 1_000,
      });
      const refuse = (error: Error) => reject(listenError(error, "gateway", options));
      listener.once("error", refuse);
      listener.listen(options.port, options.host, () => {
        listener.off("error", refuse);
        resolve(listener);
      });
    });

  const drain = (): void => {
    draining = true;
  };

  /** Kept when nothing is under way any more, or the time for it is over. */
  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      if (active === 0) return resolve();
      const cancel: Cancel = deps.clock.after(options.drain, resolve);
      onIdle = () => {
        cancel();
        resolve();
      };
    });

  const close = async (): Promise<void> => {
    const closing = server;
    if (closing === undefined) {
      await idle();
    } else {
      drain();
      const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
      closing.closeIdleConnections();
      await idle();
      closing.closeAllConnections();
      await closed;
    }
    await room.pool.close();
  };

  return {
    async start(inherited) {
      const listener = inherited ?? (await listen());
      attach(listener);
      return { address: listener.address() as AddressInfo, close };
    },
    work: () => room.work.read(),
    active: () => active,
    release: (outcome) => room.work.release(outcome),
    drain,
    handOver,
  };
}
