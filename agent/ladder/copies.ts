/**
 * Asks rungs with copies of inferences that the primary has just answered, so that how they answer is known before they are
 * needed. The answers are compared elsewhere (they are only passed on here), and no client waits for them.
 *
 * Each rung is asked one copy at a time and so many a second, never while clients ask it, and not where the copy would have a
 * model loaded; a client that comes meanwhile sends the copy away. Copies count neither for a rung's circuit nor take a place
 * in its bulkhead, and none is repeated. What is let go is counted.
 */
import { hash } from "node:crypto";
import type { Question } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { CopyObservation } from "../observation.ts";
import type { GuardedRung } from "./guard.ts";
import { isGivenUp } from "./rung-circuit.ts";
import type { RungOptions } from "./rung-options.ts";

export interface CopiesOptions {
  /** Of one rung. */
  readonly perSecond: number;
  /** Bytes; of request and of answer. */
  readonly bodyMax: number;
  /** Rungs that get none. */
  readonly rungs: Readonly<Record<string, { readonly copies?: boolean | undefined }>>;
}

/** What became of a copy for a rung; a label. */
export type CopyResult =
  | "asked"
  | "busy" // another copy is under way, or clients ask it
  | "rate" // beyond so many a second
  | "too-large"
  | "asleep" // its model would have to be loaded
  | "given-up"; // a client came

export interface CopiesDeps {
  readonly clock: Clock;
  readonly protocol: { readonly name: string };
  readonly observe: (copy: CopyObservation) => void;
  readonly counted: (rung: string, result: CopyResult) => void;
}

interface Copied {
  readonly rung: GuardedRung;
  readonly key: string;
  /** Of an ensemble. */
  readonly members: readonly GuardedRung[];
  underWay: boolean;
  /** Copies that may be asked now: those of a second at most. */
  tokens: number;
  atMs: number;
}

export class Copies {
  readonly #options: CopiesOptions;
  readonly #deps: CopiesDeps;
  readonly #rungs: readonly Copied[];
  readonly #tokensMax: number;

  constructor(options: CopiesOptions, rungs: readonly Pick<Copied, "rung" | "key" | "members">[], deps: CopiesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#tokensMax = Math.max(1, options.perSecond);
    this.#rungs = rungs
      .filter(({ rung: { name } }) => !Object.hasOwn(options.rungs, name) || options.rungs[name]?.copies !== false)
      .map((rung) => ({ ...rung, underWay: false, tokens: this.#tokensMax, atMs: deps.clock.monotonicMs() }));
  }

  /**
   * An inference that the primary answered. To be called before the answer is remembered: what a rung would give again, it
   * would have given before. Cost: what the rungs that answer at once take for an answer, each about twice a second at most.
   */
  offer(inferenceId: string, question: Question, answer: { readonly body: Buffer }, atWallMs: number): void {
    // An answer in an encoding that is not read here could not be compared.
    const copy: Question = { ...question, headers: { ...question.headers, "accept-encoding": "gzip" } };
    for (const copied of this.#rungs) {
      const result = this.#mayAsk(copied, question.body.length, answer.body.length);
      if (result === "asked") void this.#ask(copied, inferenceId, copy, answer.body, atWallMs);
      else this.#deps.counted(copied.rung.name, result);
    }
  }

  #mayAsk(copied: Copied, ...bodies: readonly number[]): CopyResult {
    const nowMs = this.#deps.clock.monotonicMs();
    copied.tokens = Math.min(this.#tokensMax, copied.tokens + ((nowMs - copied.atMs) / 1_000) * this.#options.perSecond);
    copied.atMs = nowMs;
    if (bodies.some((bytes) => bytes > this.#options.bodyMax)) return "too-large";
    if (copied.rung.asleep) return "asleep";
    if (copied.underWay || [copied.rung, ...copied.members].some(({ clients }) => clients > 0)) return "busy";
    if (copied.tokens < 1) return "rate";
    copied.tokens -= 1;
    return "asked";
  }

  async #ask(copied: Copied, inferenceId: string, question: Question, primary: Buffer, atWallMs: number): Promise<void> {
    const { clock, protocol, observe, counted } = this.#deps;
    const { rung, key } = copied;
    const { name } = rung;
    const startMs = clock.monotonicMs();
    copied.underWay = true;
    const abort = new AbortController();
    const answer = await rung.copy({ ...question, shadow: name }, abort);
    copied.underWay = false;
    if (isGivenUp(abort.signal)) return counted(name, "given-up");
    if (answer.outcome === "ok" && answer.body.length > this.#options.bodyMax) return counted(name, "too-large");
    counted(name, "asked");
    const durationMs = clock.monotonicMs() - startMs;
    observe({ kind: "copy", inferenceId, rung: name, key, protocol: protocol.name, outcome: answer.outcome, primary, answer: answer.outcome === "ok" ? answer.body : noBytes, durationMs, atWallMs });
  }
}

const noBytes = new Uint8Array(0);

/** The same for the same rung: by its options and, of an ensemble, its members'. */
export function rungKey(rung: RungOptions, ladder: readonly RungOptions[]): string {
  const members = rung.kind === "ensemble" ? rung.members.map((member) => ladder.find(({ name }) => name === member)) : [];
  return hash("sha256", JSON.stringify([rung, members]), "base64url").slice(0, 16);
}
