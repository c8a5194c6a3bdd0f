/** The alerts: what they say, when they fire, who hears of them, and what people can have otherwise. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { inhibitions, pushedAlerts } from "../../dashboards/alertmanager.ts";
import { alertNames, alertsByName, type Alert } from "../../dashboards/alerts.ts";
import { alerts as alertsOf, dashboards, OptionsError, readOptions, rules } from "../../dashboards/mixin.ts";
import { ruleTests, stories, watchdog } from "../../dashboards/rule-tests.ts";
import { ruleGroups } from "../../dashboards/rules.ts";
import { byGroup } from "./by-group.ts";
import { tool, withFiles } from "./tool.ts";

const options = readOptions({});
const alerts = Object.entries<Alert>(alertsByName(options));
const names = alerts.map(([name]) => name);
const runbooks = resolve(import.meta.dirname, "../../docs/runbooks");
const promtool = await tool("promtool");

test("what Pilotfish pushes to Alertmanager itself is no rule as well, or a page would come twice", () => {
  const exporters = resolve(import.meta.dirname, "../../exporters");
  const pushed = readdirSync(exporters).filter((file) => file.endsWith(".ts")).flatMap((file) => [...readFileSync(join(exporters, file), "utf8").matchAll(/alertname: "(\w+)"/g)].map(([, name]) => name as string));
  expect(pushed.sort()).toEqual([...pushedAlerts].sort());
  expect(names.filter((name) => pushed.includes(name))).toEqual([]);
});

describe.each(alerts)("%s", (name, { urgency, summary, description }) => {
  const rule = ruleGroups(options).groups.flatMap((group) => group.rules).find(({ alert }) => alert === name) as { labels: Record<string, string>; annotations: Record<string, string>; for?: string; keep_firing_for?: string };

  test("says what is the matter in one line without values, and what was measured in sentences, of which the last is the next step", () => {
    expect(summary).not.toMatch(/\n|\$value/);
    expect(summary.length).toBeLessThan(100);
    expect(description).toMatch(/\.$/);
    if (urgency !== "none") expect(description.replaceAll(/\{\{[^}]*\}\}/g, "").split(/[.:;] /).length).toBeGreaterThan(1);
  });

  test("has the labels and annotations of the convention, and nothing in a label that changes", () => {
    expect(["critical", "warning", "info", "none"]).toContain(rule.labels["severity"]);
    expect(Object.keys(rule.annotations)).toEqual(["summary", "description", "runbook_url", "dashboard_url"]);
    expect(rule.annotations["runbook_url"]).toBe(`https://example.com/pilotfish/docs/runbooks/${name}.md`);
    expect(rule.annotations["dashboard_url"]).toMatch(/^http:\/\/localhost:3000\/d\/pilotfish-(overview|inference|failover|drift|performance|rollout|hardware|fleet|pilotfish)(\?var-\w+=\{\{ \$labels\.\w+ \| urlquery \}\}(&var-\w+=\{\{ \$labels\.\w+ \| urlquery \}\})*)?$/);
    if (description.includes("$labels.instance }}")) expect(rule.annotations["dashboard_url"]).toContain("var-instance=");
    expect(JSON.stringify(rule.labels)).not.toContain("{{");
  });

  test("a page waits for more than one scrape, or for windows that stand in for it", () => {
    if (urgency === "page") expect(rule.for !== undefined || rule.labels["slo"] !== undefined || /\[10m\]/.test(JSON.stringify(rule))).toBe(true);
  });

  test("has a story in which it fires and one in which it nearly does", () => {
    if (name === watchdog) return;
    const story = stories[name as keyof typeof stories];
    expect(story.fires.length).toBeGreaterThan(0);
    expect(story.nearMisses.length).toBeGreaterThan(0);
  });
});

test("few alerts call somebody: what clients feel, what probes ask in their place, a candidate that nobody took back, a card that is dying, and a watcher that is gone", () => {
  expect(alerts.filter(([, { urgency }]) => urgency === "page").map(([name]) => name)).toEqual([
    "ModelRequestsUnanswered", "ModelErrorBudgetFastBurn", "ModelLatencyBudgetFastBurn", "ModelFallbackBudgetFastBurn",
    "ModelServerUnreachable", "ModelServerFailsInference", "ModelServerStalled", "ModelNoRungLeft",
    "RolloutHarming", "RolloutRollbackUnconfirmed",
    "GpuFellOffBus", "GpuFatalError", "GpuFailed", "GpuMemoryErrors",
    "PilotfishAbsent", "PilotfishDown",
  ]);
});

describe("runbooks", () => {
  const titles = Object.values(dashboards(options)).flatMap((board) => (board as { panels?: { title?: string; panels?: { title?: string }[] }[] }).panels ?? []).flatMap(({ title, panels = [] }) => [title, ...panels.map((panel) => panel.title)]);

  test.each([...names, ...pushedAlerts])("%s has a page: what it means, what to look at and to do, how to silence it, when it is a false alarm", (name) => {
    const page = readFileSync(join(runbooks, `${name}.md`), "utf8");
    expect(page.match(/^#.*$/gm)).toEqual([`# ${name}`, "## What it means", "## What to look at", "## What to do", "## How to silence it", "## When it is a false alarm"]);
    expect(page).toMatch(new RegExp(`^amtool silence add alertname=${name} .*--duration=\\w+ --comment=".+"$`, "m"));
    expect(page).toContain("pilotfish ");
    // Bold words are panels.
    for (const [, title] of page.matchAll(/\*\*(.+?)\*\*/g)) expect(titles).toContain(title);
    for (const [, file] of page.matchAll(/\]\((\w+\.md)\)/g)) expect(readdirSync(runbooks)).toContain(file);
  });

  test("there is no page for an alert that is gone", () => {
    expect(readdirSync(runbooks).sort()).toEqual([...names, ...pushedAlerts].map((name) => `${name}.md`).sort());
  });
});

/** What inhibitions may ask of those that no rule fires. */
const pushedLabels: Readonly<Record<string, readonly string[]>> = { PilotfishFailover: ["model"], PilotfishDrift: ["model", "stream"], PilotfishRolloutUnheard: ["model", "actuator"] };

test("inhibitions are no circle, silence no page by a lesser alert, and ask for labels that both sides have", () => {
  const urgency = new Map<string, string>([...alerts.map(([name, alert]) => [name, alert.urgency] as const), ["PilotfishFailover", "page"], ["PilotfishDrift", "ticket"], ["PilotfishRolloutUnheard", "page"]]);
  const order = ["info", "ticket", "page"];
  const edges = inhibitions.flatMap(({ because, silent }) => because.flatMap((from) => silent.map((to) => [from, to] as const)));
  for (const [from, to] of edges) expect(order.indexOf(urgency.get(from) ?? ""), `${from} silences ${to}`).toBeGreaterThanOrEqual(order.indexOf(urgency.get(to) ?? ""));
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    edges.some(([a, b]) => a === from && !seen.has(b) && (b === goal || reaches(b, goal, seen.add(b))));
  expect(edges.filter(([from]) => reaches(from, from))).toEqual([]);

  // What promtool has seen on each alert. Both without a label counts as equal in Alertmanager, and would silence too much.
  const seen = new Map<string, readonly string[]>(
    ruleTests(options).tests.flatMap(({ alert_rule_test }) => alert_rule_test.flatMap(({ alertname, exp_alerts }) => exp_alerts.map(({ exp_labels }) => [alertname, Object.keys(exp_labels)] as const))),
  );
  for (const { because, silent, equal } of inhibitions) {
    for (const name of [...because, ...silent]) {
      const has = pushedLabels[name] ?? seen.get(name) ?? [];
      expect(equal.filter((label) => !has.includes(label)), `${name}, by ${equal.join()}`).toEqual([]);
    }
  }
});

describe.skipIf(promtool.missing)("promtool", () => {
  const parts = byGroup(ruleGroups(options), ruleTests(options));

  test("no story is lost between the parts", () => {
    expect(parts.flatMap(({ tests }) => tests.tests)).toHaveLength(ruleTests(options).tests.length);
  });

  test.each(parts.map((part) => [part.group, part] as const))("%s: every alert fires in its stories, and in no near miss", { timeout: 180_000 }, async (_, { rules: own, tests }) => {
    await withFiles({ "rules.yml": JSON.stringify(own), "rules.test.json": JSON.stringify(tests) }, async (folder) => {
      const { ok, output } = await promtool("test", "rules", join(folder, "rules.test.json"));
      expect(ok, output).toBe(true);
    });
  });

  test("a story is a test that can fail: with its threshold moved, promtool objects", async () => {
    const { rules: own, tests } = parts.find(({ group }) => group === "pilotfish.server") as (typeof parts)[number];
    const moved = JSON.stringify(own).replace('pilotfish_probe_success{probe=\\"http\\",job=\\"pilotfish\\"} == 0', 'pilotfish_probe_success{probe=\\"http\\",job=\\"pilotfish\\"} == 2');
    expect(moved).not.toBe(JSON.stringify(own));
    await withFiles({ "rules.yml": moved, "rules.test.json": JSON.stringify(tests) }, async (folder) => {
      const { ok, output } = await promtool("test", "rules", join(folder, "rules.test.json"));
      expect(ok).toBe(false);
      expect(output).toContain("alertname: ModelServerUnreachable");
    });
  });

  test("rules of quite other options are good rules too", async () => {
    const own = readOptions({ period: "7d", objective: 0.9, latencyObjective: 0.95, selector: { cluster: "~eu.*", zone: 'a"b' }, group: ["team"], labels: { team: "ml" }, thresholds: { performance: { f1: 0.8, rmse: 2 } }, alerts: { GpuHot: { enabled: false } } });
    await withFiles({ "rules.yml": JSON.stringify(ruleGroups(own)) }, async (folder) => {
      const { ok, output } = await promtool("check", "rules", "--lint=all", "--lint-fatal", join(folder, "rules.yml"));
      expect(ok, output).toBe(true);
    });
  });
});

describe("the mixin", () => {
  const textOf = (document: object) => JSON.stringify(ruleGroups(readOptions(document)));

  test("gives alerts, recordings and dashboards apart", () => {
    expect(alertsOf(options).groups.flatMap((group) => group.rules).every((rule) => "alert" in rule)).toBe(true);
    expect(rules(options).groups.flatMap((group) => group.rules).every((rule) => "record" in rule)).toBe(true);
    expect(Object.keys(dashboards(options))).toContain("overview");
  });

  test("addresses, the job, objectives and the latency that counts as good can be one's own", () => {
    const text = textOf({ runbooks: "https://wiki.example.com/on-call/", grafana: "https://grafana.example.com/", job: "sidecars", objective: 0.99, slow: "250ms" });
    expect(text).toContain('"runbook_url":"https://wiki.example.com/on-call/PilotfishDown.md"');
    expect(text).toContain('"dashboard_url":"https://grafana.example.com/d/pilotfish-fleet?var-instance={{ $labels.instance | urlquery }}"');
    expect(text).toContain('up{job=\\"sidecars\\"} == 0');
    expect(text).toContain("ratio_rate1h > 0.144 and model:pilotfish_requests_unanswered:ratio_rate5m > 0.144");
    expect(text).toContain('le=\\"0.25\\"');
  });

  test("every series is chosen by the job and the selector", () => {
    const expressions = ruleGroups(readOptions({ job: "own", selector: { cluster: "eu" } })).groups.flatMap((group) => group.rules.map(({ expr }) => String(expr)));
    for (const expr of expressions) {
      for (const [series] of expr.matchAll(/(?<![\w:])(?:pilotfish|hw|container|k8s|process)_\w+(?:\{[^}]*\})?/g)) expect(series, expr).toMatch(/job="own",cluster="eu"/);
    }
  });

  test("a period of a week has the windows' factors of a week; a pair that could never hold is left out", () => {
    expect(textOf({ period: "7d" })).toContain("ratio_rate6h > 0.0035 and");
    const loose = textOf({ objective: 0.9 });
    expect(loose).not.toContain("ratio_rate1h > 1.44");
    expect(loose).toContain("unanswered:ratio_rate6h > 0.6 and");
  });

  test("severities, labels and single alerts can be otherwise", () => {
    const { groups } = ruleGroups(readOptions({ severities: { page: "P1" }, labels: { team: "ml" }, alerts: { ModelServerUnreachable: { for: "5s", keepFiringFor: "1m" }, ModelServerFlapping: { urgency: "page" }, GpuHot: { enabled: false } } }));
    const all = new Map(groups.flatMap((group) => group.rules.map((rule) => [String(rule["alert"]), rule] as const)));
    expect(all.get("ModelServerUnreachable")).toMatchObject({ for: "5s", keep_firing_for: "1m", labels: { severity: "P1", team: "ml" } });
    expect(all.get("ModelServerFlapping")).toMatchObject({ labels: { severity: "P1" } });
    expect(all.has("GpuHot")).toBe(false);
    expect(alertNames(options)).toContain("GpuHot");
  });

  test.each([
    [{ slow: "300ms" }, /^slow: must be one of the buckets' bounds: .*0\.25s, 0\.5s/],
    [{ objectve: 0.9 }, /^objectve: there is no such option/],
    [{ thresholds: { queu: 1 } }, /^thresholds\.queu: there is no such option/],
    [{ objective: 99.9 }, /^objective: /],
    [{ alerts: { GpuHott: {} } }, /^alerts\.GpuHott: there is no such alert.*GpuHot/],
    [{ alerts: { GpuHot: { for: "5 minutes" } } }, /^alerts\.GpuHot\.for: expected a duration as Prometheus writes it/],
    [{ grafana: "grafana:3000" }, /^grafana: expected a URL/],
    [{ selector: { "a-b": "c" } }, /^selector\.a-b: /],
  ])("%j is refused with its path and what is expected", (document, message) => {
    expect(() => readOptions(document)).toThrow(OptionsError);
    expect(() => readOptions(document)).toThrow(message);
  });
});

describe("node grafana/generate.ts", () => {
  const run = promisify(execFile);
  const generate = (...args: string[]) => run(process.execPath, [resolve(import.meta.dirname, "../../grafana/generate.ts"), ...args]).then(({ stdout }) => ({ code: 0, said: stdout }), (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }));

  test("writes everything for one's own options into one's own folder", async () => {
    await withFiles({ "mine.yaml": "objective: 0.95\nalerts: { GpuHot: { enabled: false } }\n" }, async (folder) => {
      const out = join(folder, "out");
      expect(await generate("--config", join(folder, "mine.yaml"), "--out", out)).toMatchObject({ code: 0 });
      const written = parse(readFileSync(join(out, "prometheus/rules.yml"), "utf8")) as { groups: { rules: { alert?: string }[] }[] };
      expect(written.groups.flatMap((group) => group.rules).map(({ alert }) => alert)).not.toContain("GpuHot");
      expect(existsSync(join(out, "dashboards/overview.json"))).toBe(true);
    });
  });

  test("writes nothing for bad options, and names every mistake", async () => {
    await withFiles({ "mine.yaml": "objective: 2\nthresholds: { gpuMargin: warm }\n" }, async (folder) => {
      const { code, said } = await generate("--config", join(folder, "mine.yaml"), "--out", join(folder, "out"));
      expect(code).toBe(2);
      expect(said).toMatch(/mine\.yaml: objective: .*\n.*mine\.yaml: thresholds\.gpuMargin: /);
      expect(existsSync(join(folder, "out"))).toBe(false);
    });
  });
});
