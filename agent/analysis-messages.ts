/**
 * What crosses between the main thread and the analysis thread. Bodies travel in one buffer a batch, which is transferred, and
 * so do the numbers of exchanges and trials, since a copy of an object for every request costs the data path a tenth of its time;
 * instruments travel by name, since a copy of an instrument is not the instrument.
 */
import { instruments, type AnyInstrument } from "../exporters/instruments.ts";
import type { Batch as SpoolBatch, Lane, SpooledBatch } from "../exporters/otlp/spool.ts";
import type { FeaturesQuestion, FeaturesView } from "./feature-view.ts";
import type { Judgement, RungPrice } from "./judgement.ts";
import type { LogFields } from "./log.ts";
import type { MonitorsOptions } from "./monitors/options.ts";
import type { QualificationOptions } from "./monitors/qualification-options.ts";
import type { ActualObservation, CopyObservation, HeardExchange, Point, SampleObservation } from "./observation.ts";
import type { PlainOptions } from "./protocols/plain-options.ts";
import type { TrialSetup } from "./rollout/trial-comparisons.ts";
import type { WindowNow } from "./retrain-view.ts";
import type { WindowBounds } from "./rollout/retrain/window.ts";
import type { WindowWritten, WriteWindow } from "./rollout/retrain/window-file.ts";
import type { StoreOptions } from "./store/options.ts";
import type { AuditEvent, EventsQuery, KeptEvent } from "./store/store.ts";
import type { PairSide, ShadowObservation, TrialObservation, TrialReading } from "./trial.ts";

/** What the monitors and the judge of a rollout want to know of. */
export type Heard = SampleObservation | CopyObservation | HeardExchange | ActualObservation | TrialObservation | ShadowObservation;

/** What the analysis thread is told at its start. */
export interface Setup {
  /** Absent: the one of the reference, or the first that traffic names. */
  readonly model?: string | undefined;
  readonly monitors: MonitorsOptions;
  /** Absent: rungs are not judged. */
  readonly qualification?: QualificationOptions | undefined;
  readonly store: Pick<StoreOptions, "path" | "eventsMax">;
  /** Rows to train on anew; absent: none are kept. */
  readonly window?: WindowBounds | undefined;
  /** Bytes that wait for the Collector at most; absent: none. */
  readonly spoolMax?: number | undefined;
  /** Absent: a reference is learnt from traffic. */
  readonly referencePath?: string | undefined;
  readonly plain?: PlainOptions | undefined;
  /** The rollout that is judged; absent: none. */
  readonly trial?: TrialSetup | undefined;
  /** Leaves the kept state of the monitors unread: it ended the thread's life before. */
  readonly fresh: boolean;
}

/** What may be asked of the thread, by name: what the question says, and what its answer. */
export interface Questions {
  readonly events: { readonly asked: EventsQuery; readonly answer: readonly KeptEvent[] };
  /** What moved and why; undefined while there is no model. */
  readonly features: { readonly asked: FeaturesQuestion; readonly answer: FeaturesView | undefined };
  /** Reads a reference without using it. */
  readonly "read-reference": { readonly asked: { readonly path: string; readonly model?: string | undefined }; readonly answer: ReferenceFacts };
  /** What a window would carry now; undefined where none is kept. */
  readonly "window-now": { readonly asked: object; readonly answer: WindowNow | undefined };
  readonly "write-window": { readonly asked: WriteWindow; readonly answer: WindowWritten };
  /** Puts a reference in force; undefined: learns one from traffic. */
  readonly "use-reference": { readonly asked: { readonly path: string | undefined }; readonly answer: ReferenceFacts | { readonly ok: true } };
}
export type QuestionName = keyof Questions;
export type Question = { readonly [Name in QuestionName]: { readonly name: Name; readonly asked: Questions[Name]["asked"] } }[QuestionName];

/** What a reference is, for people; or why it can not be used. */
export type ReferenceFacts =
  | { readonly ok: true; readonly digest: string; readonly model: string; readonly rows: number; readonly features: number }
  | { readonly ok: false; readonly message: string };

export type ToAnalyst =
  | { readonly type: "observations"; readonly batch: Batch }
  | { readonly type: "save"; readonly key: string; readonly value: unknown; readonly revision: number }
  | { readonly type: "append"; readonly event: AuditEvent; readonly revision: number }
  | { readonly type: "ask"; readonly id: number; readonly question: Question }
  /** undefined: none is judged any more. */
  | { readonly type: "use-trial"; readonly setup: TrialSetup | undefined }
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
  /** undefined: it could not be answered. */
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "told"; readonly judgements: readonly Judgement[]; readonly points: readonly NamedPoint[]; readonly notes: readonly string[]; readonly prices: readonly RungPrice[] }
  | { readonly type: "trial"; readonly reading: TrialReading }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly fields: LogFields; readonly message: string }
  | { readonly type: "closed" };

/** A point whose instrument is known by its name. */
export interface NamedPoint {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The two bodies of a sample, a copy or a pair lie in the batch's buffer: the first from `start`, the second right after it. */
interface Placed {
  readonly start: number;
  readonly firstBytes: number;
  readonly secondBytes: number;
}

type Packed =
  | (Omit<SampleObservation, "request" | "response"> & Placed)
  | (Omit<CopyObservation, "primary" | "answer"> & Placed)
  | (Omit<ShadowObservation, "primary" | "candidate"> & Placed & { readonly primary: Omit<PairSide, "body">; readonly candidate: Omit<PairSide, "body"> });

/** There is one of these for every request, and nearly all of them are alike but for their numbers. */
type AlikeExchange = Omit<HeardExchange, "durationMs">;
type AlikeTrial = Omit<TrialObservation, "inferenceId" | "key" | "durationMs" | "atWallMs">;

export interface Batch {
  /** For each observation, in order: which of `alike` it is, an exchange or a trial then; or `another`, the next of `others`. */
  readonly which: Int32Array<ArrayBuffer>;
  readonly alike: readonly (AlikeExchange | AlikeTrial)[];
  /** Of the exchanges and trials, in order. */
  readonly durationsMs: Float64Array<ArrayBuffer>;
  /** Of the trials, in order. Ids as one text, since many small ones cost more; none holds a line's end. */
  readonly keys: Uint32Array<ArrayBuffer>;
  readonly atWallMs: Float64Array<ArrayBuffer>;
  readonly ids: string;
  readonly others: readonly (Packed | ActualObservation)[];
  readonly bodies: ArrayBuffer;
}

const another = -1;

/** What of a batch is handed over and not copied. */
export function transferable({ which, durationsMs, keys, atWallMs, bodies }: Batch): readonly ArrayBuffer[] {
  return [which.buffer, durationsMs.buffer, keys.buffer, atWallMs.buffer, bodies];
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
  const which = new Int32Array(observations.length).fill(another);
  const durationsMs: number[] = [];
  const alike: (AlikeExchange | AlikeTrial)[] = [];
  const keys: number[] = [];
  const atWallMs: number[] = [];
  const ids: string[] = [];
  const others: (Packed | ActualObservation)[] = [];
  const places = new Map<string, number>();
  for (const [i, observation] of observations.entries()) {
    switch (observation.kind) {
      case "exchange": {
        const { kind, inference, model, rung, reason, outcome, attempts, durationMs } = observation;
        const key = `${rung} ${reason} ${outcome} ${attempts} ${inference} ${model}`;
        const known = places.get(key) ?? alike.push({ kind, inference, model, rung, reason, outcome, attempts }) - 1;
        places.set(key, known);
        which[i] = known;
        durationsMs.push(durationMs);
        break;
      }
      case "trial": {
        const { kind, rollout, candidate, weight, failed, outcome, inferenceId, key: hash, durationMs, atWallMs: at } = observation;
        // There are a handful of them: to look is cheaper than to make a key of numbers.
        const known = alike.findIndex((one) => one.kind === "trial" && one.candidate === candidate && one.failed === failed && one.weight === weight && one.outcome === outcome && one.rollout === rollout);
        which[i] = known >= 0 ? known : alike.push({ kind, rollout, candidate, weight, failed, outcome }) - 1;
        durationsMs.push(durationMs);
        keys.push(hash);
        atWallMs.push(at);
        ids.push(inferenceId);
        break;
      }
      case "sample": {
        const { request, response, ...rest } = observation;
        others.push({ ...rest, ...place(request, response) });
        break;
      }
      case "copy": {
        const { primary, answer, ...rest } = observation;
        others.push({ ...rest, ...place(primary, answer) });
        break;
      }
      case "shadow": {
        const { primary: { body: first, ...primary }, candidate: { body: second, ...candidate }, ...rest } = observation;
        others.push({ ...rest, primary, candidate, ...place(first, second) });
        break;
      }
      case "actual":
        others.push(observation);
    }
  }
  const columns = { which, durationsMs: Float64Array.from(durationsMs), keys: Uint32Array.from(keys), atWallMs: Float64Array.from(atWallMs) };
  return { ...columns, alike, ids: ids.join("\n"), others, bodies: bodies.buffer };
}

/** The bodies are views of the batch's buffer. */
export function unpack({ which, alike, durationsMs, keys, atWallMs, ids, others, bodies }: Batch): readonly Heard[] {
  const inferenceIds = ids.split("\n");
  let numbered = 0;
  let trial = 0;
  let other = 0;
  return Array.from(which, (place): Heard => {
    if (place !== another) {
      const one = alike[place] as (typeof alike)[number];
      const durationMs = durationsMs[numbered++] as number;
      if (one.kind === "exchange") return { ...one, durationMs };
      const at = trial++;
      return { ...one, inferenceId: inferenceIds[at] as string, key: keys[at] as number, durationMs, atWallMs: atWallMs[at] as number };
    }
    const observation = others[other++] as Packed | ActualObservation;
    if (observation.kind === "actual") return observation;
    const { start, firstBytes, secondBytes, ...rest } = observation;
    const first = new Uint8Array(bodies, start, firstBytes);
    const second = new Uint8Array(bodies, start + firstBytes, secondBytes);
    if (rest.kind === "sample") return { ...rest, request: first, response: second };
    if (rest.kind === "copy") return { ...rest, primary: first, answer: second };
    return { ...rest, primary: { ...rest.primary, body: first }, candidate: { ...rest.candidate, body: second } };
  });
}

/** About how much memory an observation takes while it waits. */
export function sizeOf(observation: Heard): number {
  const base = 512;
  return observation.kind === "actual" ? base + 16 * observation.values.length : base + bodyBytes(observation);
}

function bodyBytes(observation: Heard): number {
  if (observation.kind === "sample") return observation.request.byteLength + observation.response.byteLength;
  if (observation.kind === "shadow") return observation.primary.body.byteLength + observation.candidate.body.byteLength;
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
