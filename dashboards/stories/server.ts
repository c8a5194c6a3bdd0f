/** Stories about the model server. */
import type { Series, Stories } from "./story.ts";

const probe = (name: string, values: string): Series => ({ [`pilotfish_probe_success{probe="${name}"}`]: values });
const state = (name: string, values: string): Series => ({ [`pilotfish_failover_state{model="employment", state="${name}"}`]: values });
const alarm = (stream: string, values: string): Series => ({ [`pilotfish_drift_alarm{model="employment", stream="${stream}"}`]: values });
const opened = 'pilotfish_failover_transitions_total{model="employment", from="suspect", to="failed", reason="refused"}';
const started = 'pilotfish_process_start_time_seconds{process="server"}';
const model = { model: "employment" };

export const server = {
  ModelServerUnreachable: {
    fires: [{ series: probe("http", "1x4 0x10"), at: "10m", quietAt: "5m", labels: { probe: "http" } }],
    nearMisses: [{ since: "it was one scrape", series: probe("http", "1x4 0 1x10"), at: "5m" }],
  },
  ModelServerFailsInference: {
    fires: [{ series: { ...probe("http", "1x15"), ...probe("inference", "1x4 0x10") }, at: "10m", quietAt: "5m", labels: { probe: "inference" } }],
    nearMisses: [{ since: "the question is answered well while the health endpoint is not", series: { ...probe("http", "0x15"), ...probe("inference", "1x15") }, at: "10m" }],
  },
  ModelServerStalled: {
    fires: [{ series: probe("progress", "1x4 0x10"), at: "10m", quietAt: "4m", labels: { probe: "progress" } }],
    nearMisses: [{ since: "a server without a counter of its progress is unknown, and not hung", series: probe("progress", "1x4 stale"), at: "10m" }],
  },
  ModelServerUnknown: {
    fires: [{ series: { ...state("unknown", "1x20"), ...state("healthy", "0x20") }, at: "10m", quietAt: "4m", labels: { ...model, state: "unknown" } }],
    nearMisses: [{ since: "it had just begun to look", series: { ...state("unknown", "1x3 0x20"), ...state("healthy", "0x3 1x20") }, at: "10m" }],
  },
  ModelServerDegraded: {
    fires: [{ series: state("degraded", "1x40"), at: "20m", quietAt: "14m", labels: { ...model, state: "degraded" } }],
    nearMisses: [{ since: "it was over after ten minutes", series: state("degraded", "1x10 0x30"), at: "20m" }],
  },
  ModelServerWorse: {
    fires: [{ series: alarm("latency", "0x5 1x30"), at: "15m", quietAt: "9m", labels: { ...model, stream: "latency" } }],
    nearMisses: [{ since: "features are the clients' doing", series: alarm("features", "0x5 1x30"), at: "15m" }],
  },
  ModelServerFlapping: {
    fires: [{ series: { [opened]: "0+1x60" }, at: "1h", labels: { ...model, to: "failed" }, value: "30" }],
    nearMisses: [{ since: "three times in half an hour is a bad day", series: { [opened]: "0x9 1x9 2x9 3x20" }, at: "30m" }],
  },
  ModelServerRestarted: {
    fires: [{ series: { [started]: "1000x9 1600x20" }, at: "12m", quietAt: "9m", labels: { process: "server" }, value: "1" }],
    nearMisses: [{ since: "it was not seen for a while, and is the same process", series: { [started]: "1000x5 stale _x3 1000x20" }, at: "12m" }],
  },
  ModelServerCrashLooping: {
    fires: [{ series: { [started]: "1000x5 1100x5 1200x5 1300x20" }, at: "20m", quietAt: "17m", labels: { process: "server" }, value: "3" }],
    nearMisses: [{ since: "it came up at the second attempt", series: { [started]: "1000x5 1100x5 1200x30" }, at: "20m" }],
  },
  ModelServerQueueing: {
    fires: [{ series: { pilotfish_server_queue: "60x30" }, at: "20m", quietAt: "9m", value: "60" }],
    nearMisses: [{ since: "a burst was over in a minute", series: { pilotfish_server_queue: "0x10 200 0x20" }, at: "12m" }],
  },
} as const satisfies Stories;
