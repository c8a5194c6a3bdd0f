/** Rate, errors and duration per model and rung, and whatever a request passes on its way: attempts, limits, the gates. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import { instruments, type Instrument } from "../../exporters/instruments.ts";
import { to } from "../links.ts";
import { asLimit, heatmap, notANumber, onTheRight, stat, thresholds, timeSeries, withLine } from "../panels.ts";
import { buckets, count, maxBy, quantile, rate, share, sumBy } from "../promql.ts";
import { shown, type Row } from "../rows/row.ts";
import { traffic } from "../rows/state.ts";
import type { Board } from "./board.ts";

const { all, valid, answered, unanswered } = traffic;

const latency = (q: number) => quantile(q, sumBy(["model", "le"], rate(buckets(shown(instruments.requestDuration)))));
const tokenTime = (q: number, of: Instrument<"histogram", "model">) => quantile(q, sumBy(["model", "le"], rate(buckets(shown(of)))));
const threeOf = (of: Instrument<"histogram", "model">) => [0.5, 0.95, 0.99].map((q) => ({ expr: tokenTime(q, of), legend: `{{model}}: p${q * 100}` }));

const red: Row = {
  id: 10,
  title: "Do requests get good answers, in time?",
  panels: ({ help, limit, objective }) => [
    timeSeries(
      { id: 11, title: "Rate", description: "Inference requests that ended, a second, by model and by the rung that gave the last word.", width: 8, height: 8, unit: units.RequestsPerSecond, to: to("failover", "Failover of this model", ["model"]) },
      [{ expr: sumBy(["model", "rung"], all), legend: "{{model}} · {{rung}}" }],
    )
      .fillOpacity(30)
      .stacking(new StackingConfigBuilder().mode(StackingMode.Normal)),
    withLine(
      timeSeries(
        {
          id: 12,
          title: "Errors",
          description: "Share of the requests that got no answer, by model, without those that were the client's fault. The line: where an alert fires.",
          width: 8,
          height: 8,
          unit: units.PercentUnit,
          runbook: help("ModelRequestsUnanswered"),
          to: to("failover", "Failover of this model", ["model"]),
        },
        [{ expr: share(sumBy(["model"], unanswered), sumBy(["model"], valid)), legend: "{{model}}" }],
      ).max(1),
      limit("ModelRequestsUnanswered"),
    ),
    withLine(
      timeSeries(
        { id: 13, title: "Duration", description: "As clients saw it: 95 of 100 requests were at least this fast, by model and rung. The line: where an alert fires.", width: 8, height: 8, unit: units.Seconds, runbook: help("ModelHighLatency"), to: to("hardware", "Hardware under it") },
        [{ expr: quantile(0.95, sumBy(["model", "rung", "le"], rate(buckets(shown(instruments.requestDuration))))), legend: "{{model}} · {{rung}}" }],
      ),
      limit("ModelHighLatency"),
    ),
    stat(
      { id: 14, title: "Answered", description: "Share of requests that got an answer, by model.", width: 8, height: 4, unit: units.PercentUnit, runbook: help("ModelErrorBudgetFastBurn"), to: to("failover", "Failover of this model", ["model"]) },
      [{ expr: share(sumBy(["model"], answered), sumBy(["model"], valid)), legend: "{{model}}" }],
    )
      .decimals(2)
      .max(1)
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["red"], ["orange", 1 - limit("ModelRequestsUnanswered")], ["green", objective])),
    withLine(
      timeSeries(
        {
          id: 15,
          title: "Budget burnt",
          description: "How many times faster than allowed the error budget is spent: at 1 it lasts exactly 30 days, at 14.4 two.",
          width: 8,
          height: 4,
          unit: units.Short,
          runbook: help("ModelErrorBudgetFastBurn"),
        },
        [{ expr: `(${share(sumBy(["model"], unanswered), sumBy(["model"], valid))}) / ${Number((1 - objective).toPrecision(6))}`, legend: "{{model}}" }],
      ),
      1,
    ),
    timeSeries(
      { id: 16, title: "In progress", description: "Requests that Pilotfish serves at this moment, by instance.", width: 8, height: 4, unit: units.Short, to: to("fleet", "Fleet: by sidecar") },
      [{ expr: sumBy(["instance"], shown(instruments.activeRequests)), legend: "{{instance}}" }],
    ),
  ],
};

const time: Row = {
  id: 20,
  title: "Where does the time go?",
  panels: ({ help }) => [
    heatmap(
      { id: 21, title: "Latency heat map", description: "Requests by how long they took, as clients saw it: two bands are two kinds of requests, or two rungs.", width: 12, height: 8, unit: units.Seconds, runbook: help("ModelHighLatency") },
      { expr: sumBy(["le"], rate(buckets(shown(instruments.requestDuration)))) },
    ),
    timeSeries(
      { id: 22, title: "Latency", description: "As clients saw it, fallbacks and failures included: half, 19 of 20, 99 of 100 of a model's requests were at least this fast.", width: 12, height: 8, unit: units.Seconds, runbook: help("ModelHighLatency") },
      [0.5, 0.95, 0.99].map((q) => ({ expr: latency(q), legend: `{{model}}: p${q * 100}` })),
    ),
    timeSeries(
      { id: 23, title: "Time of an attempt", description: "95 of 100 attempts at a backend took no longer. What a request takes beyond that, it waits in Pilotfish or is tried again.", width: 8, height: 8, unit: units.Seconds, runbook: help("ModelServerStalled") },
      [{ expr: quantile(0.95, sumBy(["backend", "le"], rate(buckets(shown(instruments.attemptDuration))))), legend: "{{backend}}" }],
    ),
    timeSeries(
      { id: 24, title: "Time to the first token", description: "Of the model server's answers that came as a stream of events: from the request's last byte to the first token.", width: 8, height: 8, unit: units.Seconds, nothing: "No answer came as a stream" },
      threeOf(instruments.timeToFirstToken),
    ),
    timeSeries(
      { id: 25, title: "Time for each token", description: "Of the same answers: time for each token after the first. On the right, such answers a second.", width: 8, height: 8, unit: units.Seconds, nothing: "No answer came as a stream" },
      [...threeOf(instruments.timePerOutputToken), { expr: sumBy(["model"], rate(count(shown(instruments.timePerOutputToken)))), legend: "streams of {{model}}" }],
    ).overrideByRegexp("/^streams/", onTheRight(units.CountsPerSecond)),
  ],
};

const work: Row = {
  id: 30,
  title: "What does it cost, and who has to wait?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 31,
        title: "Attempts and retries",
        description: "A request is tried at the primary, perhaps once more, then at the rungs. Retries and hedges are refused once their budget is spent, so that they can not add to an overload.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("ModelServerFailsInference"),
        to: to("failover", "Failover: probes and rungs"),
      },
      [
        { expr: sumBy(["backend", "outcome"], rate(shown(instruments.attempts))), legend: "{{backend}}: {{outcome}}" },
        { expr: sumBy(["result"], rate(shown(instruments.retries))), legend: "retry {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.hedges))), legend: "hedge {{result}}" },
      ],
    ),
    timeSeries(
      {
        id: 32,
        title: "Places at the primary",
        description: "Inferences that the primary may have at once, as found from their latencies, and those that it has. Where nothing is limited, neither is there. On the right, those that found no place, by priority.",
        width: 8,
        height: 8,
        unit: units.Short,
        nothing: "Nothing is limited",
      },
      [
        { expr: sumBy(["instance"], shown(instruments.concurrencyInFlight)), legend: "has at {{instance}}" },
        { expr: sumBy(["instance"], shown(instruments.concurrencyLimit)), legend: "limit at {{instance}}" },
        { expr: sumBy(["priority"], rate(shown(instruments.unplaced))), legend: "no place: {{priority}}" },
      ],
    )
      .overrideByRegexp("/^limit/", asLimit)
      .overrideByRegexp("/^no place/", onTheRight(units.RequestsPerSecond)),
    timeSeries(
      {
        id: 33,
        title: "The server's work",
        description: "Requests that the server says it works on and that wait, and on the right its own progress, a second. Work in flight without progress is a hang.",
        width: 8,
        height: 8,
        unit: units.Short,
        nothing: "The server's metrics are not read",
        runbook: help("ModelServerStalled"),
        to: to("hardware", "Hardware under it"),
      },
      [
        { expr: sumBy([], shown(instruments.serverInFlight)), legend: "in flight" },
        { expr: sumBy([], shown(instruments.serverQueue)), legend: "waiting" },
        { expr: sumBy([], rate(shown(instruments.serverProgress))), legend: "progress" },
      ],
    ).overrideByName("progress", onTheRight(units.CountsPerSecond)),
    timeSeries(
      { id: 35, title: "What the server counts", description: "Requests a second that the server says it answered or failed, and on the right how long they took on average, with the part that they waited. What it says and what clients saw differ by the way between them.", width: 8, height: 8, unit: units.RequestsPerSecond, nothing: "The server does not tell", runbook: help("ModelHighLatency") },
      [
        { expr: sumBy(["result"], rate(shown(instruments.serverRequests))), legend: "{{result}}" },
        { expr: `${sumBy(["phase"], rate(shown(instruments.serverRequestTime)))} / scalar(${sumBy([], rate(shown(instruments.serverRequests)))})`, legend: "time: {{phase}}" },
      ],
    ).overrideByRegexp("/^time/", onTheRight(units.Seconds)),
    timeSeries(
      { id: 36, title: "Tokens a second", description: "Tokens that the server read and wrote, and on the right how full its cache of keys and values is. A full cache makes requests wait, or begin anew.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "The server counts no tokens", to: to("hardware", "Hardware under it") },
      [
        { expr: sumBy(["direction"], rate(shown(instruments.serverTokens))), legend: "{{direction}}" },
        { expr: maxBy(["instance"], shown(instruments.serverCacheUsage)), legend: "cache at {{instance}}" },
      ],
    ).overrideByRegexp("/^cache/", [...onTheRight(units.PercentUnit), { id: "max", value: 1 }]),
    timeSeries(
      { id: 34, title: "Rows in a request", description: "Rows that were analysed for each sample that was taken, and the server's own batches: how large the work comes, and how large it is made.", width: 8, height: 8, unit: units.Short, nothing: "Nothing was sampled", to: to("drift", "Drift: what it rests on") },
      [
        { expr: `${sumBy(["instance"], rate(shown(instruments.analysed)))} / ${sumBy(["instance"], rate(shown(instruments.samples, { result: "taken" })))}`, legend: "rows at {{instance}}" },
        { expr: maxBy(["instance"], shown(instruments.serverBatchSize)), legend: "batch at {{instance}}" },
      ],
    ),
  ],
};

const gates: Row = {
  id: 40,
  title: "Which requests and answers were held back?",
  panels: ({ help }) => [
    timeSeries(
      { id: 41, title: "Input contract", description: "Inferences held against the input contract, a second, by what became of them; on the right the values that were not looked at, since there were too many.", width: 8, height: 8, unit: units.RequestsPerSecond, nothing: "The contract is off" },
      [
        { expr: sumBy(["result"], rate(shown(instruments.contractRequests))), legend: "{{result}}" },
        { expr: sumBy([], rate(shown(instruments.contractUnchecked))), legend: "values unchecked" },
      ],
    ).overrideByName("values unchecked", onTheRight(units.CountsPerSecond)),
    timeSeries(
      { id: 42, title: "Wrong inputs", description: "What was wrong with their inputs, a second.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "Nothing was wrong, or the contract is off", runbook: help("ModelDrifted"), to: to("drift", "Drift: rules that are broken") },
      [{ expr: sumBy(["violation"], rate(shown(instruments.contractViolations))), legend: "{{violation}}" }],
    ),
    timeSeries(
      { id: 43, title: "Confidence", description: "Answers of the primary, a second, by whether it was sure enough, and what became of those where it was not; on the right the confidence from which on answers are given.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "All answers are given", to: to("performance", "Performance: is it right when it is sure") },
      [
        { expr: sumBy(["result"], rate(shown(instruments.confidenceAnswers))), legend: "{{result}}" },
        { expr: `max(${shown(instruments.confidenceThreshold)})`, legend: "asked for" },
      ],
    ).overrideByName("asked for", onTheRight(units.PercentUnit)),
  ],
};

export const inference: Board = {
  name: "inference",
  title: "Inference",
  question: "How many requests are there, how many go wrong, how long do they take, by model and by rung?",
  annotations: ["Transitions", "Versions", "Rollouts", "Model versions"],
  rows: [red, time, work, gates],
};
