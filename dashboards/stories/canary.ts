/** Stories about rollouts: a candidate that does harm, a trial that stands still, a world that does not do as it was told. */
import type { Series, Stories } from "./story.ts";

const of = (name: string, labels: string, values: string): Series => ({ [`${name}{model="employment"${labels}}`]: values });
const phase = (name: string, values: string, more = ""): Series => of("pilotfish_rollout_phase", `, phase="${name}"${more}`, values);
const verdict = (name: string, values: string, more = ""): Series => of("pilotfish_rollout_verdict", `, verdict="${name}"${more}`, values);
const weight = (values: string): Series => of("pilotfish_rollout_weight_ratio", "", values);
const trials = (side: string, result: string, values: string): Series => of("pilotfish_trials_total", `, side="${side}", result="${result}"`, values);
const copies = (result: string, values: string): Series => of("pilotfish_shadow_copies_total", `, result="${result}"`, values);
const told = (actuator: string, action: string, result: string, values: string): Series => ({ [`pilotfish_rollout_actuations_total{actuator="${actuator}", action="${action}", result="${result}"}`]: values });
const changes = (values: string): Series => of("pilotfish_model_version_changes_total", "", values);
const retrains = (result: string, values: string): Series => of("pilotfish_retrain_requests_total", `, result="${result}"`, values);
/** One of several sidecars that try the candidate: the evidence against it, of which 2.3 are harm. */
const sidecar = (instance: string, evidence: string, inPhase = "trying"): Series => ({
  ...phase(inPhase, "1x60", `, instance="${instance}"`),
  ...of("pilotfish_rollout_evidence", `, comparison="errors", instance="${instance}"`, evidence),
  ...of("pilotfish_rollout_evidence_threshold", `, comparison="errors", instance="${instance}"`, "2.3x60"),
});
const model = { model: "employment" };

export const canary = {
  RolloutHarming: {
    // In mode `notify` it asks, and the share stays as it is.
    fires: [{ series: { ...weight("0.1x20"), ...phase("trying", "1x5 0x15"), ...phase("asking", "0x5 1x15"), ...verdict("harm", "0x5 1x15") }, at: "15m", quietAt: "9m", labels: model, value: "10%" }],
    nearMisses: [
      { since: "it was aborted, and has no traffic", series: { ...weight("0.1x5 0x15"), ...phase("trying", "1x5 0x15"), ...phase("aborted", "0x5 1x15"), ...verdict("harm", "0x5 1x15") }, at: "15m" },
      { since: "it was promoted long ago, and the verdict is of another candidate", series: { ...weight("1x20"), ...phase("promoted", "1x20"), ...verdict("harm", "1x20") }, at: "15m" },
      { since: "there is no verdict yet", series: { ...weight("0.1x20"), ...phase("trying", "1x20"), ...verdict("harm", "0x20"), ...verdict("continue", "1x20") }, at: "15m" },
    ],
  },
  RolloutRollbackUnconfirmed: {
    fires: [
      { series: told("repository", "roll-back", "unconfirmed", "_x10 1x20"), at: "12m", quietAt: "9m", labels: { actuator: "repository", action: "roll-back", result: "unconfirmed" } },
      { series: told("kserve", "roll-back", "failed", "0x10 1x20"), at: "12m", labels: { actuator: "kserve", action: "roll-back", result: "failed" } },
    ],
    nearMisses: [
      { since: "it was done", series: told("repository", "roll-back", "done", "_x10 1x20"), at: "12m" },
      { since: "another step was not confirmed, and takes no traffic anywhere", series: told("repository", "weight", "unconfirmed", "_x10 1x20"), at: "12m" },
      { since: "it was an hour ago", series: told("repository", "roll-back", "failed", "_x10 1x80"), at: "70m" },
    ],
  },
  RolloutActuationFailed: {
    fires: [{ series: told("webhook", "promote", "failed", "_x10 1x20"), at: "12m", quietAt: "9m", labels: { actuator: "webhook", action: "promote", result: "failed" } }],
    nearMisses: [
      { since: "there is nothing to tell it", series: told("webhook", "weight", "skipped", "_x10 1x20"), at: "12m" },
      { since: "a rollback has a page of its own", series: told("webhook", "roll-back", "failed", "_x10 1x20"), at: "12m" },
    ],
  },
  RolloutUndecided: {
    fires: [
      { series: phase("asking", "0x10 1x60"), at: "45m", quietAt: "39m", labels: model },
      // The time box is over after ten minutes, and nobody asks.
      { series: { ...phase("trying", "1x60"), ...of("pilotfish_rollout_step_until_time_seconds", "", "600x60") }, at: "45m", quietAt: "39m", labels: model },
    ],
    nearMisses: [
      { since: "somebody decided within the half hour", series: phase("asking", "0x10 1x25 0x30"), at: "45m" },
      { since: "the time box goes on", series: { ...phase("trying", "1x60"), ...of("pilotfish_rollout_step_until_time_seconds", "", "3600x60") }, at: "45m" },
      { since: "it was aborted when the box was over", series: { ...phase("trying", "1x10 0x50"), ...phase("aborted", "0x10 1x50"), ...of("pilotfish_rollout_step_until_time_seconds", "", "600x10 stale") }, at: "45m" },
    ],
  },
  RolloutWithoutTrials: {
    // 10 % of 20 requests a minute for 15 minutes are 30.
    fires: [{ series: { ...phase("trying", "1x60"), ...weight("0.1x60"), ...trials("primary", "ok", "0+20x60") }, at: "30m", quietAt: "8m", labels: model, value: "30" }],
    nearMisses: [
      { since: "it gets some", series: { ...phase("trying", "1x60"), ...weight("0.1x60"), ...trials("primary", "ok", "0+20x60"), ...trials("candidate", "rescued", "0x10 0+1x50") }, at: "30m" },
      { since: "there is too little traffic to tell", series: { ...phase("trying", "1x60"), ...weight("0.1x60"), ...trials("primary", "ok", "0+6x60") }, at: "30m" },
      { since: "only copies are tried", series: { ...phase("trying", "1x60"), ...weight("0x60"), ...trials("primary", "ok", "0+20x60") }, at: "30m" },
      { since: "a person is asked, and nothing is to be tried", series: { ...phase("asking", "1x60"), ...weight("0.1x60"), ...trials("primary", "ok", "0+20x60") }, at: "30m" },
    ],
  },
  RolloutJudgeBlind: {
    fires: [{ series: { ...phase("trying", "1x30"), ...weight("0.1x30") }, at: "15m", quietAt: "9m", labels: model, value: "10%" }],
    nearMisses: [
      { since: "it says that it does not know yet", series: { ...phase("trying", "1x30"), ...weight("0.1x30"), ...verdict("continue", "1x30"), ...verdict("harm", "0x30") }, at: "15m" },
      { since: "it began a few minutes ago", series: { ...phase("trying", "_x10 1x20"), ...weight("_x10 0.1x20") }, at: "15m" },
      { since: "nothing is tried", series: { ...phase("aborted", "1x30"), ...phase("trying", "0x30"), ...weight("0x30") }, at: "15m" },
    ],
  },
  RolloutFleetHarm: {
    // Evidence of ten each, a thousand together; 200 are harm.
    fires: [{ series: { ...sidecar("a", "1x60"), ...sidecar("b", "1x60"), ...sidecar("c", "1x60"), ...verdict("harm", "0x60", ', instance="a"') }, at: "10m", quietAt: "1m", labels: { ...model, comparison: "errors" }, ofService: true, value: "3.00" }],
    nearMisses: [
      { since: "what speaks for it at one counts too", series: { ...sidecar("a", "1x60"), ...sidecar("b", "2x60"), ...sidecar("c", "-1x60") }, at: "10m" },
      { since: "a sidecar calls harm itself", series: { ...sidecar("a", "3x60"), ...sidecar("b", "1x60"), ...verdict("harm", "1x60", ', instance="a"') }, at: "10m" },
      { since: "two of them tried another candidate, before", series: { ...sidecar("a", "1x60"), ...sidecar("b", "1x60", "promoted"), ...sidecar("c", "1x60", "aborted") }, at: "10m" },
    ],
  },
  ShadowCopiesLetGo: {
    fires: [{ series: { ...copies("asked", "0+20x60"), ...copies("busy", "0+60x60"), ...copies("rate", "0+20x60") }, at: "40m", quietAt: "15m", labels: model, value: "80%" }],
    nearMisses: [
      { since: "a third is the bound at work", series: { ...copies("asked", "0+60x60"), ...copies("rate", "0+30x60") }, at: "40m" },
      { since: "of a few copies in an hour", series: { ...copies("asked", "0x30 1x30"), ...copies("busy", "0x30 9x30") }, at: "40m" },
    ],
  },
  ModelVersionChanged: {
    fires: [{ series: { ...changes("_x10 1x20"), ...phase("aborted", "1x30") }, at: "12m", quietAt: "9m", labels: model }],
    nearMisses: [
      { since: "a rollout ended a moment ago, in which it was tried", series: { ...changes("0x30 1x20"), ...phase("trying", "1x29 0x30") }, at: "32m" },
      { since: "it was an hour ago", series: changes("0x10 1x90"), at: "70m" },
    ],
  },
  ModelVersionFlapping: {
    // A change every ten minutes, six an hour.
    fires: [{ series: changes("0x9 1x9 2x9 3x9 4x9 5x9 6x9"), at: "60m", quietAt: "30m", labels: model, value: "6" }],
    nearMisses: [{ since: "there and back is a rollout that was aborted", series: changes("0x20 1x10 2x40"), at: "60m" }],
  },
  RetrainRequestsFailing: {
    fires: [{ series: retrains("undelivered", "_x10 1x20"), at: "12m", quietAt: "9m", labels: { ...model, result: "undelivered" } }],
    nearMisses: [
      { since: "pause or budget kept it back", series: retrains("held", "_x10 1x20"), at: "12m" },
      { since: "it was taken", series: retrains("done", "_x10 1x20"), at: "12m" },
      { since: "it was in the morning", series: retrains("undelivered", "0x10 1x200"), at: "3h" },
    ],
  },
} as const satisfies Stories;
