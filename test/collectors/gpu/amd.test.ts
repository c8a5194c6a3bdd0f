import { expect, test } from "vitest";
import { amd, amdIsPresent } from "../../../agent/collectors/gpu/amd.ts";
import type { Reading } from "../../../agent/collectors/collector.ts";
import { prometheusName } from "../../../exporters/instruments.ts";
import { Tree } from "../tree.ts";

/** Files as the kernel's amdgpu documentation describes them; figures made up. */
const card = {
  vendor: "0x1002\n",
  device: "0x740f\n",
  unique_id: "3b0d8d7a5f2c91e4\n",
  product_name: "AMD INSTINCT MI210\n",
  gpu_busy_percent: "87\n",
  mem_busy_percent: "34\n",
  mem_info_vram_used: "34359738368\n",
  mem_info_vram_total: "68702699520\n",
  pcie_replay_count: "2\n",
  "ras/umc_err_count": "ue: 1\nce: 12\n",
  "drm/renderD128/dev": "226:128\n",
  "hwmon/hwmon3/temp1_label": "edge\n",
  "hwmon/hwmon3/temp1_input": "51000\n",
  "hwmon/hwmon3/temp2_label": "junction\n",
  "hwmon/hwmon3/temp2_input": "63000\n",
  "hwmon/hwmon3/temp2_crit": "100000\n",
  "hwmon/hwmon3/temp2_emergency": "105000\n",
  "hwmon/hwmon3/temp3_label": "mem\n",
  "hwmon/hwmon3/temp3_input": "70000\n",
  "hwmon/hwmon3/temp3_crit": "95000\n",
  "hwmon/hwmon3/power1_average": "241000000\n",
  "hwmon/hwmon3/power1_cap": "300000000\n",
  "hwmon/hwmon3/energy1_input": "5000000\n",
  "hwmon/hwmon3/freq1_input": "1700000000\n",
  "hwmon/hwmon3/freq2_input": "1600000000\n",
};

function under(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
}

const named = ({ points }: Reading) => Object.fromEntries(points.map(({ instrument, labels, value }) => [[prometheusName(instrument), ...Object.values(labels).slice(1)].join(" "), value]));
const readerOf = (tree: Tree) => amd({ sys: tree.path("sys"), devices: async () => tree.path("dri"), intervalMs: 1_000 });
const host = { "sys/module/amdgpu/version": "6.12.12\n", ...under("sys/class/drm/card1/device", card), "sys/class/drm/card1-DP-1/status": "connected\n" };

test("a card that the server has is read from its files", async () => {
  using tree = new Tree({ ...host, "dri/renderD128": "" });
  const reading = await readerOf(tree).read();
  expect(reading).toMatchObject({ status: "ok", detail: "amd: 1 GPUs" });
  expect(reading.points[0]?.labels).toEqual({ gpu: "GPU-3b0d8d7a5f2c91e4", name: "AMD INSTINCT MI210", driver: "6.12.12", source: "amd" });
  expect(named(reading)).toEqual({
    "pilotfish_gpu_info AMD INSTINCT MI210 6.12.12 amd": 1,
    hw_gpu_utilization_ratio: 0.87,
    "pilotfish_gpu_activity_ratio dram": 0.34,
    hw_gpu_memory_usage_bytes: 34_359_738_368,
    hw_gpu_memory_limit_bytes: 68_702_699_520,
    hw_temperature_celsius: 63,
    "hw_temperature_limit_celsius slowdown": 100,
    "hw_temperature_limit_celsius shutdown": 105,
    "hw_temperature_limit_celsius memory": 95,
    pilotfish_gpu_memory_temperature_celsius: 70,
    hw_power_watts: 241,
    hw_power_limit_watts: 300,
    hw_energy_joules_total: 5,
    pilotfish_gpu_clock_frequency_hertz: 1.7e9,
    pilotfish_gpu_memory_clock_frequency_hertz: 1.6e9,
    "hw_errors_total corrected": 12,
    "hw_errors_total uncorrected": 1,
    pilotfish_gpu_pcie_replays_total: 2,
  });
});

test("sysfs shows the node's cards: those that the server does not have are not told", async () => {
  using tree = new Tree({ ...host, "dri/renderD129": "" });
  expect(await readerOf(tree).read()).toMatchObject({ status: "unknown", detail: expect.stringMatching(/^1 AMD GPUs, and none of them in/) as string, points: [] });
});

test("where the server's devices can not be seen, no card is known to be its", async () => {
  using tree = new Tree(host);
  expect(await readerOf(tree).read()).toMatchObject({ status: "unknown", detail: expect.stringMatching(/it is not known which GPUs are the server's$/) as string, points: [] });
});

test("an old card has one sensor without a name, and no serial number: it is called by its address", async () => {
  using tree = new Tree({ ...under("sys/class/drm/card0/device", { vendor: "0x1002\n", uevent: "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n", gpu_busy_percent: "0\n", "drm/renderD128/dev": "", "hwmon/hwmon1/temp1_input": "30000\n" }), "dri/renderD128": "" });
  const reading = await readerOf(tree).read();
  expect(named(reading)).toMatchObject({ hw_gpu_utilization_ratio: 0, hw_temperature_celsius: 30 });
  expect(reading.points[0]?.labels["gpu"]).toBe("0000:03:00.0");
});

test("a card of another maker is none", async () => {
  using tree = new Tree(under("sys/class/drm/card0/device", { vendor: "0x8086\n" }));
  expect(await amdIsPresent(tree.path("sys"))).toBe(false);
  using other = new Tree(host);
  expect(await amdIsPresent(other.path("sys"))).toBe(true);
});
