/** Real child processes that play nvidia-smi, watched by a clock that the test turns. */
import { execFileSync, spawn as spawnChild } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Collector } from "../../../agent/collectors/collector.ts";
import type { Spawn } from "../../../agent/collectors/child.ts";
import { nvidiaSmi } from "../../../agent/collectors/gpu/nvidia-smi.ts";
import type { Close } from "../../../agent/lifecycle.ts";
import type { Log, LogFields } from "../../../agent/log.ts";
import { instruments } from "../../../exporters/instruments.ts";
import { FakeClock } from "../../fake-clock.ts";
import { Heard } from "../../probes/server.ts";
import { Tree } from "../tree.ts";

const help = 'if [ "$1" = --help-query-gpu ]; then echo \'"index" "uuid" "utilization.gpu"\'; exit; fi\n';
/** Stays, prints nothing, and holds the pipes: what a hung driver makes of it. */
const hang = "exec sleep 600\n";

let tree: Tree;
let clock: FakeClock;
/** Every child that was started, with its arguments. */
let started: Heard<{ readonly pid: number | undefined; readonly args: readonly string[]; readonly exited: Promise<unknown>; readonly said: Heard<unknown> }>;
let logged: { readonly level: string; readonly fields: LogFields }[];
let close: Close | undefined;

beforeEach(() => {
  tree = new Tree();
  clock = new FakeClock();
  started = new Heard();
  logged = [];
});

afterEach(async () => {
  const closing = close?.();
  close = undefined;
  await closing;
  tree[Symbol.dispose]();
});

const spawn: Spawn = (command, args) => {
  const child = spawnChild(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  child.on("error", () => {});
  const said = new Heard<unknown>();
  child.stdout.on("data", said.push);
  started.push({ pid: child.pid, args, exited: once(child, "close").catch(() => {}), said });
  return child;
};
const write = (level: string) => (fields: LogFields) => void logged.push({ level, fields });
const log: Log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };

/** Starts a collector on a shell script that plays nvidia-smi. */
function play(script: string, { intervalMs = 1_000, expected = false, spawn: with_ = spawn }: { intervalMs?: number; expected?: boolean; spawn?: Spawn } = {}): Collector {
  tree.write("nvidia-smi", `#!/bin/sh\n${script}`);
  return open(tree.path("nvidia-smi"), intervalMs, expected, with_);
}

function open(command: string, intervalMs: number, expected: boolean, with_: Spawn): Collector {
  const collector = nvidiaSmi({ command, intervalMs, expected }, { clock, log, spawn: with_ });
  close = collector.open?.();
  return collector;
}

/** Lets what has really happened reach the collector: several rounds of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The nth child, once it has printed something. */
async function spoken(nth: number) {
  const child = (await started.count(nth))[nth - 1];
  await child?.said.count(1);
  await settle();
  return child;
}

/** Kept when that child is gone and the collector knows it. */
async function gone(nth: number): Promise<void> {
  await (await started.count(nth))[nth - 1]?.exited;
  await settle();
}

const alive = (pid: number | undefined) => pid !== undefined && existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

test("one looping child, asked for what the driver knows, gives the figures of all GPUs", async () => {
  const smi = play(`${help}printf '0, GPU-a, 0\\n1, GPU-b, 37\\n'\n${hang}`);
  expect(await smi.read()).toEqual({ status: "unknown", detail: "nvidia-smi has not answered yet", points: [] });
  await spoken(2);
  expect(started.all.map(({ args }) => args)).toEqual([["--help-query-gpu"], ["--query-gpu=index,uuid,utilization.gpu", "--format=csv,noheader,nounits", "-lms", "1000"]]);
  const reading = await smi.read();
  expect(reading).toMatchObject({ status: "ok", detail: "nvidia-smi: 2 of 2 GPUs" });
  expect(reading.points.filter(({ instrument }) => instrument === instruments.gpuUtilization).map(({ labels, value }) => [labels["gpu"], value])).toEqual([["GPU-a", 0], ["GPU-b", 0.37]]);
});

test("one that hangs later is killed after three missed samples, its figures are unknown at once, and a new one follows", async () => {
  const smi = play(`${help}echo '0, GPU-a, 37'\n${hang}`);
  const first = await spoken(2);
  clock.advance(2_999);
  expect(await smi.read()).toMatchObject({ status: "ok" });
  clock.advance(2);
  expect(await smi.read()).toEqual({ status: "unknown", detail: "nvidia-smi was silent for 3 s and was killed", points: [] });
  await gone(2);
  expect(alive(first?.pid)).toBe(false);
  clock.advance(999);
  await settle();
  expect(started.all).toHaveLength(2);
  clock.advance(1);
  await spoken(4);
  expect(await smi.read()).toMatchObject({ status: "ok" });
  expect(logged.map(({ level }) => level)).toEqual(["warn"]);
});

test("one that hangs at its start has 30 seconds for its first sample", async () => {
  const smi = play(`${help}echo starting >&2; echo; ${hang}`);
  const child = await spoken(2);
  clock.advance(29_999);
  await settle();
  expect(alive(child?.pid)).toBe(true);
  clock.advance(1);
  await gone(2);
  expect(alive(child?.pid)).toBe(false);
  expect((await smi.read()).detail).toMatch(/^nvidia-smi was silent for 30 s/);
});

test("a help that hangs is no different", async () => {
  const smi = play(hang);
  const [child] = await started.count(1);
  clock.advance(30_000);
  await gone(1);
  expect(alive(child?.pid)).toBe(false);
  expect((await smi.read()).status).toBe("unknown");
});

test("one that can not be killed stays the only one, however long", async () => {
  const unkillable: Spawn = (command, args) => {
    const child = spawn(command, args);
    const kill = child.kill.bind(child);
    child.kill = (signal) => (signal === "SIGKILL" ? true : kill(signal));
    return child;
  };
  const smi = play(`${help}echo '0, GPU-a, 37'\n${hang}`, { spawn: unkillable });
  const child = await spoken(2);
  clock.advance(3_600_000);
  await settle();
  expect(started.all).toHaveLength(2);
  expect(await smi.read()).toMatchObject({ status: "unknown", points: [] });
  // Closing does not wait for it for ever either.
  const closing = close?.();
  close = undefined;
  clock.advance(1_000);
  await closing;
  process.kill(child?.pid as number, "SIGKILL");
});

test("a machine without nvidia-smi is unknown, quietly, and is asked again once a minute", async () => {
  const smi = open(tree.path("nowhere"), 1_000, false, spawn);
  await started.count(1);
  await settle();
  expect(await smi.read()).toEqual({ status: "unknown", detail: `${tree.path("nowhere")} can not be started: ENOENT`, points: [] });
  clock.advance(59_999);
  await settle();
  expect(started.all).toHaveLength(1);
  clock.advance(1);
  await started.count(2);
  expect(logged.map(({ level }) => level)).toEqual(["debug"]);
});

test("where a GPU was expected, a missing nvidia-smi is worth one warning", async () => {
  open(tree.path("nowhere"), 1_000, true, spawn);
  for (let nth = 1; nth <= 3; nth += 1) {
    await started.count(nth);
    await settle();
    clock.advance(60_000);
    await settle();
  }
  expect(logged.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("one that fails says why, and is tried again ever more slowly", async () => {
  const smi = play("echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"; exit 9\n");
  await gone(1);
  expect(await smi.read()).toEqual({
    status: "unknown",
    detail: "nvidia-smi ended with code 9: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    points: [],
  });
  const atMs: number[] = [];
  for (let nth = 2; nth <= 9; nth += 1) {
    while (started.all.length < nth) {
      clock.advance(500);
      await settle();
    }
    atMs.push(clock.monotonicMs());
    await gone(nth);
  }
  expect(atMs.map((ms, index) => (ms - (atMs[index - 1] ?? 0)) / 1_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
});

test("one that prints rubbish has no figures, and is ended like one that is silent", async () => {
  const smi = play(`${help}i=0; while [ $i -lt 2000 ]; do echo "%%%% rubbish $i %%%%"; i=$((i+1)); done; printf 'no end of line'\n${hang}`);
  await spoken(2);
  expect(await smi.read()).toMatchObject({ status: "unknown", points: [] });
  clock.advance(30_000);
  await gone(2);
  expect((await smi.read()).detail).toMatch(/^nvidia-smi was silent for 30 s/);
});

test("what it complains about is bounded", async () => {
  const smi = play("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 2\n");
  await gone(1);
  expect((await smi.read()).detail).toBe(`nvidia-smi ended with code 2: ${"x".repeat(150)}`);
});

test("a GPU that falls silent beside others loses its series", async () => {
  const pipe = tree.path("pipe");
  execFileSync("mkfifo", [pipe]);
  const smi = play(`${help}exec cat ${pipe}\n`);
  const [, looping] = await started.count(2);
  await using driver = await openFile(pipe, "w");
  for (const [turn, lines] of ["0, GPU-a, 1\n1, GPU-b, 2\n", "0, GPU-a, 1\n", "0, GPU-a, 1\n", "0, GPU-a, 1\n"].entries()) {
    clock.advance(1_500);
    await driver.write(lines);
    await looping?.said.count(turn + 1);
    await settle();
    expect(await smi.read()).toMatchObject({ status: "ok", detail: turn < 2 ? "nvidia-smi: 2 of 2 GPUs" : "nvidia-smi: 1 of 2 GPUs" });
  }
});

test("a divided card's long form comes every five seconds, and has three times that before it counts as hung", async () => {
  const instance = "<mig_device><gpu_instance_id>9</gpu_instance_id><fb_memory_usage><used>9 MiB</used></fb_memory_usage></mig_device>";
  tree.write("document.xml", `<nvidia_smi_log><gpu><uuid>GPU-a</uuid><mig_devices>${instance}</mig_devices></gpu></nvidia_smi_log>\n`);
  const divided = help.replace('"utilization.gpu"', '"mig.mode.current"');
  const smi = play(`${divided}if [ "$1" = -q ]; then cat ${tree.path("document.xml")}; else echo '0, GPU-a, Enabled'; fi\n${hang}`);
  const first = (await started.count(2))[1];
  const long = await spoken(3);
  expect(alive(first?.pid)).toBe(false);
  expect(long?.args).toEqual(["-q", "-x", "-lms", "5000"]);
  clock.advance(14_999);
  expect(await smi.read()).toMatchObject({ status: "ok", detail: "nvidia-smi: 2 of 2 GPUs" });
  clock.advance(1);
  await gone(3);
  expect(await smi.read()).toEqual({ status: "unknown", detail: "nvidia-smi was silent for 15 s and was killed", points: [] });
});
