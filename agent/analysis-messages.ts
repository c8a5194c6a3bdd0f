/**
 * What crosses between the main thread and the analysis thread. Bodies travel in one buffer a batch, which is transferred, and
 * so do the times of exchanges, since a copy of an object for every request costs the data path a tenth of its time; instruments
 * travel by name, since a copy of an instrument is not the instrument.
 */
import { instruments, type AnyInstrument } from "../exporters/instruments.ts";
import type { Batch as SpoolBatch, Lane, SpooledBatch } from "../exporters/otlp/spool.ts";
import type { Judgement } from "./judgement.ts";
import type { LogFields } from "./log.ts";
import type { MonitorsOptions } from "./monitors/options.ts";
import type { ActualObservation, HeardExchange, Point, SampleObservation } from "./observation.ts";
import type { PlainOptions } from "./protocols/plain-options.ts";
import type { StoreOptions } from "./store/options.ts";
import type { AuditEvent } from "./store/store.ts";

/** What the monitors want to know of. */
export type Heard = SampleObservation | HeardExchange | ActualObservation;

/** What the analysis thread is told at its start. */
export interface Setup {
  /** Absent: the one of the reference, or the first that traffic names. */
  readonly model?: string | undefined;
  readonly monitors: MonitorsOptions;
  readonly store: Pick<StoreOptions, "path" | "eventsMax">;
  /** Bytes that wait for the Collector at most; absent: none. */
  readonly spoolMax?: number | undefined;
  /** Absent: a reference is learnt from traffic. */
  readonly referencePath?: string | undefined;
  readonly plain?: PlainOptions | undefined;
  /** Leaves the kept state of the monitors unread: it ended the thread's life before. */
  readonly fresh: boolean;
}

export type ToAnalyst =
  | { readonly type: "observations"; readonly batch: Batch }
  | { readonly type: "save"; readonly key: string; readonly value: unknown; readonly revision: number }
  | { readonly type: "append"; readonly event: AuditEvent; readonly revision: number }
  | ({ readonly type: "spool-add"; readonly lane: Lane; readonly revision: number } & SpoolBatch)
  | { readonly type: "spool-remove"; readonly id: number; readonly revision: number }
  | { readonly type: "spool-oldest"; readonly lane: Lane; readonly question: number }
  | { readonly type: "close" };

export type FromAnalyst =
  /** The store is open, the monitors stand; `saved` is what the main thread had saved before. */
  | { readonly type: "ready"; readonly saved: ReadonlyMap<string, unknown> }
  /** The batch is dealt with: the next one may come. */
  | { readonly type: "heard" }
  | { readonly type: "spool-batch"; readonly question: number; readonly batch: SpooledBatch | undefined }
  /** Let go by the spool. */
  | { readonly type: "spool-lost"; readonly lane: Lane; readonly items: number }
  /** What had this revision was handed to the store. */
  | { readonly type: "kept"; readonly revision: number }
  | { readonly type: "told"; readonly judgements: readonly Judgement[]; readonly points: readonly NamedPoint[]; readonly notes: readonly string[] }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly fields: LogFields; readonly message: string }
  | { readonly type: "closed" };

/** A point whose instrument is known by its name. */
export interface NamedPoint {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A sample's bodies lie in the batch's buffer: the request from `start`, the answer right after it. */
interface PackedSample extends Omit<SampleObservation, "request" | "response"> {
  readonly start: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** There is one of these for every request, and nearly all of them are alike but for the time they took. */
type Alike = Omit<HeardExchange, "durationMs">;

export interface Batch {
  /** For each observation, in order: which of `alike` it is, an exchange then; or `another`, the next of `others`. */
  readonly which: Int32Array<ArrayBuffer>;
  readonly alike: readonly Alike[];
  /** Of the exchanges, in order. */
  readonly durationsMs: Float64Array<ArrayBuffer>;
  readonly others: readonly (PackedSample | ActualObservation)[];
  readonly bodies: ArrayBuffer;
}

const another = -1;

/** What of a batch is handed over and not copied. */
export function transferable({ which, durationsMs, bodies }: Batch): readonly ArrayBuffer[] {
  return [which.buffer, durationsMs.buffer, bodies];
}

/** Copies the bodies into one buffer that the batch owns. */
export function pack(observations: readonly Heard[]): Batch {
  let size = 0;
  for (const observation of observations) if (observation.kind === "sample") size += observation.request.byteLength + observation.response.byteLength;
  const bodies = new Uint8Array(size);
  let start = 0;
  const which = new Int32Array(observations.length).fill(another);
  const durationsMs: number[] = [];
  const alike: Alike[] = [];
  const others: (PackedSample | ActualObservation)[] = [];
  const places = new Map<string, number>();
  for (const [i, observation] of observations.entries()) {
    if (observation.kind === "exchange") {
      const { kind, inference, model, rung, reason, outcome, attempts, durationMs } = observation;
      const key = `${rung} ${reason} ${outcome} ${attempts} ${inference} ${model}`;
      const place = places.get(key) ?? alike.push({ kind, inference, model, rung, reason, outcome, attempts }) - 1;
      places.set(key, place);
      which[i] = place;
      durationsMs.push(durationMs);
    } else if (observation.kind === "sample") {
      const { request, response, ...rest } = observation;
      others.push({ ...rest, start, requestBytes: request.byteLength, responseBytes: response.byteLength });
      bodies.set(request, start);
      bodies.set(response, start + request.byteLength);
      start += request.byteLength + response.byteLength;
    } else others.push(observation);
  }
  return { which, alike, durationsMs: Float64Array.from(durationsMs), others, bodies: bodies.buffer };
}

/** The bodies are views of the batch's buffer. */
export function unpack({ which, alike, durationsMs, others, bodies }: Batch): readonly Heard[] {
  let exchange = 0;
  let other = 0;
  return Array.from(which, (place): Heard => {
    if (place !== another) return { ...(alike[place] as Alike), durationMs: durationsMs[exchange++] as number };
    const observation = others[other++] as PackedSample | ActualObservation;
    if (observation.kind !== "sample") return observation;
    const { start, requestBytes, responseBytes, ...rest } = observation;
    return { ...rest, request: new Uint8Array(bodies, start, requestBytes), response: new Uint8Array(bodies, start + requestBytes, responseBytes) };
  });
}

/** About how much memory an observation takes while it waits. */
export function sizeOf(observation: Heard): number {
  const base = 512;
  if (observation.kind === "sample") return base + observation.request.byteLength + observation.response.byteLength;
  return observation.kind === "actual" ? base + 16 * observation.values.length : base;
}

export function nameOf({ instrument, labels, value }: Point): NamedPoint {
  return { name: instrument.name, labels, value };
}

const catalogue: ReadonlyMap<string, AnyInstrument> = new Map(Object.values(instruments).map((instrument) => [instrument.name, instrument]));

/** The catalogue's own instrument; undefined for a name that is not in it. */
export function instrumentOf(name: string): AnyInstrument | undefined {
  return catalogue.get(name);
}
