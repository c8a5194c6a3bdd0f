/**
 * One attempt at the primary: sent, watched while it is under way, and told when it has ended.
 *
 * The beginning of the answer is held (forward/attempt.ts): all of a short one, so that a server which dies in mid-answer is a
 * reason to go elsewhere and not a broken answer; and of a failure, which may yet be replaced.
 */
import { primaryName } from "../backend.ts";
import type { Outcome } from "../backend.ts";
import type { Attempt, Head } from "../forward/attempt.ts";
import type { candidateName } from "../trial.ts";
import type { Dealing } from "./dealing.ts";
import { fieldValue } from "./headers.ts";
import type { Inquiry } from "./inquiry.ts";
import { outcomeOf } from "./plan.ts";
import type { StreamTimes } from "./stream.ts";
import type { AttemptSpan } from "./tracing.ts";
import type { Flight } from "./work.ts";

/** An answer of a server, all of it held or the rest still to come. */
export interface ServerAnswer {
  readonly from: typeof primaryName | typeof candidateName;
  readonly attempt: Attempt;
  /** Among what is in flight at the primary; undefined for the candidate's. */
  readonly flight: Flight | undefined;
  readonly head: Head;
  readonly whole: boolean;
  readonly outcome: Outcome;
}

export type Tried = { readonly ok: true; readonly answer: ServerAnswer } | { readonly ok: false; readonly outcome: Outcome; readonly detail: string };

export interface Asking {
  readonly trial: boolean;
  /** It has a place of the limit, to be given back. */
  readonly admitted: boolean;
  /** The request is suspect of having crashed a server, and is tried alone. */
  readonly trying: boolean;
  /** May move while the attempt is under way. */
  readonly deadlineMs: () => number;
  /** Hears how the attempt went, where a rollout runs and this is what was dealt. */
  readonly dealing: Dealing | undefined;
}

export class PrimaryAttempt {
  readonly attempt: Attempt;
  readonly #inquiry: Inquiry;
  readonly #flight: Flight;
  readonly #asking: Asking;
  readonly #span: AttemptSpan | undefined;
  #answeredAtMs: number | undefined;
  #isEnded = false;

  /** Sends the request. */
  constructor(inquiry: Inquiry, asking: Asking) {
    const { room, incoming, path, upload, target, repaired } = inquiry;
    const { holdMax } = room.options;
    this.#inquiry = inquiry;
    this.#asking = asking;
    this.#span = inquiry.tracing?.attempt();
    if (asking.trying) room.suspicion?.tries(inquiry);
    this.attempt = incoming.send({
      to: room.primary,
      path,
      body: repaired === undefined ? upload.body() : repaired.body,
      added: inquiry.addedFields(this.#span?.traceparent),
      replaced: repaired?.headers,
      deadlineMs: asking.deadlineMs,
      hold: (head) => holdBytes(head, holdMax),
    });
    this.#flight = room.work.begin(this.attempt, upload, target !== undefined, inquiry);
  }

  /** Kept when the answer is held, or there is none. Never rejects. */
  async answered(): Promise<Tried> {
    const answered = await this.attempt.answered;
    if (this.#asking.dealing !== undefined) this.#answeredAtMs = this.#inquiry.room.deps.clock.monotonicMs();
    if (!answered.ok) return { ok: false, outcome: answered.outcome, detail: answered.detail };
    const { head, whole } = answered;
    return { ok: true, answer: { from: primaryName, attempt: this.attempt, flight: this.#flight, head, whole, outcome: outcomeOfHead(head) } };
  }

  /** When the parts of its answer came; undefined where it did not stream. */
  streamTimes(): StreamTimes | undefined {
    return this.#inquiry.room.work.times(this.#flight);
  }

  /** Says what became of it; heard the first time only. */
  ended(outcome: Outcome, status: number | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { work, deps, limit, suspicion } = this.#inquiry.room;
    const { attempt } = this;
    const { trial, admitted, trying, dealing } = this.#asking;
    work.end(this.#flight);
    const nowMs = deps.clock.monotonicMs();
    const durationMs = nowMs - attempt.startedMs;
    dealing?.tried(outcome, attempt.startedMs, this.#answeredAtMs ?? nowMs);
    if (admitted) limit?.done(durationMs, outcome, nowMs);
    if (this.#inquiry.target !== undefined) suspicion?.ended(this.#inquiry, outcome, trying);
    const trace = this.#span?.ended({ backend: primaryName, outcome, status, startMs: attempt.startedMs - this.#inquiry.startMs, durationMs });
    deps.observe({ kind: "attempt", backend: primaryName, outcome, status, firstByteMs: attempt.headMs ?? durationMs, durationMs, trial, trace });
  }
}

/** How much of an answer with this head is held back: all that is short, and of a failure as much as of a short one. */
export function holdBytes(head: Head, holdMax: number): number {
  const outcome = outcomeOfHead(head);
  const mayBeReplaced = outcome === "error" || outcome === "overloaded";
  return mayBeReplaced || (head.length !== undefined && head.length <= holdMax) ? holdMax : 0;
}

/** Looks at the fields only where they matter: a lane may not have cut them apart. */
export function outcomeOfHead(head: Head): Outcome {
  return outcomeOf(head.status, head.status === 503 && fieldValue(head.headers, "retry-after") !== undefined);
}
