/**
 * Every dashboard on a real Prometheus, after a story in which everything that a panel can show happens. Three sidecars are
 * scraped: two beside the example's model server, which is killed, started again and asked about other rows, and one beside a
 * server that streams. What this machine does not have (GPUs, a container with limits) is played by fake-machine.ts.
 */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { boards } from "../../dashboards/boards/boards.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { everything, panelExpressions, type PanelExpression } from "../../dashboards/panel-expressions.ts";
import { foreign } from "../../dashboards/promql.ts";
import { inferRequest, readRows, type CensusRow } from "../../examples/employment/rows.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../exporters/instruments.ts";
import { Tree } from "../collectors/tree.ts";
import { publisherFrame } from "../../exporters/frames.ts";
import { SignalClient } from "../exporters/signal-client.ts";
import { tool } from "../dashboards/tool.ts";
import { abortRollout, promoteRollout, rolloutSettings, serveVersion, startRollout } from "./a-rollout.ts";
import { reportXid, restartServer, startDcgmExporter, startStreamingServer, writeKernelFiles, writeNvidiaSmi, writeNvidiaSmiOfMig } from "./fake-machine.ts";
import { addresses, inferPath, listeners, runExample, set, startPilotfish, startServer, stateAt, status, type Addresses } from "./pilotfish.ts";
import { root, stageForTest, type Stage } from "./processes.ts";
import { askOver, seriesNames, seriesOf, startPrometheus, type Asked } from "./prometheus.ts";
import { startTraffic } from "./traffic.ts";

const missing = (await tool("prometheus")).missing;

const dashboards = Object.entries(boards(dashboardsOptions.parse({})));

/** What stays empty here, and why. */
const empty: readonly { readonly is: (expression: PanelExpression) => boolean; readonly why: string }[] = [
  { is: ({ row, title }) => row === "annotations" && title === "Versions", why: "there is only one version of Pilotfish here; generated.test.ts tells its story" },
  { is: ({ raw }) => raw.includes('unit="share"'), why: "of categories only, and the example's features are all numbers" },
];
const isEmpty = (expression: PanelExpression) => empty.some(({ is }) => is(expression));

/** An Alertmanager that takes whatever it is told. */
async function startReceiver(stage: Stage): Promise<string> {
  const server = createServer((request, response) => void request.resume().on("end", () => response.end("{}")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Two rungs and what they say together, so that there is something to disagree on. */
const ladder = `ladder=[{kind: ensemble, members: [onnx, default]}, {kind: onnx, model: ${root}examples/employment/fallback.onnx}, {kind: default, outputs: {label: 1, probabilities: [0.45, 0.55]}}]`;

/** Everything on that holds requests and answers back. Each bound is low enough to be met. */
const gates = [
  "contract.validation=observe", "contract.values=40", "confidence.accept=0.9", "confidence.below=review",
  "gateway.concurrency.adaptive=true", "gateway.concurrency.min=1", "gateway.concurrency.initial=1", "gateway.concurrency.max=2", "gateway.hedge.after=1ms", "gateway.hedge.rung=onnx",
];

/** A hundred requests at once, of which some find no place, some are slow, and all have a value that no reference knows. */
async function crowd({ gateway }: Addresses, rows: readonly CensusRow[]): Promise<void> {
  const wrong = rows.map((row) => ({ ...row, features: { ...row.features, AGEP: 10_000 } }));
  const body = JSON.stringify(inferRequest(wrong));
  const ask = async () => (await fetch(gateway + inferPath, { method: "POST", headers: { "content-type": "application/json" }, body, signal: AbortSignal.timeout(10_000) })).arrayBuffer();
  for (let round = 0; round < 4; round += 1) await Promise.allSettled(Array.from({ length: 25 }, ask));
}

/** A subscriber that can do nothing of what it is told. */
async function contrary(stage: Stage, { api }: Addresses): Promise<void> {
  const client = await new SignalClient(`${api.replace(/^http/, "ws")}/v1/signals`).opened();
  stage.later(() => client.socket.terminate());
  client.say("hello", { features: ["ack"] });
  client.socket.on("message", (data: Buffer) => {
    const frame = publisherFrame.parse(JSON.parse(data.toString()));
    if (frame.kind === "directive") client.say("nack", { rev: frame.body.rev, code: "unsupported", detail: "this server can not" });
  });
}

async function decide({ api }: Addresses, override: object): Promise<void> {
  await fetch(`${api}/v1/overrides`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(override) });
}

async function release({ api }: Addresses): Promise<void> {
  await fetch(`${api}/v1/overrides/current`, { method: "DELETE" });
}

async function chat({ gateway }: Addresses): Promise<void> {
  const body = JSON.stringify({ model: "chat", stream: true, messages: [{ role: "user", content: "Which city?" }] });
  const response = await fetch(`${gateway}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body, signal: AbortSignal.timeout(10_000) });
  await response.text();
}

describe.skipIf(missing)("with the real Prometheus", () => {
  const asked = new Map<string, readonly (PanelExpression & Asked)[]>();
  let scraped: ReadonlySet<string> = new Set();

  test("the story is told to its end; the tests after this one look at what came of it", async () => {
    const stage = await stageForTest();
    const tree = new Tree();
    stage.later(() => tree[Symbol.dispose]());
    stage.later(writeKernelFiles(tree));
    tree.write("kmsg", "");
    const [first, second, third] = [await addresses(), await addresses(), await addresses()];
    const beside = { ...second, server: first.server };
    const [dcgm, streaming, receiver] = [await startDcgmExporter(), await startStreamingServer(), await startReceiver(stage)];
    for (const { server } of [dcgm, streaming]) stage.later(() => (server.closeAllConnections(), server.close()));

    const common = [`alertmanager.urls=["${receiver}"]`, "alertmanager.resend=1s", "qualification.ratio=1", "collectors.interval=500ms"];
    const server = await startServer(stage, first);
    const config = stage.path("third.yaml");
    await writeFile(config, JSON.stringify({ server: { url: streaming.url, protocol: "openai" } }));
    // One after another: each start takes a core for a second, and others need the machine too.
    await startPilotfish(stage, first, runExample(first, [
      ...common, ...rolloutSettings, ladder, `store.path=${stage.path("state.sqlite")}`,
      `collectors.gpu.command=${writeNvidiaSmiOfMig(tree, `${root}test/collectors/fixtures/nvidia-smi-xml/a100-sxm4-v12.xml`)}`, "collectors.gpu.backend=nvidia-smi",
    ]));
    await startPilotfish(stage, beside, runExample(beside, [
      ...common, ...gates, "collectors.gpu.backend=nvidia-smi", `collectors.gpu.command=${writeNvidiaSmi(tree)}`, "collectors.gpu.interval=200ms",
      "collectors.server.pid=42", "collectors.network=on",
      ...["proc", "cgroup"].map((name) => `collectors.paths.${name}=${tree.path(name)}`), `collectors.paths.kernelLog=${tree.path("kmsg")}`,
    ]));
    const other = await startPilotfish(stage, third, ["run", "--config", config, ...set([...listeners(third), "collectors.gpu.backend=dcgm", `collectors.gpu.dcgm.url=${dcgm.url}/metrics`, "collectors.gpu.dcgm.pod=any"])]);
    const fromS = Date.now() / 1_000;
    const prometheus = await startPrometheus(stage, [first.metrics, second.metrics, third.metrics]);
    // What does not come is missed by the test that looks for it; the story goes on, so that the others can look too.
    const patiently = (what: string, timeoutMs: number, came: () => boolean | Promise<boolean>) => stage.eventually(what, timeoutMs, came).catch(() => {});

    const steady = await readRows("steady");
    const traffic = startTraffic(first.gateway, { perSecond: 50, batch: 10 }, steady);
    const besides = startTraffic(beside.gateway, { perSecond: 10, batch: 2 }, steady);
    stage.later(() => Promise.all([traffic.stop(), besides.stop()]));
    const tell = async (answers: typeof traffic.answers, truth: (row: CensusRow) => number) => {
      const actuals = answers.map(({ id, rows }) => ({ inference_id: id, actuals: rows.map(truth) }));
      await fetch(`${first.api}/v1/actuals`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(actuals) });
    };
    // A client's own mistake.
    await fetch(first.gateway + inferPath, { method: "POST", body: "{" });
    await stage.eventually("200 answers", 15_000, () => traffic.answers.length >= 200);
    // So that Prometheus has seen each series before it grows.
    await patiently("scrapes of all three", 10_000, async () => (await seriesOf(prometheus, "pilotfish_gateway_requests_total")) > 1);
    await Promise.all([crowd(beside, steady.slice(0, 50)), ...Array.from({ length: 5 }, () => chat(third))]);
    reportXid(tree.path("kmsg"), 13);

    await contrary(stage, first);
    await decide(first, { action: "hold", reason: "a person looks at it", ttl: "30s" });
    await patiently("a scrape with the hold", 10_000, async () => (await seriesOf(prometheus, "pilotfish_override_until_time_seconds")) > 0);
    await release(first);

    const shownIn = (series: string) => patiently(`a scrape with ${series}`, 15_000, async () => (await seriesOf(prometheus, series)) > 0);
    await shownIn("pilotfish_model_known_good_info");
    await startRollout(first);
    await shownIn("pilotfish_shadow_copies_total");
    await promoteRollout(first);
    await tell(traffic.answers.slice(0, 100), ({ employed }) => employed);
    await shownIn('pilotfish_trials_total{side="candidate"}');
    await shownIn("pilotfish_rollout_effect_bound");
    // A while ago, so that a step of a panel has fallen on it.
    await shownIn("pilotfish_rollout_step_until_time_seconds offset 2s");
    await abortRollout(first);
    await shownIn("pilotfish_rollouts_total offset 2s");

    await server.end("SIGKILL");
    restartServer(tree);
    await status(stage, first, "failed", 5_000);
    await patiently("the http probe fails", 5_000, async () => (await stateAt(first)).probes["http"]?.verdict === "fail");
    await startServer(stage, first);
    await status(stage, first, "healthy", 15_000);

    const driftedFrom = traffic.answers.length;
    traffic.switchTo((await readRows("drifted")).slice(-10_000));
    await patiently("the drift", 15_000, async () => (await stateAt(first)).drift.some(({ stream }) => stream === "features"));
    reportXid(tree.path("kmsg"), 79);
    // Its config is broken now, and refused.
    await writeFile(config, "server: {url: nowhere}\n");
    other.signal("SIGHUP");
    await Promise.all([crowd(beside, steady.slice(0, 50)), ...Array.from({ length: 5 }, () => chat(third))]);
    await stage.eventually("300 answers about other rows", 15_000, () => traffic.answers.length >= driftedFrom + 300);
    const drifted = traffic.answers.slice(driftedFrom);
    await tell(drifted.slice(0, 150), ({ employed }) => employed);
    await shownIn('pilotfish_performance{kind="corrected"}');
    await shownIn("pilotfish_rung_accuracy_ratio");
    // Then the world turns round, and the model is wrong wherever it was right.
    await tell(drifted.slice(150, 300), ({ employed }) => 1 - employed);
    // A while ago, so that a step of a panel has fallen on it.
    await shownIn('pilotfish_drift_alarm{stream=~"mistakes|error-rate|calibration"} offset 2s');
    await serveVersion(first, "2");
    await shownIn("pilotfish_model_version_changes_total > 0 offset 2s");
    await shownIn("pilotfish_retrain_requests_total offset 2s");
    await Promise.all([traffic.stop(), besides.stop()]);

    scraped = new Set(await seriesNames(prometheus));
    const toS = Date.now() / 1_000;
    for (const [name, dashboard] of dashboards) {
      const answers: (PanelExpression & Asked)[] = [];
      for (const one of panelExpressions(dashboard, everything("10s", "2s"))) answers.push({ ...one, ...(await askOver(prometheus, one.expr, fromS, toS, 1)) });
      asked.set(name, answers);
    }
  }, 300_000);

  test.each(dashboards.map(([name]) => name))("%s: every expression of its panels and annotations evaluates, and has data", (name) => {
    const answers = asked.get(name) ?? [];
    expect(answers.length).toBeGreaterThan(10);
    const wrong = answers.filter(({ ok }) => !ok).map(({ title, expr, error }) => ({ title, expr, error }));
    expect(wrong).toEqual([]);
    const without = answers.filter((one) => one.series === 0 && !isEmpty(one)).map(({ row, title, expr }) => `${row} / ${title}: ${expr}`);
    expect(without).toEqual([]);
  });

  test("what is listed as empty is so", () => {
    const all = [...asked.values()].flat();
    for (const { is, why } of empty) expect(all.filter(is).map(({ series }) => series), why).not.toEqual([]);
    expect(all.filter((one) => one.series > 0 && isEmpty(one)).map(({ title }) => title)).toEqual([]);
  });

  test("no panel is dead: every name that one reads is in the catalogue, or Prometheus' own, and was scraped", () => {
    const known = new Set([...foreign.map(({ name }) => name), ...Object.values<AnyInstrument>(instruments).flatMap((one) => ["", "_bucket", "_count", "_sum"].map((suffix) => prometheusName(one) + suffix))]);
    const read = new Set([...asked.values()].flat().flatMap(({ raw }) => [...raw.matchAll(/\b([a-zA-Z]\w*)\{/g)].map(([, name]) => name as string)));
    expect(read.size).toBeGreaterThan(100);
    expect([...read].filter((name) => !known.has(name))).toEqual([]);
    expect([...read].filter((name) => !scraped.has(name))).toEqual([]);
  });
});
