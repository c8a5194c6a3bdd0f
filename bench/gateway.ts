/**
 * What the gateway costs, beside other proxies in one run: `npm run bench:gateway [-- --json] [-- --rounds N --seconds S
 * --envoy PATH]`; loopback only. Each proxy gets the same load, keep-alive, in rounds by turns, so that a machine that is busy
 * for a while is so for all; medians are printed. Sampling is on at its default.
 *
 * Load: wrk where it is installed, with 1 thread and 32 connections, else a generator of our own in a process of its own. The
 * server behind is nginx where it is installed. The added time is that of a proxied request at 500 a second less that of one
 * sent straight to the server, quantile by quantile.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { answer, inference } from "./gateway/load.ts";
import type { Measured } from "./gateway/load.ts";
import type { Running } from "./gateway/proxies.ts";
import { installed, proxies, server } from "./gateway/proxies.ts";
import { median } from "./measure.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    only: { type: "string" },
    envoy: { type: "string" },
  },
});
const run = promisify(execFile);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const rate = 500;
const sizes = [
  { name: "200 B", bodyBytes: 200, of: "small" },
  { name: "1 MB", bodyBytes: 1_000_000, of: "large" },
] as const;

const folder = mkdtempSync(join(tmpdir(), "pilotfish-bench-"));
const behind = await server(answer, false);
const behindLong = await server(answer, true);
const asked = proxies(values.envoy).filter(({ name }) => values.only === undefined || values.only.split(",").some((word) => name.includes(word)));
const running = new Map<string, { readonly small: Running; readonly large: Running }>();
for (const proxy of asked) {
  try {
    running.set(proxy.name, { small: await proxy.start(behind.port), large: await proxy.start(behindLong.port) });
  } catch (error) {
    console.error(`${proxy.name}: left out, ${String(error)}`);
  }
}

const throughput = new Map<string, number[]>();
/** Microseconds of the proxy's processor time for a request: what is left of a figure when others use the machine too. */
const processor = new Map<string, number[]>();
const latency = new Map<string, Measured[]>();
const add = <T>(to: Map<string, T[]>, key: string, value: T) => to.set(key, [...(to.get(key) ?? []), value]);
// A first round for nobody: what runs often is compiled by then.
for (const [, { small: one, large: other }] of running) {
  await flatOut(one.port, 200, 2);
  await flatOut(other.port, 1_000_000, 1);
}
for (let round = 0; round < rounds; round += 1) {
  if (!values.json) console.error(`round ${round + 1} of ${rounds}`);
  for (const { name: size, bodyBytes, of } of sizes) {
    for (const [name, { [of]: { port, cpuSeconds } }] of running) {
      const before = cpuSeconds();
      const perSecond = await flatOut(port, bodyBytes, seconds);
      add(throughput, `${size} ${name}`, perSecond);
      add(processor, `${size} ${name}`, ((cpuSeconds() - before) * 1e6) / (perSecond * seconds));
    }
  }
  add(latency, "straight", await atRate(behind.port));
  for (const [name, { small: { port } }] of running) add(latency, name, await atRate(port));
}
rmSync(folder, { recursive: true, force: true });

const perSecond = (size: string, name: string): number | undefined => {
  const all = throughput.get(`${size} ${name}`);
  return all === undefined ? undefined : median(all);
};
const added = (name: string, of: (measured: Measured) => number): number => median((latency.get(name) ?? []).map(of)) - median((latency.get("straight") ?? []).map(of));
const ratio = (size: string, one: string, other: string): number | undefined => {
  const [above, below] = [perSecond(size, one), perSecond(size, other)];
  return above === undefined || below === undefined ? undefined : above / below;
};

const [small, large] = sizes.map(({ name }) => name) as [string, string];
const rows = [...running.keys()].map((name) => ({
  name,
  smallPerSecond: perSecond(small, name) as number,
  largePerSecond: perSecond(large, name) as number,
  toBare: ratio(small, name, "bare Node"),
  toHaproxy: ratio(small, name, "HAProxy"),
  largeToBare: ratio(large, name, "bare Node"),
  largeToHaproxy: ratio(large, name, "HAProxy"),
  smallCpuUs: median(processor.get(`${small} ${name}`) ?? []),
  largeCpuUs: median(processor.get(`${large} ${name}`) ?? []),
  addedP50Ms: added(name, ({ p50Ms }) => p50Ms),
  addedP99Ms: added(name, ({ p99Ms }) => p99Ms),
  failed: (latency.get(name) ?? []).reduce((sum, { failed }) => sum + failed, 0),
}));
const plain = rows.find(({ name }) => name.includes("plain"));
const bars = [
  { bar: "plain lane to bare Node, at least 1.7", value: plain?.toBare, met: atLeast(plain?.toBare, 1.7) },
  { bar: "plain lane to HAProxy, at least 0.55", value: plain?.toHaproxy, met: atLeast(plain?.toHaproxy, 0.55) },
  { bar: "ordinary lane to bare Node, at least 0.85", value: ratio(small, "pilotfish, ordinary lane", "bare Node"), met: atLeast(ratio(small, "pilotfish, ordinary lane", "bare Node"), 0.85) },
  { bar: "added p50, at most 0.4 ms", value: plain?.addedP50Ms, met: atMost(plain?.addedP50Ms, 0.4) },
  { bar: "added p99, at most 1.5 ms", value: plain?.addedP99Ms, met: atMost(plain?.addedP99Ms, 1.5) },
];

if (values.json) console.log(JSON.stringify({ rows, bars }, null, 2));
else {
  console.log(`${"".padEnd(26)} ${"200 B/s".padStart(9)} ${"to bare".padStart(8)} ${"to HAPr.".padStart(8)} ${"1 MB/s".padStart(8)} ${"to bare".padStart(8)} ${"to HAPr.".padStart(8)} ${"p50 +ms".padStart(8)} ${"p99 +ms".padStart(8)} ${"CPU us".padStart(8)} ${"1 MB".padStart(8)}`);
  for (const row of rows) {
    const figures = [row.smallPerSecond.toFixed(0).padStart(9), two(row.toBare), two(row.toHaproxy), row.largePerSecond.toFixed(0).padStart(8), two(row.largeToBare), two(row.largeToHaproxy), two(row.addedP50Ms), two(row.addedP99Ms), two(row.smallCpuUs), two(row.largeCpuUs)];
    console.log(`${row.name.padEnd(26)} ${figures.join(" ")}${row.failed > 0 ? `  ${row.failed} failed` : ""}`);
  }
  for (const { bar, value, met } of bars) console.log(`${met === undefined ? "not measured" : met ? "met   " : "missed"} ${bar}: ${value?.toFixed(2) ?? "-"}`);
}
process.exit(bars.some(({ met }) => met === false) ? 1 : 0);

/** Requests a second. */
async function flatOut(port: number, bodyBytes: number, forSeconds: number): Promise<number> {
  if (!installed("wrk")) return (await child("flat-out", port, ["--seconds", String(forSeconds), "--body-bytes", String(bodyBytes), "--connections", "32"])).perSecond;
  const script = join(folder, `${bodyBytes}.lua`);
  const [head = "", body = ""] = inference(bodyBytes).toString("latin1").split("\r\n\r\n");
  writeFileSync(script, `wrk.method = "POST"\nwrk.body = [==[${body}]==]\nwrk.headers["Content-Type"] = "application/json"\n`);
  const path = (head.split(" ")[1] as string);
  const { stdout } = await run("wrk", ["-t1", "-c32", `-d${forSeconds}s`, "-s", script, `http://127.0.0.1:${port}${path}`]);
  if (/Non-2xx/.test(stdout)) throw new Error(`not every answer was good:\n${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}

function atRate(port: number): Promise<Measured> {
  return child("at-rate", port, ["--seconds", String(seconds), "--rate", String(rate), "--connections", "32"]);
}

async function child(role: string, port: number, more: readonly string[]): Promise<Measured> {
  const { stdout } = await run(process.execPath, [fileURLToPath(new URL("gateway/processes.ts", import.meta.url)), "--role", role, "--port", String(port), ...more]);
  return JSON.parse(stdout) as Measured;
}

function atLeast(value: number | undefined, bar: number): boolean | undefined {
  return value === undefined ? undefined : value >= bar;
}

function atMost(value: number | undefined, bar: number): boolean | undefined {
  return value === undefined ? undefined : value <= bar;
}

function two(value: number | undefined): string {
  return (value?.toFixed(2) ?? "-").padStart(8);
}
