import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pointsOf, statusOf } from "../../../agent/collectors/gpu/figures.ts";
import { chooseFields, figuresOfLine, gpuId, parseLine, recoveryOf, type Field, type GpuLine } from "../../../agent/collectors/gpu/smi-csv.ts";
import { parsePrometheusText } from "../../../agent/adapters/prometheus-text.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../../exporters/instruments.ts";

const read = (name: string) => readFileSync(new URL(`../fixtures/nvidia-smi/${name}`, import.meta.url), "utf8");

const gpuPoints = (line: GpuLine) => pointsOf(figuresOfLine(line), "nvidia-smi");

const captures = [
  "linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01",
  "linux-x86_64__nvidia-h100-mig__590.48.01",
  "linux-x86_64__nvidia-h200__590.48.01",
  "linux-x86_64__nvidia-h200-mig__590.48.01",
  "linux-x86_64__nvidia-l40s__595.80",
  "linux-x86_64__nvidia-geforce-rtx-4080-super__595.71.05",
  "linux-x86_64__nvidia-geforce-rtx-2080-super__595.71.05",
  "linux-x86_64__nvidia-geforce-rtx-2080-super__610.57.04",
  "windows-x86_64__nvidia-geforce-rtx-2080-super__591.86",
  "windows-x86_64__nvidia-geforce-rtx-2080-super__610.62",
];

/** What the card answered to our query: the cells of the recorded answer, which has all fields, that we would have asked for. */
function answerOf(capture: string, state: string, fields: readonly Field[]): string {
  const lines = read(`${capture}.txt`).split("\n");
  const at = lines.findIndex((line) => line.startsWith(`# ${state} :: query-gpu (csv`));
  const names = (lines[at + 3] as string).split(", ").map((name) => name.replace(/ \[.*\]$/, ""));
  const cells = (lines[at + 4] as string).split(", ");
  // `nounits` leaves out the unit and nothing else.
  return fields.map(({ name }) => (cells[names.indexOf(name)] as string).replace(/ (%|MiB|W|MHz|us)$/, "")).join(", ");
}

function lineOf(text: string, fields: readonly Field[]): GpuLine {
  const line = parseLine(text, fields);
  if (line === undefined) throw new Error(`not read: ${text}`);
  return line;
}

/** The same figure under the name that nvidia_gpu_exporter gives it. */
const golden: [AnyInstrument, string, Record<string, string>?][] = [
  [instruments.gpuUtilization, "utilization_gpu_ratio"],
  [instruments.gpuMemoryUsage, "memory_used_bytes"],
  [instruments.gpuMemoryLimit, "memory_total_bytes"],
  [instruments.gpuTemperature, "temperature_gpu"],
  [instruments.gpuPower, "power_draw_watts"],
  [instruments.gpuPowerLimit, "enforced_power_limit_watts"],
  [instruments.gpuClock, "clocks_current_sm_clock_hz"],
  [instruments.gpuMemoryClock, "clocks_current_memory_clock_hz"],
  [instruments.gpuTemperatureMargin, "temperature_gpu_tlimit"],
  [instruments.gpuMemoryTemperature, "temperature_memory"],
  [instruments.gpuRemappedRows, "remapped_rows_correctable", { type: "corrected" }],
  [instruments.gpuRemappedRows, "remapped_rows_uncorrectable", { type: "uncorrected" }],
  [instruments.gpuRemapPending, "remapped_rows_pending"],
  [instruments.gpuRemapFailure, "remapped_rows_failure"],
  [instruments.gpuThrottledTime, "clocks_event_reasons_counters_sw_power_cap_seconds", { reason: "power_cap" }],
  [instruments.gpuThrottledTime, "clocks_event_reasons_counters_hw_thermal_slowdown_seconds", { reason: "hw_thermal" }],
  [instruments.gpuThrottledTime, "clocks_event_reasons_counters_hw_power_brake_slowdown_seconds", { reason: "hw_power_brake" }],
  [instruments.gpuThrottledTime, "clocks_event_reasons_counters_sw_thermal_slowdown_seconds", { reason: "sw_thermal" }],
  [instruments.gpuThrottledTime, "clocks_event_reasons_counters_sync_boost_seconds", { reason: "sync_boost" }],
  [instruments.gpuErrors, "ecc_errors_corrected_volatile_total", { type: "corrected" }],
  [instruments.gpuErrors, "ecc_errors_uncorrected_volatile_total", { type: "uncorrected" }],
  [instruments.gpuThrottle, "clocks_event_reasons_sw_power_cap", { reason: "power_cap" }],
  [instruments.gpuThrottle, "clocks_event_reasons_hw_slowdown", { reason: "hw_slowdown" }],
  [instruments.gpuThrottle, "clocks_event_reasons_hw_thermal_slowdown", { reason: "hw_thermal" }],
  [instruments.gpuThrottle, "clocks_event_reasons_hw_power_brake_slowdown", { reason: "hw_power_brake" }],
  [instruments.gpuThrottle, "clocks_event_reasons_sw_thermal_slowdown", { reason: "sw_thermal" }],
  [instruments.gpuThrottle, "clocks_event_reasons_sync_boost", { reason: "sync_boost" }],
];

test.each(captures.flatMap((capture) => ["idle", "load"].map((state) => [capture, state] as const)))("%s, %s: every figure is what nvidia_gpu_exporter's golden file has, and none is made up", (capture, state) => {
  const fields = chooseFields(read(`${capture}.txt`));
  const points = gpuPoints(lineOf(answerOf(capture, state, fields), fields));
  const parsed = parsePrometheusText(read(`${capture}__${state}.metrics`));
  if (!parsed.ok) throw new Error(parsed.detail);

  const expected = golden.flatMap(([instrument, name, labels = {}]) => {
    const sample = parsed.samples.find((one) => one.name === `nvidia_smi_${name}`);
    return sample === undefined ? [] : [{ series: `${prometheusName(instrument)} ${Object.values(labels).join()}`, value: sample.value }];
  });
  const measured = points
    .filter(({ instrument }) => instrument !== instruments.gpuInfo && instrument !== instruments.gpuStatus)
    .map(({ instrument, labels: { gpu, ...labels }, value }) => ({ series: `${prometheusName(instrument)} ${Object.values(labels).join()}`, value, gpu }));
  expect(measured.map(({ series }) => series).sort()).toEqual(expected.map(({ series }) => series).sort());
  for (const { series, value } of expected) {
    expect(measured.find((point) => point.series === series)?.value, series).toBeCloseTo(value, 6);
  }
  expect(measured.every(({ gpu }) => gpu === "GPU-00000000-0000-0000-0000-000000000000")).toBe(true);
});

test("the golden comparison sees a card at work: an H100 under load", () => {
  const capture = captures[0] as string;
  const fields = chooseFields(read(`${capture}.txt`));
  const points = gpuPoints(lineOf(answerOf(capture, "load", fields), fields));
  const of = (instrument: AnyInstrument) => points.find((point) => point.instrument === instrument);
  expect(of(instruments.gpuInfo)).toEqual({
    instrument: instruments.gpuInfo,
    labels: { gpu: "GPU-00000000-0000-0000-0000-000000000000", name: "NVIDIA H100 80GB HBM3", driver: "590.48.01", source: "nvidia-smi" },
    value: 1,
  });
  expect(of(instruments.gpuUtilization)?.value).toBe(1);
  expect(of(instruments.gpuPower)?.value).toBe(631.95);
  expect(of(instruments.gpuClock)?.value).toBe(1.98e9);
});

test("a MIG card tells no utilisation: there is no such series, not a 0; an idle card's 0 is one", () => {
  const has = (capture: string) => {
    const fields = chooseFields(read(`${capture}.txt`));
    return gpuPoints(lineOf(answerOf(capture, "idle", fields), fields)).find(({ instrument }) => instrument === instruments.gpuUtilization)?.value;
  };
  expect(has("linux-x86_64__nvidia-h100-mig__590.48.01")).toBeUndefined();
  expect(has("linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01")).toBe(0);
});

test("drivers before the renaming are asked for the names that they know", () => {
  const old = ["index", "uuid", "name", "driver_version", "utilization.gpu", "memory.used", "power.limit", "clocks.sm", "clocks_throttle_reasons.sw_power_cap"];
  expect(chooseFields(old.map((name) => `"${name}"\nWhat it is.\n`).join("\n")).map(({ name }) => name).sort()).toEqual([...old].sort());
  const both = '"index"\n"clocks_event_reasons.sw_power_cap" or "clocks_throttle_reasons.sw_power_cap"\n';
  expect(chooseFields(both).map(({ name }) => name)).toEqual(["index", "clocks_event_reasons.sw_power_cap"]);
  expect(chooseFields("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")).toEqual([]);
});

const fields = chooseFields('"index" "uuid" "utilization.gpu" "temperature.gpu" "power.draw" "clocks_event_reasons.sync_boost"');

test.each(["[N/A]", "[Not Supported]", "[Unknown Error]", "ERR!", "N/A", "", "[GPU requires reset]", "0x0", "1e5"])("%j for a value means no series, and the others are there", (word) => {
  const points = gpuPoints(lineOf(`0, GPU-1, ${word}, 41, ${word}, ${word}`, fields)).filter(({ instrument }) => instrument !== instruments.gpuInfo && instrument !== instruments.gpuStatus);
  expect(points).toEqual([{ instrument: instruments.gpuTemperature, labels: { gpu: "GPU-1" }, value: 41 }]);
});

test.each(["", "No devices were found", "0, GPU-1, 5", "index, uuid, utilization.gpu, temperature.gpu, power.draw, x", "0, GPU-1, 5, 41, 70, Active, more"])("%j is no sample", (line) => {
  expect(parseLine(line, fields)).toBeUndefined();
});

test("a card that does not tell its UUID is called by its index", () => {
  expect(gpuId(lineOf("3, [N/A], 5, 41, 70, Active", fields))).toBe("index-3");
});

test.each([
  ["None", false],
  ["Reset", true],
  ["GPU Reset", true],
  ["Drain and Reset", true],
  ["[N/A]", undefined],
  ["N/A", undefined],
  ["Requested functionality has been deprecated", undefined],
  [undefined, undefined],
])("what the driver advises, %j, means that a reset is needed: %s", (text, needed) => {
  expect(recoveryOf(text)).toBe(needed);
});

test("a card that needs a reset has failed; heat degrades it, a power cap does not", () => {
  const asked = chooseFields('"index" "gpu_recovery_action" "clocks_event_reasons.sw_power_cap" "clocks_event_reasons.hw_thermal_slowdown"');
  const statusOfLine = (text: string) => statusOf(figuresOfLine(lineOf(text, asked)));
  expect(statusOfLine("0, None, Active, Not Active")).toBe("ok");
  expect(statusOfLine("0, None, Active, Active")).toBe("degraded");
  expect(statusOfLine("0, Reset, Not Active, Not Active")).toBe("failed");
  expect(statusOfLine("0, [N/A], [N/A], [N/A]")).toBeUndefined();
});
