/**
 * Where clients connect: a plain socket server, with an HTTP server beside it that does not listen and is given the connections
 * on which something unusual has come. Outlives the gateways that serve its requests, so that a reload breaks no connection.
 */
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Cancel, Clock } from "../clock.ts";
import { listenError, type Address } from "../listen.ts";
import type { GatewayOptions } from "./options.ts";
import { PlainConnection } from "./plain-connection.ts";
import type { PlainHost, PlainLane } from "./plain-connection.ts";
import { Tally } from "./shared.ts";

/** Whoever serves requests now. */
export interface Serving {
  readonly options: GatewayOptions;
  /** Undefined: every connection is the ordinary lane's. */
  readonly plain: PlainLane | undefined;
  request(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void;
  /** A connection has come, or a part of a request. */
  arrived(): void;
  /** A connection was closed, since too many are open. */
  drop(): void;
  error(error: Error): void;
}

export interface ListenerAddress extends Address {
  /** Other threads listen on the same port, and the system gives each its share of the connections. Linux. */
  readonly reusePort?: boolean;
}

/** How often slow and idle connections are looked for. */
const checkMs = 1_000;
const turnsMax = 1_000;
const shortTurnMs = 0.05;

export class Listener {
  readonly #server: Server;
  readonly #ordinary: HttpServer;
  readonly #plain = new Set<PlainConnection>();
  readonly #host: PlainHost;
  readonly #cancelChecks: Cancel;
  readonly #clients: Tally;
  #clientsMax = 0;
  #serving: Serving | undefined;

  private constructor(server: Server, clients: Tally, clock: Clock) {
    this.#server = server;
    this.#clients = clients;
    this.#ordinary = ordinaryServer();
    this.#host = {
      clock,
      lane: () => this.#serving?.plain,
      handOver: (socket, bytes) => this.#handOver(socket, bytes),
      arrived: () => this.#serving?.arrived(),
      closed: (connection) => void this.#plain.delete(connection),
    };
    this.#cancelChecks = clock.every(checkMs, () => {
      const nowMs = clock.monotonicMs();
      for (const connection of this.#plain) connection.checkTime(nowMs);
    });
    server.on("connection", (socket: Socket) => {
      if (!this.#admits(socket)) return;
      this.#serving?.arrived();
      if (this.#serving?.plain === undefined) this.#ordinary.emit("connection", socket);
      else this.#plain.add(new PlainConnection(socket, this.#host));
    });
    server.on("error", (error) => this.#serving?.error(error));
    this.#ordinary.on("request", (request, response) => this.#serving?.request(request, response, false));
    this.#ordinary.on("checkContinue", (request, response) => this.#serving?.request(request, response, true));
  }

  /**
   * Rejects, in words that name the option, where the address can not be had.
   * @param clients where open connections are counted, perhaps with those of other threads.
   */
  static open({ host, port, reusePort = false }: ListenerAddress, clock: Clock, clients: Tally = new Tally()): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      const refuse = (error: Error) => reject(listenError(error, "gateway", { host, port }));
      server.once("error", refuse);
      server.listen({ port, host, reusePort }, () => {
        server.off("error", refuse);
        resolve(new Listener(server, clients, clock));
      });
    });
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** From now on requests are served so; those under way stay where they are. Undefined: by nobody, until somebody takes over. */
  serve(serving: Serving | undefined): void {
    this.#serving = serving;
    if (serving === undefined) return;
    const { clients, headMax, headTimeout, bodyTimeout, idle } = serving.options;
    this.#clientsMax = clients;
    Object.assign(this.#ordinary, { maxHeaderSize: headMax, headersTimeout: headTimeout, requestTimeout: bodyTimeout, keepAliveTimeout: idle });
  }

  /**
   * Kept right after a turn of the loop that had next to nothing to do, and so has just emptied the system's queue of
   * connections: those in it are reset when the listener closes. Does not wait long for such a turn.
   */
  async acceptedAll(): Promise<void> {
    for (let turns = 0; turns < turnsMax; turns += 1) {
      const startMs = this.#host.clock.monotonicMs();
      await new Promise(setImmediate);
      if (turns > 0 && this.#host.clock.monotonicMs() - startMs < shortTurnMs) return;
    }
  }

  /** Takes no more connections. Kept when all have ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        this.#cancelChecks();
        this.#ordinary.close();
        resolve();
      });
    });
  }

  /** Ends the connections on which nothing is under way. */
  closeIdle(): void {
    this.#ordinary.closeIdleConnections();
    for (const connection of this.#plain) if (connection.idle) connection.destroy();
  }

  /** Breaks off every connection. */
  closeAll(): void {
    this.#ordinary.closeAllConnections();
    for (const connection of this.#plain) connection.destroy();
  }

  #admits(socket: Socket): boolean {
    const admitted = this.#clients.take(this.#clientsMax);
    if (admitted) {
      socket.once("close", () => this.#clients.give());
    } else {
      socket.destroy();
      this.#serving?.drop();
    }
    return admitted;
  }

  #handOver(socket: Socket, bytes: Buffer): void {
    if (bytes.length > 0) socket.unshift(bytes);
    this.#ordinary.emit("connection", socket);
    socket.resume();
  }
}

function ordinaryServer(): HttpServer {
  const server = createHttpServer({ connectionsCheckingInterval: checkMs });
  // More than 2,000 fields would be dropped without a word; the limit on the head's bytes bounds them.
  server.maxHeadersCount = 0;
  // Slow and idle connections are looked for from the moment it listens, which it never does.
  server.emit("listening");
  return server;
}
