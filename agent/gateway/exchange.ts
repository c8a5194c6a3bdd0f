/**
 * One request from its first byte to its answer's last, in whichever lane it came: has done what plan.ts decides, one step
 * after the other, and says afterwards what became of it.
 *
 * Once the client has had a byte nothing is tried again: where the answer breaks then, the client's connection breaks too.
 */
import type { Outcome, Reason, Rung, RungAnswer } from "../backend.ts";
import { confidenceValue } from "../contract/confidence-gate.ts";
import { candidateName } from "../trial.ts";
import { Answering } from "./answering.ts";
import { askCandidate } from "./candidate.ts";
import type { CandidateAttempt } from "./candidate.ts";
import { Course } from "./course.ts";
import { rungShareMs } from "./deadline.ts";
import { hedged } from "./hedge.ts";
import type { Hedging } from "./hedging.ts";
import type { Incoming } from "./incoming.ts";
import { Inquiry } from "./inquiry.ts";
import { hedgeRung, next, reasonOf } from "./plan.ts";
import type { Step } from "./plan.ts";
import { PrimaryAttempt } from "./primary.ts";
import type { ServerAnswer, Tried } from "./primary.ts";
import { brokenContract } from "./refusal.ts";
import type { Room } from "./room.ts";
import { RungAttempt } from "./rung-attempt.ts";
import { needsWhole, observed, screened } from "./screening.ts";
import { tell } from "./telling.ts";
import { answeredByNobody } from "./verdict.ts";

export class Exchange {
  readonly #inquiry: Inquiry;
  readonly #course: Course;
  readonly #answering: Answering;
  /** A server's last answer where it was a failure or not sure enough: better than none. And why it would be given. */
  #keptBack: { readonly answer: ServerAnswer; readonly reason: Reason } | undefined;
  #primary: PrimaryAttempt | undefined;
  #candidate: CandidateAttempt | undefined;
  #rung: RungAttempt | undefined;
  /** Nothing more is to be tried. */
  #over: "gone" | "too-large" | "done" | undefined;

  constructor(room: Room, incoming: Incoming) {
    this.#inquiry = new Inquiry(room, incoming, (end) => {
      if (end === "cut") this.gone();
      else if (end === "too-large") this.#tooLarge();
    });
    this.#course = new Course(this.#inquiry);
    this.#answering = new Answering(this.#inquiry);
  }

  /** Serves the request to its end. Never rejects. */
  async run(expectsContinue: boolean): Promise<void> {
    const { reply, room } = this.#inquiry;
    try {
      await this.#serve(expectsContinue);
    } catch (error) {
      room.deps.log.error({ error: String(error), stack: (error as Error).stack, ...this.#inquiry.logged }, "the gateway failed on a request");
      if (reply.started) {
        this.#answering.verdict = answeredByNobody("error");
        reply.break();
      } else {
        await this.#answering.say("error", 500, "the gateway failed on this request").catch(() => reply.break());
      }
    }
    this.#finish();
  }

  /** Answers without asking anybody, since too much is under way. */
  async turnAway(): Promise<void> {
    await this.#answering.say("overloaded", 503, "too many requests at once", ["retry-after", "1"]);
    this.#finish();
  }

  /** The client's connection has closed. */
  gone(): void {
    if (this.#over !== undefined) return;
    this.#over = "gone";
    this.#primary?.attempt.cancel("cancelled", "the client went away");
    this.#candidate?.cancel();
    this.#rung?.cancel();
  }

  async #serve(expectsContinue: boolean): Promise<void> {
    const { incoming, reply, upload, isShort, room } = this.#inquiry;
    if (incoming.declaredBytes !== undefined && incoming.declaredBytes > room.options.bodyMax) return this.#refuseBody(expectsContinue);
    if (expectsContinue) reply.continue();
    // A short body is taken whole first: a client that trickles holds no connection of the server's.
    if (isShort && !upload.ended) await upload.readAll();
    this.#inquiry.passOthers();

    if (needsWhole(this.#inquiry)) await upload.readAll();
    if (this.#over === undefined && room.gates.contract?.decides === true && (await this.#screen())) return;
    if (!this.#isOver()) this.#course.enter();
    if (this.#course.isForCandidate && !upload.ended) await this.#keepForCandidate();
    while (this.#over === undefined) {
      const step = next(this.#course.situation());
      if (step.ask === "nobody") return this.#answerForNobody();
      if (await this.#ask(step)) return;
    }
    if (this.#over === "too-large") return this.#refuseBody(false);
    this.#answering.verdict = answeredByNobody("cancelled");
  }

  /** Holds the request against the contract; true where the client has had its answer by that. */
  async #screen(): Promise<boolean> {
    const ruling = screened(this.#inquiry);
    if (ruling === undefined || ruling.do === "pass") return false;
    if (ruling.do === "repair") {
      this.#inquiry.repaired = ruling;
      this.#answering.added = ruling.told;
      return false;
    }
    const refusal = brokenContract(ruling.problem);
    if (ruling.do === "fallback") {
      this.#course.bar("contract", refusal);
      return false;
    }
    await this.#answering.refuse(refusal);
    return true;
  }

  /** A long body is kept whole first, for the primary may need it too; one that can not be is the primary's. */
  async #keepForCandidate(): Promise<void> {
    const { upload } = this.#inquiry;
    await upload.readKept();
    this.#inquiry.passOthers();
    if (!upload.replayable || this.#inquiry.target === undefined) this.#course.withdraw();
  }

  /** True where the client has had an answer, or a part of one. */
  #ask(step: Exclude<Step, { ask: "nobody" }>): Promise<boolean> {
    switch (step.ask) {
      case "candidate":
        return this.#askCandidate(step.reason);
      case "primary":
        return this.#askPrimary(step);
      case "rung":
        return this.#askRung(step);
    }
  }

  async #askCandidate(reason: Reason): Promise<boolean> {
    const { dealing } = this.#course;
    if (dealing === undefined) return false;
    const candidate = askCandidate(this.#inquiry, dealing);
    this.#candidate = candidate;
    const tried = await candidate.answered();
    if (this.#isOver()) return false;
    if (tried.by === "nobody") {
      candidate.ended(tried.outcome, undefined);
      this.#course.candidateTried(tried.outcome, tried.detail);
      return false;
    }
    this.#course.candidateTried("ok");
    if (tried.by === "rung") {
      candidate.ended("ok", tried.answer.status);
      await this.#answering.give(candidateName, { ...tried.answer, version: dealing.deal.candidate.version ?? tried.answer.version }, reason);
      return true;
    }
    const { answer } = tried;
    const { whole, head } = answer;
    if (whole) candidate.ended("ok", head.status);
    if (whole && this.#leavesToNextRung(answer, reason)) return false;
    const final = await this.#deliver(answer, reason);
    if (!whole) candidate.ended(final, head.status);
    return true;
  }

  async #askPrimary({ reason, trial, retry }: Extract<Step, { ask: "primary" }>): Promise<boolean> {
    const course = this.#course;
    if (!course.mayAskPrimary({ trial, retry })) return false;
    const { room, target } = this.#inquiry;
    const admitted = !trial && target !== undefined && room.limit !== undefined;
    const primary = new PrimaryAttempt(this.#inquiry, { trial, admitted, trying: course.suspect !== undefined, deadlineMs: () => course.primaryDeadlineMs(), dealing: course.dealing?.toCandidate === false ? course.dealing : undefined });
    this.#primary = primary;

    const tried = room.hedging === undefined ? await primary.answered() : await this.#hedged(primary, room.hedging);
    if (tried === "hedged") return true;
    if (!tried.ok) {
      primary.ended(tried.outcome, undefined);
      course.failed(tried.outcome, `${tried.outcome} (${tried.detail})`);
      return false;
    }
    const { answer } = tried;
    const { outcome, whole, head } = answer;
    if (outcome !== "ok" && outcome !== "rejected") {
      primary.ended(outcome, head.status);
      course.failed(outcome, `answered ${head.status}`);
      if (this.#keptBack?.answer.outcome === "ok") return false; // What was not sure enough is better than a failure.
      this.#keptBack?.answer.attempt.cancel("cancelled", "a later answer took its place");
      this.#keptBack = { answer, reason: reasonOf(outcome) };
      return false;
    }
    course.tried.push(outcome);
    if (whole) primary.ended(outcome, head.status);
    if (whole && outcome === "ok" && this.#leavesToNextRung(answer, reason)) return false;
    const final = await this.#deliver(answer, reason);
    if (!whole) primary.ended(final, head.status);
    return true;
  }

  /** The primary's answer, unless a rung that is asked beside it when it is slow comes first and answers the client. */
  async #hedged(primary: PrimaryAttempt, hedging: Hedging): Promise<Tried | "hedged"> {
    const { room, upload, target } = this.#inquiry;
    const { deps } = room;
    if (target === undefined) return primary.answered();
    if (hedging.delayMs === undefined || this.#course.tried.length > 0) {
      const tried = await primary.answered();
      if (tried.ok) hedging.took(deps.clock.monotonicMs() - primary.attempt.startedMs);
      return tried;
    }
    const end = await hedged(primary, {
      clock: deps.clock,
      delayMs: hedging.delayMs,
      ask: () => {
        const index = upload.ended && this.#over === undefined ? hedgeRung(this.#course.situation(), (at) => deps.rungs[at]?.usable !== false) : undefined;
        if (index === undefined) return undefined;
        if (!room.budget.take(deps.clock.monotonicMs())) {
          deps.hedged?.("refused");
          return undefined;
        }
        return this.#begin(index, 0);
      },
    });
    if (end.result === "won" || end.tried.ok) hedging.took(deps.clock.monotonicMs() - primary.attempt.startedMs);
    if (end.result !== undefined && !this.#isOver()) deps.hedged?.(end.result);
    if (end.result !== "won" || this.#isOver()) return end.tried;
    const outcome = primaryOutcome(end.tried);
    primary.ended(outcome, undefined);
    this.#course.tried.push(outcome);
    await this.#answering.give(end.asked.name, end.answer, "hedged");
    return "hedged";
  }

  /** Looks at how sure the server was; true where somebody else is to answer instead. */
  #leavesToNextRung(answer: ServerAnswer, reason: Reason): boolean {
    const { target, inferenceId, room } = this.#inquiry;
    const { clock, model } = room.deps;
    const { confidence } = room.gates;
    if (confidence === undefined || target === undefined) return false;
    const { decision, confidence: value = 0, rows } = confidence.judge(Buffer.concat(answer.attempt.held));
    this.#answering.unsure = undefined;
    this.#course.unsure = false;
    if (decision === "answer") return false;
    this.#answering.unsure = confidenceValue(value);
    this.#course.unsure = true;
    if (decision === "review") room.deps.review?.({ inferenceId, model: model ?? target.model, confidence: value, rows, atWallMs: clock.wallMs() });
    if (decision === "next-rung") this.#keptBack = { answer, reason };
    return decision === "next-rung";
  }

  #deliver(answer: ServerAnswer, reason: Reason): Promise<Outcome> {
    return this.#answering.deliver(answer, reason, answer.from === candidateName ? this.#course.dealing?.deal.candidate.version : undefined);
  }

  /** True where the rung has answered. */
  async #askRung({ index, reason }: Extract<Step, { ask: "rung" }>): Promise<boolean> {
    const { upload, room } = this.#inquiry;
    await upload.readAll();
    if (this.#over !== undefined || !upload.replayable) return false;
    const asked = this.#begin(index, room.deps.rungs.length - 1 - (this.#course.isPinned(index) ? 0 : index));
    const answer = await asked.answered;
    const gone = this.#isOver();
    asked.ended(answer, gone);
    if (gone) return false;
    if (answer.outcome !== "ok") {
      this.#rungFailed(asked.name, answer);
      return false;
    }
    if (this.#course.suspect !== undefined && room.traits[index]?.inside === false) room.suspicion?.acquit(this.#inquiry);
    await this.#answering.give(asked.name, answer, reason);
    return true;
  }

  /** Asks the rung; the body must be whole and kept. */
  #begin(index: number, rungsAfter: number): RungAttempt {
    const { clock, rungs } = this.#inquiry.room.deps;
    this.#course.asked.push(index);
    this.#rung = new RungAttempt(this.#inquiry, rungs[index] as Rung, {
      timeoutMs: rungShareMs(this.#inquiry.deadlineMs() - clock.monotonicMs(), rungsAfter),
      alone: this.#course.suspect !== undefined,
      pinned: this.#course.isPinned(index),
    });
    return this.#rung;
  }

  #rungFailed(rung: string, { outcome, detail }: Exclude<RungAnswer, { outcome: "ok" }>): void {
    this.#inquiry.room.deps.log.debug({ rung, outcome, detail, ...this.#inquiry.logged }, "a rung could not answer");
    this.#course.failures.push(`${rung}: ${outcome} (${detail})`);
  }

  #isOver(): boolean {
    return this.#over !== undefined;
  }

  /** The primary's own failing answer where it gave one; else say that there is none. */
  async #answerForNobody(): Promise<void> {
    if (this.#keptBack !== undefined) {
      await this.#deliver(this.#keptBack.answer, this.#keptBack.reason);
      return;
    }
    if (this.#course.refusal !== undefined) return this.#answering.refuse(this.#course.refusal);
    const outcome = this.#course.tried.at(-1) ?? "error";
    const why = this.#course.failures.length === 0 ? "the model server is kept from traffic" : this.#course.failures.join("; ");
    if (outcome === "unsupported") await this.#answering.say(outcome, 400, `the request can not be passed on; ${why}`);
    else await this.#answering.say(outcome, outcome === "timeout" || outcome === "stalled" ? 504 : 503, `nobody could answer; ${why}`);
  }

  #tooLarge(): void {
    if (this.#over !== undefined) return;
    this.#over = "too-large";
    this.#primary?.attempt.cancel("too-large", "the request's body is over its limit");
  }

  #refuseBody(isNotSent: boolean): Promise<void> {
    this.#over = "too-large";
    return this.#answering.refuseBody(isNotSent);
  }

  /** Says what became of it, and lets go of all that was held. */
  #finish(): void {
    this.#over = "done";
    this.#inquiry.passOthers();
    const stream = this.#primary?.streamTimes();
    // Every attempt has ended before it is told of them all.
    this.#primary?.attempt.cancel("cancelled", "the exchange is over");
    this.#primary?.ended("cancelled", undefined);
    this.#candidate?.cancel();
    this.#candidate?.ended("cancelled", undefined);
    const { verdict } = this.#answering;
    const { tried, asked, dealing } = this.#course;
    const atWallMs = this.#inquiry.room.deps.clock.wallMs();
    const trial = dealing?.told(verdict, tried.at(-1), atWallMs);
    tell(this.#inquiry, verdict, { attempts: tried.length + asked.length + (this.#candidate === undefined ? 0 : 1), stream, trial, atWallMs });
    dealing?.shadow(verdict, atWallMs);
    observed(this.#inquiry);
    this.#keptBack?.answer.attempt.cancel("cancelled", "the exchange is over");
    this.#inquiry.upload.release();
  }
}

/** Of a primary that a hedge was faster than: called back, which is held against nobody, unless it had failed by itself. */
function primaryOutcome(tried: Tried): Outcome {
  if (!tried.ok) return tried.outcome;
  const { outcome } = tried.answer;
  return outcome === "ok" || outcome === "rejected" ? "cancelled" : outcome;
}
