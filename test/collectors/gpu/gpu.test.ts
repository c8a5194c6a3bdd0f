/** Which back end reads: through the door of the GPU's folder, with programs that play the real ones. */
import { spawn as spawnChild } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../agent/clock.ts";
import type { Collector, Reading } from "../../../agent/collectors/collector.ts";
import type { Spawn } from "../../../agent/collectors/child.ts";
import { gpu, type GpuDeps } from "../../../agent/collectors/gpu/gpu.ts";
import { parseVisible, visibleGpus } from "../../../agent/collectors/gpu/visible.ts";
import { gpuOptions } from "../../../agent/collectors/gpu/options.ts";
import { ask } from "../../../agent/forward/ask.ts";
import type { Close } from "../../../agent/lifecycle.ts";
import { silent } from "../../../agent/log.ts";
import { instruments } from "../../../exporters/instruments.ts";
import { testServer } from "../../probes/server.ts";
import { Tree } from "../tree.ts";

let tree: Tree;
let close: Close | undefined;
let commands: string[];

beforeEach(() => {
  tree = new Tree();
  commands = [];
});
afterEach(async () => {
  await close?.();
  close = undefined;
  tree[Symbol.dispose]();
});

const spawn: Spawn = (command, args) => {
  commands.push([command, ...args].join(" "));
  return spawnChild(command, args, { stdio: ["ignore", "pipe", "pipe"] });
};

const noServer = { url: new URL("http://127.0.0.1:9"), metrics: "off" } as const;

function open(options: object, server: GpuDeps["server"] = noServer): Collector | undefined {
  const paths = { proc: tree.path("proc"), sys: tree.path("sys"), kernelLog: tree.path("kmsg") };
  const collector = gpu(gpuOptions.parse(options), { clock: systemClock, log: silent, ask, spawn, server, paths, devices: async () => tree.path("dri"), visible: visibleGpus(paths.proc, async () => ({ found: true, pid: 77 })) });
  close = collector?.open?.();
  return collector;
}

/** Asks until it fits, as the timer would. */
async function until(collector: Collector | undefined, fits: (reading: Reading) => boolean): Promise<Reading> {
  for (;;) {
    const reading = await collector?.read();
    if (reading !== undefined && fits(reading)) return reading;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const sourceOf = ({ points }: Reading) => points.find(({ instrument }) => instrument === instruments.gpuInfo)?.labels["source"];
const isOk = ({ status }: Reading) => status === "ok";
const amdCard = { "sys/class/drm/card0/device/vendor": "0x1002\n", "sys/class/drm/card0/device/gpu_busy_percent": "5\n", "sys/class/drm/card0/device/drm/renderD128/dev": "", "dri/renderD128": "" };
const script = (loop: string) => `#!/bin/sh\nif [ "$1" = --help-query-gpu ]; then echo '"index" "uuid" "pci.bus_id" "mig.mode.current" "temperature.gpu"'; exit; fi\n${loop}\nexec sleep 600\n`;

test("auto takes dcgm-exporter where its address is given", async () => {
  await using server = await testServer((_, response) => response.end('DCGM_FI_DEV_GPU_TEMP{UUID="GPU-1",pod="p"} 41\n'));
  for (const [path, text] of Object.entries(amdCard)) tree.write(path, text);
  expect(sourceOf(await until(open({ dcgm: { url: server.url.href, pod: "p" } }), isOk))).toBe("dcgm");
});

test("auto takes AMD's card where there is one", async () => {
  for (const [path, text] of Object.entries(amdCard)) tree.write(path, text);
  expect(sourceOf(await until(open({}), isOk))).toBe("amd");
  expect(commands).toEqual([]);
});

test("where NVML turns out hopeless auto goes on to nvidia-smi", async () => {
  tree.write("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module\n");
  tree.write("nvidia-smi", script("echo '0, GPU-1, 00000000:3B:00.0, Disabled, 41'"));
  const reading = await until(open({ library: tree.path("libnone.so"), command: tree.path("nvidia-smi"), interval: "10s" }), isOk);
  expect(sourceOf(reading)).toBe("nvidia-smi");
  expect(commands.slice(0, 2).every((command) => command.includes("nvml-process"))).toBe(true);
});

test("a card that is divided is read in nvidia-smi's long form, with its instances and the kernel's faults", async () => {
  const document = `<nvidia_smi_log><driver_version>590.48.01</driver_version><gpu id="00000000:3B:00.0"><product_name>NVIDIA H100</product_name><uuid>GPU-1</uuid><mig_devices><mig_device><gpu_instance_id>9</gpu_instance_id><compute_instance_id>0</compute_instance_id><fb_memory_usage><total>9984 MiB</total><used>9 MiB</used></fb_memory_usage></mig_device></mig_devices><pci><pci_bus_id>00000000:3B:00.0</pci_bus_id></pci><temperature><gpu_temp>53 C</gpu_temp></temperature></gpu></nvidia_smi_log>`;
  tree.write("document.xml", `${document}\n`);
  tree.write("kmsg", "4,1,1,-;NVRM: Xid (PCI:0000:3b:00): 94, pid=1, Contained\n");
  tree.write("nvidia-smi", script(`if [ "$1" = -q ]; then for i in 1 2 3 4 5; do cat ${tree.path("document.xml")}; sleep 0.1; done; else echo '0, GPU-1, 00000000:3B:00.0, Enabled, 53'; fi`));
  const reading = await until(open({ backend: "nvidia-smi", command: tree.path("nvidia-smi"), interval: "10s" }), ({ points }) => points.some(({ labels }) => labels["gpu"] === "GPU-1/9") && points.some(({ instrument }) => instrument === instruments.gpuLastXid));
  expect(commands.map((command) => command.split(" ")[1])).toEqual(["--help-query-gpu", "--query-gpu=index,uuid,pci.bus_id,mig.mode.current,temperature.gpu", "-q"]);
  const valueOf = (instrument: unknown, id: string) => reading.points.find((point) => point.instrument === instrument && point.labels["gpu"] === id)?.value;
  expect(valueOf(instruments.gpuMemoryUsage, "GPU-1/9")).toBe(9 * 1_048_576);
  expect(valueOf(instruments.gpuTemperature, "GPU-1")).toBe(53);
  expect(valueOf(instruments.gpuLastXid, "GPU-1")).toBe(94);
  expect(valueOf(instruments.gpuLastXid, "GPU-1/9")).toBeUndefined();
});

test("a sidecar that sees all of the node's GPUs shows those that the server was given", async () => {
  tree.write("proc/77/environ", "PATH=/bin\0API_KEY=secret\0NVIDIA_VISIBLE_DEVICES=GPU-2\0");
  tree.write("nvidia-smi", script("printf '0, GPU-1, 00000000:3B:00.0, Disabled, 41\\n1, GPU-2, 00000000:5E:00.0, Disabled, 42\\n'"));
  const { points } = await until(open({ backend: "nvidia-smi", command: tree.path("nvidia-smi"), interval: "10s" }), isOk);
  expect([...new Set(points.map(({ labels }) => labels["gpu"]))]).toEqual(["GPU-2"]);
  await close?.();
  tree.remove("proc");
  tree.write("proc/77/environ", "NVIDIA_VISIBLE_DEVICES=GPU-3,GPU-4\0");
  const other = await until(open({ backend: "nvidia-smi", command: tree.path("nvidia-smi"), interval: "10s" }), ({ detail }) => detail.includes("none of them"));
  expect(other).toEqual({ status: "unknown", detail: "nvidia-smi: 2 of 2 GPUs, and none of them is the server's", points: [] });
});

test.each([
  ["NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2\0A=b", ["GPU-1", "GPU-2"]],
  ["A=NVIDIA_VISIBLE_DEVICES=GPU-1\0NVIDIA_VISIBLE_DEVICES=GPU-3", ["GPU-3"]],
  ["NVIDIA_VISIBLE_DEVICES=all", undefined],
  ["NVIDIA_VISIBLE_DEVICES=0,1", undefined],
  ["NVIDIA_VISIBLE_DEVICES=MIG-1234", undefined],
  ["NVIDIA_VISIBLE_DEVICES=", undefined],
  ["", undefined],
])("of an environment %j follow the cards %j", (environ, ids) => {
  expect(parseVisible(environ)).toEqual(ids === undefined ? undefined : new Set(ids));
});

test("off is off", () => {
  expect(open({ backend: "off" })).toBeUndefined();
});

test("where there is no nvidia-smi auto goes on to what the model server tells of its GPUs", async () => {
  await using triton = await testServer((_, response) => response.end('nv_gpu_utilization{gpu_uuid="GPU-7"} 0.25\nnv_gpu_power_usage{gpu_uuid="GPU-7"} 31.5\n'));
  const reading = await until(open({ command: tree.path("none") }, { url: triton.url, metrics: triton.url }), isOk);
  expect(sourceOf(reading)).toBe("server");
  expect(reading.points.map(({ instrument, labels, value }) => [instrument, labels["gpu"], value]).slice(1)).toEqual([
    [instruments.gpuUtilization, "GPU-7", 0.25],
    [instruments.gpuPower, "GPU-7", 31.5],
  ]);
});

test("an nvidia-smi that fails is not given up for the server's word: it tells of the driver's trouble, and gets well again", async () => {
  tree.write("nvidia-smi", "#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n");
  const reading = await until(open({ command: tree.path("nvidia-smi") }, { url: new URL("http://127.0.0.1:9"), metrics: undefined }), ({ detail }) => detail.includes("mismatch"));
  expect(reading.status).toBe("unknown");
});
