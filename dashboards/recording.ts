/**
 * Recording rules of the objectives: the share of requests that were bad, over the windows that an error budget is judged by,
 * for each service and model over all its replicas. The dashboards do not read them, so they also work where nobody loads
 * the rules.
 *
 * Windows, factors and the pairs of a long window with a short one are those of the Google SRE workbook, chapter "Alerting
 * on SLOs": a factor is the share of the budget that may be spent within the long window, times the period by that window.
 */
import type { Outcome } from "../agent/backend.ts";
import { instruments } from "../exporters/instruments.ts";
import { bucket, selecting } from "./alerts/alert.ts";
import { fleetRules } from "./fleet.ts";
import { fleetRolloutRules } from "./fleet-rollout.ts";
import type { DashboardsOptions } from "./options.ts";
import { type buckets, increase, noneOf, rate, share, type TargetLabel, type Vector } from "./promql.ts";
import type { RecordingRule } from "./recording-rule.ts";

/** Not the service's doing, so they count neither for it nor against it. */
export const clientsDoing = ["rejected", "cancelled", "too-large"] as const satisfies readonly Outcome[];

const windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] as const;
export type Window = (typeof windows)[number];

/** What is promised: an answer, one in time, and the model's own. */
export const objectives = ["availability", "latency", "quality"] as const;
export type Objective = (typeof objectives)[number];

const records: Readonly<Record<Objective, string>> = {
  availability: "model:pilotfish_requests_unanswered:ratio_rate",
  latency: "model:pilotfish_answers_slow:ratio_rate",
  quality: "model:pilotfish_answers_fallback:ratio_rate",
};

type PerModel = Vector<TargetLabel | "model">;

/** The recorded share of bad requests, 0 to 1; not a number where there were none. */
export const badShare = (objective: Objective, window: Window): PerModel => `${records[objective]}${window}` as PerModel;

/** Sums over everything but the model and what tells services apart. */
const perModel = ({ group }: DashboardsOptions, of: string): PerModel => `sum by (${[...group, "model"].join(", ")}) (${of})` as PerModel;

/** Bad requests and all that count, as counters grow: by `rate` or by `increase`. */
function counted(objective: Objective, options: DashboardsOptions, grown: typeof increase, window: Window): { readonly bad: PerModel; readonly all: PerModel } {
  const from = selecting(options);
  const sum = (of: string) => perModel(options, of);
  const answers = from(instruments.requests, { outcome: "ok" });
  const durations = from(instruments.requestDuration, { outcome: "ok" });
  switch (objective) {
    case "availability":
      return {
        bad: sum(grown(from(instruments.requests, { outcome: noneOf(["ok", ...clientsDoing]) }), window)),
        all: sum(grown(from(instruments.requests, { outcome: noneOf(clientsDoing) }), window)),
      };
    case "latency": {
      const of = (le: string) => sum(grown(bucket(durations, le) as ReturnType<typeof buckets>, window));
      return { bad: `(${of("+Inf")} - ${of(String(options.slow / 1000))})` as PerModel, all: of("+Inf") };
    }
    case "quality":
      return { bad: sum(grown(from(instruments.requests, { outcome: "ok", rung: "!primary" }), window)), all: sum(grown(answers, window)) };
  }
}

/** How many requests within the window were bad, and how many counted. */
export const badRequests = (objective: Objective, options: DashboardsOptions, window: Window): PerModel => counted(objective, options, increase, window).bad;
export const allRequests = (objective: Objective, options: DashboardsOptions, window: Window): PerModel => counted(objective, options, increase, window).all;

export interface Burn {
  readonly long: Window;
  readonly short: Window;
  readonly factor: number;
}

/** Two pairs for the fast burn, two for the slow one. For a week the shares of the budget are greater, since there is less of it. */
const burns: Readonly<Record<DashboardsOptions["period"], Readonly<Record<"fast" | "slow", readonly [Burn, Burn]>>>> = {
  "30d": pairs(14.4, 6, 3, 1), // 2 % in an hour, 5 % in six, 10 % in a day, 10 % in three
  "28d": pairs(13.44, 5.6, 2.8, 0.9333),
  "7d": pairs(13.44, 3.5, 1.4, 0.98), // 8 %, 12.5 %, 20 %, 42 %
};

function pairs(hour: number, sixHours: number, day: number, threeDays: number) {
  return {
    fast: [{ long: "1h", short: "5m", factor: hour }, { long: "6h", short: "30m", factor: sixHours }],
    slow: [{ long: "1d", short: "2h", factor: day }, { long: "3d", short: "6h", factor: threeDays }],
  } as const;
}

const objectiveOf = ({ objective, latencyObjective, qualityObjective }: DashboardsOptions): Readonly<Record<Objective, number>> => ({
  availability: objective,
  latency: latencyObjective,
  quality: qualityObjective,
});

/**
 * Is the budget burnt too fast? Both windows of a pair must say so: the long one that it is serious, the short one that it
 * still goes on. And there must be enough to go by: `minimumRequests`, and `minimumBad` bad ones within the long window.
 *
 * The arithmetic. Without a guard one failure of three requests is a share of 33 %, 23 times what calls for 99.9 %. With 100
 * requests in the hour, two failures do (2 % > 1.44 %), which a service exactly at its objective has by chance in 0.5 % of
 * all hours (Poisson with mean 0.1): each eight days a page for nothing. Five failures within the hour are 1.44 % of 347
 * requests, of which such a service fails 0.35: five or more come by chance in 3 hours of 100,000, one in some four years.
 * With more requests than that the share itself is the stricter condition; with fewer, five failures are rarer still. What
 * little traffic there is to go by, the known question of the probes stands in for.
 */
export function burning(objective: Objective, speed: "fast" | "slow", options: DashboardsOptions): string {
  // Rounded, since 1 - 0.999 is not quite 0.001 in binary.
  const limit = (factor: number) => Number((factor * (1 - objectiveOf(options)[objective])).toPrecision(6));
  const pair = ({ long, short, factor }: Burn) =>
    `(${badShare(objective, long)} > ${limit(factor)} and ${badShare(objective, short)} > ${limit(factor)} and ${badRequests(objective, options, long)} >= ${options.minimumBad})`;
  // At most all can be bad: such a pair can never hold, and would be a dead rule.
  const live = burns[options.period][speed].filter(({ factor }) => limit(factor) < 1);
  return `(${live.map(pair).join(" or ")}) and ${allRequests(objective, options, speed === "fast" ? "1h" : "1d")} >= ${options.minimumRequests}`;
}

export const recordingRules = (options: DashboardsOptions): readonly RecordingRule[] => [
  ...objectives.flatMap((objective) =>
    windows.map((window) => {
      const { bad, all } = counted(objective, options, rate, window);
      return { record: badShare(objective, window), expr: share(bad, all) };
    }),
  ),
  ...fleetRules(options),
  ...fleetRolloutRules(options),
];
