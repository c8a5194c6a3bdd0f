/** A process to be killed: an analysis on the state file and reference in its arguments; says `kept` when it has something to lose. */
import { analysis } from "../agent/analysis.ts";
import { systemClock, wait } from "../agent/clock.ts";
import { silent } from "../agent/log.ts";
import { storeOptions } from "../agent/store/options.ts";
import { optionsOf, people, sample } from "./monitors/traffic.ts";

const [, , path, referencePath] = process.argv;
const ignore = () => {};
const one = analysis(
  { monitors: optionsOf({ snapshot: "100ms" }), store: storeOptions.parse({ path }), model: "people", referencePath },
  { clock: systemClock, log: silent, judge: ignore, points: ignore, dropped: ignore, note: ignore },
);
await one.start();
one.save("failover", { open: true });
for (const [i, row] of people(2, 600).entries()) one.hear(sample(`id-${i}`, [row]));
while (one.depth() > 0) await wait(systemClock, 20);
await wait(systemClock, 500);
process.stdout.write("kept\n");
// The thread keeps the process alive until somebody ends it.
