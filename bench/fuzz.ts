/**
 * Hostile bytes through the gateway (bench/gateway/fuzz.ts): `npm run bench:fuzz [-- --cases N --seed N]`; loopback only. Ends
 * with 1 where anything happened that should not; the seed repeats it.
 */
import { parseArgs } from "node:util";
import { random, seed } from "./chance.ts";
import { fuzz } from "./gateway/fuzz.ts";

const { values } = parseArgs({ options: { cases: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } } });
seed(Number(values.seed));

let failed = false;
for (const lanes of ["both", "ordinary"] as const) {
  const startMs = performance.now();
  const { cases, answers, reached, found } = await fuzz({ cases: Number(values.cases) / 2, random, atOnce: 16, lanes });
  for (const problem of found.slice(0, 20)) console.log(problem);
  console.log(`lanes ${lanes}, seed ${values.seed}: ${cases} connections, ${reached} requests at the server, ${answers} answers, ${found.length} faults in ${Math.round((performance.now() - startMs) / 1_000)} s`);
  // Hardly any answers: more at once than this machine serves in time, and nothing was tried.
  failed ||= found.length > 0 || answers < cases / 4;
}
process.exit(failed ? 1 : 0);
