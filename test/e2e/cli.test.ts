/** The command line as a person meets it: processes, exit codes, and a sentence for everything that is wrong. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { isSampled } from "../../agent/gateway/identity.ts";
import { readRows } from "../../examples/employment/rows.ts";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { fakeApi } from "../cli/fake-api.ts";
import { stageForTest, type Stage } from "./processes.ts";
import { addresses, infer, listeners, metricsText, runExample, set, startCommand, startPilotfish, startServer, stateAt, status, type Addresses } from "./pilotfish.ts";

const rows = await readRows("steady");
const bare = (at: Addresses) => ["run", "--server", at.server, ...set(listeners(at))];

/** Runs a command that ends by itself. */
async function command(stage: Stage, args: readonly string[]) {
  const started = startCommand(stage, args);
  const timer = setTimeout(() => started.signal("SIGKILL"), 15_000);
  const code = await started.exited;
  clearTimeout(timer);
  return { code, out: started.stdout.join("\n"), err: started.stderr.join("\n") };
}

test("nothing but the server's URL: inferences pass, the model is learnt, answers say where they come from, traffic is analysed", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, bare(at));
  expect(await status(stage, at, "healthy", 10_000)).toMatchObject({ rung: "primary", reason: "normal" });
  await stage.eventually("the model's name is learnt", 5_000, async () => (await stateAt(at)).model.name === "employment");

  const ids = Array.from({ length: 60 }, (_, index) => `cli-${index}`);
  for (const id of ids) {
    const answer = await infer(at, rows.slice(0, 5), { "pilotfish-inference-id": id });
    expect(Object.fromEntries(["rung", "reason", "inference-id"].map((name) => [name, answer.headers.get(`pilotfish-${name}`)]))).toEqual({
      rung: "primary", reason: "normal", "inference-id": id,
    });
    expect((JSON.parse(answer.text) as { outputs: unknown[] }).outputs.length).toBe(2);
  }
  // One in ten is sampled by default; which ones, the id alone decides.
  const sampled = ids.filter((id) => isSampled(id, 0.1)).length;
  expect(sampled).toBeGreaterThan(2);
  await stage.eventually("the sampled rows are analysed", 5_000, async () => (await stateAt(at)).analysed["analysed"] === 5 * sampled);
  const series = await metricsText(at);
  expect(series).toContain('pilotfish_gateway_requests_total{model="employment",rung="primary",reason="normal",outcome="ok"} 60');
  expect([...new Set([...series.matchAll(/ model="(.*?)"|\{model="(.*?)"/g)].map(([, a, b]) => a ?? b))]).toEqual(["employment"]);

  expect(await command(stage, ["status", "--url", at.api])).toMatchObject({ code: 0, out: expect.stringMatching(/^employment .*healthy/) });
  expect(await pilotfish.end("SIGTERM")).toBe(0);
  expect((await command(stage, ["status", "--url", at.api])).code).toBe(1);
}, 60_000);

test("the version in an answer's header is the version in its body", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  await startPilotfish(stage, at, runExample(at));
  await status(stage, at, "healthy", 10_000);
  for (let i = 0; i < 3; i += 1) {
    const answer = await infer(at, rows.slice(0, 1));
    const { model_version: version } = JSON.parse(answer.text) as { model_version: string };
    expect([version, null]).toContain(answer.headers.get("pilotfish-model-version"));
  }
  await stage.eventually("the state tells the version", 5_000, async () => (await stateAt(at)).model.version === "1");
}, 60_000);

const badInput: readonly { readonly what: string; readonly args: readonly string[]; readonly says: RegExp }[] = [
  { what: "no command at all", args: [], says: /pilotfish run/ },
  { what: "a command that is not there", args: ["swim"], says: /there is no command "swim"/ },
  { what: "an option that is not there", args: ["run", "--sever", "http://127.0.0.1:1"], says: /--sever/ },
  { what: "neither a config nor a server", args: ["run"], says: /--config FILE.*--server URL/ },
  { what: "both a config and a server", args: ["run", "--config", "a.yaml", "--server", "http://127.0.0.1:1"], says: /not both/ },
  { what: "a config that is not there", args: ["run", "--config", "/nowhere/pilotfish.yaml"], says: /\/nowhere\/pilotfish\.yaml.*can not be read/ },
  { what: "a server that is no URL", args: ["run", "--server", "localhost"], says: /server\.url.*such as "http:\/\/127\.0\.0\.1:8080"/ },
  { what: "a setting that is mistyped", args: ["run", "--server", "http://127.0.0.1:1", "--set", "gateway.prot=0"], says: /gateway\.prot.*did you mean "port"/ },
  { what: "a setting without a value", args: ["run", "--server", "http://127.0.0.1:1", "--set", "gateway.port"], says: /gateway\.port.*path=value/ },
];

test.each(badInput)("bad input exits with 2 and a sentence: $what", async ({ args, says }) => {
  const stage = await stageForTest();
  const { code, out, err } = await command(stage, args);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(says) });
  expect(out).toBe("");
  // No stack of ours.
  expect(err).not.toMatch(/^\s+at .*\.ts:\d+/m);
});

test.each(["gateway", "api", "metrics"])("a port of the %s that is in use exits with 1 and names the option", async (section) => {
  const stage = await stageForTest();
  const taken = await freePort();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(taken, "127.0.0.1", resolve));
  onTestFinished(() => void squatter.close());
  const { code, err } = await command(stage, [...bare(await addresses()), ...set([`${section}.port=${taken}`])]);
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`${section}.port`) });
  expect(err).toContain(String(taken));
});

test("a config that is broken at a reload stays out: the old one is in force, the log says each mistake, a series says that it was refused", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const file = stage.path("pilotfish.yaml");
  writeFileSync(file, `server: { url: "${at.server}" }\n`);
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, ["run", "--config", file, ...set(listeners(at))]);
  await status(stage, at, "healthy", 10_000);

  writeFileSync(file, `server: { url: "${at.server}" }\ngateway: { timeout: never }\nsotre: {}\n`);
  pilotfish.signal("SIGHUP");
  const [refused] = await stage.eventually("the log tells", 5_000, () => {
    const said = pilotfish.said("the config was not reloaded");
    return said.length > 0 && said;
  });
  expect(refused?.["problems"]).toEqual([expect.stringMatching(/gateway\.timeout/), expect.stringMatching(/sotre.*did you mean "store"/)]);
  expect(await metricsText(at)).toContain("pilotfish_config_last_reload_success 0");
  expect((await infer(at, rows.slice(0, 1))).rung).toBe("primary");

  writeFileSync(file, "{");
  pilotfish.signal("SIGHUP");
  await stage.eventually("the log tells again", 5_000, () => pilotfish.said("the config was not reloaded").length === 2);
  expect((await infer(at, rows.slice(0, 1))).status).toBe(200);
  expect(await pilotfish.end("SIGTERM")).toBe(0);
}, 60_000);

test("a good config is put in force by SIGHUP, at the same address and without a restart", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const file = stage.path("pilotfish.yaml");
  writeFileSync(file, `server: { url: "http://127.0.0.1:${await freePort()}" }\n`);
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, ["run", "--config", file, ...set(listeners(at))]);
  expect((await infer(at, rows.slice(0, 1))).status).toBeGreaterThanOrEqual(500);

  writeFileSync(file, `server: { url: "${at.server}" }\n`);
  pilotfish.signal("SIGHUP");
  await stage.eventually("the log tells", 5_000, () => pilotfish.said("the config was reloaded").length === 1);
  await stage.eventually("the new server answers", 15_000, async () => (await infer(at, rows.slice(0, 1))).rung === "primary");
  expect(await metricsText(at)).toContain("pilotfish_config_last_reload_success 1");
  expect(await pilotfish.end("SIGTERM")).toBe(0);
}, 60_000);

test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with 0 once what it has begun is answered", async (signal) => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  // Rare probes, so that nobody takes the server that is held here for a dead one. What comes while it lingers is in drain.test.ts.
  const pilotfish = await startPilotfish(stage, at, [...bare(at), ...set(["probes.http.interval=1m", "gateway.linger=0s"])]);
  await status(stage, at, "healthy", 10_000);
  server.signal("SIGSTOP");
  const begun = Promise.allSettled(Array.from({ length: 20 }, () => infer(at, rows.slice(0, 5))));
  await stage.eventually("20 requests are being served", 10_000, async () => (await metricsText(at)).includes("pilotfish_gateway_active_requests 20\n"));

  const ended = pilotfish.end(signal);
  await stage.eventually("it drains", 5_000, () => pilotfish.said("draining").length === 1);
  await expect(fetch(at.gateway)).rejects.toThrow("fetch failed");
  server.signal("SIGCONT");
  expect((await begun).map((one) => (one.status === "fulfilled" ? one.value.status : String(one.reason)))).toEqual(Array.from({ length: 20 }, () => 200));
  expect(await ended).toBe(0);
}, 60_000);

// The machine's own Node, which is what a global install would find first.
const machines = "/usr/bin/node";
const machinesMajor = existsSync(machines) ? Number(/^v(\d+)/.exec(execFileSync(machines, ["--version"], { encoding: "utf8" }))?.[1]) : undefined;
const isOld = machinesMajor !== undefined && machinesMajor < 26;
if (!isOld) console.warn(`\n*** ${machines} is ${machinesMajor === undefined ? "not there" : `Node ${machinesMajor}`}, no older Node: the launcher's way to a newer one is NOT tested ***\n`);

/** The process's parent; undefined where there is no such process, or only what is left of one that nobody has asked after. */
function parentOf(pid: number): number | undefined {
  try {
    // The name before, in brackets, may hold anything.
    const [state = "Z", parent] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    return state === "Z" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

const childrenOf = (parent: number) => readdirSync("/proc").map(Number).filter((pid) => pid > 0 && parentOf(pid) === parent);

async function launch(stage: Stage, at: Addresses) {
  const launcher = stage.start("the launcher", [machines, "agent/pilotfish.mjs", ...bare(at)]);
  await stage.eventually("pilotfish is ready behind the launcher", 20_000, async () => (await fetch(`${at.api}/readyz`)).ok, launcher);
  const [child, ...others] = childrenOf(launcher.pid);
  expect(others).toEqual([]);
  if (child === undefined) throw new Error("the launcher has no child");
  onTestFinished(() => {
    if (parentOf(child) !== undefined) process.kill(child, "SIGKILL");
  });
  return { launcher, child, childIsGone: () => stage.eventually("the child is gone", 15_000, () => parentOf(child) === undefined) };
}

test("a command that waits, with nothing open meanwhile, goes on: a watch that is piped tells the next change", async () => {
  const told = ["healthy", "healthy", "failed"].map((status) => ({
    version: "0.1.0", model: { name: "m", version: null }, server: { url: "http://127.0.0.1:8080" }, status, rung: "primary", reason: "normal", since: "2026-01-01T00:00:00.000Z",
    cause: { detector: "none", code: "none", evidence: "" }, probes: {}, drift: [],
  }));
  const { url } = await fakeApi(() => [200, told.length > 1 ? told.shift() : told[0]]);
  const stage = await stageForTest();
  const watching = startCommand(stage, ["watch", "--api", url]);
  await stage.eventually("the change is told", 10_000, () => watching.stdout.join("").includes("failed, primary answers"), watching);
  expect(await watching.end("SIGINT")).toBe(0);
}, 20_000);

test.skipIf(!isOld)("on an older Node the launcher finds a newer one; SIGTERM to it ends both, with 0", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  const { launcher, childIsGone } = await launch(stage, at);
  expect((await infer(at, rows.slice(0, 1))).rung).toBe("primary");
  expect(await launcher.end("SIGTERM")).toBe(0);
  await childIsGone();
}, 60_000);

test.skipIf(!isOld)("on an older Node the launcher's exit code is that of the command", async () => {
  const stage = await stageForTest();
  const launched = stage.start("the launcher", [machines, "agent/pilotfish.mjs", "swim"]);
  expect(await launched.exited).toBe(2);
  expect(launched.stderr.join("\n")).toContain('there is no command "swim"');
});

test.skipIf(!isOld)("a launcher that is killed takes its child along, and ends when its child is killed", async () => {
  const stage = await stageForTest();
  const first = await launch(stage, await addresses());
  expect(await first.launcher.end("SIGKILL")).toBe("SIGKILL");
  await first.childIsGone();

  const second = await launch(stage, await addresses());
  process.kill(second.child, "SIGKILL");
  expect(await stage.eventually("the launcher ends", 5_000, () => second.launcher.exited)).not.toBe(0);
}, 60_000);
