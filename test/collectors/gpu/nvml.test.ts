/**
 * NVML as its own process reads it, from a library that plays it (fake-nvml.c, its structs declared as nvml.h does). What a
 * real driver says is compared with nvidia-smi by `npm run check:gpu`, on a machine that has one.
 */
import { spawn as spawnChild, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test, type TestContext } from "vitest";
import type { Collector, Reading } from "../../../agent/collectors/collector.ts";
import type { Spawn } from "../../../agent/collectors/child.ts";
import { nvml } from "../../../agent/collectors/gpu/nvml.ts";
import type { Close } from "../../../agent/lifecycle.ts";
import { silent } from "../../../agent/log.ts";
import { prometheusName } from "../../../exporters/instruments.ts";
import { FakeClock } from "../../fake-clock.ts";
import { Heard } from "../../probes/server.ts";
import { Tree } from "../tree.ts";

let tree: Tree;
let missing: string | undefined;
let clock: FakeClock;
let close: Close | undefined;
let started: Heard<{ readonly pid: number | undefined; readonly exited: Promise<unknown>; readonly lines: Heard<string> }>;

beforeAll(() => {
  tree = new Tree();
  const compiled = spawnSync("cc", ["-shared", "-fPIC", "-o", tree.path("libfake.so"), new URL("fake-nvml.c", import.meta.url).pathname], { encoding: "utf8" });
  missing = compiled.error !== undefined ? "a C compiler is missing" : compiled.status !== 0 ? compiled.stderr : undefined;
});
afterAll(() => tree[Symbol.dispose]());

afterEach(async () => {
  const closing = close?.();
  close = undefined;
  await closing;
});

function needLibrary({ skip }: TestContext): void {
  if (missing === undefined) return;
  if (process.env["PILOTFISH_REAL"] === "1") throw new Error(missing);
  skip(`NOT CHECKED: ${missing}; NVML is not read`);
}

/** Starts the collector on the library, which is told how to behave by its environment. */
function open(behaviour: Readonly<Record<string, string>> = {}, { library = tree.path("libfake.so"), onHopeless }: { library?: string; onHopeless?: () => void } = {}): Collector {
  clock = new FakeClock();
  started = new Heard();
  const spawn: Spawn = (command, args) => {
    const child = spawnChild(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...behaviour } });
    const lines = new Heard<string>();
    let rest = "";
    child.stdout.on("data", (bytes: Buffer) => {
      const parts = (rest + bytes.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) lines.push(line);
    });
    started.push({ pid: child.pid, exited: once(child, "close").catch(() => {}), lines });
    return child;
  };
  const collector = nvml({ library, intervalMs: 200, expected: true, onHopeless }, { clock, log: silent, spawn });
  close = collector.open?.();
  return collector;
}

/** The reading once the only child has printed so many. */
async function after(lines: number, collector: Collector): Promise<Reading> {
  const [child] = await started.count(1);
  await child?.lines.count(lines);
  return collector.read();
}

const named = ({ points }: Reading, gpu: string) =>
  Object.fromEntries(points.filter(({ labels }) => labels["gpu"] === gpu).map(({ instrument, labels, value }) => [[prometheusName(instrument), ...Object.values(labels).slice(1)].join(" "), value]));
const alive = (pid: number | undefined) => pid !== undefined && existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

test("a Hopper card tells all there is, what its multiprocessors do too", async (context) => {
  needLibrary(context);
  const reading = await after(2, open());
  expect(reading).toMatchObject({ status: "ok", detail: "nvml: 2 of 2 GPUs" });
  expect(named(reading, "GPU-00000000")).toEqual({
    "pilotfish_gpu_info NVIDIA H100 80GB HBM3 590.48.01 nvml": 1,
    hw_gpu_utilization_ratio: 0.97,
    "pilotfish_gpu_activity_ratio engine": 0.99,
    "pilotfish_gpu_activity_ratio sm": 0.225,
    "pilotfish_gpu_activity_ratio dram": 0.64,
    hw_gpu_memory_usage_bytes: 11_665_408_000,
    hw_gpu_memory_limit_bytes: 85_520_809_984,
    hw_temperature_celsius: 53,
    pilotfish_gpu_temperature_margin_celsius: -3,
    pilotfish_gpu_memory_temperature_celsius: 61,
    hw_power_watts: 631.95,
    hw_power_limit_watts: 700,
    hw_energy_joules_total: 123_456_789_012.345,
    pilotfish_gpu_clock_frequency_hertz: 1.98e9,
    pilotfish_gpu_memory_clock_frequency_hertz: 2.619e9,
    "pilotfish_gpu_throttle power_cap": 1,
    "pilotfish_gpu_throttle hw_slowdown": 0,
    "pilotfish_gpu_throttle sync_boost": 0,
    "pilotfish_gpu_throttle sw_thermal": 0,
    "pilotfish_gpu_throttle hw_thermal": 1,
    "pilotfish_gpu_throttle hw_power_brake": 0,
    "pilotfish_gpu_throttled_time_seconds_total power_cap": 4_251.825415,
    "pilotfish_gpu_throttled_time_seconds_total sw_thermal": 5,
    "hw_errors_total corrected": 7,
    "hw_errors_total uncorrected": 0,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie transmit": 2 * 1_048_576,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie receive": 3 * 1_048_576,
    "pilotfish_gpu_link_throughput_bytes_per_second nvlink transmit": 4 * 1_048_576,
    "pilotfish_gpu_link_throughput_bytes_per_second nvlink receive": 5 * 1_048_576,
    pilotfish_gpu_pcie_replays_total: 0,
    pilotfish_gpu_processes: 3,
    pilotfish_gpu_xid_last: 0,
    "hw_status ok": 0,
    "hw_status degraded": 1,
    "hw_status failed": 0,
  });
});

test("an older card tells thresholds, row remaps and faults; its NVLink is counted between two readings", async (context) => {
  needLibrary(context);
  const figures = named(await after(2, open()), "GPU-00000001");
  expect(figures).toMatchObject({
    hw_gpu_utilization_ratio: 0,
    "hw_temperature_limit_celsius slowdown": 89,
    "hw_temperature_limit_celsius shutdown": 92,
    "hw_temperature_limit_celsius operating": 85,
    "hw_temperature_limit_celsius memory": 95,
    "pilotfish_gpu_remapped_rows corrected": 2,
    "pilotfish_gpu_remapped_rows uncorrected": 1,
    pilotfish_gpu_remap_pending: 1,
    pilotfish_gpu_remap_failure: 0,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie transmit": 359_000,
    "pilotfish_gpu_link_throughput_bytes_per_second pcie receive": 329_000,
    pilotfish_gpu_pcie_replays_total: 9,
    pilotfish_gpu_processes: 0,
    "pilotfish_gpu_xid_errors_total 13": 1,
    "pilotfish_gpu_xid_errors_total 79": 1,
    pilotfish_gpu_xid_last: 79,
    "hw_status degraded": 1,
  });
  expect(Object.keys(figures).filter((name) => name.startsWith("pilotfish_gpu_activity"))).toEqual([]);
  // Two mebibytes between two readings, about 0.2 s apart and more on a busy machine; twice as much comes in.
  const sent = figures["pilotfish_gpu_link_throughput_bytes_per_second nvlink transmit"] ?? 0;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan((2 * 1_048_576) / 0.1);
  expect(figures["pilotfish_gpu_link_throughput_bytes_per_second nvlink receive"]).toBeCloseTo(2 * sent, 0);
});

test("a card that MIG divides has its instances beside it, and no utilisation", async (context) => {
  needLibrary(context);
  const reading = await after(1, open({ FAKE_NVML_MIG: "1" }));
  expect(reading.detail).toBe("nvml: 4 of 4 GPUs");
  expect(named(reading, "GPU-00000001")).not.toHaveProperty("hw_gpu_utilization_ratio");
  for (const instance of ["GPU-00000001/3", "GPU-00000001/4.1"]) {
    expect(named(reading, instance)).toEqual({
      "pilotfish_gpu_info NVIDIA A100-SXM4-80GB MIG 2g.20gb 590.48.01 nvml": 1,
      hw_gpu_memory_usage_bytes: 12_582_912,
      hw_gpu_memory_limit_bytes: 20_937_965_568,
      pilotfish_gpu_processes: 0,
    });
  }
});

test("a call that hangs costs its process: killed after three intervals, figures unknown, no second process while it lives", async (context) => {
  needLibrary(context);
  const collector = open({ FAKE_NVML_HANG: "3" });
  expect(await after(1, collector)).toMatchObject({ status: "ok" });
  const [child] = await started.count(1);
  clock.advance(599);
  expect(await collector.read()).toMatchObject({ status: "ok" });
  expect(alive(child?.pid)).toBe(true);
  clock.advance(1);
  expect(await collector.read()).toEqual({ status: "unknown", detail: "nvml was silent for 0.6 s and was killed", points: [] });
  await child?.exited;
  expect(started.all).toHaveLength(1);
});

test("a library that is missing, and a driver that is not there, are unknown; after two tries it is said that there is no hope", async (context) => {
  needLibrary(context);
  for (const [behaviour, library, detail] of [
    [{}, tree.path("libnone.so"), /^nvml ended with code 1: .*libnone\.so/],
    [{ FAKE_NVML_INIT: "9" }, tree.path("libfake.so"), /^nvml ended with code 1: .*: nvmlInit_v2 returned 9$/],
  ] as const) {
    const hopeless = new Heard<string>();
    const collector = open(behaviour, { library, onHopeless: () => hopeless.push("hopeless") });
    await (await started.count(1))[0]?.exited;
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await collector.read()).toMatchObject({ status: "unknown", detail: expect.stringMatching(detail) as string, points: [] });
    expect(hopeless.all).toEqual([]);
    clock.advance(1_000);
    await (await started.count(2))[1]?.exited;
    expect(await hopeless.count(1)).toEqual(["hopeless"]);
    await close?.();
    close = undefined;
  }
});
