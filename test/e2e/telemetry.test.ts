/** Nobody asked ONNX Runtime to tell its maker what is done with it, and from 1.29 on it does so on Linux by itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../agent/cli/demo/free-port.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("a rung's ONNX runtime keeps no record of what it did, and has nobody to tell", async () => {
  const home = mkdtempSync(join(tmpdir(), "pilotfish-home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const ports = await Promise.all(["gateway", "api", "metrics"].map(async (what) => `${what}.port=${await freePort()}`));
  const rung = `ladder=[{kind: onnx, model: ${JSON.stringify(at("examples/employment/fallback.onnx"))}}]`;
  const args = [...ports, rung].flatMap((setting) => ["--set", setting]);
  // Not the tests' environment: the runtime is silent by itself where it finds that it is tested.
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: home };
  const daemon = spawn(process.execPath, [at("agent/main.ts"), "run", "--server", `http://127.0.0.1:${await freePort()}`, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void daemon.kill("SIGKILL"));
  for await (const line of createInterface({ input: daemon.stdout })) if (line.includes("a rung's model is loaded")) break;
  expect(readdirSync(home, { recursive: true })).toEqual([]);
  daemon.stdout.resume();
  daemon.kill("SIGTERM");
  await once(daemon, "exit");
  expect(readdirSync(home, { recursive: true })).toEqual([]);
});
