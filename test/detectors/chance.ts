/** Chance for the statistical tests: repeatable, and another generator than the detectors have. */
export type Chance = () => number;

/** Park and Miller's minimal standard generator: numbers in (0, 1). */
export function chance(seed: number): Chance {
  let state = (seed * 16_807 + 1) % 2_147_483_647;
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let i = 0; i < 10; i += 1) next(); // seeds next to each other begin alike
  return next;
}

/** A standard normal number, by Box and Muller. */
export function gaussian(next: Chance): number {
  return Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
}
