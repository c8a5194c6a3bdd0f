/**
 * Generalised Pareto distribution: what lies above a high threshold follows it, whatever the parent. `shape` 0 is the
 * exponential; above 0 the tail is heavy, below 0 it ends at -scale / shape. Excesses and `scale` in the stream's unit.
 *
 * The fit is the likeliest one, by Grimshaw's way: with x = shape / scale, the likeliest shape is the mean of log(1 + x y),
 * so that one number is left to find. Where the likelihood grows without bound (shape below -1) the search stops at -0.5,
 * beyond which no estimate is to be trusted.
 *
 * Sources: S. D. Grimshaw, Computing maximum likelihood estimates for the generalized Pareto distribution, Technometrics 35
 * (1993); A. Balkema and L. de Haan, Annals of Probability 2 (1974).
 */
export interface ParetoFit {
  readonly scale: number;
  readonly shape: number;
}

const shapeMin = -0.5;
/** Below this, x times the mean is as good as 0 and the tail exponential; its log-likelihood is -1. */
const exponential = 1e-9;
const gridSteps = 24;
const goldenSteps = 40;
const golden = (Math.sqrt(5) - 1) / 2;

/** Probability of an excess above `excess`. */
export function paretoSurvival(excess: number, scale: number, shape: number): number {
  if (excess <= 0) return 1;
  const ratio = excess / scale;
  if (Math.abs(shape * ratio) < 1e-8) return Math.exp(-ratio);
  const base = 1 + shape * ratio;
  return base <= 0 ? 0 : base ** (-1 / shape);
}

/** The excess that is passed with probability `p`, 0 < p <= 1. */
export function paretoQuantile(p: number, scale: number, shape: number): number {
  const log = -Math.log(p);
  return Math.abs(shape) < 1e-8 ? scale * log : (scale / shape) * Math.expm1(shape * log);
}

/**
 * @param excesses above the threshold, each above 0; the first `count` are taken.
 * Throws a RangeError where there is none, or one is not above 0. Cost: O(60 count) logarithms.
 */
export function paretoFit(excesses: ArrayLike<number>, count: number = excesses.length): ParetoFit {
  let mean = 0;
  let greatest = 0;
  for (let i = 0; i < count; i += 1) {
    const excess = excesses[i] as number;
    if (!(excess > 0 && excess < Infinity)) throw new RangeError(`paretoFit: excesses must be above 0, got ${excess}`);
    mean += excess / count;
    greatest = Math.max(greatest, excess);
  }
  if (!(count > 0)) throw new RangeError("paretoFit: excesses must not be empty");

  const meanLog = (x: number): number => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) sum += Math.log1p(x * (excesses[i] as number));
    return sum / count;
  };
  /** Log-likelihood of one value at x and the likeliest shape there, in units where the mean is 1. */
  const likelihood = (x: number): number => {
    const log = meanLog(x);
    const shape = Math.max(shapeMin, log);
    const scale = shape / x / mean;
    return Math.abs(x * mean) < exponential ? -1 : -Math.log(scale) - (1 + 1 / shape) * log;
  };

  // 1 + x y must stay above 0 for the greatest y; x = (e^t - 1) / y puts the grid where the likelihood bends.
  const xAt = (t: number): number => (Math.expm1(t) * (1 - 1e-9)) / greatest;
  const low = -8;
  const high = Math.log1p(100 * (greatest / mean));
  let best = 0;
  let bestLikelihood = -1;
  for (let step = 0; step <= gridSteps; step += 1) {
    const t = low + ((high - low) * step) / gridSteps;
    const value = likelihood(xAt(t));
    if (value > bestLikelihood) [best, bestLikelihood] = [t, value];
  }
  let [from, to] = [best - (high - low) / gridSteps, best + (high - low) / gridSteps];
  for (let step = 0; step < goldenSteps; step += 1) {
    const [a, b] = [to - golden * (to - from), from + golden * (to - from)];
    if (likelihood(xAt(a)) >= likelihood(xAt(b))) to = b;
    else from = a;
  }
  const x = xAt((from + to) / 2);
  if (likelihood(x) <= -1 || Math.abs(x * mean) < exponential) return { scale: mean, shape: 0 };
  const shape = Math.max(shapeMin, meanLog(x));
  return { scale: shape / x, shape };
}
