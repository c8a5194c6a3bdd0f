/**
 * Recording rules: the share of requests that went unanswered, over the windows that the error budget is judged by. The
 * dashboard does not read them, so it also works where nobody loads the rules.
 *
 * Windows, factors and the pairs of a long window with a short one are those of the Google SRE workbook, chapter "Alerting
 * on SLOs", for a budget of 30 days.
 */
import type { Outcome } from "../agent/backend.ts";
import { instruments } from "../exporters/instruments.ts";
import { increase, noneOf, rate, select, share, sumWithout, type TargetLabel, type Vector } from "./promql.ts";

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** Not the service's doing, so they count neither for it nor against it. */
export const clientsDoing = ["rejected", "cancelled", "too-large"] as const satisfies readonly Outcome[];

const windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] as const;
export type Window = (typeof windows)[number];

const perModel = ["rung", "reason", "outcome"] as const;
type PerModel = Vector<TargetLabel | "model">;

const valid = select(instruments.requests, { outcome: noneOf(clientsDoing) });
const unanswered = select(instruments.requests, { outcome: noneOf(["ok", ...clientsDoing]) });

const recordName = (window: Window) => `model:pilotfish_requests_unanswered:ratio_rate${window}`;

/** The recorded share of requests without an answer, 0 to 1; not a number where there were none. */
export const unansweredShare = (window: Window): PerModel => recordName(window) as PerModel;

/** Requests within the window that could have been answered. */
export const validRequests = (window: Window): PerModel => sumWithout(perModel, increase(valid, window));

export const recordingRules: readonly RecordingRule[] = windows.map((window) => ({
  record: recordName(window),
  expr: share(sumWithout(perModel, rate(unanswered, window)), sumWithout(perModel, rate(valid, window))),
}));
