/**
 * One inference's part in a rollout: the side that it is dealt to, by its client's key, else by its own id; and what is told once
 * it is over: how its first attempt there went, and of some of the primary's side a copy for the candidate.
 *
 * A trial is told only where both sides are asked, so not while the primary is kept from traffic: then the candidate answers what
 * is dealt to it, and the ladder the rest, which are no two sides of anything. Hedges and second attempts change nothing of it.
 */
import { primaryName } from "../backend.ts";
import type { Outcome } from "../backend.ts";
import { versionedPath } from "../protocols/versioned.ts";
import { isDealtToCandidate } from "../split.ts";
import type { Deal, TrialMark } from "../trial.ts";
import { candidateShareMs } from "./deadline.ts";
import { keyOf } from "./dealt-key.ts";
import { hash32 } from "./identity.ts";
import type { Inquiry } from "./inquiry.ts";
import { failedOn } from "./plan.ts";
import type { Verdict } from "./verdict.ts";

/** A first attempt that has ended. */
export interface FirstAttempt {
  readonly outcome: Outcome;
  /** Milliseconds, from the moment that the server had the whole request. */
  readonly durationMs: number;
  /** When its answer was there, or it was known that none would be; monotonic. */
  readonly answeredAtMs: number;
}

export class Dealing {
  readonly deal: Deal;
  readonly toCandidate: boolean;
  /** Where the candidate is asked. */
  readonly path: string;
  readonly #inquiry: Inquiry;
  /** A hash of the client's key; 0 where it had none. */
  readonly #key: number;
  /** The primary is asked for what is dealt to it. */
  readonly #compared: boolean;
  readonly #shadowed: boolean;
  #first: FirstAttempt | undefined;

  private constructor(inquiry: Inquiry, deal: Deal, path: string, compared: boolean) {
    const { inferenceId, incoming, reply, room } = inquiry;
    const key = keyOf(deal.key, (name) => incoming.header(name));
    this.deal = deal;
    this.path = path;
    this.#inquiry = inquiry;
    this.#compared = compared;
    this.#key = key === undefined ? 0 : hash32(key);
    this.toCandidate = isDealtToCandidate(key ?? inferenceId, deal.weight, deal.rollout, hash32);
    this.#shadowed = compared && !this.toCandidate && room.deps.shadow !== undefined && inquiry.isAmong(deal.shadow);
    if (this.#shadowed && !inquiry.sampled) reply.keepCopy(room.options.sample.bodyMax);
  }

  /**
   * Undefined where there is nothing to deal: the client has named another version than the candidate's, or the candidate can
   * not be asked this question; or its body can not be sent a second time, so that the candidate's failure would be the client's.
   *
   * @param compared the primary is asked for what is dealt to it.
   */
  static of(inquiry: Inquiry, deal: Deal, compared: boolean): Dealing | undefined {
    const { target, upload, method, path, room } = inquiry;
    const { candidate } = deal;
    if (target === undefined || !upload.replayable) return undefined;
    if (candidate.version !== undefined && target.version !== undefined && target.version !== candidate.version) return undefined;
    if (candidate.kind === "rung") return room.deps.candidate === undefined ? undefined : new Dealing(inquiry, deal, path, compared);
    const asked = candidate.version === undefined ? path : versionedPath(room.deps.protocol, method, path, candidate.version);
    return asked === undefined ? undefined : new Dealing(inquiry, deal, asked, compared);
  }

  /** By when the candidate must have answered; the primary too, to be no worse than it. */
  deadlineMs(): number {
    const { upload, timeoutMs, rungs, room } = this.#inquiry;
    return upload.lastByteMs + candidateShareMs(timeoutMs, room.options.reserve, rungs.length);
  }

  /** Of the side that it was dealt to; heard the first time only. */
  tried(outcome: Outcome, startedMs: number, answeredAtMs: number): void {
    const { upload, room } = this.#inquiry;
    this.#first ??= { outcome, durationMs: room.deps.clock.monotonicMs() - Math.max(startedMs, upload.lastByteMs), answeredAtMs };
  }

  /**
   * Tells of the trial, where there was one, and comes back with its mark.
   *
   * @param behind how the primary ended that was asked after the candidate.
   */
  told({ outcome: ended }: Verdict, behind: Outcome | undefined, atWallMs: number): TrialMark | undefined {
    const { deal, toCandidate } = this;
    const { inferenceId, upload, room } = this.#inquiry;
    const first = this.#first;
    if (!deal.judged || !this.#compared || first === undefined || ended === "cancelled" || !upload.replayable) return undefined;
    const outcome = this.#judged(first);
    const mark: TrialMark = { rollout: deal.rollout, candidate: toCandidate, weight: deal.weight, key: this.#key };
    room.deps.observe({ kind: "trial", ...mark, inferenceId, failed: failedOn(outcome, toCandidate ? behind : undefined), outcome, durationMs: first.durationMs, atWallMs });
    return mark;
  }

  /** A primary that answered later than the candidate might have is as late. */
  #judged({ outcome, answeredAtMs }: FirstAttempt): Outcome {
    return !this.toCandidate && outcome !== "cancelled" && answeredAtMs > this.deadlineMs() ? "timeout" : outcome;
  }

  /**
   * Hands on a copy, where the inference is one of those. Not of what the primary rejected, since that is the request's fault:
   * the candidate's rejection would be no difference, and its answer no harm.
   */
  shadow({ rung, outcome: ended }: Verdict, atWallMs: number): void {
    const { reply, upload, inferenceId, room } = this.#inquiry;
    const first = this.#first;
    if (!this.#shadowed || first === undefined || ended === "cancelled" || first.outcome === "rejected" || first.outcome === "cancelled") return;
    const { outcome, durationMs } = first;
    // The answer may have been kept back, for one that was surer of itself.
    if (outcome === "ok" && rung !== primaryName) return;
    const body = outcome === "ok" ? reply.copy() : new Uint8Array(0);
    const question = upload.ended && upload.replayable ? this.#inquiry.question() : undefined;
    room.deps.shadow?.offer({ rollout: this.deal.rollout, inferenceId, key: this.#key, atWallMs }, question, { outcome, durationMs, body });
  }
}
