/**
 * What stands before every rung, in this order: is the question for the model that the ladder stands in for, is it in the
 * rung's validity domain, is the rung eligible, is its circuit closed, is there a place in its bulkhead, and then its share
 * of time. Copies (copies.ts) pass circuit and bulkhead by, and a rung that is not eligible is asked them all the same: its
 * answers are how it may become so again.
 *
 * Only failures and time-outs count against a rung. Being full, being asked about what it was not made for and an asker who
 * went away do not, and neither does a rung that says itself that it is not ready.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { isOfAnother, modelOf } from "./answer.ts";
import { Bulkhead } from "./bulkhead.ts";
import type { BulkheadOptions } from "./bulkhead.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { Breaker, isGivenUp } from "./rung-circuit.ts";
import type { RungCircuitPolicy } from "./rung-circuit.ts";
import { timeSlice } from "./time-slice.ts";
import { outside } from "./validity.ts";
import type { InRange, Validity } from "./validity.ts";

export interface GuardOptions {
  /** It asks no server. */
  readonly inside?: boolean;
  readonly validity?: Validity | undefined;
  /** Names of the columns of a single matrix. */
  readonly features?: readonly string[] | undefined;
  /** Undefined: the rung has circuits of its own. */
  readonly circuit: RungCircuitPolicy | undefined;
  /** Undefined: the rung has a queue and a time-out of its own. */
  readonly bulkhead: (BulkheadOptions & { readonly timeoutMs: number }) | undefined;
}

export interface GuardDeps {
  readonly clock: Clock;
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
  readonly inRange: InRange;
  /** Why a rung is not eligible, in a sentence; undefined where it is. */
  readonly barred?: (rung: string) => string | undefined;
}

export interface GuardedRung extends Rung {
  /** It would be asked, and could answer. */
  readonly usable: boolean;
  /** A question would have something loaded that is not there yet. */
  readonly asleep: boolean;
  /** Questions of clients under way. */
  readonly clients: number;
  /** What it answers to a copy. Never rejects; the signal of `abort` is aborted when a client comes. */
  copy(question: Question, abort: AbortController): Promise<RungAnswer>;
  /** The primary has described its model, or another one. */
  described(): void;
  start(): Promise<() => Promise<void>>;
}

export function guarded(rung: LadderRung, options: GuardOptions, deps: GuardDeps): GuardedRung {
  const { validity, features } = options;
  const { clock, protocol, describe, inRange } = deps;
  const breaker = options.circuit === undefined ? undefined : new Breaker(options.circuit, clock);
  const timed = options.bulkhead === undefined ? rung : inTime(rung, options.bulkhead, clock);

  /** The ladder stands in for one model. A question for another is not answered in its name. */
  const unfit = (question: Question): string | undefined => {
    const model = describe()?.name;
    if (isOfAnother(protocol, question, model)) return `it stands in for ${model}, not for ${modelOf(protocol, question)}`;
    if (validity === undefined) return undefined;
    const read = protocol.decodeRequest(question.body, features);
    return read.ok ? outside(validity, read.columns, read.rows, inRange) : `the request can not be read: ${read.reason}`;
  };

  let clients = 0;
  const copies = new Set<AbortController>();

  async function copied(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    // A member of an ensemble that is tried has its part in it as it would have for a client.
    const detail = unfit(question) ?? (question.shadow === rung.name ? undefined : deps.barred?.(rung.name));
    if (detail !== undefined) return { outcome: "unsupported", detail };
    if (options.bulkhead === undefined) return rung.answer(question, signal);
    const nowMs = clock.monotonicMs();
    const deadlineMs = Math.min(nowMs + options.bulkhead.timeoutMs, question.deadlineMs ?? Infinity);
    const slice = timeSlice(clock, deadlineMs - nowMs, signal);
    try {
      return await Promise.race([rung.answer({ ...question, deadlineMs }, slice.signal), slice.late]);
    } finally {
      slice.end();
    }
  }

  /** `given`: of whoever asks this rung as a member. */
  async function copy(question: Question, abort: AbortController, given: AbortSignal = abort.signal): Promise<RungAnswer> {
    copies.add(abort);
    const answer = await safely(copied(question, AbortSignal.any([abort.signal, given])));
    copies.delete(abort);
    return answer;
  }

  async function askForClient(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    for (const copy of copies) copy.abort(new DOMException("a client asks", "AbortError"));
    clients += 1;
    try {
      return await ask(question, signal);
    } finally {
      clients -= 1;
    }
  }

  async function ask(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const detail = unfit(question) ?? (question.pinned === true ? undefined : deps.barred?.(rung.name));
    if (detail !== undefined) return { outcome: "unsupported", detail };
    if (breaker === undefined || rung.ready === false) return timed.answer(question, signal);
    const { allowed, trial } = breaker.ask();
    if (!allowed) return { outcome: "error", detail: breaker.leftMs === 0 ? "it is on trial after failures" : `it failed too often; skipped for another ${Math.ceil(breaker.leftMs)} ms` };
    let type: "success" | "failure" | "nothing" = "failure";
    try {
      const answer = await timed.answer(question, signal);
      type = verdictOn(answer, signal);
      return answer;
    } finally {
      breaker.ended(type, trial);
    }
  }

  return {
    name: rung.name,
    kind: rung.kind,
    inside: options.inside ?? false,
    get usable() {
      return rung.ready !== false && breaker?.allows !== false && deps.barred?.(rung.name) === undefined;
    },
    get asleep() {
      return rung.asleep === true;
    },
    get clients() {
      return clients;
    },
    answer: (question, signal) => (question.shadow === undefined ? safely(askForClient(question, signal)) : copy(question, new AbortController(), signal)),
    copy,
    described: () => rung.described?.(),
    start: () => rung.start?.() ?? Promise.resolve(() => Promise.resolve()),
  };
}

/** An error of ours is an answer too. */
function safely(answering: Promise<RungAnswer>): Promise<RungAnswer> {
  return answering.catch((error: unknown) => ({ outcome: "error", detail: String(error).slice(0, 200) }));
}

function verdictOn({ outcome }: RungAnswer, signal: AbortSignal): "success" | "failure" | "nothing" {
  if (outcome === "ok") return "success";
  if (isGivenUp(signal)) return "nothing";
  return outcome === "error" || outcome === "timeout" ? "failure" : "nothing";
}

/** The same rung with a bulkhead, and within its time: that of waiting for a place included. */
function inTime(rung: LadderRung, { timeoutMs, ...places }: BulkheadOptions & { readonly timeoutMs: number }, clock: Clock): Pick<Rung, "answer"> {
  const bulkhead = new Bulkhead(places);
  /** The place is given back when the rung has really ended, not when nobody waits for it any more. */
  const asked = async (question: Question, signal: AbortSignal): Promise<RungAnswer> => {
    try {
      return await rung.answer(question, signal);
    } finally {
      bulkhead.leave();
    }
  };
  return {
    async answer(question, signal): Promise<RungAnswer> {
      if (signal.aborted) return { outcome: "timeout", detail: "given up before it began" };
      const startMs = clock.monotonicMs();
      const deadlineMs = Math.min(startMs + timeoutMs, question.deadlineMs ?? Infinity);
      const slice = timeSlice(clock, deadlineMs - startMs, signal);
      try {
        const entered = bulkhead.enter(slice.signal);
        const place = typeof entered === "string" ? entered : await entered;
        if (place === "full") return { outcome: "overloaded", detail: `${places.active} questions are under way and ${places.waiting} wait` };
        if (place === "given-up") return await slice.late;
        return await Promise.race([asked({ ...question, deadlineMs }, slice.signal), slice.late]);
      } finally {
        slice.end();
      }
    },
  };
}
