/**
 * One attempt at the candidate on trial: through the lanes as at the primary where it is a server, so that its bytes are as
 * untouched and its streams stream; as a rung is asked where it is a model in the sidecar.
 *
 * It counts for nobody but the judge: not for the primary's work in flight, its limit, its circuit or the quarantine. An answer
 * that no client is to have is let go here, and is a failure to whoever asked.
 */
import type { Outcome, RungAnswer } from "../backend.ts";
import type { Attempt } from "../forward/attempt.ts";
import { candidateName } from "../trial.ts";
import type { Dealing } from "./dealing.ts";
import type { Inquiry } from "./inquiry.ts";
import { holdBytes, outcomeOfHead } from "./primary.ts";
import type { ServerAnswer } from "./primary.ts";
import { RungAttempt } from "./rung-attempt.ts";

type Good = Extract<RungAnswer, { outcome: "ok" }>;

export type CandidateTried =
  | { readonly by: "server"; readonly answer: ServerAnswer }
  | { readonly by: "rung"; readonly answer: Good }
  | { readonly by: "nobody"; readonly outcome: Outcome; readonly detail: string };

export interface CandidateAttempt {
  /** Kept when the answer is held, or there is none. Never rejects. */
  answered(): Promise<CandidateTried>;
  /** Nobody wants the answer any more. */
  cancel(): void;
  /** Says what became of it; heard the first time only. */
  ended(outcome: Outcome, status: number | undefined): void;
}

/** Asks. The request's body must be whole and kept. */
export function askCandidate(inquiry: Inquiry, dealing: Dealing): CandidateAttempt {
  return dealing.deal.candidate.kind === "rung" ? atRung(inquiry, dealing) : atServer(inquiry, dealing, dealing.deal.candidate.url);
}

function atServer(inquiry: Inquiry, dealing: Dealing, url: string | undefined): CandidateAttempt {
  const { room, incoming, upload, repaired } = inquiry;
  const { deps, options, candidates } = room;
  const berth = candidates.enter(url);
  const span = inquiry.tracing?.attempt();
  const attempt: Attempt = incoming.send({
    to: berth.destination,
    path: dealing.path,
    body: repaired === undefined ? upload.body() : repaired.body,
    added: inquiry.addedFields(span?.traceparent),
    replaced: repaired?.headers,
    deadlineMs: () => dealing.deadlineMs(),
    hold: (head) => holdBytes(head, options.holdMax),
  });
  let answeredAtMs: number | undefined;
  let isEnded = false;
  return {
    async answered() {
      const answered = await attempt.answered;
      answeredAtMs = deps.clock.monotonicMs();
      if (!answered.ok) return { by: "nobody", outcome: answered.outcome, detail: `${answered.outcome} (${answered.detail})` };
      const { head, whole } = answered;
      const outcome = outcomeOfHead(head);
      if (outcome === "ok") return { by: "server", answer: { from: candidateName, attempt, flight: undefined, head, whole, outcome } };
      attempt.cancel("cancelled", "the primary is asked instead");
      return { by: "nobody", outcome, detail: `answered ${head.status}` };
    },
    cancel: () => attempt.cancel("cancelled", "nobody waits for it any more"),
    ended(outcome, status) {
      if (isEnded) return;
      isEnded = true;
      berth.leave();
      const durationMs = deps.clock.monotonicMs() - attempt.startedMs;
      dealing.tried(outcome, attempt.startedMs, answeredAtMs ?? attempt.startedMs + durationMs);
      const trace = span?.ended({ backend: candidateName, outcome, status, startMs: attempt.startedMs - inquiry.startMs, durationMs });
      deps.observe({ kind: "attempt", backend: candidateName, outcome, status, firstByteMs: attempt.headMs ?? durationMs, durationMs, trial: false, trace });
    },
  };
}

function atRung(inquiry: Inquiry, dealing: Dealing): CandidateAttempt {
  const { clock, candidate } = inquiry.room.deps;
  if (candidate === undefined) throw new Error("gateway: nothing is dealt to a candidate that is not there");
  const startedMs = clock.monotonicMs();
  const asked = new RungAttempt(inquiry, { ...candidate, name: candidateName, answer: (question, signal) => candidate.answer(question, signal) }, {
    timeoutMs: dealing.deadlineMs() - startedMs,
    alone: false,
    pinned: false,
  });
  let isEnded = false;
  return {
    async answered() {
      const answer = await asked.answered;
      return answer.outcome === "ok" ? { by: "rung", answer } : { by: "nobody", outcome: answer.outcome, detail: `${answer.outcome} (${answer.detail})` };
    },
    cancel: () => asked.cancel(),
    ended(outcome, status) {
      if (isEnded) return;
      isEnded = true;
      dealing.tried(outcome, startedMs, clock.monotonicMs());
      asked.endedAs(outcome, status);
    },
  };
}
