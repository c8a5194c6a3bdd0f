/**
 * How long until all subscribers know: `npm run bench:signals [-- --clients N --rounds N --json]`. The publisher runs here behind a
 * server of its own, as the control API would run it; the subscribers run in another process (bench/signals/readers.ts), so that
 * their work does not count as ours, on loopback. A round is one transition as failover tells it: state, two directives, transition.
 *
 * Time is taken from before `announce` to the last byte's arrival at each subscriber, both on the machine's monotonic clock. Beside
 * it one subscriber stops reading, in the second half of the rounds: what waits for it, and what it costs the others.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";
import { acceptUpgrades } from "../agent/api/upgrade.ts";
import { systemClock } from "../agent/clock.ts";
import { silent } from "../agent/log.ts";
import { subprotocol } from "../exporters/frames.ts";
import type { Signal } from "../exporters/signal.ts";
import { signalHub, signalsOptions } from "../exporters/websocket.ts";
import { cpuSeconds, residentMb } from "./measure.ts";

const { values } = parseArgs({
  options: { clients: { type: "string", default: "1000" }, rounds: { type: "string", default: "60" }, json: { type: "boolean", default: false } },
});
const clients = Number(values.clients);
const rounds = Number(values.rounds);

const hub = signalHub({ clock: systemClock, instance: "bench", log: silent }, signalsOptions.parse({ subscribers: clients + 1 }));
const server = createServer();
const sockets = acceptUpgrades(server, () => ({ name: "bench", role: "read" }), hub.connect);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/signals`;

const target = { model: "employment", version: "2", endpoint: "http://127.0.0.1:8080" };
const cause = { detector: "traffic", code: "refused", evidence: "5 attempts in a row failed, the last one: refused" };
let rev = 0;

/** As failover and directives.ts tell that the primary failed, or that it is back. */
function transition(): void {
  rev += 1;
  const isOut = rev % 2 === 1;
  const [from, to] = isOut ? (["suspect", "failed"] as const) : (["probation", "healthy"] as const);
  const rung = isOut ? "small" : "primary";
  const at = { target, atWallMs: systemClock.wallMs() };
  const told: Signal[] = [{ type: "state", target, status: to, rung, reason: "circuit-open", cause, sinceWallMs: at.atWallMs, rev }];
  if (isOut) {
    told.push({ type: "directive", ...at, action: "eject", why: cause.evidence }, { type: "directive", ...at, action: "route", rung, why: cause.evidence });
  } else {
    told.push({ type: "directive", ...at, action: "restore", of: ["eject", "route"], why: "the primary is healthy" });
  }
  told.push({ type: "transition", ...at, from, to, rung, reason: "circuit-open", cause });
  for (const signal of told) hub.announce(signal);
}
transition();

const before = residentMb(process.pid);
const readers = spawn(process.execPath, [fileURLToPath(new URL("signals/readers.ts", import.meta.url)), url, String(clients)], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: readers.stdout })[Symbol.asyncIterator]();
const say = async () => JSON.parse((await lines.next()).value ?? "null") as number[];
await say(); // All are there.
globalThis.gc?.();
const perSubscriberKb = ((residentMb(process.pid) - before) * 1_024) / clients;

/** Milliseconds to each subscriber, of all rounds together. */
async function play(count: number): Promise<number[]> {
  const all: number[] = [];
  for (let round = 0; round < count; round += 1) {
    await sleep(30 + Math.random() * 40);
    readers.stdin.write(`${rev + 1}\n`);
    await say(); // They wait for it.
    const startMs = monotonicMs();
    transition();
    all.push(...(await say()).map((atMs) => atMs - startMs));
  }
  return all;
}

/** The same moment in every process of the machine. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

await play(10); // What runs often is compiled by then.
const cpuBefore = cpuSeconds(process.pid);
const quiet = await play(rounds / 2);
const cpuMs = ((cpuSeconds(process.pid) - cpuBefore) * 1_000) / (rounds / 2);

const stalled = new WebSocket(url, subprotocol);
await once(stalled, "open");
stalled.send(JSON.stringify({ v: 1, kind: "hello", body: { features: ["bookmark"] } }));
await once(stalled, "message");
stalled.pause();
const [ours] = [...sockets.clients].slice(-1);
let waitingMost = 0;
for (let i = 0; i < 20_000; i += 1) {
  // The others filter it out.
  hub.announce({ type: "drift", target: { ...target, model: "noise" }, status: "firing", stream: `s${i % 100}`, detector: "d", culprits: [], statistic: 1, threshold: 1, message: "x".repeat(900), atWallMs: 0 });
  waitingMost = Math.max(waitingMost, ours?.bufferedAmount ?? 0);
  if (i % 100 === 0) await new Promise(setImmediate);
}
await play(5); // The burst itself is not what is measured.
const beside = await play(rounds / 2);
waitingMost = Math.max(waitingMost, ours?.bufferedAmount ?? 0);

const quantile = (of: readonly number[], q: number) => of.toSorted((a, b) => a - b)[Math.min(of.length - 1, Math.floor(q * of.length))] ?? Number.NaN;
const figures = (of: readonly number[]) => ({ p50: quantile(of, 0.5), p99: quantile(of, 0.99), worst: quantile(of, 1), count: of.length });
const result = { clients, rounds, quietMs: figures(quiet), besideStalledMs: figures(beside), waitingBytesMost: waitingMost, publisherCpuMs: cpuMs, perSubscriberKb };

if (values.json) {
  console.log(JSON.stringify(result));
} else {
  const row = ({ p50, p99, worst, count }: typeof result.quietMs) => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(1)} ms (${count} arrivals)`;
  console.log(`${clients} subscribers, ${rounds} transitions of 4 signals each`);
  console.log(`all read:                 ${row(result.quietMs)}`);
  console.log(`one does not read:        ${row(result.besideStalledMs)}; at most ${waitingMost} bytes wait for it`);
  console.log(`publisher: ${cpuMs.toFixed(0)} ms of processor time a transition, ${perSubscriberKb.toFixed(1)} kB a subscriber`);
}
stalled.terminate();
readers.kill();
for (const socket of sockets.clients) socket.terminate();
server.close();
