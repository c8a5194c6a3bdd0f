/** What the command line answers before any daemon runs: help, versions, and every way to call it wrongly. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { call } from "./call.ts";

const root = resolve(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

test.for([["help"], ["--help"], ["-h"]])("%s lists the commands and the exit codes", async (argv) => {
  const { code, out, err } = await call(argv);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  for (const name of ["run", "check", "demo", "status"]) expect(out).toMatch(new RegExp(`^  pilotfish ${name} .*\\w\\.$`, "m"));
  expect(out).toContain("Exit codes: 0 done, 1 failed, 2 bad input or config.");
});

test("without a command the help goes to standard error, since nothing was done", async () => {
  const { code, out, err } = await call([]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toBe((await call(["help"])).out);
});

test.for(["run", "check", "demo", "status"])("%s tells its own usage", async (name) => {
  const asked = await call([name, "--help"]);
  expect(asked).toMatchObject({ code: 0, err: "" });
  expect(asked.out).toMatch(new RegExp(`^pilotfish ${name} `));
  expect(asked.out.split("\n").length).toBeGreaterThan(3);
  expect(await call([name, "-h"])).toEqual(asked);
  expect(await call(["help", name])).toEqual(asked);
});

test.for([["--version"], ["version"]])("%s is the package's", async (argv) => {
  expect(await call(argv)).toEqual({ code: 0, out: `${version}\n`, err: "" });
});

test.for([["swim"], ["Run"], ["help", "swim"], ["constructor"], ["--verbose"]])("there is no command %s, and those that there are come with it", async (argv) => {
  const { code, out, err } = await call(argv);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(/^pilotfish: there is no command "\S+"\n/);
  expect(err).toContain("pilotfish check");
});

test.for<readonly [argv: readonly string[], says: string]>([
  [["run"], "name a config with --config FILE, or the model server with --server URL"],
  [["run", "--config", "a.yaml", "--server", "http://127.0.0.1:1"], "give either --config or --server, not both"],
  [["run", "--config"], "argument missing"],
  [["run", "--cfg", "a.yaml"], "Unknown option '--cfg'"],
  [["run", "a.yaml"], "Unexpected argument 'a.yaml'"],
  [["check"], "name a config with --config FILE"],
  [["check", "--json"], "name a config with --config FILE"],
  [["check", "a.yaml", "b.yaml"], 'unexpected argument "b.yaml"'],
  [["check", "a.yaml", "--config", "b.yaml"], "name one config, not two"],
  [["check", "a.yaml", "--jsn"], "Unknown option '--jsn'"],
  [["demo", "--config", "a.yaml"], "Unknown option '--config'"],
  [["demo", "--exit=yes"], "does not take an argument"],
  [["status", "here"], "Unexpected argument 'here'"],
  [["status", "--url", "127.0.0.1:9081"], "--url: expected the URL of a control API, such as http://127.0.0.1:9081"],
  [["status", "--token-file", "nowhere.token"], "--token-file: ENOENT"],
])("%s is answered with what is wrong and the usage", async ([argv, says]) => {
  const { code, out, err } = await call(argv);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  const [what, usage, ...rest] = err.split("\n");
  expect(what).toMatch(new RegExp(`^pilotfish ${argv[0]}: `));
  expect(what).toContain(says);
  expect(usage).toMatch(new RegExp(`^usage: pilotfish ${argv[0]} `));
  expect(rest).toEqual([""]);
});

test("run refuses a bad config as check does, before anything is opened", async () => {
  const argv = ["--config", "../config/broken/everywhere.yaml"];
  const checked = await call(["check", ...argv]);
  expect(checked.err).toContain("12 mistakes");
  expect(await call(["run", ...argv])).toEqual(checked);
});

test("where only a URL is given, its mistakes name no line of a file", async () => {
  expect(await call(["check", "--server", "127.0.0.1:8080", "--set", "gateway.port=9081"])).toEqual({
    code: 2,
    out: "",
    err: '--server api.port: port 9081 is taken by gateway.port already\n--server server.url: expected the model server\'s URL, such as "http://127.0.0.1:8080"\n2 mistakes\n',
  });
});

test("the process itself: exit code and both outputs", async () => {
  const run = promisify(execFile);
  const main = join(root, "agent/main.ts");
  expect(await run(process.execPath, [main, "--version"])).toEqual({ stdout: `${version}\n`, stderr: "" });
  await expect(run(process.execPath, [main, "swim"])).rejects.toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/^pilotfish: there is no command "swim"/) as string });
});
