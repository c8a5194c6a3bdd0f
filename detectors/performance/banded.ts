/**
 * A figure with its band. Every band of this room is meant to miss with the same small probability, that of three standard
 * errors of a normal variable (0.27 %), so that an estimate and what was realised can be laid side by side.
 */
export interface Banded {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** By the names of metrics: `roc_auc`, `accuracy`, `mae`, ... One that has no meaning is absent. */
export type Performance = Readonly<Record<string, Banded>>;

/** A figure and its standard error. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

export const standardErrors = 3;

/** What three standard errors miss on both sides together. */
export const missProbability = 0.0027;

/** Three standard errors on either side, within what the figure can be. */
export function banded({ value, standardError }: Estimate, least = -Infinity, most = Infinity): Banded {
  const reach = standardErrors * standardError;
  return { value, lower: Math.max(least, value - reach), upper: Math.min(most, value + reach) };
}
