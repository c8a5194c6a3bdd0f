/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a request that was sent twice is done once, and its answer given
 * again. A key belongs to who sent it and to the route; with another body it is a mistake, and while the first is still at work
 * the second is told to come back.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import { isProblem, type Refused } from "./exchange.ts";
import type { Answer } from "./route.ts";

export interface Replays {
  /** Does the work, or gives what came of it before. Work that throws or fails with a 5xx leaves nothing behind. */
  once(key: ReplayKey, work: () => Promise<Answer>): Promise<Answer>;
}

export interface ReplayKey {
  /** As the client sent it; undefined: it sent none. */
  readonly key: string | undefined;
  /** Who, what and where. */
  readonly scope: string;
  readonly body: Uint8Array | undefined;
}

interface Kept {
  readonly digest: string;
  /** undefined: still at work. */
  readonly answer: Answer | undefined;
  readonly untilMs: number;
}

const keptMax = 1_024;
const ttlMs = 24 * 3_600_000;
/** A greater answer is not kept, so that all of them take 64 MiB at most. */
const answerMax = 65_536;
const keyPattern = /^[\x21-\x7e]{1,200}$/;

export function replays({ clock, dropped }: { readonly clock: Clock; readonly dropped: (what: string) => void }): Replays {
  const kept = new Map<string, Kept>();

  function makeRoom(nowMs: number): boolean {
    for (const [id, { untilMs, answer }] of kept) {
      if (untilMs > nowMs && kept.size < keptMax) return true;
      if (answer === undefined) continue;
      if (untilMs > nowMs) dropped("idempotency-keys");
      kept.delete(id);
    }
    return kept.size < keptMax;
  }

  return {
    async once({ key, scope, body }, work) {
      if (key === undefined) return work();
      if (!keyPattern.test(key)) return refused(400, "expected an Idempotency-Key of 1 to 200 visible characters");
      const nowMs = clock.monotonicMs();
      const id = `${scope} ${key}`;
      const digest = createHash("sha256").update(body ?? "").digest("base64");
      const before = kept.get(id);
      if (before !== undefined && before.untilMs > nowMs) {
        if (before.digest !== digest) return refused(422, "this Idempotency-Key was used with another body; take a new key for a new request");
        if (before.answer === undefined) return { ...refused(409, "the first request with this Idempotency-Key is still at work"), headers: { "retry-after": "1" } };
        return { ...before.answer, headers: { ...before.answer.headers, "idempotency-replayed": "true" } };
      }
      kept.delete(id);
      if (!makeRoom(nowMs)) return { ...refused(429, "too many requests with an Idempotency-Key are at work"), headers: { "retry-after": "1" } };
      kept.set(id, { digest, answer: undefined, untilMs: Infinity });
      let answer: Answer | undefined;
      try {
        answer = await work();
        return answer;
      } finally {
        kept.delete(id);
        if (answer !== undefined && answer.status < 500 && sizeOf(answer) <= answerMax) kept.set(id, { digest, answer, untilMs: clock.monotonicMs() + ttlMs });
      }
    },
  };
}

function refused(status: number, problem: string): Refused {
  return { status, problem };
}

function sizeOf(answer: Answer): number {
  return isProblem(answer) ? 0 : (JSON.stringify(answer.body)?.length ?? 0);
}
