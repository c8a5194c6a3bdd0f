/**
 * A machine that this one is not, for the collectors to read: the kernel's files of a container with limits, three programs
 * that play GPU tools, and a kernel's log. Files are in the shape that Linux 6 writes; figures that grow do so where a
 * panel shows growth only.
 */
import { appendFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { stat, type Tree } from "../collectors/tree.ts";

/** After so many periods of the CPU limit. */
function cpuStat(periods: number): string {
  return `usage_usec ${93_185_642 + 150_000 * periods}\nuser_usec 80012000\nsystem_usec 13173642\nnr_periods ${18_204 + periods}\nnr_throttled ${512 + (periods >> 1)}\nthrottled_usec ${61_250_000 + 10_000 * periods}\n`;
}

const container = {
  "cgroup.type": "domain\n",
  "cpu.stat": cpuStat(0),
  "cpu.max": "150000 100000\n",
  "memory.current": "734003200\n",
  "memory.max": "2147483648\n",
  "memory.stat": "anon 524288000\nfile 157286400\ninactive_file 104857600\n",
  "memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n",
  "io.stat": "259:0 rbytes=409600 wbytes=8192 rios=100 wios=2 dbytes=0 dios=0\n",
  ...Object.fromEntries(["cpu", "memory", "io"].map((resource) => [`${resource}.pressure`, "some avg10=1.53 avg60=0.87 avg300=0.42 total=12500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n"])),
};

const network = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1215645    2751    3    4    0     0          0         0  1782404    4324    5    6    0   427       0          0
`;

const status = "Name:\tpilotfish\nState:\tS (sleeping)\nVmRSS:\t  88844 kB\nThreads:\t11\n";

/** Under `proc` and `cgroup` of the tree; the server is process 42. For `collectors.paths` and `collectors.server.pid`. Returns what ends its work. */
export function writeKernelFiles(tree: Tree): () => void {
  tree.write("proc/stat", "cpu  1 2 3\nbtime 1790000000\nprocesses 7\n");
  tree.write("proc/self/net/dev", network);
  for (const pid of ["self", "42"]) {
    tree.write(`proc/${pid}/cgroup`, "0::/\n");
    tree.write(`proc/${pid}/stat`, stat({ threads: 11, userTicks: 1_234 }));
    tree.write(`proc/${pid}/status`, status);
    tree.write(`proc/${pid}/fd/0`, "");
  }
  tree.write("cgroup/cgroup.controllers", "cpu memory io\n");
  // The second is what the server's own container mounts, as seen through its process.
  const folders = ["cgroup", `proc/42/root${tree.path("cgroup")}`];
  for (const folder of folders) for (const [name, text] of Object.entries(container)) tree.write(`${folder}/${name}`, text);
  let periods = 0;
  const working = setInterval(() => {
    periods += 2;
    for (const folder of folders) tree.write(`${folder}/cpu.stat`, cpuStat(periods));
  }, 200);
  return () => clearInterval(working);
}

/** The server's process ended and another one has its number. */
export function restartServer(tree: Tree): void {
  tree.write("proc/42/stat", stat({ threads: 11, startTicks: 90_000 }));
}

/** By the names of its fields, what the fake nvidia-smi says; `n` is how many lines it has printed. */
const said = {
  "index": "0", "uuid": "GPU-fa4e0000-0000-4000-8000-000000000001", "name": "NVIDIA H100 80GB HBM3", "driver_version": "590.48.01", "pci.bus_id": "00000000:3B:00.0",
  "mig.mode.current": "Disabled", "utilization.gpu": "97", "memory.used": "61440", "memory.total": "81559", "temperature.gpu": "71", "temperature.gpu.tlimit": "16",
  "temperature.memory": "80", "power.draw": "642.10", "enforced.power.limit": "700.00", "clocks.current.sm": "1725", "clocks.current.memory": "2619",
  "ecc.errors.corrected.volatile.total": "n", "ecc.errors.uncorrected.volatile.total": "0", "remapped_rows.correctable": "2", "remapped_rows.uncorrectable": "0",
  "remapped_rows.pending": "No", "remapped_rows.failure": "No", "clocks_event_reasons.sw_power_cap": "Active", "clocks_event_reasons.hw_slowdown": "Not Active",
  "clocks_event_reasons.hw_thermal_slowdown": "Not Active", "clocks_event_reasons.hw_power_brake_slowdown": "Not Active", "clocks_event_reasons.sw_thermal_slowdown": "Active",
  "clocks_event_reasons.sync_boost": "Not Active", "clocks_event_reasons_counters.sw_power_cap": "n", "clocks_event_reasons_counters.sw_thermal_slowdown": "n",
} as const;

/** An nvidia-smi that prints a line each 200 ms for one card, in the fields that it is asked for. */
export function writeNvidiaSmi(tree: Tree): string {
  const print = `const fields = process.argv[2].replace("--query-gpu=", "").split(","); let n = 0; setInterval(() => { n += 1; console.log(fields.map((name) => said[name].replace(/^n$/, String(n))).join(", ")); }, 200);`;
  const help = `for (const name of Object.keys(said)) console.log(JSON.stringify(name));`;
  tree.write("nvidia-smi", `#!${process.execPath}\nconst said = ${JSON.stringify(said)};\nif (process.argv[2] === "--help-query-gpu") { ${help} } else { ${print} }\n`);
  return tree.path("nvidia-smi");
}

/** An nvidia-smi whose card is divided, so that it is asked for its long form: a real one's, from the file. */
export function writeNvidiaSmiOfMig(tree: Tree, xml: string): string {
  tree.write(
    "nvidia-smi-mig",
    `#!/bin/sh\ncase "$1" in\n--help-query-gpu) echo '"index" "uuid" "pci.bus_id" "mig.mode.current"' ;;\n-q) while cat ${xml}; do sleep 1; done ;;\n*) echo '0, GPU-1, 00000000:01:00.0, Enabled'; exec sleep 600 ;;\nesac\n`,
  );
  return tree.path("nvidia-smi-mig");
}

/** The driver's word for a fault of the fake nvidia-smi's card. */
export function reportXid(kernelLog: string, xid: number): void {
  appendFileSync(kernelLog, `4,1234,5678,-;NVRM: Xid (PCI:0000:3b:00): ${xid}, pid=42, name=python3\n`);
}

const dcgmGauges: Readonly<Record<string, number>> = {
  DCGM_FI_DEV_GPU_UTIL: 64, DCGM_FI_PROF_GR_ENGINE_ACTIVE: 0.6, DCGM_FI_PROF_SM_ACTIVE: 0.4, DCGM_FI_PROF_PIPE_TENSOR_ACTIVE: 0.2, DCGM_FI_PROF_DRAM_ACTIVE: 0.3,
  DCGM_FI_DEV_FB_USED: 20_000, DCGM_FI_DEV_FB_FREE: 61_000, DCGM_FI_DEV_GPU_TEMP: 55, DCGM_FI_DEV_MEMORY_TEMP: 60, DCGM_FI_DEV_SLOWDOWN_TEMP: 87, DCGM_FI_DEV_SHUTDOWN_TEMP: 92,
  DCGM_FI_DEV_POWER_USAGE: 300, DCGM_FI_DEV_ENFORCED_POWER_LIMIT: 700, DCGM_FI_DEV_SM_CLOCK: 1_980, DCGM_FI_DEV_MEM_CLOCK: 2_619, DCGM_FI_DEV_XID_ERRORS: 0,
  DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS: 0, DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS: 0, DCGM_FI_DEV_ROW_REMAP_FAILURE: 0,
  DCGM_FI_PROF_PCIE_TX_BYTES: 1e9, DCGM_FI_PROF_PCIE_RX_BYTES: 2e9, DCGM_FI_PROF_NVLINK_TX_BYTES: 3e9, DCGM_FI_PROF_NVLINK_RX_BYTES: 4e9,
};

/** A dcgm-exporter of one card; its counters grow with each reading. */
export async function startDcgmExporter(): Promise<{ readonly url: string; readonly server: Server }> {
  let readings = 0;
  return serve((_request, respond) => {
    readings += 1;
    const counters = { DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: readings * 300_000, DCGM_FI_DEV_PCIE_REPLAY_COUNTER: readings, DCGM_FI_DEV_POWER_VIOLATION: readings * 1e8 };
    const labels = '{gpu="0",UUID="GPU-dc900000-0000-4000-8000-000000000002",modelName="NVIDIA H100 80GB HBM3",DCGM_FI_DRIVER_VERSION="590.48.01",pod="any"}';
    respond("text/plain; version=0.0.4", Object.entries({ ...dcgmGauges, ...counters }).map(([name, value]) => `${name}${labels} ${value}\n`));
  });
}

/** What vLLM says of its work, after so many readings. */
const engineMetrics = (readings: number) =>
  Object.entries({
    "vllm:num_requests_running": 2, "vllm:num_requests_waiting": 1, "vllm:kv_cache_usage_perc": 0.4, "vllm:iteration_tokens_total_count": 10 * readings,
    "vllm:prompt_tokens_total": 100 * readings, "vllm:generation_tokens_total": 50 * readings, 'vllm:request_success_total{finished_reason="stop"}': readings,
    "vllm:e2e_request_latency_seconds_sum": 0.3 * readings, "vllm:request_queue_time_seconds_sum": 0.1 * readings,
  }).map(([name, value]) => `${name} ${value}\n`);

/** A server of chat completions that streams five tokens, 20 ms apart, and tells of its work as vLLM does. */
export function startStreamingServer(): Promise<{ readonly url: string; readonly server: Server }> {
  let readings = 0;
  const chunk = (content: string) => `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "chat", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
  return serve((path, respond) => {
    if (path === "/metrics") respond("text/plain; version=0.0.4", engineMetrics((readings += 1)));
    else if (path.endsWith("/completions")) respond("text/event-stream", ["K", "i", "e", "l", "!"].map(chunk).concat("data: [DONE]\n\n"), 20);
    else respond("application/json", [JSON.stringify({ object: "list", data: [{ id: "chat", object: "model" }] })]);
  });
}

/** The parts are written so many milliseconds apart. */
type Respond = (type: string, parts: readonly string[], everyMs?: number) => void;

async function serve(answer: (path: string, respond: Respond) => void): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      answer(request.url ?? "", (type, parts, everyMs = 0) => {
        response.writeHead(200, { "content-type": type });
        for (const [index, part] of parts.entries()) setTimeout(() => response.write(part), index * everyMs);
        setTimeout(() => response.end(), parts.length * everyMs);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
