/**
 * What crosses between the main thread and the analysis thread. Bodies travel in one buffer a batch, which is transferred;
 * instruments travel by name, since a copy of an instrument is not the instrument.
 */
import { instruments, type AnyInstrument } from "../exporters/instruments.ts";
import type { Judgement, RungPrice } from "./judgement.ts";
import type { LogFields } from "./log.ts";
import type { MonitorsOptions } from "./monitors/options.ts";
import type { QualificationOptions } from "./monitors/qualification-options.ts";
import type { ActualObservation, CopyObservation, ExchangeObservation, Point, SampleObservation } from "./observation.ts";
import type { PlainOptions } from "./protocols/plain-options.ts";
import type { StoreOptions } from "./store/options.ts";
import type { AuditEvent } from "./store/store.ts";

/** What the monitors want to know of. */
export type Heard = SampleObservation | CopyObservation | ExchangeObservation | ActualObservation;

/** What the analysis thread is told at its start. */
export interface Setup {
  /** Absent: the one of the reference, or the first that traffic names. */
  readonly model?: string | undefined;
  readonly monitors: MonitorsOptions;
  /** Absent: rungs are not judged. */
  readonly qualification?: QualificationOptions | undefined;
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
  | { readonly type: "told"; readonly judgements: readonly Judgement[]; readonly points: readonly NamedPoint[]; readonly notes: readonly string[]; readonly prices: readonly RungPrice[] }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly fields: LogFields; readonly message: string }
  | { readonly type: "closed" };

/** A point whose instrument is known by its name. */
export interface NamedPoint {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The two bodies of a sample or a copy lie in the batch's buffer: the first from `start`, the second right after it. */
interface Placed {
  readonly start: number;
  readonly firstBytes: number;
  readonly secondBytes: number;
}

type Packed = (Omit<SampleObservation, "request" | "response"> & Placed) | (Omit<CopyObservation, "primary" | "answer"> & Placed);

export interface Batch {
  readonly observations: readonly (Packed | ExchangeObservation | ActualObservation)[];
  readonly bodies: ArrayBuffer;
}

/** Copies the bodies into one buffer that the batch owns. */
export function pack(observations: readonly Heard[]): Batch {
  const bodies = new Uint8Array(observations.reduce((sum, observation) => sum + bodyBytes(observation), 0));
  let end = 0;
  const place = (first: Uint8Array, second: Uint8Array): Placed => {
    const start = end;
    bodies.set(first, start);
    bodies.set(second, start + first.byteLength);
    end = start + first.byteLength + second.byteLength;
    return { start, firstBytes: first.byteLength, secondBytes: second.byteLength };
  };
  const packed = observations.map((observation): Batch["observations"][number] => {
    if (observation.kind === "sample") {
      const { request, response, ...rest } = observation;
      return { ...rest, ...place(request, response) };
    }
    if (observation.kind !== "copy") return observation;
    const { primary, answer, ...rest } = observation;
    return { ...rest, ...place(primary, answer) };
  });
  return { observations: packed, bodies: bodies.buffer };
}

/** The bodies are views of the batch's buffer. */
export function unpack({ observations, bodies }: Batch): readonly Heard[] {
  return observations.map((observation): Heard => {
    if (observation.kind !== "sample" && observation.kind !== "copy") return observation;
    const { start, firstBytes, secondBytes, ...rest } = observation;
    const first = new Uint8Array(bodies, start, firstBytes);
    const second = new Uint8Array(bodies, start + firstBytes, secondBytes);
    return rest.kind === "sample" ? { ...rest, request: first, response: second } : { ...rest, primary: first, answer: second };
  });
}

/** About how much memory an observation takes while it waits. */
export function sizeOf(observation: Heard): number {
  const base = 512;
  return observation.kind === "actual" ? base + 16 * observation.values.length : base + bodyBytes(observation);
}

function bodyBytes(observation: Heard): number {
  if (observation.kind === "sample") return observation.request.byteLength + observation.response.byteLength;
  return observation.kind === "copy" ? observation.primary.byteLength + observation.answer.byteLength : 0;
}

export function nameOf({ instrument, labels, value }: Point): NamedPoint {
  return { name: instrument.name, labels, value };
}

const catalogue: ReadonlyMap<string, AnyInstrument> = new Map(Object.values(instruments).map((instrument) => [instrument.name, instrument]));

/** The catalogue's own instrument; undefined for a name that is not in it. */
export function instrumentOf(name: string): AnyInstrument | undefined {
  return catalogue.get(name);
}
