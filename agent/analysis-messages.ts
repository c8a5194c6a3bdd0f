/**
 * What crosses between the main thread and the analysis thread. Bodies travel in one buffer a batch, which is transferred;
 * instruments travel by name, since a copy of an instrument is not the instrument.
 */
import { instruments, type AnyInstrument } from "../exporters/instruments.ts";
import type { Judgement } from "./judgement.ts";
import type { LogFields } from "./log.ts";
import type { MonitorsOptions } from "./monitors/options.ts";
import type { ActualObservation, ExchangeObservation, Point, SampleObservation } from "./observation.ts";
import type { PlainOptions } from "./protocols/plain-options.ts";
import type { StoreOptions } from "./store/options.ts";
import type { AuditEvent } from "./store/store.ts";

/** What the monitors want to know of. */
export type Heard = SampleObservation | ExchangeObservation | ActualObservation;

/** What the analysis thread is told at its start. */
export interface Setup {
  /** Absent: the one of the reference, or the first that traffic names. */
  readonly model?: string | undefined;
  readonly monitors: MonitorsOptions;
  readonly store: StoreOptions;
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
  | { readonly type: "close" };

export type FromAnalyst =
  /** The store is open, the monitors stand; `saved` is what the main thread had saved before. */
  | { readonly type: "ready"; readonly saved: ReadonlyMap<string, unknown> }
  /** The batch is dealt with: the next one may come. */
  | { readonly type: "heard" }
  /** The save or the event of this revision was handed to the store. */
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

export interface Batch {
  readonly observations: readonly (PackedSample | ExchangeObservation | ActualObservation)[];
  readonly bodies: ArrayBuffer;
}

/** Copies the bodies into one buffer that the batch owns. */
export function pack(observations: readonly Heard[]): Batch {
  let size = 0;
  for (const observation of observations) if (observation.kind === "sample") size += observation.request.byteLength + observation.response.byteLength;
  const bodies = new Uint8Array(size);
  let start = 0;
  const packed = observations.map((observation) => {
    if (observation.kind !== "sample") return observation;
    const { request, response, ...rest } = observation;
    const sample: PackedSample = { ...rest, start, requestBytes: request.byteLength, responseBytes: response.byteLength };
    bodies.set(request, start);
    bodies.set(response, start + request.byteLength);
    start += request.byteLength + response.byteLength;
    return sample;
  });
  return { observations: packed, bodies: bodies.buffer };
}

/** The bodies are views of the batch's buffer. */
export function unpack({ observations, bodies }: Batch): readonly Heard[] {
  return observations.map((observation) => {
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
