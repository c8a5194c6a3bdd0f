/**
 * The whole way with the real Prometheus and the real Alertmanager: the model server is killed under load and started again,
 * its rows drift, true answers come late. Pages must arrive at a webhook receiver. (Whether the dashboards show it: boards.test.ts.)
 */
import { describe, expect, test } from "vitest";
import { featureNames, readRows } from "../../examples/employment/rows.ts";
import { tool } from "../dashboards/tool.ts";
import { listener, pagesOf, startAlertmanager, type Page } from "./alertmanager.ts";
import { stageForTest } from "./processes.ts";
import { seriesOf, startPrometheus } from "./prometheus.ts";
import { addresses, inferPath, runExample, startPilotfish, startServer, stateAt, status, type State } from "./pilotfish.ts";
import { startTraffic, type Answer } from "./traffic.ts";

const missing = [await tool("prometheus"), await tool("prometheus-alertmanager")].some((one) => one.missing);

describe.skipIf(missing)("with the real Prometheus and Alertmanager", () => {
  let bodies: readonly string[] = [];
  const pages = () => pagesOf(bodies);
  let answers: readonly Answer[] = [];
  let state: State | undefined;
  const isFailover = ({ labels }: Page) => labels["alertname"] === "PilotfishFailover";

  test("the story is told to its end; the tests after this one look at what came of it", async () => {
    const stage = await stageForTest();
    const webhook = await listener(stage, 200);
    bodies = webhook.bodies;
    const at = await addresses();
    const [server, alertmanager] = await Promise.all([startServer(stage, at), startAlertmanager(stage, webhook.url)]);
    await startPilotfish(stage, at, runExample(at, [`store.path=${stage.path("state.sqlite")}`, `alertmanager.urls=["http://${alertmanager.address}"]`, "alertmanager.resend=1s", "qualification.ratio=1"]));
    // To a Prometheus that has seen half a minute, seconds by a fallback are the budget of a month.
    const prometheus = await startPrometheus(stage, [at.metrics], { alertmanagers: [alertmanager.address], options: { minimumBad: 1_000_000 } });
    // What does not come is missed by the test that looks for it; the story goes on, so that the others can look too.
    const patiently = (what: string, timeoutMs: number, came: () => boolean | Promise<boolean>) => stage.eventually(what, timeoutMs, came).catch(() => {});
    const paged = (what: string, timeoutMs: number, wanted: (page: Page) => boolean) => patiently(what, timeoutMs, () => pages().some(wanted));

    const traffic = startTraffic(at.gateway, { perSecond: 50, batch: 10 }, await readRows("steady"));
    stage.later(() => traffic.stop());
    answers = traffic.answers;
    // A client's own mistake, which is no failure of anybody else.
    await fetch(at.gateway + inferPath, { method: "POST", body: "{" });
    await stage.eventually("200 answers", 15_000, () => answers.length >= 200);

    await server.end("SIGKILL");
    await status(stage, at, "failed", 5_000);
    await patiently("the http probe fails", 5_000, async () => (await stateAt(at)).probes["http"]?.verdict === "fail");
    await paged("the page", 10_000, (page) => isFailover(page) && page.status === "firing");
    await startServer(stage, at);
    await status(stage, at, "healthy", 15_000);
    await paged("the resolution", 10_000, (page) => isFailover(page) && page.status === "resolved");

    const driftedFrom = answers.length;
    traffic.switchTo((await readRows("drifted")).slice(-10_000));
    await paged("the drift", 15_000, ({ labels }) => labels["alertname"] === "ModelDrifted");
    await traffic.stop();

    const actuals = answers.slice(driftedFrom).map(({ id, rows }) => ({ inference_id: id, actuals: rows.map(({ employed }) => employed) }));
    await fetch(`${at.api}/v1/actuals`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(actuals.slice(0, 1_000)) });
    await patiently("performance", 10_000, async () => "roc_auc" in (await stateAt(at)).performance);
    await patiently("the scrape that has it", 5_000, async () => (await seriesOf(prometheus, 'pilotfish_performance{kind="corrected"}')) > 0);

    state = await stateAt(at);
  }, 120_000);

  test("no request of a client fails while the server is killed, away and started again", () => {
    expect(answers.length).toBeGreaterThan(400);
    expect(answers.filter((answer) => answer.status !== 200).map((answer) => [answer.status, answer.text])).toEqual([]);
    expect(answers.filter(({ rung }) => rung === "onnx").length).toBeGreaterThan(50);
  });

  test("the failover pages, once and with what was found, and the page is resolved when the server is back", () => {
    const told = pages().filter(isFailover);
    expect(told.map((page) => page.status)).toEqual(["firing", "resolved"]);
    expect(told[0]?.labels).toEqual({ alertname: "PilotfishFailover", model: "employment", severity: "critical" });
    expect(told[0]?.annotations["description"]).toMatch(/onnx answers/);
  });

  test("drift pages by both ways: Pilotfish's own push names the features, Prometheus' rule the stream", () => {
    const own = pages().find(({ labels }) => labels["alertname"] === "PilotfishDrift" && labels["stream"] === "features");
    expect([...featureNames, "score"]).toContain(/drifted: (\w+)/.exec(own?.annotations["description"] ?? "")?.[1]);
    const byRule = pages().find(({ labels }) => labels["alertname"] === "ModelDrifted" && labels["stream"] === "features");
    expect(byRule?.labels).toMatchObject({ job: "pilotfish", model: "employment", severity: "warning" });
  });

  test("the state names what drifted and how well the model still does", () => {
    const drift = state?.drift.find(({ stream }) => stream === "features");
    expect(drift?.culprits.length).toBeGreaterThan(0);
    expect(state?.performance["roc_auc"]).toBeGreaterThan(0.5);
    expect(state?.actuals).toMatchObject({ unknown: 0, mismatch: 0 });
  });

  test("the watchdog arrives, so the way from Prometheus' rules to the receiver is whole, and nothing pages that has no cause", () => {
    // Whether it is seen that the server is another process now depends on when it was looked for.
    const names = new Set(pages().map(({ labels }) => labels["alertname"]).filter((name) => name !== "ModelServerRestarted"));
    expect(names).toEqual(new Set(["PilotfishFailover", "PilotfishDrift", "ModelDrifted", "PilotfishWatchdog"]));
  });
});
