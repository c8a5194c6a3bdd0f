import { expect, test } from "vitest";
import type { Outcome } from "../../agent/backend.ts";
import type { Observation, ProbeReason } from "../../agent/observation.ts";
import { restarts } from "../../agent/probes/restarts.ts";

const http = (reason: ProbeReason): Observation => ({ kind: "probe", probe: "http", verdict: reason === "none" ? "pass" : "fail", reason, durationMs: 1, detail: "" });
const attempt = (outcome: Outcome, backend = "primary"): Observation => ({ kind: "attempt", backend, outcome, status: undefined, firstByteMs: 1, durationMs: 1, trial: false });
const reading = (process?: string, collector = "server-process"): Observation => ({ kind: "reading", collector, status: process === undefined ? "unknown" : "ok", detail: "", points: [], ...(process === undefined ? {} : { process }) });

function counted(seen: readonly Observation[]): number {
  const ups = restarts();
  seen.forEach((observation) => ups.hear(observation));
  return ups.count();
}

test.each<[string, number, readonly Observation[]]>([
  ["refused, not ready for a while, and ready: once", 1, [http("none"), http("refused"), http("refused"), http("status"), http("none"), http("none")]],
  ["a refusal that only a request met, between two questions", 1, [http("none"), attempt("refused"), attempt("refused"), http("none")]],
  ["an answer to a request that was still at the server that drains is no sign that it is up", 0, [http("none"), attempt("refused"), attempt("ok"), http("refused")]],
  ["a rung's server is another server", 0, [attempt("refused", "replica"), http("none")]],
  ["slow, reset or not ready is no restart", 0, [http("none"), http("timeout"), http("reset"), http("status"), http("none")]],
  ["another process in its place", 1, [reading("7 since 100"), reading("7 since 100"), reading(), reading("9 since 480")]],
  ["the same number, given to another process", 1, [reading("1 since 100"), reading("1 since 480")]],
  ["the first process that is seen is no restart, and another collector's says nothing", 0, [reading("7 since 100"), reading("8 since 1", "pilotfish-process")]],
  ["seen at the port and in the process table: once", 1, [reading("7 since 100"), http("refused"), http("none"), reading("9 since 480")]],
  ["twice", 2, [reading("7 since 100"), http("refused"), http("none"), reading("9 since 480"), reading("9 since 480"), http("refused"), http("none")]],
])("%s", (_, count, seen) => {
  expect(counted(seen)).toBe(count);
});
