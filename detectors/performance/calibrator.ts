/**
 * Whether scores should be calibrated before they are taken for probabilities, and with which curve.
 *
 * Calibrating what is calibrated only adds noise. So every row gets a probability from a curve that was fitted without it
 * (ten parts, dealt by chance with a fixed seed), and the curve of all rows is used only where these are nearer to what
 * happened than the scores themselves, by the expected calibration error over ten groups. NannyML 0.13.1 decides the same
 * way, on ten random tenths. A score outside [0, 1] is no probability and is always calibrated.
 *
 * Cost: eleven isotonic fits.
 */
import { calibrationError } from "./calibration.ts";
import { pick, rowsWhere } from "./columns.ts";
import { isotonicAt, isotonicCurve, isotonicPointsMax, type IsotonicCurve } from "./isotonic.ts";
import { isProbability } from "./probability-scores.ts";
import { advance, uniform } from "../random.ts";

export interface Calibration {
  /** Absent where scores are probabilities as they are. */
  readonly curve?: IsotonicCurve | undefined;
  /** Expected calibration error of the scores, and of probabilities from curves that had not seen the row. */
  readonly errorBefore?: number | undefined;
  readonly errorAfter: number;
}

const parts = 10;
const seed = 19_720_101;

/** @param actuals 1 where the row is positive, else 0; as many as scores, two or more. Scores are finite. */
export function calibration(scores: ArrayLike<number>, actuals: ArrayLike<number>, pointsMax = isotonicPointsMax): Calibration {
  const part = deal(scores.length);
  const unseen = new Float64Array(scores.length);
  for (let held = 0; held < parts; held += 1) {
    const learnt = rowsWhere(scores.length, (row) => part[row] !== held);
    if (learnt.length === 0) continue;
    const curve = isotonicCurve(pick(scores, learnt), pick(actuals, learnt));
    for (let row = 0; row < unseen.length; row += 1) if (part[row] === held) unseen[row] = isotonicAt(curve, scores[row] as number);
  }
  const errorAfter = calibrationError({ scores: unseen, likelihoods: actuals }) as number;
  const curve = isotonicCurve(scores, actuals, { pointsMax });
  if (!isProbability(scores)) return { curve, errorAfter };
  const errorBefore = calibrationError({ scores, likelihoods: actuals }) as number;
  return errorAfter < errorBefore ? { curve, errorBefore, errorAfter } : { errorBefore, errorAfter };
}

/** Which part each row falls into. */
function deal(rows: number): Uint8Array {
  let chance = seed;
  return Uint8Array.from({ length: rows }, () => {
    chance = advance(chance);
    return Math.floor(uniform(chance) * parts);
  });
}

/** The probability that each row is positive, as far as is known; NaN for a score that can not be one. */
export function likelihoodsOf(scores: ArrayLike<number>, curve: IsotonicCurve | undefined): Float64Array {
  return Float64Array.from(scores, (score) => {
    if (!Number.isFinite(score)) return Number.NaN;
    if (curve !== undefined) return isotonicAt(curve, score);
    return score >= 0 && score <= 1 ? score : Number.NaN;
  });
}
