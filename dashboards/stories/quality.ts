/** Stories about the answers' quality. */
import type { Series, Stories } from "./story.ts";

const alarm = (stream: string, values: string): Series => ({ [`pilotfish_drift_alarm{model="employment", stream="${stream}"}`]: values });
const contract = (rejected: string, passed: string): Series => ({ 'pilotfish_contract_requests_total{result="rejected"}': rejected, 'pilotfish_contract_requests_total{result="passed"}': passed });
const bounds = (metric: string, kind: string, lower: string, upper: string): Series => ({
  [`pilotfish_performance_bound{model="employment", metric="${metric}", kind="${kind}", bound="lower"}`]: lower,
  [`pilotfish_performance_bound{model="employment", metric="${metric}", kind="${kind}", bound="upper"}`]: upper,
});
/** Rows of one replica a minute in the two bins of a feature of which the reference has as many in either. */
const bins = (instance: string, low: number, high: number): Series => {
  const of = (name: string, bin: string) => `${name}{model="employment", reference="0123abcd", feature="age", bin="${bin}", instance="${instance}"}`;
  return {
    [of("pilotfish_drift_bin_rows_total", "1")]: `0+${low}x120`,
    [of("pilotfish_drift_bin_rows_total", "2")]: `0+${high}x120`,
    [of("pilotfish_drift_bin_reference_ratio", "1")]: "0.5x120",
    [of("pilotfish_drift_bin_reference_ratio", "2")]: "0.5x120",
  };
};
const streamed = (stream: string) => ({ model: "employment", stream });

export const quality = {
  ModelDrifted: {
    // It ended after ten minutes and is kept for fifteen.
    fires: [{ series: alarm("features", "0x5 1x5 0x40"), at: "20m", quietAt: "5m", labels: streamed("features") }],
    nearMisses: [
      { since: "it ended half an hour ago", series: alarm("features", "0x5 1x5 0x60"), at: "40m" },
      { since: "that is for ModelServerWorse", series: alarm("latency", "1x40"), at: "20m" },
    ],
  },
  ModelInputsBroken: {
    fires: [{ series: alarm("violations", "0x5 1x10"), at: "10m", quietAt: "5m", labels: streamed("violations") }],
    nearMisses: [{ since: "features drifted within what is allowed", series: alarm("features", "0x5 1x10"), at: "10m" }],
  },
  ModelInputsRefused: {
    fires: [{ series: contract("0+10x60", "0+90x60"), at: "30m", quietAt: "9m", value: "10%" }],
    nearMisses: [
      { since: "4 % are one bad client", series: contract("0+4x60", "0+96x60"), at: "30m" },
      { since: "one of five requests was wrong", series: contract("0x20 1x40", "0x20 4x40"), at: "30m" },
    ],
  },
  ModelFleetDrifted: {
    // Half and half in the reference, a fifth and four fifths now: -0.3 ln 0.4 + 0.3 ln 1.6.
    fires: [
      {
        series: { ...bins("a", 10, 40), ...bins("b", 10, 40) },
        at: "1h",
        quietAt: "15m",
        labels: { model: "employment", reference: "0123abcd", feature: "age" },
        ofService: true,
        value: "0.416",
      },
    ],
    nearMisses: [
      { since: "one small replica of two sees it", series: { ...bins("a", 2, 8), ...bins("b", 45, 45) }, at: "1h" },
      { since: "ninety rows prove nothing", series: Object.fromEntries(Object.entries(bins("a", 0, 1)).map(([name, values]) => [name, values === "0+1x120" ? "0+1x90 90x30" : values])), at: "80m" },
    ],
  },
  ModelPerformanceDropped: {
    fires: [{ series: alarm("mistakes", "0x5 1x10"), at: "10m", quietAt: "5m", labels: streamed("mistakes") }],
    nearMisses: [{ since: "an estimate is no proof", series: alarm("estimated-performance", "0x5 1x10"), at: "10m" }],
  },
  ModelPerformanceInDoubt: {
    fires: [{ series: alarm("estimated-performance", "0x5 1x10"), at: "10m", quietAt: "5m", labels: streamed("estimated-performance") }],
    nearMisses: [{ since: "scores are off, but not the answers", series: alarm("calibration", "0x5 1x10"), at: "10m" }],
  },
  ModelMiscalibrated: {
    fires: [{ series: alarm("calibration", "0x5 1x10"), at: "10m", quietAt: "5m", labels: streamed("calibration") }],
    nearMisses: [{ since: "mistakes have an alert of their own", series: alarm("mistakes", "0x5 1x10"), at: "10m" }],
  },
  ModelAccuracyBelowFloor: {
    fires: [
      { series: bounds("accuracy", "realised", "0.4x40", "0.45x40"), at: "30m", quietAt: "14m", labels: { model: "employment", metric: "accuracy", kind: "realised", bound: "upper" }, value: "0.45" },
      { series: bounds("roc_auc", "realised", "0.4x40", "0.58x40"), at: "30m", labels: { model: "employment", metric: "roc_auc", kind: "realised", bound: "upper" }, value: "0.58" },
    ],
    nearMisses: [
      { since: "it may still be above", series: bounds("accuracy", "realised", "0.3x40", "0.52x40"), at: "30m" },
      { since: "it is an estimate", series: bounds("accuracy", "estimated", "0.3x40", "0.4x40"), at: "30m" },
    ],
  },
  ModelEstimatedAccuracyBelowFloor: {
    fires: [{ series: bounds("roc_auc", "estimated", "0.5x60", "0.58x60"), at: "45m", quietAt: "29m", labels: { model: "employment", metric: "roc_auc", kind: "estimated", bound: "upper" }, value: "0.58" }],
    nearMisses: [{ since: "it may still be above", series: bounds("roc_auc", "estimated", "0.5x60", "0.61x60"), at: "45m" }],
  },
} as const satisfies Stories;
