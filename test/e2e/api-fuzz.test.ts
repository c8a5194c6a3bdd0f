/**
 * Schemathesis, which knows nothing of Pilotfish but its OpenAPI document, asks every route of a real one: what the document
 * allows, what it does not, and what lies at the edges. No answer may be a 500 or another than the document says.
 *
 * Of its checks one is left out, that valid data be accepted: some rules (one of two members, a key that was used before) can not
 * be said in the document. A body over the limit is refused by its size before its schema is looked at.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startAgent, type RunningAgent } from "../../agent/agent.ts";
import { systemClock } from "../../agent/clock.ts";
import { parseConfig } from "../../agent/config/config.ts";
import { silent } from "../../agent/log.ts";
import { environment, isInstalled } from "./real-servers/servers.ts";

// With PILOTFISH_REAL=1 it does not count as missing, so the test runs and fails where it can not be started.
const missing = !isInstalled("schemathesis") && process.env["PILOTFISH_REAL"] !== "1";
if (missing) console.warn("schemathesis is not installed, the API is not fuzzed: run node test/e2e/real-servers/install.ts");

const folder = mkdtempSync(join(tmpdir(), "pilotfish-fuzz-"));
let agent: RunningAgent | undefined;
afterEach(async () => {
  await agent?.close();
  rmSync(folder, { recursive: true });
});

test.skipIf(missing)("every route, by its document: no 500, and every answer is one that the document has", { timeout: 300_000 }, async () => {
  const token = join(folder, "token");
  writeFileSync(token, "fuzz-secret");
  const parsed = parseConfig(
    JSON.stringify({
      server: { url: "http://127.0.0.1:9", protocol: "open-inference" },
      model: { name: "m" },
      gateway: { host: "127.0.0.1", port: 0, linger: "1ms" },
      api: { port: 0, tokenFile: token, limits: { requests: 100_000, bytes: "1GiB" } },
      metrics: { host: "127.0.0.1", port: 0 },
      store: { path: join(folder, "state.db") },
      collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } },
    }),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  agent = await startAgent(parsed.config, { clock: systemClock, log: silent, version: "test" });
  const url = `http://127.0.0.1:${agent.listeners.api.port}`;
  const document = await (await fetch(`${url}/openapi.json`, { headers: { authorization: "Bearer fuzz-secret" } })).text();
  // Asked by its address, it would leave the document's own route out.
  writeFileSync(join(folder, "openapi.json"), document);
  const { paths } = JSON.parse(document) as { readonly paths: Readonly<Record<string, object>> };
  const operations = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;

  writeFileSync(join(folder, "schemathesis.toml"), '[checks]\nnegative_data_rejection.expected-statuses = ["4xx"]\n');
  const { code, output } = await run(join(environment("schemathesis"), "bin/schemathesis"), [
    "--config-file", join(folder, "schemathesis.toml"),
    "run", join(folder, "openapi.json"), "--url", url, "--header", "Authorization: Bearer fuzz-secret",
    "--checks", "all", "--exclude-checks", "positive_data_acceptance",
    "--max-examples", "50", "--seed", "1", "--continue-on-failure", "--no-color",
  ]);
  expect(code, output.slice(0, 12_000)).toBe(0);
  expect(output).toContain(`Tested: ${operations}`);
});

/** Kept when it has ended, with what it said; it may take minutes, so the loop must not stand still. */
function run(program: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder });
    let output = "";
    const add = (chunk: Buffer) => void (output += chunk.toString());
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
