#!/usr/bin/env node
/**
 * The command `pilotfish`. Runs the sources where they are (a checkout), else the bundle (an installed package).
 * On a Node that is too old for either, it starts the one that came as the package `node`, and ends with it.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldest = 26;
const major = Number(process.versions.node.split(".")[0]);
const sources = new URL("./main.ts", import.meta.url);
const entry = existsSync(sources) ? sources : new URL("../dist/pilotfish.mjs", import.meta.url);

if (major >= oldest) {
  // What was compiled, and stripped of its types, is kept for the next start.
  module.enableCompileCache();
  await import(entry.href);
} else {
  const node = newerNode();
  if (node === undefined) {
    process.stderr.write(`pilotfish needs Node ${oldest} or newer, this is ${process.versions.node}; install it, or the npm package "node"\n`);
    process.exitCode = 2;
  } else {
    // The channel lets the child see that we are gone, even after a kill -9.
    const child = spawn(node, [fileURLToPath(entry), ...process.argv.slice(2)], { stdio: ["inherit", "inherit", "inherit", "ipc"], env: { ...process.env, PILOTFISH_END_WITH_PARENT: "1" } });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
  }
}

function newerNode() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve("node/package.json");
    const node = join(dirname(manifest), "bin", "node");
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}
