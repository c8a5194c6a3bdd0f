/** Stories about what clients get. */
import type { Series, Stories } from "./story.ts";

const requests = (rung: string, reason: string, outcome: string) => `pilotfish_gateway_requests_total{model="employment", rung="${rung}", reason="${reason}", outcome="${outcome}"}`;
const answered = requests("primary", "normal", "ok");
const refused = requests("primary", "no-rung", "refused");
const byFallback = requests("small", "circuit-open", "ok");

/** Answers by how long they took: all, and those within a second. */
const durations = (withinSecond: string, all: string): Series => ({
  'pilotfish_gateway_request_duration_seconds_bucket{model="employment", rung="primary", outcome="ok", le="1"}': withinSecond,
  'pilotfish_gateway_request_duration_seconds_bucket{model="employment", rung="primary", outcome="ok", le="2.5"}': all,
  'pilotfish_gateway_request_duration_seconds_bucket{model="employment", rung="primary", outcome="ok", le="+Inf"}': all,
});

const model = { model: "employment" };

export const answers = {
  ModelRequestsUnanswered: {
    fires: [{ series: { [answered]: "0+54x10", [refused]: "0+6x10" }, at: "10m", quietAt: "1m", labels: { ...model, slo: "availability" }, ofService: true, value: "10%" }],
    nearMisses: [
      { since: "two requests a minute are too few to say", series: { [answered]: "0+1x10", [refused]: "0+1x10" }, at: "10m" },
      { since: "clients hung up, which is their own doing", series: { [answered]: "0+54x10", [requests("primary", "normal", "cancelled")]: "0+60x10" }, at: "10m" },
    ],
  },
  ModelErrorBudgetFastBurn: {
    fires: [
      // 2 % of 100 requests a minute: twenty times what 99.9 % allows.
      { series: { [answered]: "0+98x50", [refused]: "0+2x50" }, at: "40m", labels: { ...model, slo: "availability" }, ofService: true, value: "2%" },
      // Of two replicas one fails a tenth: 5 % of all.
      {
        series: { [answered.replace("}", ', instance="a"}')]: "0+90x50", [refused.replace("}", ', instance="a"}')]: "0+10x50", [answered.replace("}", ', instance="b"}')]: "0+100x50" },
        at: "40m",
        labels: { ...model, slo: "availability" },
        ofService: true,
        value: "5%",
      },
    ],
    nearMisses: [
      { since: "it is one failure of three requests", series: { [answered]: "0x29 2x60", [refused]: "0x29 1x60" }, at: "31m" },
      { since: "it is two failures of a hundred requests, which chance brings", series: { [answered]: "0+10x10 98x60", [refused]: "0x5 1x3 2x60" }, at: "12m" },
      { since: "half a percent is under both limits", series: { [answered]: "0+995x50", [refused]: "0+5x50" }, at: "40m" },
      { since: "it was over 40 minutes ago", series: { [answered]: "0+90x10 900+100x50", [refused]: "0+10x10 100x50" }, at: "55m" },
    ],
  },
  ModelErrorBudgetSlowBurn: {
    // 0.4 %: too little for the fast burn, four times what 99.9 % allows.
    fires: [{ series: { [answered]: "0+996x70", [refused]: "0+4x70" }, at: "1h", labels: { ...model, slo: "availability" }, ofService: true, value: "0.4%" }],
    nearMisses: [{ since: "0.09 % is what 99.9 % allows", series: { [answered]: "0+9991x70", [refused]: "0+9x70" }, at: "1h" }],
  },
  ModelLatencyBudgetFastBurn: {
    fires: [{ series: durations("0+80x50", "0+100x50"), at: "40m", labels: { ...model, slo: "latency" }, ofService: true, value: "20%" }],
    nearMisses: [
      { since: "5 % of slow answers are five times the budget, and not six", series: durations("0+95x50", "0+100x50"), at: "40m" },
      { since: "it is one slow answer of two", series: durations("0x29 1x60", "0x29 2x60"), at: "31m" },
    ],
  },
  ModelLatencyBudgetSlowBurn: {
    fires: [{ series: durations("0+96x70", "0+100x70"), at: "1h", labels: { ...model, slo: "latency" }, ofService: true, value: "4%" }],
    nearMisses: [{ since: "0.9 % is what 99 % allows", series: durations("0+991x70", "0+1000x70"), at: "1h" }],
  },
  ModelFallbackBudgetFastBurn: {
    fires: [{ series: { [answered]: "0+80x50", [byFallback]: "0+20x50" }, at: "40m", labels: { ...model, slo: "quality" }, ofService: true, value: "20%" }],
    nearMisses: [
      { since: "5 % are five times the budget, and not six", series: { [answered]: "0+95x50", [byFallback]: "0+5x50" }, at: "40m" },
      { since: "a failover of two minutes, after a day's work without one, is what the ladder is for", series: { [answered]: "0+100x420 42000x2 42100+100x33", [byFallback]: "0x420 100 200x35" }, at: "7h3m" },
    ],
  },
  ModelFallbackBudgetSlowBurn: {
    fires: [{ series: { [answered]: "0+96x70", [byFallback]: "0+4x70" }, at: "1h", labels: { ...model, slo: "quality" }, ofService: true, value: "4%" }],
    nearMisses: [{ since: "0.9 % is what 99 % allows", series: { [answered]: "0+991x70", [byFallback]: "0+9x70" }, at: "1h" }],
  },
  ModelAnsweredByFallback: {
    fires: [{ series: { [answered]: "0+57x20", [byFallback]: "0+3x20" }, at: "20m", quietAt: "4m", labels: model, value: "5%" }],
    nearMisses: [{ since: "0.9 % are a retry here and there", series: { [answered]: "0+991x20", [byFallback]: "0+9x20" }, at: "20m" }],
  },
  ModelHighLatency: {
    // A tenth take longer than the bound; the 99th percentile lies nine tenths of the way to the next one.
    fires: [{ series: { ...durations("0+54x30", "0+60x30"), [answered]: "0+60x30" }, at: "30m", quietAt: "9m", labels: model, value: "2.35s" }],
    nearMisses: [{ since: "one answer in two hundred is slow", series: { ...durations("0+199x30", "0+200x30"), [answered]: "0+200x30" }, at: "30m" }],
  },
} as const satisfies Stories;
