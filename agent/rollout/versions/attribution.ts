/**
 * Did a loss begin with a version? Pure: a judgement, the change of version and what else fires give `version`, `traffic` or
 * `unknown`, and why in a sentence. Only `version` is acted on, so whatever is in doubt is `unknown`.
 *
 * It rests on when the loss *began*, by the time of the answers that it is about (Judgement.onset), and not on when it was found:
 * detectors need rows, and actuals come hours late. The onset is an interval; the change is one too, from the first answer of the
 * new version until it alone served, since replicas are replaced one after the other.
 *
 * - Streams that speak of the model: `mistakes`, `error-rate`, `calibration`; `features` where the score holds more than half of the
 *   evidence; `failures` and `latency` of its server. Others do not: input features that moved or break their rules are the
 *   clients' traffic; `estimated-performance` rests on no truth, moves when inputs move, and has no onset.
 * - The onset lies wholly before the change, or the alarm was raised before: not the version's.
 * - It lies wholly after it: a model that is wrong is wrong from its first answer, so that is the traffic's where the inputs moved,
 *   and unknown where they did not. Failures and latency may take a while (leaks, caches): within `windowMs` they are the version's.
 * - It may have begun more than `windowMs` before or after the change, or nobody can tell when: unknown.
 * - It began with the change, but input features began to fire about then too: either explains it, so unknown.
 */
import type { Judgement } from "../../judgement.ts";

export interface VersionChange {
  /** When the new version was first seen, and when it alone served. */
  readonly seenWallMs: number;
  readonly sinceWallMs: number;
  readonly from: string | undefined;
  readonly to: string;
}

/** A stream that is not well, by its latest judgement. */
export interface Firing {
  readonly judgement: Judgement;
  /** When it was raised. */
  readonly raisedWallMs: number;
}

export interface Attribution {
  readonly verdict: "version" | "traffic" | "unknown";
  /** A sentence for a person. */
  readonly message: string;
}

const ofTheModel: readonly string[] = ["mistakes", "error-rate", "calibration"];
const ofTheServer: readonly string[] = ["failures", "latency"];
/** Names that `features` has beside those of inputs. */
const score = "score";
const scoreMin = 0.5;

/** Which of them show a loss, and no mere difference: a better version's scores may lie elsewhere too. */
export const losses: readonly string[] = [...ofTheModel, "estimated-performance"];

/** @param all that fires, this one too. */
export function attribute({ judgement, raisedWallMs }: Firing, change: VersionChange, all: readonly Firing[], { windowMs }: { readonly windowMs: number }): Attribution {
  const { stream, onset } = judgement;
  const name = `version ${change.to}`;
  const isServers = ofTheServer.includes(stream);
  if (isOfInputs(judgement)) return { verdict: "traffic", message: `${stream}: the inputs moved (${judgement.culprits.slice(0, 3).map((one) => one.name).join(", ")}), not ${name}` };
  if (!isServers && !ofTheModel.includes(stream) && stream !== "features") return { verdict: "unknown", message: `${stream} does not tell what the model itself does` };
  if (raisedWallMs < change.seenWallMs) return { verdict: "traffic", message: `${stream}: found ${ago(change.seenWallMs - raisedWallMs)} before the first answer of ${name}` };
  if (onset === undefined) return { verdict: "unknown", message: `${stream}: nobody can tell when it began` };
  if (onset.latestWallMs < change.seenWallMs) return { verdict: "traffic", message: `${stream}: began at least ${ago(change.seenWallMs - onset.latestWallMs)} before the first answer of ${name}` };

  const inputs = all.find((one) => movedInputs(one.judgement) && one.raisedWallMs >= change.seenWallMs - windowMs);
  if (onset.earliestWallMs > change.sinceWallMs + (isServers ? windowMs : 0)) {
    const later = `began at least ${ago(onset.earliestWallMs - change.sinceWallMs)} after ${name} served`;
    if (inputs !== undefined) return { verdict: "traffic", message: `${stream}: ${later}, and the inputs moved` };
    const isLong = onset.earliestWallMs > change.sinceWallMs + windowMs;
    return { verdict: isLong ? "traffic" : "unknown", message: `${stream}: ${later}${isLong ? "" : "; a wrong model is wrong from its first answer"}` };
  }
  if (onset.earliestWallMs < change.seenWallMs - windowMs) return { verdict: "unknown", message: `${stream}: may have begun up to ${ago(change.seenWallMs - onset.earliestWallMs)} before the first answer of ${name}` };
  if (onset.latestWallMs > change.sinceWallMs + windowMs) return { verdict: "unknown", message: `${stream}: may have begun up to ${ago(onset.latestWallMs - change.sinceWallMs)} after ${name} served` };
  if (inputs !== undefined && !isServers) return { verdict: "unknown", message: `${stream}: began with ${name}, but the inputs moved at that time as well` };
  return { verdict: "version", message: `${stream} began with ${name}: ${judgement.message}` };
}

/** Did inputs move, if only a little beside the score? Whatever is named as a culprit had the evidence for it. */
function movedInputs({ stream, culprits }: Judgement): boolean {
  return stream === "features" && culprits.some(({ name }) => name !== score);
}

/** Is it about the inputs rather than the score? */
function isOfInputs({ stream, culprits }: Judgement): boolean {
  return (stream === "features" || stream === "violations") && (culprits.find(({ name }) => name === score)?.share ?? 0) <= scoreMin;
}

function ago(ms: number): string {
  return ms >= 3_600_000 ? `${(ms / 3_600_000).toFixed(1)} h` : ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1_000)} s`;
}
