/** Pilotfish itself: does it see, does it keep up, what does it let go, does what it says arrive. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { fromRow, to } from "../links.ts";
import { asLimit, list, onTheRight, stateTimeline, timeSeries, withLine, words } from "../panels.ts";
import { maxBy, minBy, rate, scrapeDuration, scrapeSamples, select, share, sumBy, up } from "../promql.ts";
import { shown, type Row } from "../rows/row.ts";
import type { Board } from "./board.ts";

const target = { job: "~$job", instance: "~$instance" };

const sight: Row = {
  id: 10,
  title: "Does it see, and is it up to date?",
  panels: ({ help }) => [
    stateTimeline(
      { id: 11, title: "Sources", description: "Which sources of numbers answer. One that is missing or hangs has no series, rather than old ones.", width: 8, height: 8, runbook: help("PilotfishCollectorDown"), to: to("hardware", "Hardware: what they tell") },
      [{ expr: minBy(["collector"], shown(instruments.collectorUp)), legend: "{{collector}}" }],
      [words({ 0: ["silent", "#8e8e8e"], 1: ["answers", "green"] })],
    ),
    stateTimeline(
      { id: 12, title: "Scraped, and its config", description: "Whether Prometheus could scrape it, and whether the config that was last offered is the one in force.", width: 8, height: 8, runbook: help("PilotfishConfigReloadFailed"), to: to("fleet", "Fleet: all sidecars") },
      [
        { expr: minBy(["instance"], select(up, target)), legend: "{{instance}}: scraped" },
        { expr: minBy(["instance"], shown(instruments.configReloadOk)), legend: "{{instance}}: config" },
      ],
      [words({ 0: ["no", "red"], 1: ["yes", "green"] })],
    ),
    list(
      { id: 13, title: "What runs", description: "Which version of Pilotfish runs at each sidecar.", width: 8, height: 8, unit: "none", runbook: help("PilotfishDown"), to: fromRow("overview", "Overview of this sidecar", "instance", "Instance") },
      ["instance", "version"],
      { expr: maxBy(["instance", "version"], shown(instruments.buildInfo)), legend: "Runs" },
    ),
  ],
};

const pace: Row = {
  id: 20,
  title: "Does it keep up?",
  panels: ({ help, limit }) => [
    withLine(
      timeSeries(
        { id: 21, title: "Loop delay", description: "How late the main loop ran at worst; every request that passes Pilotfish waits for it. The line: where an alert fires.", width: 8, height: 8, unit: units.Seconds, runbook: help("PilotfishLoopLate") },
        [{ expr: maxBy(["instance"], shown(instruments.loopDelay)), legend: "{{instance}}" }],
      ),
      limit("PilotfishLoopLate"),
    ),
    timeSeries(
      { id: 22, title: "CPU and threads", description: "CPUs in use by Pilotfish's process; on the right its threads.", width: 8, height: 8, unit: units.Short, nothing: "Its process can not be seen", runbook: help("ContainerCpuThrottled") },
      [
        { expr: maxBy(["instance"], rate(shown(instruments.processCpuTime, { process: "pilotfish" }))), legend: "{{instance}}" },
        { expr: maxBy(["instance"], shown(instruments.processThreads, { process: "pilotfish" })), legend: "threads at {{instance}}" },
      ],
    ).overrideByRegexp("/^threads/", onTheRight(units.Short)),
    timeSeries(
      { id: 23, title: "Memory of Pilotfish", description: "Resident memory of its process; on the right its open file descriptors.", width: 8, height: 8, unit: units.BytesIEC, nothing: "Its process can not be seen", runbook: help("ContainerMemoryNearLimit") },
      [
        { expr: maxBy(["instance"], shown(instruments.processMemory, { process: "pilotfish" })), legend: "{{instance}}" },
        { expr: maxBy(["instance"], shown(instruments.processFiles, { process: "pilotfish" })), legend: "files at {{instance}}" },
      ],
    ).overrideByRegexp("/^files/", onTheRight(units.Short)),
    timeSeries(
      { id: 24, title: "Queues", description: "Items that wait inside Pilotfish, and requests that it serves now. All queues are bounded; what does not fit is let go and counted.", width: 12, height: 8, unit: units.Short, nothing: "No queue has been used" },
      [
        { expr: maxBy(["queue"], shown(instruments.queueDepth)), legend: "{{queue}}" },
        { expr: maxBy(["instance"], shown(instruments.activeRequests)), legend: "requests at {{instance}}" },
      ],
    ),
    timeSeries(
      { id: 25, title: "Let go", description: "What was let go because a bound was reached, a second. Copies for rungs: with why they were not asked.", width: 12, height: 8, unit: units.CountsPerSecond, nothing: "Nothing was let go", runbook: help("PilotfishDropped"), to: to("drift", "Drift: what it rests on") },
      [
        { expr: sumBy(["what"], rate(shown(instruments.dropped))), legend: "{{what}}" },
        { expr: sumBy(["rung", "result"], rate(shown(instruments.rungCopies, { result: "!asked" }))), legend: "copies for {{rung}}: {{result}}" },
      ],
    ),
  ],
};

const told: Row = {
  id: 30,
  title: "Does what it says arrive?",
  panels: ({ help, limit }) => [
    timeSeries(
      { id: 31, title: "Told and written", description: "Signals announced, pushes to Alertmanager and writes to the state file, a second, by what became of them.", width: 8, height: 8, unit: units.CountsPerSecond, runbook: help("PilotfishAlertmanagerUnreachable") },
      [
        { expr: sumBy(["type"], rate(shown(instruments.signals))), legend: "signal {{type}}" },
        { expr: sumBy(["result"], rate(shown(instruments.notifications))), legend: "push {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.storeWrites))), legend: "write {{result}}" },
      ],
    ),
    timeSeries(
      { id: 32, title: "Subscribers", description: "Who listens to the signals now: model servers and clients that follow what Pilotfish announces.", width: 8, height: 8, unit: units.Short, to: to("failover", "Failover: what they are told") },
      [{ expr: sumBy(["instance"], shown(instruments.subscribers)), legend: "{{instance}}" }],
    ),
    withLine(
      timeSeries(
        { id: 33, title: "Pushes that failed", description: "Share of the pushes to Alertmanager that failed. The line: where an alert fires.", width: 8, height: 8, unit: units.PercentUnit, nothing: "Nothing is pushed", runbook: help("PilotfishAlertmanagerUnreachable") },
        [{ expr: share(sumBy(["instance"], rate(shown(instruments.notifications, { result: "!ok" }))), sumBy(["instance"], rate(shown(instruments.notifications)))), legend: "{{instance}}" }],
      ).max(1),
      limit("PilotfishAlertmanagerUnreachable"),
    ),
    timeSeries(
      { id: 34, title: "Scrapes", description: "How long Prometheus's scrapes took; on the right, how many samples they brought. Samples that grow without end are labels without a bound.", width: 12, height: 8, unit: units.Seconds, runbook: help("PilotfishDown") },
      [
        { expr: maxBy(["instance"], select(scrapeDuration, target)), legend: "{{instance}}" },
        { expr: maxBy(["instance"], select(scrapeSamples, target)), legend: "samples of {{instance}}" },
      ],
    ).overrideByRegexp("/^samples/", onTheRight(units.Short)),
    timeSeries(
      { id: 35, title: "Room for state", description: "What Pilotfish may still write to the disk of its state folder, and the size of that disk.", width: 12, height: 8, unit: units.BytesIEC, nothing: "Pilotfish keeps no state", runbook: help("PilotfishStateNotWritten") },
      [
        { expr: minBy(["instance"], shown(instruments.stateDiskFree)), legend: "free at {{instance}}" },
        { expr: minBy(["instance"], shown(instruments.stateDiskSize)), legend: "size at {{instance}}" },
      ],
    ).overrideByRegexp("/^size/", asLimit),
  ],
};

const asked: Row = {
  id: 40,
  title: "Who asks it, who follows it, who decides?",
  panels: () => [
    timeSeries(
      { id: 41, title: "Control API", description: "Requests to the control API, a second, by route and status.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "Nobody asks" },
      [{ expr: sumBy(["route", "status"], rate(shown(instruments.apiRequests))), legend: "{{route}}: {{status}}" }],
    ),
    timeSeries(
      { id: 42, title: "How subscribers follow", description: "Subscribers by how they stand to the directives in force: current, lagging, refused or slow; and how many of these directives somebody has not applied.", width: 8, height: 8, unit: units.Short, nothing: "Nobody listens", to: to("failover", "Failover: what they are told") },
      [
        { expr: sumBy(["standing"], shown(instruments.subscriberStandings)), legend: "{{standing}}" },
        { expr: maxBy(["instance"], shown(instruments.unackedDirectives)), legend: "directives not applied at {{instance}}" },
      ],
    ),
    timeSeries(
      { id: 43, title: "Decided and refused", description: "Decisions of people by what was done, and directives that a subscriber could not apply, a second.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "Nobody decided anything", to: to("failover", "Failover: overrides and reviews") },
      [
        { expr: sumBy(["action", "result"], rate(shown(instruments.audited))), legend: "{{action}}: {{result}}" },
        { expr: sumBy(["code"], rate(shown(instruments.nacks))), legend: "subscriber: {{code}}" },
      ],
    ),
  ],
};

export const pilotfish: Board = {
  name: "pilotfish",
  title: "Pilotfish itself",
  question: "Does Pilotfish see, does it keep up, what does it let go, does what it says arrive?",
  annotations: ["Transitions", "Versions", "Config refused", "Restarts"],
  rows: [sight, pace, told, asked],
};
