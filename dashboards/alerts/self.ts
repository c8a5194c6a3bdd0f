/**
 * Does Pilotfish itself still see and still tell? Silence of a watcher looks like health, so each way in which it can go
 * blind has an alert, and one that always fires says that alerting works at all.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, oneOf, rate, select, share, sumWithout, up } from "../promql.ts";
import { happened, selecting, type Alerts } from "./alert.ts";

/** What is let go between the gateway and the detectors, such as `sample-too-large` and `analysis-queue`. */
const onTheWayToAnalysis = "(sample|analysis)-.*";
/** What is lost on the way out by OTLP. */
const exported = ["spans", "points", "logs", "otlp.*"];
const withTheirOwn = `${onTheWayToAnalysis}|series|${exported.join("|")}`;

export function self(options: DashboardsOptions) {
  const from = selecting(options);
  const { job, thresholds } = options;
  const dropped = (matcher: string) => from(instruments.dropped, { what: matcher });

  return {
    PilotfishAbsent: {
      urgency: "page",
      expr: `absent(${select(up, { job })})`,
      for: "5m",
      summary: "Prometheus knows of no Pilotfish",
      description: "The job {{ $labels.job }} has had no target for 5 minutes, so no other alert here can fire. Look at Prometheus' targets.",
      board: "fleet",
    },
    PilotfishDown: {
      urgency: "page",
      expr: `${from(up)} == 0`,
      for: "1m",
      summary: "Pilotfish at {{ $labels.instance }} does not answer Prometheus",
      description: "Its metrics could not be scraped for a minute. Where traffic passes it, traffic is at risk. Look whether its process runs.",
      board: "fleet",
    },
    PilotfishCrashLooping: {
      urgency: "ticket",
      expr: `changes(${from(instruments.processStart, { process: "pilotfish" })}[30m]) >= 3`,
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} crashes again and again",
      description: "Its process began anew {{ $value | humanize }} times within 30 minutes. Look what it said last, and whether it was killed for memory.",
      board: "pilotfish",
    },
    PilotfishAnalysisDown: {
      urgency: "ticket",
      expr: happened(dropped("analysis-thread"), "15m"),
      keepFiringFor: "15m",
      summary: "The analysis of Pilotfish at {{ $labels.instance }} dies",
      description: "Its thread ended within the last 15 minutes; what it knew since its last snapshot is lost. Look at the log for its last error.",
      board: "pilotfish",
    },
    PilotfishAnalysisBlind: {
      urgency: "ticket",
      // Samples are not counted by model, so rows are added up over all models of the target.
      expr: `${sumWithout(["result"], increase(from(instruments.samples, { result: "taken" }), "15m"))} > 10 unless ${sumWithout(["model", "result"], increase(from(instruments.analysed, { result: "analysed" }), "15m"))} > 0`,
      for: "5m",
      summary: "Pilotfish at {{ $labels.instance }} can not see drift",
      description: "{{ $value | humanize }} samples were taken within 15 minutes and not a row was analysed, so a quiet drift panel means nothing. Look why rows are skipped.",
      board: "pilotfish",
    },
    PilotfishProbeBlind: {
      urgency: "ticket",
      expr: `time() - ${from(instruments.probeLastSuccess)} > 300 unless ${from(instruments.probeSuccess)}`,
      for: "5m",
      summary: "The probe {{ $labels.probe }} at {{ $labels.instance }} says nothing any more",
      description: "It passed last {{ $value | humanizeDuration }} ago, and has neither passed nor failed since. Look what it needs, such as the server's own metrics.",
      board: "pilotfish",
    },
    PilotfishSamplesDropped: {
      urgency: "ticket",
      expr: `${sumWithout(["what"], rate(dropped(`~${onTheWayToAnalysis}`), "15m"))} / ${sumWithout(["result"], rate(from(instruments.samples, { result: "taken" }), "15m"))} > 0.05`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} drops samples",
      description: "Compared with the samples that were taken, {{ $value | humanizePercentage }} were let go before they were analysed, so drift is judged on fewer rows. Look which bound was reached.",
      board: "pilotfish",
    },
    PilotfishSeriesOverflow: {
      urgency: "ticket",
      expr: `${increase(dropped("series"), "15m")} > 0`,
      for: "5m",
      keepFiringFor: "30m",
      summary: "Pilotfish at {{ $labels.instance }} has more series than it may",
      description: "{{ $value | humanize }} were refused within 15 minutes, so a panel shows less than there is. Look which label takes ever new values.",
      board: "pilotfish",
    },
    PilotfishExportsFailing: {
      urgency: "ticket",
      expr: `${rate(dropped(oneOf(exported)), "5m")} > 0`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} can not deliver {{ $labels.what }} by OTLP",
      description: "{{ $value | humanize }} a second are lost. Look whether the Collector takes them, and at the log.",
      board: "pilotfish",
    },
    PilotfishDropped: {
      urgency: "info",
      expr: `${rate(dropped(`!~${withTheirOwn}`), "5m")} > 0`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} lets {{ $labels.what }} go",
      description: "A bound has been reached again and again for 15 minutes; {{ $value | humanize }} a second are let go. The bound is an option.",
      board: "pilotfish",
    },
    PilotfishCollectorDown: {
      urgency: "ticket",
      // A source that never was there, such as a cgroup on a laptop, is no news; the GPU has an alert of its own.
      expr: `${from(instruments.collectorUp, { collector: "!gpu" })} == 0 and max_over_time(${from(instruments.collectorUp, { collector: "!gpu" })}[1d]) == 1`,
      for: "10m",
      summary: "The source {{ $labels.collector }} has gone silent",
      description: "Pilotfish at {{ $labels.instance }} has read nothing from it for 10 minutes; its series are absent, not zero. The log names the reason.",
      board: "pilotfish",
    },
    PilotfishLoopLate: {
      urgency: "ticket",
      expr: `${from(instruments.loopDelay)} > ${thresholds.loopDelay}`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "Pilotfish at {{ $labels.instance }} is starved of CPU",
      description: "Its main loop runs up to {{ $value | humanizeDuration }} late, which every request that passes it waits for. Look at its CPU limit.",
      board: "pilotfish",
    },
    PilotfishStateNotWritten: {
      urgency: "ticket",
      expr: `${increase(from(instruments.storeWrites, { result: "failed" }), "10m")} > 0`,
      for: "5m",
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} can not write its state",
      description: "{{ $value | humanize }} writes failed within 10 minutes; after a restart it would not know what it knows now. Look at the disk.",
      board: "pilotfish",
    },
    PilotfishStateInMemory: {
      urgency: "ticket",
      expr: `${increase(from(instruments.storeWrites, { result: "memory" }), "30m")} > 0`,
      for: "5m",
      keepFiringFor: "15m",
      summary: "Pilotfish at {{ $labels.instance }} keeps its state in memory only",
      description: "Its state file can not be used, so a restart loses {{ $value | humanize }} writes of the last 30 minutes. Its first lines of log say why.",
      board: "pilotfish",
    },
    PilotfishConfigReloadFailed: {
      urgency: "ticket",
      expr: `${from(instruments.configReloadOk)} == 0`,
      for: "1m",
      summary: "Pilotfish at {{ $labels.instance }} refused its new config",
      description: "The config that was last offered is broken; the one before is still in force. `pilotfish check` names every mistake in it.",
      board: "pilotfish",
    },
    PilotfishAlertmanagerUnreachable: {
      urgency: "ticket",
      expr: `${share(sumWithout(["result"], rate(from(instruments.notifications, { result: "!ok" }), "5m")), sumWithout(["result"], rate(from(instruments.notifications), "5m")))} > 0.5`,
      for: "5m",
      keepFiringFor: "5m",
      summary: "Pilotfish at {{ $labels.instance }} can not reach Alertmanager",
      description: "{{ $value | humanizePercentage }} of its pushes failed; news of failover and drift may reach nobody. The log says what Alertmanager answered.",
      board: "pilotfish",
    },
    PilotfishWatchdog: {
      urgency: "none",
      expr: "vector(1)",
      summary: "Always firing: alerting works",
      description: "Its absence at the receiver means that Prometheus, Alertmanager or the way between them is broken.",
      board: "pilotfish",
    },
  } as const satisfies Alerts;
}
