/** What failover knows: the primary's circuit, what its probes said last, whether its answers have drifted and why, and what a person has decided. */
import type { Cause } from "../../exporters/signal.ts";
import { closed, type Circuit, type CircuitPolicy } from "./circuit.ts";
import type { Verdict } from "../review.ts";
import type { Standing } from "./standing.ts";

export const probeNames = ["http", "inference", "progress"] as const;
export type ProbeName = (typeof probeNames)[number];

export const noCause: Cause = { detector: "none", code: "none", evidence: "" };

export interface ProbeHealth {
  readonly verdict: "pass" | "fail" | "unknown";
  /** How often in a row it came to this verdict. */
  readonly times: number;
  /** What it found last, for people. */
  readonly cause: Cause;
  /** A probe that has never passed may be asking the wrong question: its bad status alone takes nobody out. */
  readonly passedOnce: boolean;
  /** The known question was answered with something else: only a right answer takes this back. */
  readonly mismatch: boolean;
}

export interface FailoverState {
  readonly circuit: Circuit;
  readonly probes: Readonly<Record<ProbeName, ProbeHealth>>;
  /** Set while the answers count as drifted. */
  readonly drift: Cause | undefined;
  /** What was decided on this drift; undefined where nothing was, or nobody was asked. */
  readonly driftVerdict: Verdict | undefined;
  /** A person's decision, which the route follows whatever else is known. */
  readonly override: Standing | undefined;
  /** Why the circuit is not closed, or what it last recovered from. */
  readonly cause: Cause;
  /** Has anything been heard of the primary at all? */
  readonly heard: boolean;
  readonly draining: boolean;
}

export interface FailoverPolicy extends CircuitPolicy {
  /** Failures in a row of the http or the inference probe that trip the circuit. */
  readonly probeFailuresMax: number;
  /** Passes in a row of the http probe that are asked for before a trial. */
  readonly probePassesMin: number;
  /** page: drift is told only; failover: it keeps requests from the primary; approve: it does so when a person says so. */
  readonly onDrift: "page" | "failover" | "approve";
}

const nothingKnown: ProbeHealth = { verdict: "unknown", times: 0, cause: noCause, passedOnce: false, mismatch: false };

export function initial(nowMs: number): FailoverState {
  return {
    circuit: closed(nowMs),
    probes: { http: nothingKnown, inference: nothingKnown, progress: nothingKnown },
    drift: undefined,
    driftVerdict: undefined,
    override: undefined,
    cause: noCause,
    heard: false,
    draining: false,
  };
}
