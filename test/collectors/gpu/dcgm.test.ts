import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { systemClock } from "../../../agent/clock.ts";
import type { Reading } from "../../../agent/collectors/collector.ts";
import { dcgm, figuresOfDcgm } from "../../../agent/collectors/gpu/dcgm.ts";
import { pointsOf } from "../../../agent/collectors/gpu/figures.ts";
import { parsePrometheusText } from "../../../agent/adapters/prometheus-text.ts";
import { ask } from "../../../agent/forward/ask.ts";
import { prometheusName } from "../../../exporters/instruments.ts";
import { testServer } from "../../probes/server.ts";

const read = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8");

const named = (points: Reading["points"]) =>
  Object.fromEntries(points.map(({ instrument, labels, value }) => [[prometheusName(instrument), ...Object.values(labels).slice(1)].join(" "), value]));

async function readingOf(page: string, options: { pod?: string; namespace?: string; status?: number } = {}): Promise<Reading> {
  await using server = await testServer((_, response) => response.writeHead(options.status ?? 200).end(page));
  return await dcgm({ url: new URL("/metrics", server.url), pod: options.pod, namespace: options.namespace, intervalMs: 1_000, timeoutMs: 1_000 }, { clock: systemClock, ask }).read();
}

test("a recorded page of a T4 gives its figures", async () => {
  const reading = await readingOf(read("../../adapters/fixtures/prometheus-text/dcgm_t4.prom"), { pod: "any" });
  expect(reading).toMatchObject({ status: "ok", detail: "dcgm: 3 GPUs" });
  const recorded = reading.points.filter(({ labels }) => labels["gpu"] === "GPU-20c56d28-0da5-6d26-a36a-e7af1ce2586e");
  expect(named(recorded)).toEqual({
    "pilotfish_gpu_info Tesla T4 460.106.00 dcgm": 1,
    hw_gpu_utilization_ratio: 0,
    hw_gpu_memory_usage_bytes: 0,
    hw_gpu_memory_limit_bytes: 15_109 * 1_048_576,
    hw_temperature_celsius: 25,
    hw_power_watts: 8.969,
    hw_energy_joules_total: 128_996.013,
    pilotfish_gpu_clock_frequency_hertz: 3e8,
    pilotfish_gpu_memory_clock_frequency_hertz: 4.05e8,
    pilotfish_gpu_pcie_replays_total: 0,
    pilotfish_gpu_xid_last: 0,
  });
  const other = reading.points.filter(({ labels }) => labels["gpu"] === "GPU-9ef1b6d0-3643-5dd7-b823-c0ec20dcf2d5");
  expect(named(other)).toMatchObject({ "hw_temperature_limit_celsius slowdown": 93, hw_power_limit_watts: 70 });
});

/** Every metric of both of the exporter's lists, also those that are commented out, with the same value. */
function pageOfLists(value: number | string, labels: string): string {
  const lists = read("dcgm-exporter/default-counters.csv") + read("dcgm-exporter/dcp-metrics-included.csv");
  const names = new Set([...lists.matchAll(/^#? ?(DCGM_F\w+) *, *(?:gauge|counter)/gm)].map(([, name]) => name as string));
  return [...names].map((name) => `${name}{${labels}} ${value}\n`).join("");
}

test("of the exporter's lists every field that has a place in our series is taken, in our units", () => {
  const parsed = parsePrometheusText(pageOfLists(4, 'gpu="0",UUID="GPU-1",modelName="NVIDIA H100 80GB HBM3"'));
  if (!parsed.ok) throw new Error(parsed.detail);
  const [figures, ...more] = figuresOfDcgm(parsed.samples);
  expect(more).toEqual([]);
  expect(named(figures === undefined ? [] : pointsOf(figures, "dcgm"))).toEqual({
    "pilotfish_gpu_info NVIDIA H100 80GB HBM3  dcgm": 1,
    hw_gpu_utilization_ratio: 0.04,
    "pilotfish_gpu_activity_ratio engine": 4,
    "pilotfish_gpu_activity_ratio sm": 4,
    "pilotfish_gpu_activity_ratio tensor": 4,
    "pilotfish_gpu_activity_ratio dram": 4,
    hw_gpu_memory_usage_bytes: 4 * 1_048_576,
    hw_gpu_memory_limit_bytes: 12 * 1_048_576,
    hw_temperature_celsius: 4,
    pilotfish_gpu_memory_temperature_celsius: 4,
    hw_power_watts: 4,
    hw_energy_joules_total: 0.004,
    pilotfish_gpu_clock_frequency_hertz: 4e6,
    pilotfish_gpu_memory_clock_frequency_hertz: 4e6,
    "pilotfish_gpu_throttled_time_seconds_total power_cap": 4e-9,
    "pilotfish_gpu_throttled_time_seconds_total thermal": 4e-9,
    "pilotfish_gpu_throttled_time_seconds_total sync_boost": 4e-9,
    "hw_errors_total corrected": 4,
    "hw_errors_total uncorrected": 4,
    "pilotfish_gpu_remapped_rows corrected": 4,
    "pilotfish_gpu_remapped_rows uncorrected": 4,
    pilotfish_gpu_remap_failure: 1,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie transmit": 4,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie receive": 4,
    pilotfish_gpu_pcie_replays_total: 4,
    pilotfish_gpu_xid_last: 4,
    "hw_status ok": 0,
    "hw_status degraded": 0,
    "hw_status failed": 1,
  });
});

test.each(["2147483632", "2147483647", "9223372036854775794", "9223372036854775807", "140737488355328", "NaN"])("%s is how DCGM writes that there is no value: no series", (blank) => {
  const parsed = parsePrometheusText(pageOfLists(blank, 'UUID="GPU-1"'));
  if (!parsed.ok) throw new Error(parsed.detail);
  const [figures] = figuresOfDcgm(parsed.samples);
  expect(figures === undefined ? [] : pointsOf(figures, "dcgm").map(({ instrument }) => instrument.name)).toEqual(["pilotfish.gpu.info"]);
});

const row = (uuid: string, labels: string, value: number) => `DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="${uuid}",modelName="A100"${labels}} ${value}\n`;

test("of a node's GPUs only those of this pod are taken, in its namespace", async () => {
  const page = row("GPU-1", ',pod="bert-0",namespace="prod",container="server"', 41) + row("GPU-2", ',pod="other-0",namespace="prod"', 77) + row("GPU-3", ',pod="bert-0",namespace="staging"', 88) + row("GPU-4", "", 99);
  const gpusOf = ({ points }: Reading) => [...new Set(points.map(({ labels }) => labels["gpu"]))];
  expect(gpusOf(await readingOf(page, { pod: "bert-0", namespace: "prod" }))).toEqual(["GPU-1"]);
  expect(gpusOf(await readingOf(page, { pod: "bert-0" }))).toEqual(["GPU-1", "GPU-3"]);
  expect(gpusOf(await readingOf(page.replaceAll('pod="bert-0"', `pod="${hostname()}"`)))).toEqual(["GPU-1", "GPU-3"]);
  expect(gpusOf(await readingOf(row("GPU-1", ',pod_name="bert-0",pod_namespace="prod"', 41), { pod: "bert-0", namespace: "prod" }))).toEqual(["GPU-1"]);
});

test("GPUs that are another pod's, or nobody's that is named, are unknown and never shown as ours", async () => {
  expect(await readingOf(row("GPU-2", ',pod="other-0"', 77), { pod: "bert-0" })).toMatchObject({ status: "unknown", detail: expect.stringMatching(/no GPU of the node belongs to the pod bert-0$/) as string, points: [] });
  expect(await readingOf(row("GPU-4", "", 99), { pod: "bert-0" })).toMatchObject({ status: "unknown", detail: expect.stringMatching(/does not say whose the GPUs are/) as string, points: [] });
});

test("MIG instances are told apart by their number", async () => {
  const part = (instance: number, value: number) => `DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",UUID="GPU-1",GPU_I_PROFILE="1g.10gb",GPU_I_ID="${instance}",pod="p"} ${value}\n`;
  const { points } = await readingOf(part(7, 0.25) + part(9, 0.5), { pod: "p" });
  expect(points.filter(({ labels }) => labels["part"] === "engine").map(({ labels, value }) => [labels["gpu"], value])).toEqual([["GPU-1/7", 0.25], ["GPU-1/9", 0.5]]);
});

test.each([
  ["up 1\n", 200, /no metrics of dcgm-exporter/],
  ["", 503, /answered 503/],
  ["DCGM_FI_DEV_GPU_TEMP{", 200, /line 1/],
])("%j with status %d is unknown", async (page, status, detail) => {
  expect(await readingOf(page, { pod: "any", status })).toMatchObject({ status: "unknown", detail: expect.stringMatching(detail) as string, points: [] });
});
