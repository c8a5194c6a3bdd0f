/** What a report says in words: what moved, when, how sure that is, why, and what became of the model's performance. */
import { cellName } from "../../detectors/reference/cells.ts";
import type { FalseAlarmBudget } from "../units.ts";
import type { RankedFeature } from "./ranking.ts";
import { headline } from "./chunk-performance.ts";
import type { Replay } from "./replay.ts";
import { count, short } from "./text-table.ts";

export interface Sentence {
  /** HTML. */
  readonly text: string;
  readonly isBad: boolean;
}

/** Features that are told of one by one. */
const toldMax = 6;

export function sentences(replay: Replay, ranked: readonly RankedFeature[], thinning: number): readonly Sentence[] {
  return [...featureSentences(replay, ranked), ...mistakeSentences(replay), ...performanceSentences(replay), ...sureness(replay, thinning), ...replay.notes.map((note) => good(escaped(note)))];
}

function featureSentences(replay: Replay, ranked: readonly RankedFeature[]): readonly Sentence[] {
  const moved = ranked.filter(({ firstAlarm }) => firstAlarm !== undefined);
  if (moved.length === 0) return [good(`<b>No feature moved.</b> All ${ranked.length} still look like the reference, as far as ${count(replay.rows)} rows can tell.`)];
  const told = moved.slice(0, toldMax).map((feature) => {
    const { reference, firstAlarm, distances, noise, worst } = feature;
    const cause = replay.causes.find(({ feature: name }) => name === reference.name);
    const distance = distances[worst] ?? 0;
    const times = noise > 0 && distance > noise ? `, ${short(Number((distance / noise).toPrecision(2)))} times what chance makes` : "";
    const why = cause === undefined ? "" : ` <b>Cause: ${escaped(cause.message)}</b> (from chunk ${cause.chunk} on).`;
    return bad(`<b>${escaped(reference.name)}</b> moved. First alarm ${when(replay, firstAlarm as number)}; furthest away in chunk ${worst}, at a distance of ${distance.toFixed(3)}${times}: ${escaped(changeOf(replay, feature, worst))}.${why}`);
  });
  const others = moved.slice(toldMax).map(({ reference }) => escaped(reference.name));
  const still = ranked.length - moved.length;
  return [
    ...told,
    ...(others.length > 0 ? [bad(`${others.length} more moved: ${others.slice(0, 30).join(", ")}${others.length > 30 ? ` and ${others.length - 30} others` : ""}.`)] : []),
    ...(still > 0 ? [good(`${still} of ${ranked.length} did not alarm.`)] : []),
  ];
}

/** What a person would say has changed, from the reference to one chunk. */
export function changeOf({ chunks, shapes }: Replay, { reference }: RankedFeature, index: number): string {
  const measures = chunks[index]?.features[reference.name] ?? {};
  const nulls = measures["null_ratio"] ?? 0;
  const [extra, usual] = reference.kind === "numeric" ? [reference.edges.length + 3, reference.rows] : [reference.values.length + 1, reference.rows];
  const nullsBefore = (reference.counts[extra] as number) / usual;
  if (nulls - nullsBefore > 0.02) return `null in ${percent(nullsBefore)} to ${percent(nulls)} of rows`;
  if (reference.kind === "numeric") {
    const { mean = reference.mean, standard_deviation: spread = reference.standardDeviation } = measures;
    return `mean ${short(reference.mean)} to ${short(mean)}, standard deviation ${short(reference.standardDeviation)} to ${short(spread)}`;
  }
  const now = shapes[index]?.get(reference.name);
  const rows = now === undefined ? 0 : Array.from(now).reduce((sum, one) => sum + one, 0);
  if (now === undefined || rows === 0) return "changed";
  const changes = reference.counts.map((before, cell) => ({ cell, from: before / reference.rows, to: (now[cell] as number) / rows }));
  const { cell, from, to } = changes.reduce((most, one) => (Math.abs(one.to - one.from) > Math.abs(most.to - most.from) ? one : most));
  return `${cellName(reference, cell)} ${percent(from)} to ${percent(to)}`;
}

function mistakeSentences(replay: Replay): readonly Sentence[] {
  const [first, ...more] = replay.alarms.filter(({ kind }) => kind === "mistakes");
  if (first === undefined) return [];
  const again = more.length > 0 ? `, and ${more.length} times more` : "";
  return [bad(`<b>Wrong predictions became more frequent</b> ${when(replay, first.row)}${again}: ${escaped(first.message.slice(first.message.indexOf(": ") + 2))}.`)];
}

function performanceSentences({ chunks, bands, alarms }: Replay): readonly Sentence[] {
  return (["estimated", "realised"] as const).flatMap((kind) => {
    const known = chunks.filter(({ performance }) => performance[kind] !== undefined);
    const name = headline(known[0]?.performance[kind] ?? {});
    if (name === undefined) return [];
    const band = bands[kind][name];
    const range = band === undefined ? "" : ` (normally ${band.lower.toFixed(3)} to ${band.upper.toFixed(3)})`;
    const out = chunks.filter(({ last }) => alarms.some((alarm) => alarm.kind === `${kind}-performance` && alarm.row === last));
    const what = `${kind === "estimated" ? "Estimated" : "Realised"} ${metricName(name)}`;
    if (out.length === 0) return [good(`${what} stayed where the reference's chunks lie${range}.`)];
    const told = out.slice(0, 6).map(({ index, performance }) => `${performance[kind]?.[name]?.value.toFixed(3)} in chunk ${index}`);
    return [bad(`<b>${what} got worse</b>: ${told.join(", ")}${out.length > 6 ? ` and ${out.length - 6} chunks more` : ""}${range}.`)];
  });
}

function sureness({ alarms, spans, rows, falseAlarms }: Replay, thinning: number): readonly Sentence[] {
  const raised = spans.filter(({ kind }) => kind === "drift").length;
  const expected = "perSamples" in falseAlarms ? (rows * falseAlarms.alarms) / falseAlarms.perSamples : undefined;
  const allowed = expected === undefined ? "" : `; in ${count(rows)} rows chance is allowed ${short(Number(expected.toPrecision(2)))}`;
  const told = alarms.length === 0 ? "Nothing alarmed" : `Drift alarmed ${raised} ${raised === 1 ? "time" : "times"}`;
  const alike = thinning > 1 ? ` In the reference neighbouring rows are alike; the budget is promised for every ${thinning}th row.` : "";
  return [good(`How sure: ${told}, on a budget of ${budgetText(falseAlarms)} for all features together${allowed}.${alike} Distances are compared with what chance makes of a chunk in one case of a thousand.`)];
}

export function budgetText(budget: FalseAlarmBudget): string {
  return "perSamples" in budget ? `${budget.alarms} false alarm per ${count(budget.perSamples)} samples` : `${budget.alarms} false alarm per ${short(budget.perMs / 86_400_000)} days`;
}

/** `at row 71,000 (chunk 14)`, with the time where rows have some. */
export function when({ chunks, alarms }: Pick<Replay, "chunks" | "alarms">, row: number): string {
  const chunk = chunks.find(({ last }) => row <= last)?.index ?? 0;
  const time = alarms.find((alarm) => alarm.row === row)?.time;
  return `at row ${count(row)} (chunk ${chunk}${time === undefined ? "" : `, ${timeText(time)}`})`;
}

/** To the minute. */
export function timeText(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}

export function metricName(name: string): string {
  const names: Readonly<Record<string, string>> = { roc_auc: "ROC AUC", mae: "mean absolute error", rmse: "root mean squared error", f1: "F1", ece: "calibration error", average_precision: "average precision", log_loss: "log loss", brier: "Brier score" };
  return names[name] ?? name.replaceAll("_", " ");
}

export function percent(ratio: number): string {
  return `${short(Number((100 * ratio).toPrecision(2)))} %`;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const good = (text: string): Sentence => ({ text, isBad: false });
const bad = (text: string): Sentence => ({ text, isBad: true });
