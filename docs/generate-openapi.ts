/**
 * Writes docs/openapi.json: the OpenAPI document of the control API, as Pilotfish serves it at /openapi.json.
 *
 *   node docs/generate-openapi.ts            write it
 *   node docs/generate-openapi.ts --check    write nothing; exit 1 where it is stale
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiDocument } from "../agent/api/openapi.ts";
import { version } from "../agent/cli/version.ts";
import { bareRoutes } from "../agent/routes.ts";

export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(bareRoutes(version), version), null, 2)}\n`;
}

if (import.meta.main) {
  const file = join(import.meta.dirname, "openapi.json");
  const text = openApiText();
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    process.stderr.write("docs/openapi.json is stale: run npm run generate\n");
    process.exit(1);
  }
}
