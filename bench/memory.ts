/**
 * Resident memory of the idle daemon: as it is installed (the bundle) and from the sources as they are, without and with an
 * ONNX rung, beside a bare Node. `npm run bench:memory [-- --json] [-- --runs N]`; reads /proc, so it wants Linux.
 *
 * Each figure is the median of the runs, taken once the daemon has settled and after one scrape, since the first scrape loads
 * the serializer. The daemon stands before a server that is not there, which is the worst it can be idle with.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../agent/cli/demo/free-port.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, runs: { type: "string", default: "3" } } });
const root = new URL("../", import.meta.url);
const at = (path: string) => fileURLToPath(new URL(path, root));
const limitMb = 110;

if (!existsSync(at("dist/pilotfish.mjs"))) {
  console.error("there is no bundle yet: npm run build");
  process.exit(2);
}

const rung = `ladder=[{kind: onnx, model: ${JSON.stringify(at("examples/employment/fallback.onnx"))}}]`;
const cases = [
  { name: "bare Node", command: ["-e", "setInterval(() => {}, 1000)"], daemon: false },
  { name: "bundle", command: [at("dist/pilotfish.mjs")], daemon: true },
  { name: "bundle with an ONNX rung", command: [at("dist/pilotfish.mjs")], daemon: true, settings: [rung] },
  { name: "sources", command: [at("agent/main.ts")], daemon: true },
] as const;

const results = [];
for (const one of cases) {
  const mb: number[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) mb.push(await resident(one));
  mb.sort((a, b) => a - b);
  results.push({ name: one.name, medianMb: mb[Math.floor(mb.length / 2)] as number, minMb: mb[0] as number, maxMb: mb.at(-1) as number });
}

if (values.json) console.log(JSON.stringify({ limitMb, results }, null, 2));
else for (const { name, medianMb, minMb, maxMb } of results) console.log(`${name.padEnd(26)} ${medianMb.toFixed(1).padStart(6)} MB resident (${minMb.toFixed(1)} to ${maxMb.toFixed(1)})`);
const bundle = results.find(({ name }) => name === "bundle");
process.exitCode = bundle !== undefined && bundle.medianMb < limitMb ? 0 : 1;

async function resident({ command, daemon, settings = [] }: { readonly command: readonly string[]; readonly daemon: boolean; readonly settings?: readonly string[] }): Promise<number> {
  const ports = daemon ? [await freePort(), await freePort(), await freePort(), await freePort()] : [];
  const set = daemon ? ["gateway.host=127.0.0.1", `gateway.port=${ports[1]}`, `api.port=${ports[2]}`, "metrics.host=127.0.0.1", `metrics.port=${ports[3]}`, ...settings] : [];
  const child = spawn(process.execPath, [...command, ...(daemon ? ["run", "--server", `http://127.0.0.1:${ports[0]}`] : []), ...set.flatMap((setting) => ["--set", setting])], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await wait(8_000);
    if (daemon) await (await fetch(`http://127.0.0.1:${ports[3]}/metrics`)).text();
    await wait(1_000);
    const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))?.[1];
    return Number(kb) / 1_024;
  } finally {
    child.kill("SIGKILL");
  }
}
