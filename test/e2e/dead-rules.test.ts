/**
 * No rule is dead: every series that a rule reads was seen in a scrape of the real daemon, which lives through a story with
 * everything switched on. Hardware that this machine may lack is played by fixtures: a control group, and an nvidia-smi that
 * prints what a real one printed.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readOptions } from "../../dashboards/mixin.ts";
import { ruleGroups } from "../../dashboards/rules.ts";
import { inferRequest, readRows } from "../../examples/employment/rows.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../exporters/instruments.ts";
import { stat, Tree } from "../collectors/tree.ts";
import { abortRollout, promoteRollout, rolloutSettings, serveVersion, startRollout } from "./a-rollout.ts";
import { addresses, inferPath, listeners, metricsText, set, startCommand, startServer, stateAt, status } from "./pilotfish.ts";
import { root, stageForTest } from "./processes.ts";
import { startTraffic } from "./traffic.ts";

/** Instruments that rules read, recorded series left out. */
const read = (() => {
  const text = ruleGroups(readOptions({})).groups.flatMap((group) => group.rules.map(({ expr }) => String(expr))).join("\n");
  const names = new Set([...text.matchAll(/(?<![\w:])((?:pilotfish|hw|container|k8s|process|gen_ai|http)_\w+)(?=\{)/g)].map(([, name]) => (name as string).replace(/_bucket$/, "")));
  return [...names].sort();
})();

test("rules read series of the catalogue, and many of them", () => {
  const catalogue = new Set(Object.values<AnyInstrument>(instruments).map(prometheusName));
  expect(read.filter((name) => !catalogue.has(name))).toEqual([]);
  expect(read.length).toBeGreaterThan(40);
});

/** Prints a card with its limits and remapped rows as it does where MIG divides it. */
const smi = (xml: string) => `#!/bin/sh
case "$1" in
  --help-query-gpu) echo '"index" "uuid" "mig.mode.current"';;
  -q) while cat ${xml}; do sleep 1; done;;
  *) echo '0, GPU-a, Enabled'; exec sleep 60;;
esac
`;

const cgroup = {
  "cgroup/cgroup.controllers": "cpu memory io\n",
  "cgroup/cgroup.type": "domain\n",
  "cgroup/cgroup.events": "populated 1\nfrozen 0\n",
  "cgroup/cpu.stat": "usage_usec 93185642\nuser_usec 80012000\nsystem_usec 13173642\nnr_periods 18204\nnr_throttled 512\nthrottled_usec 61250000\n",
  "cgroup/cpu.max": "150000 100000\n",
  "cgroup/memory.current": "734003200\n",
  "cgroup/memory.max": "2147483648\n",
  "cgroup/memory.stat": "anon 524288000\ninactive_file 104857600\n",
  "cgroup/memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n",
  "cgroup/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=125000\n",
};

describe("a life with everything switched on", () => {
  test("shows every series that a rule reads", { timeout: 150_000 }, async () => {
    const stage = await stageForTest();
    const tree = new Tree({ ...cgroup, "proc/self/cgroup": "0::/\n", "proc/self/stat": stat(), "proc/self/status": "VmRSS:\t90000 kB\n", "proc/stat": "btime 1700000000\n", kmsg: "" });
    stage.later(() => tree[Symbol.dispose]());
    tree.write("nvidia-smi", smi(`${root}test/collectors/fixtures/nvidia-smi-xml/a100-sxm4-v12.xml ${root}test/collectors/fixtures/nvidia-smi-xml/rtx-4000-sff-ada-v13.xml`));

    const at = await addresses();
    const example = parse(readFileSync(`${root}examples/employment/pilotfish.yaml`, "utf8")) as Record<string, Record<string, unknown>> & { ladder: Record<string, unknown>[] };
    const there = (file: unknown) => `${root}examples/employment/${String(file)}`;
    const config = {
      ...example,
      model: { ...example["model"], reference: there(example["model"]?.["reference"]) },
      ladder: [{ kind: "ensemble", members: ["onnx", "default"] }, ...example.ladder.map((rung) => (rung["model"] === undefined ? rung : { ...rung, model: there(rung["model"]) }))],
      probes: { inference: { ...(example["probes"]?.["inference"] as object), request: there("known-request.json"), expect: there("known-answer.json") } },
      gateway: { sample: { ratio: 1 }, concurrency: { adaptive: true, min: 1, max: 2, initial: 1 } },
      contract: { validation: "observe" },
      qualification: { ratio: 1 },
      alertmanager: { urls: ["http://127.0.0.1:9"], resend: "1s" },
      store: { path: stage.path("state.sqlite") },
      collectors: {
        interval: "500ms",
        gpu: { backend: "nvidia-smi", command: tree.path("nvidia-smi") },
        paths: { proc: tree.path("proc"), cgroup: tree.path("cgroup"), kernelLog: tree.path("kmsg") },
      },
    };
    tree.write("pilotfish.yaml", stringify(config));

    const seen = new Set<string>();
    const look = async (): Promise<readonly string[]> => {
      for (const [, name] of (await metricsText(at)).matchAll(/^(\w+?)(?:_bucket)?(?:\{| )/gm)) seen.add(name as string);
      return read.filter((name) => !seen.has(name));
    };
    const server = await startServer(stage, at);
    const daemon = startCommand(stage, ["run", "--config", tree.path("pilotfish.yaml"), ...set([`server.url=${at.server}`, ...listeners(at), ...rolloutSettings])]);
    await status(stage, at, "healthy", 30_000);
    const traffic = startTraffic(at.gateway, { perSecond: 50, batch: 10 }, await readRows("steady"));
    stage.later(() => traffic.stop());
    await stage.eventually("the GPU is seen", 20_000, async () => (await look()).includes("hw_status") === false, daemon);
    appendFileSync(tree.path("kmsg"), "6,1,1,-;NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.\n");

    // More at once than the limit has places for, then nobody to ask, then rows of another year with their true answers.
    const rows = await readRows("steady");
    const burst = (_: unknown, index: number) => fetch(at.gateway + inferPath, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(inferRequest(rows.slice(index, index + 1))) }).then((response) => response.text());
    await Promise.all(Array.from({ length: 40 }, burst));
    await look();
    const comes = (name: string) => stage.eventually(`${name} is scraped`, 15_000, async () => !(await look()).includes(name));
    await startRollout(at);
    await comes("pilotfish_shadow_copies_total");
    await promoteRollout(at);
    await comes("pilotfish_trials_total");
    await comes("pilotfish_rollout_evidence_threshold");
    await abortRollout(at);
    await server.end("SIGKILL");
    await status(stage, at, "failed", 10_000);
    await stage.eventually("the ensemble answers", 10_000, async () => !(await look()).includes("pilotfish_ladder_disagreement_ratio"));
    await startServer(stage, at);
    await stage.eventually("the primary answers again", 30_000, async () => (await stateAt(at)).rung === "primary");
    const from = traffic.answers.length;
    traffic.switchTo((await readRows("drifted")).slice(-10_000));
    await stage.eventually("drift alarms", 30_000, async () => !(await look()).includes("pilotfish_drift_alarm"));
    await serveVersion(at, "2");
    await stage.eventually("the change of version is counted", 30_000, async () => !(await look()).includes("pilotfish_model_version_changes_total"));
    await traffic.stop();
    const actuals = traffic.answers.slice(from).map(({ id, rows }) => ({ inference_id: id, actuals: rows.map(({ employed }) => employed) }));
    await fetch(`${at.api}/v1/actuals`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(actuals.slice(0, 1_000)) });
    await stage.eventually("nothing is missing", 15_000, async () => (await look()).length === 0).catch(() => {});
    expect(await look()).toEqual([]);
    // The bound that counts as good is one of those that are scraped, written as the rules write it.
    expect(await metricsText(at)).toMatch(/^pilotfish_gateway_request_duration_seconds_bucket\{.*le="1"\} /m);
  });
});
