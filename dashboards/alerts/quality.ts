/**
 * Are the answers still good? Detectors have judged already, with a promised rate of false alarms, so rules only pass on
 * what they found; most keep firing for a while, since evidence that begins anew is no recovery. None is a page: a model that
 * is slowly wrong is not mended at night.
 */
import { instruments } from "../../exporters/instruments.ts";
import { fleetPsi } from "../fleet.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, noneOf, oneOf, sumWithout } from "../promql.ts";
import { selecting, type Alerts } from "./alert.ts";
import { serverStreams } from "./server.ts";

/** Streams that say that the model is wrong more often; the others of its quality have an alert of their own each. */
const worse = ["mistakes", "error-rate"];
const named = ["violations", "calibration", "estimated-performance"];

export function quality(options: DashboardsOptions) {
  const from = selecting(options);
  const alarm = (stream: string) => `${from(instruments.driftAlarm, { stream })} == 1`;
  const floors = Object.entries(options.thresholds.performance);
  /** Even the upper bound lies below the floor: it is proved, and no chance. */
  const below = (kind: string) => floors.map(([metric, floor]) => `${from(instruments.performanceBound, { metric, kind, bound: "upper" })} < ${floor}`).join(" or ");

  return {
    ModelDrifted: {
      urgency: "ticket",
      expr: alarm(noneOf([...worse, ...named, ...serverStreams])),
      keepFiringFor: "15m",
      summary: "{{ $labels.model }} has drifted: {{ $labels.stream }}",
      description: "The evidence that its {{ $labels.stream }} are no longer what they were passed the threshold that follows from the false-alarm budget. Look which features carry it at {{ $labels.instance }}.",
      board: "drift",
    },
    ModelInputsBroken: {
      urgency: "ticket",
      expr: alarm("violations"),
      keepFiringFor: "15m",
      summary: "Inputs of {{ $labels.model }} break the reference's rules",
      description: "More values than before are missing, out of range or of another type at {{ $labels.instance }}. Look which feature, then who fills it.",
      board: "drift",
    },
    ModelInputsRefused: {
      urgency: "ticket",
      expr: `${sumWithout(["result"], increase(from(instruments.contractRequests, { result: "rejected" }), "15m"))} / ${sumWithout(["result"], increase(from(instruments.contractRequests), "15m"))} > 0.05 and ${sumWithout(["result"], increase(from(instruments.contractRequests, { result: "rejected" }), "15m"))} > 10`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "Requests at {{ $labels.instance }} break the input contract",
      description: "{{ $value | humanizePercentage }} of the inferences were refused for their inputs. Look which violation, then which client sends it.",
      board: "drift",
    },
    ModelFleetDrifted: {
      urgency: "ticket",
      expr: `${fleetPsi} > ${options.thresholds.fleetPsi}`,
      for: "15m",
      keepFiringFor: "30m",
      summary: "All replicas of {{ $labels.model }} together see {{ $labels.feature }} drift",
      description: 'Over an hour the rows of all replicas have a population stability index of {{ $value | printf "%.3g" }} against the reference. Look whether it is the world or one source of data.',
      board: "fleet",
    },
    ModelPerformanceDropped: {
      urgency: "ticket",
      expr: alarm(oneOf(worse)),
      keepFiringFor: "15m",
      summary: "{{ $labels.model }} makes more mistakes than before",
      description: "Compared with the actuals that came in at {{ $labels.instance }}, its rate of mistakes has risen: {{ $labels.stream }}. Look since when, and whether a feature drifted then.",
      board: "performance",
    },
    ModelPerformanceInDoubt: {
      urgency: "ticket",
      expr: alarm("estimated-performance"),
      keepFiringFor: "15m",
      summary: "{{ $labels.model }} may do worse than before: {{ $labels.stream }}",
      description: "No rise of its mistakes is proved, but by its own scores at {{ $labels.instance }} it does worse than on its reference. Look whether actuals are late.",
      board: "performance",
    },
    ModelMiscalibrated: {
      urgency: "ticket",
      expr: alarm("calibration"),
      keepFiringFor: "15m",
      summary: "Scores of {{ $labels.model }} no longer mean what they meant",
      description: "Held against the actuals at {{ $labels.instance }}, its scores are too high or too low, so thresholds on them are wrong. Calibrate it anew.",
      board: "performance",
    },
    ModelAccuracyBelowFloor: {
      urgency: "ticket",
      expr: below("realised"),
      for: "15m",
      keepFiringFor: "30m",
      summary: "{{ $labels.model }} does worse than it may: {{ $labels.metric }}",
      description: 'By the actuals at {{ $labels.instance }} its {{ $labels.metric }} is at best {{ $value | printf "%.3g" }}, below the floor that was set. Put the version before back, or a rung in its place.',
      board: "performance",
    },
    ModelEstimatedAccuracyBelowFloor: {
      urgency: "ticket",
      expr: below("estimated"),
      for: "30m",
      keepFiringFor: "30m",
      summary: "{{ $labels.model }} probably does worse than it may: {{ $labels.metric }}",
      description: 'Without actuals its {{ $labels.metric }} at {{ $labels.instance }} is estimated to be at best {{ $value | printf "%.3g" }}, below the floor that was set. Ask for true answers of the latest rows.',
      board: "performance",
    },
  } as const satisfies Alerts;
}
