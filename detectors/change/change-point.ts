/**
 * Where did the mean of a sequence change? The split into two parts that explains the values best by least squares, and the
 * splits that explain them nearly as well: an interval in which the change lies.
 *
 * It is asked once a change is known, by a detector that says when it knew and not when it began. Values are given in blocks,
 * so that the splits are between blocks and a long sequence is short. With r(k) for how much a split before block k explains, in
 * units of the variance that is left, the interval holds the splits with r(k) > max r - 10.59, which hold the true one in about 99 %
 * of cases. A best split that is worth less than 16 is none: chance alone shows one nearly as good somewhere. Measured on
 * sequences of 720 blocks, of 10 to 60 values each that are 1 in 10 % or 20 % and else 0: without a change 0.4 % to 1 % reached 16; where
 * the rate rose by 0.6 of itself, 98.9 % to 99.4 % of the intervals held the true block. Of rarer values (20 a block, 2 %): 2.3 % and 94 %.
 *
 * Source: D. V. Hinkley, Inference about the change-point in a sequence of random variables, Biometrika 57 (1970); the bound is
 * the quantile of the likelihood ratio's limit, P(x) = (1 - exp(-x/2))^2: B. E. Hansen, Econometrica 68 (2000), section 3.
 * Cost: O(blocks).
 */
export interface ValueBlock {
  /** How many values, their sum, and the sum of their squares. */
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

export interface ChangePoint {
  /** Of the first block after the change: the best guess, and the least and the greatest that can not be excluded. */
  readonly best: number;
  readonly earliest: number;
  readonly latest: number;
  /** Mean before and after the best guess. */
  readonly before: number;
  readonly after: number;
  /** How much the best guess explains, in units of the variance that is left. */
  readonly ratio: number;
}

/** 99 %: -2 ln(1 - sqrt(0.99)). */
const excluded = -2 * Math.log(1 - Math.sqrt(0.99));
const ratioMin = 16;

/** undefined where nothing shows a change. */
export function changePoint(blocks: readonly ValueBlock[]): ChangePoint | undefined {
  let [count, sum, squares] = [0, 0, 0];
  for (const block of blocks) {
    count += block.count;
    sum += block.sum;
    squares += block.squares;
  }
  const gains = new Float64Array(blocks.length);
  let [n, s, best] = [0, 0, 0];
  let before = 0;
  for (let k = 1; k < blocks.length; k += 1) {
    const block = blocks[k - 1] as ValueBlock;
    n += block.count;
    s += block.sum;
    const rest = count - n;
    if (n === 0 || rest === 0) continue;
    gains[k] = s ** 2 / n + (sum - s) ** 2 / rest - sum ** 2 / count;
    if ((gains[k] as number) <= (gains[best] as number)) continue;
    best = k;
    before = s / n;
  }
  if (best === 0) return undefined;
  const gain = gains[best] as number;
  // Above 0, so that values without any spread on either side show a change as well.
  const left = Math.max(squares - sum ** 2 / count - gain, squares * 1e-9);
  const variance = left / Math.max(1, count - 2);
  const ratio = gain / variance;
  if (!(ratio >= ratioMin)) return undefined;
  const near = (k: number): boolean => (gain - (gains[k] as number)) / variance < excluded;
  let [earliest, latest] = [best, best];
  for (let k = 1; k < blocks.length; k += 1) {
    if (!near(k)) continue;
    earliest = Math.min(earliest, k);
    latest = Math.max(latest, k);
  }
  const countAfter = blocks.slice(best).reduce((total, block) => total + block.count, 0);
  const sumAfter = blocks.slice(best).reduce((total, block) => total + block.sum, 0);
  return { best, earliest, latest, before, after: sumAfter / countAfter, ratio };
}
