/**
 * What watching costs: the daemon with all collectors at one second and no traffic, as a share of one core, beside
 * node_exporter and the OpenTelemetry Collector where they are installed, all in the same run. And what a hung nvidia-smi costs.
 * `npm run bench:agent [-- --rounds 5] [-- --window 10] [-- --hung 60] [-- --json]`; reads /proc, so it wants Linux.
 *
 * Each figure is the median over the rounds of the CPU time that a process and its children took in a window, the programs all
 * running at once. node_exporter works when it is scraped, so all are scraped once a second; the daemon is shown without, too.
 * There is a server to watch, and a program that plays nvidia-smi where there is no GPU; what they take is not counted.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../agent/cli/demo/free-port.ts";
import { systemClock } from "../agent/clock.ts";
import { collectors, collectorsOptions } from "../agent/collectors/collectors.ts";
import { ask } from "../agent/forward/ask.ts";
import { silent } from "../agent/log.ts";
import { median } from "./measure.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, window: { type: "string", default: "10" }, hung: { type: "string", default: "60" }, json: { type: "boolean", default: false } },
});
const rounds = Number(values.rounds);
const windowS = Number(values.window);
const limits = { cpuShare: 0.02, delayP99Ms: 20, children: 1 };

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const installed = (command: string) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const ticksPerSecond = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout);
const folder = mkdtempSync(join(tmpdir(), "pilotfish-bench-"));
const running: ChildProcess[] = [];

interface Watcher {
  readonly name: string;
  readonly pid: number;
  /** Scraped once a second; undefined where it is left alone. */
  readonly metrics: string | undefined;
}

function start(command: string, args: readonly string[]): number {
  const child = spawn(command, args, { stdio: "ignore" });
  running.push(child);
  return child.pid as number;
}

/** A server with metrics, for the daemon to find, to read and to watch. */
const server = createServer((request, response) => {
  if (request.url === "/metrics") response.end("server_requests_in_progress 0\nserver_queue_length 0\nserver_inferences_total 0\n");
  else response.end("{}");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function play(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}`, { mode: 0o755 });
  return path;
}
const fields = "index uuid name driver_version utilization.gpu memory.used memory.total temperature.gpu power.draw clocks.sm";
const help = `if [ "$1" = --help-query-gpu ]; then for f in ${fields}; do echo "\\"$f\\""; done; exit; fi\n`;
const smi = installed("nvidia-smi") ? "nvidia-smi" : play("nvidia-smi", `${help}while :; do echo "0, GPU-1, H100, 590, 97, 11125, 81559, 53, 433.78, 1980"; sleep 1; done\n`);

async function daemon(name: string, scraped: boolean): Promise<Watcher> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const settings = [
    `gateway.host=127.0.0.1`, `gateway.port=${ports[0]}`, `api.port=${ports[1]}`, "metrics.host=127.0.0.1", `metrics.port=${ports[2]}`,
    `store.path=${join(folder, `${name}.db`)}`, "collectors.interval=1s", "collectors.gpu.interval=1s", `collectors.gpu.command=${smi}`, "collectors.network=on",
  ];
  const program = existsSync(at("dist/pilotfish.mjs")) ? "dist/pilotfish.mjs" : "agent/main.ts";
  const pid = start(process.execPath, [at(program), "run", "--server", serverUrl, ...settings.flatMap((setting) => ["--set", setting])]);
  return { name: `${name} (${program})`, pid, metrics: scraped ? `http://127.0.0.1:${ports[2]}/metrics` : undefined };
}

async function watchers(): Promise<readonly Watcher[]> {
  const all = [await daemon("pilotfish", false), await daemon("pilotfish, scraped", true)];
  const missing: string[] = [];
  if (installed("prometheus-node-exporter")) {
    const port = await freePort();
    all.push({ name: "node_exporter, scraped", pid: start("prometheus-node-exporter", [`--web.listen-address=127.0.0.1:${port}`]), metrics: `http://127.0.0.1:${port}/metrics` });
  } else missing.push("prometheus-node-exporter");
  const collector = ["otelcol-contrib", "otelcol"].find(installed);
  if (collector === undefined) missing.push("otelcol");
  else {
    const port = await freePort();
    const config = join(folder, "otelcol.yaml");
    const scrapers = ["cpu", "disk", "filesystem", "load", "memory", "network", "process"].map((name) => `      ${name}:`).join("\n");
    writeFileSync(config, `receivers:\n  hostmetrics:\n    collection_interval: 1s\n    scrapers:\n${scrapers}\nexporters:\n  prometheus:\n    endpoint: 127.0.0.1:${port}\nservice:\n  pipelines:\n    metrics: { receivers: [hostmetrics], exporters: [prometheus] }\n`);
    all.push({ name: `${collector}, scraped`, pid: start(collector, ["--config", config]), metrics: `http://127.0.0.1:${port}/metrics` });
  }
  if (missing.length > 0) console.error(`NOT MEASURED: ${missing.join(" and ")}: not installed`);
  return all;
}

/** User and system, of the process and of its children that have ended and of those that live. */
function cpuSeconds(pid: number): number {
  const fieldsOf = (of: number) => {
    try {
      const stat = readFileSync(`/proc/${of}/stat`, "latin1");
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    } catch {
      return [];
    }
  };
  const [, , , , , , , , , , , user = 0, system = 0, endedUser = 0, endedSystem = 0] = fieldsOf(pid);
  return (user + system + endedUser + endedSystem) / ticksPerSecond;
}

async function costOfWatching() {
  const all = await watchers();
  let scraping = true;
  const scrape = async ({ metrics }: Watcher) => {
    while (scraping && metrics !== undefined) {
      await fetch(metrics).then((answer) => answer.arrayBuffer()).catch(() => {});
      await wait(1_000);
    }
  };
  const scrapes = all.map(scrape);
  await wait(10_000);
  const shares = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const before = all.map(({ pid }) => cpuSeconds(pid));
    const startMs = performance.now();
    await wait(windowS * 1_000);
    const seconds = (performance.now() - startMs) / 1_000;
    for (const [index, { name, pid }] of all.entries()) shares.get(name)?.push((cpuSeconds(pid) - (before[index] as number)) / seconds);
  }
  scraping = false;
  await Promise.all(scrapes);
  for (const child of running) child.kill("SIGKILL");
  return [...shares].map(([name, of]) => ({ name, medianShare: median(of), minShare: Math.min(...of), maxShare: Math.max(...of) }));
}

/** The collectors in this process, with an nvidia-smi that hangs; a process of its own could not be asked for its delays. */
async function hungDriver(seconds: number) {
  const children: ChildProcess[] = [];
  let readings = 0;
  const readingsOk = new Set<string>();
  const options = collectorsOptions.parse({ interval: "1s", gpu: { backend: "nvidia-smi", command: play("hung-smi", "exec sleep 3600\n") } });
  const spawnCounted = (command: string, args: readonly string[]) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    return child;
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const close = collectors(options, {
    clock: systemClock, log: silent, ask, server: new URL(serverUrl), spawn: spawnCounted,
    observe: (observation) => {
      readings += 1;
      if (observation.kind === "reading" && observation.status === "ok") readingsOk.add(observation.collector);
    },
  }).start();
  await wait(3_000); // systeminformation is loaded once, at the start
  delay.enable();
  let mostAlive = 0;
  for (let second = 0; second < seconds; second += 1) {
    await wait(1_000);
    mostAlive = Math.max(mostAlive, children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).length);
  }
  delay.disable();
  await close();
  return { seconds, delayP50Ms: delay.percentile(50) / 1e6, delayP99Ms: delay.percentile(99) / 1e6, delayMaxMs: delay.max / 1e6, mostChildrenAlive: mostAlive, childrenStarted: children.length, readings, gpuOk: readingsOk.has("gpu") };
}

try {
  const watching = await costOfWatching();
  const hung = Number(values.hung) > 0 ? await hungDriver(Number(values.hung)) : undefined;
  if (values.json) console.log(JSON.stringify({ limits, windowS, rounds, watching, hung }, null, 2));
  else {
    const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
    for (const { name, medianShare, minShare, maxShare } of watching) console.log(`${name.padEnd(44)} ${percent(medianShare).padStart(8)} of one core (${percent(minShare)} to ${percent(maxShare)})`);
    if (hung !== undefined) {
      const { seconds, delayP50Ms, delayP99Ms, delayMaxMs, mostChildrenAlive, childrenStarted, gpuOk } = hung;
      console.log(`hung nvidia-smi, ${seconds} s: event loop delay p50 ${delayP50Ms.toFixed(1)}, p99 ${delayP99Ms.toFixed(1)}, max ${delayMaxMs.toFixed(1)} ms; ${mostChildrenAlive} child alive at most, ${childrenStarted} started; GPU ${gpuOk ? "OK" : "unknown"}`);
    }
  }
  const watched = watching[0]?.medianShare ?? 1;
  const hurt = hung !== undefined && (hung.delayP99Ms >= limits.delayP99Ms || hung.mostChildrenAlive > limits.children || hung.gpuOk);
  process.exitCode = watched <= limits.cpuShare && !hurt ? 0 : 1;
} finally {
  for (const child of running) child.kill("SIGKILL");
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}
