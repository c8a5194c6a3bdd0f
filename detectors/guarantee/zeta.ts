/**
 * Riemann's zeta function for s above 1: the sum of n^-s. Stitched boundaries share out alpha among their epochs by it.
 *
 * Source: the Euler-Maclaurin sum from n = 20 on (Abramowitz and Stegun 23.2.3); right to 1e-13 for s up to 10 and beyond.
 */
export function zeta(s: number): number {
  if (!(s > 1)) throw new RangeError(`zeta: s must be above 1, got ${s}`);
  const from = 20;
  let sum = 0;
  for (let n = 1; n < from; n += 1) sum += n ** -s;
  const rest = from ** (1 - s) / (s - 1) + from ** -s / 2;
  const [first, third, fifth] = [s, s * (s + 1) * (s + 2), s * (s + 1) * (s + 2) * (s + 3) * (s + 4)];
  const seventh = fifth * (s + 5) * (s + 6);
  const square = from ** -2;
  return sum + rest + from ** (-s - 1) * (first / 12 - square * (third / 720 - square * (fifth / 30_240 - (square * seventh) / 1_209_600)));
}
