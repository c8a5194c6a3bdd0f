/**
 * The data path: clients reach the model server through here, and something else where the server can not answer.
 *
 * Two lanes. The plain one (plain-connection.ts) frames what nearly all inference traffic is strictly and moves it as bytes; what
 * is not plain goes, connection and all, to the ordinary one (ordinary.ts) of node:http and undici. What is decided about a
 * request is in plan.ts and exchange.ts, the same for both. The gateway waits for the backend and for nobody else: the route is
 * a field that it reads, and what it saw it tells after the last byte.
 */
import type { Socket } from "node:net";
import type { Cancel } from "../clock.ts";
import { madeGates, type GateCounts, type Gates } from "../contract/gates.ts";
import { Candidates } from "./candidates.ts";
import { ConcurrencyLimit, type LimitReading } from "./concurrency-limit.ts";
import { Destination } from "./destination.ts";
import { Exchange } from "./exchange.ts";
import { Hedging } from "./hedging.ts";
import type { Incoming } from "./incoming.ts";
import { quiet } from "./linger.ts";
import { Listener } from "./listener.ts";
import type { Serving } from "./listener.ts";
import type { GatewayOptions } from "./options.ts";
import { OrdinaryIncoming } from "./ordinary.ts";
import { quarantinePolicy } from "./quarantine.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { Dropped, GatewayDeps, Room } from "./room.ts";
import { shared, Tally, type Shared } from "./shared.ts";
import { Suspicion } from "./suspicion.ts";
import { KeptBytes } from "./upload.ts";
import { Work } from "./work.ts";
import type { WorkReading } from "./work.ts";

export type { Dropped, GatewayDeps, GatewayOptions, Listener, WorkReading };

/** `Front`: where clients connect, in the hands of whoever serves them. */
export interface Gateway<Front = unknown> {
  /**
   * Opens the front, or takes over one that another gateway of the same kind has handed over, with the connections open on
   * it. Rejects where the address can not be had. `close` lingers first, as long as connections and requests still come and
   * for `linger` at most; then nothing more is accepted, and what has begun is served within `drain`.
   */
  start(inherited?: Front): Promise<{ readonly address: { readonly address: string; readonly port: number }; readonly close: () => Promise<void> }>;
  /** What is in flight at the primary. */
  work(): WorkReading;
  /** Requests being served now, whoever serves them. */
  active(): number;
  /** Calls back every attempt at the primary that has no answer byte yet; their requests go on to the ladder at once. */
  release(outcome: "stalled"): void;
  /** The primary's process was found gone: what it had in flight may be why. */
  gone(): void;
  /** The limit on what the primary has at once; undefined where there is none. */
  limit(): LimitReading | undefined;
  /** The route, whether a trial may be claimed, or what is dealt has changed: for a gateway that can not read the field itself. */
  routed(): void;
  /** From now on every connection ends with the answer that is under way on it. */
  drain(): void;
  /**
   * Gives the front away, for a gateway with another config: no connection is refused or broken meanwhile. What is under
   * way here is served to its end; `close` waits for that and leaves the front alone. Throws where there is none to give.
   */
  readonly handOver: () => Front;
}

const noGates: Gates = { contract: undefined, confidence: undefined };
const uncounted: GateCounts = { request() {}, violations() {}, unchecked() {}, judged() {} };

/** Kinds of rungs that are no model, so nobody would ask them before they had to. */
const standIns: ReadonlySet<string> = new Set(["rules", "last-good", "default"]);

/**
 * Serves on the thread that it is made on. Has no effects until it is started; can be started once.
 * @param counts shared with the other workers, where it is one of several.
 * @param open how the listener is opened where none is inherited.
 */
export function gateway(
  options: GatewayOptions,
  deps: GatewayDeps,
  counts: Shared = shared(),
  open: () => Promise<Listener> = () => Listener.open(options, deps.clock),
): Gateway<Listener> {
  const { own, arrivedMs } = counts;
  const places = new Tally(counts.active, own);
  let active = 0;
  let draining = false;
  let onIdle: () => void = () => {};
  const work = new Work(deps.clock);
  const { concurrency, connections, hedge, quarantine } = options;
  const primary = new Destination(deps.clock, deps.server, { connections });
  const candidates = new Candidates(deps.clock, primary, connections);
  const room: Room = {
    options,
    deps,
    budget: new RetryBudget(options.retry, counts.retries),
    work,
    traits: deps.rungs.map(({ name, kind, inside = false }) => ({ inside, hedges: hedge.rung === undefined ? !standIns.has(kind) : name === hedge.rung, servers: kind === "replica" })),
    limit: concurrency.adaptive ? new ConcurrencyLimit(concurrency) : undefined,
    hedging: hedge.after === undefined ? undefined : new Hedging(hedge.after),
    suspicion: deps.quarantine !== undefined && quarantine.enabled ? new Suspicion(deps.quarantine, quarantinePolicy(quarantine), deps.clock, work) : undefined,
    kept: new KeptBytes(options.keptMax, counts.keptKiB, own),
    gates: gatesOf(deps),
    primary,
    candidates,
    isDraining: () => draining,
  };
  const takesPlain = options.lanes === "both" && primary.plain !== undefined;
  const byConnection = new Map<Socket, Set<Exchange>>();
  let listener: Listener | undefined;

  const arrived = (): void => {
    arrivedMs[own] = deps.clock.monotonicMs();
  };

  /** The exchanges on a connection of the ordinary lane; when it closes they learn of it. */
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

  /** Serves a request to its end, or turns it away where too much is under way; `over` is called then. */
  const serve = (incoming: Incoming, expectsContinue: boolean, over: (exchange: Exchange) => void): Exchange => {
    const exchange = new Exchange(room, incoming);
    const admitted = places.take(options.active);
    active += 1;
    arrived();
    if (!admitted) deps.dropped?.("request");
    void (admitted ? exchange.run(expectsContinue) : exchange.turnAway()).then(() => {
      active -= 1;
      if (admitted) places.give();
      over(exchange);
      if (active === 0) onIdle();
    });
    return exchange;
  };

  const serving: Serving = {
    options,
    plain: takesPlain ? { limits: options, serve: (incoming, over) => serve(incoming, false, over) } : undefined,
    request(request, response, expectsContinue) {
      const exchanges = exchangesOn(request.socket);
      exchanges.add(serve(new OrdinaryIncoming(request, response), expectsContinue, (exchange) => exchanges.delete(exchange)));
    },
    arrived,
    drop: () => deps.dropped?.("connection"),
    error: (error) => deps.log.error({ error: String(error) }, "the gateway's listener failed"),
  };

  const handOver = (): Listener => {
    const given = listener;
    if (given === undefined) throw new Error("gateway: there is no listener to hand over");
    listener = undefined;
    given.serve(undefined);
    return given;
  };

  const drain = (): void => {
    draining = true;
  };

  /** Kept when nothing is under way any more, or the time for it is over. */
  const idle = (mostMs: number): Promise<void> =>
    new Promise((resolve) => {
      if (active === 0) return resolve();
      const cancel: Cancel = deps.clock.after(mostMs, resolve);
      onIdle = () => {
        cancel();
        resolve();
      };
    });

  /** Kept once nothing comes any more, to any worker. */
  const quietFor = (mostMs: number): Promise<void> => quiet(deps.clock, () => Math.max(...arrivedMs), mostMs);

  const close = async (): Promise<void> => {
    const closing = listener;
    if (closing === undefined) {
      await idle(options.drain);
    } else {
      drain();
      if (options.linger > 0) {
        await quietFor(options.linger);
        await closing.acceptedAll();
      }
      const endMs = deps.clock.monotonicMs() + options.drain;
      const closed = closing.close();
      // A connection that was taken last is given the time to send its request.
      if (options.linger > 0) await quietFor(Math.min(options.linger, options.drain));
      closing.closeIdle();
      await idle(endMs - deps.clock.monotonicMs());
      closing.closeAll();
      await closed;
    }
    await Promise.all([primary.close(), candidates.close()]);
  };

  return {
    async start(inherited) {
      listener = inherited ?? (await open());
      listener.serve(serving);
      return { address: listener.address, close };
    },
    work: () => work.read(),
    active: () => active,
    release(outcome) {
      room.suspicion?.gone();
      work.release(outcome);
    },
    gone: () => room.suspicion?.gone(),
    limit: () => room.limit && { limit: room.limit.limit, inFlight: room.limit.inFlight },
    routed() {},
    drain,
    handOver,
  };
}

function gatesOf(deps: GatewayDeps): Gates {
  const { gates: setup, protocol, gateCounts: counts = uncounted } = deps;
  return setup === undefined ? noGates : madeGates(setup, { protocol, description: () => deps.description?.(), counts });
}
