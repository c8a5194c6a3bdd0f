/**
 * Permutation test on the likeness of every pair of rows: how often would rows dealt into two samples at random lie as far
 * apart as these do? Exact whatever the distribution, so long as rows are independent.
 *
 * p is (1 + as far or farther) / (1 + permutations): the samples as they are count as one of the deals, so p is never 0.
 * Cost: O((n + m)^2) memory and time a permutation; 2,000 rows take 32 MB and one to two seconds for 999 permutations.
 * Source: B. Phipson and G. Smyth, Permutation P-values Should Never Be Zero (2010).
 */
import { advance, uniform } from "../random.ts";

export interface Permutations {
  /** How many deals, 1 to 100,000. p can not be below 1 / (1 + permutations). */
  readonly permutations?: number;
  /** A 32-bit integer; the same one gives the same p. */
  readonly seed?: number;
}

const rowsMax = 2_000;
const permutationsMax = 100_000;

/** The likeness of pairs: within the first sample, within the second, and between them, each pair once. */
export type Statistic = (withinA: number, withinB: number, between: number) => number;

/** @throws RangeError for more than 2,000 rows together and for a bad number of permutations. */
export function checkPermutations(name: string, rows: number, { permutations = 999, seed = 1 }: Permutations): Required<Permutations> {
  if (rows > rowsMax) throw new RangeError(`${name}: expected ${rowsMax} rows together at most, got ${rows}; draw a sample of them`);
  if (!(Number.isInteger(permutations) && permutations >= 1 && permutations <= permutationsMax)) {
    throw new RangeError(`${name}: expected permutations to be whole, 1 to ${permutationsMax}, got ${permutations}`);
  }
  if (!Number.isInteger(seed)) throw new RangeError(`${name}: expected a whole seed, got ${seed}`);
  return { permutations, seed };
}

/**
 * @param likeness of rows i and j, symmetric; the first sample's rows come first.
 * @param statistic grows as the samples draw apart.
 */
export function permutationTest(
  sizes: readonly [n: number, m: number],
  likeness: (i: number, j: number) => number,
  statistic: Statistic,
  { permutations, seed }: Required<Permutations>,
): { readonly statistic: number; readonly p: number } {
  const [n, m] = sizes;
  const rows = n + m;
  const pairs = new Float64Array(rows * rows);
  const rowSums = new Float64Array(rows);
  let all = 0;
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const value = likeness(i, j);
      pairs[i * rows + j] = value;
      pairs[j * rows + i] = value;
      rowSums[i]! += value;
      rowSums[j]! += value;
      all += value;
    }
  }
  const deal = Int32Array.from({ length: rows }, (_, row) => row);
  const inFirst = new Float64Array(rows);
  const dealt = (): number => {
    inFirst.fill(0);
    for (let index = 0; index < n; index += 1) inFirst[deal[index] as number] = 1;
    let withinA = 0;
    let touchingA = 0;
    for (let i = 0; i < rows; i += 1) {
      if (inFirst[i] === 0) continue;
      touchingA += rowSums[i] as number;
      // All pairs of the row and not only those wanted: to go along memory is several times as fast as to pick.
      for (let j = 0, pair = i * rows; j < i; j += 1, pair += 1) withinA += (pairs[pair] as number) * (inFirst[j] as number);
    }
    const between = touchingA - 2 * withinA;
    return statistic(withinA, all - withinA - between, between);
  };

  const found = dealt();
  // The same two sets the other way round add up a little differently.
  const rounding = 1e-12 * (Math.abs(found) + Math.abs(all) / rows ** 2);
  let state = seed | 0;
  let asFar = 1;
  for (let permutation = 0; permutation < permutations; permutation += 1) {
    for (let i = rows - 1; i > 0; i -= 1) {
      state = advance(state);
      const j = Math.floor(uniform(state) * (i + 1));
      [deal[i], deal[j]] = [deal[j] as number, deal[i] as number];
    }
    if (dealt() >= found - rounding) asFar += 1;
  }
  return { statistic: found, p: asFar / (1 + permutations) };
}
