/** One rung asked within its time, even one that breaks its promise to heed the signal and never to reject. */
import type { Outcome, Rung, RungAnswer } from "../backend.ts";
import type { Inquiry } from "./inquiry.ts";
import type { AttemptSpan } from "./tracing.ts";

export interface RungAsking {
  readonly timeoutMs: number;
  /** Of several servers one only. */
  readonly alone: boolean;
  /** By a person. */
  readonly pinned: boolean;
}

export class RungAttempt {
  readonly name: string;
  /** Kept once, within the time. Never rejects. */
  readonly answered: Promise<RungAnswer>;
  isCancelled = false;
  readonly #abort = new AbortController();
  readonly #inquiry: Inquiry;
  readonly #rung: Rung;
  readonly #startMs: number;
  readonly #span: AttemptSpan | undefined;

  /** Asks. The request's body must be whole and kept. */
  constructor(inquiry: Inquiry, rung: Rung, asking: RungAsking) {
    this.#inquiry = inquiry;
    this.#rung = rung;
    this.name = rung.name;
    this.#startMs = inquiry.room.deps.clock.monotonicMs();
    this.#span = inquiry.tracing?.attempt();
    this.answered = this.#answer(asking);
  }

  /** Nobody wants the answer any more. */
  cancel(): void {
    this.isCancelled = true;
    this.#abort.abort();
  }

  /** Says what became of it; to be called once. `gone`: nobody waited for it any more. */
  ended(answer: RungAnswer, gone: boolean): void {
    this.endedAs(gone ? "cancelled" : answer.outcome, answer.outcome === "ok" ? answer.status : undefined);
  }

  /** The same, where it is known otherwise. */
  endedAs(outcome: Outcome, status: number | undefined): void {
    const { clock, observe } = this.#inquiry.room.deps;
    const durationMs = clock.monotonicMs() - this.#startMs;
    const trace = this.#span?.ended({ backend: this.name, outcome, status, startMs: this.#startMs - this.#inquiry.startMs, durationMs });
    observe({ kind: "attempt", backend: this.name, outcome, status, firstByteMs: durationMs, durationMs, trial: false, trace });
  }

  async #answer({ timeoutMs, alone, pinned }: RungAsking): Promise<RungAnswer> {
    const { clock } = this.#inquiry.room.deps;
    const question = { ...this.#inquiry.question(this.#span?.traceparent), deadlineMs: this.#startMs + timeoutMs, ...(alone && { alone }), ...(pinned && { pinned }) };
    const { signal } = this.#abort;
    const cancelTimer = clock.after(timeoutMs, () => this.#abort.abort(new DOMException("the rung's share of the time is over", "TimeoutError")));
    const late = new Promise<RungAnswer>((resolve) => {
      const detail = `no answer within ${Math.round(timeoutMs)} ms`;
      signal.addEventListener("abort", () => resolve({ outcome: "timeout", detail }), { once: true });
    });
    try {
      return await Promise.race([this.#rung.answer(question, signal), late]);
    } catch (error) {
      return { outcome: "error", detail: String(error).slice(0, 200) };
    } finally {
      cancelTimer();
    }
  }
}
