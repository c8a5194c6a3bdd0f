/**
 * Who is told what, with the real Prometheus and a pair of real Alertmanagers: the model server is killed under load and
 * started again. The alerts that should fire do, no other, and each resolves; what Pilotfish pushes itself reaches whichever
 * Alertmanager is there, whatever a third one answers.
 */
import { describe, expect, test } from "vitest";
import { readRows } from "../../examples/employment/rows.ts";
import { tool } from "../dashboards/tool.ts";
import { listener, pagesOf, startAlertmanager, type Page } from "./alertmanager.ts";
import { addresses, metricsText, runExample, startPilotfish, startServer, status } from "./pilotfish.ts";
import { stageForTest } from "./processes.ts";
import { startPrometheus } from "./prometheus.ts";
import { startTraffic } from "./traffic.ts";

const missing = [await tool("prometheus"), await tool("prometheus-alertmanager")].some((one) => one.missing);

const nameOf = ({ labels }: Page) => labels["alertname"] ?? "";

/** Waits are short, so that an outage of seconds stands for one of minutes. */
const impatient = {
  minimumBad: 1_000_000, // To a Prometheus that has seen one minute an outage of ten seconds is a sixth of all time.
  thresholds: { failover: "4s" },
  alerts: {
    ModelServerUnreachable: { for: "2s" },
    ModelServerFailsInference: { for: "2s" },
    PilotfishAbsent: { for: "10s" },
    PilotfishLoopLate: { for: "10s" },
    PilotfishCollectorDown: { for: "1m" },
    // They look back over minutes, and so outlive the test.
    ModelAnsweredByFallback: { enabled: false },
    ModelServerRestarted: { enabled: false },
  },
};

describe.skipIf(missing)("an outage of the model server", () => {
  test("fires what it should and nothing else, and each resolves when the server is back", { timeout: 120_000 }, async () => {
    const stage = await stageForTest();
    const webhook = await listener(stage, 200);
    const at = await addresses();
    const [server, alertmanager] = await Promise.all([startServer(stage, at), startAlertmanager(stage, webhook.url)]);
    await startPilotfish(stage, at, runExample(at, [`store.path=${stage.path("state.sqlite")}`, `alertmanager.urls=["http://${alertmanager.address}"]`, "alertmanager.resend=1s", "probes.inference.interval=1s"]));
    await startPrometheus(stage, [at.metrics], { options: impatient, alertmanagers: [alertmanager.address], every: "500ms" });
    const told = (which: Page["status"]) => new Set(pagesOf(webhook.bodies).filter((page) => page.status === which).map(nameOf));

    const traffic = startTraffic(at.gateway, { perSecond: 30, batch: 4 }, await readRows("steady"));
    stage.later(() => traffic.stop());
    await stage.eventually("the watchdog is told", 30_000, () => told("firing").has("PilotfishWatchdog"));
    await stage.eventually("300 answers", 30_000, () => traffic.answers.length >= 300);
    expect([...told("firing")]).toEqual(["PilotfishWatchdog"]);

    await server.end("SIGKILL");
    const expected = ["PilotfishFailover", "ModelServerUnreachable", "ModelServerFailsInference", "ModelFailoverLong"];
    await stage.eventually("every alert of the outage", 30_000, () => expected.every((name) => told("firing").has(name)));
    await startServer(stage, at);
    await status(stage, at, "healthy", 30_000);
    await stage.eventually("every end", 30_000, () => expected.every((name) => told("resolved").has(name)));
    await traffic.stop();

    expect([...told("firing")].sort()).toEqual([...expected, "PilotfishWatchdog"].sort());
    expect([...told("resolved")].sort()).toEqual([...expected].sort());
    expect(traffic.answers.filter((answer) => answer.status !== 200)).toEqual([]);

    const failover = pagesOf(webhook.bodies).find((page) => nameOf(page) === "PilotfishFailover");
    expect(failover?.labels).toEqual({ alertname: "PilotfishFailover", model: "employment", severity: "critical" });
    const unreachable = pagesOf(webhook.bodies).find((page) => nameOf(page) === "ModelServerUnreachable");
    expect(unreachable?.labels).toMatchObject({ job: "pilotfish", probe: "http", severity: "critical" });
    expect(unreachable?.annotations["dashboard_url"]).toBe(`http://localhost:3000/d/pilotfish-failover?var-instance=${encodeURIComponent(new URL(at.metrics).host)}`);
  });

  test("is pushed to both Alertmanagers of a pair, over the absence of one and beside one that answers 400, and its end as well", { timeout: 120_000 }, async () => {
    const stage = await stageForTest();
    const [one, two, refusing] = await Promise.all([listener(stage, 200), listener(stage, 200), listener(stage, 400)]);
    const at = await addresses();
    const server = await startServer(stage, at);
    const [first, second] = await Promise.all([startAlertmanager(stage, one.url), startAlertmanager(stage, two.url)]);
    await second.process.end("SIGTERM");
    const urls = JSON.stringify([`http://${first.address}`, `http://${second.address}`, refusing.url]);
    await startPilotfish(stage, at, runExample(at, [`store.path=${stage.path("state.sqlite")}`, `alertmanager.urls=${urls}`, "alertmanager.resend=1s", "alertmanager.labels={team: ml}"]));
    const traffic = startTraffic(at.gateway, { perSecond: 20, batch: 2 }, await readRows("steady"));
    stage.later(() => traffic.stop());
    await status(stage, at, "healthy", 20_000);
    const told = ({ bodies }: { readonly bodies: readonly string[] }, which: Page["status"]) => pagesOf(bodies).filter((page) => page.status === which && nameOf(page) === "PilotfishFailover");

    await server.end("SIGKILL");
    await stage.eventually("the first is told", 20_000, () => told(one, "firing").length > 0);
    expect(told(two, "firing")).toEqual([]);
    // It comes back in the midst of the outage, and hears of it with a resend.
    await startAlertmanager(stage, two.url, second.address);
    await stage.eventually("the second is told", 20_000, () => told(two, "firing").length > 0);
    // Both hold one alert and not one a resend: what is told again has the same labels.
    for (const { address } of [first, second]) {
      const held = (await (await fetch(`http://${address}/api/v2/alerts`)).json()) as { labels: Record<string, string>; startsAt: string }[];
      expect(held.map(({ labels }) => labels)).toEqual([{ alertname: "PilotfishFailover", model: "employment", severity: "critical", team: "ml" }]);
    }
    await startServer(stage, at);
    await stage.eventually("both are told of its end", 30_000, () => told(one, "resolved").length > 0 && told(two, "resolved").length > 0);
    expect([told(one, "firing").length, told(two, "firing").length]).toEqual([1, 1]);

    // The one that refuses kept nobody. What it refused is told again only when it has changed, and is counted.
    expect(refusing.bodies.length).toBeGreaterThan(0);
    const counted = (result: string) => Number(new RegExp(`^pilotfish_notifications_total\\{result="${result}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    const text = await metricsText(at);
    expect(counted("refused")).toBeGreaterThan(0);
    expect(counted("ok")).toBeGreaterThan(2);
    await traffic.stop();
    expect(traffic.answers.filter((answer) => answer.status !== 200)).toEqual([]);
  });
});
