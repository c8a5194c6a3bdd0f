/**
 * One attempt at the primary: sent, watched while it is under way, and told when it has ended.
 *
 * The beginning of the answer is held (forward/attempt.ts): all of a short one, so that a server which dies in mid-answer is a
 * reason to go elsewhere and not a broken answer; and of a failure, which may yet be replaced.
 */
import { primaryName } from "../backend.ts";
import type { Outcome } from "../backend.ts";
import type { Attempt, Head } from "../forward/attempt.ts";
import { fieldValue } from "./headers.ts";
import type { Inquiry } from "./inquiry.ts";
import { outcomeOf } from "./plan.ts";
import type { StreamTimes } from "./stream.ts";
import type { Flight } from "./work.ts";

/** An answer of the primary, all of it held or the rest still to come. */
export interface PrimaryAnswer {
  readonly attempt: Attempt;
  readonly flight: Flight;
  readonly head: Head;
  readonly whole: boolean;
  readonly outcome: Outcome;
}

export type Tried = { readonly ok: true; readonly answer: PrimaryAnswer } | { readonly ok: false; readonly outcome: Outcome; readonly detail: string };

export class PrimaryAttempt {
  readonly attempt: Attempt;
  readonly #inquiry: Inquiry;
  readonly #flight: Flight;
  readonly #trial: boolean;

  /** Sends the request. `deadlineMs` may move while the attempt is under way. */
  constructor(inquiry: Inquiry, { trial, deadlineMs }: { readonly trial: boolean; readonly deadlineMs: () => number }) {
    const { room, incoming, path, upload, target } = inquiry;
    const { holdMax } = room.options;
    this.#inquiry = inquiry;
    this.#trial = trial;
    this.attempt = incoming.send({
      path: room.basePath + path,
      body: upload.body(),
      added: inquiry.addedFields(),
      deadlineMs,
      hold: (head) => holdBytes(head, holdMax),
    });
    this.#flight = room.work.begin(this.attempt, upload, target !== undefined);
  }

  /** Kept when the answer is held, or there is none. Never rejects. */
  async answered(): Promise<Tried> {
    const answered = await this.attempt.answered;
    if (!answered.ok) return { ok: false, outcome: answered.outcome, detail: answered.detail };
    const { head, whole } = answered;
    return { ok: true, answer: { attempt: this.attempt, flight: this.#flight, head, whole, outcome: outcomeOfHead(head) } };
  }

  /** When the parts of its answer came; undefined where it did not stream. */
  streamTimes(): StreamTimes | undefined {
    return this.#inquiry.room.work.times(this.#flight);
  }

  /** Says what became of it; to be called once. */
  ended(outcome: Outcome, status: number | undefined): void {
    const { work, deps } = this.#inquiry.room;
    const { attempt } = this;
    work.end(this.#flight);
    const durationMs = deps.clock.monotonicMs() - attempt.startedMs;
    deps.observe({ kind: "attempt", backend: primaryName, outcome, status, firstByteMs: attempt.headMs ?? durationMs, durationMs, trial: this.#trial });
  }
}

function holdBytes(head: Head, holdMax: number): number {
  const outcome = outcomeOfHead(head);
  const mayBeReplaced = outcome === "error" || outcome === "overloaded";
  return mayBeReplaced || (head.length !== undefined && head.length <= holdMax) ? holdMax : 0;
}

/** Looks at the fields only where they matter: a lane may not have cut them apart. */
function outcomeOfHead(head: Head): Outcome {
  return outcomeOf(head.status, head.status === 503 && fieldValue(head.headers, "retry-after") !== undefined);
}
