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
import { gpu } from "./gpu/gpu.ts";
import { gpuOptions } from "./gpu/options.ts";
import { visibleGpus } from "./gpu/visible.ts";
import { inventory } from "./inventory.ts";
import { readNetwork } from "./network.ts";
import { readProcess, ticksOf, type Ticks } from "./process.ts";
import { runCollector } from "./run.ts";
import { serverMetrics } from "./server-metrics.ts";
import { serverProcess, type ServerProcess } from "./server-process.ts";
import { KeptFiles, type ReadText } from "./small-file.ts";
import { readStateDisk } from "./state-disk.ts";

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

export const collectorsOptions = z.strictObject({
  interval: duration(100).prefault("2s"),
  server: serverOptions.prefault({}),
  gpu: gpuOptions.prefault({}),
  /** `auto`: not where the network is the node's own, as far as its interfaces show. */
  network: z.enum(["auto", "on", "off"]).default("auto"),
  /** Where the kernel's files are, for a machine that shows them elsewhere. */
  paths: z
    .strictObject({
      proc: z.string().min(1).default("/proc"),
      cgroup: z.string().min(1).default("/sys/fs/cgroup"),
      sys: z.string().min(1).default("/sys"),
      kernelLog: z.string().min(1).default("/dev/kmsg"),
    })
    .prefault({}),
});
export type CollectorsOptions = z.infer<typeof collectorsOptions>;

export interface CollectorsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: typeof ask;
  readonly observe: Observe;
  readonly server: URL;
  /** Where Pilotfish keeps its state; undefined where it keeps none. */
  readonly stateFolder?: string | undefined;
  /** Default: node:child_process's. */
  readonly spawn?: Spawn;
}

export interface Collectors {
  start(): Close;
}

/** What the makers share: one search for the server's process. */
interface Shared {
  readonly findServer: () => Promise<ServerProcess>;
  readonly ticks: () => Promise<Ticks>;
  readonly read: ReadText;
}

const makers = {
  "server-metrics": ({ interval, server: { metrics, timeout } }, deps) =>
    metrics === "off" ? undefined : serverMetrics({ server: deps.server, url: metrics === undefined ? undefined : new URL(metrics), intervalMs: interval, timeoutMs: timeout }, deps),

  "pilotfish-process": ({ interval, paths }, _deps, { ticks, read }) => every(interval, async () => readProcess(paths.proc, "self", "pilotfish", await ticks(), read)),

  "server-process": ({ interval, paths }, _deps, { findServer, ticks, read }) =>
    every(interval, async () => {
      const process = await findServer();
      return process.found ? readProcess(paths.proc, process.pid, "server", await ticks(), read) : unknown(process.detail);
    }),

  "pilotfish-cgroup": ({ interval, paths }, _deps, { read }) => every(interval, () => readCgroup(paths, "self", "pilotfish", read)),

  "server-cgroup": ({ interval, paths }, _deps, { findServer, read }) =>
    every(interval, async () => {
      const process = await findServer();
      return process.found ? readCgroup(paths, process.pid, "server", read) : unknown(process.detail);
    }),

  network: ({ interval, network, paths }, _deps, { read }) => (network === "off" ? undefined : every(interval, () => readNetwork(paths, network === "on", read))),

  "state-disk": ({ interval }, { stateFolder }) => (stateFolder === undefined ? undefined : every(interval, () => readStateDisk(stateFolder))),

  gpu: ({ gpu: options, paths, server: { metrics } }, { clock, log, ask, spawn, server }, { findServer }) =>
    gpu(options, {
      clock,
      log,
      ask,
      spawn: spawn ?? spawnPiped,
      server: { url: server, metrics: metrics === undefined || metrics === "off" ? metrics : new URL(metrics) },
      paths,
      devices: async () => {
        const process = await findServer();
        return process.found ? `${paths.proc}/${process.pid}/root/dev/dri` : "/dev/dri";
      },
      visible: visibleGpus(paths.proc, findServer),
    }),

  inventory: ({ interval }) => inventory(interval),
} as const satisfies Record<string, (options: CollectorsOptions, deps: CollectorsDeps, shared: Shared) => Collector | undefined>;

export function collectors(options: CollectorsOptions, deps: CollectorsDeps): Collectors {
  const { server, paths } = options;
  const files = new KeptFiles();
  let ticks: Promise<Ticks> | undefined;
  const shared: Shared = {
    findServer: serverProcess({ proc: paths.proc, server: deps.server, pid: server.pid }, deps.clock, files.read),
    read: files.read,
    ticks: () => (ticks ??= ticksOf(paths.proc)),
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
        await files.close();
      };
    },
  };
}

/** Files of the kernel are read in well under a millisecond; a second means that the file system hangs. */
function every(intervalMs: number, read: () => Promise<Reading>): Collector {
  return { intervalMs, timeoutMs: 1_000, read };
}

const spawnPiped: Spawn = (command, args) => spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
