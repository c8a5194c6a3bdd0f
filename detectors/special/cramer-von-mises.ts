/**
 * The limit distribution of the Cramer-von Mises statistic: the sum of squared normal variables over (k pi)^2.
 *
 * Its upper tail by Smirnov's integral, in which the root's two ends are smoothed away by a cosine; so that it keeps its
 * digits however small it is. Source: T. Anderson and D. Darling, Asymptotic theory of certain goodness of fit criteria
 * (1952), section 4. Cost: a few hundred to a few thousand sines.
 */

const nodes = 48;
const arches = 60;

/** The probability that the statistic is above `x`. */
export function cramerVonMisesSurvival(x: number): number {
  if (Number.isNaN(x)) throw new RangeError("cramerVonMisesSurvival: expected a number, got NaN");
  if (x < 0.003) return 1; // short of 1 by less than 1e-16
  let sum = 0;
  for (let arch = 1; arch <= arches; arch += 1) {
    let integral = 0;
    for (let node = 0; node < nodes; node += 1) {
      const angle = (Math.PI * (node + 0.5)) / nodes;
      const into = (Math.PI / 2) * (1 - Math.cos(angle));
      const s = (2 * arch - 1) * Math.PI + into;
      integral += (Math.sin(angle) / Math.sqrt(s * Math.sin(into))) * Math.exp((-x * s * s) / 2);
    }
    const next = sum + (arch % 2 === 1 ? integral : -integral);
    if (next === sum) break;
    sum = next;
  }
  // The width of a step, pi / nodes, times ds / d(angle) = pi / 2 sin(angle), times 2 / pi before the integral.
  return Math.min(1, (Math.PI / nodes) * sum);
}
