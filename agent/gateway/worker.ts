/**
 * What a worker of the gateway does: the very gateway that would serve on the main thread, handed proxies of what it needs
 * (crossing.ts). It knows of no thread, so tests run it on theirs, over a channel in memory.
 *
 * Imports as little as it can, since each worker loads all of it: no schema library, no exporters, no API.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Address } from "../listen.ts";
import { protocolNamed } from "../protocols/protocols.ts";
import { asBuffer, proxies } from "./crossing.ts";
import { DecisionReader } from "./decision.ts";
import { gateway, type Gateway } from "./gateway.ts";
import { Listener } from "./listener.ts";
import { Outbox } from "./outbox.ts";
import { owned } from "./reply.ts";
import type { GatewayDeps } from "./room.ts";
import { Tally } from "./shared.ts";
import type { WorkReading } from "./work.ts";
import type { FromWorker, PortableAnswer, Setup, ToWorker, WorkerData } from "./worker-messages.ts";

export type PostFromWorker = (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;

export interface Worker {
  hear(message: ToWorker): void;
}

/** How often the work at the primary is told, while there is any; and as a sign of life, at least. */
const workMs = 100;
const signMs = 1_000;

export function openWorker(data: WorkerData, { clock, post }: { readonly clock: Clock; readonly post: PostFromWorker }): Worker {
  const generations = new Map<number, Generation>();
  /** The latest: it has the listener. */
  let serving: Generation | undefined;

  async function serve(generation: number, setup: Setup, address: Address): Promise<void> {
    const before = serving;
    const clients = new Tally(data.clients, data.slot);
    const next = new Generation(setup, data.slot, clock, (message, transfer) => post({ ...message, generation }, transfer), () =>
      Listener.open({ ...address, reusePort: true }, clock, clients),
    );
    generations.set(generation, next);
    serving = next;
    try {
      const at = await next.start(before?.gateway.handOver());
      post({ type: "serving", generation, address: { host: at.address, port: at.port } });
    } catch (error) {
      const { message, cause } = error as Error;
      post({ type: "failed", generation, message, code: String((cause as NodeJS.ErrnoException | undefined)?.code ?? "") });
    }
  }

  return {
    hear(message) {
      if (message.type === "serve") return void serve(message.generation, message.setup, message.address);
      const generation = generations.get(message.generation);
      if (message.type !== "close") return generation?.hear(message);
      // A worker that was started anew has nothing of an earlier generation.
      void (generation?.close() ?? Promise.resolve()).then(() => {
        generations.delete(message.generation);
        post({ type: "closed", generation: message.generation });
      });
    },
  };
}

type Unaddressed<Message> = Message extends unknown ? Omit<Message, "generation"> : never;

class Generation {
  readonly gateway: Gateway<Listener>;
  readonly #post: (message: Unaddressed<FromWorker>, transfer?: readonly ArrayBuffer[]) => void;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #asked = new Map<number, (answer: RungAnswer) => void>();
  #ids = 0;
  #mirror: Readonly<Record<string, unknown>>;
  #told: WorkReading | undefined;
  #toldMs = -Infinity;
  #close: () => Promise<void> = () => Promise.resolve();

  constructor(
    { options, server, protocol, plain, rungs, candidate, outline, decision, counts }: Setup,
    slot: number,
    clock: Clock,
    post: (message: Unaddressed<FromWorker>, transfer?: readonly ArrayBuffer[]) => void,
    open: () => Promise<Listener>,
  ) {
    this.#post = post;
    this.#clock = clock;
    this.#mirror = outline.mirrored;
    this.#outbox = new Outbox(clock, (telling, transfer) => post({ type: "told", ...telling }, transfer));
    const reader = new DecisionReader(decision, rungs);
    const deps = {
      ...proxies(outline, (path) => this.#mirror[path], (path, args) => this.#outbox.tell(path, args)),
      clock,
      server: new URL(server),
      protocol: protocolNamed(protocol, plain),
      route: () => reader.route(),
      claimTrial: () => {
        const ticket = reader.take();
        if (ticket !== undefined) post({ type: "claimed", ticket });
        return ticket !== undefined;
      },
      rungs: rungs.map((rung, index): Rung => ({ ...rung, answer: (question, signal) => this.#ask(index, question, signal) })),
      candidate: candidate && { ...candidate, answer: (question, signal) => this.#ask("candidate", question, signal) },
    } as GatewayDeps;
    this.gateway = gateway(options, deps, { ...counts, own: slot }, open);
  }

  async start(inherited: Listener | undefined): Promise<{ readonly address: string; readonly port: number }> {
    const { address, close } = await this.gateway.start(inherited);
    const cancel = this.#clock.every(workMs, () => this.#tellWork());
    this.#close = async () => {
      await close();
      cancel();
      this.#outbox.flush();
    };
    return address;
  }

  close(): Promise<void> {
    return this.#close();
  }

  hear(message: Exclude<ToWorker, { type: "serve" | "close" }>): void {
    switch (message.type) {
      case "mirrored":
        this.#mirror = { ...this.#mirror, ...message.values };
        return;
      case "answer":
        return this.#answered(message.id, message.answer);
      case "heard":
        return this.#outbox.heard(message.calls, message.bytes);
      case "release":
        return this.gateway.release(message.outcome);
      case "gone":
        return this.gateway.gone();
      case "drain":
        return this.gateway.drain();
    }
  }

  #tellWork(): void {
    const reading = this.gateway.work();
    const nowMs = this.#clock.monotonicMs();
    const isIdle = reading.inFlight === 0 && this.#told?.inFlight === 0 && reading.completed === this.#told.completed;
    if (isIdle && nowMs - this.#toldMs < signMs) return;
    this.#told = reading;
    this.#toldMs = nowMs;
    this.#post({ type: "work", reading, limit: this.gateway.limit(), atMs: nowMs });
  }

  /** The body is copied once, since the request may need its own again, and then transferred. */
  #ask(rung: Extract<FromWorker, { type: "ask" }>["rung"], question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const id = (this.#ids += 1);
    return new Promise((resolve) => {
      const onAbort = (): void => {
        if (!this.#asked.delete(id)) return;
        const late = isLate(signal);
        this.#post({ type: "abort", id, late });
        resolve({ outcome: "timeout", detail: late ? "no answer in time" : "given up" });
      };
      this.#asked.set(id, (answer) => {
        signal.removeEventListener("abort", onAbort);
        resolve(answer);
      });
      const body = owned([question.body]);
      this.#post({ type: "ask", id, rung, question: { ...question, headers: { ...question.headers }, body } }, [body.buffer as ArrayBuffer]);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #answered(id: number, answer: PortableAnswer): void {
    const settle = this.#asked.get(id);
    this.#asked.delete(id);
    settle?.(answer.outcome === "ok" ? { ...answer, body: asBuffer(answer.body) } : answer);
  }
}

/** As a rung tells a time-out from an asker who went away. */
function isLate({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
