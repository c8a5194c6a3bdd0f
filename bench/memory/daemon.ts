/** The daemon as bench/memory.ts measures it: a process of its own, read through /proc and, where it was asked to, its inspector. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { residentMb } from "../measure.ts";
import { inspected } from "./inspected.ts";
import type { Inspected } from "./inspected.ts";

export interface Daemon {
  readonly gatewayPort: number;
  /** From the process's start to the first 200 of `/readyz`. */
  readonly readyMs: number;
  /** Opened by the first call; undefined without `inspect`. */
  readonly inspected: () => Promise<Inspected>;
  residentMb(): number;
  /** One scrape, since the first one loads the serializer. */
  scrape(): Promise<void>;
  close(): void;
}

export interface DaemonOptions {
  /** What Node runs. */
  readonly command: string;
  readonly settings?: readonly string[];
  /** Of the model server; a port where nobody listens by default. */
  readonly serverPort?: number;
  readonly inspect?: boolean;
}

const readyMaxMs = 30_000;

export async function startDaemon({ command, settings = [], serverPort, inspect = false }: DaemonOptions): Promise<Daemon> {
  const [server, gatewayPort, apiPort, metricsPort, inspectPort] = [serverPort ?? (await freePort()), await freePort(), await freePort(), await freePort(), await freePort()];
  const set = ["gateway.host=127.0.0.1", `gateway.port=${gatewayPort}`, `api.port=${apiPort}`, "metrics.host=127.0.0.1", `metrics.port=${metricsPort}`, ...settings];
  const flags = inspect ? [`--inspect=127.0.0.1:${inspectPort}`] : [];
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...flags, command, "run", "--server", `http://127.0.0.1:${server}`, ...set.flatMap((setting) => ["--set", setting])], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await ready(`http://127.0.0.1:${apiPort}/readyz`, child);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const readyMs = performance.now() - startedMs;
  return {
    gatewayPort,
    readyMs,
    inspected: () => inspected(inspectPort),
    residentMb: () => residentMb(child.pid as number),
    async scrape() {
      await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    },
    close: () => void child.kill("SIGKILL"),
  };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + readyMaxMs;
  while (performance.now() < endMs && child.exitCode === null) {
    const answered = await fetch(url).then((response) => response.ok, () => false);
    if (answered) return;
    await wait(5);
  }
  throw new Error(`the daemon was not ready within ${readyMaxMs} ms`);
}
