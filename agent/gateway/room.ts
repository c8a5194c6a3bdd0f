/** What all requests of one gateway share, and what the gateway is handed from outside. */
import type { Question, Route, Rung } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Observe } from "../observation.ts";
import type { Protocol } from "../protocols/protocol.ts";
import type { GatewayOptions } from "./options.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { KeptBytes } from "./upload.ts";
import type { Work } from "./work.ts";

/** What the gateway let go because a bound was reached. */
export type Dropped =
  | "request" // beyond `active`: answered with 503
  | "connection" // beyond the limit of open connections: closed
  | "sample-too-large" // a body over `sample.bodyMax`
  | "sample-not-kept"; // the request's body did not fit in `keptMax`

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
  readonly rungs: readonly Rung[];
  readonly observe: Observe;
  /** Somebody exports spans: each attempt of a sampled request gets one, and its backend is told of it. Otherwise trace contexts pass as they came. */
  readonly traced?: boolean;
  /** The version that the primary serves, as far as it is known. */
  version?(): string | undefined;
  dropped?(what: Dropped): void;
  /** An answer of the primary to an inference, after its last byte: for rungs that give it again. Absent where nobody wants it. */
  readonly remember?: (question: Question, answer: GoodAnswer) => void;
  /** A second attempt at the primary was wanted. */
  retried?(result: "taken" | "refused"): void;
}

export interface Room {
  readonly options: GatewayOptions;
  readonly deps: GatewayDeps;
  readonly budget: RetryBudget;
  readonly work: Work;
  readonly kept: KeptBytes;
  /** The path of the primary's URL, without a slash at its end. */
  readonly basePath: string;
  /** Connections end with the answer that is under way on them. */
  isDraining(): boolean;
}
