/**
 * How likely is a statistic this great or greater, going by its own past? Learnt online, for statistics that are 0 or more.
 *
 * The past is a histogram in cells of equal ratio. Among what has been seen the answer is a rank; beyond, it is the tail of
 * a generalised Pareto distribution, fitted to the greatest few per cent by probability-weighted moments, its shape drawn
 * towards a mild one while they are few. So a series that often has great peaks gets no small probabilities for them. Old
 * values fade, and what is new is learnt with a delay: else a change that builds up would be usual before it is complete.
 *
 * Cost: O(1) a value in the usual range, O(cells) in the tail; 1.3 kB of state.
 * Sources: J. Pickands, Annals of Statistics 3 (1975), peaks over threshold; J. R. M. Hosking and J. R. Wallis, Parameter
 * and quantile estimation for the generalized Pareto distribution, Technometrics 29 (1987), the moments.
 */
import { paretoSurvival } from "./generalised-pareto.ts";

export interface TailState {
  /** Cell 0 holds all below the first edge, the last cell all above the last. */
  readonly weights: Float64Array;
  total: number;
  /** Weight of the next value; it grows, so that the old ones fade. */
  unit: number;
  /** Below this cell nothing is rare. */
  rareFrom: number;
  /** A ring of statistics that are not learnt yet, and how many ever came. */
  readonly waiting: Float64Array;
  arrived: number;
}

const cellsPerDoubling = 6;
const lowest = -6;
const cells = 26 * cellsPerDoubling + 2;
const edges = Float64Array.from({ length: cells }, (_, cell) => (cell === 0 ? 0 : 2 ** (lowest + (cell - 1) / cellsPerDoubling)));
const middles = Float64Array.from(edges, (edge) => edge * 2 ** (0.5 / cellsPerDoubling));

/** One value counts for 1/e after so many, and for less while the past is short: the start of a series says little of it. */
const memory = 5_000;
const memoryMin = 50;
const memoryShare = 3;

/** The tail that is fitted: a share of all values, and at least so many. */
const peakShare = 0.03;
const peaksMin = 12;

/** What the shape is thought to be before any peak is seen, and for how many peaks this thought counts. */
const shapePrior = 0.15;
const shapePriorPeaks = 12;
const shapeMax = 0.9;

/** Mean excess over the threshold, as a part of it: no tail is thinner. A normal distribution has 0.17 at this share. */
const excessMin = 0.15;

const rare = 0.1;

/** What is rarer than this is learnt with less weight, so that a second fault of its kind shows as well. */
const exception = 1e-4;
const exceptionWeight = 0.2;

/** Nothing is called rarer than this after so many values, however far out it lies. */
export function leastProbability(values: number): number {
  return (1 + values / 2) ** -3;
}

/** @param delay values until one is learnt, 1 or more. */
export function startTail(delay: number): TailState {
  return { weights: new Float64Array(cells), total: 0, unit: 1, rareFrom: 0, waiting: new Float64Array(delay), arrived: 0 };
}

/** Place of a statistic among the cells; the part after the point is its place in the cell. */
function placeOf(statistic: number): number {
  const first = edges[1] as number;
  if (!(statistic >= first)) return Math.max(0, statistic / first) || 0;
  return Math.min(cells - 1, 1 + (Math.log2(statistic) - lowest) * cellsPerDoubling);
}

/** Probability of a statistic this great, in (0, 1]; 1 for all that is not rare. */
export function tailProbability(state: TailState, statistic: number): number {
  const { weights, total, unit } = state;
  const place = placeOf(statistic);
  const own = Math.floor(place);
  if (own === 0 || own < state.rareFrom || total === 0) return 1;

  const wanted = Math.max(peaksMin, (peakShare * total) / unit) * unit;
  let sum = 0;
  let first = 0;
  let second = 0;
  let cell = cells;
  while (cell > 0 && sum < wanted) {
    cell -= 1;
    const weight = weights[cell] as number;
    first += weight * (middles[cell] as number);
    second += weight * (middles[cell] as number) * (sum + weight / 2);
    sum += weight;
  }
  if (own < cell) {
    let above = sum + (own + 1 - place) * (weights[own] as number);
    for (let at = cell - 1; at > own; at -= 1) above += weights[at] as number;
    return Math.min(1, (above + unit) / (total + unit));
  }

  const threshold = edges[cell] as number;
  const mean = Math.max(first / sum - threshold, excessMin * threshold, edges[1] as number);
  const spread = mean - 2 * (second / (sum * sum) - threshold / 2);
  const raw = spread > 0 ? Math.min(shapeMax, Math.max(0, 2 - mean / spread)) : shapeMax;
  const peaks = sum / unit;
  const shape = (peaks * raw + shapePriorPeaks * shapePrior) / (peaks + shapePriorPeaks);
  const above = (sum + unit) / (total + unit);
  const p = above * paretoSurvival(statistic - threshold, mean * (1 - shape), shape);
  return Math.min(1, Math.max(p, leastProbability(total / unit)));
}

export function learnTail(state: TailState, statistic: number): void {
  const { weights, waiting } = state;
  const at = state.arrived % waiting.length;
  const due = waiting[at] as number;
  waiting[at] = statistic;
  state.arrived += 1;
  if (state.arrived <= waiting.length) return;

  const weight = state.unit * Math.min(1, Math.max(exceptionWeight, tailProbability(state, due) / exception));
  weights[Math.floor(placeOf(due))]! += weight;
  state.total += weight;
  state.unit *= 1 + 1 / Math.min(memory, Math.max(memoryMin, (memoryShare * state.total) / state.unit));
  if (state.unit > 1e6) {
    for (let cell = 0; cell < cells; cell += 1) weights[cell]! /= state.unit;
    state.total /= state.unit;
    state.unit = 1;
  }
  if (state.arrived % 64 === 0 || state.arrived < 64 + waiting.length) settle(state);
}

/** Finds the cell from which on values are rare; now and then is enough. */
function settle(state: TailState): void {
  let above = 0;
  let cell = cells;
  while (cell > 0 && above < rare * state.total) {
    cell -= 1;
    above += state.weights[cell] as number;
  }
  state.rareFrom = cell;
}
