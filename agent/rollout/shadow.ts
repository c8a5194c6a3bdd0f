/**
 * Copies for the candidate: what the primary was asked is asked of it too, when the client has its answer, and both answers go on
 * as a pair. Nobody waits for a copy, and none is repeated, because a second try would hide a failure of which the primary's side of
 * the pair is told. The copy bears the rollout's id in `pilotfish-shadow`, so that the candidate can tell and, say, write nothing.
 *
 * So many at once, so many a second and bodies of so many bytes at most; what is let go is counted.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { PairSide, ShadowObservation, ShadowResult } from "../trial.ts";
import type { ShadowOptions } from "./shadow-options.ts";

export interface ShadowDeps {
  readonly clock: Clock;
  /** The name of the protocol that the bodies are in. */
  readonly protocol: string;
  readonly candidate: Rung;
  readonly observe: (pair: ShadowObservation) => void;
  readonly counted: (result: ShadowResult) => void;
}

/** Which inference a copy is of. */
export interface Copied {
  readonly rollout: string;
  readonly inferenceId: string;
  /** A hash of its key, 32 bits; 0 where it had none. */
  readonly key: number;
  readonly atWallMs: number;
}

const noBytes = new Uint8Array(0);

export class Shadow {
  readonly #options: Omit<ShadowOptions, "ratio">;
  readonly #deps: ShadowDeps;
  readonly #underWay = new Set<AbortController>();
  readonly #tokensMax: number;
  #tokens: number;
  #atMs: number;
  #closed = false;

  constructor(options: Omit<ShadowOptions, "ratio">, deps: ShadowDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#tokensMax = Math.max(1, options.perSecond);
    this.#tokens = this.#tokensMax;
    this.#atMs = deps.clock.monotonicMs();
  }

  /** Copies that are being answered now. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /**
   * An inference is over. Never throws, and nothing of what follows is waited for.
   *
   * @param question undefined where its body was not kept.
   * @param primary the primary's side; its `body` undefined where it was too long.
   */
  offer(copied: Copied, question: Question | undefined, primary: Omit<PairSide, "body"> & { readonly body: Uint8Array | undefined }): void {
    if (this.#closed) return;
    if (question === undefined) return this.#deps.counted("not-kept");
    const { body } = primary;
    const { bodyMax, atOnce } = this.#options;
    if (body === undefined || body.byteLength > bodyMax || question.body.length > bodyMax) return this.#deps.counted("too-large");
    if (this.#underWay.size >= atOnce) return this.#deps.counted("busy");
    if (!this.#takeToken()) return this.#deps.counted("rate");
    void this.#ask(copied, question, { ...primary, body });
  }

  /** Calls back what is under way; nothing is asked any more. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#underWay) abort.abort();
  }

  #takeToken(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + ((nowMs - this.#atMs) / 1_000) * this.#options.perSecond);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  async #ask({ rollout, inferenceId, key, atWallMs }: Copied, question: Question, primary: PairSide): Promise<void> {
    const { clock, protocol, observe, counted } = this.#deps;
    const abort = new AbortController();
    this.#underWay.add(abort);
    const startMs = clock.monotonicMs();
    const answer = await this.#answer(copyOf(question, rollout, inferenceId), abort, startMs);
    const durationMs = clock.monotonicMs() - startMs;
    this.#underWay.delete(abort);
    if (this.#closed) return;
    const body = answer.outcome === "ok" ? answer.body : noBytes;
    if (body.byteLength > this.#options.bodyMax) return counted("too-large");
    counted("asked");
    observe({ kind: "shadow", rollout, inferenceId, protocol, primary, candidate: { outcome: answer.outcome, body, durationMs }, key, atWallMs });
  }

  /** Within its time, even of a candidate that heeds no signal. */
  async #answer(question: Question, abort: AbortController, startMs: number): Promise<RungAnswer> {
    const { clock, candidate } = this.#deps;
    const { timeout } = this.#options;
    const cancelTimer = clock.after(timeout, () => abort.abort(new DOMException("the copy's time is over", "TimeoutError")));
    const late = new Promise<RungAnswer>((resolve) => {
      abort.signal.addEventListener("abort", () => resolve({ outcome: "timeout", detail: `no answer within ${timeout} ms` }), { once: true });
    });
    try {
      return await Promise.race([candidate.answer({ ...question, deadlineMs: startMs + timeout }, abort.signal), late]);
    } catch (error) {
      return { outcome: "error", detail: String(error).slice(0, 200) };
    } finally {
      cancelTimer();
    }
  }
}

/** An answer in an encoding that is not read here could not be compared. */
function copyOf(question: Question, rollout: string, inferenceId: string): Question {
  return { ...question, headers: { ...question.headers, "accept-encoding": "gzip", "pilotfish-inference-id": inferenceId }, shadow: rollout };
}
