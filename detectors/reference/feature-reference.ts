/**
 * A reference as data: what normal looked like, for each feature a histogram over fixed cells. Plain JSON throughout.
 *
 * Whatever a feature sends, it falls into exactly one cell: nulls, NaN, values of the wrong type and values never seen
 * before have cells of their own. So a window of traffic is a vector of counts over the same cells, two windows merge by
 * addition, and every measure of drift is a function of two such vectors. What to do with cells is in cells.ts.
 */
import type { EncodedFeature } from "../multivariate/encoded-feature.ts";
import type { MahalanobisModel } from "../multivariate/mahalanobis.ts";
import type { PrincipalComponents } from "../multivariate/principal-components.ts";
import type { PerformanceEstimator } from "../performance/estimator.ts";
import type { referenceFormat } from "./reference-format.ts";
import type { Season } from "./seasons.ts";

/** What a feature may send. */
export type Value = number | string | boolean | null | undefined;

export interface NumericReference {
  readonly kind: "numeric";
  readonly name: string;
  /** Where one cell ends and the next begins, ascending: a value at an edge lies in the cell below it. */
  readonly edges: readonly number[];
  /** Rows per cell: one cell more than edges, then `under, over, null, nan, infinite, wrongType`. */
  readonly counts: readonly number[];
  readonly rows: number;
  /** Of the finite values, as are the three that follow. */
  readonly mean: number;
  readonly standardDeviation: number;
  readonly min: number;
  readonly max: number;
  /** Whether every finite value is whole. */
  readonly integer?: boolean | undefined;
  /** How many distinct finite values there are; an estimate where they are too many to hold. */
  readonly distinct?: number | undefined;
  /** Bins of equal width over the finite values, for measures that other tools take over such bins (doane.ts). */
  readonly histogram?: Histogram | undefined;
  /** Up to a thousand of the finite values, drawn at random, ascending: for exact tests. */
  readonly sample?: readonly number[] | undefined;
  /** Of the mid-ranks of neighbouring rows, in the order that the rows came, within seasons where there are some. */
  readonly autocorrelation?: number | undefined;
  /** Per season the rows per cell, over the same cells as `counts`; there where the reference has a season. */
  readonly seasons?: readonly (readonly number[])[] | undefined;
}

export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
}

export interface CategoricalReference {
  readonly kind: "categorical";
  readonly name: string;
  /** In the order of their UTF-16 code units. Numbers and booleans are known by their text. */
  readonly values: readonly string[];
  /** Rows per cell: a cell per value, then `other, null, wrongType`. */
  readonly counts: readonly number[];
  /**
   * The part of `counts` that comes from the half of the rows that had no say in which values are known and which are
   * frequent. Ranks are taken among these alone, since a value's frequency flatters it in the rows that got it chosen.
   */
  readonly heldOut: readonly number[];
  readonly rows: number;
  /** How many distinct values there are; an estimate where they are too many to hold. */
  readonly distinct?: number | undefined;
  /** As for numbers, with the cells in the order of their frequency. */
  readonly autocorrelation?: number | undefined;
  /** Per season the part of `heldOut` that lies in it; there where the reference has a season. */
  readonly seasons?: readonly (readonly number[])[] | undefined;
}

export type FeatureReference = NumericReference | CategoricalReference;

export interface Reference {
  readonly format: typeof referenceFormat;
  readonly model: string;
  readonly rows: number;
  readonly features: readonly FeatureReference[];
  /** The model's own output, where there is one number a row. */
  readonly score?: FeatureReference | undefined;
  /** What the model decided, where that is not the score itself. */
  readonly prediction?: FeatureReference | undefined;
  /** What these are called in the data that the reference was made from. */
  readonly columns?: ReferenceColumns | undefined;
  /** What made those of the features that are in no data. */
  readonly featuriser?: FeaturiserOrigin | undefined;
  /** What the features' distributions depend on, where they do. */
  readonly season?: Season | undefined;
  /** How whole rows looked, where that could be fitted and does not depend on the season. */
  readonly wholeRows?: WholeRows | undefined;
  /** Every so-manyth row enters the alarms, so that these are nearly independent of each other; 1 is every row. */
  readonly thinning?: number | undefined;
  /** Estimates the model's performance without the true answers. */
  readonly estimator?: PerformanceEstimator | undefined;
  /** What was realised on the reference, by name: `accuracy`, `roc_auc`, ... */
  readonly performance?: Readonly<Record<string, number>> | undefined;
}

/** How the features hang together in a row. */
export interface RowModel {
  /** In the order of the features. */
  readonly encoding: readonly EncodedFeature[];
  readonly mahalanobis: MahalanobisModel;
  readonly components: PrincipalComponents;
  /** Some encoded rows, to compare later ones with. */
  readonly sample: readonly (readonly number[])[];
}

export interface WholeRows extends RowModel {
  /** A number for each measure of a row's strangeness, of rows that had no say in the fit. */
  readonly measures: readonly NumericReference[];
}

export interface ReferenceColumns {
  readonly score?: string | undefined;
  readonly prediction?: string | undefined;
  readonly actual?: string | undefined;
  readonly timestamp?: string | undefined;
}

/** A model that makes features of rows: its features mean the same only where all of this is the same. */
export interface FeaturiserOrigin {
  /** SHA-256 of the model's file, in hex. */
  readonly digest: string;
  /** `autoencoder`: its error is the feature; `embedding`: random projections of its output are. */
  readonly kind: "autoencoder" | "embedding";
  /** The columns that it reads, in its order. */
  readonly columns: readonly string[];
  /** How many projections, and the seed of their directions; of an embedding only. */
  readonly outputs?: number | undefined;
  readonly seed?: number | undefined;
}

/** A column of data in memory, of which a feature's reference is made. */
export interface Column {
  readonly name: string;
  readonly values: readonly Value[];
  /** Where it is not given, what most of the values are. */
  readonly kind?: FeatureReference["kind"] | undefined;
}
