/**
 * The two small parts of a gamma or beta density that are left when Stirling's formula has taken the large ones away.
 *
 * Densities built of log-gammas lose a digit for every tenfold of their arguments, because large numbers are subtracted
 * from each other; built of these parts they keep all digits. Source: C. Loader, Fast and Accurate Computation of
 * Binomial Probabilities (2000).
 */

/** ln Γ(a + 1) less Stirling's formula for it, (a + 1/2) ln a - a + ln(2π) / 2. For `a` above 0. */
export function stirlingError(a: number): number {
  let error = 0;
  let at = a;
  for (; at < 16; at += 1) error += (at + 0.5) * Math.log1p(1 / at) - 1;
  const square = at * at;
  // Stirling's series; what it leaves out at 16 is below 1e-17.
  const series = 1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360_360 / square) / square) / square) / square) / square;
  return error + series / at;
}

/** a ln(a / x) + x - a: 0 where they are the same, and above 0 elsewhere. For `a` and `x` above 0. */
export function deviance(a: number, x: number): number {
  const difference = a - x;
  if (Math.abs(difference) > 0.1 * (a + x)) return a * Math.log(a / x) - difference;
  const v = difference / (a + x);
  let sum = difference * v;
  let power = 2 * a * v;
  for (let odd = 3; odd <= 19; odd += 2) {
    power *= v * v;
    sum += power / odd;
  }
  return sum;
}
