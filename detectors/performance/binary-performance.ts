/**
 * All figures of a classifier with two classes, each with its band, from columns: realised where the answers are known,
 * estimated where all there is are probabilities of them.
 *
 * A row without an answer, a score or a prediction is left out of what needs it; a figure without a meaning is absent.
 * The metrics' names are those of scikit-learn.
 */
import { banded, type Banded, type Performance } from "./banded.ts";
import { calibrationErrorBand } from "./calibration.ts";
import { checkLengths, pick, rowsWhere } from "./columns.ts";
import { confusion, f1OfJaccard, rate, rateNames, trials, type Confusion } from "./confusion.ts";
import { labelOf, type Label } from "./labels.ts";
import { isProbability, logarithmic, meanLoss, quadratic } from "./probability-scores.ts";
import { ranking, type ScoredRows } from "./ranking.ts";
import { mapped, meanBand, rateBand } from "./sequence-bands.ts";

export interface BinaryColumns {
  readonly scores?: ArrayLike<number> | undefined;
  readonly predictions?: ArrayLike<Label> | undefined;
}

export type BinaryClasses = readonly [negative: string, positive: string];

/** Estimated: the bands are three standard errors of what chunks of this size would realise, were the likelihoods right. */
export function likelyBinary(columns: BinaryColumns, likelihoods: ArrayLike<number>, [, positive]: BinaryClasses): Performance {
  const { scored, cells } = known(columns, likelihoods, positive);
  return binaryFigures(scored, cells);
}

/**
 * Realised: the bands of rates, of Brier's score and of the logarithmic loss hold at all times at once, however often one
 * looks (confidence sequences); that of ROC AUC is DeLong's, that of average precision comes from the delta method.
 */
export function realisedBinary(columns: BinaryColumns, actuals: ArrayLike<Label>, [, positive]: BinaryClasses): Performance {
  const likelihoods = Float64Array.from(actuals, (actual) => {
    const label = labelOf(actual);
    return label === undefined ? Number.NaN : label === positive ? 1 : 0;
  });
  const { scored, cells } = known(columns, likelihoods, positive);
  return { ...(scored && rankingFigures(scored)), ...(scored && lossBands(scored)), ...(cells && rateBands(cells)) };
}

/** Estimated, also from entries that stand for many rows: `cells` and `scored` may bear weights. */
export function binaryFigures(scored: ScoredRows | undefined, cells: Confusion | undefined): Performance {
  const rates = cells && mapNames(rateNames, (name) => {
    const share = rate(name, cells);
    return share && banded(share, 0, 1);
  });
  return { ...(scored && rankingFigures(scored)), ...(scored && lossFigures(scored)), ...rates };
}

function rankingFigures(scored: ScoredRows): Performance {
  const ranks = ranking(scored);
  const error = isProbability(scored.scores) ? calibrationErrorBand(scored) : undefined;
  return {
    ...(ranks && { roc_auc: banded(ranks.rocAuc, 0, 1), average_precision: banded(ranks.averagePrecision, 0, 1) }),
    ...(error && { ece: error }),
  };
}

function lossFigures(scored: ScoredRows): Performance {
  const surprise = meanLoss(scored, logarithmic);
  const squared = meanLoss(scored, quadratic);
  return { ...(surprise && { log_loss: banded(surprise, 0) }), ...(squared && { brier: banded(squared, 0, 1) }) };
}

function known({ scores, predictions }: BinaryColumns, likelihoods: ArrayLike<number>, positive: string) {
  const rows = checkLengths({ actuals: likelihoods, scores, predictions });
  const answered = (row: number): boolean => (likelihoods[row] as number) >= 0;
  let scored: ScoredRows | undefined;
  if (scores !== undefined) {
    const whole = rowsWhere(rows, (row) => answered(row) && Number.isFinite(scores[row]));
    scored = { scores: pick(scores, whole), likelihoods: pick(likelihoods, whole) };
  }
  let cells: Confusion | undefined;
  if (predictions !== undefined) {
    const whole = rowsWhere(rows, (row) => answered(row) && labelOf(predictions[row]) !== undefined);
    const predicted = Float64Array.from(whole, (row) => (labelOf(predictions[row]) === positive ? 1 : 0));
    cells = confusion(predicted, pick(likelihoods, whole));
  }
  return { scored, cells };
}

function rateBands(cells: Confusion): Performance {
  return mapNames(rateNames, (name) => {
    const band = rateBand(trials(name, cells));
    return name === "f1" ? band && mapped(band, f1OfJaccard) : band;
  });
}

function mapNames<Name extends string>(names: readonly Name[], of: (name: Name) => Banded | undefined): Performance {
  const figures: Record<string, Banded> = {};
  for (const name of names) {
    const figure = of(name);
    if (figure !== undefined) figures[name] = figure;
  }
  return figures;
}

/** Where the answers are known and scores are probabilities. */
function lossBands({ scores, likelihoods }: ScoredRows): Performance {
  if (!isProbability(scores)) return {};
  const losses = (loss: (likelihood: number) => number) =>
    Float64Array.from(scores, (score, row) => loss(likelihoods[row] === 1 ? score : 1 - score));
  const surprise = meanBand(losses(logarithmic), 0);
  const squared = meanBand(losses(quadratic), 0, 1);
  return { ...(surprise && { log_loss: surprise }), ...(squared && { brier: squared }) };
}
