/**
 * Every name in a panel or a rule is a series that Pilotfish exports, with the labels that it has. The types say so where
 * dashboards/ builds an expression; this reads what came out, as text, and so also sees what was written around it.
 */
import { expect, test } from "vitest";
import { alertGroups } from "../../dashboards/alerts.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { overview } from "../../dashboards/overview.ts";
import { panelExpressions } from "../../dashboards/panel-expressions.ts";
import { recordingRules } from "../../dashboards/recording.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../exporters/instruments.ts";

const options = dashboardsOptions.parse({});
const dashboard = overview(options);
const variables = { job: ".+", instance: ".+", model: ".+", __rate_interval: "1m", __interval: "15s" };

const panels = panelExpressions(dashboard, variables).map(({ title, expr }) => [title, expr] as const);
const rules = [
  ...recordingRules.map(({ record, expr }) => [record, expr] as const),
  ...Object.values(alertGroups(options)).flatMap((alerts) => Object.entries<{ expr: string }>(alerts).map(([name, { expr }]) => [name, expr] as const)),
];
const choices = (dashboard.templating?.list ?? []).flatMap(({ name, definition }) => (definition === undefined ? [] : [[`variable ${name}`, definition.replace(/^label_values\((.*), \w+\)$/, "$1").replaceAll(/\$\w+/g, ".+")] as const]));

const target = ["job", "instance"];
const known = new Map<string, readonly string[]>([["up", target], ...recordingRules.map(({ record }) => [record, [...target, "model"]] as const)]);
for (const instrument of Object.values<AnyInstrument>(instruments)) {
  const labels = [...instrument.labels, ...target];
  const name = prometheusName(instrument);
  if (instrument.kind !== "histogram") known.set(name, labels);
  else for (const [suffix, more] of [["_bucket", ["le"]], ["_sum", []], ["_count", []]] as const) known.set(name + suffix, [...labels, ...more]);
}

interface Use {
  readonly name: string;
  readonly labels: readonly string[];
  readonly ranged: boolean;
}

/** The series that an expression reads, and the labels that it groups by. */
function usesOf(expr: string): { readonly series: Use[]; readonly grouping: string[] } {
  const bare = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const grouping = [...bare.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g)].flatMap(([, labels]) => (labels as string).split(", "));
  const rest = bare.replaceAll(/\b(?:by|without|on|ignoring) \([^)]*\)/g, "");
  const series = [...rest.matchAll(/(?<![\w:.[])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\()(\{[^}]*\})?(\[)?/g)]
    .map(([, name, matchers, range]) => ({
      name: name as string,
      labels: [...(matchers ?? "").matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label]) => label as string),
      ranged: range !== undefined,
    }))
    .filter(({ name }) => !["or", "and", "unless", "offset", "bool"].includes(name));
  return { series, grouping };
}

test("this test's own reader sees names, labels, groups and ranges", () => {
  expect(usesOf('sum by (a, b) (rate(x_total{c="d{}",e!~"f"}[5m])) / (y offset 15s or z:w * 0) > bool 0.5 and vector(1)')).toEqual({
    series: [
      { name: "x_total", labels: ["c", "e"], ranged: true },
      { name: "y", labels: [], ranged: false },
      { name: "z:w", labels: [], ranged: false },
    ],
    grouping: ["a", "b"],
  });
});

test("panels, rules and variables read series that exist, by labels that they have", () => {
  const wrong = [...panels, ...rules, ...choices].flatMap(([title, expr]) => {
    const { series, grouping } = usesOf(expr);
    const there = series.flatMap(({ name }) => known.get(name) ?? []);
    return [
      ...(series.length === 0 && title !== "PilotfishWatchdog" ? [`${title}: reads nothing`] : []),
      ...series.filter(({ name }) => !known.has(name)).map(({ name }) => `${title}: ${name} is not in the catalogue`),
      ...series.flatMap(({ name, labels }) => labels.filter((label) => known.get(name)?.includes(label) === false).map((label) => `${title}: ${name} has no label ${label}`)),
      ...grouping.filter((label) => !there.includes(label)).map((label) => `${title}: nothing has the label ${label}`),
    ];
  });
  expect(wrong).toEqual([]);
});

test("panels and rules take counters by their growth", () => {
  const bare = [...panels, ...rules]
    .filter(([title]) => title !== "Transitions") // It compares a counter with itself a step earlier.
    .flatMap(([title, expr]) => usesOf(expr).series.filter(({ name, ranged }) => /_(total|bucket|sum|count)$/.test(name) && !ranged).map(({ name }) => `${title}: ${name}`));
  expect(bare).toEqual([]);
});

/** Exported for other eyes than these: for a person's own questions, or read together with another series. */
const unseen: readonly (keyof typeof instruments)[] = [
  "attemptDuration",
  "overrideActive",
  "overrideUntil",
  "reviewsOpen",
  "reviews",
  "probeDuration",
  "probeLastSuccess",
  "driftAlarms",
  "driftBinRows",
  "driftBinReference",
  "serverBatchSize",
  "serverCacheUsage",
  "serverTokens",
  "serverRequests",
  "serverRequestTime",
  "memoryUsage",
  "processThreads",
  "processFiles",
  "processStart",
  "cpuPeriods",
  "cpuThrottledPeriods",
  "diskIo",
  "networkIo",
  "networkErrors",
  "stateDiskFree",
  "stateDiskSize",
  "hostInfo",
  "gpuInfo",
  "gpuStatus",
  "gpuActivity",
  "gpuTemperatureLimit",
  "gpuTemperatureMargin",
  "gpuMemoryTemperature",
  "gpuEnergy",
  "gpuClock",
  "gpuMemoryClock",
  "gpuThrottledTime",
  "gpuXids",
  "gpuLastXid",
  "gpuRemappedRows",
  "gpuRemapPending",
  "gpuRemapFailure",
  "gpuLinkThroughput",
  "gpuPcieReplays",
  "gpuProcesses",
  "subscribers",
  "apiRequests",
  "audited",
];

test("every series in the catalogue is shown or alarmed on, or is on the list of those that are not", () => {
  const read = new Set([...panels, ...rules, ...choices].flatMap(([, expr]) => usesOf(expr).series.map(({ name }) => name.replace(/_(bucket|sum|count)$/, ""))));
  const unread = Object.entries<AnyInstrument>(instruments).filter(([, instrument]) => !read.has(prometheusName(instrument)));
  expect(unread.map(([name]) => name)).toEqual(unseen);
});
