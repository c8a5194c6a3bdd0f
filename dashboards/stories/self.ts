/** Stories about Pilotfish itself. */
import type { Series, Stories } from "./story.ts";

const dropped = (what: string, values: string): Series => ({ [`pilotfish_dropped_total{what="${what}"}`]: values });
const taken = (values: string): Series => ({ 'pilotfish_samples_total{result="taken"}': values });
const analysed = (values: string): Series => ({ 'pilotfish_analysis_rows_total{model="employment", result="analysed"}': values });
const source = (collector: string, values: string): Series => ({ [`pilotfish_collector_up{collector="${collector}"}`]: values });
const writes = (result: string, values: string): Series => ({ [`pilotfish_store_writes_total{result="${result}"}`]: values });
const pushes = (ok: string, failed: string): Series => ({ 'pilotfish_notifications_total{result="ok"}': ok, 'pilotfish_notifications_total{result="failed"}': failed });
const started = 'pilotfish_process_start_time_seconds{process="pilotfish"}';

export const self = {
  PilotfishAbsent: {
    fires: [{ series: {}, at: "10m", quietAt: "4m", ofService: true }],
    nearMisses: [{ since: "there is a target, though it does not answer", series: { up: "0x20" }, at: "10m" }],
  },
  PilotfishDown: {
    fires: [{ series: { up: "1x4 0x10" }, at: "10m", quietAt: "5m" }],
    nearMisses: [{ since: "one scrape was lost", series: { up: "1x4 0 1x10" }, at: "5m" }],
  },
  PilotfishCrashLooping: {
    fires: [{ series: { [started]: "1000x5 1100x5 1200x5 1300x20" }, at: "20m", quietAt: "17m", labels: { process: "pilotfish" }, value: "3" }],
    nearMisses: [{ since: "an upgrade is one new start", series: { [started]: "1000x5 1100x30" }, at: "20m" }],
  },
  PilotfishAnalysisDown: {
    fires: [{ series: dropped("analysis-thread", "_x5 1x30"), at: "10m", quietAt: "4m", labels: { what: "analysis-thread" } }],
    nearMisses: [{ since: "a full queue is another matter", series: dropped("analysis-queue", "_x5 1x30"), at: "10m" }],
  },
  PilotfishAnalysisBlind: {
    fires: [{ series: { ...taken("0+60x60"), ...analysed("7x60") }, at: "1h", value: "900" }],
    nearMisses: [
      { since: "rows are analysed", series: { ...taken("0+60x60"), ...analysed("0+1x60") }, at: "1h" },
      { since: "there is hardly any traffic", series: { ...taken("0x50 5x10"), ...analysed("7x60") }, at: "1h" },
    ],
  },
  PilotfishProbeBlind: {
    fires: [{ series: { 'pilotfish_probe_last_success_time_seconds{probe="progress"}': "0x60" }, at: "15m", quietAt: "9m", labels: { probe: "progress" }, value: "15m 0s" }],
    nearMisses: [{ since: "it fails, which is no silence", series: { 'pilotfish_probe_last_success_time_seconds{probe="http"}': "0x60", 'pilotfish_probe_success{probe="http"}': "0x60" }, at: "15m" }],
  },
  PilotfishSamplesDropped: {
    fires: [{ series: { ...taken("0+60x60"), ...dropped("analysis-queue", "0+6x60") }, at: "1h", quietAt: "14m", value: "10%" }],
    nearMisses: [{ since: "3 % are little", series: { ...taken("0+100x60"), ...dropped("analysis-queue", "0+3x60") }, at: "1h" }],
  },
  PilotfishSeriesOverflow: {
    fires: [{ series: dropped("series", "0+1x60"), at: "30m", quietAt: "5m", labels: { what: "series" }, value: "15" }],
    nearMisses: [{ since: "it was long ago", series: dropped("series", "5x60"), at: "30m" }],
  },
  PilotfishExportsFailing: {
    fires: [{ series: dropped("points", "0+60x60"), at: "30m", quietAt: "14m", labels: { what: "points" }, value: "1" }],
    nearMisses: [{ since: "the Collector was away for five minutes", series: dropped("points", "0x10 60+60x5 360x50"), at: "30m" }],
  },
  PilotfishDropped: {
    fires: [{ series: dropped("last-good", "0+60x60"), at: "30m", quietAt: "14m", labels: { what: "last-good" }, value: "1" }],
    nearMisses: [{ since: "what has an alert of its own is told once", series: { ...dropped("points", "0+60x60"), ...dropped("series", "0+1x60"), ...dropped("analysis-queue", "0+60x60") }, at: "30m" }],
  },
  PilotfishCollectorDown: {
    fires: [{ series: source("server-metrics", "1x10 0x30"), at: "30m", quietAt: "15m", labels: { collector: "server-metrics" } }],
    nearMisses: [
      { since: "it never was there", series: source("server-cgroup", "0x60"), at: "30m" },
      { since: "the GPU has an alert of its own", series: source("gpu", "1x10 0x30"), at: "30m" },
    ],
  },
  PilotfishLoopLate: {
    fires: [{ series: { pilotfish_loop_delay_seconds: "0.5x30" }, at: "20m", quietAt: "9m", value: "500ms" }],
    nearMisses: [{ since: "a fifth of a second is felt, and no more", series: { pilotfish_loop_delay_seconds: "0.2x30" }, at: "20m" }],
  },
  PilotfishStateNotWritten: {
    fires: [{ series: { ...writes("ok", "0+6x60"), ...writes("failed", "0+6x60") }, at: "30m", quietAt: "5m", labels: { result: "failed" }, value: "60" }],
    nearMisses: [{ since: "one write failed long ago", series: { ...writes("ok", "0+6x60"), ...writes("failed", "1x60") }, at: "30m" }],
  },
  PilotfishStateInMemory: {
    fires: [{ series: writes("memory", "0+6x60"), at: "40m", quietAt: "5m", labels: { result: "memory" }, value: "180" }],
    nearMisses: [{ since: "writes that failed are another matter", series: { ...writes("memory", "0x60"), ...writes("failed", "0+6x60") }, at: "40m" }],
  },
  PilotfishConfigReloadFailed: {
    fires: [{ series: { pilotfish_config_last_reload_success: "1x4 0x10" }, at: "10m", quietAt: "5m" }],
    nearMisses: [{ since: "the next one was good", series: { pilotfish_config_last_reload_success: "1x4 0 1x10" }, at: "5m" }],
  },
  PilotfishAlertmanagerUnreachable: {
    fires: [{ series: pushes("40x60", "0+2x60"), at: "20m", quietAt: "5m", value: "100%" }],
    nearMisses: [{ since: "one of two Alertmanagers takes them, and a bit", series: pushes("0+6x60", "0+5x60"), at: "20m" }],
  },
} as const satisfies Stories;
