/**
 * One request from its first byte to its answer's last, in whichever lane it came: has done what plan.ts decides, one step
 * after the other, and says afterwards what became of it.
 *
 * Once the client has had a byte nothing is tried again: where the answer breaks then, the client's connection breaks too.
 */
import { primaryName } from "../backend.ts";
import type { Outcome, Reason, Rung } from "../backend.ts";
import { rungShareMs } from "./deadline.ts";
import { deliver, headOf } from "./delivery.ts";
import type { Incoming } from "./incoming.ts";
import { Inquiry } from "./inquiry.ts";
import { entryOf, next, reasonOf } from "./plan.ts";
import type { Situation, Step } from "./plan.ts";
import { PrimaryAttempt } from "./primary.ts";
import type { PrimaryAnswer } from "./primary.ts";
import type { AnswerHead } from "./reply.ts";
import type { Room } from "./room.ts";
import { RungAttempt } from "./rung-attempt.ts";
import { tell } from "./telling.ts";
import { answeredByNobody } from "./verdict.ts";

const jsonFields = (body: Buffer): string[] => ["content-type", "application/json", "content-length", String(body.length)];

/** How the request may go, settled once when its turn comes. */
interface Entry {
  readonly by: Situation["entry"];
  readonly routeReason: Reason;
}

export class Exchange {
  readonly #inquiry: Inquiry;
  readonly #tried: Outcome[] = [];
  readonly #failures: string[] = [];
  #rungsAsked = 0;
  #retryRefused = false;
  /** The primary's last answer where it was a failure: better than none. */
  #keptBack: PrimaryAnswer | undefined;
  #primary: PrimaryAttempt | undefined;
  #rung: RungAttempt | undefined;
  /** Nothing more is to be tried. */
  #over: "gone" | "too-large" | "done" | undefined;
  #verdict = answeredByNobody("error");

  constructor(room: Room, incoming: Incoming) {
    this.#inquiry = new Inquiry(room, incoming, (end) => {
      if (end === "cut") this.gone();
      else if (end === "too-large") this.#tooLarge();
    });
  }

  /** Serves the request to its end. Never rejects. */
  async run(expectsContinue: boolean): Promise<void> {
    const { reply, room } = this.#inquiry;
    try {
      await this.#serve(expectsContinue);
    } catch (error) {
      room.deps.log.error({ error: String(error), stack: (error as Error).stack }, "the gateway failed on a request");
      this.#verdict = answeredByNobody("error");
      if (reply.started) reply.break();
      else await this.#say(500, "the gateway failed on this request").catch(() => reply.break());
    }
    this.#finish();
  }

  /** Answers without asking anybody, since too much is under way. */
  async turnAway(): Promise<void> {
    this.#verdict = answeredByNobody("overloaded");
    const body = this.#errorBody("too many requests at once", 503);
    this.#head(ownHead(503, ["retry-after", "1", ...jsonFields(body)], body));
    await this.#inquiry.reply.end([body]);
    this.#finish();
  }

  /** The client's connection has closed. */
  gone(): void {
    if (this.#over !== undefined) return;
    this.#over = "gone";
    this.#primary?.attempt.cancel("cancelled", "the client went away");
    this.#rung?.cancel();
  }

  async #serve(expectsContinue: boolean): Promise<void> {
    const { incoming, reply, upload, isShort, room } = this.#inquiry;
    if (incoming.declaredBytes !== undefined && incoming.declaredBytes > room.options.bodyMax) return this.#refuseBody(expectsContinue);
    if (expectsContinue) reply.continue();
    // A short body is taken whole first: a client that trickles holds no connection of the server's.
    if (isShort && !upload.ended) await upload.readAll();
    this.#inquiry.passOthers();

    const entry = this.#enter();
    while (this.#over === undefined) {
      const step = next(this.#situation(entry));
      if (step.ask === "nobody") return this.#answerForNobody();
      const answered = step.ask === "primary" ? await this.#askPrimary(step) : await this.#askRung(step);
      if (answered) return;
    }
    if (this.#over === "too-large") return this.#refuseBody(false);
    this.#verdict = answeredByNobody("cancelled");
  }

  #enter(): Entry {
    const { target, room } = this.#inquiry;
    if (target === undefined || this.#over !== undefined) return { by: "flows", routeReason: "normal" };
    room.budget.request(room.deps.clock.monotonicMs());
    const route = room.deps.route();
    return { by: entryOf(route, () => room.deps.claimTrial()), routeReason: route.reason };
  }

  #situation({ by, routeReason }: Entry): Situation {
    const { room, target, method, upload, rungs } = this.#inquiry;
    const nowMs = room.deps.clock.monotonicMs();
    return {
      entry: by,
      routeReason,
      kind: target !== undefined ? "inference" : method === "GET" || method === "HEAD" ? "safe" : "other",
      replayable: upload.replayable,
      tried: this.#tried,
      retryRefused: this.#retryRefused,
      rungs: rungs.length,
      rungsAsked: this.#rungsAsked,
      primaryLeftMs: this.#primaryDeadlineMs() - nowMs,
      leftMs: this.#inquiry.deadlineMs() - nowMs,
    };
  }

  #primaryDeadlineMs(): number {
    return this.#inquiry.primaryDeadlineMs(this.#inquiry.rungs.length - this.#rungsAsked);
  }

  /** True where the client has had an answer, or a part of one. */
  async #askPrimary({ reason, trial, retry }: Extract<Step, { ask: "primary" }>): Promise<boolean> {
    if (retry && !this.#mayRetry()) return false;
    const primary = new PrimaryAttempt(this.#inquiry, { trial, deadlineMs: () => this.#primaryDeadlineMs() });
    this.#primary = primary;

    const tried = await primary.answered();
    if (!tried.ok) {
      primary.ended(tried.outcome, undefined);
      this.#failed(tried.outcome, `${tried.outcome} (${tried.detail})`);
      return false;
    }
    const { answer } = tried;
    const { outcome, whole, head } = answer;
    if (outcome !== "ok" && outcome !== "rejected") {
      primary.ended(outcome, head.status);
      this.#failed(outcome, `answered ${head.status}`);
      this.#keptBack?.attempt.cancel("cancelled", "a later answer took its place");
      this.#keptBack = answer;
      return false;
    }
    this.#tried.push(outcome);
    if (whole) primary.ended(outcome, head.status);
    const final = await this.#deliver(answer, reason);
    if (!whole) primary.ended(final, head.status);
    return true;
  }

  #failed(outcome: Outcome, how: string): void {
    this.#tried.push(outcome);
    this.#failures.push(`${primaryName}: ${how}`);
  }

  #mayRetry(): boolean {
    const { deps, budget } = this.#inquiry.room;
    this.#retryRefused = !budget.take(deps.clock.monotonicMs());
    deps.retried?.(this.#retryRefused ? "refused" : "taken");
    return !this.#retryRefused;
  }

  async #deliver(answer: PrimaryAnswer, reason: Reason): Promise<Outcome> {
    const version = this.#versionOf(answer);
    this.#verdict = { rung: primaryName, reason, version, outcome: answer.outcome };
    this.#head(headOf(this.#inquiry, answer));
    return this.#ended(await deliver(this.#inquiry, answer, version));
  }

  /** As the request named it, as the answer says, or as it was known before. */
  #versionOf({ attempt: { held } }: PrimaryAnswer): string | undefined {
    const { target, room } = this.#inquiry;
    if (target === undefined) return undefined;
    return target.version ?? (held[0] === undefined ? undefined : room.deps.protocol.versionIn(held[0])) ?? room.deps.version?.();
  }

  #ended(outcome: Outcome): Outcome {
    if (outcome !== this.#verdict.outcome) this.#verdict = { ...this.#verdict, outcome };
    return outcome;
  }

  /** True where the rung has answered. */
  async #askRung({ index, reason }: Extract<Step, { ask: "rung" }>): Promise<boolean> {
    const { upload, reply, room } = this.#inquiry;
    const { clock, rungs, log } = room.deps;
    await upload.readAll();
    if (this.#over !== undefined || !upload.replayable) return false;
    const { name } = rungs[index] as Rung;
    this.#rungsAsked += 1;
    const timeoutMs = rungShareMs(this.#inquiry.deadlineMs() - clock.monotonicMs(), rungs.length - index - 1);
    const asked = new RungAttempt(this.#inquiry, rungs[index] as Rung, timeoutMs);
    this.#rung = asked;
    const answer = await asked.answered;
    const gone = this.#isGone();
    asked.ended(answer, gone);
    if (gone) return false;
    if (answer.outcome !== "ok") {
      log.debug({ rung: name, outcome: answer.outcome, detail: answer.detail }, "a rung could not answer");
      this.#failures.push(`${name}: ${answer.outcome} (${answer.detail})`);
      return false;
    }
    this.#verdict = { rung: name, reason, version: answer.version, outcome: "ok" };
    this.#head(ownHead(answer.status, [...Object.entries(answer.headers).flat(), "content-length", String(answer.body.length)], answer.body));
    await reply.end([answer.body]);
    if (!reply.delivered) this.#ended("cancelled");
    return true;
  }

  #isGone(): boolean {
    return this.#over !== undefined;
  }

  /** The primary's own failing answer where it gave one; else say that there is none. */
  async #answerForNobody(): Promise<void> {
    if (this.#keptBack !== undefined) {
      await this.#deliver(this.#keptBack, reasonOf(this.#keptBack.outcome));
      return;
    }
    const outcome = this.#tried.at(-1) ?? "error";
    const why = this.#failures.length === 0 ? "the model server is kept from traffic" : this.#failures.join("; ");
    this.#verdict = answeredByNobody(outcome);
    if (outcome === "unsupported") await this.#say(400, `the request can not be passed on; ${why}`);
    else await this.#say(outcome === "timeout" || outcome === "stalled" ? 504 : 503, `nobody could answer; ${why}`);
  }

  #tooLarge(): void {
    if (this.#over !== undefined) return;
    this.#over = "too-large";
    this.#primary?.attempt.cancel("too-large", "the request's body is over its limit");
  }

  async #refuseBody(isNotSent: boolean): Promise<void> {
    const { reply, room } = this.#inquiry;
    this.#over = "too-large";
    this.#verdict = answeredByNobody("too-large");
    const body = this.#errorBody(`the body has more than ${room.options.bodyMax} bytes`, 413);
    reply.closeAfter();
    this.#head(ownHead(413, jsonFields(body), body));
    if (isNotSent) await reply.end([body]);
    else await reply.endWhileSending(body, room.deps.clock);
  }

  async #say(status: number, message: string): Promise<void> {
    const body = this.#errorBody(message, status);
    this.#head(ownHead(status, jsonFields(body), body));
    await this.#inquiry.reply.end([body]);
  }

  #errorBody(message: string, status: number): Buffer {
    return Buffer.from(this.#inquiry.room.deps.protocol.formatError(message, status));
  }

  #head(head: AnswerHead): void {
    const { reply, target, inferenceId, room } = this.#inquiry;
    if (room.isDraining()) reply.closeAfter();
    reply.head(head, target === undefined ? undefined : { ...this.#verdict, inferenceId });
  }

  /** Says what became of it, and lets go of all that was held. */
  #finish(): void {
    this.#over = "done";
    this.#inquiry.passOthers();
    tell(this.#inquiry, this.#verdict, { attempts: this.#tried.length + this.#rungsAsked, stream: this.#primary?.streamTimes() });
    this.#primary?.attempt.cancel("cancelled", "the exchange is over");
    this.#keptBack?.attempt.cancel("cancelled", "the exchange is over");
    this.#inquiry.upload.release();
  }
}

/** The head of an answer that is ours. */
function ownHead(status: number, fields: readonly string[], body: Buffer): AnswerHead {
  return { status, statusText: "", fields, length: body.length };
}
