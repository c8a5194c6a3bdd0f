/**
 * Bands for what was realised, by confidence sequences: they hold at every count of rows at once, so that one may look at
 * each new answer and stop when one likes. Rates and means between known ends: for any distribution. Means without an upper
 * end (errors, logarithmic loss): asymptotically, for independent rows.
 */
import { missProbability, type Banded } from "./banded.ts";
import { meanSequence } from "../guarantee/mean-sequence.ts";
import { rateSequence } from "../guarantee/rate-sequence.ts";

/** Rows at which the bands are about tightest; they have to be tuned for some number, and hold at all. */
const nOpt = 1_000;

/** Undefined without trials. */
export function rateBand({ successes, of }: { readonly successes: number; readonly of: number }): Banded | undefined {
  if (of === 0) return undefined;
  const { lower, upper } = rateSequence(successes, of, missProbability, { nOpt });
  return { value: successes / of, lower, upper };
}

/** Of values from `low` to `high`, or from `low` on; undefined without values, and with one alone where there is no upper end. */
export function meanBand(values: Float64Array, low: number, high = Infinity): Banded | undefined {
  if (values.length < (high < Infinity ? 1 : 2) || !values.every(Number.isFinite)) return undefined;
  const sequence = meanSequence({ alpha: missProbability, low, high, nOpt, nMin: 2 });
  const state = values.reduce((after, value) => sequence.step(after, value), sequence.start());
  return bandOf(state.mean, sequence.read(state));
}

/** What a never-falling function makes of a band. */
export function mapped({ value, lower, upper }: Banded, of: (value: number) => number): Banded {
  return { value: of(value), lower: of(lower), upper: of(upper) };
}

function bandOf(value: number, { lower, upper }: { readonly lower: number; readonly upper: number }): Banded | undefined {
  return Number.isFinite(value) && Number.isFinite(lower) && Number.isFinite(upper) ? { value, lower, upper } : undefined;
}
