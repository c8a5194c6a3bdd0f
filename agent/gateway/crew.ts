/**
 * The threads of a gateway with several workers, and their life: started, watched, and started anew where one dies or says
 * nothing for seconds, while the others serve on. Outlives the gateways that are made from one config after another, and so
 * do the listeners in the threads: a reload breaks no connection.
 *
 * Each worker has a listening socket of its own on the one port (SO_REUSEPORT), and the system deals out the connections by a
 * hash of their addresses; a socket passed on from one thread to another would cost a message a connection, and one listener
 * in the main thread would make it the place where all wait.
 */
import { createServer } from "node:net";
import type { Cancel, Clock } from "../clock.ts";
import { listenError, type Address } from "../listen.ts";
import type { Log } from "../log.ts";
import { openThread, threadFile, type Thread } from "../thread.ts";
import type { Dropped } from "./room.ts";
import type { FromWorker, Setup, ToWorker, WorkerData } from "./worker-messages.ts";

/** `message` is not called any more after `gone`. */
export type OpenThread = (data: WorkerData, on: { readonly clock: Clock; readonly message: (message: FromWorker) => void; readonly gone: (why: string) => void }) => Thread<ToWorker>;

export const workerThread: OpenThread = (data, on) => openThread(threadFile("gateway-worker", import.meta.url), { name: `gateway-${data.slot}`, workerData: data }, on);

/** One gateway in all workers, as the crew sees it. */
export interface Generation {
  readonly id: number;
  setup(): Setup;
  hear(slot: number, message: FromWorker): void;
  /** The worker is gone, and with it whatever it had begun. */
  lost(slot: number): void;
}

export interface CrewDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dropped: (what: Dropped) => void;
  readonly openThread: OpenThread;
}

interface Seat {
  readonly slot: number;
  thread: Thread<ToWorker> | undefined;
  /** What a thread says after it was given up does not count. */
  life: number;
  deaths: number;
  openedAtMs: number;
  silentChecks: number;
  cancelRestart: Cancel;
  /** Settled by the first word on whether it serves. */
  starting: { readonly resolve: (address: Address) => void; readonly reject: (error: Error) => void } | undefined;
}

const pauseMs = { first: 100, most: 30_000 };
/** A worker that ran for so long has put earlier deaths behind it. */
const soundMs = 60_000;
/** A worker speaks each second at least. After so many checks in a row without a word it is taken for hung. */
const silence = { checkMs: 1_000, checksMax: 5 };
/** Of a system that can not share a port. */
const unsupported: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOPROTOOPT", "EINVAL"]);

export class Crew {
  readonly #seats: readonly Seat[];
  readonly #deps: CrewDeps;
  readonly #clients: Int32Array;
  readonly #generations = new Map<number, Generation>();
  #current: Generation | undefined;
  #address: Address = { host: "", port: 0 };
  #cancelWatch: Cancel = () => {};
  #ids = 0;
  #restarts = true;

  constructor(workers: number, deps: CrewDeps) {
    this.#deps = deps;
    this.#clients = new Int32Array(new SharedArrayBuffer(4 * workers));
    this.#seats = Array.from({ length: workers }, (_, slot) => ({ slot, thread: undefined, life: 0, deaths: 0, openedAtMs: 0, silentChecks: 0, cancelRestart: () => {}, starting: undefined }));
  }

  /** Where all of them listen. */
  get address(): Address {
    return this.#address;
  }

  /** The id of the next generation. */
  newId(): number {
    return (this.#ids += 1);
  }

  /** Starts the threads. Rejects where the address can not be had, in words that name the option; nothing runs then. */
  async open(address: Address, generation: Generation): Promise<void> {
    this.#address = address;
    this.#current = generation;
    this.#generations.set(generation.id, generation);
    try {
      // A shared port would be had although another process has it: the two would take each other's connections.
      if (address.port !== 0) await isFree(address);
      const [first, ...others] = this.#seats as [Seat, ...Seat[]];
      this.#address = await this.#start(first);
      await Promise.all(others.map((seat) => this.#start(seat)));
    } catch (error) {
      this.end();
      throw error;
    }
    this.#cancelWatch = this.#deps.clock.every(silence.checkMs, () => this.#watch());
  }

  /** From now on requests are served by this one; the one before keeps what it has begun. */
  serve(generation: Generation): void {
    this.#current = generation;
    this.#generations.set(generation.id, generation);
    const setup = generation.setup();
    this.toAll({ type: "serve", generation: generation.id, setup, address: this.#address });
  }

  /** Nothing more is heard for it. */
  forget({ id }: Generation): void {
    this.#generations.delete(id);
  }

  /** The slots of those that run. */
  running(): readonly number[] {
    return this.#seats.filter(({ thread }) => thread !== undefined).map(({ slot }) => slot);
  }

  post(slot: number, message: ToWorker, transfer?: readonly ArrayBuffer[]): void {
    this.#seats[slot]?.thread?.post(message, transfer);
  }

  toAll(message: ToWorker): void {
    for (const { thread } of this.#seats) thread?.post(message);
  }

  /** From now on a worker that dies is not started anew. */
  stopRestarts(): void {
    this.#restarts = false;
    for (const seat of this.#seats) seat.cancelRestart();
  }

  /** Ends the threads, whatever they do. */
  end(): void {
    this.stopRestarts();
    this.#cancelWatch();
    for (const seat of this.#seats) {
      seat.life += 1;
      seat.thread?.terminate();
      seat.thread = undefined;
    }
  }

  #start(seat: Seat): Promise<Address> {
    return new Promise((resolve, reject) => {
      seat.starting = { resolve, reject };
      this.#open(seat);
    });
  }

  #open(seat: Seat): void {
    const { clock, openThread } = this.#deps;
    const current = this.#current as Generation;
    const life = (seat.life += 1);
    seat.openedAtMs = clock.monotonicMs();
    seat.silentChecks = 0;
    seat.thread = openThread(
      { slot: seat.slot, clients: this.#clients },
      {
        clock,
        message: (message) => {
          if (life === seat.life) this.#hear(seat, message);
        },
        gone: (why) => {
          if (life === seat.life) this.#gone(seat, why);
        },
      },
    );
    seat.thread.post({ type: "serve", generation: current.id, setup: current.setup(), address: this.#address });
  }

  #hear(seat: Seat, message: FromWorker): void {
    seat.silentChecks = 0;
    if (message.type === "serving") {
      seat.starting?.resolve(message.address);
      seat.starting = undefined;
    } else if (message.type === "failed") {
      this.#failed(seat, message);
    } else {
      this.#generations.get(message.generation)?.hear(seat.slot, message);
    }
  }

  #failed(seat: Seat, { code, message }: Extract<FromWorker, { type: "failed" }>): void {
    const why = unsupported.has(code) ? "this system can not share a port among threads (SO_REUSEPORT, which Linux has); set gateway.workers to 1" : message;
    const { thread } = seat;
    if (seat.starting === undefined) this.#gone(seat, why);
    else seat.starting.reject(new Error(why));
    thread?.terminate();
  }

  /** The thread is no more. */
  #gone(seat: Seat, why: string): void {
    const { clock, log, dropped } = this.#deps;
    const { slot } = seat;
    seat.life += 1;
    seat.thread = undefined;
    if (seat.starting !== undefined) return seat.starting.reject(new Error(`a worker of the gateway could not be started: ${why}`));

    Atomics.store(this.#clients, slot, 0);
    for (const generation of this.#generations.values()) generation.lost(slot);
    seat.deaths = clock.monotonicMs() - seat.openedAtMs >= soundMs ? 1 : seat.deaths + 1;
    const againMs = Math.min(pauseMs.most, pauseMs.first * 2 ** (seat.deaths - 1));
    log.error({ worker: slot, why, againMs }, "a worker of the gateway died and its connections with it; the others serve on, it is started again");
    dropped("worker");
    if (this.#restarts) seat.cancelRestart = clock.after(againMs, () => this.#open(seat));
  }

  #watch(): void {
    for (const seat of this.#seats) {
      const { thread } = seat;
      if (thread === undefined) continue;
      seat.silentChecks += 1;
      if (seat.silentChecks <= silence.checksMax) continue;
      this.#gone(seat, `silent for ${(silence.checkMs * silence.checksMax) / 1_000} s`);
      thread.terminate();
    }
  }
}

/** Rejects as a listener would that shares the port with nobody. */
function isFree({ host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => reject(listenError(error, "gateway", { host, port })));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
