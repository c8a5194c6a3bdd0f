/**
 * Holds any implementation of `pilotfish.v1+json` against docs/SIGNALS.md:
 *
 *   node test/conformance/run.ts --publisher ws://127.0.0.1:9081/v1/signals [--token TOKEN]
 *   node test/conformance/run.ts --client -- COMMAND [ARG...]
 *
 * A publisher is asked as it is, and nothing is changed there. A client is started anew for each story as `COMMAND [ARG...] URL` and
 * prints what it knows (client-program.ts says how). `--only WORD` plays those whose names have it. Exit code 1: something failed.
 */
import { parseArgs } from "node:util";
import { playStory, stories } from "./client-stories.ts";
import { checks } from "./publisher-checks.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { publisher: { type: "string" }, token: { type: "string" }, client: { type: "boolean", default: false }, only: { type: "string", default: "" } },
});
const { publisher, token } = values;
if ((publisher === undefined) === !values.client) {
  console.error("usage: node test/conformance/run.ts --publisher URL [--token TOKEN] | --client -- COMMAND [ARG...]");
  process.exit(2);
}
const asked = publisher === undefined
  ? stories.map((story) => ({ name: story.name, run: () => playStory(story, positionals) }))
  : checks.map(({ name, run }) => ({ name, run: () => run({ url: publisher, token }) }));

let failed = 0;
for (const { name, run } of asked.filter((one) => one.name.includes(values.only))) {
  try {
    await run();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${(error as Error).message}`);
  }
}
console.log(`${asked.length - failed} of ${asked.length} as they should be`);
process.exitCode = failed === 0 ? 0 : 1;
