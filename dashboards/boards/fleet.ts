/** All sidecars: which of them fail over, whether the traffic of all of them together has drifted, which versions run, who has the load. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { BigValueGraphMode, StackingConfigBuilder, StackingMode, TableSortByFieldStateBuilder } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { fromRow, to } from "../links.ts";
import { asColoured, fixedColor, inUnit, notANumber, stat, stateTimeline, table, thresholds, timeSeries, withLine, words } from "../panels.ts";
import { countBy, maxBy, rate, select, share, sumBy, up, type Vector } from "../promql.ts";
import { fleetDistance } from "../rows/fleet-distance.ts";
import { psiBands, psiSteps } from "../rows/drift-sizes.ts";
import { shown, type Row } from "../rows/row.ts";
import { stateNumber, stateWords, traffic } from "../rows/state.ts";
import type { Board } from "./board.ts";

const targets = select(up, { job: "~$job", instance: "~$instance" });
const onFallback = `${shown(instruments.activeRung, { rung: "!primary" })} == 1`;
const orNone = `or ${sumBy([], shown(instruments.buildInfo))} * 0`;

const who: Row = {
  id: 10,
  title: "Which sidecars have failed over?",
  panels: ({ help, limit }) => [
    stat(
      { id: 11, title: "Sidecars that answer", description: "Share of the sidecars that Prometheus knows and could scrape.", width: 6, height: 4, unit: units.PercentUnit, runbook: help("PilotfishDown"), to: to("pilotfish", "Pilotfish itself: scrapes") },
      [{ expr: `${sumBy([], targets)} / ${countBy([], targets)}`, legend: "answer" }],
    ).thresholds(thresholds(["red"], ["green", 1])),
    stat(
      { id: 12, title: "Failed over", description: "Sidecars whose requests a rung of the ladder answers now.", width: 6, height: 4, unit: units.Short, runbook: help("ModelAnsweredByFallback"), to: to("failover", "Failover: since when and why") },
      [{ expr: `count(${onFallback}) ${orNone}`, legend: "failed over" }],
    ).thresholds(thresholds(["green"], ["orange", 1])),
    stat(
      { id: 13, title: "Drifted", description: "Sidecars with a stream that counts as drifted. One alone is a client or a pod, all of them are the world.", width: 6, height: 4, unit: units.Short, runbook: help("ModelDrifted"), to: to("drift", "Drift: which features") },
      [{ expr: `count(${maxBy(["instance"], shown(instruments.driftAlarm))} == 1) ${orNone}`, legend: "drifted" }],
    ).thresholds(thresholds(["green"], ["orange", 1])),
    stat(
      { id: 14, title: "Versions", description: "How many versions of Pilotfish run at once. More than one for long is a roll-out that hangs.", width: 6, height: 4, unit: units.Short },
      [{ expr: `count(${countBy(["version"], shown(instruments.buildInfo))})`, legend: "versions" }],
    )
      .graphMode(BigValueGraphMode.None)
      .colorScheme(fixedColor("blue")),
    table(
      {
        id: 15,
        title: "Sidecars",
        description: "Each sidecar as it is now. State of its primary, streams that count as drifted, requests a second, the share of its answers that a rung gave, sources of numbers that are silent, and how late its main loop runs.",
        width: 24,
        height: 9,
        unit: units.Short,
        runbook: help("PilotfishDown"),
        to: fromRow("overview", "Overview of this sidecar", "instance", "Instance"),
      },
      "instance",
      [
        { expr: maxBy(["instance"], stateNumber), legend: "State" },
        { expr: sumBy(["instance"], shown(instruments.driftAlarm)), legend: "Drifted" },
        { expr: sumBy(["instance"], traffic.all), legend: "Requests" },
        { expr: share(sumBy(["instance"], traffic.byFallback), sumBy(["instance"], traffic.answered)), legend: "By a fallback" },
        { expr: `count by (instance) (${shown(instruments.collectorUp)} == 0)` as Vector<"instance">, legend: "Silent sources" },
        { expr: maxBy(["instance"], shown(instruments.loopDelay)), legend: "Loop delay" },
      ],
    )
      .overrideByName("State", [{ id: "mappings", value: [stateWords] }, { id: "custom.cellOptions", value: { type: "color-text" } }])
      .overrideByName("Drifted", asColoured(thresholds(["green"], ["orange", 1])))
      .overrideByName("Requests", inUnit(units.RequestsPerSecond))
      .overrideByName("By a fallback", [...inUnit(units.PercentUnit), ...asColoured(thresholds(["green"], ["orange", limit("ModelAnsweredByFallback")])), { id: "mappings", value: [notANumber("no traffic")] }])
      .overrideByName("Loop delay", [...inUnit(units.Seconds), ...asColoured(thresholds(["green"], ["orange", limit("PilotfishLoopLate")]))]),
    stateTimeline(
      { id: 16, title: "Failed over, by sidecar", description: "The rung that answered in the primary's stead. Many at once are a cause that they share.", width: 24, height: 7, nothing: "All requests go to their primaries", runbook: help("ModelAnsweredByFallback"), to: to("failover", "Failover of this sidecar", ["instance"]) },
      [{ expr: `${maxBy(["instance", "rung"], shown(instruments.activeRung, { rung: "!primary" }))} == 1`, legend: "{{instance}} · {{rung}}" }],
      [words({ 1: ["answers", "orange"] })],
    ),
  ],
};

const drifted: Row = {
  id: 20,
  title: "Has the traffic of the whole fleet drifted?",
  panels: ({ help }) => [
    table(
      {
        id: 21,
        title: "Drift of the fleet",
        description: "Rows of all sidecars with the same reference within the time shown, counted by bin and added up, against the reference's own: many rows, so little of it is chance. PSI with its customary bands (0.1, 0.25); Jensen-Shannon: 0 for the same, 1 for nothing in common.",
        width: 24,
        height: 9,
        unit: units.Short,
        nothing: "No sidecar counts rows by bin, or no rows came in",
        runbook: help("ModelDrifted"),
        to: fromRow("drift", "Drift by sidecar, only this feature", "feature", "Feature"),
      },
      "feature",
      [
        { expr: maxBy(["feature"], fleetDistance("psi", "increase", "$__range")), legend: "PSI" },
        { expr: maxBy(["feature"], fleetDistance("jensen_shannon", "increase", "$__range")), legend: "Jensen-Shannon" },
        { expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "psi" })), legend: "PSI of the worst sidecar" },
      ],
    )
      .decimals(3)
      .sortBy([new TableSortByFieldStateBuilder().displayName("PSI").desc(true)])
      .overrideByRegexp("/^PSI/", asColoured(psiSteps)),
    withLine(
      timeSeries(
        { id: 22, title: "PSI of the fleet", description: "Over time, by feature: of the rows that came in within a step. Shorter than the table's, so more of it is chance. The line: the customary beginning of much.", width: 12, height: 8, unit: units.Short, nothing: "No sidecar counts rows by bin, or no rows came in", runbook: help("ModelDrifted"), to: to("drift", "Drift by sidecar", ["feature"]) },
        [{ expr: fleetDistance("psi", "rate"), legend: "{{model}} · {{feature}} ({{reference}})" }],
      ).decimals(3),
      psiBands.much,
    ),
    timeSeries(
      { id: 23, title: "Jensen-Shannon of the fleet", description: "Over time, by feature, from the same counters.", width: 12, height: 8, unit: units.Short, nothing: "No sidecar counts rows by bin, or no rows came in", to: to("drift", "Drift by sidecar", ["feature"]) },
      [{ expr: fleetDistance("jensen_shannon", "rate"), legend: "{{model}} · {{feature}} ({{reference}})" }],
    ).decimals(3),
  ],
};

const load: Row = {
  id: 30,
  title: "Which versions run, and who has the load?",
  panels: ({ help }) => [
    timeSeries(
      { id: 31, title: "Sidecars by version", description: "How many sidecars run which version of Pilotfish.", width: 12, height: 8, unit: units.Short, to: to("pilotfish", "Pilotfish itself") },
      [{ expr: countBy(["version"], shown(instruments.buildInfo)), legend: "{{version}}" }],
    ).fillOpacity(30).stacking(new StackingConfigBuilder().mode(StackingMode.Normal)),
    timeSeries(
      { id: 32, title: "Sidecars by reference", description: "How many sidecars judge a model by which reference. Where there are several, the bins above are not added up over them.", width: 12, height: 8, unit: units.Short, nothing: "No sidecar counts rows by bin" },
      [{ expr: `count by (model, reference) (count by (model, reference, instance) (${shown(instruments.driftBinReference)}))`, legend: "{{model}}: {{reference}}" }],
    ).fillOpacity(30).stacking(new StackingConfigBuilder().mode(StackingMode.Normal)),
    timeSeries(
      { id: 33, title: "Requests by sidecar", description: "Inference requests that ended, a second. Uneven lines are a load balancer that does not balance.", width: 12, height: 8, unit: units.RequestsPerSecond, to: to("inference", "Inference at this sidecar", ["instance"]) },
      [{ expr: sumBy(["instance"], rate(shown(instruments.requests))), legend: "{{instance}}" }],
    ),
    timeSeries(
      { id: 34, title: "Load of the servers", description: "CPUs in use by the server's process and how busy its busiest GPU is, by sidecar; on the right, requests that servers say are waiting.", width: 12, height: 8, unit: units.Short, nothing: "No server can be seen", runbook: help("ModelServerStalled"), to: to("hardware", "Hardware under this sidecar", ["instance"]) },
      [
        { expr: sumBy(["instance"], rate(shown(instruments.processCpuTime, { process: "server" }))), legend: "{{instance}}" },
        { expr: sumBy(["instance"], shown(instruments.serverQueue)), legend: "waiting at {{instance}}" },
        { expr: maxBy(["instance"], shown(instruments.gpuUtilization)), legend: "GPU busy at {{instance}}" },
      ],
    )
      .overrideByRegexp("/^waiting/", [{ id: "custom.axisPlacement", value: "right" }])
      .overrideByRegexp("/^GPU/", inUnit(units.PercentUnit)),
  ],
};

export const fleet: Board = {
  name: "fleet",
  title: "Fleet",
  question: "Which of all sidecars have failed over, has the traffic of all of them drifted, which versions run, who has the load?",
  annotations: ["Transitions", "Drift", "Versions", "Rollouts", "Model versions", "Config refused"],
  rows: [who, drifted, load],
};
