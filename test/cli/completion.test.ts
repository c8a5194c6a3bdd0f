/** Completion as the shells do it, where they are there; and the config's schema as an editor reads it. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { configSchema } from "../../agent/config/config.ts";
import { withFiles } from "../dashboards/tool.ts";
import { call } from "./call.ts";

const script = async (shell: string) => (await call(["completion", shell])).out;

/** What bash offers for these words, the last of them under way. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const asked = `${await script("bash")}\nCOMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _pilotfish; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", asked, "bash", "pilotfish", ...words], { encoding: "utf8", cwd: import.meta.dirname }).split("\n").filter((line) => line !== "");
}

test("bash completes commands, their options, words to choose from, and files where a file is meant", async () => {
  expect(await offered("re")).toEqual(["release", "review", "retrain", "reference", "replay"]);
  expect(await offered("pin", "--")).toEqual(expect.arrayContaining(["--reason", "--ttl", "--owner", "--api", "--token-file", "--json", "--help"]));
  expect(await offered("run", "--")).toEqual(expect.arrayContaining(["--config", "--server", "--set"]));
  expect(await offered("review", "7", "--verdict", "")).toEqual(["do", "do-not", "skip"]);
  expect(await offered("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  expect(await offered("pin", "--token-file", "call")).toEqual(["call.ts"]);
  expect(await offered("actuals", "call")).toEqual(["call.ts"]);
  expect(await offered("pin", "call")).toEqual([]);
});

test("bash knows the function by the command's name", async () => {
  expect(execFileSync("bash", ["-c", `${await script("bash")}\ncomplete -p pilotfish`], { encoding: "utf8" })).toMatch(/-F _pilotfish pilotfish/);
});

test.for(["zsh", "fish"])("%s takes the script, where it is there", async (shell, { skip }) => {
  const text = await script(shell);
  expect(text).toContain("pilotfish");
  if (spawnSync(shell, ["-c", ":"]).error !== undefined) {
    if (process.env["PILOTFISH_REAL"] === "1") throw new Error(`${shell} is missing`);
    skip(`${shell} is missing: its script was not tried`);
  }
  // A file, since neither reads a script from a socket, which is what a child's standard input is here.
  await withFiles({ script: text }, async (folder) => {
    const file = join(folder, "script");
    expect(spawnSync(shell, ["-n", file], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    if (shell !== "fish") return;
    const { stdout } = spawnSync(shell, ["-c", `source ${file}; complete -C "pilotfish re"`], { encoding: "utf8" });
    expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(expect.arrayContaining(["release", "replay", "review"]));
  });
});

test("every command has an example in its help, and every option of its usage is offered", async () => {
  const { out } = await call(["help"]);
  const names = [...out.matchAll(/^ {2}pilotfish ([a-z]+)/gm)].map(([, name]) => name as string);
  expect(names.length).toBeGreaterThan(17);
  for (const name of names) {
    const { out: help } = await call(["help", name]);
    expect(help, name).toContain(`pilotfish ${name}`);
    expect(help, name).toMatch(/Examples?:\n {2}/);
    const usage = help.split("\n", 1)[0] as string;
    const flags = [...usage.matchAll(/--[a-z-]+/g)].map(([flag]) => flag);
    expect(await offered(name, "--"), name).toEqual(expect.arrayContaining(flags));
  }
}, 30_000);

test("the schema names every section, and agrees with the check about a config's shape", async () => {
  const { code, out } = await call(["config", "schema"]);
  const schema = JSON.parse(out) as { readonly properties: Record<string, unknown>; readonly required: readonly string[]; readonly additionalProperties: boolean };
  expect(code).toBe(0);
  expect(Object.keys(schema.properties)).toEqual(Object.keys(configSchema.shape));
  expect([schema.required, schema.additionalProperties]).toEqual([["server"], false]);
  const read = z.fromJSONSchema(schema as never);
  const good = { server: { url: "http://127.0.0.1:8080" }, failover: { dwell: "2s" }, decisions: { retrain: { mode: "approve" } } };
  expect(read.safeParse(good).success).toBe(true);
  for (const bad of [{}, { ...good, serverr: {} }, { ...good, decisions: { retrain: { mode: "ask" } } }, { ...good, failover: { failures: "many" } }, { ...good, failover: { dwell: 2 } }]) {
    expect([bad, read.safeParse(bad).success]).toEqual([bad, false]);
  }
});
