/** `pilotfish rollout` against the API's own routes with a stand-in behind them: what a person reads, and how a script hears of it. */
import { expect, onTestFinished, test } from "vitest";
import { api } from "../../agent/api/api.ts";
import { apiOptions } from "../../agent/api/options.ts";
import { rolloutRoutes } from "../../agent/api/rollout.ts";
import { rolloutShown } from "../../agent/api/rollout-shown.ts";
import { rolloutLines } from "../../agent/cli/rollout-lines.ts";
import { silent } from "../../agent/log.ts";
import type { RolloutView } from "../../agent/rollout-view.ts";
import { FakeClock } from "../fake-clock.ts";
import { aborted, beganAtMs, harmful, rolloutStandIn, view } from "../rollout/stand-in.ts";
import { call } from "./call.ts";
import { fakeApi } from "./fake-api.ts";

async function opened(first?: RolloutView) {
  const standIn = rolloutStandIn(first);
  const nothing = () => {};
  const deps = { clock: new FakeClock(), log: silent, version: "test", ready: () => ({ ready: true, reasons: [] }), metrics: nothing, audit: nothing, answered: nothing, dropped: nothing, connect: nothing };
  const { address, close } = await api(apiOptions.parse({ port: 0 }), { ...deps, routes: rolloutRoutes({ rollouts: standIn.controls }) }).start();
  onTestFinished(close);
  const url = `http://127.0.0.1:${address.port}`;
  return { ...standIn, run: (...argv: readonly string[]) => call(["rollout", ...argv, "--api", url]) };
}

const plain = (_: string, text: string): string => text;
const linesOf = (one: RolloutView) => rolloutLines(rolloutShown(one), beganAtMs + 45_000, plain);

test("started with all that may be said of it, sent on and ended; each with its reason", async () => {
  const { run, decided } = await opened();
  expect(await run("status")).toEqual({ code: 0, out: "no rollout runs, and none ran; pilotfish rollout start begins one\n", err: "" });
  const started = await run("start", "--url", "http://10.0.0.7:8080", "--version", "2", "--mode", "shadow-then-canary", "--reason", "trained on May");
  expect(started).toMatchObject({ code: 0, err: "" });
  expect(started.out).toMatch(/^version 2 beside version 1 of employment: trying \(started\) since 2026-01-01T12:00:45.000Z\n/);
  expect(await run("start")).toEqual({ code: 1, out: "", err: "pilotfish rollout: a rollout of version 2 runs; abort it first\n" });
  expect(await run("promote", "--reason", "sound")).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("abort", "--json")).out)).toMatchObject({ rollout: { phase: "aborted" } });
  expect(await run("promote")).toEqual({ code: 1, out: "", err: "pilotfish rollout: the rollout of version 2 was aborted\n" });
  expect(decided.map(({ what, asked, reason }) => ({ what, ...(asked && { asked }), ...(reason !== undefined && { reason }) }))).toEqual([
    { what: "start", asked: { candidate: { url: "http://10.0.0.7:8080", version: "2" }, mode: "shadow-then-canary", reason: "trained on May" } },
    { what: "start", asked: {} },
    { what: "promote", reason: "sound" },
    { what: "abort" },
    { what: "promote" },
  ]);
});

test("a candidate that can not be tried: each reason on a line, and exit code 2", async () => {
  const { run, refuse } = await opened();
  refuse({ ok: false, why: "unfit", detail: "version 2 can not be tried", problems: ["it lacks the output income", "AGEP is\u001b[2J FP64 there"] });
  expect(await run("start", "--version", "2")).toEqual({ code: 2, out: "", err: "pilotfish rollout: version 2 can not be tried\n  it lacks the output income\n  AGEP is [2J FP64 there\n" });
});

test("a status at a glance: weight, what is left of the step, the verdict, each comparison", () => {
  expect(linesOf(view())).toEqual([
    "version 2 beside version 1 of employment: trying (started) since 2026-01-01T12:00:00.000Z",
    "  version 2 gets 10 % of the traffic",
    "  weight    [##------------------] 10 % of the traffic, step 1 of 2; then 50 %",
    "  step      held for 15 s more; a person is asked in 9 min 15 s",
    "  verdict   go on: nothing speaks against it yet; errors need about 2,000 more requests",
    "  seen      1,204 dealt to the candidate, 10,871 to the primary; 0 pairs, 0 actuals",
    "  comparison   verdict  worse by     between              evidence      events (effective)",
    "  errors       go on    +0.4 points  -0.6 to +1.4 points  0.4 of 2.3    41 (38)",
    "  latency_p99  go on    +3 %         -8 to +16 %          -0.2 of 2.78  312 (290)",
    "  accuracy     go on    -            not known yet        0 of 2.3      0 (0)",
    "  canary, started by ada at 2026-01-01T12:00:00.000Z; id r-7",
  ]);
});

test("harm, and an actuator that failed, are said; a person who is asked is told how to answer", () => {
  const over = linesOf(aborted);
  expect(over[0]).toContain(": aborted (harm) since 2026-01-01T12:00:43.000Z");
  expect(over).toContain("  verdict   harm: errors: 48 % more than the primary (at least 31 %)");
  expect(over.find((line) => line.startsWith("  errors"))).toMatch(/^ {2}errors +harm +\+48 points +\+31 to \+62 points +3\.1 of 2\.3 +41 \(38\)$/);
  expect(over).toContain("  2026-01-01T12:00:50.000Z  repository unload: failed after 3 attempts, POST /v2/repository/models/employment/unload answered 500");
  expect(over.join("\n")).not.toContain("held for");
  const asking = linesOf(view({ phase: "asking", reason: "harm", reading: harmful, name: "a\u001b]0;x" }));
  expect(asking.at(-1)).toBe("  a person decides: pilotfish rollout promote, or abort");
  expect(asking[0]).toMatch(/^a \]0;x beside/);
});

test("copies alone, one open end of an interval, and nothing found yet", () => {
  const copies = linesOf(view({ mode: "shadow", step: 0, weight: 0, shadow: 0.5, primaryVersion: undefined, reading: undefined }));
  expect(copies).toContain("  weight    [--------------------] 0 % of the traffic, copies alone; then 100 %; copies of 50 %");
  expect(copies).toContain("  verdict   none yet");
  expect(copies[0]).toContain("version 2 of employment: trying");
});

test("--watch tells each change until it is over, and exits with 1 where it was aborted", async () => {
  const told = [view(), view(), aborted].map((one) => ({ rollout: rolloutShown(one) }));
  const { url } = await fakeApi(() => [200, told.length > 1 ? told.shift() : told[0]]);
  const { code, out } = await call(["rollout", "status", "--watch", "--api", url]);
  expect(code).toBe(1);
  expect(out.match(/^version 2 .*$/gm)?.map((line) => line.split(": ")[1]?.split(" ")[0])).toEqual(["trying", "aborted"]);
  const { run } = await opened(view({ phase: "promoted", weight: 1 }));
  expect((await run("status", "--watch", "--json")).code).toBe(0);
});

test.for<readonly [readonly string[], string]>([
  [[], "say what: start, status, promote, abort"],
  [["--json"], "say what"],
  [["begin"], 'expected start, status, promote, abort, got "begin"'],
  [["start", "--mode", "blue-green"], '--mode: expected canary, shadow, shadow-then-canary, got "blue-green"'],
  [["abort", "--version", "2"], "--version"],
  [["start", "2"], "Unexpected argument"],
  [["status", "--reason", "x"], "--reason"],
])("rollout %j is refused before anybody is asked", async ([argv, says]) => {
  const { code, out, err } = await call(["rollout", ...argv]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(says);
});

test("what is no rollout is no reason to fall over", async () => {
  const { url } = await fakeApi(() => [200, { rollout: { id: 7 } }]);
  expect(await call(["rollout", "status", "--api", url])).toMatchObject({ code: 1, out: "", err: expect.stringContaining("it told no rollout") as string });
  const { url: old } = await fakeApi(() => [404, { detail: "no route /v1/rollout" }]);
  expect(await call(["rollout", "status", "--api", old])).toMatchObject({ code: 1, err: expect.stringContaining("is it an older Pilotfish?") as string });
});
