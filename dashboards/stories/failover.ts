/** Stories about the ladder. */
import type { Series, Stories } from "./story.ts";

const states = (failed: string, isolated: string): Series => ({
  'pilotfish_failover_state{model="employment", state="failed"}': failed,
  'pilotfish_failover_state{model="employment", state="isolated"}': isolated,
});
const rung = (name: string, values: string): Series => ({ [`pilotfish_failover_rung{model="employment", rung="${name}"}`]: values });
const retries = (taken: string, refused: string): Series => ({ 'pilotfish_gateway_retries_total{result="taken"}': taken, 'pilotfish_gateway_retries_total{result="refused"}': refused });
const shed = (unplaced: string, all: string): Series => ({
  'pilotfish_gateway_unplaced_total{priority="low"}': unplaced,
  'pilotfish_gateway_requests_total{model="employment", rung="primary", reason="normal", outcome="ok"}': all,
});
const small = { rung: "small" };

export const failover = {
  ModelFailoverLong: {
    fires: [{ series: states("1x20 0x60", "0x20 1x60"), at: "45m", quietAt: "29m", labels: { model: "employment" } }],
    nearMisses: [{ since: "the server was back after 25 minutes", series: states("1x25 0x60", "0x90"), at: "45m" }],
  },
  ModelNoRungLeft: {
    fires: [{ series: { ...rung("none", "0x4 1x10"), ...rung("primary", "1x4 0x10") }, at: "10m", quietAt: "5m", labels: { model: "employment", rung: "none" } }],
    nearMisses: [{ since: "a rung answers", series: { ...rung("none", "0x20"), ...rung("small", "1x20") }, at: "10m" }],
  },
  RungIneligible: {
    fires: [{ series: { 'pilotfish_rung_eligible{rung="small"}': "0x40" }, at: "30m", quietAt: "14m", labels: small }],
    nearMisses: [{ since: "it was put right within ten minutes", series: { 'pilotfish_rung_eligible{rung="small"}': "0x10 1x30" }, at: "30m" }],
  },
  RungDisagrees: {
    fires: [{ series: { 'pilotfish_rung_agreement_ratio{rung="small"}': "0.7x60" }, at: "45m", quietAt: "29m", labels: small, value: "70%" }],
    nearMisses: [{ since: "81 % is what was asked for", series: { 'pilotfish_rung_agreement_ratio{rung="small"}': "0.81x60" }, at: "45m" }],
  },
  EnsembleDisagrees: {
    fires: [{ series: { 'pilotfish_ladder_disagreement_ratio{rung="committee"}': "0.6x60" }, at: "45m", quietAt: "14m", labels: { rung: "committee" }, value: "60%" }],
    nearMisses: [{ since: "it was a handful of answers", series: { 'pilotfish_ladder_disagreement_ratio{rung="committee"}': "0.9x5 0.1x60" }, at: "20m" }],
  },
  ModelRetryBudgetExhausted: {
    fires: [{ series: retries("0+3x30", "0+9x30"), at: "20m", quietAt: "9m", value: "75%" }],
    nearMisses: [{ since: "most were taken", series: retries("0+9x30", "0+3x30"), at: "20m" }],
  },
  ModelRequestsQuarantined: {
    fires: [{ series: { pilotfish_quarantine_suspects: "2x20" }, at: "10m", quietAt: "4m", value: "2" }],
    nearMisses: [{ since: "they were cleared by a trial", series: { pilotfish_quarantine_suspects: "2x3 0x20" }, at: "10m" }],
  },
  ModelLoadShed: {
    fires: [{ series: shed("0+10x30", "0+100x30"), at: "20m", quietAt: "9m", value: "10%" }],
    nearMisses: [{ since: "4 % are the crests of waves", series: shed("0+4x30", "0+100x30"), at: "20m" }],
  },
} as const satisfies Stories;
