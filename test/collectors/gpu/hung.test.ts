/** A driver that hangs for a minute, through the whole room of collectors and into the scrape. Real children, a turned clock. */
import { spawn as spawnChild, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectors, collectorsOptions } from "../../../agent/collectors/collectors.ts";
import type { Spawn } from "../../../agent/collectors/child.ts";
import { ask } from "../../../agent/forward/ask.ts";
import type { Close } from "../../../agent/lifecycle.ts";
import { silent } from "../../../agent/log.ts";
import type { Observation } from "../../../agent/observation.ts";
import { recorder } from "../../../agent/recorder.ts";
import { Meter } from "../../../exporters/meter.ts";
import { prometheusText } from "../../../exporters/prometheus.ts";
import { FakeClock } from "../../fake-clock.ts";
import { Heard } from "../../probes/server.ts";
import { Tree } from "../tree.ts";

let tree: Tree;
let clock: FakeClock;
let meter: Meter;
let children: ChildProcess[];
let printed: Heard<unknown>;
let close: Close | undefined;

beforeEach(() => {
  tree = new Tree();
  clock = new FakeClock();
  meter = new Meter(clock);
  children = [];
  printed = new Heard();
});

afterEach(async () => {
  const closing = Promise.resolve(close?.());
  await settle();
  clock.advance(1_000);
  await closing;
  for (const { pid } of children) if (alive(pid)) process.kill(pid as number, "SIGKILL");
  tree[Symbol.dispose]();
});

const alive = (pid: number | undefined) => pid !== undefined && existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

async function settle(): Promise<void> {
  for (let i = 0; i < 40; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Plays nvidia-smi: well until the file `hung` is there, then silent at whatever it is asked. */
function start(spawn: Spawn): void {
  const hung = tree.path("hung");
  tree.write(
    "nvidia-smi",
    `#!/bin/sh
hang() { while :; do sleep 600; done; }
[ -e ${hung} ] && hang
if [ "$1" = --help-query-gpu ]; then echo '"index" "uuid" "utilization.gpu"'; exit; fi
echo '0, GPU-a, 37'
hang
`,
  );
  const options = collectorsOptions.parse({ server: { metrics: "off" }, gpu: { backend: "nvidia-smi", command: tree.path("nvidia-smi") }, paths: { proc: tree.path("none"), cgroup: tree.path("none") } });
  const record = recorder(meter, clock, () => [], 3_000);
  const observe = (observation: Observation) => record.observation(observation);
  close = collectors(options, { clock, log: silent, ask, observe, server: new URL("http://127.0.0.1:1"), spawn }).start();
}

const spawning =
  (change: (child: ChildProcess) => void = () => {}): Spawn =>
  (command, args) => {
    const child = spawnChild(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    // The script's own sleep goes with it.
    const group = child.pid;
    child.kill = (signal) => group !== undefined && process.kill(-group, signal);
    change(child);
    child.stdout.on("data", printed.push);
    children.push(child);
    return child;
  };

async function scrape(): Promise<{ readonly up: string | undefined; readonly busy: string | undefined }> {
  const { body } = await prometheusText(meter);
  return { up: /^pilotfish_collector_up\{collector="gpu"\} (.*)$/m.exec(body)?.[1], busy: /^hw_gpu_utilization_ratio\{gpu="GPU-a"\} (.*)$/m.exec(body)?.[1] };
}

/** The clock goes on by a second a turn; between the turns what really happens may happen. */
async function seconds(count: number, each: () => void): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    clock.advance(1_000);
    await settle();
    each();
  }
}

/** Delays are wall time, which a busy machine can spoil; one that blocks spoils it every time. */
const again = { retry: 3 };

test.each([
  ["that dies when it is killed", () => {}],
  ["that can not even be killed", (child: ChildProcess) => (child.kill = () => true)],
] as const)("a minute of an nvidia-smi %s: one child at most, its series gone within three intervals, unknown, and nobody waits", again, async (_, change) => {
  start(spawning(change));
  await printed.count(2); // its help, and a sample
  await settle();
  await seconds(1, () => {});
  expect(await scrape()).toEqual({ up: "1", busy: "0.37" });

  tree.write("hung", "");
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let mostAlive = 0;
  const count = () => (mostAlive = Math.max(mostAlive, children.filter(({ pid }) => alive(pid)).length));
  await seconds(3, count);
  expect(await scrape()).toEqual({ up: "0", busy: undefined });
  await seconds(57, count);
  delay.disable();

  expect(await scrape()).toEqual({ up: "0", busy: undefined });
  expect(mostAlive).toBe(1);
  expect(children.length).toBeLessThanOrEqual(2 + 3); // help and loop; after that a child has half a minute for its first word
  expect(delay.percentile(99) / 1e6).toBeLessThan(20);
});
