/**
 * Stories for promtool: for each alert the series that make it fire, and some healthy hours in which nothing may. These
 * are no idle hours: they stay just under every threshold, and have in them all that must not alarm, such as
 * clients who hang up, a GPU at its power cap, and a source that never was there.
 *
 * An alert without a story does not compile. promtool compares annotations to the letter and numbers to the last digit.
 */
import { stringify } from "yaml";
import { instruments, prometheusName, type Instrument, type InstrumentKind } from "../exporters/instruments.ts";
import { alertsByName, type Alert, type AlertName } from "./alerts.ts";
import type { DashboardsOptions } from "./options.ts";
import { up } from "./promql.ts";
import { annotations } from "./rules.ts";

interface Series {
  readonly series: string;
  /** In promtool's notation, a value a minute: `0+60x30` counts up by 60 for 30 minutes. */
  readonly values: string;
}

interface Story {
  readonly series: readonly Series[];
  /** When it must be firing. */
  readonly at: string;
  /** When it must not be yet: the condition holds, but not for long enough. */
  readonly quietAt?: string;
  /** The alert's labels beside its severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** `$value` as the description shows it. */
  readonly value?: string;
}

export function ruleTests(options: DashboardsOptions) {
  const alerts = alertsByName(options);
  const { job } = options;
  const instance = "pod-1:9464";
  const target = { job, instance };
  const model = "employment";

  /** A series with all labels that the instrument has, as a scrape would give it. */
  function series<Label extends string>(
    instrument: Instrument<InstrumentKind, Label>,
    labels: Readonly<Record<NoInfer<Label>, string>>,
    values: string,
    { suffix = "", le }: { suffix?: "" | "_bucket"; le?: string } = {},
  ): Series {
    const all = Object.entries<string>({ ...labels, ...(le !== undefined && { le }), ...target });
    return { series: `${prometheusName(instrument)}${suffix}{${all.map(([label, value]) => `${label}="${value}"`).join(", ")}}`, values };
  }

  const requests = (rung: string, reason: string, outcome: string, values: string) =>
    series(instruments.requests, { model, rung, reason, outcome }, values);
  /** Requests by how long they took: all of `perMinute`, of which `underSlow` within the bound that counts as good. */
  const durations = (underSlow: string, perMinute: string): Series[] => {
    const labels = { model, rung: "primary", outcome: "ok" };
    return [
      series(instruments.requestDuration, labels, underSlow, { suffix: "_bucket", le: String(options.slow / 1000) }),
      series(instruments.requestDuration, labels, perMinute, { suffix: "_bucket", le: String((options.slow / 1000) * 2.5) }),
      series(instruments.requestDuration, labels, perMinute, { suffix: "_bucket", le: "+Inf" }),
    ];
  };

  const stories: Readonly<Record<AlertName, Story>> = {
    ModelRequestsUnanswered: {
      series: [requests("primary", "normal", "ok", "0+54x10"), requests("primary", "no-rung", "refused", "0+6x10")],
      at: "10m",
      quietAt: "2m",
      labels: { ...target, model },
      value: "10%",
    },
    ModelErrorBudgetFastBurn: {
      // 2% of 100 requests a minute: twenty times what 99.9% allows.
      series: [requests("primary", "normal", "ok", "0+98x120"), requests("primary", "no-rung", "timeout", "0+2x120")],
      at: "2h",
      labels: { ...target, model },
      value: "2%",
    },
    ModelErrorBudgetSlowBurn: {
      // 0.4%: too little for the fast burn, four times what 99.9% allows.
      series: [requests("primary", "normal", "ok", "0+996x180"), requests("primary", "no-rung", "error", "0+4x180")],
      at: "3h",
      labels: { ...target, model },
      value: "0.4%",
    },
    ModelAnsweredByFallback: {
      series: [requests("primary", "normal", "ok", "0+57x20"), requests("small", "circuit-open", "ok", "0+3x20")],
      at: "20m",
      quietAt: "4m",
      labels: { ...target, model },
      value: "5%",
    },
    ModelHighLatency: {
      // A tenth take longer than the bound; the 99th percentile lies nine tenths of the way to the next one.
      series: [...durations("0+54x30", "0+60x30"), requests("primary", "normal", "ok", "0+60x30")],
      at: "30m",
      quietAt: "9m",
      labels: { ...target, model },
      value: "2.35s",
    },
    ModelServerUnreachable: {
      series: [series(instruments.probeSuccess, { probe: "http" }, "1x4 0x10")],
      at: "10m",
      quietAt: "5m",
      labels: { ...target, probe: "http" },
    },
    ModelServerFailsInference: {
      series: [series(instruments.probeSuccess, { probe: "http" }, "1x15"), series(instruments.probeSuccess, { probe: "inference" }, "1x4 0x10")],
      at: "10m",
      quietAt: "5m",
      labels: { ...target, probe: "inference" },
    },
    ModelServerStalled: {
      series: [series(instruments.probeSuccess, { probe: "progress" }, "1x4 0x10")],
      at: "10m",
      quietAt: "4m",
      labels: { ...target, probe: "progress" },
    },
    ModelServerUnknown: {
      series: [series(instruments.failoverState, { model, state: "unknown" }, "1x20"), series(instruments.failoverState, { model, state: "healthy" }, "0x20")],
      at: "10m",
      quietAt: "4m",
      labels: { ...target, model, state: "unknown" },
    },
    ModelServerFlapping: {
      series: [series(instruments.transitions, { model, from: "suspect", to: "failed", reason: "refused" }, "0+1x60")],
      at: "1h",
      labels: { ...target, model, to: "failed" },
      value: "30",
    },
    ModelDrifted: {
      series: [series(instruments.driftAlarm, { model, stream: "features" }, "0x5 1x5 0x40")],
      at: "20m", // It ended after 10 minutes and is kept for 15.
      quietAt: "5m",
      labels: { ...target, model, stream: "features" },
    },
    ModelPerformanceDropped: {
      series: [series(instruments.driftAlarm, { model, stream: "mistakes" }, "0x5 1x10")],
      at: "10m",
      quietAt: "5m",
      labels: { ...target, model, stream: "mistakes" },
    },
    ModelPerformanceInDoubt: {
      series: [series(instruments.driftAlarm, { model, stream: "estimated-performance" }, "0x5 1x10")],
      at: "10m",
      quietAt: "5m",
      labels: { ...target, model, stream: "estimated-performance" },
    },
    ContainerCpuThrottled: {
      series: [series(instruments.cpuThrottled, { container: "server" }, "0+30x30")],
      at: "20m",
      quietAt: "9m",
      labels: { ...target, container: "server" },
      value: "500ms",
    },
    ContainerMemoryNearLimit: {
      series: [series(instruments.memoryWorkingSet, { container: "server" }, "950x20"), series(instruments.memoryLimit, { container: "server" }, "1000x20")],
      at: "10m",
      quietAt: "4m",
      labels: { ...target, container: "server" },
      value: "95%",
    },
    ContainerOomKilled: {
      series: [series(instruments.oomKills, { container: "server" }, "0x5 1x10")],
      at: "10m",
      quietAt: "5m",
      labels: { ...target, container: "server" },
    },
    GpuThrottled: {
      series: [series(instruments.gpuThrottle, { gpu: "0", reason: "hw_thermal" }, "1x20")],
      at: "10m",
      quietAt: "4m",
      labels: { ...target, gpu: "0", reason: "hw_thermal" },
    },
    GpuMemoryErrors: {
      series: [series(instruments.gpuErrors, { gpu: "0", type: "uncorrected" }, "0x5 1x60")],
      at: "40m", // Kept for an hour, though the count has stood still since.
      quietAt: "5m",
      labels: { ...target, gpu: "0", type: "uncorrected" },
    },
    PilotfishAbsent: { series: [], at: "10m", quietAt: "4m", labels: { job } },
    PilotfishDown: { series: [series(up, {}, "1x4 0x10")], at: "10m", quietAt: "5m", labels: target },
    PilotfishAnalysisBlind: {
      series: [series(instruments.samples, { result: "taken" }, "0+60x60"), series(instruments.analysed, { model, result: "analysed" }, "7x60")],
      at: "1h",
      labels: target,
      value: "900",
    },
    PilotfishSamplesDropped: {
      series: [series(instruments.samples, { result: "taken" }, "0+60x60"), series(instruments.dropped, { what: "analysis-queue" }, "0+6x60")],
      at: "1h",
      quietAt: "14m",
      labels: target,
      value: "10%",
    },
    PilotfishDropped: {
      series: [series(instruments.dropped, { what: "spans" }, "0+60x60")],
      at: "30m",
      quietAt: "14m",
      labels: { ...target, what: "spans" },
      value: "1",
    },
    PilotfishCollectorDown: {
      series: [series(instruments.collectorUp, { collector: "gpu" }, "1x10 0x30")],
      at: "30m",
      quietAt: "15m",
      labels: { ...target, collector: "gpu" },
    },
    PilotfishLoopLate: { series: [series(instruments.loopDelay, {}, "0.5x30")], at: "20m", quietAt: "9m", labels: target, value: "500ms" },
    PilotfishStateNotWritten: {
      series: [series(instruments.storeWrites, { result: "ok" }, "0+6x60"), series(instruments.storeWrites, { result: "failed" }, "0+6x60")],
      at: "30m",
      quietAt: "5m",
      labels: target,
      value: "60",
    },
    PilotfishConfigReloadFailed: { series: [series(instruments.configReloadOk, {}, "1x4 0x10")], at: "10m", quietAt: "5m", labels: target },
    PilotfishAlertmanagerUnreachable: {
      series: [series(instruments.notifications, { result: "ok" }, "40x60"), series(instruments.notifications, { result: "failed" }, "0+2x60")],
      at: "20m",
      quietAt: "5m",
      labels: target,
      value: "100%",
    },
    PilotfishWatchdog: { series: [], at: "1m", labels: {} },
  };

  const hours = 4;
  const minutes = hours * 60;
  const healthy: readonly Series[] = [
    series(up, {}, `1x${minutes}`),
    requests("primary", "normal", "ok", `0+9960x${minutes}`),
    requests("small", "timeout", "ok", `0+40x${minutes}`),
    requests("primary", "no-rung", "error", `0+5x${minutes}`), // half of what the objective allows
    requests("primary", "normal", "rejected", `0+900x${minutes}`),
    requests("primary", "normal", "cancelled", `0+900x${minutes}`),
    requests("primary", "normal", "too-large", `0+900x${minutes}`),
    ...durations(`0+9950x${minutes}`, `0+10000x${minutes}`),
    series(instruments.probeSuccess, { probe: "http" }, `1x${minutes}`),
    series(instruments.probeSuccess, { probe: "inference" }, `1x${minutes}`),
    // `progress` is absent: unknown, since the server has no counter.
    series(instruments.failoverState, { model, state: "unknown" }, `0x${minutes}`),
    series(instruments.failoverState, { model, state: "healthy" }, `1x${minutes}`),
    series(instruments.transitions, { model, from: "suspect", to: "healthy", reason: "normal" }, `0+1x${minutes}`),
    series(instruments.transitions, { model, from: "suspect", to: "failed", reason: "timeout" }, `0x100 1x80 2x${minutes - 182}`),
    series(instruments.driftAlarm, { model, stream: "features" }, `0x${minutes}`),
    series(instruments.driftAlarm, { model, stream: "mistakes" }, `0x${minutes}`),
    series(instruments.driftAlarm, { model, stream: "calibration" }, `0x${minutes}`),
    series(instruments.cpuThrottled, { container: "server" }, `0+12x${minutes}`),
    series(instruments.memoryWorkingSet, { container: "server" }, `890x${minutes}`),
    series(instruments.memoryLimit, { container: "server" }, `1000x${minutes}`),
    series(instruments.memoryWorkingSet, { container: "pilotfish" }, `100x${minutes}`), // without a limit
    series(instruments.oomKills, { container: "server" }, `1x${minutes}`), // killed once, before
    series(instruments.gpuThrottle, { gpu: "0", reason: "power_cap" }, `1x${minutes}`),
    series(instruments.gpuThrottle, { gpu: "0", reason: "hw_thermal" }, `0x${minutes}`),
    series(instruments.gpuErrors, { gpu: "0", type: "corrected" }, `0+1x${minutes}`),
    series(instruments.gpuErrors, { gpu: "0", type: "uncorrected" }, `3x${minutes}`),
    series(instruments.samples, { result: "taken" }, `0+98x${minutes}`),
    series(instruments.dropped, { what: "analysis-queue" }, `0+2x${minutes}`),
    series(instruments.analysed, { model, result: "analysed" }, `0+98x${minutes}`),
    series(instruments.dropped, { what: "spans" }, `5x${minutes}`),
    series(instruments.collectorUp, { collector: "cgroup" }, `1x${minutes}`),
    series(instruments.collectorUp, { collector: "gpu" }, `0x${minutes}`), // there is no GPU
    series(instruments.loopDelay, {}, `0.02x${minutes}`),
    series(instruments.storeWrites, { result: "ok" }, `0+6x${minutes}`),
    series(instruments.storeWrites, { result: "failed" }, `1x${minutes}`),
    series(instruments.configReloadOk, {}, `1x${minutes}`),
    series(instruments.notifications, { result: "ok" }, `0+9x${minutes}`),
    series(instruments.notifications, { result: "failed" }, `0+1x${minutes}`),
  ];

  const names = Object.keys(stories) as AlertName[];
  const evaluations = ["30m", "1h", "2h", `${hours}h`];
  return {
    rule_files: ["rules.yml"],
    evaluation_interval: "1m",
    tests: [
      ...names.map((name) => firing(name, alerts[name], stories[name], options)),
      {
        name: "healthy hours",
        interval: "1m",
        input_series: healthy,
        alert_rule_test: evaluations.flatMap((eval_time) =>
          names.filter((name) => name !== "PilotfishWatchdog").map((alertname) => ({ eval_time, alertname, exp_alerts: [] })),
        ),
      },
    ],
  };
}

function firing(alertname: AlertName, alert: Alert, { series, at, quietAt, labels, value }: Story, options: DashboardsOptions) {
  const templates = Object.entries(annotations(alertname, alert, options));
  return {
    name: alertname,
    interval: "1m",
    input_series: series,
    alert_rule_test: [
      ...(quietAt === undefined ? [] : [{ eval_time: quietAt, alertname, exp_alerts: [] }]),
      {
        eval_time: at,
        alertname,
        exp_alerts: [
          {
            exp_labels: { ...labels, severity: alert.severity },
            exp_annotations: Object.fromEntries(templates.map(([name, template]) => [name, rendered(template, labels, value)])),
          },
        ],
      },
    ],
  };
}

/** The template with its labels and its value filled in; an unknown one stays as it is, so that promtool objects. */
function rendered(template: string, labels: Readonly<Record<string, string>>, value: string | undefined): string {
  return template
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (whole, label: string) => labels[label] ?? whole)
    .replaceAll(/\{\{ \$value \| \w+ \}\}/g, (whole) => value ?? whole);
}

export const ruleTestsFile = (options: DashboardsOptions): string => stringify(ruleTests(options), { lineWidth: 0, aliasDuplicateObjects: false });
