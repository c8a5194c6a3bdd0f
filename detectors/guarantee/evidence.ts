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
 * Proved, whatever the features have to do with each other, is what holds at any one row t: the average is worth t on
 * average, and is A or more with probability t/A at most. That it does not pass A at *some* row up to t is proved for one
 * feature; for several it was measured (bench/guarantees.ts: within the budget at correlations of 0, 0.5 and 0.95), since a
 * pot is fair to those who know its own past, and the average also knows the others'.
 */
export function combineEvidence(logEvidences: readonly number[]): Evidence {
  const features = logEvidences.length;
  const largest = Math.max(...logEvidences);
  if (largest === -Infinity) return { log10: -Infinity, shares: logEvidences.map(() => 1 / features) };
  const parts = logEvidences.map((log) => Math.exp(log - largest));
  const sum = parts.reduce((total, part) => total + part, 0);
  return { log10: (largest + Math.log(sum / features)) / Math.LN10, shares: parts.map((part) => part / sum) };
}

/**
 * The same with proof, for an alarm at some row up to t and any dependence between the features: the largest pot, less what
 * there are features of (Bonferroni). Never above the average's.
 */
export function provenEvidence(logEvidences: readonly number[]): number {
  return (Math.max(...logEvidences) - Math.log(Math.max(1, logEvidences.length))) / Math.LN10;
}

/** A: the evidence at which to alarm, so that at most `alarms` false ones are expected in `perSamples` rows. */
export function falseAlarmThreshold(alarms: number, perSamples: number): number {
  if (!(alarms > 0 && perSamples > 0 && Number.isFinite(perSamples / alarms))) {
    throw new RangeError(`falseAlarmThreshold: expected positive numbers, got ${alarms} per ${perSamples} samples`);
  }
  return perSamples / alarms;
}
