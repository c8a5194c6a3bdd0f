/**
 * One request as it was settled when its head came: what it asks for, under which id, how long it may take, and its body as far
 * as that has come. What becomes of it is exchange.ts's.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Question, Rung } from "../backend.ts";
import type { InferenceTarget } from "../protocols/protocol.ts";
import { primaryShareMs, timeoutOf } from "./deadline.ts";
import { fingerprint } from "./fingerprint.ts";
import { inferenceIdOf, placeOf } from "./identity.ts";
import type { Incoming } from "./incoming.ts";
import type { Reply } from "./reply.ts";
import type { Room } from "./room.ts";
import { Tracing } from "./tracing.ts";
import type { Upload, UploadEnd } from "./upload.ts";

/** For requests that are no inferences: to load a model takes minutes, and nobody else would answer. */
const otherTimeoutMs = 300_000;

const nobodyElse: readonly Rung[] = [];
const noFields: readonly string[] = [];

/** A body that is sent instead of the client's own, with headers that replace those of these names. */
export interface Repaired {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export class Inquiry {
  readonly room: Room;
  readonly incoming: Incoming;
  readonly reply: Reply;
  readonly upload: Upload;
  readonly startMs: number;
  readonly method: string;
  readonly path: string;
  readonly inferenceId: string;
  /** Undefined where it belongs to no trace that anybody follows. */
  readonly tracing: Tracing | undefined;
  readonly timeoutMs: number;
  /** Set once the contract has repaired it. */
  repaired: Repaired | undefined;
  #fingerprint: string | undefined;
  #target: InferenceTarget | undefined;
  /** Where its id stands among all; 1 where there is none. */
  readonly #place: number;

  /** `ended`: the body has ended one way or another; may be called before this returns. */
  constructor(room: Room, incoming: Incoming, ended: (end: UploadEnd) => void) {
    const { options, deps } = room;
    const { heeded, reply } = incoming;
    this.room = room;
    this.incoming = incoming;
    this.reply = reply;
    this.startMs = deps.clock.monotonicMs();
    this.method = incoming.method;
    this.path = originForm(incoming.target);
    this.#target = targetOf(room, this.method, this.path);
    this.inferenceId = this.#target === undefined ? "" : inferenceIdOf(heeded);
    this.#place = this.#target === undefined ? 1 : placeOf(this.inferenceId);
    if (this.sampled) reply.keepCopy(options.sample.bodyMax);
    this.tracing = this.#target === undefined ? undefined : Tracing.of(this.traceparent, this.sampled, deps.traced === true);
    this.timeoutMs = timeoutOf(heeded, this.target === undefined ? Math.max(otherTimeoutMs, options.timeout) : options.timeout);
    const keeps = this.target !== undefined || this.isShort;
    this.upload = incoming.upload({ clock: deps.clock, maxBytes: options.bodyMax, kept: keeps ? room.kept : undefined, ended });
  }

  /** As the client sent it. */
  get traceparent(): string | undefined {
    const { traceparent } = this.incoming.heeded;
    return typeof traceparent === "string" ? traceparent : undefined;
  }

  /** The client's vendors' part of its trace, where the trace goes on here: without the parent that it belongs to it means nothing. */
  get tracestate(): string | undefined {
    if (this.tracing?.continues !== true) return undefined;
    const { tracestate } = this.incoming.headers();
    return typeof tracestate === "string" ? tracestate : undefined;
  }

  /** For a line of the log. */
  get logged(): { readonly traceparent?: string | undefined } {
    return { traceparent: this.tracing?.traceparent ?? this.traceparent };
  }

  /** Undefined: no inference, or none that is ours. */
  get target(): InferenceTarget | undefined {
    return this.#target;
  }

  /** Its bodies are handed on for analysis. */
  get sampled(): boolean {
    return this.isAmong(this.room.options.sample.ratio);
  }

  /** Rungs are tried with a copy of it. */
  get offered(): boolean {
    return this.isAmong(this.room.deps.qualify?.ratio ?? 0);
  }

  /** It is one of this share of all inferences, chosen by their ids. */
  isAmong(ratio: number): boolean {
    return this.#target !== undefined && this.#place < ratio;
  }

  /** "" where nobody tells. Where the path does not say it, the body may. */
  get modelAsked(): string {
    if (this.#target === undefined || this.#target.model !== "") return this.#target?.model ?? "";
    return this.upload.replayable ? (this.room.deps.protocol.modelIn?.(this.upload.whole()) ?? "") : "";
  }

  /** Where only the body tells the model, an inference of another one is known as such when the body is here. */
  passOthers(): void {
    const { model } = this.room.deps;
    if (model === undefined || this.#target?.model !== "" || !this.upload.ended) return;
    const asked = this.modelAsked;
    if (asked === "" || asked === model) return;
    this.#target = undefined;
  }

  /** The body is known to be short enough to be held until it is whole. */
  get isShort(): boolean {
    const { declaredBytes } = this.incoming;
    return declaredBytes !== undefined && declaredBytes <= this.room.options.holdMax;
  }

  /** Those that can be asked: none where the request is no inference or its bytes are gone. */
  get rungs(): readonly Rung[] {
    return this.target !== undefined && this.upload.replayable ? this.room.deps.rungs : nobodyElse;
  }

  /** When nobody waits for the answer any more. */
  deadlineMs(): number {
    return this.upload.lastByteMs + this.timeoutMs;
  }

  /** When the primary must have answered; what is kept for the rungs is kept only while there are some. */
  primaryDeadlineMs(rungsLeft: number): number {
    return this.upload.lastByteMs + primaryShareMs(this.timeoutMs, this.room.options.reserve, rungsLeft);
  }

  /** What goes to the primary besides what the client sent; a trace context in the place of the client's. */
  addedFields(traceparent: string | undefined): readonly string[] {
    if (this.target === undefined) return noFields;
    const id = ["pilotfish-inference-id", this.inferenceId];
    if (traceparent === undefined) return id;
    const state = this.tracestate;
    return state === undefined ? [...id, "traceparent", traceparent] : [...id, "traceparent", traceparent, "tracestate", state];
  }

  /** As a rung is asked. The body must be whole and kept. `traceparent`: instead of the client's. */
  question(traceparent?: string): Question {
    const { method, path, repaired } = this;
    const headers = traceparent === undefined ? this.incoming.headers() : this.#headersOfTrace(traceparent);
    if (repaired === undefined) return { method, path, headers, body: this.upload.whole() };
    return { method, path, headers: { ...headers, ...repaired.headers, "content-length": String(repaired.body.length) }, body: repaired.body };
  }

  #headersOfTrace(traceparent: string): IncomingHttpHeaders {
    const { tracestate: _, ...others } = this.incoming.headers();
    const state = this.tracestate;
    return { ...others, traceparent, ...(state === undefined ? {} : { tracestate: state }) };
  }

  /** By what the request is known again, as the client sent it; undefined where its body is not whole or was not kept. */
  fingerprint(): string | undefined {
    if (this.#fingerprint === undefined && this.upload.ended && this.upload.replayable) {
      this.#fingerprint = fingerprint(this.method, this.path, this.upload.whole(), this.room.options.quarantine.bodyMax);
    }
    return this.#fingerprint;
  }
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
