/**
 * Writes what dashboards/ generates. Everything else in this folder is its work.
 *
 *   node grafana/generate.ts                              write grafana/
 *   node grafana/generate.ts --check                      write nothing; exit 1 and name what is stale
 *   node grafana/generate.ts --config FILE --out FOLDER   the same for other options (dashboards/options.ts), as YAML or JSON
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { defaultFiles, files } from "../dashboards/dashboards.ts";
import { OptionsError, readOptions } from "../dashboards/mixin.ts";

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

/** What is wanted: everything with default options, or with those of a file. @throws OptionsError, or what reading and parsing throw. */
export function wantedFiles(config: string | undefined): Readonly<Record<string, string>> {
  return config === undefined ? defaultFiles() : files(readOptions(parse(readFileSync(config, "utf8"))));
}

/** @returns the exit code: 0 done, 1 stale, 2 bad options. */
function main(): number {
  const { values } = parseArgs({ options: { check: { type: "boolean" }, config: { type: "string" }, out: { type: "string" } } });
  if (values.config !== undefined && values.out === undefined) {
    console.error("--config: say with --out where to write, since grafana/ has the defaults");
    return 2;
  }
  const folder = values.out ?? import.meta.dirname;
  let wanted: Readonly<Record<string, string>>;
  try {
    wanted = wantedFiles(values.config);
  } catch (error) {
    const problems = error instanceof OptionsError ? error.problems : [error instanceof Error ? error.message : String(error)];
    for (const problem of problems) console.error(`${values.config}: ${problem}`);
    console.error("Nothing was written. All options are in dashboards/options.ts.");
    return 2;
  }
  if (values.check === true) {
    const found = stale(folder, wanted);
    for (const path of found) console.error(`stale: ${join(folder, path)}`);
    return found.length === 0 ? 0 : 1;
  }
  write(folder, wanted);
  console.log(`wrote ${Object.keys(wanted).length} files to ${folder}`);
  return 0;
}

if (import.meta.main) process.exitCode = main();
