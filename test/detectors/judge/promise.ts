/** How many alarms of so many runs a promise of alpha allows before it must be doubted: beyond, one time in ten thousand. */
import { binomialDensity } from "../../../detectors/special/binomial.ts";

export function alarmsMax(runs: number, alpha: number): number {
  let below = 0;
  for (let k = 0; k <= runs; k += 1) {
    below += binomialDensity(k, runs, alpha);
    if (below > 1 - 1e-4) return k;
  }
  return runs;
}

/** Mean of a function over all rows of n zeros and ones, each with its chance to be one. */
export function expectation(chances: readonly number[], of: (row: readonly boolean[]) => number): number {
  let sum = 0;
  for (let bits = 0; bits < 2 ** chances.length; bits += 1) {
    const row = chances.map((_, i) => ((bits >> i) & 1) === 1);
    sum += row.reduce((product, one, i) => product * (one ? (chances[i] as number) : 1 - (chances[i] as number)), 1) * of(row);
  }
  return sum;
}
