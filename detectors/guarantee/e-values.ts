/**
 * The algebra of evidence. An e-value is what a bet made of a stake of 1 where the odds were fair: above 1/alpha with
 * probability alpha at most. All here are natural logarithms of e-values, minus infinity for an e-value of 0.
 *
 * Source: V. Vovk and R. Wang, E-values: calibration, combination, and applications, Annals of Statistics 49 (2021).
 */

/**
 * The average is an e-value however the parts hang together: for many tests of one hypothesis.
 *
 * @param weights shares of the stake, 0 or more; equal where absent.
 */
export function averageEvidence(logs: ArrayLike<number>, weights?: ArrayLike<number>): number {
  check("averageEvidence", logs);
  if (weights !== undefined && weights.length !== logs.length) {
    throw new RangeError(`averageEvidence: ${logs.length} e-values and ${weights.length} weights`);
  }
  let largest = -Infinity;
  let stake = 0;
  for (let i = 0; i < logs.length; i += 1) {
    const weight = weights === undefined ? 1 : (weights[i] as number);
    if (!(weight >= 0 && weight < Infinity)) throw new RangeError(`averageEvidence: weights must be 0 or more, got ${weight}`);
    if (weight > 0) largest = Math.max(largest, logs[i] as number);
    stake += weight;
  }
  if (stake === 0) throw new RangeError("averageEvidence: all weights are 0");
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < logs.length; i += 1) {
    const weight = weights?.[i] ?? 1;
    if (weight > 0) sum += weight * Math.exp((logs[i] as number) - largest);
  }
  return largest + Math.log(sum / stake);
}

/** The product is an e-value where each was bet knowing no more than the ones before it: of independent tests, or of one after the other. */
export function productEvidence(logs: ArrayLike<number>): number {
  check("productEvidence", logs);
  let sum = 0;
  for (let i = 0; i < logs.length; i += 1) {
    if (logs[i] === -Infinity) return -Infinity;
    sum += logs[i] as number;
  }
  return sum;
}

function check(name: string, logs: ArrayLike<number>): void {
  if (logs.length === 0) throw new RangeError(`${name}: expected e-values, got none`);
  for (let i = 0; i < logs.length; i += 1) if (Number.isNaN(logs[i])) throw new RangeError(`${name}: expected numbers, got NaN`);
}
