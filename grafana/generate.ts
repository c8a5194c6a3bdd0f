/**
 * Writes what dashboards/ generates. Everything else in this folder is its work.
 *
 *   node grafana/generate.ts                              write grafana/
 *   node grafana/generate.ts --check                      write nothing; exit 1 and name what is stale
 *   node grafana/generate.ts --options FILE --out FOLDER  the same for other options (dashboards/options.ts), as YAML or JSON
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { defaultFiles, files } from "../dashboards/dashboards.ts";
import { dashboardsOptions } from "../dashboards/options.ts";

/** Written by people. */
const ours = ["generate.ts", "README.md"];

/** Paths under `folder` that differ from what is wanted, are missing, or that nothing generates. */
export function stale(folder: string, wanted: Readonly<Record<string, string>>): string[] {
  const there = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !ours.includes(path));
  const content = new Map(there.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  return [...new Set([...there, ...Object.keys(wanted)])].filter((path) => content.get(path) !== wanted[path]).toSorted((a, b) => a.localeCompare(b));
}

function write(folder: string, wanted: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(wanted)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: "boolean" }, options: { type: "string" }, out: { type: "string" } } });
  const folder = values.out ?? import.meta.dirname;
  const wanted = values.options === undefined ? defaultFiles() : files(dashboardsOptions.parse(parse(readFileSync(values.options, "utf8"))));
  if (values.check === true) {
    const found = stale(folder, wanted);
    for (const path of found) console.error(`stale: ${join(folder, path)}`);
    process.exitCode = found.length === 0 ? 0 : 1;
  } else {
    write(folder, wanted);
    console.log(`wrote ${Object.keys(wanted).length} files to ${folder}`);
  }
}
