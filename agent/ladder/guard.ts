/**
 * What stands before every rung, in this order: is the question for the model that the ladder stands in for, is it in the
 * rung's validity domain, is the rung's circuit closed, is there a place in its bulkhead, and then its share of time.
 *
 * Only failures and time-outs count against a rung. Being full, being asked about what it was not made for and an asker who
 * went away do not, and neither does a rung that says itself that it is not ready.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { modelOf } from "./answer.ts";
import { Bulkhead } from "./bulkhead.ts";
import type { BulkheadOptions } from "./bulkhead.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { Breaker, isGivenUp } from "./rung-circuit.ts";
import type { RungCircuitPolicy } from "./rung-circuit.ts";
import { timeSlice } from "./time-slice.ts";
import { outside } from "./validity.ts";
import type { InRange, Validity } from "./validity.ts";

export interface GuardOptions {
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
}

export interface GuardedRung extends Rung {
  /** It would be asked, and could answer. */
  readonly usable: boolean;
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
    const asked = modelOf(protocol, question);
    if (model !== undefined && asked !== "" && asked !== model) return `it stands in for ${model}, not for ${asked}`;
    if (validity === undefined) return undefined;
    const read = protocol.decodeRequest(question.body, features);
    return read.ok ? outside(validity, read.columns, read.rows, inRange) : `the request can not be read: ${read.reason}`;
  };

  async function ask(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const detail = unfit(question);
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
    get usable() {
      return rung.ready !== false && breaker?.allows !== false;
    },
    async answer(question, signal) {
      try {
        return await ask(question, signal);
      } catch (error) {
        return { outcome: "error", detail: String(error).slice(0, 200) };
      }
    },
    start: () => rung.start?.() ?? Promise.resolve(() => Promise.resolve()),
  };
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
