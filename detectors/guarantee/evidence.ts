/**
 * One verdict on many features, from the evidence of each one's e-detector.
 *
 * The average of many pots is a pot: while nothing has changed it is worth t on average after t rows, however the features
 * hang together, so one budget holds for the whole model and grows no smaller with more features. Whose share of the sum
 * is largest has moved most.
 */

export interface Evidence {
  /** Logarithm to base 10 of the average; minus infinity where there is none. An alarm is due at log10 of A. */
  readonly log10: number;
  /** Of the sum, 0 to 1, in the order of the features; they add up to 1, and are equal while there is no evidence. */
  readonly shares: number[];
}

/**
 * @param logEvidences natural logarithms, as `logEvidence` gives them.
 *
 * That the average reaches A within t rows with probability t/A at most is exact for one feature; for ranks of several
 * dependent features it was measured (fewer alarms than promised at correlations of 0, 0.5 and 0.95), not proved: a pot is
 * fair to those who know its own past, and the average also knows the others'. Where proof is needed, compare each
 * feature's evidence with A times the number of features instead.
 */
export function combineEvidence(logEvidences: readonly number[]): Evidence {
  const features = logEvidences.length;
  const largest = Math.max(...logEvidences);
  if (largest === -Infinity) return { log10: -Infinity, shares: logEvidences.map(() => 1 / features) };
  const parts = logEvidences.map((log) => Math.exp(log - largest));
  const sum = parts.reduce((total, part) => total + part, 0);
  return { log10: (largest + Math.log(sum / features)) / Math.LN10, shares: parts.map((part) => part / sum) };
}

/** A: the evidence at which to alarm, so that at most `alarms` false ones are expected in `perSamples` rows. */
export function falseAlarmThreshold(alarms: number, perSamples: number): number {
  if (!(alarms > 0 && perSamples > 0 && Number.isFinite(perSamples / alarms))) {
    throw new RangeError(`falseAlarmThreshold: expected positive numbers, got ${alarms} per ${perSamples} samples`);
  }
  return perSamples / alarms;
}
