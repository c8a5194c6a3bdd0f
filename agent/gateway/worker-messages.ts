/**
 * What the main thread and a worker of the gateway say to each other. Plain data. A generation is one gateway, made from one
 * config, in every worker: a reload makes the next one while the one before finishes what it has begun.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Address } from "../listen.ts";
import type { PlainOptions } from "../protocols/plain-options.ts";
import type { ProtocolName } from "../protocols/protocols.ts";
import type { Outline, Values } from "./crossing.ts";
import type { LimitReading } from "./concurrency-limit.ts";
import type { DecisionCells } from "./decision.ts";
import type { GatewayOptions } from "./options.ts";
import type { Telling } from "./outbox.ts";
import type { Shared } from "./shared.ts";
import type { WorkReading } from "./work.ts";

/** For the whole life of a thread. */
export interface WorkerData {
  readonly slot: number;
  /** Open connections, a slot a worker. */
  readonly clients: Int32Array;
}

/** What a worker makes its gateway from. */
export interface Setup {
  readonly options: GatewayOptions;
  readonly server: string;
  readonly protocol: ProtocolName;
  readonly plain: PlainOptions | undefined;
  readonly rungs: readonly Pick<Rung, "name" | "kind" | "inside">[];
  /** The rung of a candidate; undefined where there is none. */
  readonly candidate: Pick<Rung, "name" | "kind" | "inside"> | undefined;
  readonly outline: Outline;
  readonly decision: DecisionCells;
  readonly counts: Shared;
}

/** Its body is in a buffer that is transferred. */
export type PortableQuestion = Omit<Question, "body"> & { readonly body: Uint8Array };
export type PortableAnswer = Exclude<RungAnswer, { outcome: "ok" }> | (Omit<Extract<RungAnswer, { outcome: "ok" }>, "body"> & { readonly body: Uint8Array });

export type ToWorker = { readonly generation: number } & (
  /** Serve with this from now on. `address`: where to listen, for a thread that does not yet. */
  | { readonly type: "serve"; readonly setup: Setup; readonly address: Address }
  | { readonly type: "mirrored"; readonly values: Values }
  | { readonly type: "answer"; readonly id: number; readonly answer: PortableAnswer }
  /** That much of what it told has been dealt with. */
  | { readonly type: "heard"; readonly calls: number; readonly bytes: number }
  | { readonly type: "release"; readonly outcome: "stalled" }
  /** The primary's process was found gone. */
  | { readonly type: "gone" }
  | { readonly type: "drain" }
  | { readonly type: "close" }
);

export type FromWorker = { readonly generation: number } & (
  | { readonly type: "serving"; readonly address: Address }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | ({ readonly type: "told" } & Telling)
  | { readonly type: "ask"; readonly id: number; readonly rung: number | "candidate"; readonly question: PortableQuestion }
  /** `late`: its share of the time is over; else nobody wants the answer any more. */
  | { readonly type: "abort"; readonly id: number; readonly late: boolean }
  | { readonly type: "claimed"; readonly ticket: number }
  | { readonly type: "work"; readonly reading: WorkReading; readonly limit: LimitReading | undefined; readonly atMs: number }
  | { readonly type: "closed" }
);
