/**
 * What more cores bring to the gateway: `npm run bench:workers [-- --json] [-- --workers 1,2,4 --loads N --servers N
 * --rounds N --seconds S]`; loopback only. The whole daemon as it is installed, with so many workers, between load and
 * servers from enough processes of their own, by turns in one run; medians of requests a second, the processor time of a
 * request, and what is resident after the load. With fewer cores than workers, loads and servers together the figures say
 * what all of them share, so the number of cores is printed beside them. Reads /proc, so it wants Linux.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../agent/cli/demo/free-port.ts";
import { answer, type Measured } from "./gateway/load.ts";
import { cpuSeconds, listens, median, residentMb } from "./measure.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    workers: { type: "string", default: "1,2" },
    loads: { type: "string", default: "2" },
    servers: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    lanes: { type: "string", default: "both" },
  },
});
const processes = fileURLToPath(new URL("gateway/processes.ts", import.meta.url));
const seconds = Number(values.seconds);
const connections = 32;

await measure();

interface Result {
  readonly workers: number;
  readonly front: number;
  readonly child: ChildProcess;
  readonly idleMb: number;
  readonly perSecond: number[];
  readonly cpuUs: number[];
  readonly p99Ms: number[];
  failed: number;
}

async function measure(): Promise<void> {
  const daemon = fileURLToPath(new URL("../dist/pilotfish.mjs", import.meta.url));
  if (!existsSync(daemon)) {
    console.error("there is no bundle yet: npm run build");
    process.exit(2);
  }
  const counts = values.workers.split(",").map(Number);
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-bench-"));
  const children: ChildProcess[] = [];
  process.on("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    children.push(child);
    return child;
  };

  const behind = await freePort();
  for (let i = 0; i < Number(values.servers); i += 1) start([processes, "--role", "server", "--port", String(behind), "--answer", answer]);
  await listening(behind);

  const results: Result[] = [];
  for (const workers of counts) {
    const front = await freePort();
    const settings = ["gateway.host=127.0.0.1", `gateway.port=${front}`, `gateway.workers=${workers}`, `gateway.lanes=${values.lanes}`, "api.port=0", "metrics.host=127.0.0.1", "metrics.port=0", "log.level=error", `store.path=${join(folder, `${workers}.db`)}`, "collectors.gpu.backend=off"];
    const child = start([daemon, "run", "--server", `http://127.0.0.1:${behind}`, ...settings.flatMap((setting) => ["--set", setting])]);
    await listening(front);
    await wait(1_000);
    const idleMb = residentMb(child.pid as number);
    results.push({ workers, front, child, idleMb, perSecond: [], cpuUs: [], p99Ms: [], failed: 0 });
  }

  // A first round for nobody: what runs often is compiled by then.
  for (let round = -1; round < Number(values.rounds); round += 1) {
    for (const result of results) {
      const before = cpuSeconds(result.child.pid as number);
      const loads = await Promise.all(Array.from({ length: Number(values.loads) }, () => loaded(result.front)));
      if (round < 0) continue;
      const perSecond = loads.reduce((sum, one) => sum + one.perSecond, 0);
      result.perSecond.push(perSecond);
      result.cpuUs.push(((cpuSeconds(result.child.pid as number) - before) * 1e6) / (perSecond * seconds));
      result.p99Ms.push(Math.max(...loads.map(({ p99Ms }) => p99Ms)));
      result.failed += loads.reduce((sum, { failed }) => sum + failed, 0);
    }
  }
  const rows = results.map(({ workers, child, idleMb, perSecond, cpuUs, p99Ms, failed }) => ({ workers, perSecond: median(perSecond), toFirst: median(perSecond) / median(results[0]?.perSecond ?? []), cpuUs: median(cpuUs), p99Ms: median(p99Ms), failed, idleMb, loadedMb: residentMb(child.pid as number) }));
  if (values.json) {
    console.log(JSON.stringify({ cores: availableParallelism(), loads: Number(values.loads), servers: Number(values.servers), rows }, null, 2));
  } else {
    console.log(`${availableParallelism()} cores, ${values.loads} processes of load with ${connections} connections each, ${values.servers} of servers`);
    for (const { workers, perSecond, toFirst, cpuUs, p99Ms, failed, idleMb, loadedMb } of rows) {
      console.log(`${String(workers).padStart(3)} workers ${perSecond.toFixed(0).padStart(8)}/s ${toFirst.toFixed(2).padStart(6)}x  ${cpuUs.toFixed(1).padStart(6)} us CPU  p99 ${p99Ms.toFixed(2)} ms  ${idleMb.toFixed(0)} MB idle, ${loadedMb.toFixed(0)} MB after${failed > 0 ? `  ${failed} failed` : ""}`);
    }
  }
  process.exit(rows.some(({ failed }) => failed > 0) ? 1 : 0);
}

async function loaded(to: number): Promise<Measured> {
  const child = spawn(process.execPath, [processes, "--role", "flat-out", "--port", String(to), "--seconds", String(seconds), "--connections", String(connections)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  return JSON.parse(text) as Measured;
}

async function listening(at: number): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await listens(at)) return;
    await wait(50);
  }
  throw new Error(`nobody listens on port ${at}`);
}
