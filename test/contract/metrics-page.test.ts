/** docs/METRICS.md is what the catalogue says today. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { instruments, prometheusName } from "../../exporters/instruments.ts";
import { metricsPage } from "../../exporters/metrics-page.ts";

const written = readFileSync(join(import.meta.dirname, "../../docs/METRICS.md"), "utf8");

test("the page is up to date; `node docs/generate.ts` writes it", () => {
  expect(written).toBe(metricsPage());
});

test("every series has one row, with every one of its labels", () => {
  const rows = new Map([...written.matchAll(/^\| `([a-z0-9_]+)` \| (.*) \|$/gm)].map(([, name, rest]) => [name as string, rest as string]));
  expect([...rows.keys()]).toEqual(Object.values(instruments).map(prometheusName).toSorted());
  for (const { labels, ...instrument } of Object.values(instruments)) for (const label of labels) expect(rows.get(prometheusName(instrument))).toContain(`\`${label}\``);
});
