/**
 * Is a quantile of the candidate's latencies (p50, p95, p99; or of scores, 0 or more) above the primary's? A mean says
 * nothing of a slow tail, and a quantile of the primary is itself an estimate. Two tests have to agree, each of which would
 * be fooled by something that the other is not:
 *
 * - Of the answers that are slower than the primary's running quantile, whose are they (share-evidence.ts)? The threshold is
 *   made of what came before, so it is no random thing when an answer is compared with it, and both sides meet the same one
 *   at the same moment: when load makes everything slow, nothing is concluded. But a threshold off the quantile tells of the
 *   distribution there, not at the quantile.
 * - Is the candidate's quantile above the primary's, for every value that the primary's may have (quantile-evidence.ts)?
 *   That is the question itself, whatever the rest of the distributions; but it takes the quantiles to stay where they are.
 *
 * The evidence is the lesser of both. So a candidate is called slower with probability alpha at most if it is slower than
 * the threshold no more often than the primary (at every answer given all before, as where its latencies are dealt like the
 * primary's, however those move), and also if its quantile is no greater, in steady traffic.
 *
 * The effect is the ratio of the quantiles less 1, of the weight in force (errors.ts says why); where the primary's is below
 * `floor`, their difference over that: a fifth of a millisecond is a lot of one millisecond, and nothing to whoever waits. Its interval is made of a
 * confidence sequence of each quantile and holds for independent answers in steady traffic. Grouped, the first value of a
 * group stands for it.
 */
import type { Interval } from "../guarantee/interval.ts";
import { quantileSequence } from "../guarantee/quantile-sequence.ts";
import { quantileSketch, type QuantileState } from "../reference/quantiles.ts";
import type { Comparison, Dealt } from "./comparison.ts";
import { groupedShare, type GroupedShareState } from "./grouped-share.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";
import { quantileEvidence } from "./quantile-evidence.ts";

export interface LatencyOptions {
  /** Which quantile, between 0 and 1. */
  readonly q: number;
  /** How many times the primary's quantile is still fine. */
  readonly ratio?: number;
  /** A quantile of the primary that is less than this counts as this much in the effect; in the values' unit. */
  readonly floor?: number;
  readonly grouping?: Grouping;
}

export interface LatencyEvent extends Dealt {
  /** Finite, 0 or more; in any unit, the same for all. */
  readonly value: number;
}

export interface LatencyState {
  share: GroupedShareState;
  readonly groups: Groups;
  /** What the quantiles of earlier weights were evidence of. */
  settled: number;
  /** The weight that the sketches are of. */
  weight: number;
  candidate: QuantileState;
  primary: QuantileState;
  /** The primary's running quantile, and the number of its values at which it is taken anew. */
  threshold: number;
  renewAt: number;
}

const relativeError = 0.02;

/** Cost: O(1) a value, 0.1 microseconds; 17 kB. Evidence and interval: under a millisecond, much less while there is little evidence. */
export function latency({ q, ratio = 1, floor = 0, grouping = "each" }: LatencyOptions): Comparison<LatencyEvent, LatencyState> {
  if (!(q > 0 && q < 1)) throw new RangeError(`latency: q must be between 0 and 1, got ${q}`);
  if (!(ratio > 0 && ratio < Infinity)) throw new RangeError(`latency: ratio must be above 0, got ${ratio}`);
  if (!(floor >= 0 && floor < Infinity)) throw new RangeError(`latency: floor must be 0 or more, got ${floor}`);
  const share = groupedShare({ grouping });
  const sketch = quantileSketch({ relativeError });
  /** Before so many of the primary's values nothing is compared: fewer would not reach into the tail. */
  const valuesMin = Math.max(20, Math.ceil(1 / (1 - q)));
  const order = ({ settled, candidate, primary }: LatencyState, enough = -Infinity): number => settled + quantileEvidence(sketch, candidate, primary, { q, ratio }, enough - settled);

  return {
    guarantee: `While the candidate's ${100 * q} % quantile is at most ${ratio} times the primary's, the evidence ever reaches 1/alpha with probability alpha at most, however often one looks.`,

    start: () => ({
      share: share.start(),
      groups: noGroups(grouping),
      settled: 0,
      weight: 0,
      candidate: sketch.start(),
      primary: sketch.start(),
      threshold: Infinity,
      renewAt: valuesMin,
    }),

    step(state, { candidate, weight, value, group }) {
      if (!(value >= 0 && value < Infinity)) throw new RangeError(`latency: value must be a finite number, 0 or more, got ${value}`);
      if (!(weight >= 0 && weight <= 1)) throw new RangeError(`latency: weight must be 0 to 1, got ${weight}`);
      if (weight !== state.weight) {
        state.settled = order(state);
        state.weight = weight;
        state.candidate = sketch.start();
        state.primary = sketch.start();
        state.renewAt = valuesMin;
      }
      if (state.threshold < Infinity) {
        const hit = (candidate ? value / ratio : value) > state.threshold;
        state.share = share.step(state.share, { candidate, weight, hit, ...(group !== undefined && { group }) });
      }
      if (isFirst(state.groups, grouping, group)) {
        if (candidate) state.candidate = sketch.step(state.candidate, value);
        else state.primary = sketch.step(state.primary, value);
      }
      if (state.primary.count >= state.renewAt) {
        state.threshold = sketch.quantile(state.primary, q) as number;
        state.renewAt = Math.ceil(1.05 * state.primary.count);
      }
      return state;
    },

    logEvidence(state, enough = -Infinity) {
      const tail = share.logEvidence(state.share);
      return tail < enough ? tail : Math.min(tail, order(state, enough));
    },

    effect({ candidate, primary }) {
      const [of, against] = [sketch.quantile(candidate, q), sketch.quantile(primary, q)];
      return of === undefined || against === undefined ? undefined : excess(of, against);
    },

    interval({ candidate, primary }, alpha) {
      const of = quantileWithin(candidate, alpha / 2);
      const against = quantileWithin(primary, alpha / 2);
      return { lower: excess(of.lower, against.upper) ?? -1, upper: excess(of.upper, against.lower) ?? Infinity };
    },

    seen: (state) => share.seen(state.share),

    sides({ candidate, primary }) {
      const [of, against] = [sketch.quantile(candidate, q), sketch.quantile(primary, q)];
      return of === undefined || against === undefined ? undefined : { candidate: of, primary: against };
    },
  };

  /** By how much the one exceeds the other; undefined where there is nothing to compare with. */
  function excess(of: number, against: number): number | undefined {
    const base = Math.max(against, floor);
    if (against === Infinity) return -1;
    return base > 0 ? (of - against) / base : undefined;
  }

  /** Widened by the sketch's own error. */
  function quantileWithin(state: QuantileState, alpha: number): Interval {
    const values = { count: state.count, quantile: (at: number) => sketch.quantile(state, at) };
    const { lower, upper } = quantileSequence(values, q, alpha, { nOpt: 1_000 });
    return { lower: Math.max(0, lower / (1 + relativeError)), upper: upper / (1 - relativeError) };
  }
}
