/** What all requests of one gateway share, and what the gateway is handed from outside. */
import type { Question, Route, Rung } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { GateCounts, Gates, GateSetup } from "../contract/gates.ts";
import type { UnsureAnswer } from "../contract/unsure-answer.ts";
import type { Log } from "../log.ts";
import type { Observe } from "../observation.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import type { Deal, PairSide } from "../trial.ts";
import type { ConcurrencyLimit, Priority } from "./concurrency-limit.ts";
import type { Hedging, HedgeResult } from "./hedging.ts";
import type { GatewayOptions } from "./options.ts";
import type { Candidates } from "./candidates.ts";
import type { Destination } from "./destination.ts";
import type { RungTraits } from "./plan.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { QuarantineSeam, Suspicion } from "./suspicion.ts";
import type { KeptBytes } from "./upload.ts";
import type { Work } from "./work.ts";

/** What the gateway let go because a bound was reached. */
export type Dropped =
  | "request" // beyond `active`: answered with 503
  | "connection" // beyond the limit of open connections: closed
  | "sample-too-large" // a body over `sample.bodyMax`
  | "sample-not-kept" // the request's body did not fit in `keptMax`
  | "worker" // one of several died, and its connections with it
  | "worker-queue"; // what workers had to tell, while nobody listened

/** A whole answer of the primary, as a rung may give it again. */
export interface GoodAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly version: string | undefined;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The primary. A path in it goes before every request's path. */
  readonly server: URL;
  readonly protocol: Protocol;
  /** The model that is guarded. Inferences of others are passed on without ladder, headers or samples. Undefined: all are. */
  readonly model?: string;
  /** Read for each inference; must be cheap. */
  route(): Route;
  /** True for the one request that may ask the primary while the route says `trial`. Its attempt is always observed. */
  claimTrial(): boolean;
  /** Could it be claimed now? Only a gateway of several workers asks, to offer it to all of them. */
  mayClaimTrial?(): boolean;
  readonly rungs: readonly Rung[];
  readonly observe: Observe;
  /** Somebody exports spans: each attempt of a sampled request gets one, and its backend is told of it. Otherwise trace contexts pass as they came. */
  readonly traced?: boolean;
  /** The version that the primary serves, as far as it is known. */
  version?(): string | undefined;
  dropped?(what: Dropped): void;
  /** An answer of the primary to an inference, after its last byte: for rungs that give it again. Absent where nobody wants it. */
  readonly remember?: (question: Question, answer: GoodAnswer) => void;
  /** Tries rungs with copies of what the primary answered. Plain data, so that it can cross a thread. */
  readonly qualify?: {
    /** Of which share of all inferences, chosen by their ids. */
    readonly ratio: number;
    /** An answer of the primary, after its last byte and before `remember` has it. Nobody waits for what follows. */
    offer(inferenceId: string, question: Question, answer: GoodAnswer, atWallMs: number): void;
  };
  /** A second attempt at the primary was wanted. */
  retried?(result: "taken" | "refused"): void;
  /** A rung was, or was to be, asked beside a slow primary. */
  hedged?(result: HedgeResult): void;
  /** The limit gave an inference no place at the primary. */
  unplaced?(priority: Priority): void;
  /** What the input contract and confidence are; absent where neither is asked for. */
  readonly gates?: GateSetup | undefined;
  /** What these two find. */
  readonly gateCounts?: GateCounts | undefined;
  /** The primary's model, as far as its metadata are known; the same object for the same. */
  description?(): ModelDescription | undefined;
  /** An answer was given that a person should look at. */
  review?(answer: UnsureAnswer): void;
  /** One for all gateways; absent where there is none. */
  readonly quarantine?: QuarantineSeam | undefined;
  /** What is to be done for a rollout; undefined while none runs. Read for each inference; the same object for the same. */
  deal?(): Deal | undefined;
  /** Answers what is dealt to a candidate of the kind `rung`; one for all rollouts. */
  readonly candidate?: Rung | undefined;
  /** Asks the candidate with copies of what the primary was asked. Plain data, so that it can cross a thread. */
  readonly shadow?: {
    /**
     * The exchange is over, and nobody waits for what follows. `question`: undefined where its body was not kept.
     * `primary.body`: undefined where it was too long to be kept.
     */
    offer(offer: ShadowOffer, question: Question | undefined, primary: ShadowedPrimary): void;
  };
}

/** Which inference a copy for the candidate is of. */
export interface ShadowOffer {
  readonly rollout: string;
  readonly inferenceId: string;
  /** A hash of its key, as in a trial. */
  readonly key: number;
  readonly atWallMs: number;
}

/** What the primary made of it: its first attempt, so that neither side of a pair is tried twice. */
export type ShadowedPrimary = Omit<PairSide, "body"> & { readonly body: Uint8Array | undefined };

export interface Room {
  readonly options: GatewayOptions;
  readonly deps: GatewayDeps;
  readonly budget: RetryBudget;
  readonly work: Work;
  readonly kept: KeptBytes;
  /** Of the rungs, in their order. */
  readonly traits: readonly RungTraits[];
  /** These three are undefined where they are off. */
  readonly limit: ConcurrencyLimit | undefined;
  readonly hedging: Hedging | undefined;
  readonly suspicion: Suspicion | undefined;
  readonly gates: Gates;
  readonly primary: Destination;
  readonly candidates: Candidates;
  /** Connections end with the answer that is under way on them. */
  isDraining(): boolean;
}
