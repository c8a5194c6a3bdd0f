/**
 * Isotonic regression: the never-falling curve closest to the answers in the sense of least squares, by pooling neighbours
 * that are out of order (pool adjacent violators).
 *
 * Rows of equal x are pooled first. Between the points of the curve one goes in a straight line, beyond its ends it is
 * level: scikit-learn's IsotonicRegression with out_of_bounds="clip". Source: R. E. Barlow et al., Statistical Inference
 * under Order Restrictions, 1972. Cost: a sort; reading takes a search in O(log points).
 */

/** Points in ascending order of x; y never falls. */
export interface IsotonicCurve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Pool {
  /** Of the first and the last distinct x in it. */
  readonly first: number;
  last: number;
  weight: number;
  /** Weight times y. */
  total: number;
}

/** A million rows of a real model's scores make about a thousand points; a file should stay small whatever comes. */
export const isotonicPointsMax = 5_000;

/**
 * @param pointsMax the curve has no more points; it is exact as long as it needs no more.
 * @throws RangeError without rows, and for a number that is not finite or a weight that is not above 0.
 */
export function isotonicCurve(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { weights, pointsMax = isotonicPointsMax }: { readonly weights?: ArrayLike<number> | undefined; readonly pointsMax?: number } = {},
): IsotonicCurve {
  if (!(pointsMax >= 2)) throw new RangeError(`isotonicCurve: pointsMax must be 2 or more, got ${pointsMax}`);
  if (x.length === 0 || x.length !== y.length || (weights !== undefined && weights.length !== x.length)) {
    throw new RangeError(`isotonicCurve: expected columns of equal length, one row or more, got ${x.length} and ${y.length}`);
  }
  const order = Uint32Array.from({ length: x.length }, (_, row) => row).sort((a, b) => (x[a] as number) - (x[b] as number));

  const pools: Pool[] = [];
  let ties: Pool | undefined;
  const settle = (): void => {
    if (ties === undefined) return;
    let before = pools.at(-1);
    while (before !== undefined && before.total * ties.weight >= ties.total * before.weight) {
      ties = joined(before, ties);
      pools.pop();
      before = pools.at(-1);
    }
    pools.push(ties);
  };
  for (const row of order) {
    const at = x[row] as number;
    const value = y[row] as number;
    const weight = weights === undefined ? 1 : (weights[row] as number);
    if (!Number.isFinite(at) || !Number.isFinite(value) || !(weight > 0 && weight < Infinity)) {
      throw new RangeError(`isotonicCurve: row ${row}: expected finite numbers and a weight above 0, got ${at}, ${value}, ${weight}`);
    }
    if (ties !== undefined && ties.last === at) {
      ties.weight += weight;
      ties.total += weight * value;
    } else {
      settle();
      ties = { first: at + 0, last: at + 0, weight, total: weight * value };
    }
  }
  settle();

  const points = fewer(pools, pointsMax >>> 1).flatMap(({ first, last, weight, total }) => {
    const level = total / weight;
    return first === last ? [[first, level] as const] : [[first, level] as const, [last, level] as const];
  });
  return { x: points.map(([at]) => at), y: points.map(([, level]) => level) };
}

/** What the curve says at x. */
export function isotonicAt({ x, y }: IsotonicCurve, at: number): number {
  let low = 0;
  let high = x.length - 1;
  if (!(at > (x[0] as number))) return y[0] as number;
  if (at >= (x[high] as number)) return y[high] as number;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((x[middle] as number) <= at) low = middle;
    else high = middle;
  }
  const from = x[low] as number;
  const [below, above] = [y[low] as number, y[high] as number];
  if (below === above) return below;
  return Math.min(above, below + ((at - from) / ((x[high] as number) - from)) * (above - below));
}

/**
 * The pools of a curve that has too many of them, made fewer: neighbours are pooled although they are in order, those
 * first whose pooling changes the area under the curve of operating characteristics least (weight times weight times step).
 */
function fewer(pools: readonly Pool[], most: number): readonly Pool[] {
  let left = pools;
  while (left.length > most) {
    const costs = Float64Array.from({ length: left.length - 1 }, (_, i) => cost(left[i] as Pool, left[i + 1] as Pool));
    const cheapest = Uint32Array.from(costs.keys()).sort((a, b) => (costs[a] as number) - (costs[b] as number));
    const joins = new Set<number>();
    for (const i of cheapest) {
      // An eighth at most in one pass, since costs change with every join.
      if (left.length - joins.size <= most || joins.size > left.length / 8) break;
      if (!joins.has(i - 1) && !joins.has(i + 1)) joins.add(i);
    }
    left = left.flatMap((pool, i) => (joins.has(i - 1) ? [] : joins.has(i) ? [joined(pool, left[i + 1] as Pool)] : [pool]));
  }
  return left;
}

function cost(a: Pool, b: Pool): number {
  return a.weight * b.weight * (b.total / b.weight - a.total / a.weight);
}

function joined(a: Pool, b: Pool): Pool {
  return { first: a.first, last: b.last, weight: a.weight + b.weight, total: a.total + b.total };
}
