/** What a probe is: a question asked of the primary again and again, which always gets an observation for an answer. */
import type { ProbeObservation, ProbeReason } from "../observation.ts";

export interface Probe {
  readonly name: ProbeObservation["probe"];
  readonly intervalMs: number;
  /** Ask once more at once when the first question after a good answer fails, so that a fault is known before the next interval. */
  readonly repeats: boolean;
  /** Never rejects, and ends within a time of its own. What comes after `signal` is aborted is thrown away. */
  ask(signal: AbortSignal): Promise<ProbeObservation>;
}

const detailMax = 200;

export function passed(probe: Probe["name"], durationMs: number, detail: string): ProbeObservation {
  return { kind: "probe", probe, verdict: "pass", reason: "none", durationMs, detail: detail.slice(0, detailMax) };
}

export function failed(probe: Probe["name"], reason: ProbeReason, durationMs: number, detail: string): ProbeObservation {
  return { kind: "probe", probe, verdict: "fail", reason, durationMs, detail: detail.slice(0, detailMax) };
}

/** `none`: there is nothing to judge now; `no-source`: what it needs to judge is missing. */
export function unknown(probe: Probe["name"], reason: "none" | "no-source", durationMs: number, detail: string): ProbeObservation {
  return { kind: "probe", probe, verdict: "unknown", reason, durationMs, detail: detail.slice(0, detailMax) };
}
