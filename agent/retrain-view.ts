/**
 * Requests to train the model anew, as people and programs see them: what asked, which window goes with it, and whom it reached.
 * Plain data, shared by the room that keeps it, by what shows it, and by what is written down.
 */
import type { Principal } from "./principal.ts";

export const retrainStates = [
  "asking", // a person decides
  "writing", // its window is being written
  "delivering", // the targets are told
  "done", // every target took it, or there is none
  "undelivered", // a target refused it, or was away for too long
  "notified", // it was told and not sent, as the config says
  "declined", // a person said no, or nobody answered
  "withdrawn", // what asked for it was over before a person answered
] as const;
export type RetrainState = (typeof retrainStates)[number];

/** What spoke for it. Names and figures only: never a value of the data. */
export interface RetrainWhy {
  /** The streams that had fired for as long as the dwell; empty where a person asked. */
  readonly streams: readonly { readonly stream: string; readonly detector: string; readonly sinceWallMs: number; readonly culprits: readonly string[] }[];
  /** A person's own words. */
  readonly reason: string | undefined;
}

/** The files that were written, and what is in them. */
export interface RetrainWindow {
  /** Where the data lies, as whoever is asked finds it. */
  readonly location: string;
  readonly manifest: string;
  readonly format: "jsonl" | "parquet";
  readonly rows: number;
  /** Rows with their true answer. */
  readonly actuals: number;
  /** Answered from when to when. */
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly versions: readonly string[];
  /** Digest of the reference in force; undefined where it was learnt from traffic, or there is none. */
  readonly reference: string | undefined;
  readonly bytes: number;
  /** Of the file. */
  readonly sha256: string;
}

export interface RetrainDelivery {
  /** Which of the targets: its place in the config, and its kind. */
  readonly target: string;
  readonly state: "waiting" | "done" | "refused" | "given-up";
  readonly attempts: number;
  /** What the last attempt came to, for a person. */
  readonly detail: string;
}

export interface RetrainRequest {
  /** The same at every attempt: whoever gets it twice knows it by this. */
  readonly id: string;
  readonly model: string;
  readonly atWallMs: number;
  /** `pilotfish`, or who asked. */
  readonly who: string;
  readonly why: RetrainWhy;
  readonly state: RetrainState;
  readonly window: RetrainWindow | undefined;
  /** Why there is no window with it. */
  readonly problem: string | undefined;
  readonly deliveries: readonly RetrainDelivery[];
}

/** What a window would carry now. */
export interface WindowNow {
  readonly rows: number;
  readonly actuals: number;
  /** Memory that it takes. */
  readonly bytes: number;
  readonly fromWallMs: number | undefined;
  readonly toWallMs: number | undefined;
  /** Rows that were let go since the start, because newer ones came. */
  readonly letGo: number;
  /** Inferences whose true answers contradicted each other: their rows have none. */
  readonly contradicted: number;
}

export interface RetrainView {
  readonly enabled: boolean;
  /** Why nothing is asked for now; undefined while a request is under way. */
  readonly waits: string | undefined;
  readonly window: WindowNow | undefined;
  /** The latest last; at most 20. */
  readonly requests: readonly RetrainRequest[];
}

export type RetrainAsked = { readonly ok: true; readonly request: RetrainRequest } | { readonly ok: false; readonly detail: string };

/** What the API's routes are handed. */
export interface RetrainControls {
  readonly view: () => Promise<RetrainView>;
  /** A person wants it now: dwell, budget and mode do not count. */
  readonly request: (principal: Principal, reason: string | undefined) => RetrainAsked;
}
