/**
 * Every name in a panel or a rule is a series that Pilotfish exports, with the labels that it has. The types say so where
 * dashboards/ builds an expression; this reads what came out, as text, and so also sees what was written around it.
 */
import { expect, test } from "vitest";
import { alertGroups } from "../../dashboards/alerts.ts";
import { boards } from "../../dashboards/boards/boards.ts";
import { dashboardsOptions } from "../../dashboards/options.ts";
import { everything, panelExpressions } from "../../dashboards/panel-expressions.ts";
import { foreign } from "../../dashboards/promql.ts";
import { recordingRules } from "../../dashboards/recording.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../exporters/instruments.ts";

const options = dashboardsOptions.parse({});
const dashboards = Object.entries(boards(options));

const panels = dashboards.flatMap(([board, dashboard]) => panelExpressions(dashboard, everything("1m", "15s")).map(({ title, expr }) => [`${board} / ${title}`, expr] as const));
const rules = [
  ...recordingRules(options).map(({ record, expr }) => [record, expr] as const),
  ...Object.values(alertGroups(options)).flatMap((alerts) => Object.entries<{ expr: string }>(alerts).map(([name, { expr }]) => [name, expr] as const)),
];
const choices = dashboards.flatMap(([board, { templating }]) =>
  (templating?.list ?? []).flatMap(({ name, definition }) =>
    definition === undefined ? [] : [[`${board}, variable ${name}`, definition.replace(/^label_values\((.*), \w+\)$/, "$1").replaceAll(/\$\w+/g, ".+")] as const],
  ),
);

/** What scrapes add, `namespace` where the operator of Kubernetes does; recorded series may have kept what a feature has. */
const target = ["job", "instance", "namespace"];
const recorded = [...target, "model", "reference", "feature", "bin", "comparison"];
const known = new Map<string, readonly string[]>([...foreign.map(({ name, labels }) => [name, [...labels, ...target]] as const), ["up", target], ...recordingRules(options).map(({ record }) => [record, recorded] as const)]);
for (const instrument of Object.values<AnyInstrument>(instruments)) {
  const labels = [...instrument.labels, ...target];
  for (const name of namesOf(instrument)) known.set(name, name.endsWith("_bucket") ? [...labels, "le"] : labels);
}

/** The names of an instrument's series; those of a histogram are counters whatever is asked for. */
function namesOf(instrument: AnyInstrument, plain = true): string[] {
  const name = prometheusName(instrument);
  if (instrument.kind === "histogram") return ["_bucket", "_sum", "_count"].map((suffix) => name + suffix);
  return plain ? [name] : [];
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
  const counters = new Set(Object.values<AnyInstrument>(instruments).flatMap((one) => namesOf(one, one.kind === "counter")));
  const bare = [...panels, ...rules]
    // These compare a counter with itself some time ago, so that the first time is not missed.
    .filter(([title]) => !/ (Transitions|Drift|XID|Model versions|Why it changed|Alarms raised|How rollouts ended|Actuations|Changes of version|Requests to train anew)$/.test(title))
    .flatMap(([title, expr]) => usesOf(expr).series.filter(({ name, ranged }) => counters.has(name) && !ranged).map(({ name }) => `${title}: ${name}`));
  expect(bare).toEqual([]);
});

test("every series in the catalogue is on a dashboard", () => {
  const read = new Set(panels.flatMap(([, expr]) => usesOf(expr).series.map(({ name }) => name)));
  const unread = Object.entries<AnyInstrument>(instruments).filter(([, instrument]) => !namesOf(instrument).some((name) => read.has(name)));
  expect(unread.map(([name]) => name)).toEqual([]);
});
