/**
 * Both lanes of the gateway held against each other over many generated requests and answers (bench/gateway/differential.ts):
 * `npm run bench:lanes [-- --cases N --seed N]`; loopback only. A difference is one that is still there at the
 * fourth try of its case alone: a few race by nature, since garbage behind a request may come before its answer or after it.
 */
import { parseArgs } from "node:util";
import { random, seed } from "./chance.ts";
import { differences, differential, generated } from "./gateway/differential.ts";

const { values } = parseArgs({ options: { cases: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } } });
const cases = Number(values.cases);
const atOnce = 200;
seed(Number(values.seed));

const both = await differential();
let found = 0;
for (let done = 0; done < cases; done += atOnce) {
  const here = await differences(both, Array.from({ length: Math.min(atOnce, cases - done) }, () => generated(random)));
  for (const difference of here) console.log(difference);
  found += here.length;
  if (process.stderr.isTTY || done % 5_000 === 0) process.stderr.write(`\r${done + atOnce} of ${cases}, ${found} differences`);
}
await both.close();
console.log(`${cases} cases, ${found} differences`);
process.exit(found === 0 ? 0 : 1);
