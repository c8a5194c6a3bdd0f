/**
 * How fast the primary is left and come back to, over many faults: the example server is killed (kill -9) and stopped (SIGSTOP)
 * again and again under 200 requests a second. `npm run bench:failover [-- --json] [-- --kills N --stops N]`; loopback only.
 * Prints medians and the worst. The wait before a failback doubles with each fault in a row, up to 8 s from the failover.
 */
import { parseArgs } from "node:util";
import { quantile } from "../agent/cli/demo/claims.ts";
import { startLoad, type Answered } from "../agent/cli/demo/load.ts";
import { startStage } from "../agent/cli/demo/stage.ts";
import { systemClock as clock, wait } from "../agent/clock.ts";
import { inferRequest, readRows, type CensusRow } from "../examples/employment/rows.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, kills: { type: "string", default: "8" }, stops: { type: "string", default: "4" } } });
const rows = await readRows("steady");
const stage = await startStage({ self: [process.execPath, new URL("../agent/main.ts", import.meta.url).pathname] }, clock, (text) => console.error(text));

let asked = 0;
const answers: Answered[] = [];
const next = () => {
  asked += 1;
  return { id: `bench-${asked}`, body: JSON.stringify(inferRequest([rows[asked % rows.length] as CensusRow])) };
};
const load = startLoad({ url: stage.urls.gateway, path: "/v2/models/employment/infer", ratePerSecond: 200, deadlineMs: 2_000, atOnceMax: 512 }, clock, next, (answer) => answers.push(answer));

/** Milliseconds, by what was measured. */
const figures = new Map<string, number[]>();
const measured = (name: string, ms: number | undefined) => figures.set(name, [...(figures.get(name) ?? []), ms ?? Number.POSITIVE_INFINITY]);
const endMs = ({ sentMs, durationMs }: Answered) => sentMs + durationMs;

try {
  await wait(clock, 5_000);
  for (let i = 0; i < Number(values.kills); i += 1) {
    const from = answers.length;
    stage.server.current().signal("SIGKILL");
    await wait(clock, 2_500);
    measured("kill -9: first answer from a rung, failed attempts included", firstFromRung(from)?.durationMs);
    await stage.server.start();
    measured("kill -9: back, after it listens again", await back());
    measured("kill -9: longest wait of a client", longest(from));
    await wait(clock, 3_000);
  }
  for (let i = 0; i < Number(values.stops); i += 1) {
    const from = answers.length;
    const stoppedMs = clock.monotonicMs();
    stage.server.current().signal("SIGSTOP");
    await wait(clock, 6_000);
    const first = firstFromRung(from);
    measured("SIGSTOP: first answer from a rung", first === undefined ? undefined : endMs(first) - stoppedMs);
    stage.server.current().signal("SIGCONT");
    measured("SIGSTOP: back, after SIGCONT", await back());
    measured("SIGSTOP: longest wait of a client", longest(from));
    await wait(clock, 3_000);
  }
} finally {
  await load.stop();
  await stage.close();
}

const failed = answers.filter(({ failure }) => failure !== undefined).length;
const results = [...figures].map(([name, ms]) => ({ name, medianMs: quantile(ms, 0.5) as number, worstMs: Math.max(...ms), times: ms.length }));
if (values.json) console.log(JSON.stringify({ requests: answers.length, failed, results }, null, 2));
else {
  for (const { name, medianMs, worstMs, times } of results) console.log(`${name.padEnd(60)} median ${medianMs.toFixed(0).padStart(5)} ms, worst ${worstMs.toFixed(0).padStart(5)} ms of ${times}`);
  console.log(`${answers.length} requests, ${failed} failed`);
}
process.exit(failed === 0 ? 0 : 1);

function firstFromRung(from: number): Answered | undefined {
  const rescued = answers.slice(from).filter(({ rung }) => rung !== "primary" && rung !== "");
  return rescued.sort((a, b) => endMs(a) - endMs(b))[0];
}

function longest(from: number): number {
  return Math.max(...answers.slice(from).map(({ durationMs }) => durationMs));
}

async function back(): Promise<number | undefined> {
  const sinceMs = clock.monotonicMs();
  while (clock.monotonicMs() - sinceMs < 15_000) {
    const found = answers.find(({ sentMs, rung, reason }) => sentMs >= sinceMs && rung === "primary" && reason === "normal");
    if (found !== undefined) return endMs(found) - sinceMs;
    await wait(clock, 20);
  }
  return undefined;
}
