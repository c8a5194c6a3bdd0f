/**
 * Writes the pages of this folder that are generated: METRICS.md, from the catalogue of series.
 *
 *   node docs/generate.ts            write
 *   node docs/generate.ts --check    write nothing; exit 1 and name what is stale
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { metricsPage } from "../exporters/metrics-page.ts";

const pages: Readonly<Record<string, () => string>> = { "METRICS.md": metricsPage };

const { values } = parseArgs({ options: { check: { type: "boolean" } } });
for (const [name, page] of Object.entries(pages)) {
  const path = join(import.meta.dirname, name);
  if (values.check !== true) writeFileSync(path, page());
  else if (!existsSync(path) || readFileSync(path, "utf8") !== page()) {
    console.error(`stale: ${path}`);
    process.exitCode = 1;
  }
}
