/**
 * How good are the alarms of a detector on a stream whose changes are known?
 *
 * An alarm is true where it comes at a drift or at most `tolerance` values after it and before the next drift; any other is
 * false. Every true alarm counts, so the share of drifts found is given apart, as `episodeRecall`. No figure means much
 * without that of a detector that knows nothing: many drifts and a wide tolerance make `alwaysFire` look good (river's
 * discussion of its evaluation, PR 1963). All positions are 0-based indices into the stream, ascending; a figure that has no
 * meaning is undefined. Cost: O(alarms + drifts).
 *
 * The measures are those of A. Bifet, Classifier Concept Drift Detection and the Illusion of Progress, ICAISC 2017 (MTFA,
 * MTD, MDR, MTR), and of river's evaluation.
 */
export interface EvaluationOptions {
  readonly alarms: readonly number[];
  readonly drifts: readonly number[];
  /** Values in the stream. */
  readonly length: number;
  /** Values after a drift within which an alarm is true. */
  readonly tolerance: number;
  /** `falseAlarmRate` is per so many values. */
  readonly unit?: number;
}

export interface Evaluation {
  readonly trueAlarms: number;
  readonly falseAlarms: number;
  readonly missedDrifts: number;
  /** True alarms over true alarms and missed drifts. */
  readonly recall: number | undefined;
  /** Drifts with a true alarm over all drifts. */
  readonly episodeRecall: number | undefined;
  readonly missedRate: number | undefined;
  readonly precision: number | undefined;
  /** Harmonic mean of precision and recall. */
  readonly f1: number | undefined;
  /** Mean values from a drift that was found to its first alarm (mean time to detection). */
  readonly delay: number | undefined;
  /** The delay over the tolerance (normalised detection time). */
  readonly normalisedDelay: number | undefined;
  readonly falseAlarmRate: number;
  /** Mean values between false alarms; there must be two (MTFA). */
  readonly timeBetweenFalseAlarms: number | undefined;
  /** Time between false alarms over the delay, times the share of drifts found (MTR). */
  readonly timeRatio: number | undefined;
}

/** @throws RangeError that names the field and what it got. */
export function evaluateAlarms({ alarms, drifts, length, tolerance, unit = 1_000 }: EvaluationOptions): Evaluation {
  for (const [name, value] of [["length", length], ["tolerance", tolerance], ["unit", unit]] as const) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`evaluateAlarms: ${name} must be a whole number, at least 1, got ${value}`);
  }
  checkPositions("alarms", alarms, length);
  checkPositions("drifts", drifts, length);

  const delays: number[] = [];
  const falseOnes: number[] = [];
  let trueAlarms = 0;
  let drift = -1;
  let found = -1;
  for (const alarm of alarms) {
    while (drift + 1 < drifts.length && (drifts[drift + 1] as number) <= alarm) drift += 1;
    const delay = drift < 0 ? Infinity : alarm - (drifts[drift] as number);
    if (delay > tolerance) {
      falseOnes.push(alarm);
      continue;
    }
    trueAlarms += 1;
    if (drift > found) delays.push(delay);
    found = drift;
  }

  const missedDrifts = drifts.length - delays.length;
  const recall = share(trueAlarms, trueAlarms + missedDrifts);
  const precision = share(trueAlarms, alarms.length);
  const episodeRecall = share(delays.length, drifts.length);
  const delay = share(delays.reduce((sum, one) => sum + one, 0), delays.length);
  const timeBetweenFalseAlarms = share((falseOnes.at(-1) ?? 0) - (falseOnes[0] ?? 0), falseOnes.length - 1);
  return {
    trueAlarms,
    falseAlarms: falseOnes.length,
    missedDrifts,
    recall,
    episodeRecall,
    missedRate: share(missedDrifts, drifts.length),
    precision,
    f1: precision === undefined || recall === undefined ? undefined : (share(2 * precision * recall, precision + recall) ?? 0),
    delay,
    normalisedDelay: delay === undefined ? undefined : delay / tolerance,
    falseAlarmRate: (falseOnes.length / length) * unit,
    timeBetweenFalseAlarms,
    timeRatio:
      timeBetweenFalseAlarms === undefined || episodeRecall === undefined || !delay
        ? undefined
        : (timeBetweenFalseAlarms / delay) * episodeRecall,
  };
}

/** The alarms of a detector that looks at nothing and alarms after each `every` values. */
export function alwaysFire(length: number, every: number): number[] {
  if (!Number.isInteger(every) || every < 1) throw new RangeError(`alwaysFire: every must be a whole number, at least 1, got ${every}`);
  return Array.from({ length: Math.floor(length / every) }, (_, i) => (i + 1) * every - 1);
}

function share(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

function checkPositions(name: string, positions: readonly number[], length: number): void {
  for (const [i, position] of positions.entries()) {
    if (!Number.isInteger(position) || position < 0 || position >= length || (i > 0 && position <= (positions[i - 1] as number))) {
      throw new RangeError(`evaluateAlarms: ${name} must be ascending whole numbers from 0 to ${length - 1}, got ${position} at ${i}`);
    }
  }
}
