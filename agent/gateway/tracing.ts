/**
 * The trace that a request belongs to, carried through: the client's where it sent one that is sampled, a new one where it sent
 * none and the request is sampled by us. Where spans are exported, each attempt has a span of its own, and its backend hears
 * of that one as its parent; where they are not, what came passes as it came, since nobody would ever find our spans.
 * Source: W3C Trace Context.
 */
import { parseTraceparent } from "../../exporters/traceparent.ts";
import type { AttemptTrace, ExchangeTrace } from "../observation.ts";
import { newSpanId, newTrace } from "./identity.ts";

/** The least length that every part of a trace has to pass on (W3C Trace Context, 3.3.1.5). */
const stateMax = 512;

export interface AttemptSpan {
  /** For its backend; undefined where that is told what the client sent. */
  readonly traceparent: string | undefined;
  /** Says what became of it; its ids come back. To be called once. */
  readonly ended: (attempt: Omit<AttemptTrace, "spanId">) => { readonly traceId: string; readonly spanId: string };
}

export class Tracing {
  readonly traceId: string;
  readonly #spanId: string;
  readonly #parentSpanId: string | undefined;
  readonly #flags: string;
  readonly #exported: boolean;
  readonly #attempts: AttemptTrace[] = [];

  /** Undefined where there is nothing to trace: the client says that it is not sampled, or nobody says that it is. */
  static of(traceparent: string | undefined, sampledHere: boolean, exported: boolean): Tracing | undefined {
    const came = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    if (came === undefined) return sampledHere ? new Tracing(newTrace(), undefined, "01", exported) : undefined;
    if (!came.sampled) return undefined;
    const spanId = exported ? newSpanId() : came.spanId;
    return new Tracing({ traceId: came.traceId, spanId }, came.spanId, (traceparent as string).slice(53, 55), exported);
  }

  private constructor({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }, parentSpanId: string | undefined, flags: string, exported: boolean) {
    this.traceId = traceId;
    this.#spanId = spanId;
    this.#parentSpanId = parentSpanId;
    this.#flags = flags;
    this.#exported = exported;
  }

  /** It is the client's trace that goes on. */
  get continues(): boolean {
    return this.#parentSpanId !== undefined;
  }

  /** The header as log lines name it. */
  get traceparent(): string {
    return this.#header(this.#spanId);
  }

  /** The span of the next attempt. */
  attempt(): AttemptSpan {
    const { traceId } = this;
    const spanId = this.#exported ? newSpanId() : this.#spanId;
    const isNews = this.#exported || this.#parentSpanId === undefined;
    return {
      traceparent: isNews ? this.#header(spanId) : undefined,
      ended: (attempt) => {
        this.#attempts.push({ spanId, ...attempt });
        return { traceId, spanId };
      },
    };
  }

  told(state: string | undefined, method: string, path: string, protocol: string): ExchangeTrace {
    return {
      traceId: this.traceId,
      spanId: this.#spanId,
      parentSpanId: this.#parentSpanId,
      state: state?.slice(0, stateMax),
      method,
      path: path.split("?", 1)[0] as string,
      protocol,
      attempts: this.#attempts,
    };
  }

  #header(spanId: string): string {
    return `00-${this.traceId}-${spanId}-${this.#flags}`;
  }
}
