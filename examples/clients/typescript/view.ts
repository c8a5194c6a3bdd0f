/**
 * Shows what holds, as a line of JSON each time it changes: `node view.ts ws://127.0.0.1:9081/v1/signals [--token-file FILE]`. The
 * conformance suite (test/conformance) holds these lines against what its publisher says. It refuses a route to `refuse-me`.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { subscribe } from "./subscriber.ts";
import { CanNot } from "./told.ts";

const { positionals, values } = parseArgs({ allowPositionals: true, options: { "token-file": { type: "string" } } });
const tokenFile = values["token-file"];
/** Changes come in bursts; one line tells of all within so long. */
const settleMs = 20;
let timer: NodeJS.Timeout | undefined;

subscribe({
  url: positionals[0] ?? "ws://127.0.0.1:9081/v1/signals",
  name: "typescript view",
  enforce: true,
  ...(tokenFile !== undefined && { token: () => readFileSync(tokenFile, "utf8").trim() }),
  onDirective(directive) {
    if (directive.action === "route" && directive.rung === "refuse-me") throw new CanNot("invalid", "there is no such rung");
  },
  onChange(view) {
    timer ??= setTimeout(() => {
      timer = undefined;
      console.log(JSON.stringify(view()));
    }, settleMs);
  },
});
