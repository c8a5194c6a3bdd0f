/** The rollout of a candidate: where it stands, whether it is worse and how sure that is, what the world was told, which versions serve, and when to train anew. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { running, triedNow } from "../fleet-rollout.ts";
import { to } from "../links.ts";
import { asBandOver, asBandUnder, asLimit, list, onTheRight, stateTimeline, table, timeSeries, withLine, words } from "../panels.ts";
import { buckets, countBy, maxBy, minBy, quantile, rate, share, sumBy, times, type Vector } from "../promql.ts";
import { phaseOfRollout } from "../rows/rollout.ts";
import { shown, type Row } from "../rows/row.ts";
import type { Board } from "./board.ts";

const nothing = "No rollout has run";
const verdicts = { continue: [0, "too early to tell", "#8e8e8e"], "not-worse": [1, "not worse", "green"], inconclusive: [2, "inconclusive", "yellow"], harm: [3, "harm", "red"] } as const;
const verdictNumber = sumBy(
  ["model", "instance"],
  Object.entries(verdicts).map(([verdict, [number]]) => `(${shown(instruments.rolloutVerdict, { verdict })} == 1) * ${number}`).join(" or ") as Vector<"model" | "instance">,
);

const standing: Row = {
  id: 10,
  title: "Where does the rollout stand, and what does the judge say of the candidate?",
  panels: ({ help }) => [
    phaseOfRollout({ id: 11, width: 12, height: 7, runbook: help("RolloutUndecided"), to: to("inference", "Inference of this model", ["instance", "model"]) }),
    stateTimeline(
      { id: 12, title: "Verdict", description: "What the judge says of the candidate. Harm: the evidence passed its threshold, and the effect is one that matters. Not worse: every comparison lies within its margin for certain.", width: 12, height: 7, nothing: "Nothing has been judged", runbook: help("RolloutHarming"), to: to("performance", "Performance of this model", ["model"]) },
      [{ expr: verdictNumber, legend: "{{model}} · {{instance}}" }],
      [words(Object.fromEntries(Object.values(verdicts).map(([number, text, color]) => [number, [text, color] as const])))],
    ),
    timeSeries(
      { id: 13, title: "Share and step", description: "The candidate's share of the traffic as it is meant, and as the latest requests were dealt: by a key many requests may be one client's. On the right, which step is held.", width: 8, height: 8, unit: units.PercentUnit, nothing, runbook: help("RolloutWithoutTrials") },
      [
        { expr: maxBy(["model"], shown(instruments.rolloutWeight)), legend: "{{model}}, meant" },
        { expr: share(sumBy(["model"], rate(shown(instruments.trials, { side: "candidate" }))), sumBy(["model"], rate(shown(instruments.trials)))), legend: "{{model}}, dealt" },
        { expr: maxBy(["model"], shown(instruments.rolloutStep)), legend: "step of {{model}}" },
      ],
    )
      .max(1)
      .overrideByRegexp("/^step/", [...onTheRight(units.Short), { id: "max", value: null }]),
    timeSeries(
      { id: 14, title: "Left of the time box", description: "Time until the step's time box is over. Below zero it is, without a verdict, and a person is asked.", width: 8, height: 8, unit: units.Seconds, nothing: "Nothing is tried", runbook: help("RolloutUndecided") },
      [{ expr: `${minBy(["model", "instance"], shown(instruments.rolloutStepUntil))} - time()`, legend: "{{model}} · {{instance}}" }],
    ),
    list(
      { id: 15, title: "How rollouts ended", description: "Rollouts that ended within the time shown, by how and why.", width: 8, height: 8, unit: units.Short, nothing: "No rollout has ended", runbook: help("RolloutHarming") },
      ["model", "result", "reason"],
      { expr: `${sumBy(["model", "result", "reason"], times(shown(instruments.rollouts), "$__range"))} > 0`, legend: "Times" },
    ).decimals(0),
  ],
};

const chosen = { comparison: "$comparison" };
const evidenceTried = `${shown(instruments.rolloutEvidence)} and ignoring (comparison) ${triedNow(shown(instruments.rolloutPhase, running))}` as Vector<"model" | "comparison">;

const worse: Row = {
  id: 20,
  title: "Is the candidate worse, by how much, and how sure is that?",
  panels: ({ help }) => [
    timeSeries(
      { id: 21, title: "Evidence against the candidate", description: "Decimal logarithm of the evidence that the candidate is worse, by comparison. It is harm where it passes its threshold, and however often one looks, a candidate that is not worse passes it with the probability promised at most. Below zero: the data speak for the candidate.", width: 12, height: 9, unit: units.Short, nothing: "Nothing has been judged", runbook: help("RolloutHarming") },
      [
        { expr: maxBy(["model", "comparison"], shown(instruments.rolloutEvidence)), legend: "{{comparison}} of {{model}}" },
        { expr: maxBy(["model", "comparison"], shown(instruments.rolloutThreshold)), legend: "threshold of {{comparison}}, {{model}}" },
      ],
    )
      .decimals(2)
      .fillOpacity(0)
      .overrideByRegexp("/^threshold/", asLimit),
    timeSeries(
      { id: 22, title: "How much worse", description: "The effect of the comparison chosen above, in its unit: a ratio of requests, relative to the primary's, or a score. Above zero the candidate is worse. The band: between which bounds it lies; it widens where little is known, and a bound that nobody knows is not drawn. Choose one model: of several, the worst is drawn.", width: 12, height: 9, unit: units.Short, nothing: "Nothing has been judged by this comparison", runbook: help("RolloutHarming") },
      [
        { expr: maxBy([], shown(instruments.rolloutEffect, chosen)), legend: "effect" },
        { expr: minBy([], shown(instruments.rolloutEffectBound, { ...chosen, bound: "lower" })), legend: "at least" },
        { expr: maxBy([], shown(instruments.rolloutEffectBound, { ...chosen, bound: "upper" })), legend: "at most" },
      ],
    )
      .decimals(4)
      .fillOpacity(0)
      .lineWidth(2)
      .overrideByName("at least", asBandUnder)
      .overrideByName("at most", asBandOver("at least")),
    table(
      { id: 23, title: "All comparisons", description: "Each comparison as it is now. Evidence and threshold: decimal logarithms. Effect: by how much the candidate is worse, in the comparison's unit, with its bounds. Events: what it rests on; effective: as how many independent ones they were judged.", width: 24, height: 8, unit: units.Short, nothing: "Nothing has been judged", runbook: help("RolloutHarming") },
      "comparison",
      [
        { expr: maxBy(["comparison"], shown(instruments.rolloutEvidence)), legend: "Evidence" },
        { expr: maxBy(["comparison"], shown(instruments.rolloutThreshold)), legend: "Threshold" },
        { expr: maxBy(["comparison"], shown(instruments.rolloutEffect)), legend: "Effect" },
        { expr: minBy(["comparison"], shown(instruments.rolloutEffectBound, { bound: "lower" })), legend: "At least" },
        { expr: maxBy(["comparison"], shown(instruments.rolloutEffectBound, { bound: "upper" })), legend: "At most" },
        { expr: sumBy(["comparison"], shown(instruments.rolloutEvents, { judged: "!effective" })), legend: "Events" },
        { expr: sumBy(["comparison"], shown(instruments.rolloutEvents, { judged: "effective" })), legend: "Effective" },
      ],
    ).decimals(3),
    timeSeries(
      { id: 24, title: "What it rests on", description: "Events that the evidence rests on, by comparison; effective: as how many independent ones they were judged, since bursts and users who come again repeat themselves. A line that is flat learns nothing.", width: 12, height: 8, unit: units.Short, nothing: "Nothing has been judged", runbook: help("RolloutJudgeBlind") },
      [{ expr: sumBy(["comparison", "judged"], shown(instruments.rolloutEvents)), legend: "{{comparison}}, {{judged}}" }],
    ),
    timeSeries(
      { id: 25, title: "Evidence of the fleet", description: "The evidence of all sidecars that try a candidate now, together: they deal their own traffic by chance, so their logarithms add up. Several find harm that each of them is too small to find.", width: 12, height: 8, unit: units.Short, nothing: "Nothing is tried", runbook: help("RolloutFleetHarm"), to: to("fleet", "Fleet", ["model"]) },
      [
        { expr: sumBy(["model", "comparison"], evidenceTried), legend: "{{comparison}} of {{model}}" },
        { expr: maxBy(["model", "comparison"], shown(instruments.rolloutThreshold)), legend: "threshold of {{comparison}}, {{model}}" },
      ],
    )
      .decimals(2)
      .fillOpacity(0)
      .overrideByRegexp("/^threshold/", asLimit),
  ],
};

const timeOfTrial = (q: number) => quantile(q, sumBy(["side", "le"], rate(buckets(shown(instruments.trialDuration)))));
const notOk = rate(shown(instruments.trials, { result: "!ok" }));
const letGo = rate(shown(instruments.shadowCopies, { result: "!asked" }));

const sides: Row = {
  id: 30,
  title: "How do both sides do?",
  panels: ({ help, limit }) => [
    timeSeries(
      { id: 31, title: "Trials by side", description: "Inferences dealt while a rollout runs, a second, by side and by how the first attempt there went. Rescued: it failed at the candidate, and the client was answered by another.", width: 8, height: 8, unit: units.RequestsPerSecond, nothing, runbook: help("RolloutWithoutTrials"), to: to("inference", "Inference of this model") },
      [{ expr: sumBy(["side", "result"], rate(shown(instruments.trials))), legend: "{{side}}: {{result}}" }],
    ),
    timeSeries(
      { id: 32, title: "Failed, by side", description: "Share of the first attempts that failed, whoever answered in the end. Both at once is what both stand on, and not the candidate.", width: 8, height: 8, unit: units.PercentUnit, nothing, runbook: help("RolloutHarming") },
      [{ expr: share(sumBy(["side"], notOk), sumBy(["side"], rate(shown(instruments.trials)))), legend: "{{side}}" }],
    ).max(1),
    timeSeries(
      { id: 33, title: "Time of a trial", description: "Of the first attempt, by side: half, 95 and 99 of 100 took no longer.", width: 8, height: 8, unit: units.Seconds, nothing, runbook: help("RolloutHarming") },
      [0.5, 0.95, 0.99].map((q) => ({ expr: timeOfTrial(q), legend: `{{side}}, p${q * 100}` })),
    ),
    timeSeries(
      { id: 34, title: "Copies for the candidate", description: "Copies of inferences that the primary answered, a second: asked, or let go and why. They answer nobody.", width: 12, height: 8, unit: units.CountsPerSecond, nothing: "Nothing is copied", runbook: help("ShadowCopiesLetGo"), to: to("pilotfish", "Pilotfish itself: what it lets go") },
      [{ expr: sumBy(["result"], rate(shown(instruments.shadowCopies))), legend: "{{result}}" }],
    ),
    withLine(
      timeSeries(
        { id: 35, title: "Copies let go", description: "Share of the copies that were let go: what is compared is the rest. The line: where an alert fires.", width: 12, height: 8, unit: units.PercentUnit, nothing: "Nothing is copied", runbook: help("ShadowCopiesLetGo") },
        [{ expr: share(sumBy(["model"], letGo), sumBy(["model"], rate(shown(instruments.shadowCopies)))), legend: "{{model}}" }],
      ).max(1),
      limit("ShadowCopiesLetGo"),
    ),
  ],
};

const world: Row = {
  id: 40,
  title: "What was the world told, and which version serves?",
  panels: ({ help }) => [
    list(
      { id: 41, title: "Actuations", description: "What was to be done to the world within the time shown, by who was told and what became of it. Unconfirmed: it was taken, and nothing shows that it came into effect.", width: 12, height: 8, unit: units.Short, nothing: "Nobody was told anything", runbook: help("RolloutRollbackUnconfirmed") },
      ["actuator", "action", "result"],
      { expr: `${sumBy(["actuator", "action", "result"], times(shown(instruments.actuations), "$__range"))} > 0`, legend: "Times" },
    ).decimals(0),
    stateTimeline(
      { id: 42, title: "Version that serves", description: "Which version the primary answers with, over time. Two bars at once at one instance are two versions behind one address.", width: 12, height: 8, nothing: "The server does not say its version", runbook: help("ModelVersionChanged"), to: to("failover", "Failover of this model", ["instance", "model"]) },
      [{ expr: maxBy(["model", "version", "instance"], shown(instruments.versionInfo)), legend: "{{model}} · {{version}} · {{instance}}" }],
      [words({ 1: ["serves", "green"] })],
    ),
    list(
      { id: 43, title: "Versions now", description: "Which versions serve, with the digest of the artefact where the server tells it and that of the reference that it is held against; and at how many sidecars.", width: 12, height: 7, unit: units.Short, nothing: "The server does not say its version", runbook: help("ModelVersionFlapping") },
      ["model", "version", "digest", "reference"],
      { expr: countBy(["model", "version", "digest", "reference"], shown(instruments.versionInfo)), legend: "Sidecars" },
    ),
    list(
      { id: 44, title: "Last known good", description: "The version and reference that last held the objectives for the dwell: what a rollback goes back to. And at how many sidecars.", width: 8, height: 7, unit: units.Short, nothing: "None has held its objectives for the dwell yet" },
      ["model", "version", "reference"],
      { expr: countBy(["model", "version", "reference"], shown(instruments.knownGood)), legend: "Sidecars" },
    ),
    list(
      { id: 45, title: "Changes of version", description: "How often another version, artefact or reference took its place within the time shown.", width: 4, height: 7, unit: units.Short, nothing: "None changed", runbook: help("ModelVersionFlapping") },
      ["model"],
      { expr: sumBy(["model"], times(shown(instruments.versionChanges), "$__range")), legend: "Times" },
    ).decimals(0),
  ],
};

const anew: Row = {
  id: 50,
  title: "Is it time to train the model anew?",
  panels: ({ help }) => [
    list(
      { id: 51, title: "Requests to train anew", description: "Requests within the time shown, by what became of them. Drift or a loss of accuracy that lasts asks for it, within a budget.", width: 12, height: 7, unit: units.Short, nothing: "Nothing was asked for", runbook: help("RetrainRequestsFailing") },
      ["model", "result"],
      { expr: `${sumBy(["model", "result"], times(shown(instruments.retrains), "$__range"))} > 0`, legend: "Times" },
    ).decimals(0),
    timeSeries(
      { id: 52, title: "Rows for training", description: "Rows of samples, with their true answers where these came, that a request would carry now.", width: 12, height: 7, unit: units.Short, nothing: "No window of rows is kept", to: to("drift", "Drift: what asks for it", ["model"]) },
      [{ expr: sumBy(["model"], shown(instruments.retrainRows)), legend: "{{model}}" }],
    ),
  ],
};

export const rollout: Board = {
  name: "rollout",
  title: "Rollout",
  question: "Where does the rollout stand, is the candidate worse, which version serves?",
  variables: ["comparison"],
  annotations: ["Rollouts", "Model versions", "Transitions", "Drift"],
  rows: [standing, worse, sides, world, anew],
};
