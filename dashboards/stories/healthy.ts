/**
 * Hours in which nothing may alarm. They are no idle hours: they stay just under every threshold, and have in them all that
 * must not alarm, such as clients who hang up, a GPU at its power cap, and a source that never was there.
 */
import type { Series } from "./story.ts";

export const healthyHours = 4;
const n = healthyHours * 60;

const requests = (rung: string, reason: string, outcome: string) => `pilotfish_gateway_requests_total{model="employment", rung="${rung}", reason="${reason}", outcome="${outcome}"}`;
const duration = (le: string) => `pilotfish_gateway_request_duration_seconds_bucket{model="employment", rung="primary", outcome="ok", le="${le}"}`;
const alarm = (stream: string) => `pilotfish_drift_alarm{model="employment", stream="${stream}"}`;
const state = (name: string) => `pilotfish_failover_state{model="employment", state="${name}"}`;
const rollout = (name: string, labels = "") => `pilotfish_rollout_${name}{model="employment"${labels === "" ? "" : `, ${labels}`}}`;
const bin = (name: string, at: string) => `${name}{model="employment", reference="0123abcd", feature="age", bin="${at}"}`;

export const healthy: Series = {
  up: `1x${n}`,
  [requests("primary", "normal", "ok")]: `0+9960x${n}`,
  [requests("small", "timeout", "ok")]: `0+40x${n}`,
  [requests("primary", "no-rung", "error")]: `0+5x${n}`, // half of what the objective allows
  [requests("primary", "normal", "rejected")]: `0+900x${n}`,
  [requests("primary", "normal", "cancelled")]: `0+900x${n}`,
  [requests("primary", "normal", "too-large")]: `0+900x${n}`,
  [duration("1")]: `0+9950x${n}`,
  [duration("2.5")]: `0+10000x${n}`,
  [duration("+Inf")]: `0+10000x${n}`,
  'pilotfish_probe_success{probe="http"}': `1x${n}`,
  'pilotfish_probe_success{probe="inference"}': `1x${n}`, // `progress` is absent: unknown, since the server has no counter.
  [state("unknown")]: `0x${n}`,
  [state("healthy")]: `1x${n}`,
  [state("degraded")]: `0x${n}`,
  [state("failed")]: `0x${n}`,
  [state("isolated")]: `0x${n}`,
  'pilotfish_failover_rung{model="employment", rung="primary"}': `1x${n}`,
  'pilotfish_failover_rung{model="employment", rung="none"}': `0x${n}`,
  'pilotfish_failover_transitions_total{model="employment", from="suspect", to="healthy", reason="normal"}': `0+1x${n}`,
  'pilotfish_failover_transitions_total{model="employment", from="suspect", to="failed", reason="timeout"}': `0x100 1x80 2x${n - 182}`,
  'pilotfish_process_start_time_seconds{process="server"}': `1000x${n}`,
  'pilotfish_process_start_time_seconds{process="pilotfish"}': `1000x${n}`,
  pilotfish_server_queue: `40x${n}`,
  'pilotfish_rung_eligible{rung="small"}': `1x${n}`,
  'pilotfish_rung_agreement_ratio{rung="small"}': `0.81x${n}`,
  'pilotfish_ladder_disagreement_ratio{rung="committee"}': `0.4x${n}`,
  'pilotfish_gateway_retries_total{result="taken"}': `0+20x${n}`,
  'pilotfish_gateway_retries_total{result="refused"}': `0+10x${n}`,
  pilotfish_quarantine_suspects: `0x${n}`,
  'pilotfish_gateway_unplaced_total{priority="low"}': `0+400x${n}`,
  [alarm("features")]: `0x${n}`,
  [alarm("mistakes")]: `0x${n}`,
  [alarm("calibration")]: `0x${n}`,
  'pilotfish_contract_requests_total{result="passed"}': `0+960x${n}`,
  'pilotfish_contract_requests_total{result="rejected"}': `0+40x${n}`,
  [bin("pilotfish_drift_bin_rows_total", "1")]: `0+45x${n}`,
  [bin("pilotfish_drift_bin_rows_total", "2")]: `0+55x${n}`,
  [bin("pilotfish_drift_bin_reference_ratio", "1")]: `0.5x${n}`,
  [bin("pilotfish_drift_bin_reference_ratio", "2")]: `0.5x${n}`,
  'pilotfish_performance_bound{model="employment", metric="accuracy", kind="realised", bound="lower"}': `0.45x${n}`,
  'pilotfish_performance_bound{model="employment", metric="accuracy", kind="realised", bound="upper"}': `0.55x${n}`,
  // A rollout from the first hour on, that a person lets go on after twenty minutes; by then it has its time box behind it.
  [rollout("phase", 'phase="trying"')]: `0x60 1x80 0x20 1x${n - 163}`,
  [rollout("phase", 'phase="asking"')]: `0x141 1x20 0x${n - 163}`,
  [rollout("phase", 'phase="promoted"')]: `1x60 0x${n - 62}`,
  [rollout("weight_ratio")]: `1x60 0.1x${n - 62}`,
  [rollout("step_until_time_seconds")]: `_x61 ${140 * 60}x${140 - 61 + 20} ${n * 60 + 60}x${n - 163}`,
  [rollout("verdict", 'verdict="harm"')]: `1x60 0x${n - 62}`, // of the one before, which a person promoted all the same
  [rollout("verdict", 'verdict="continue"')]: `0x60 1x${n - 62}`,
  [rollout("evidence", 'comparison="errors"')]: `2.2x${n}`,
  [rollout("evidence_threshold", 'comparison="errors"')]: `2.3x${n}`,
  'pilotfish_trials_total{model="employment", side="primary", result="ok"}': `0+90x${n}`,
  'pilotfish_trials_total{model="employment", side="candidate", result="ok"}': `0+1x${n}`,
  'pilotfish_shadow_copies_total{model="employment", result="asked"}': `0+52x${n}`,
  'pilotfish_shadow_copies_total{model="employment", result="busy"}': `0+48x${n}`,
  'pilotfish_rollout_actuations_total{actuator="gateway", action="roll-back", result="done"}': `_x30 1x${n - 31}`,
  'pilotfish_rollout_actuations_total{actuator="kserve", action="roll-back", result="skipped"}': `_x30 1x${n - 31}`,
  'pilotfish_model_version_changes_total{model="employment"}': `0x100 1x5 2x${n - 107}`, // tried, and back
  'pilotfish_retrain_requests_total{model="employment", result="done"}': `_x30 1x${n - 31}`,
  'pilotfish_cpu_throttled_time_seconds_total{container="server"}': `0+12x${n}`,
  'container_memory_working_set_bytes{container="server"}': `890x${n}`,
  'k8s_container_memory_limit_current_bytes{container="server"}': `1000x${n}`,
  'container_memory_working_set_bytes{container="pilotfish"}': `100x${n}`, // without a limit
  'pilotfish_memory_oom_kills_total{container="server"}': `1x${n}`, // killed once, before
  'pilotfish_pressure_stall_time_seconds_total{container="server", resource="cpu", kind="some"}': `0+30x${n}`,
  'pilotfish_pressure_stall_time_seconds_total{container="server", resource="memory", kind="full"}': `0+5x${n}`,
  pilotfish_state_disk_free_bytes: `110x${n}`,
  pilotfish_state_disk_size_bytes: `1000x${n}`,
  'pilotfish_gpu_info{gpu="GPU-a", name="NVIDIA H100", driver="590.48.01", source="nvml"}': `1x${n}`,
  'hw_status{gpu="GPU-a", state="failed"}': `0x${n}`,
  'pilotfish_gpu_throttle{gpu="GPU-a", reason="power_cap"}': `1x${n}`,
  'pilotfish_gpu_throttle{gpu="GPU-a", reason="hw_thermal"}': `0x${n}`,
  'pilotfish_gpu_temperature_margin_celsius{gpu="GPU-a"}': `6x${n}`,
  'hw_errors_total{gpu="GPU-a", type="corrected"}': `0+1x${n}`,
  'hw_errors_total{gpu="GPU-a", type="uncorrected"}': `3x${n}`,
  'pilotfish_gpu_remap_failure{gpu="GPU-a"}': `0x${n}`,
  'pilotfish_gpu_remap_pending{gpu="GPU-a"}': `0x${n}`,
  'hw_gpu_memory_usage_bytes{gpu="GPU-a"}': `96x${n}`,
  'hw_gpu_memory_limit_bytes{gpu="GPU-a"}': `100x${n}`,
  'pilotfish_samples_total{result="taken"}': `0+98x${n}`,
  'pilotfish_dropped_total{what="analysis-queue"}': `0+2x${n}`,
  'pilotfish_dropped_total{what="spans"}': `5x${n}`,
  'pilotfish_dropped_total{what="series"}': `0x${n}`,
  'pilotfish_analysis_rows_total{model="employment", result="analysed"}': `0+98x${n}`,
  'pilotfish_collector_up{collector="server-cgroup"}': `1x${n}`,
  'pilotfish_collector_up{collector="gpu"}': `1x${n}`,
  'pilotfish_collector_up{collector="server-metrics"}': `0x${n}`, // the server has none
  pilotfish_loop_delay_seconds: `0.02x${n}`,
  'pilotfish_store_writes_total{result="ok"}': `0+6x${n}`,
  'pilotfish_store_writes_total{result="failed"}': `1x${n}`,
  pilotfish_config_last_reload_success: `1x${n}`,
  'pilotfish_notifications_total{result="ok"}': `0+9x${n}`,
  'pilotfish_notifications_total{result="failed"}': `0+1x${n}`,
};
