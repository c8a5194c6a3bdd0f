/**
 * How well the model does in one chunk of a replay: estimated from its answers alone, realised where it is known what came
 * true; and whether that is worse than in any part of the reference.
 */
import { alertBand, type AlertBand } from "../../detectors/performance/alert-band.ts";
import { estimatePerformance, realisedPerformance, type Performance, type PerformanceEstimator } from "../../detectors/performance/estimator.ts";
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { addRows, startRows, takeRows } from "./performance-rows.ts";
import type { ChunkResult, ReplayAlarm } from "./replay-result.ts";
import { scoreColumns, type Roles } from "./roles.ts";

export interface ChunkPerformance {
  add(columns: ReadonlyMap<string, readonly Value[]>, actuals: readonly Value[] | undefined, from: number, to: number): void;
  take(): { readonly estimated?: Performance; readonly realised?: Performance };
}

/** What is estimated and realised of the rows since it was last taken. */
export function chunkPerformance(estimator: PerformanceEstimator | undefined, roles: Roles, withActuals: boolean): ChunkPerformance {
  if (estimator === undefined) return { add: () => {}, take: () => ({}) };
  const features = estimator.problem === "regression" ? estimator.features : [];
  const columns = [...scoreColumns(roles.score), ...(roles.prediction === undefined ? [] : [roles.prediction]), ...features];
  let held = startRows(columns, withActuals);
  return {
    add: (values, actuals, from, to) => addRows(held, values, actuals, from, to),
    take() {
      const { scores, predictions, actuals, features: numbers } = takeRows(held, roles, features);
      held = startRows(columns, withActuals);
      if (scores === undefined) return {};
      const classes = "classes" in estimator ? estimator.classes : undefined;
      const estimated = estimatePerformance(estimator, { scores, predictions, features: numbers });
      if (actuals === undefined || actuals.every((one) => one === null || one === undefined)) return { estimated };
      const known = withActual(actuals, { scores, predictions });
      return { estimated, realised: realisedPerformance(estimator.problem, { ...known, classes }) };
    },
  };
}

function withActual(actuals: readonly Value[], { scores, predictions }: { scores: Float64Array | ReadonlyMap<string, Float64Array>; predictions: readonly Value[] | undefined }) {
  const isKnown = (_: unknown, row: number) => actuals[row] !== null && actuals[row] !== undefined;
  const known = (column: Float64Array) => column.filter(isKnown);
  return {
    actuals: actuals.filter(isKnown),
    predictions: predictions?.filter(isKnown),
    scores: scores instanceof Float64Array ? known(scores) : new Map([...scores].map(([name, column]) => [name, known(column)])),
  };
}

/** Figures of which more is better; of the others, losses, less is. */
const gains: ReadonlySet<string> = new Set(["roc_auc", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "average_precision"]);

/** That a chunk alarms although nothing has changed is as likely as an error of three standard deviations; so only the first of these does. */
const watched = ["roc_auc", "accuracy", "mae", "rmse"];

/** Which figure speaks for the others. */
export function headline(figures: Performance): string | undefined {
  return watched.find((name) => Object.hasOwn(figures, name));
}

export function performanceAlarms({ model, estimator }: Reference, { index, first, last, end, performance }: ChunkResult): readonly ReplayAlarm[] {
  return (["estimated", "realised"] as const).flatMap((kind): ReplayAlarm[] => {
    const figures = performance[kind];
    const name = figures && headline(figures);
    const figure = name === undefined ? undefined : figures?.[name];
    const band = name === undefined ? undefined : bandsOf(estimator, kind, last - first + 1)[name];
    if (name === undefined || figure === undefined || band === undefined) return [];
    const isGain = gains.has(name);
    if (isGain ? figure.value >= band.lower : figure.value <= band.upper) return [];
    const limit = isGain ? `below ${band.lower.toFixed(3)}` : `above ${band.upper.toPrecision(4)}`;
    const message = `${model}: ${kind} ${name} of chunk ${index} is ${figure.value.toPrecision(4)}, ${limit}, which the reference's chunks do not pass`;
    return [{ row: last, ...(end !== undefined && { time: end }), kind: `${kind}-performance`, message }];
  });
}

/** For chunks of so many rows, from how the figures varied over the reference's. */
export function bandsOf(estimator: PerformanceEstimator | undefined, kind: "estimated" | "realised", rows: number): Readonly<Record<string, AlertBand>> {
  if (estimator === undefined) return {};
  const { rows: referenceRows, ...figures } = estimator.chunks;
  return Object.fromEntries(
    Object.entries(figures[kind]).flatMap(([name, values]) => {
      const band = alertBand(values, { rowsRatio: referenceRows / rows });
      return band === undefined ? [] : [[name, band] as const];
    }),
  );
}

