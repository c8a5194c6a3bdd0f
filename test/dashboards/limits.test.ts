import { expect, test } from "vitest";
import { everyAlert } from "../../dashboards/alerts.ts";
import { boards } from "../../dashboards/boards/boards.ts";
import { limitOf } from "../../dashboards/limits.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";

test("an alert's number is the first that its expression compares with, and no range, label or guard", () => {
  expect(limitOf("A", 'rate(x{le="5"}[5m]) / y offset 10m > 0.25 and z > 10')).toBe(0.25);
  expect(limitOf("A", "histogram_quantile(0.99, x) >= 1")).toBe(1);
  expect(limitOf("A", "a > b and c < 1e-3")).toBe(0.001);
  expect(() => limitOf("A", "absent(up)")).toThrow("limitOf: A compares with no number: absent(up)");
});

test("a panel's line moves with the alert that it warns of", () => {
  const linesOf = (slow: string) => JSON.stringify(boards(dashboardsOptions.parse({ slow })).inference.panels?.find(({ title }) => title === "Duration"));
  const fires = (slow: string) => everyAlert(dashboardsOptions.parse({ slow })).ModelHighLatency.expr;
  for (const slow of ["250ms", "2500ms"]) {
    const seconds = Number.parseInt(slow, 10) / 1000;
    expect(fires(slow)).toContain(`> ${seconds} and`);
    expect(linesOf(slow)).toContain(`"value":${seconds}`);
  }
});
