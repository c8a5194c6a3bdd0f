/**
 * What one client is told, and how that is noted: a server's answer, a rung's, or the gateway's own words where nobody answers.
 * Whom to ask is exchange.ts's.
 */
import { primaryName } from "../backend.ts";
import type { Outcome, Reason, RungAnswer } from "../backend.ts";
import { confidenceHeader } from "../contract/confidence-gate.ts";
import { deliver, headOf } from "./delivery.ts";
import type { Inquiry } from "./inquiry.ts";
import type { ServerAnswer } from "./primary.ts";
import { written } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import type { AnswerHead } from "./reply.ts";
import { answeredByNobody } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

export class Answering {
  verdict: Verdict = answeredByNobody("error");
  /** Fields that say what was done to the request. */
  added: readonly string[] | undefined;
  /** The server answered below the threshold: what the client is told of it. */
  unsure: string | undefined;
  readonly #inquiry: Inquiry;

  constructor(inquiry: Inquiry) {
    this.#inquiry = inquiry;
  }

  /** Sends a server's answer; says how that ended. `candidateVersion`: of the candidate, where it is its answer. */
  async deliver(answer: ServerAnswer, reason: Reason, candidateVersion: string | undefined): Promise<Outcome> {
    const version = this.#versionOf(answer, candidateVersion);
    this.verdict = { rung: answer.from, reason, version, outcome: answer.outcome };
    if (this.unsure !== undefined) this.added = [...(this.added ?? []), confidenceHeader, this.unsure];
    this.#head(headOf(this.#inquiry, answer));
    return this.#ended(await deliver(this.#inquiry, answer, version, answer.from === primaryName && this.unsure === undefined));
  }

  /** Sends a rung's answer. */
  async give(rung: string, { status, headers, body, version }: Extract<RungAnswer, { outcome: "ok" }>, reason: Reason): Promise<void> {
    const { reply } = this.#inquiry;
    this.verdict = { rung, reason, version, outcome: "ok" };
    this.#head(ownHead(status, [...Object.entries(headers).flat(), "content-length", String(body.length)], body));
    await reply.end([body]);
    if (!reply.delivered) this.#ended("cancelled");
  }

  /** Nobody has answered, for this reason. */
  async refuse(refusal: Refusal): Promise<void> {
    const { fields, body } = written(refusal, this.#inquiry.room.deps.protocol);
    this.verdict = { ...answeredByNobody(refusal.outcome), reason: refusal.reason };
    this.#head(ownHead(refusal.status, fields, body));
    await this.#inquiry.reply.end([body]);
  }

  /** The body is over its limit; `isNotSent`: the client still waits to be told to send it. */
  async refuseBody(isNotSent: boolean): Promise<void> {
    const { reply, room } = this.#inquiry;
    this.verdict = answeredByNobody("too-large");
    const body = this.#errorBody(`the body has more than ${room.options.bodyMax} bytes`, 413);
    reply.closeAfter();
    this.#head(ownHead(413, jsonFields(body), body));
    if (isNotSent) await reply.end([body]);
    else await reply.endWhileSending(body, room.deps.clock);
  }

  /** An error in the protocol's own form. */
  async say(outcome: Outcome, status: number, message: string, fields: readonly string[] = []): Promise<void> {
    this.verdict = answeredByNobody(outcome);
    const body = this.#errorBody(message, status);
    this.#head(ownHead(status, [...fields, ...jsonFields(body)], body));
    await this.#inquiry.reply.end([body]);
  }

  /** As the request named it, or the candidate bears it, as the answer says, or as it was known before of the primary. */
  #versionOf({ from, attempt: { held } }: ServerAnswer, candidateVersion: string | undefined): string | undefined {
    const { target, room } = this.#inquiry;
    if (target === undefined) return undefined;
    const known = candidateVersion ?? target.version ?? (held[0] === undefined ? undefined : room.deps.protocol.versionIn(held[0]));
    return known ?? (from === primaryName ? room.deps.version?.() : undefined);
  }

  #ended(outcome: Outcome): Outcome {
    if (outcome !== this.verdict.outcome) this.verdict = { ...this.verdict, outcome };
    return outcome;
  }

  #errorBody(message: string, status: number): Buffer {
    return Buffer.from(this.#inquiry.room.deps.protocol.formatError(message, status));
  }

  #head(head: AnswerHead): void {
    const { reply, target, inferenceId, room } = this.#inquiry;
    if (room.isDraining()) reply.closeAfter();
    reply.head(this.added === undefined ? head : { ...head, added: this.added }, target === undefined ? undefined : { ...this.verdict, inferenceId });
  }
}

function jsonFields(body: Buffer): string[] {
  return ["content-type", "application/json", "content-length", String(body.length)];
}

/** The head of an answer that is ours. */
function ownHead(status: number, fields: readonly string[], body: Buffer): AnswerHead {
  return { status, statusText: "", fields, length: body.length };
}
