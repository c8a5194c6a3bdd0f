/**
 * A gateway on more than one core: as many threads as the config says move bytes, and the main thread decides for all of
 * them. Failover, probes, the ladder, series and signals are where they are with one worker, and know nothing of it.
 *
 * Threads and not processes: the decision is two words of shared memory (decision.ts), limits are counted together
 * (shared.ts), a body for a rung is moved and not sent through a pipe, and all clocks count from the same moment. Memory speaks
 * for neither: idle, a thread adds 17 MB that are its own, a process 19 MB beside the mapped pages that it shares (measured
 * with Node 26 on x64, from the bundle). What a process would have for it is that a crash of native code takes one worker and
 * not all; but the data path has no native code of its own, and what throws in JavaScript ends its thread alone.
 */
import type { Question, RungAnswer } from "../backend.ts";
import type { PlainOptions } from "../protocols/plain-options.ts";
import type { ProtocolName } from "../protocols/protocols.ts";
import type { LimitReading } from "./concurrency-limit.ts";
import { asBuffer, mirror, outlineOf, perform, type Values } from "./crossing.ts";
import { Crew, workerThread, type Generation, type OpenThread } from "./crew.ts";
import { Decision } from "./decision.ts";
import type { Gateway } from "./gateway.ts";
import type { GatewayOptions } from "./options.ts";
import { owned } from "./reply.ts";
import type { GatewayDeps } from "./room.ts";
import { clear, shared, sum } from "./shared.ts";
import { merged, type WorkReading } from "./work.ts";
import type { FromWorker, PortableQuestion, Setup } from "./worker-messages.ts";

export interface WorkersDeps extends GatewayDeps {
  /** Of the protocol `plain`: where things stand in its bodies. */
  readonly plain?: PlainOptions | undefined;
  /** A real thread by default. */
  readonly openThread?: OpenThread | undefined;
}

/** How often it is looked whether something has changed that nobody tells of. */
const lookMs = 100;
/** A worker that has not told of its work for so long hangs itself, and says nothing about the primary. */
const freshMs = 500;
/** What a worker that hangs at the end is given beyond what closing may take. */
const overMs = 1_000;

/** Has no effects until it is started; can be started once. */
export function gatewayOfWorkers(options: GatewayOptions, deps: WorkersDeps): Gateway<Crew> {
  const { clock, log } = deps;
  const counts = shared(options.workers);
  const decision = new Decision(deps.rungs);
  let id = 0;
  const asked = new Map<string, AbortController>();
  const works = new Map<number, { readonly reading: WorkReading; readonly limit: LimitReading | undefined; readonly atMs: number }>();
  /** Answers and parts of answers of workers that are gone. */
  let completedBefore = 0;
  let told: Values = {};
  /** The workers that have still to close, and what to do when none is left. */
  let closing: { readonly left: Set<number>; readonly done: () => void } | undefined;
  let crew: Crew | undefined;
  let isOurs = false;

  /** Puts what is so now where the workers read it. */
  const look = (): void => {
    const route = deps.route();
    decision.set(route, route.primary === "trial" && (deps.mayClaimTrial?.() ?? true));
    const values = mirror(deps);
    const news = Object.entries(values).filter(([path, value]) => !Object.is(value, told[path]));
    told = values;
    if (news.length > 0) crew?.toAll({ type: "mirrored", generation: id, values: Object.fromEntries(news) });
  };

  const generation: Generation = {
    get id() {
      return id;
    },
    setup() {
      look();
      const { concurrency, connections } = options;
      const each = (all: number): number => Math.max(1, Math.floor(all / options.workers));
      return {
        options: { ...options, connections: each(connections), concurrency: { ...concurrency, min: each(concurrency.min), max: each(concurrency.max), initial: each(concurrency.initial) } },
        server: deps.server.href,
        protocol: deps.protocol.name as ProtocolName,
        plain: deps.plain,
        rungs: deps.rungs.map(({ name, kind, inside = false }) => ({ name, kind, inside })),
        candidate: deps.candidate && { name: deps.candidate.name, kind: deps.candidate.kind, inside: deps.candidate.inside ?? false },
        outline: outlineOf(deps),
        decision: decision.cells,
        counts,
      } satisfies Setup;
    },
    hear(slot, message) {
      switch (message.type) {
        case "told":
          return hearTold(slot, message);
        case "ask":
          return void ask(slot, message.id, message.rung, message.question);
        case "abort":
          return asked.get(`${slot}:${message.id}`)?.abort(message.late ? new DOMException("the rung's share of the time is over", "TimeoutError") : undefined);
        case "claimed":
          decision.taken(message.ticket);
          deps.claimTrial();
          return look();
        case "work":
          return void works.set(slot, message);
        case "closed":
          return closed(slot);
        case "serving":
        case "failed":
          return;
      }
    },
    lost(slot) {
      clear(counts, slot);
      completedBefore += works.get(slot)?.reading.completed ?? 0;
      works.delete(slot);
      for (const [key, abort] of asked) if (key.startsWith(`${slot}:`)) abort.abort();
      decision.workerLost();
      look();
      closed(slot);
    },
  };

  function hearTold(slot: number, { calls, lost, bytes }: Extract<FromWorker, { type: "told" }>): void {
    for (const call of calls) perform(deps, call);
    for (let i = 0; i < lost; i += 1) deps.dropped?.("worker-queue");
    crew?.post(slot, { type: "heard", generation: id, calls: calls.length, bytes });
    look();
  }

  async function ask(slot: number, of: number, index: number | "candidate", question: PortableQuestion): Promise<void> {
    const key = `${slot}:${of}`;
    const abort = new AbortController();
    asked.set(key, abort);
    const answer = await answerOf(index, { ...question, body: asBuffer(question.body) }, abort.signal);
    asked.delete(key);
    if (answer.outcome !== "ok") return crew?.post(slot, { type: "answer", generation: id, id: of, answer });
    // The rung may keep its own to give it again.
    const body = owned([answer.body]);
    crew?.post(slot, { type: "answer", generation: id, id: of, answer: { ...answer, headers: { ...answer.headers }, body } }, [body.buffer as ArrayBuffer]);
  }

  async function answerOf(index: number | "candidate", question: Question, signal: AbortSignal): Promise<RungAnswer> {
    try {
      const rung = index === "candidate" ? deps.candidate : deps.rungs[index];
      return rung === undefined ? { outcome: "error", detail: "there is no such rung" } : await rung.answer(question, signal);
    } catch (error) {
      return { outcome: "error", detail: String(error).slice(0, 200) };
    }
  }

  function closed(slot: number): void {
    closing?.left.delete(slot);
    if (closing?.left.size === 0) closing.done();
  }

  return {
    async start(inherited) {
      crew = inherited ?? new Crew(options.workers, { clock, log, dropped: (what) => deps.dropped?.(what), openThread: deps.openThread ?? workerThread });
      isOurs = true;
      id = crew.newId();
      if (inherited === undefined) await crew.open({ host: options.host, port: options.port }, generation);
      else crew.serve(generation);
      const cancel = clock.every(lookMs, look);
      const all = crew;
      return {
        address: { address: all.address.host, port: all.address.port },
        async close() {
          if (isOurs) all.stopRestarts();
          const left = new Set(all.running());
          if (left.size > 0) {
            await new Promise<void>((resolve) => {
              const giveUp = clock.after(options.linger + options.drain + overMs, resolve);
              closing = {
                left,
                done() {
                  giveUp();
                  resolve();
                },
              };
              all.toAll({ type: "close", generation: id });
            });
          }
          cancel();
          all.forget(generation);
          if (isOurs) all.end();
        },
      };
    },
    work() {
      const nowMs = clock.monotonicMs();
      return merged([...works.values()].map(({ reading, atMs }) => (nowMs - atMs <= freshMs || reading.inFlight === 0 ? reading : { ...reading, inFlight: 0, oldestWaitMs: undefined })), completedBefore);
    },
    active: () => sum(counts.active),
    release: (outcome) => crew?.toAll({ type: "release", generation: id, outcome }),
    gone: () => crew?.toAll({ type: "gone", generation: id }),
    limit() {
      const limits = [...works.values()].flatMap(({ limit }) => limit ?? []);
      if (limits.length === 0) return undefined;
      return { limit: limits.reduce((all, { limit }) => all + limit, 0), inFlight: limits.reduce((all, { inFlight }) => all + inFlight, 0) };
    },
    routed: look,
    drain: () => crew?.toAll({ type: "drain", generation: id }),
    handOver() {
      if (crew === undefined || !isOurs) throw new Error("gateway: there is no listener to hand over");
      isOurs = false;
      return crew;
    },
  };
}
