/**
 * Does the new version do as well as the old one, and does its rollout go on? The judge and the rollout decide by themselves;
 * these alerts are for what they can not: a person who must, a world that does not do as it was told, a trial that nobody sees,
 * and what only all sidecars together can know.
 */
import { instruments } from "../../exporters/instruments.ts";
import { fleetEvidence, fleetHarm, running, triedNow } from "../fleet-rollout.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, oneOf, sumWithout } from "../promql.ts";
import { happened, selecting, type Alerts } from "./alert.ts";

/** What became of an actuation that nobody should take for done. */
const undone = oneOf(["failed", "unconfirmed"]);

export function canary(options: DashboardsOptions) {
  const from = selecting(options);
  const { undecided, letGo, versionChanges } = options.thresholds.rollout;
  const tried = triedNow(from(instruments.rolloutPhase, running));
  const trying = triedNow(from(instruments.rolloutPhase, { phase: "trying" }));
  const weight = from(instruments.rolloutWeight);
  const trials = (side: string) => sumWithout(["side", "result"], increase(from(instruments.trials, { side }), "15m"));
  const copies = (result?: string) => sumWithout(["result"], increase(from(instruments.shadowCopies, result === undefined ? {} : { result }), "15m"));
  const service = [...options.group, "model"].join(", ");

  return {
    RolloutHarming: {
      urgency: "page",
      expr: `${weight} > 0 and ignoring (verdict) ${from(instruments.rolloutVerdict, { verdict: "harm" })} == 1 and ${tried}`,
      for: "5m",
      summary: "A candidate of {{ $labels.model }} does harm and still has traffic",
      description: "The judge calls harm, and {{ $value | humanizePercentage }} of the traffic still goes to the candidate at {{ $labels.instance }}. Run pilotfish rollout abort unless you know better.",
      board: "rollout",
    },
    RolloutRollbackUnconfirmed: {
      urgency: "page",
      expr: happened(from(instruments.actuations, { action: "roll-back", result: undone }), "10m"),
      keepFiringFor: "15m",
      summary: "A rollback at {{ $labels.instance }} was not confirmed: {{ $labels.actuator }}",
      description: "The gateway deals the candidate nothing any more, but {{ $labels.actuator }} at {{ $labels.instance }} was told of the rollback and nothing shows that it did it ({{ $labels.result }}). Do there by hand what it should have done.",
      board: "rollout",
    },
    RolloutActuationFailed: {
      urgency: "ticket",
      expr: happened(from(instruments.actuations, { action: "!roll-back", result: undone }), "15m"),
      keepFiringFor: "15m",
      summary: "The world was not told of a rollout's {{ $labels.action }}: {{ $labels.actuator }}",
      description: "{{ $labels.actuator }} of {{ $labels.instance }} did not take it or did not confirm it ({{ $labels.result }}), after all attempts. Look in pilotfish rollout status what it answered.",
      board: "rollout",
    },
    RolloutUndecided: {
      urgency: "ticket",
      expr: `${sumWithout(["phase"], from(instruments.rolloutPhase, { phase: "asking" }))} == 1 or time() - ${from(instruments.rolloutStepUntil)} > 0 and ${trying}`,
      for: undecided,
      summary: "A rollout of {{ $labels.model }} waits for a person",
      description: "It asks whether to go on, or its step's time box is over without a verdict, at {{ $labels.instance }}. Decide by pilotfish rollout promote or abort.",
      board: "rollout",
    },
    RolloutWithoutTrials: {
      urgency: "ticket",
      // So many that even one who deals by chance would have dealt it some: none of ten comes once in 22,000 times.
      expr: `(${trials("primary")} * ${weight} > 10 unless ${trials("candidate")} > 0) and ${trying}`,
      for: "5m",
      summary: "A candidate of {{ $labels.model }} gets no requests",
      description: 'For 15 minutes nothing was dealt to it at {{ $labels.instance }}, where about {{ $value | printf "%.0f" }} requests were its share, so nothing can be judged. Look by which key clients are dealt, and how many there are.',
      board: "rollout",
    },
    RolloutJudgeBlind: {
      urgency: "ticket",
      expr: `${weight} > 0 and ${trying} unless ${sumWithout(["verdict"], from(instruments.rolloutVerdict))}`,
      for: "10m",
      summary: "Nobody judges a candidate of {{ $labels.model }} that has traffic",
      description: "{{ $value | humanizePercentage }} of the traffic goes to it at {{ $labels.instance }}, and the judge says nothing: no harm would be found. Look whether the analysis lives, or abort.",
      board: "rollout",
    },
    RolloutFleetHarm: {
      urgency: "ticket",
      expr: `${fleetEvidence} and ${fleetHarm} == 1 unless on (${service}) max by (${service}) (${from(instruments.rolloutVerdict, { verdict: "harm" })}) == 1`,
      for: "2m",
      keepFiringFor: "15m",
      summary: "All sidecars together find harm in a candidate of {{ $labels.model }}: {{ $labels.comparison }}",
      description: 'No sidecar has seen enough to call harm alone, but their evidence multiplied is 10 to the power of {{ $value | printf "%.2f" }}, beyond the threshold. Look whether the effect matters, and abort at each of them.',
      board: "rollout",
    },
    ShadowCopiesLetGo: {
      urgency: "info",
      expr: `${copies("!asked")} / ${copies()} > ${letGo} and ${copies()} > 100`,
      for: "15m",
      summary: "Most copies for the candidate at {{ $labels.instance }} are let go",
      description: "{{ $value | humanizePercentage }} of the copies for a candidate of {{ $labels.model }} were let go, so comparing takes longer and sees the quiet hours more. Look why: a bound of rollout.shadow, or a candidate that is slow.",
      board: "rollout",
    },
    ModelVersionChanged: {
      urgency: "info",
      expr: `${happened(from(instruments.versionChanges), "15m")} unless on (${service}) max by (${service}) (max_over_time(${from(instruments.rolloutPhase, running)}[1h])) == 1`,
      summary: "Another version of {{ $labels.model }} serves, and no rollout brought it",
      description: "The server at {{ $labels.instance }} answers with another version, artefact or reference than before, and nothing was tried within the hour. Look who changed it, and whether the reference is still the right one.",
      board: "rollout",
    },
    ModelVersionFlapping: {
      urgency: "ticket",
      expr: `${increase(from(instruments.versionChanges), "1h")} > ${versionChanges}`,
      keepFiringFor: "30m",
      summary: "The version of {{ $labels.model }} changes again and again",
      description: "{{ $value | humanize }} changes within an hour at {{ $labels.instance }}: replicas of different versions behind one address, or two who deploy. Look what answers there.",
      board: "rollout",
    },
    RetrainRequestsFailing: {
      urgency: "ticket",
      expr: happened(from(instruments.retrains, { result: oneOf(["undelivered", "no-window"]) }), "1h"),
      keepFiringFor: "1h",
      summary: "Requests to train {{ $labels.model }} anew do not arrive, or not whole",
      description: "The model drifted or does worse, and whoever should train it did not take the request from {{ $labels.instance }}, or got it without its window of rows ({{ $labels.result }}). Look what the receiver answers; start the training by hand.",
      board: "rollout",
    },
  } as const satisfies Alerts;
}
