/**
 * Writes the contract of the signals protocol from its schemas (exporters/frames.ts): docs/asyncapi.json, docs/signals.schema.json.
 *
 *   node docs/generate-signals.ts           write them
 *   node docs/generate-signals.ts --check   write nothing; exit 1 and name what is stale
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { asyncapi, signalsSchema } from "../exporters/websocket/asyncapi.ts";

const wanted: Readonly<Record<string, unknown>> = { "asyncapi.json": asyncapi(), "signals.schema.json": signalsSchema() };
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });

for (const [name, document] of Object.entries(wanted)) {
  const path = join(import.meta.dirname, name);
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  if (!values.check) {
    writeFileSync(path, text);
    console.log(`wrote docs/${name}`);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`stale: docs/${name}`);
    process.exitCode = 1;
  }
}
