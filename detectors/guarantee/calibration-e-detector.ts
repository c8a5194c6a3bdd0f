/**
 * E-detector for calibration: does a classifier's score still mean what it says, P(actual = 1 | score) = score? With a
 * false-alarm rate that is promised, for actuals as they come in.
 *
 * An actual is bet on at the odds that the score names: that the true odds are half as high, twice as high, and so on. The
 * bets are made apart in ten bins of the score, since a model may be right on average and wrong in each, and once more over
 * all scores together, which finds a common error sooner. While scores are right no bet gains on average; the money put in
 * grows by one a row, half of it for the row's bin and half for all, so the sum of all pots reaches A within t rows with
 * probability t/A at most, and after A rows or more on average (Shiryaev and Roberts).
 *
 * A model that was never calibrated will be found out. `oddsTolerance` forgives what is within a factor of the score's
 * odds; or calibrate the score first. Rows must come in an order that does not depend on their actuals.
 *
 * Sources: J. Shin, A. Ramdas and A. Rinaldo, E-detectors, arXiv 2203.03532; I. Waudby-Smith and A. Ramdas, arXiv
 * 2010.09686.
 */
import type { Reading } from "../detector.ts";

export interface CalibrationEDetectorOptions {
  /** A: mean number of rows between two false alarms, at least. */
  readonly samplesPerFalseAlarm: number;
  /** 1 or more: true odds of up to so many times the score's, and down to one part in so many, count as right. */
  readonly oddsTolerance?: number;
}

export interface CalibrationState {
  /** Money per bet, the bins' one after the other and then those over all scores, in units of 2^exponent. */
  readonly pots: Float64Array;
  /** Of each bin's pots, and last of those over all scores. */
  readonly sums: Float64Array;
  exponent: number;
  /** What is put into each pot at a step, in units of 2^exponent. */
  stake: number;
}

export interface CalibrationEDetector {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  start(): CalibrationState;
  /** Consumes `state`. Throws a RangeError unless the score is 0 to 1 and the actual is 0 or 1. */
  step(state: CalibrationState, score: number, actual: number): CalibrationState;
  /** Statistic and threshold are logarithms to base 10 of the pots' sum and of A. */
  read(state: CalibrationState): Reading;
  /** Of the bins' evidence, the share of each, in order of the score; they add up to 1, and are equal while there is none. */
  shares(state: CalibrationState): number[];
}

const binCount = 10;

/** How many times the score's odds a bet believes the true ones to be; below 1 the score was too high. */
const oddsRatios = Float64Array.of(1 / 4, 1 / 2, 1 / 1.4, 1.4, 2, 4);
const betCount = oddsRatios.length;

/** A sum above 2^512 is written with another exponent. No bet multiplies by more than 4. */
const shift = 512;
const large = 2 ** shift;

/** Cost: O(1) a row, 40 to 60 nanoseconds as measured; 0.7 kB of state. */
export function calibrationEDetector({ samplesPerFalseAlarm, oddsTolerance = 1 }: CalibrationEDetectorOptions): CalibrationEDetector {
  if (!(samplesPerFalseAlarm > 1 && samplesPerFalseAlarm < Infinity)) {
    throw new RangeError(`calibrationEDetector: samplesPerFalseAlarm must be above 1, got ${samplesPerFalseAlarm}`);
  }
  if (!(oddsTolerance >= 1 && oddsTolerance < Infinity)) {
    throw new RangeError(`calibrationEDetector: oddsTolerance must be 1 or more, got ${oddsTolerance}`);
  }
  const forgiven = oddsRatios.map((ratio) => (ratio < 1 ? 1 / oddsTolerance : oddsTolerance));
  // Two parts in A of each pot are given away at a step, so that rows which prove nothing never add up to A: their scores
  // are 0 or 1, in the outermost bins.
  const kept = 1 - Math.min(1 / 2, 2 / samplesPerFalseAlarm);
  const threshold = Math.log10(samplesPerFalseAlarm);

  /** Plays the bets of one bin; gives back the sum of their pots. */
  function play(pots: Float64Array, first: number, stake: number, score: number, actual: number): number {
    let sum = 0;
    for (let bet = 0; bet < betCount; bet += 1) {
      const base = forgiven[bet] as number;
      const odds = (oddsRatios[bet] as number) * base;
      // The likelihood ratio of the odds bet on to those that still count as right.
      const whenZero = (1 - score + base * score) / (1 - score + odds * score);
      const factor = actual === 1 ? whenZero * (oddsRatios[bet] as number) : whenZero;
      const pot = ((pots[first + bet] as number) + stake) * factor * kept;
      pots[first + bet] = pot;
      sum += pot;
    }
    return sum;
  }

  return {
    guarantee: `While each actual is 1 with the probability that its score names, a false alarm comes after ${samplesPerFalseAlarm} rows or more on average, and within t rows with probability t/${samplesPerFalseAlarm} at most.`,

    start: () => ({ pots: new Float64Array((binCount + 1) * betCount), sums: new Float64Array(binCount + 1), exponent: 0, stake: 0.5 / betCount }),

    step(state, score, actual) {
      if (!(score >= 0 && score <= 1)) throw new RangeError(`calibrationEDetector: expected a score from 0 to 1, got ${score}`);
      if (actual !== 0 && actual !== 1) throw new RangeError(`calibrationEDetector: expected an actual of 0 or 1, got ${actual}`);
      const { pots, sums, stake } = state;
      const bin = Math.min(binCount - 1, Math.floor(score * binCount));
      sums[bin] = play(pots, bin * betCount, stake, score, actual);
      sums[binCount] = play(pots, binCount * betCount, stake, score, actual);

      const sum = total(sums);
      if (sum > large) rescale(state, shift);
      else if (sum < 1 && state.exponent > 0) rescale(state, -shift);
      return state;
    },

    read({ sums, exponent }) {
      const statistic = Math.log10(total(sums)) + exponent * Math.log10(2);
      return { verdict: statistic >= threshold ? "drift" : "stable", statistic, threshold };
    },

    shares({ sums }) {
      const bins = sums.subarray(0, binCount);
      const sum = total(bins);
      return Array.from(bins, (share) => (sum > 0 ? share / sum : 1 / binCount));
    },
  };
}

/** Writes the same money with another exponent. */
function rescale(state: CalibrationState, by: number): void {
  const factor = 2 ** -by;
  for (let i = 0; i < state.pots.length; i += 1) state.pots[i]! *= factor;
  for (let i = 0; i < state.sums.length; i += 1) state.sums[i]! *= factor;
  state.exponent += by;
  state.stake = (0.5 / betCount) * 2 ** -state.exponent;
}

function total(sums: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < sums.length; i += 1) sum += sums[i] as number;
  return sum;
}
