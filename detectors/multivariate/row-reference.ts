/**
 * What whole rows looked like, made once from a sample of the reference's rows: how to write a row as numbers, how the
 * columns hang together, and what two measures of strangeness were on rows that had no say in the fit. Each measure is a
 * number a row, so the same e-detector that watches a feature watches it, with the same promise.
 */
import type { FeatureReference, RowModel, Value } from "../reference/feature-reference.ts";
import { fitMahalanobis, mahalanobisDistance } from "./mahalanobis.ts";
import { fitPrincipalComponents, reconstructionError } from "./principal-components.ts";
import { encodingOf, rowEncoder } from "./row-encoder.ts";
import { rowsOf } from "./rows.ts";

/** In the order in which they are scored. */
export const rowMeasures = ["mahalanobis", "reconstruction_error"] as const;

/** Beyond so many columns the fit would take minutes and a megabyte; such rows want a projection or a featuriser first. */
const columnsMax = 200;
const rowsMin = 100;
const sampleMax = 300;

export interface FittedRows {
  readonly model: RowModel;
  /** Of the rows held out of the fit: by measure, in the order of `rowMeasures`. */
  readonly heldOut: readonly (readonly number[])[];
}

/**
 * @param rows in any order, each with a value for every feature; some thousands are plenty. Even ones are fitted, odd ones
 * held out.
 * @returns undefined where there are fewer than 100 rows, fewer than 2 or more than 200 columns to encode.
 * Cost: rows x columns^2 + 10 columns^3.
 */
export function fitRows(features: readonly FeatureReference[], rows: readonly (readonly Value[])[]): FittedRows | undefined {
  const encoding = encodingOf(features);
  const encoder = rowEncoder(encoding);
  if (rows.length < rowsMin || encoder.columns < 2 || encoder.columns > columnsMax) return undefined;
  const encoded = rows.map((row) => {
    const into = new Float64Array(encoder.columns);
    encoder.encode(row, into);
    return into;
  });
  const fitted = rowsOf(encoded.filter((_, index) => index % 2 === 0));
  const heldOut = encoded.filter((_, index) => index % 2 === 1);
  const mahalanobis = fitMahalanobis(fitted);
  const components = fitPrincipalComponents(fitted);
  return {
    model: { encoding, mahalanobis, components, sample: heldOut.slice(0, sampleMax).map((row) => Array.from(row, (value) => Number(value.toPrecision(6)))) },
    heldOut: [heldOut.map((row) => mahalanobisDistance(mahalanobis, row)), heldOut.map((row) => reconstructionError(components, row))],
  };
}

export interface RowScorer {
  /** How strange a row is by each measure; the same array at every call, in the order of `rowMeasures`. */
  score(row: readonly Value[]): Float64Array;
}

/** Cost: columns squared a row, half a microsecond at 16 columns; nothing is allocated. */
export function rowScorer({ encoding, mahalanobis, components }: Omit<RowModel, "sample">): RowScorer {
  const encoder = rowEncoder(encoding);
  const encoded = new Float64Array(encoder.columns);
  const scores = new Float64Array(rowMeasures.length);
  // Tables of doubles, which are read twice as fast as what JSON makes.
  const whitened = { means: Float64Array.from(mahalanobis.means), whitening: Float64Array.from(mahalanobis.whitening) };
  const kept = { means: Float64Array.from(components.means), components: components.components.map((component) => Float64Array.from(component)) };
  return {
    score(row) {
      encoder.encode(row, encoded);
      scores[0] = mahalanobisDistance(whitened, encoded);
      scores[1] = reconstructionError(kept, encoded);
      return scores;
    },
  };
}
