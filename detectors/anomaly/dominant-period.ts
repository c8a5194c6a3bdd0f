/**
 * The period at which a stretch of values repeats itself, by autocorrelation: the first lag that stands out, made precise
 * by its multiples. Values far out are pulled in first, so that a spike or two does not hide the rest.
 *
 * Cost: O(values x lags).
 */

/** Correlation at the peak, and height of the peak above the trough before it, that make a period. */
const correlationMin = 0.3;
const riseMin = 0.3;

/**
 * @param ring values in order of time, the oldest at `from`.
 * Gives back a period in values, 4 to a third of their number; undefined where nothing repeats.
 */
export function dominantPeriod(ring: ArrayLike<number>, from = 0): number | undefined {
  const correlation = autocorrelation(ring, from);
  if (correlation === undefined) return undefined;
  const lagMax = correlation.length - 1;
  let trough = 1;
  let best = 0;
  let bestValue = correlationMin;
  for (let lag = 2; lag <= (2 * lagMax) / 3 && lag < lagMax; lag += 1) {
    const value = correlation[lag] as number;
    trough = Math.min(trough, value);
    const peak = value >= (correlation[lag - 1] as number) && value > (correlation[lag + 1] as number);
    // A multiple of the period is as high as the period itself, give or take chance: it must be clearly higher to win.
    if (lag < 4 || !peak || value - trough < riseMin || value <= bestValue * (best === 0 ? 1 : 1.15)) continue;
    best = lag;
    bestValue = value;
  }
  if (best === 0) return undefined;

  let period = refined(correlation, best, best);
  for (let multiple = 2; (multiple + 0.5) * period + 2 < lagMax; multiple += 1) {
    const middle = Math.round(multiple * period);
    let top = middle;
    for (let lag = middle - 2; lag <= middle + 2; lag += 1) if ((correlation[lag] as number) > (correlation[top] as number)) top = lag;
    if ((correlation[top] as number) < correlationMin) break;
    period = refined(correlation, top, period) / multiple;
  }
  return period;
}

/** At lags up to half the number of values; undefined where they are all equal. */
function autocorrelation(ring: ArrayLike<number>, from: number): Float64Array | undefined {
  const n = ring.length;
  let mean = 0;
  for (let i = 0; i < n; i += 1) mean += (ring[i] as number) / n;
  let spread = 0;
  for (let i = 0; i < n; i += 1) spread += Math.abs((ring[i] as number) - mean) / n;
  if (!(spread > 0)) return undefined;

  const limit = 3 * spread;
  const values = new Float64Array(n);
  let centre = 0;
  for (let i = 0; i < n; i += 1) {
    const value = Math.max(-limit, Math.min(limit, (ring[(from + i) % n] as number) - mean)) / spread;
    values[i] = value;
    centre += value / n;
  }
  let power = 0;
  for (let i = 0; i < n; i += 1) {
    values[i]! -= centre;
    power += (values[i] as number) ** 2;
  }
  const lagMax = Math.floor(n / 2);
  const correlation = new Float64Array(lagMax + 1);
  for (let lag = 1; lag <= lagMax; lag += 1) {
    let sum = 0;
    for (let i = lag; i < n; i += 1) sum += (values[i] as number) * (values[i - lag] as number);
    correlation[lag] = (sum / (n - lag)) / (power / n);
  }

  return correlation;
}

/** Top of the parabola through a peak and two points an eighth of a period beside it: less is noise, more another shape. */
function refined(correlation: Float64Array, lag: number, period: number): number {
  const beside = Math.max(1, Math.min(Math.round(period / 8), correlation.length - 1 - lag));
  const left = correlation[lag - beside] as number;
  const top = correlation[lag] as number;
  const right = correlation[lag + beside] as number;
  const bend = left - 2 * top + right;
  return bend < 0 ? lag + (beside * 0.5 * (left - right)) / bend : lag;
}
