import { expect, test } from "vitest";
import { clockTick, parseStat, readProcess, ticksOf } from "../../agent/collectors/process.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { AnyInstrument } from "../../exporters/instruments.ts";
import type { Reading } from "../../agent/collectors/collector.ts";
import { stat, Tree } from "./tree.ts";

const valueOf = ({ points }: Reading, instrument: AnyInstrument) => points.find((point) => point.instrument === instrument)?.value;

const hundred = { perSecond: 100, bootS: undefined };

const status = "Name:\tpython3\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nVmPeak:\t 2900000 kB\nVmRSS:\t  338844 kB\nRssAnon:\t  300000 kB\nThreads:\t37\n";

test("CPU time, memory, threads and open files of a process", async () => {
  using proc = new Tree({ "42/stat": stat({ userTicks: 1_234, systemTicks: 66, threads: 37 }), "42/status": status, "42/fd/0": "", "42/fd/1": "", "42/fd/17": "" });
  expect(await readProcess(proc.root, 42, "server", hundred)).toEqual({
    status: "ok",
    detail: "process 42, state S",
    process: "42 since 5000",
    points: [
      { instrument: instruments.processCpuTime, labels: { process: "server" }, value: 13 },
      { instrument: instruments.processThreads, labels: { process: "server" }, value: 37 },
      { instrument: instruments.processMemory, labels: { process: "server" }, value: 338_844 * 1_024 },
      { instrument: instruments.processFiles, labels: { process: "server" }, value: 3 },
    ],
  });
});

test("another user's process does not show its open files: that series is left out", async () => {
  using proc = new Tree({ "42/stat": stat(), "42/status": status });
  const reading = await readProcess(proc.root, 42, "server", hundred);
  expect(reading).toMatchObject({ status: "ok", detail: "process 42, state S; its open files are not shown to this user" });
  expect(valueOf(reading, instruments.processFiles)).toBeUndefined();
  expect(valueOf(reading, instruments.processMemory)).toBe(338_844 * 1_024);
});

test("a process was started so long after its machine", async () => {
  using proc = new Tree({ stat: "cpu  1 2 3\nbtime 1790000000\nprocesses 7\n", "42/stat": stat({ startTicks: 12_345 }), "42/status": status });
  expect(valueOf(await readProcess(proc.root, 42, "server", await ticksOf(proc.root)), instruments.processStart)).toBe(1_790_000_123.45);
});

test("a process that is gone, or dead and not yet buried, is unknown", async () => {
  using proc = new Tree({ "42/stat": stat({ state: "Z" }), "42/status": "Name:\tpython3\n" });
  expect(await readProcess(proc.root, 42, "server", hundred)).toMatchObject({ status: "unknown", points: [] });
  expect(await readProcess(proc.root, 43, "server", hundred)).toMatchObject({ status: "unknown", points: [] });
});

test.each(["python3", "a b", "tricky) S 1 (name", ")"])("a name such as %j does not shift the figures", (name) => {
  expect(parseStat(stat({ name, state: "D", parent: 7, userTicks: 10, systemTicks: 5, threads: 3, startTicks: 99 }))).toEqual({
    state: "D",
    parentPid: 7,
    cpuTicks: 15,
    threads: 3,
    startTicks: 99,
  });
});

test("the clock tick is what the kernel says, and 100 where it says nothing", async () => {
  using proc = new Tree();
  expect(await clockTick(proc.root)).toBe(100);
  const pairs: [bigint, bigint][] = [[6n, 4_096n], [17n, 64n], [0n, 0n]];
  const auxiliary = Buffer.alloc(16 * pairs.length);
  pairs.forEach(([type, value], index) => auxiliary.writeBigUInt64LE(value, auxiliary.writeBigUInt64LE(type, 16 * index)));
  proc.write("self/auxv", auxiliary.toString());
  expect(await clockTick(proc.root)).toBe(64);
});

const linux = process.platform === "linux";

test.skipIf(!linux)("this process, as Linux shows it, agrees with what Node says of it", async () => {
  const ticks = await ticksOf("/proc");
  const before = process.cpuUsage();
  const reading = await readProcess("/proc", "self", "pilotfish", ticks);
  const memory = process.memoryUsage().rss;
  expect(reading.status).toBe("ok");
  const cpuSeconds = (before.user + before.system) / 1e6;
  // A tick is coarse: user and system time are each rounded down.
  expect(valueOf(reading, instruments.processCpuTime)).toBeGreaterThan(cpuSeconds - 3 / ticks.perSecond);
  expect(valueOf(reading, instruments.processCpuTime)).toBeLessThan(cpuSeconds + 0.5);
  expect((valueOf(reading, instruments.processMemory) as number) / memory).toBeGreaterThan(0.8);
  expect((valueOf(reading, instruments.processMemory) as number) / memory).toBeLessThan(1.25);
  expect(valueOf(reading, instruments.processThreads)).toBeGreaterThan(1);
  expect(valueOf(reading, instruments.processFiles)).toBeGreaterThan(3);
});
