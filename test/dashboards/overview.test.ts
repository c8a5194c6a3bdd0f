/** How the dashboard is laid out and what Grafana's dashboard-linter would ask of it (its Go program is not at hand). */
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { describe, expect, test } from "vitest";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { overview } from "../../dashboards/overview.ts";
import { panelExpressions } from "../../dashboards/panel-expressions.ts";

const dashboard = overview(dashboardsOptions.parse({}));
const all = dashboard.panels ?? [];
const rows = all.filter((panel) => panel.type === "row");
const panels = all.filter((panel) => panel.type !== "row") as Panel[];
const exprs = panels.flatMap(({ title, targets }) => (targets ?? []).map((target) => ({ title, expr: (target as { expr?: string }).expr ?? "" })));

test("the panels fill the grid of 24 columns without a gap or an overlap", () => {
  const taken = new Map<string, number>();
  let bottom = 0;
  for (const { id, gridPos } of all) {
    const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
    expect(x + w, `panel ${id} ends within the grid`).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        expect(taken.get(`${column},${line}`), `panel ${id} overlaps another`).toBeUndefined();
        taken.set(`${column},${line}`, id ?? -1);
      }
    }
    bottom = Math.max(bottom, y + h);
  }
  expect(taken.size).toBe(24 * bottom);
});

test("it is one dashboard that a person can take in", () => {
  expect(panels.length).toBeLessThanOrEqual(32);
  expect(rows.map(({ title }) => title)).toEqual([
    "Is it answering, and who answers?",
    "Why?",
    "Are the answers any good?",
    "What do the server and the machine say?",
    "What does the GPU say?",
    "Is Pilotfish itself well?",
  ]);
});

test("every panel has its own id and title, within its row's ids, so links to it stay good", () => {
  const ids = all.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  expect(ids.every((id) => id !== undefined && id > 0)).toBe(true);
  expect(ids).toEqual([...ids].sort((a, b) => (a ?? 0) - (b ?? 0)));
});

describe("the linter's rules", () => {
  test("every panel has a data source, targets, a description and a unit", () => {
    for (const { title, datasource, targets = [], description = "", fieldConfig } of panels) {
      expect(datasource, title).toEqual({ type: "prometheus", uid: "${datasource}" });
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map((target) => (target as { refId?: string }).refId)).size, title).toBe(targets.length);
      expect(description.length, title).toBeGreaterThan(10);
      expect(fieldConfig?.defaults?.unit, title).toBeTruthy();
    }
  });

  test("every series is chosen by job and instance, and every rate taken over Grafana's interval", () => {
    for (const { title, expr } of exprs) {
      const selectors = expr.match(/[a-z]\w*\{[^}]*\}/g) ?? [];
      expect(selectors.length, title).toBeGreaterThan(0);
      for (const selector of selectors) expect(selector, title).toMatch(/job=~"\$job",instance=~"\$instance"/);
      for (const [, window] of expr.matchAll(/\[([^\]]+)\]/g)) expect(window, title).toBe("$__rate_interval");
    }
  });

  test("variables: a data source, then job, instance and model, all of them at once by default", () => {
    const variables = dashboard.templating?.list ?? [];
    expect(variables.map(({ name, label, type }) => [name, label, type])).toEqual([
      ["datasource", "Data source", "datasource"],
      ["job", "Job", "query"],
      ["instance", "Instance", "query"],
      ["model", "Model", "query"],
    ]);
    for (const variable of variables.slice(1)) {
      expect(variable).toMatchObject({ multi: true, includeAll: true, allValue: ".+", refresh: 2, datasource: { uid: "${datasource}" }, current: { value: "$__all" } });
    }
  });

  test("read only, refreshed, one crosshair over all panels, and no transition hidden in a menu", () => {
    expect(dashboard).toMatchObject({ editable: false, refresh: "30s", graphTooltip: 1, uid: "pilotfish-overview" });
    expect(dashboard.annotations?.list?.map(({ name, enable, hide }) => ({ name, enable, hide }))).toEqual([{ name: "Transitions", enable: true, hide: false }]);
    expect(JSON.stringify(dashboard)).not.toContain("inControlsMenu");
  });
});

describe("panelExpressions", () => {
  const variables = { job: ".+", instance: ".+", model: ".+", __rate_interval: "1m", __interval: "15s" };

  test("gives each expression with its variables filled in, under its row", () => {
    const found = panelExpressions(dashboard, variables);
    expect(found.filter(({ expr }) => expr.includes("$"))).toEqual([]);
    expect(found.filter(({ row }) => row !== "annotations")).toHaveLength(exprs.length);
    expect(found.find(({ title }) => title === "Requests")).toEqual({
      row: "Is it answering, and who answers?",
      title: "Requests",
      expr: 'sum(rate(pilotfish_gateway_requests_total{job=~".+",instance=~".+",model=~".+"}[1m]))',
      mayBeEmpty: false,
    });
    expect(found.filter(({ row }) => row === "What does the GPU say?").every(({ mayBeEmpty }) => mayBeEmpty)).toBe(true);
  });

  test("says which variable has no value", () => {
    expect(() => panelExpressions(dashboard, { ...variables, instance: undefined as never })).toThrow("no value for the variable instance");
  });
});
