/**
 * What speaks for an anomaly at the newest value of a series: several simple experts, merged into one probability.
 *
 * Each expert reduces what it sees to one statistic, and its own past turns that into a probability (tail-probability.ts).
 * They are merged by their weighted harmonic mean, which the least of them decides, at the price of its share. Statistics
 * that gather over many values are learnt late: they would else grow used to a change while it happens.
 *
 * Cost: O(experts) a value; 13 kB of state.
 * Source: D. J. Wilson, The harmonic mean p-value for combining dependent tests, PNAS 116 (2019).
 */
import type { ForecastState } from "./series-forecast.ts";
import { learnTail, leastProbability, startTail, tailProbability, type TailState } from "./tail-probability.ts";

/** `share` is what an expert's word weighs (one of the two surprises speaks at a time, so they add up to 1), `delay` in values. */
const experts = [
  { name: "surprise", share: 0.25, delay: 8 },
  { name: "seasonal surprise", share: 0.25, delay: 8 },
  { name: "off season", share: 0.15, delay: 8 },
  { name: "off level", share: 0.1, delay: 8 },
  { name: "shift", share: 0.12, delay: 40 },
  { name: "drift", share: 0.08, delay: 40 },
  { name: "spread", share: 0.08, delay: 40 },
  { name: "bursts", share: 0.06, delay: 40 },
  { name: "roughness", share: 0.05, delay: 40 },
] as const;
const [surprise, seasonalSurprise, offSeason, offLevel, shift, drift, spread, bursts, roughness] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
/** Two more, whose past is the longest run. */
const unchangedShare = 0.09;
export const silenceShare = 0.02;

export type Expert = (typeof experts)[number]["name"] | "unchanged" | "silence";

/** Values over which each moving mean goes. */
const windows = [8, 60, 16, 32, 32, 32] as const;
const [shiftMean, driftMean, spreadMean, burstMean, stepMean, widthMean] = [0, 1, 2, 3, 4, 5] as const;

/** Beyond these, a value weighs no more in a moving mean: deviations, distances, rarities. */
const sidePull = 4;
const distancePull = 6;
const rarityPull = 2.5;
/** Rarities up to 1 in 10 are no part of a burst. */
const usualRarity = 1;
/** The first values are not learnt: ratios to what is usual mean nothing before something is. */
const unsettled = 8;

export interface EvidenceState {
  /** Values so far. */
  count: number;
  readonly moving: Float64Array;
  /** One for each expert; below 0 where it has nothing to say. */
  readonly statistics: Float64Array;
  readonly tails: readonly TailState[];
  /** Of the newest value, in (0, 1]: about the part of values that are as strange as this. */
  probability: number;
  /** The expert that says most. */
  culprit: Expert;
}

export function startEvidence(): EvidenceState {
  return {
    count: 0,
    moving: new Float64Array(windows.length),
    statistics: new Float64Array(experts.length),
    tails: experts.map(({ delay }) => startTail(delay)),
    probability: 1,
    culprit: "surprise",
  };
}

/**
 * @param forecast after the newest value.
 * @param step its distance from the last one.
 * @param unchanged probability that a value stays as it is for so long, `silence` that none comes for so long.
 */
export function weigh(state: EvidenceState, forecast: ForecastState, step: number, unchanged: number, silence: number): void {
  state.count += 1;
  gather(state, forecast, step);
  if (state.count > unsettled) merge(state, unchanged, silence);
}

/** How many times as far as usual values have strayed of late. */
export function strayRatio({ moving }: EvidenceState): number {
  return moving[spreadMean] as number;
}

/** Whether the newest value lies as far from the long level as values seldom do. */
export function isOffLevel({ tails, statistics }: EvidenceState): boolean {
  return tailProbability(tails[offLevel] as TailState, statistics[offLevel] as number) < 0.01;
}

/** From the forecast's readings to the experts' statistics. */
function gather(state: EvidenceState, forecast: ForecastState, step: number): void {
  const { moving, statistics } = state;
  const distance = Math.abs(forecast.surprise);
  const side = Math.max(-sidePull, Math.min(sidePull, forecast.deviation));
  follow(state, shiftMean, side);
  follow(state, driftMean, side);
  follow(state, spreadMean, Math.min(distance, distancePull));
  follow(state, stepMean, forecast.usualStep > 0 ? Math.min(step / forecast.usualStep, distancePull) : 1);
  follow(state, widthMean, Math.min(Math.abs(forecast.rawDeviation), distancePull));

  statistics[surprise] = forecast.seasonalNext ? -1 : distance;
  statistics[seasonalSurprise] = forecast.seasonalNext ? distance : -1;
  statistics[offSeason] = forecast.seasonal ? Math.abs(forecast.deviation) : -1;
  statistics[offLevel] = Math.abs(forecast.rawDeviation);
  statistics[shift] = Math.abs(moving[shiftMean] as number);
  statistics[drift] = Math.abs(moving[driftMean] as number);
  statistics[spread] = doublings(moving[spreadMean] as number, 1);
  statistics[bursts] = moving[burstMean] as number;
  statistics[roughness] = doublings(moving[stepMean] as number, moving[widthMean] as number);
}

/** Moves a mean towards a value; the first values are averaged evenly. */
function follow({ moving, count }: EvidenceState, mean: number, value: number): void {
  moving[mean]! += (value - (moving[mean] as number)) / Math.min(windows[mean] as number, count);
}

/** How many doublings or halvings lie between two distances; a little is added to both, so that two that vanish are alike. */
function doublings(a: number, b: number): number {
  return Math.abs(Math.log2((a + 0.1) / (b + 0.1)));
}

/** Has every expert say its probability, and learn. */
function merge(state: EvidenceState, unchanged: number, silence: number): void {
  const { tails, statistics } = state;
  let evidence = unchangedShare / unchanged + silenceShare / silence;
  let most = Math.max(unchangedShare / unchanged, silenceShare / silence);
  state.culprit = unchangedShare / unchanged >= most ? "unchanged" : "silence";
  for (let i = 0; i < experts.length; i += 1) {
    const { name, share } = experts[i] as (typeof experts)[number];
    const statistic = statistics[i] as number;
    if (statistic < 0) {
      // No season, nothing strange about it.
      if (i === offSeason) evidence += share;
      continue;
    }
    const tail = tails[i] as TailState;
    const p = tailProbability(tail, statistic);
    learnTail(tail, statistic);
    // The bursts at this value are judged from the next on.
    if (i === surprise || i === seasonalSurprise) follow(state, burstMean, Math.max(0, Math.min(rarityPull, -Math.log10(p)) - usualRarity));
    evidence += share / p;
    if (share / p > most) {
      most = share / p;
      state.culprit = name;
    }
  }
  state.probability = Math.min(1, Math.max(1 / evidence, leastProbability(state.count)));
}
