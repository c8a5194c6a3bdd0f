/** Every expression of the dashboards as Prometheus would be asked it, for tests that run them all. */
import type { Dashboard, Panel, RowPanel } from "@grafana/grafana-foundation-sdk/dashboard";

export interface PanelExpression {
  /** The title of the row that the panel is in; `annotations` for what is no panel. */
  readonly row: string;
  readonly title: string;
  readonly expr: string;
  /** As Grafana asks it, with its variables. */
  readonly raw: string;
  /** The panel says itself what it means if there is nothing to see, so that is a normal state of affairs. */
  readonly mayBeEmpty: boolean;
}

/** Values that choose everything, for windows as short as these tests' stories. */
export const everything = (window: string, step: string) =>
  ({ job: ".+", instance: ".+", model: ".+", gpu: ".+", feature: ".+", metric: "accuracy", comparison: "errors", __rate_interval: window, __range: window, __interval: step }) as const;

/**
 * @param variables a value for each variable that the expressions name, without `$`: those of the dashboard, and Grafana's
 *   `__rate_interval`, `__range` and `__interval`.
 * @throws Error for an expression with a variable that has no value.
 */
export function panelExpressions(dashboard: Dashboard, variables: Readonly<Record<string, string>>): PanelExpression[] {
  const expressions: PanelExpression[] = [];
  let row = "";
  for (const panel of dashboard.panels ?? []) {
    const title = panel.title ?? "";
    if (isRow(panel)) {
      row = title;
      continue;
    }
    const mayBeEmpty = panel.fieldConfig?.defaults?.noValue !== undefined;
    for (const target of panel.targets ?? []) {
      const raw = (target as { expr?: string }).expr ?? "";
      expressions.push({ row, title, expr: substitute(raw, variables), raw, mayBeEmpty });
    }
  }
  for (const { name, expr: raw = "" } of dashboard.annotations?.list ?? []) {
    expressions.push({ row: "annotations", title: name, expr: substitute(raw, variables), raw, mayBeEmpty: true });
  }
  return expressions;
}

const isRow = (panel: Panel | RowPanel): panel is RowPanel => panel.type === "row";

function substitute(expr: string, variables: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`panelExpressions: no value for the variable ${name} in ${expr}`);
    return value;
  });
}
