/**
 * Do NVML and nvidia-smi say the same of this machine's GPUs? One reading of nvidia-smi's long form between two of NVML, figure
 * by figure. What moves by itself may differ by so much; what only one of them tells is listed and is no fault.
 * `npm run check:gpu [-- --library libnvidia-ml.so.1] [-- --command nvidia-smi]`. Ends with 1 where they differ, 2 without a GPU.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pointsOf, type GpuFigures } from "../agent/collectors/gpu/figures.ts";
import { figuresOfXml } from "../agent/collectors/gpu/smi-xml.ts";
import { instruments, prometheusName, type AnyInstrument } from "../exporters/instruments.ts";

const { values } = parseArgs({ options: { library: { type: "string", default: "libnvidia-ml.so.1" }, command: { type: "string", default: "nvidia-smi" } } });

/** May differ by this much, in the series' own unit; all others are equal. */
const slack = new Map<AnyInstrument, number>([
  [instruments.gpuUtilization, 0.3],
  [instruments.gpuMemoryUsage, 64 * 1_048_576],
  [instruments.gpuMemoryLimit, 1_048_576], // nvidia-smi prints whole mebibytes
  [instruments.gpuTemperature, 3],
  [instruments.gpuTemperatureMargin, 3],
  [instruments.gpuMemoryTemperature, 3],
  [instruments.gpuPower, 75],
  [instruments.gpuPowerLimit, 0.01],
  [instruments.gpuClock, 300e6],
  [instruments.gpuMemoryClock, 300e6],
  [instruments.gpuThrottle, 1],
  [instruments.gpuThrottledTime, 5],
  [instruments.gpuStatus, 1],
  [instruments.gpuLinkThroughput, Infinity],
  [instruments.gpuPcieReplays, 10],
  [instruments.gpuProcesses, 1],
]);

const timeoutMs = 60_000;

function without(reason: string): never {
  console.error(`NOT CHECKED: ${reason}. This check needs a machine with an NVIDIA GPU, its driver and nvidia-smi.`);
  process.exit(2);
}

/** The first readings of the process that NVML is read in. */
async function nvmlReadings(count: number, between: () => void): Promise<readonly GpuFigures[]> {
  const script = fileURLToPath(new URL("../agent/collectors/gpu/nvml-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, "--library", values.library, "--interval", "1000"], { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
  let problem = "";
  child.stderr.on("data", (text: Buffer) => (problem += text.toString()));
  let seen = 0;
  let figures: readonly GpuFigures[] | undefined;
  for await (const line of createInterface(child.stdout)) {
    figures = JSON.parse(line) as readonly GpuFigures[];
    seen += 1;
    if (seen === 1) between();
    if (seen >= count) child.kill("SIGKILL");
  }
  return figures ?? without(`NVML can not be read: ${problem.trim()}`);
}

let printed = "";
const fromNvml = await nvmlReadings(2, () => {
  const asked = spawnSync(values.command, ["-q", "-x"], { encoding: "utf8", timeout: timeoutMs, maxBuffer: 16_777_216 });
  if (asked.error !== undefined) without(`${values.command}: ${asked.error.message}`);
  printed = asked.stdout;
});
const fromSmi = figuresOfXml(printed).map(({ figures }) => figures);
if (fromNvml.length === 0 || fromSmi.length === 0) without(`NVML tells of ${fromNvml.length} GPUs, ${values.command} of ${fromSmi.length}: ${printed.slice(0, 150)}`);

const seriesOf = (all: readonly GpuFigures[]) =>
  new Map(all.flatMap((figures) => pointsOf(figures, "")).map((point) => [`${prometheusName(point.instrument)}{${Object.values(point.labels).join(", ")}}`, point]));
const [nvml, smi] = [seriesOf(fromNvml), seriesOf(fromSmi)];

let differing = 0;
for (const [name, { instrument, value }] of nvml) {
  const other = smi.get(name)?.value;
  if (other === undefined) continue;
  const agrees = Math.abs(value - other) <= (slack.get(instrument) ?? 1e-6);
  if (!agrees) differing += 1;
  console.log(`${agrees ? "agrees " : "DIFFERS"} ${name}: NVML ${value}, nvidia-smi ${other}`);
}
for (const [who, mine, others] of [["NVML", nvml, smi], ["nvidia-smi", smi, nvml]] as const) {
  const only = [...mine.keys()].filter((name) => !others.has(name));
  console.log(`only ${who}: ${only.join("; ") || "nothing"}`);
}
console.log(`${differing} of ${[...nvml.keys()].filter((name) => smi.has(name)).length} figures differ`);
process.exitCode = differing === 0 ? 0 : 1;
