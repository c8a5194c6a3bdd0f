/** Stories about the GPU. */
import type { Series, Stories } from "./story.ts";

const gpu = { gpu: "GPU-a" };
const of = (name: string, values: string, labels = ""): Series => ({ [`${name}{gpu="GPU-a"${labels === "" ? "" : `, ${labels}`}}`]: values });
/** Its series comes into being with its first fault. */
const xid = (code: string, values = "_x5 1x60"): Series => of("pilotfish_gpu_xid_errors_total", values, `xid="${code}"`);
const reader = (values: string): Series => ({ 'pilotfish_collector_up{collector="gpu"}': values });
const info = (values: string): Series => of("pilotfish_gpu_info", values, 'name="NVIDIA H100", driver="590.48.01", source="nvml"');
const throttle = (reason: string, values: string): Series => of("pilotfish_gpu_throttle", values, `reason="${reason}"`);
const status = (state: string, values: string): Series => of("hw_status", values, `state="${state}"`);

export const gpus = {
  GpuFellOffBus: {
    fires: [
      { series: xid("79"), at: "10m", quietAt: "4m", labels: { ...gpu, xid: "79" } },
      { series: { ...info("1x10 stale"), ...reader("1x60") }, at: "15m", quietAt: "10m", labels: gpu },
    ],
    nearMisses: [
      { since: "another driver was loaded, and the card is there", series: { ...info("1x10 stale"), ...of("pilotfish_gpu_info", "_x11 1x50", 'name="NVIDIA H100", driver="600.1", source="nvml"'), ...reader("1x60") }, at: "15m" },
      { since: "nobody can read any card", series: { ...info("1x10 stale"), ...reader("1x10 0x50") }, at: "15m" },
      { since: "a page fault is the program's", series: { ...xid("31"), ...info("1x60"), ...reader("1x60") }, at: "10m" },
    ],
  },
  GpuFatalError: {
    fires: [
      { series: xid("48"), at: "8m", quietAt: "4m", labels: { ...gpu, xid: "48" } },
      { series: xid("119", "1x30 2x60"), at: "95m", labels: { ...gpu, xid: "119" } }, // kept for an hour after the ten minutes
    ],
    nearMisses: [
      { since: "it was hours ago", series: xid("48", "3x120"), at: "2h" },
      { since: "the program did it", series: xid("13"), at: "8m" },
    ],
  },
  GpuFault: {
    fires: [{ series: xid("63"), at: "8m", quietAt: "4m", labels: { ...gpu, xid: "63" } }],
    nearMisses: [
      { since: "it is fatal, which is told otherwise", series: xid("79"), at: "8m" },
      { since: "the program did it", series: xid("43"), at: "8m" },
    ],
  },
  GpuApplicationError: {
    fires: [{ series: xid("31"), at: "8m", quietAt: "4m", labels: { ...gpu, xid: "31" } }],
    nearMisses: [{ since: "no program did it", series: xid("63"), at: "8m" }],
  },
  GpuFailed: {
    fires: [{ series: status("failed", "0x4 1x10"), at: "10m", quietAt: "5m", labels: { ...gpu, state: "failed" } }],
    nearMisses: [{ since: "it is held back, and works", series: { ...status("failed", "0x20"), ...status("degraded", "1x20") }, at: "10m" }],
  },
  GpuMemoryErrors: {
    // Kept for an hour, though the count has stood still since.
    fires: [{ series: of("hw_errors_total", "0x5 1x60", 'type="uncorrected"'), at: "40m", quietAt: "5m", labels: { ...gpu, type: "uncorrected" } }],
    nearMisses: [
      { since: "they are from before", series: of("hw_errors_total", "3x60", 'type="uncorrected"'), at: "30m" },
      { since: "they were corrected", series: of("hw_errors_total", "0+5x60", 'type="corrected"'), at: "30m" },
    ],
  },
  GpuRowRemapFailed: {
    fires: [{ series: of("pilotfish_gpu_remap_failure", "0x5 1x10"), at: "10m", quietAt: "5m", labels: gpu }],
    nearMisses: [{ since: "there are rows left, and one waits", series: { ...of("pilotfish_gpu_remap_failure", "0x20"), ...of("pilotfish_gpu_remap_pending", "1x20") }, at: "10m" }],
  },
  GpuRowRemapPending: {
    fires: [{ series: of("pilotfish_gpu_remap_pending", "1x90"), at: "75m", quietAt: "59m", labels: gpu }],
    nearMisses: [{ since: "the card was reset at once", series: of("pilotfish_gpu_remap_pending", "1x30 0x60"), at: "75m" }],
  },
  GpuThrottled: {
    fires: [{ series: throttle("hw_thermal", "1x20"), at: "10m", quietAt: "4m", labels: { ...gpu, reason: "hw_thermal" } }],
    nearMisses: [{ since: "a power cap is how a busy card runs", series: throttle("power_cap", "1x20"), at: "10m" }],
  },
  GpuPowerBraked: {
    fires: [{ series: throttle("hw_power_brake", "1x20"), at: "10m", quietAt: "4m", labels: { ...gpu, reason: "hw_power_brake" } }],
    nearMisses: [{ since: "a power cap is how a busy card runs", series: { ...throttle("power_cap", "1x20"), ...throttle("hw_power_brake", "1x2 0x20") }, at: "10m" }],
  },
  GpuHot: {
    fires: [
      { series: of("pilotfish_gpu_temperature_margin_celsius", "3x30"), at: "20m", quietAt: "9m", labels: gpu, value: "3" },
      { series: { ...of("hw_temperature_limit_celsius", "90x30", 'type="slowdown"'), ...of("hw_temperature_celsius", "87x30") }, at: "20m", quietAt: "9m", labels: gpu, value: "3" },
    ],
    nearMisses: [
      { since: "there are six degrees left", series: of("pilotfish_gpu_temperature_margin_celsius", "6x30"), at: "20m" },
      { since: "it is hot for its operation, and far from slowing down", series: { ...of("hw_temperature_limit_celsius", "90x30", 'type="operating"'), ...of("hw_temperature_celsius", "89x30") }, at: "20m" },
    ],
  },
  GpuMemoryHot: {
    fires: [{ series: { ...of("hw_temperature_limit_celsius", "95x30", 'type="memory"'), ...of("pilotfish_gpu_memory_temperature_celsius", "93x30") }, at: "20m", quietAt: "9m", labels: gpu, value: "2" }],
    nearMisses: [{ since: "there are six degrees left", series: { ...of("hw_temperature_limit_celsius", "95x30", 'type="memory"'), ...of("pilotfish_gpu_memory_temperature_celsius", "89x30") }, at: "20m" }],
  },
  GpuMemoryNearlyFull: {
    fires: [{ series: { ...of("hw_gpu_memory_usage_bytes", "98x30"), ...of("hw_gpu_memory_limit_bytes", "100x30") }, at: "20m", quietAt: "14m", labels: gpu, value: "98%" }],
    nearMisses: [{ since: "servers take 96 % at their start and live with it", series: { ...of("hw_gpu_memory_usage_bytes", "96x30"), ...of("hw_gpu_memory_limit_bytes", "100x30") }, at: "20m" }],
  },
  PilotfishGpuUnknown: {
    fires: [{ series: reader("1x10 0x30"), at: "20m", quietAt: "14m", labels: { collector: "gpu" } }],
    nearMisses: [
      { since: "there never was a GPU", series: reader("0x60"), at: "30m" },
      { since: "the driver answered again", series: reader("1x10 0x3 1x30"), at: "20m" },
    ],
  },
} as const satisfies Stories;
