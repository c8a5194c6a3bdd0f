/** The collectors: which there are, what they take, and how they are started. */
import { spawn } from "node:child_process";
import * as z from "zod";
import type { Clock } from "../clock.ts";
import type { ask } from "../forward/ask.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Observe } from "../observation.ts";
import { duration } from "../units.ts";
import { readCgroup } from "./cgroup.ts";
import type { Spawn } from "./child.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";
import { inventory } from "./inventory.ts";
import { nvidiaSmi } from "./nvidia-smi.ts";
import { clockTick, readProcess } from "./process.ts";
import { runCollector } from "./run.ts";
import { serverMetrics } from "./server-metrics.ts";
import { serverProcess, type ServerProcess } from "./server-process.ts";

const metricsExpected = 'expected the URL of the server\'s metrics, such as "http://127.0.0.1:8002/metrics", or "off"';

const serverOptions = z.strictObject({
  /** Default: where its kind of server has them; `/metrics` at the server's URL is tried first. */
  metrics: z
    .union([z.literal("off"), z.url({ protocol: /^https?$/, error: metricsExpected })], { error: metricsExpected })
    .optional(),
  /** Default: whoever listens on the server's port. */
  pid: z.union([z.literal("auto"), z.int().positive()], { error: 'expected the number of a process, or "auto"' }).default("auto"),
  timeout: duration(10).prefault("1s"),
});

const gpuOptions = z.strictObject({
  /** `auto`: nvidia-smi where there is one. */
  source: z.enum(["auto", "nvidia-smi", "off"]).default("auto"),
  command: z.string().min(1).default("nvidia-smi"),
  interval: duration(200).prefault("1s"),
});

export const collectorsOptions = z.strictObject({
  interval: duration(100).prefault("2s"),
  server: serverOptions.prefault({}),
  gpu: gpuOptions.prefault({}),
  /** Where the kernel's files are, for a machine that shows them elsewhere. */
  paths: z.strictObject({ proc: z.string().min(1).default("/proc"), cgroup: z.string().min(1).default("/sys/fs/cgroup") }).prefault({}),
});
export type CollectorsOptions = z.infer<typeof collectorsOptions>;

export interface CollectorsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: typeof ask;
  readonly observe: Observe;
  readonly server: URL;
  /** Default: node:child_process's. */
  readonly spawn?: Spawn;
}

export interface Collectors {
  start(): Close;
}

/** What the makers share: one search for the server's process. */
interface Shared {
  readonly findServer: () => Promise<ServerProcess>;
  readonly ticksPerSecond: () => Promise<number>;
}

const makers = {
  "server-metrics": ({ interval, server: { metrics, timeout } }, deps) =>
    metrics === "off" ? undefined : serverMetrics({ server: deps.server, url: metrics === undefined ? undefined : new URL(metrics), intervalMs: interval, timeoutMs: timeout }, deps),

  "pilotfish-process": ({ interval, paths }, _deps, { ticksPerSecond }) => every(interval, async () => readProcess(paths.proc, "self", "pilotfish", await ticksPerSecond())),

  "server-process": ({ interval, paths }, _deps, { findServer, ticksPerSecond }) =>
    every(interval, async () => {
      const process = await findServer();
      return process.found ? readProcess(paths.proc, process.pid, "server", await ticksPerSecond()) : unknown(process.detail);
    }),

  "pilotfish-cgroup": ({ interval, paths }) => every(interval, () => readCgroup(paths, "self", "pilotfish")),

  "server-cgroup": ({ interval, paths }, _deps, { findServer }) =>
    every(interval, async () => {
      const process = await findServer();
      return process.found ? readCgroup(paths, process.pid, "server") : unknown(process.detail);
    }),

  gpu: ({ gpu: { source, command, interval } }, { clock, log, spawn }) =>
    source === "off" ? undefined : nvidiaSmi({ command, intervalMs: interval, expected: source !== "auto" }, { clock, log, spawn: spawn ?? spawnPiped }),

  inventory: ({ interval }) => inventory(interval),
} as const satisfies Record<string, (options: CollectorsOptions, deps: CollectorsDeps, shared: Shared) => Collector | undefined>;

export function collectors(options: CollectorsOptions, deps: CollectorsDeps): Collectors {
  const { server, paths } = options;
  let ticks: Promise<number> | undefined;
  const shared: Shared = {
    findServer: serverProcess({ proc: paths.proc, server: deps.server, pid: server.pid }, deps.clock),
    ticksPerSecond: () => (ticks ??= clockTick(paths.proc)),
  };
  const made = Object.entries(makers).flatMap(([name, make]) => {
    const collector = make(options, deps, shared);
    return collector === undefined ? [] : [{ name, collector }];
  });
  return {
    start() {
      const closes = made.map(({ name, collector }) => runCollector(name, collector, deps));
      return async () => {
        await Promise.all(closes.map(async (close) => close()));
      };
    },
  };
}

/** Files of the kernel are read in well under a millisecond; a second means that the file system hangs. */
function every(intervalMs: number, read: () => Promise<Reading>): Collector {
  return { intervalMs, timeoutMs: 1_000, read };
}

const spawnPiped: Spawn = (command, args) => spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
