/**
 * A process to be killed: opens the state file in its first argument and writes without end, saying each number that was
 * acknowledged on a line of its own.
 */
import { writeSync } from "node:fs";
import { silent } from "../../agent/log.ts";
import { openStore } from "../../agent/store/store.ts";

const store = openStore({ path: process.argv[2] as string, eventsMax: 50 }, { log: silent, wallMs: () => 0 });
for (let i = 1; ; i += 1) {
  const results = [store.put("count", Buffer.from(String(i)), i), store.put("large", Buffer.alloc(50_000, i), i), store.append({ atWallMs: i, kind: "count", detail: i })];
  if (results.some((result) => result !== "ok")) throw new Error(results.join());
  writeSync(1, `${i}\n`);
}
