/**
 * One request from its first byte to its answer's last, in whichever lane it came: has its bytes moved as plan.ts decides, and
 * says afterwards what became of them.
 *
 * An answer that is short enough is held until it is whole before the client hears of it, so that a server which dies in
 * mid-answer is a reason to go elsewhere and not a broken answer. Once the client has had a byte nothing is tried again: where
 * the answer breaks then, the client's connection breaks too.
 */
import { primaryName } from "../backend.ts";
import type { Outcome, Question, Reason, Rung, RungAnswer } from "../backend.ts";
import type { Attempt, Head } from "../forward/attempt.ts";
import type { Failure } from "../forward/classify.ts";
import type { AttemptObservation, AttemptTrace, ExchangeObservation } from "../observation.ts";
import type { InferenceTarget } from "../protocols/protocol.ts";
import { primaryShareMs, rungShareMs, timeoutOf } from "./deadline.ts";
import { endToEnd, fieldValue, provenanceNames } from "./headers.ts";
import { inferenceIdOf, isSampled } from "./identity.ts";
import type { Incoming } from "./incoming.ts";
import { entryOf, next, outcomeOf, reasonOf } from "./plan.ts";
import type { Situation, Step } from "./plan.ts";
import { owned } from "./reply.ts";
import type { AnswerHead, Reply } from "./reply.ts";
import type { Room } from "./room.ts";
import { Tracing } from "./tracing.ts";
import type { Upload } from "./upload.ts";

/** The rung's name where nobody has answered. */
const nobody = "none";

/** For requests that are no inferences: to load a model takes minutes, and nobody else would answer. */
const otherTimeoutMs = 300_000;

/** The status noted for a client that left before it had one; nginx's. */
const clientClosedRequest = 499;

const noFields: readonly string[] = [];

const answeredByNobody = (outcome: Outcome): Verdict => ({ rung: nobody, reason: "no-rung", version: undefined, outcome });
const jsonFields = (body: Buffer): string[] => ["content-type", "application/json", "content-length", String(body.length)];

/** Who has answered the client, why they, and how it ended. */
interface Verdict {
  readonly rung: string;
  readonly reason: Reason;
  readonly version: string | undefined;
  readonly outcome: Outcome;
}

/** An answer of the primary, all of it held or the rest still to come. */
interface PrimaryAnswer {
  readonly attempt: Attempt;
  readonly head: Head;
  readonly whole: boolean;
  readonly outcome: Outcome;
}

/** How the request may go, settled once when its turn comes. */
interface Entry {
  readonly by: Situation["entry"];
  readonly routeReason: Reason;
}

export class Exchange {
  readonly #room: Room;
  readonly #incoming: Incoming;
  readonly #reply: Reply;
  readonly #upload: Upload;
  readonly #startMs: number;
  readonly #method: string;
  readonly #path: string;
  /** Undefined: no inference, or none that is ours. */
  readonly #target: InferenceTarget | undefined;
  readonly #inferenceId: string;
  readonly #sampled: boolean;
  readonly #tracing: Tracing | undefined;
  readonly #timeoutMs: number;

  readonly #tried: Outcome[] = [];
  readonly #failures: string[] = [];
  #rungsAsked = 0;
  #retryRefused = false;
  /** The primary's last answer where it was a failure: better than none. */
  #keptBack: PrimaryAnswer | undefined;
  #attempt: Attempt | undefined;
  #rungAbort: AbortController | undefined;
  /** Nothing more is to be tried. */
  #over: "gone" | "too-large" | "done" | undefined;
  #verdict = answeredByNobody("error");

  constructor(room: Room, incoming: Incoming) {
    const { options, deps } = room;
    const { heeded, reply } = incoming;
    this.#room = room;
    this.#incoming = incoming;
    this.#reply = reply;
    this.#startMs = deps.clock.monotonicMs();
    this.#method = incoming.method;
    this.#path = originForm(incoming.target);
    this.#target = targetOf(room, this.#method, this.#path);
    this.#inferenceId = this.#target === undefined ? "" : inferenceIdOf(heeded);
    this.#sampled = this.#target !== undefined && isSampled(this.#inferenceId, options.sample.ratio);
    if (this.#sampled) reply.keepCopy(options.sample.bodyMax);
    this.#tracing = this.#target === undefined ? undefined : Tracing.of(traceparentIn(incoming), this.#sampled, deps.traced === true);
    this.#timeoutMs = timeoutOf(heeded, this.#target === undefined ? Math.max(otherTimeoutMs, options.timeout) : options.timeout);
    const keeps = this.#target !== undefined || this.#isShort();
    this.#upload = incoming.upload({
      clock: deps.clock,
      maxBytes: options.bodyMax,
      kept: keeps ? room.kept : undefined,
      ended: (end) => {
        if (end === "cut") this.gone();
        else if (end === "too-large") this.#tooLarge();
      },
    });
  }

  /** Serves the request to its end. Never rejects. */
  async run(expectsContinue: boolean): Promise<void> {
    try {
      await this.#serve(expectsContinue);
    } catch (error) {
      this.#room.deps.log.error({ error: String(error), stack: (error as Error).stack, ...this.#logged() }, "the gateway failed on a request");
      this.#verdict = answeredByNobody("error");
      if (this.#reply.started) this.#reply.break();
      else await this.#say(500, "the gateway failed on this request");
    }
    this.#finish();
  }

  /** Answers without asking anybody, since too much is under way. */
  async turnAway(): Promise<void> {
    this.#verdict = answeredByNobody("overloaded");
    const body = this.#errorBody("too many requests at once", 503);
    this.#head(ownHead(503, ["retry-after", "1", ...jsonFields(body)], body));
    await this.#reply.end([body]);
    this.#finish();
  }

  /** The client's connection has closed. */
  gone(): void {
    if (this.#over !== undefined) return;
    this.#over = "gone";
    this.#attempt?.cancel("cancelled", "the client went away");
    this.#rungAbort?.abort();
  }

  async #serve(expectsContinue: boolean): Promise<void> {
    const { declaredBytes } = this.#incoming;
    if (declaredBytes !== undefined && declaredBytes > this.#room.options.bodyMax) return this.#refuseBody(expectsContinue);
    if (expectsContinue) this.#reply.continue();
    // A short body is taken whole first: a client that trickles holds no connection of the server's.
    if (this.#isShort() && !this.#upload.ended) await this.#upload.readAll();

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

  #isShort(): boolean {
    const { declaredBytes } = this.#incoming;
    return declaredBytes !== undefined && declaredBytes <= this.#room.options.holdMax;
  }

  #enter(): Entry {
    const { deps, budget } = this.#room;
    if (this.#target === undefined || this.#over !== undefined) return { by: "flows", routeReason: "normal" };
    budget.request(deps.clock.monotonicMs());
    const route = deps.route();
    return { by: entryOf(route, () => deps.claimTrial()), routeReason: route.reason };
  }

  #situation({ by, routeReason }: Entry): Situation {
    const nowMs = this.#room.deps.clock.monotonicMs();
    return {
      entry: by,
      routeReason,
      kind: this.#target !== undefined ? "inference" : this.#method === "GET" || this.#method === "HEAD" ? "safe" : "other",
      replayable: this.#upload.replayable,
      tried: this.#tried,
      retryRefused: this.#retryRefused,
      rungs: this.#rungs().length,
      rungsAsked: this.#rungsAsked,
      primaryLeftMs: this.#primaryDeadlineMs() - nowMs,
      leftMs: this.#deadlineMs() - nowMs,
    };
  }

  /** Those that can be asked: none where the request is no inference or its bytes are gone. */
  #rungs(): readonly Rung[] {
    return this.#target !== undefined && this.#upload.replayable ? this.#room.deps.rungs : [];
  }

  #deadlineMs(): number {
    return this.#upload.lastByteMs + this.#timeoutMs;
  }

  #primaryDeadlineMs(): number {
    const rungsLeft = this.#rungs().length - this.#rungsAsked;
    return this.#upload.lastByteMs + primaryShareMs(this.#timeoutMs, this.#room.options.reserve, rungsLeft);
  }

  /** True where the client has had an answer, or a part of one. */
  async #askPrimary({ reason, trial, retry }: Extract<Step, { ask: "primary" }>): Promise<boolean> {
    const { deps, work } = this.#room;
    if (retry && !this.#mayRetry()) return false;
    const span = this.#tracing?.attempt();
    const attempt = this.#incoming.send({
      path: this.#room.basePath + this.#path,
      body: this.#upload.body(),
      added: this.#addedFields(span?.traceparent),
      deadlineMs: () => this.#primaryDeadlineMs(),
      hold: (head) => this.#holdBytes(head),
    });
    this.#attempt = attempt;
    const flight = work.begin(attempt, this.#upload, this.#target !== undefined);
    const ended = (outcome: Outcome, status: number | undefined): void => {
      work.end(flight);
      const durationMs = deps.clock.monotonicMs() - attempt.startedMs;
      const trace = this.#attemptEnded(span?.spanId, { backend: primaryName, outcome, status, startMs: attempt.startedMs - this.#startMs, durationMs });
      deps.observe({ kind: "attempt", backend: primaryName, outcome, status, firstByteMs: attempt.headMs ?? durationMs, durationMs, trial, ...trace });
    };

    const answered = await attempt.answered;
    if (!answered.ok) {
      ended(answered.outcome, undefined);
      this.#failed(answered.outcome, `${answered.outcome} (${answered.detail})`);
      return false;
    }
    const { head, whole } = answered;
    const outcome = outcomeOfHead(head);
    const answer: PrimaryAnswer = { attempt, head, whole, outcome };
    if (outcome !== "ok" && outcome !== "rejected") {
      ended(outcome, head.status);
      this.#failed(outcome, `answered ${head.status}`);
      this.#keptBack?.attempt.cancel("cancelled", "a later answer took its place");
      this.#keptBack = answer;
      return false;
    }
    this.#tried.push(outcome);
    if (whole) ended(outcome, head.status);
    const final = await this.#deliver(answer, reason);
    if (!whole) ended(final, head.status);
    return true;
  }

  #failed(outcome: Outcome, how: string): void {
    this.#tried.push(outcome);
    this.#failures.push(`${primaryName}: ${how}`);
  }

  #mayRetry(): boolean {
    const { deps, budget } = this.#room;
    this.#retryRefused = !budget.take(deps.clock.monotonicMs());
    deps.retried?.(this.#retryRefused ? "refused" : "taken");
    return !this.#retryRefused;
  }

  #addedFields(traceparent: string | undefined): readonly string[] {
    if (this.#target === undefined) return noFields;
    const id = ["pilotfish-inference-id", this.#inferenceId];
    return traceparent === undefined ? id : [...id, "traceparent", traceparent];
  }

  /** What an attempt's observation says of its span. */
  #attemptEnded(spanId: string | undefined, attempt: Omit<AttemptTrace, "spanId">): Pick<AttemptObservation, "trace"> {
    if (spanId === undefined || this.#tracing === undefined) return {};
    this.#tracing.ended({ spanId, ...attempt });
    return { trace: { traceId: this.#tracing.traceId, spanId } };
  }

  /** For a line of the log about this request. */
  #logged(): { readonly traceparent?: string } {
    return this.#tracing === undefined ? {} : { traceparent: this.#tracing.traceparent };
  }

  /** How much of an answer to hold back: all of a short one, and the beginning of a failure, which may yet be replaced. */
  #holdBytes(head: Head): number {
    const { holdMax } = this.#room.options;
    const { length } = head;
    const outcome = outcomeOfHead(head);
    const mayBeReplaced = outcome === "error" || outcome === "overloaded";
    return mayBeReplaced || (length !== undefined && length <= holdMax) ? holdMax : 0;
  }

  /** Sends an answer of the primary, its body untouched, to the client; says how that ended. */
  async #deliver({ attempt, head, whole, outcome }: PrimaryAnswer, reason: Reason): Promise<Outcome> {
    const { work } = this.#room;
    this.#verdict = { rung: primaryName, reason, version: this.#versionOf(attempt), outcome };
    const { status, statusText, length, lines } = head;
    const fields = lines === undefined ? endToEnd(head.headers, this.#target === undefined ? undefined : provenanceNames) : noFields;
    this.#head({ status, statusText, fields, lines, length });
    if (whole) {
      await this.#reply.end(attempt.held);
      if (outcome === "ok") this.#remember(attempt.held, head);
    } else {
      const memory = this.#room.deps.remember === undefined ? undefined : new Memory(this.#room.options.holdMax);
      this.#reply.onDrain(() => attempt.resume());
      const failure = await attempt.pipe((chunk) => {
        work.progress();
        memory?.take(chunk);
        return this.#reply.write(chunk);
      }, this.#timeoutMs);
      if (failure !== undefined) {
        await this.#breakOff(head, failure);
        return this.#ended(failure.outcome);
      }
      await this.#reply.end([], attempt.trailers);
      if (outcome === "ok" && memory?.chunks !== undefined) this.#remember(memory.chunks, head);
    }
    return this.#reply.delivered ? outcome : this.#ended("cancelled");
  }

  /** Only what was held whole on both sides; the client has its answer by now. */
  #remember(body: readonly Buffer[], head: Head): void {
    const { remember } = this.#room.deps;
    if (remember === undefined || this.#target === undefined || !this.#upload.replayable) return;
    const { status, headers } = head;
    const fields: Record<string, string> = {};
    for (let i = 0; i < headers.length; i += 2) fields[(headers[i] as string).toLowerCase()] = headers[i + 1] as string;
    const question: Question = { method: this.#method, path: this.#path, headers: this.#incoming.headers(), body: this.#upload.whole() };
    remember(question, { status, headers: fields, body: Buffer.concat(body), version: this.#verdict.version });
  }

  /** A stream of events says that it broke, in the protocol's own form; any other answer is broken off with its connection. */
  async #breakOff({ headers, length }: Head, { outcome }: Failure): Promise<void> {
    const isStream = length === undefined && fieldValue(headers, "content-type")?.startsWith("text/event-stream") === true;
    const last = isStream && this.#target !== undefined && outcome !== "cancelled" ? this.#room.deps.protocol.streamError(`the answer broke off: ${outcome}`) : undefined;
    if (last === undefined) this.#reply.break();
    else await this.#reply.end([last]);
  }

  /** As the request named it, as the answer says, or as it was known before. */
  #versionOf({ held }: Attempt): string | undefined {
    const { deps } = this.#room;
    if (this.#target === undefined) return undefined;
    return this.#target.version ?? (held[0] === undefined ? undefined : deps.protocol.versionIn(held[0])) ?? deps.version?.();
  }

  #ended(outcome: Outcome): Outcome {
    this.#verdict = { ...this.#verdict, outcome };
    return outcome;
  }

  /** True where the rung has answered. */
  async #askRung({ index, reason }: Extract<Step, { ask: "rung" }>): Promise<boolean> {
    const { deps } = this.#room;
    await this.#upload.readAll();
    if (this.#over !== undefined || !this.#upload.replayable) return false;
    const rung = deps.rungs[index] as Rung;
    this.#rungsAsked += 1;
    const startMs = deps.clock.monotonicMs();
    const span = this.#tracing?.attempt();
    const answer = await this.#answerOf(rung, rungShareMs(this.#deadlineMs() - startMs, deps.rungs.length - index - 1), span?.traceparent);
    const durationMs = deps.clock.monotonicMs() - startMs;
    const gone = this.#isGone();
    const outcome = gone ? "cancelled" : answer.outcome;
    const status = answer.outcome === "ok" ? answer.status : undefined;
    const trace = this.#attemptEnded(span?.spanId, { backend: rung.name, outcome, status, startMs: startMs - this.#startMs, durationMs });
    deps.observe({ kind: "attempt", backend: rung.name, outcome, status, firstByteMs: durationMs, durationMs, trial: false, ...trace });
    if (gone) return false;
    if (answer.outcome !== "ok") {
      deps.log.debug({ rung: rung.name, outcome: answer.outcome, detail: answer.detail, ...this.#logged() }, "a rung could not answer");
      this.#failures.push(`${rung.name}: ${answer.outcome} (${answer.detail})`);
      return false;
    }
    this.#verdict = { rung: rung.name, reason, version: answer.version, outcome: "ok" };
    this.#head(ownHead(answer.status, [...Object.entries(answer.headers).flat(), "content-length", String(answer.body.length)], answer.body));
    await this.#reply.end([answer.body]);
    if (!this.#reply.delivered) this.#ended("cancelled");
    return true;
  }

  #isGone(): boolean {
    return this.#over !== undefined;
  }

  /** A rung's answer within its time, even from a rung that breaks its promise to heed the signal and never to reject. */
  async #answerOf(rung: Rung, timeoutMs: number, traceparent: string | undefined): Promise<RungAnswer> {
    const { clock } = this.#room.deps;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const headers = traceparent === undefined ? this.#incoming.headers() : { ...this.#incoming.headers(), traceparent };
    const question: Question = { method: this.#method, path: this.#path, headers, body: this.#upload.whole(), deadlineMs };
    const abort = new AbortController();
    this.#rungAbort = abort;
    const cancelTimer = clock.after(timeoutMs, () => abort.abort(new DOMException("the rung's share of the time is over", "TimeoutError")));
    const late = new Promise<RungAnswer>((resolve) => {
      const detail = `no answer within ${Math.round(timeoutMs)} ms`;
      abort.signal.addEventListener("abort", () => resolve({ outcome: "timeout", detail }), { once: true });
    });
    try {
      return await Promise.race([rung.answer(question, abort.signal), late]);
    } catch (error) {
      return { outcome: "error", detail: String(error).slice(0, 200) };
    } finally {
      cancelTimer();
    }
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
    this.#attempt?.cancel("too-large", "the request's body is over its limit");
  }

  async #refuseBody(isNotSent: boolean): Promise<void> {
    this.#over = "too-large";
    this.#verdict = answeredByNobody("too-large");
    const body = this.#errorBody(`the body has more than ${this.#room.options.bodyMax} bytes`, 413);
    this.#reply.closeAfter();
    this.#head(ownHead(413, jsonFields(body), body));
    if (isNotSent) await this.#reply.end([body]);
    else await this.#reply.endWhileSending(body, this.#room.deps.clock);
  }

  async #say(status: number, message: string): Promise<void> {
    const body = this.#errorBody(message, status);
    this.#head(ownHead(status, jsonFields(body), body));
    await this.#reply.end([body]);
  }

  #errorBody(message: string, status: number): Buffer {
    return Buffer.from(this.#room.deps.protocol.formatError(message, status));
  }

  #head(head: AnswerHead): void {
    if (this.#room.isDraining()) this.#reply.closeAfter();
    this.#reply.head(head, this.#target === undefined ? undefined : { ...this.#verdict, inferenceId: this.#inferenceId });
  }

  /** Says what became of it, and lets go of all that was held. */
  #finish(): void {
    this.#over = "done";
    this.#observe();
    this.#attempt?.cancel("cancelled", "the exchange is over");
    this.#keptBack?.attempt.cancel("cancelled", "the exchange is over");
    this.#upload.release();
  }

  /** Where the path does not say it, the body may. */
  #modelAsked(): string {
    if (this.#target === undefined || this.#target.model !== "") return this.#target?.model ?? "";
    return this.#upload.replayable ? (this.#room.deps.protocol.modelIn?.(this.#upload.whole()) ?? "") : "";
  }

  #traceTold(): Pick<ExchangeObservation, "trace"> {
    if (this.#tracing === undefined) return {};
    // A state without a parent means nothing, and all fields are cut apart for it.
    const tracestate = traceparentIn(this.#incoming) === undefined ? undefined : this.#incoming.headers()["tracestate"];
    const state = typeof tracestate === "string" ? tracestate.slice(0, 512) : undefined;
    return { trace: this.#tracing.told(state, this.#method, this.#path, this.#room.deps.protocol.name) };
  }

  #observe(): void {
    const { deps } = this.#room;
    const { rung, reason, version, outcome } = this.#verdict;
    const { clock, protocol, observe } = deps;
    const model = deps.model ?? this.#modelAsked();
    const inferenceId = this.#inferenceId;
    const atWallMs = clock.wallMs();
    observe({
      kind: "exchange",
      inferenceId,
      inference: this.#target !== undefined,
      model,
      version,
      rung,
      reason,
      outcome,
      status: this.#reply.status ?? clientClosedRequest,
      durationMs: clock.monotonicMs() - this.#startMs,
      attempts: this.#tried.length + this.#rungsAsked,
      requestBytes: this.#upload.bytes,
      responseBytes: this.#reply.bytes,
      traceparent: traceparentIn(this.#incoming) ?? this.#tracing?.traceparent,
      ...this.#traceTold(),
      atWallMs,
    });
    if (!this.#sampled || outcome !== "ok") return;
    const response = this.#reply.copy();
    if (response === undefined || this.#upload.bytes > this.#room.options.sample.bodyMax) return deps.dropped?.("sample-too-large");
    if (!this.#upload.ended || !this.#upload.replayable) return deps.dropped?.("sample-not-kept");
    const request = owned([this.#upload.whole()]);
    observe({ kind: "sample", inferenceId, model, version, rung, protocol: protocol.name, request, response, atWallMs });
  }
}

function traceparentIn({ heeded: { traceparent } }: Incoming): string | undefined {
  return typeof traceparent === "string" ? traceparent : undefined;
}

/** The head of an answer that is ours. */
function ownHead(status: number, fields: readonly string[], body: Buffer): AnswerHead {
  return { status, statusText: "", fields, length: body.length };
}

/** Looks at the fields only where they matter: a lane may not have cut them apart. */
function outcomeOfHead(head: Head): Outcome {
  return outcomeOf(head.status, head.status === 503 && fieldValue(head.headers, "retry-after") !== undefined);
}

/** The inference that this Pilotfish is there for; anything else is passed on as it is. */
function targetOf({ deps }: Room, method: string, path: string): InferenceTarget | undefined {
  const target = deps.protocol.inferenceOf(method, path);
  return target !== undefined && (deps.model === undefined || target.model === "" || deps.model === target.model) ? target : undefined;
}

/** A target in absolute form, as clients of a proxy send it, without its scheme and authority. */
function originForm(target: string): string {
  const match = /^https?:\/\/[^/?#]*/i.exec(target);
  if (match === null) return target;
  const rest = target.slice(match[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** The chunks of an answer that is passed on as it comes, as long as they are few. */
class Memory {
  chunks: Buffer[] | undefined = [];
  #left: number;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  take(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left < 0) this.chunks = undefined;
    else this.chunks?.push(chunk);
  }
}
