import { beforeEach, describe, expect, test } from "vitest";
import { silent, type Log } from "../../agent/log.ts";
import { pushedAlerts } from "../../dashboards/alertmanager.ts";
import { alertsByName } from "../../dashboards/alerts.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { alertmanager, alertmanagerOptions, type Alertmanager, type Post } from "../../exporters/alertmanager.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { alertsBody, alertsMax, alertsOf, expired, type Alerts, type Paged } from "../../exporters/pages.ts";
import { statuses, type ApprovalSignal, type DriftSignal, type RolloutSignal, type StateSignal, type Status, type UnheardSignal } from "../../exporters/signal.ts";
import { FakeClock } from "../fake-clock.ts";

const startMs = Date.UTC(2026, 0, 1);
const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };

function state(status: Status, atMs: number, model: string = "employment"): StateSignal {
  return {
    type: "state",
    target: { ...target, model },
    status,
    rung: status === "healthy" ? "primary" : "small",
    reason: status === "healthy" ? "normal" : "circuit-open",
    cause: { detector: "traffic", code: "refused", evidence: "3 attempts in a row were refused" },
    sinceWallMs: startMs + atMs,
    rev: 1,
  };
}

function drift(status: "firing" | "resolved", atMs: number, stream: string = "features"): DriftSignal {
  return {
    type: "drift",
    target,
    status,
    stream,
    detector: "conformal",
    culprits: [{ name: "AGEP", share: 0.61 }, { name: "SCHL", share: 0.2 }],
    statistic: 14.2,
    threshold: 9.1,
    message: "AGEP rose from 38 to 47.",
    atWallMs: startMs + atMs,
  };
}

function rollout(phase: RolloutSignal["phase"], reason: string, atMs: number): RolloutSignal {
  const weight = phase === "aborted" ? 0 : 0.1;
  return { type: "rollout", target, rollout: "r1", candidate: "version 2", phase, reason, step: 1, steps: 3, weight, message: "Errors are 40 % more often.", atWallMs: startMs + atMs };
}

interface Sent {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

const iso = (atMs: number) => new Date(startMs + atMs).toISOString();
const parse = (body: string) => JSON.parse(body) as Sent[];

describe("which alerts follow from a signal", () => {
  const none: Alerts = new Map();
  const fired = (alerts: Alerts) => [...alerts.values()].filter(({ endedAtMs }) => endedAtMs === undefined).map(({ labels }) => labels["alertname"]);

  test.each(statuses)("status %s", (status) => {
    const fires = ["failed", "isolated", "probation"].includes(status);
    const resolves = ["healthy", "degraded", "suspect"].includes(status);
    expect(fired(alertsOf(none, state(status, 0)))).toEqual(fires ? ["PilotfishFailover"] : []);
    const firing = alertsOf(none, state("failed", 0));
    const after = alertsOf(firing, state(status, 5_000));
    expect(fired(after)).toEqual(resolves ? [] : ["PilotfishFailover"]);
    expect([...after.values()][0]?.startsAtMs).toBe(startMs);
  });

  test("the labels are the alert's identity: no value that changes and no feature is among them", () => {
    const alerts = alertsOf(alertsOf(none, state("failed", 0)), drift("firing", 0));
    expect([...alerts.values()].map(({ labels }) => labels)).toEqual([
      { alertname: "PilotfishFailover", model: "employment", severity: "critical" },
      { alertname: "PilotfishDrift", model: "employment", severity: "warning", stream: "features" },
    ]);
    const again = alertsOf(alerts, { ...drift("firing", 9_000), culprits: [{ name: "SCHL", share: 1 }], statistic: 20 });
    expect(again.size).toBe(2);
  });

  test("the annotations say what happened, with the features that moved", () => {
    const [failover, moved] = [...alertsOf(alertsOf(none, state("failed", 0)), drift("firing", 0)).values()];
    expect(failover?.annotations.description).toBe("http://127.0.0.1:8080 is failed; small answers (circuit-open). traffic found: 3 attempts in a row were refused");
    expect(moved?.annotations.description).toBe("AGEP rose from 38 to 47. Shares of the evidence: AGEP 61 %, SCHL 20 %.");
    expect(moved?.annotations.summary).not.toMatch(/AGEP|14/);
  });

  test("a decision that waits pages with its deadline and its default, and ends when it is taken", () => {
    const waits = { type: "approval", target, status: "firing", decision: "failoverOnDrift", question: "Keep requests from the primary?", evidence: "RELP moved.", default: "do", deadlineWallMs: startMs + 900_000, atWallMs: startMs } as const;
    const firing = alertsOf(none, waits);
    expect([...firing.values()]).toMatchObject([{
      labels: { alertname: "PilotfishApproval", model: "employment", severity: "critical", decision: "failoverOnDrift" },
      annotations: { description: expect.stringMatching(/^Keep requests from the primary\? RELP moved\. Without an answer by \d{4}-.*Z it is done; "pilotfish review" lists and answers it\.$/) as string },
    }]);
    expect(fired(alertsOf(firing, { ...waits, status: "resolved", atWallMs: startMs + 5_000 }))).toEqual([]);
  });

  test("a rollout that was aborted for harm is told until another begins, or for an hour; one that a person aborted, or that goes on, is not", () => {
    for (const quiet of [rollout("trying", "started", 0), rollout("asking", "time-box", 0), rollout("aborted", "person", 0), rollout("promoted", "not-worse", 0)]) expect(alertsOf(none, quiet)).toBe(none);
    const firing = alertsOf(none, rollout("aborted", "harm", 0));
    expect([...firing.values()]).toMatchObject([{
      labels: { alertname: "PilotfishRolloutAborted", model: "employment", severity: "warning" },
      annotations: { summary: "The rollout of version 2 for model employment was aborted (harm)", description: expect.stringMatching(/^Errors are 40 % more often\. The candidate gets no traffic/) as string },
    }]);
    expect(fired(alertsOf(firing, rollout("trying", "started", 60_000)))).toEqual([]);
    expect(expired(firing, startMs + 3_599_999)).toBe(firing);
    expect([...expired(firing, startMs + 3_600_000).values()]).toMatchObject([{ endedAtMs: startMs + 3_600_000 }]);
  });

  test("an actuator of which nothing shows that it heard is told until it does: at once where it was of a roll-back", () => {
    const unheard = { type: "unheard", target, status: "firing", actuator: "repository", action: "roll-back", detail: "it answered 500 three times.", atWallMs: startMs } as const;
    const firing = alertsOf(none, unheard);
    expect([...firing.values()]).toMatchObject([{
      labels: { alertname: "PilotfishRolloutUnheard", model: "employment", severity: "critical", actuator: "repository" },
      annotations: { summary: "Nothing shows that repository heard of the roll-back for model employment", description: expect.stringMatching(/^it answered 500 three times\. The gateway deals by the rollout all the same/) as string },
    }]);
    expect([...alertsOf(none, { ...unheard, action: "promote" }).values()]).toMatchObject([{ labels: { severity: "warning" } }]);
    expect(fired(alertsOf(firing, { ...unheard, actuator: "webhook", status: "resolved" }))).toHaveLength(1);
    expect(fired(alertsOf(firing, { ...unheard, status: "resolved", atWallMs: startMs + 9_000 }))).toEqual([]);
  });

  test("nothing changes where nothing has happened", () => {
    expect(alertsOf(none, state("healthy", 0))).toBe(none);
    expect(alertsOf(none, drift("resolved", 0))).toBe(none);
    const firing = alertsOf(none, drift("firing", 0));
    expect(alertsOf(firing, drift("firing", 60_000))).toBe(firing);
    const resolved = alertsOf(firing, drift("resolved", 70_000));
    expect(alertsOf(resolved, drift("resolved", 80_000))).toBe(resolved);
    expect(alertsOf(firing, { type: "directive", target, action: "drain", why: "", atWallMs: startMs })).toBe(firing);
  });

  test("one that fires again starts again", () => {
    const resolved = alertsOf(alertsOf(none, drift("firing", 0)), drift("resolved", 1_000));
    expect([...alertsOf(resolved, drift("firing", 2_000)).values()]).toMatchObject([{ startsAtMs: startMs + 2_000, endedAtMs: undefined }]);
  });

  test("the number of alerts is bounded; one that is over makes room, one that fires does not", () => {
    let alerts = none;
    for (let i = 0; i < alertsMax; i += 1) alerts = alertsOf(alerts, drift("firing", 0, `stream-${i}`));
    expect(alertsOf(alerts, drift("firing", 0, "one more"))).toBe(alerts);
    for (const [stream, atMs] of [["stream-7", 3_000], ["stream-3", 2_000]] as const) alerts = alertsOf(alerts, drift("resolved", atMs, stream));
    alerts = alertsOf(alerts, drift("firing", 4_000, "one more"));
    expect(alerts.size).toBe(alertsMax);
    const streams = [...alerts.values()].map(({ labels }) => labels["stream"]);
    expect(streams).toContain("one more");
    expect(streams).not.toContain("stream-3");
    expect(streams).toContain("stream-7");
  });

  test("an alert never ends before it starts, though the wall clock was set back: one such would spoil the whole push", () => {
    const alerts = alertsOf(alertsOf(none, state("failed", 3_600_000)), drift("firing", 0));
    const [failover] = parse(alertsBody(alerts, alertmanagerOptions.parse({}), startMs));
    expect(failover?.startsAt).toBe(iso(3_600_000));
    expect(failover?.endsAt).toBe(iso(3_600_000));
  });
});

describe("pushing", () => {
  let clock: FakeClock;
  let meter: Meter;
  let posts: { url: string; sent: Sent[]; atMs: number; timeoutMs: number; end: (ok: boolean) => void }[];
  let logged: string[];
  /** What a post answers at once; undefined leaves it open until `end`. */
  let answer: boolean | undefined;
  /** Labels' values that it refuses with 400, whatever else it answers. */
  let disliked: string[];
  const log: Log = { ...silent, info: (_, message) => void logged.push(`info ${message}`), warn: (_, message) => void logged.push(`warn ${message}`), error: (fields, message) => void logged.push(`error ${message}: ${String(fields["detail"])}`) };

  beforeEach(() => {
    clock = new FakeClock(startMs);
    meter = new Meter(clock);
    posts = [];
    logged = [];
    answer = true;
    disliked = [];
  });

  const post: Post = (url, body, timeoutMs) =>
    new Promise((resolve) => {
      const end = (ok: boolean) => resolve({ ok, detail: ok ? "" : "connection refused" });
      posts.push({ url, sent: parse(body), atMs: clock.monotonicMs(), timeoutMs, end });
      if (disliked.some((value) => body.includes(value))) return resolve({ ok: false, status: 400, detail: 'status 400: invalid label set: bad "stream"' });
      if (answer !== undefined) end(answer);
    });

  function make(options: Record<string, unknown> = {}): Alertmanager {
    return alertmanager(alertmanagerOptions.parse({ urls: ["http://127.0.0.1:9093"], ...options }), { clock, post, meter, log });
  }
  const settle = () => clock.advanceAsync(1);
  const times = () => posts.map(({ atMs }) => atMs);

  async function notifications(): Promise<Record<string, number>> {
    const { resourceMetrics } = await meter.collect();
    const metric = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === instruments.notifications.name);
    return Object.fromEntries((metric?.dataPoints ?? []).map(({ attributes, value }) => [attributes["result"], value as number]));
  }

  test("a failover is told at once, again at every resend while it holds, and its end for five minutes", async () => {
    const alerts = make();
    alerts.start();
    await clock.advanceAsync(10_000);
    expect(posts).toEqual([]);
    alerts.signal(state("failed", 10_000));
    await settle();
    expect(posts[0]).toMatchObject({ url: "http://127.0.0.1:9093/api/v2/alerts", timeoutMs: 5_000, atMs: 10_000 });
    expect(posts[0]?.sent).toEqual([
      {
        labels: { alertname: "PilotfishFailover", model: "employment", severity: "critical" },
        annotations: { summary: expect.any(String) as string, description: expect.any(String) as string },
        startsAt: iso(10_000),
        endsAt: iso(10_000 + 4 * 30_000),
      },
    ]);
    await clock.advanceAsync(90_000, 1_000);
    expect(times()).toEqual([10_000, 30_000, 60_000, 90_000]);
    expect(posts.map(({ sent }) => sent[0]?.startsAt)).toEqual(Array(4).fill(iso(10_000)));
    expect(posts.map(({ sent }) => sent[0]?.endsAt)).toEqual([10_000, 30_000, 60_000, 90_000].map((atMs) => iso(atMs + 120_000)));

    posts.length = 0;
    alerts.signal(state("healthy", 100_001));
    await clock.advanceAsync(600_000, 1_000);
    expect(times()[0]).toBe(100_001);
    expect(times().at(-1)).toBe(390_000);
    expect(posts.map(({ sent }) => sent[0]?.endsAt)).toEqual(Array(posts.length).fill(iso(100_001)));
    expect(await notifications()).toEqual({ ok: 4 + posts.length, failed: 0 });
  });

  test("an aborted rollout ends by itself after an hour, and its end is sent", async () => {
    const alerts = make();
    alerts.start();
    alerts.signal(rollout("aborted", "harm", 0));
    await clock.advanceAsync(3_600_000 + 600_000, 1_000);
    const ends = posts.map(({ sent }) => sent[0]?.endsAt);
    expect(ends[0]).toBe(iso(120_000));
    expect(times().at(-1)).toBeLessThanOrEqual(3_600_000 + 300_000);
    expect(ends.at(-1)).toBe(iso(3_600_000));
  });

  test("every Alertmanager is told, and one that fails does not keep the others", async () => {
    const alerts = make({ urls: ["http://127.0.0.1:1/", "http://127.0.0.1:2/prefix/"] });
    alerts.start();
    answer = undefined;
    alerts.signal(state("failed", 0));
    await settle();
    expect(posts.map(({ url }) => url)).toEqual(["http://127.0.0.1:1/api/v2/alerts", "http://127.0.0.1:2/prefix/api/v2/alerts"]);
    posts[0]?.end(false);
    posts[1]?.end(true);
    await settle();
    expect(await notifications()).toEqual({ failed: 1, ok: 1 });
    answer = true;
    await clock.advanceAsync(2_000, 100);
    expect(posts.map(({ url }) => new URL(url).port)).toEqual(["1", "2", "1"]);
  });

  test("a failing Alertmanager is tried again after 1 s, 2 s, 4 s and so on, at most a resend apart, and logged once", async () => {
    const alerts = make();
    alerts.start();
    answer = false;
    alerts.signal(state("failed", 0));
    await clock.advanceAsync(29_000, 10);
    const gaps = times().map((atMs, i, all) => atMs - (all[i - 1] ?? 0));
    expect(gaps).toHaveLength(5);
    for (const [i, expected] of [1_000, 2_000, 4_000, 8_000].entries()) {
      expect(gaps[i + 1]).toBeGreaterThanOrEqual(expected * 0.75);
      expect(gaps[i + 1]).toBeLessThanOrEqual(expected * 1.25 + 10);
    }
    await clock.advanceAsync(600_000, 100);
    expect(posts.length).toBeLessThan(60);
    expect(logged).toEqual(["warn Alertmanager does not take alerts"]);
    answer = true;
    await clock.advanceAsync(60_000, 100);
    expect(logged).toEqual(["warn Alertmanager does not take alerts", "info Alertmanager takes alerts again"]);
  });

  test("one push at a time: what changes meanwhile is told by the next, as it is by then", async () => {
    const alerts = make();
    alerts.start();
    answer = undefined;
    alerts.signal(state("failed", 0));
    alerts.signal(state("probation", 1));
    alerts.signal(state("failed", 2));
    alerts.signal(drift("firing", 3));
    await settle();
    expect(posts).toHaveLength(1);
    alerts.signal(state("healthy", 4));
    answer = true;
    posts[0]?.end(true);
    await settle();
    expect(posts).toHaveLength(2);
    expect(posts[1]?.sent.map(({ labels, endsAt }) => [labels["alertname"], endsAt])).toEqual([
      ["PilotfishFailover", iso(4)],
      ["PilotfishDrift", expect.any(String) as string],
    ]);
    await clock.advanceAsync(20_000, 1_000);
    expect(posts).toHaveLength(2);
  });

  test("new words for what holds wait for the resend", async () => {
    const alerts = make();
    alerts.start();
    alerts.signal(drift("firing", 0));
    for (let i = 1; i < 10; i += 1) alerts.signal({ ...drift("firing", i), message: `AGEP rose to ${i}.` });
    await clock.advanceAsync(30_000, 1_000);
    expect(times()).toEqual([0, 30_000]);
    expect(posts[1]?.sent[0]?.annotations["description"]).toContain("AGEP rose to 9.");
  });

  test("a post that throws counts as failed", async () => {
    const alerts = alertmanager(alertmanagerOptions.parse({ urls: ["http://127.0.0.1:1"] }), { clock, meter, log, post: () => Promise.reject(new Error("broken")) });
    alerts.start();
    alerts.signal(state("failed", 0));
    await settle();
    expect(await notifications()).toEqual({ ok: 0, failed: 1 });
  });

  test("on the way out nothing is resolved; what could not be delivered gets one more try", async () => {
    const alerts = make();
    const close = alerts.start();
    answer = false;
    alerts.signal(state("failed", 0));
    await settle();
    await close();
    expect(posts).toHaveLength(2);
    expect(posts[1]?.sent[0]?.endsAt).toBe(iso(1 + 120_000));
    await clock.advanceAsync(120_000, 1_000);
    expect(posts).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  test("on the way out what was delivered is not sent again", async () => {
    const alerts = make();
    const close = alerts.start();
    alerts.signal(state("failed", 0));
    await settle();
    await close();
    expect(posts).toHaveLength(1);
  });

  test("what was signalled before the start is told by it", async () => {
    const alerts = make();
    alerts.signal(state("failed", 0));
    await settle();
    expect(posts).toEqual([]);
    alerts.start();
    await settle();
    expect(posts).toHaveLength(1);
  });

  test("an alert that finds no place is counted", async () => {
    const alerts = make({ urls: [] });
    for (let i = 0; i < alertsMax + 3; i += 1) alerts.signal(drift("firing", 0, `stream-${i}`));
    const { resourceMetrics } = await meter.collect();
    const dropped = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === instruments.dropped.name);
    expect(dropped?.dataPoints.find(({ attributes }) => attributes["what"] === "alerts")?.value).toBe(3);
  });

  test("configured labels, runbook and source link are on every alert", async () => {
    const alerts = make({ labels: { team: "ranking" }, runbooks: "https://runbooks.example/pilotfish/", generatorUrl: "https://grafana.example/d/1" });
    alerts.start();
    alerts.signal(drift("firing", 0));
    await settle();
    expect(posts[0]?.sent[0]).toMatchObject({
      labels: { team: "ranking", alertname: "PilotfishDrift" },
      annotations: { runbook_url: "https://runbooks.example/pilotfish/PilotfishDrift.md" },
      generatorURL: "https://grafana.example/d/1",
    });
  });

  test("a push that is refused is taken apart: what is right is told, what is wrong is logged with the answer's text and not sent again", async () => {
    disliked = ["wrong"];
    const alerts = make();
    alerts.start();
    alerts.signal(state("failed", 0));
    await settle();
    alerts.signal(drift("firing", 1, "wrong"));
    await settle();
    expect(posts.map(({ sent }) => sent.map(({ labels }) => labels["stream"] ?? labels["alertname"]))).toEqual([
      ["PilotfishFailover"],
      ["PilotfishFailover", "wrong"],
      ["PilotfishFailover"],
      ["wrong"],
    ]);
    expect(logged).toEqual(['error Alertmanager refuses an alert; it is not sent again until it changes: status 400: invalid label set: bad "stream"']);
    await clock.advanceAsync(120_000, 1_000);
    expect(posts.slice(4).every(({ sent }) => sent.length === 1 && sent[0]?.labels["alertname"] === "PilotfishFailover")).toBe(true);
    expect(posts.length).toBeGreaterThan(6);
    expect(await notifications()).toEqual({ ok: posts.length - 2, failed: 0, refused: 1 });
  });

  test("one that was refused is tried again when it has changed", async () => {
    disliked = ["firing"];
    const alerts = make();
    alerts.start();
    alerts.signal({ ...drift("firing", 0), message: "firing badly" });
    await settle();
    await clock.advanceAsync(60_000, 1_000);
    expect(posts).toHaveLength(1);
    alerts.signal({ ...drift("firing", 60_000), message: "in other words" });
    await clock.advanceAsync(30_000, 1_000);
    expect(posts).toHaveLength(2);
    expect(await notifications()).toEqual({ ok: 1, failed: 0, refused: 1 });
  });
});

test("options have defaults, and every mistake is named", () => {
  expect(alertmanagerOptions.parse({})).toEqual({ urls: [], resend: 30_000, timeout: 5_000, labels: {} });
  const result = alertmanagerOptions.safeParse({ urls: ["alerts"], resend: "10ms", labels: { severity: "page" }, runbooks: "ftp://x" });
  expect(result.error?.issues.map(({ path }) => path.join("."))).toEqual(["urls.0", "resend", "labels", "runbooks"]);
});

test("no alert is pushed under a name that a rule has too, so nothing pages twice", () => {
  const rules = new Set(Object.keys(alertsByName(dashboardsOptions.parse({}))));
  expect(rules.size).toBeGreaterThan(5);
  const approval: ApprovalSignal = { type: "approval", target, status: "firing", decision: "rollback", question: "Roll back?", evidence: "it is worse", default: "do", deadlineWallMs: 1, atWallMs: 0 };
  const unheard: UnheardSignal = { type: "unheard", target, status: "firing", actuator: "webhook", action: "promote", detail: "no answer", atWallMs: 0 };
  const signals: Paged[] = [approval, unheard, rollout("aborted", "harm", 0), ...statuses.map((status) => state(status, 0)), drift("firing", 0), drift("firing", 0, "mistakes")];
  const pushed = new Set(signals.flatMap((signal) => [...alertsOf(new Map(), signal).values()].map(({ labels }) => labels["alertname"] as string)));
  expect([...pushed].sort()).toEqual([...pushedAlerts].sort());
  expect([...pushed].filter((name) => rules.has(name))).toEqual([]);
});
