/**
 * Resident memory of the daemon: `npm run bench:memory [-- --json] [-- --runs N --requests N --only idle|slope]`. Reads /proc,
 * so it wants Linux.
 *
 * Idle: as it is installed (the bundle) and from the sources, without and with an ONNX rung, beside a bare Node. Each figure is
 * the median of the runs, taken once the daemon has settled and after one scrape. It stands before a server that is not there,
 * which is the worst it can be idle with.
 *
 * Slope: what 200,000 requests leave behind. Resident memory tells what the process takes; what its heaps hold after all garbage
 * was collected tells whether anybody keeps what they should let go. The first third of the readings does not count: that is
 * when what runs often is compiled and windows fill.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { residentMb } from "./measure.ts";
import { startDaemon } from "./memory/daemon.ts";
import { slopeOf, type Reading } from "./memory/slope.ts";
import { openTraffic, startServer } from "./memory/traffic.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "3" },
    requests: { type: "string", default: "200000" },
    only: { type: "string" },
  },
});
const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const bundle = at("dist/pilotfish.mjs");
const rung = `ladder=[{kind: onnx, model: ${JSON.stringify(at("examples/employment/fallback.onnx"))}}]`;
const connections = 16;
const readingsCount = 30;

if (!existsSync(bundle)) {
  console.error("there is no bundle yet: npm run build");
  process.exit(2);
}

interface Result {
  readonly name: string;
  readonly mb: number;
  readonly limitMb?: number | undefined;
  readonly detail: string;
  readonly ok: boolean;
}

const results: Result[] = [];
function tell(result: Result): void {
  results.push(result);
  if (values.json) return;
  const limit = result.limitMb === undefined ? "" : `, limit ${result.limitMb}`;
  console.log(`${result.name.padEnd(36)} ${result.mb.toFixed(1).padStart(6)} MB${limit.padEnd(11)} ${result.detail}`);
}

if (values.only !== "slope") {
  await idle("bare Node", bare);
  await idle("bundle", () => settled(bundle), 110);
  await idle("bundle with an ONNX rung", () => settled(bundle, [rung]), 140);
  await idle("sources", () => settled(at("agent/main.ts")));
}
if (values.only !== "idle") {
  await answering("bundle whose ONNX rung has answered", 20_000, 140);
  await slope(Number(values.requests));
}
if (values.json) console.log(JSON.stringify({ results }, null, 2));
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

interface Idle {
  readonly mb: number;
  readonly readyMs?: number;
}

async function idle(name: string, measure: () => Promise<Idle>, limitMb?: number): Promise<void> {
  const runs: Idle[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) runs.push(await measure());
  const mb = runs.map((one) => one.mb).sort((a, b) => a - b);
  const readyMs = runs.flatMap((one) => one.readyMs ?? []).sort((a, b) => a - b);
  const median = mb[Math.floor(mb.length / 2)] as number;
  const readyDetail = readyMs.length === 0 ? "" : `, ready after ${(readyMs[Math.floor(readyMs.length / 2)] as number).toFixed(0)} ms`;
  tell({ name, mb: median, limitMb, detail: `${mb[0]?.toFixed(1)} to ${mb.at(-1)?.toFixed(1)}${readyDetail}`, ok: limitMb === undefined || median < limitMb });
}

async function bare(): Promise<Idle> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: ["ignore", "ignore", "inherit"] });
  await wait(2_000);
  const mb = residentMb(child.pid as number);
  child.kill("SIGKILL");
  return { mb };
}

async function settled(command: string, settings: readonly string[] = []): Promise<Idle> {
  const daemon = await startDaemon({ command, settings });
  try {
    await wait(8_000);
    await daemon.scrape();
    await wait(1_000);
    return { mb: daemon.residentMb(), readyMs: daemon.readyMs };
  } finally {
    daemon.close();
  }
}

/** The server is not there, so the rung answers them all. */
async function answering(name: string, requests: number, limitMb: number): Promise<void> {
  const daemon = await startDaemon({ command: bundle, settings: [rung] });
  const traffic = openTraffic(daemon.gatewayPort, connections);
  try {
    await traffic.send(requests);
    await daemon.scrape();
    const mb = daemon.residentMb();
    tell({ name, mb, limitMb, detail: `right after ${requests} requests`, ok: mb < limitMb });
  } finally {
    traffic.close();
    daemon.close();
  }
}

async function slope(requests: number): Promise<void> {
  const server = await startServer();
  const daemon = await startDaemon({ command: bundle, serverPort: server.port, inspect: true });
  const traffic = openTraffic(daemon.gatewayPort, connections);
  try {
    const heaps = await daemon.inspected();
    const resident: Reading[] = [];
    const held: Reading[] = [];
    const startedMs = performance.now();
    for (let reading = 1; reading <= readingsCount; reading += 1) {
      await traffic.send(Math.ceil(requests / readingsCount));
      const done = Math.ceil((requests * reading) / readingsCount);
      resident.push({ requests: done, mb: daemon.residentMb() });
      held.push({ requests: done, mb: await heaps.heldMb() });
    }
    const perSecond = (requests * 1_000) / (performance.now() - startedMs);
    heaps.close();
    for (const [name, readings] of [["resident", resident], ["held by heaps", held]] as const) {
      const { mbPer100k, standardError, flat } = slopeOf(readings.slice(readingsCount / 3));
      const verdict = flat ? "flat" : "NOT FLAT";
      tell({ name: `${name} after ${requests} requests`, mb: readings.at(-1)?.mb as number, detail: `slope ${mbPer100k.toFixed(2)} ± ${standardError.toFixed(2)} MB for 100,000: ${verdict} (${perSecond.toFixed(0)} requests/s)`, ok: flat });
    }
    if (values.json) results.push({ name: "readings", mb: 0, detail: JSON.stringify({ resident, held }), ok: true });
  } finally {
    traffic.close();
    daemon.close();
    server.close();
  }
}
