/**
 * The tests of the rules for promtool: for each alert the stories in which it fires, near misses in which it must not, and
 * some healthy hours in which nothing may. Told for the default options. An alert without a story does not compile. promtool
 * compares annotations to the letter and numbers to the last digit.
 */
import { stringify } from "yaml";
import { alertsByName, type Alert, type AlertName } from "./alerts.ts";
import type { DashboardsOptions } from "./options.ts";
import { annotations, labels, ruleGroups } from "./rules.ts";
import { answers } from "./stories/answers.ts";
import { canary } from "./stories/canary.ts";
import { containers } from "./stories/container.ts";
import { failover } from "./stories/failover.ts";
import { gpus } from "./stories/gpu.ts";
import { healthy, healthyHours } from "./stories/healthy.ts";
import { quality } from "./stories/quality.ts";
import { self } from "./stories/self.ts";
import { server } from "./stories/server.ts";
import type { Firing, Series, Story } from "./stories/story.ts";

/** It fires whatever happens, so it has no near miss. */
export const watchdog = "PilotfishWatchdog" satisfies AlertName;
export const stories: Readonly<Record<Exclude<AlertName, typeof watchdog>, Story>> = { ...answers, ...server, ...failover, ...quality, ...canary, ...gpus, ...containers, ...self };

const instance = "pod-1:9464";

export function ruleTests(options: DashboardsOptions) {
  const { job } = options;
  const alerts = alertsByName(options);
  const told = Object.entries<Story>(stories).flatMap(([name, { fires, nearMisses }]) => {
    const alertname = name as AlertName;
    const alert = alerts[alertname] as Alert;
    return [
      ...fires.map((firing) => firingTest(alertname, alert, firing, options)),
      ...nearMisses.map(({ since, series, at }) => ({
        name: `${name} is quiet: ${since}`,
        interval: "1m",
        input_series: input(series, job),
        alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: [] }],
      })),
    ];
  });
  const evaluations = ["30m", "1h", "2h", `${healthyHours}h`];
  return {
    rule_files: ["rules.yml"],
    evaluation_interval: "1m",
    // Else by chance, and a story would be told otherwise from one run to the next.
    group_eval_order: ruleGroups(options).groups.map(({ name }) => name),
    tests: [
      ...told,
      firingTest(watchdog, alerts[watchdog] as Alert, { series: {}, at: "1m", ofService: true }, { ...options, job: "" }),
      {
        name: "healthy hours",
        interval: "1m",
        input_series: input(healthy, job),
        alert_rule_test: evaluations.flatMap((eval_time) => Object.keys(stories).map((alertname) => ({ eval_time, alertname, exp_alerts: [] }))),
      },
    ],
  };
}

/** As a scrape would give them. */
function input(series: Series, job: string) {
  return Object.entries(series).map(([text, values]) => {
    const [, name = "", own = ""] = /^(\w+)(?:\{(.*)\})?$/.exec(text) ?? [];
    const all = [...(own === "" ? [] : [own]), `job="${job}"`, ...(/\binstance=/.test(own) ? [] : [`instance="${instance}"`])];
    return { series: `${name}{${all.join(", ")}}`, values };
  });
}

function firingTest(alertname: AlertName, alert: Alert, { series, at, quietAt, labels: own = {}, ofService = false, value }: Firing, options: DashboardsOptions) {
  const { job } = options;
  const carried = { ...own, ...(job !== "" && { job }), ...(!ofService && { instance }) };
  const templates = Object.entries(annotations(alertname, alert, options));
  return {
    name: alertname,
    interval: "1m",
    input_series: input(series, job),
    alert_rule_test: [
      ...(quietAt === undefined ? [] : [{ eval_time: quietAt, alertname, exp_alerts: [] }]),
      {
        eval_time: at,
        alertname,
        exp_alerts: [
          {
            exp_labels: { ...carried, ...labels(alert, options) },
            exp_annotations: Object.fromEntries(templates.map(([name, template]) => [name, rendered(template, carried, value)])),
          },
        ],
      },
    ],
  };
}

/** The template with its labels and its value filled in; an unknown one stays as it is, so that promtool objects. */
function rendered(template: string, known: Readonly<Record<string, string>>, value: string | undefined): string {
  return template
    .replaceAll(/\{\{ \$labels\.(\w+) \| urlquery \}\}/g, (whole, label: string) => (known[label] === undefined ? whole : encodeURIComponent(known[label])))
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (whole, label: string) => known[label] ?? whole)
    .replaceAll(/\{\{ \$value \| [^}]+ \}\}/g, (whole) => value ?? whole);
}

export const ruleTestsFile = (options: DashboardsOptions): string => stringify(ruleTests(options), { lineWidth: 0, aliasDuplicateObjects: false });
