/**
 * Does the ladder hold? Failover itself is pushed by Pilotfish at once; here is what wears the ladder out: a failover that
 * lasts, rungs that would answer badly, budgets that are spent, load that is turned away.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, oneOf, rate, sumWithout } from "../promql.ts";
import { selecting, type Alerts } from "./alert.ts";

export function failover(options: DashboardsOptions) {
  const from = selecting(options);
  const { thresholds } = options;

  return {
    ModelFailoverLong: {
      urgency: "ticket",
      expr: `${sumWithout(["state"], from(instruments.failoverState, { state: oneOf(["failed", "isolated"]) }))} == 1`,
      for: thresholds.failover,
      summary: "The failover of {{ $labels.model }} lasts",
      description: `For ${thresholds.failover} or longer {{ $labels.instance }} has kept requests from the model server. The ladder is for minutes: mend the server, or end an override that was forgotten.`,
      board: "failover",
    },
    ModelNoRungLeft: {
      urgency: "page",
      expr: `${from(instruments.activeRung, { rung: "none" })} == 1`,
      for: "1m",
      summary: "Nobody is left to answer for {{ $labels.model }}",
      description: "At {{ $labels.instance }} the model server is out of the way and no rung of the ladder may answer, so clients get errors. Look which rungs there are and why they are passed over.",
      board: "failover",
    },
    RungIneligible: {
      urgency: "ticket",
      expr: `${from(instruments.rungEligible)} == 0`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "The rung {{ $labels.rung }} would answer badly",
      description: "Tried with copies at {{ $labels.instance }}, it is proved to be wrong too often, so a failover passes it over. Look at its agreement, then train or replace it.",
      board: "failover",
    },
    RungDisagrees: {
      urgency: "ticket",
      expr: `${from(instruments.rungAgreement)} < ${thresholds.agreement}`,
      for: "30m",
      keepFiringFor: "30m",
      summary: "The rung {{ $labels.rung }} does not answer as the primary does",
      description: "Of the latest copies at {{ $labels.instance }} it agrees in {{ $value | humanizePercentage }} of the rows. Look whether the rung is old or the primary has changed.",
      board: "failover",
    },
    EnsembleDisagrees: {
      urgency: "ticket",
      expr: `avg_over_time(${from(instruments.rungDisagreement)}[15m]) > ${thresholds.disagreement}`,
      for: "15m",
      keepFiringFor: "30m",
      summary: "The members of the ensemble {{ $labels.rung }} contradict each other",
      description: "Over 15 minutes they disagreed by {{ $value | humanizePercentage }} on average at {{ $labels.instance }}. Look whether a member is stale, or the inputs are like none before.",
      board: "failover",
    },
    ModelRetryBudgetExhausted: {
      urgency: "ticket",
      expr: `${sumWithout(["result"], rate(from(instruments.retries, { result: "refused" }), "5m"))} / ${sumWithout(["result"], rate(from(instruments.retries), "5m"))} > 0.5 and ${sumWithout(["result"], increase(from(instruments.retries, { result: "refused" }), "5m"))} > 10`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "Second attempts at {{ $labels.instance }} are spent",
      description: "{{ $value | humanizePercentage }} of the wanted second attempts were refused, since the budget that keeps retries from becoming a storm is spent. Look why so many first attempts fail.",
      board: "failover",
    },
    ModelRequestsQuarantined: {
      urgency: "ticket",
      expr: `${from(instruments.suspects)} > 0`,
      for: "5m",
      keepFiringFor: "30m",
      summary: "Requests are suspect of crashing the model server beside {{ $labels.instance }}",
      description: "{{ $value | humanize }} requests were in flight at a crash and are tried alone or refused. Look for them in the log, and what they have in common.",
      board: "failover",
    },
    ModelLoadShed: {
      urgency: "ticket",
      expr: `${sumWithout(["priority"], rate(from(instruments.unplaced), "5m"))} / on (job, instance) sum by (job, instance) (${rate(from(instruments.requests), "5m")}) > ${thresholds.shed}`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "The model server beside {{ $labels.instance }} has not room for all requests",
      description: "{{ $value | humanizePercentage }} of them found no place under the limit that was found from its latencies. Look whether the load grew or the server became slower.",
      board: "inference",
    },
  } as const satisfies Alerts;
}
