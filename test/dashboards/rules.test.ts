import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { boards } from "../../dashboards/boards/boards.ts";
import { pushedAlerts } from "../../dashboards/alertmanager.ts";
import { alertsByName, type Alert } from "../../dashboards/alerts.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { ruleTests } from "../../dashboards/rule-tests.ts";
import { ruleGroups } from "../../dashboards/rules.ts";

const options = dashboardsOptions.parse({});
const alerts = Object.entries<Alert>(alertsByName(options));
const runbooks = resolve(import.meta.dirname, "../../docs/runbooks");

const titles = Object.values(boards(options)).flatMap(({ panels }) => (panels ?? []).map(({ title }) => title));

test("what Pilotfish pushes to Alertmanager itself is no rule as well, or a page would come twice", () => {
  expect(alerts.map(([name]) => name).filter((name) => (pushedAlerts as readonly string[]).includes(name))).toEqual([]);
});

test.each([...alerts.map(([name]) => name), ...pushedAlerts])("%s has a page that says what it means, what to look at and what to do", (name) => {
  const page = readFileSync(join(runbooks, `${name}.md`), "utf8");
  expect(page.match(/^#.*$/gm)).toEqual([`# ${name}`, "## What it means", "## What to look at", "## What to do"]);
  // Bold words are panels.
  for (const [, title] of page.matchAll(/\*\*(.+?)\*\*/g)) expect(titles).toContain(title);
  for (const [, file] of page.matchAll(/\]\((\w+\.md)\)/g)) expect(readdirSync(runbooks)).toContain(file);
});

test("there is no page for an alert that is gone", () => {
  expect(readdirSync(runbooks).sort()).toEqual([...alerts.map(([name]) => name), ...pushedAlerts].map((name) => `${name}.md`).sort());
});

describe.each(alerts)("%s", (name, { severity, summary, description }) => {
  test("says what is the matter in one line without values, and more in a sentence", () => {
    expect(["critical", "warning", "info", "none"]).toContain(severity);
    expect(summary).not.toMatch(/\n|\$value/);
    expect(summary.length).toBeLessThan(100);
    expect(description).toMatch(/\.$/);
  });

  test("fires in a story of its own, and is silent in healthy hours", () => {
    const tests = ruleTests(options).tests.flatMap(({ name: story, alert_rule_test }) =>
      alert_rule_test.filter(({ alertname }) => alertname === name).map(({ exp_alerts }) => ({ story, fires: exp_alerts.length > 0 })),
    );
    expect(tests).toContainEqual({ story: name, fires: true });
    if (name !== "PilotfishWatchdog") expect(tests).toContainEqual({ story: "healthy hours", fires: false });
  });
});

test("the runbooks' address, the job, the objective and the latency that counts as good can be one's own", () => {
  const own = dashboardsOptions.parse({ runbooks: "https://wiki.example.com/on-call/", job: "sidecars", objective: 0.99, slow: "250ms" });
  const text = JSON.stringify(ruleGroups(own));
  expect(text).toContain('"runbook_url":"https://wiki.example.com/on-call/PilotfishDown.md"');
  expect(text).toContain('up{job=\\"sidecars\\"} == 0');
  expect(text).toContain("ratio_rate1h > 0.144 and model:pilotfish_requests_unanswered:ratio_rate5m > 0.144");
  expect(text).toContain("[5m]))) > 0.25 and");
});

test("a latency between two buckets is refused, since the share of slower answers would be a guess", () => {
  const result = dashboardsOptions.safeParse({ slow: "300ms" });
  expect(result.error?.issues[0]?.message).toMatch(/must be one of the buckets' bounds: .*0\.25s, 0\.5s/);
});
