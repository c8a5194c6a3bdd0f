/**
 * A model's features as people look at them: what moved, how far, why, and a histogram of each that is asked for. Read off the
 * monitors when somebody asks, since a histogram of every feature each second would be work for nobody.
 */
export interface FeatureView {
  /** A feature's name; `score`, or `row.…` for a measure of whole rows. */
  readonly name: string;
  readonly kind: "numeric" | "categorical";
  /** Decimal logarithm of its evidence, at least 0; of an alarm's culprits with what they had gathered when it was raised. */
  readonly evidence: number;
  /** Of all columns' evidence, while an alarm is on of its culprits'; 0 to 1. */
  readonly share: number;
  /** Undefined where the window has too few rows for a distance to mean anything. */
  readonly psi: number | undefined;
  readonly jensenShannon: number | undefined;
  /** Ratios of the window's values, by what is wrong with them; what never happened is left out. */
  readonly violations: Readonly<Record<string, number>>;
  /** What its latest values tell of the data's handling, in words; undefined where they tell nothing. */
  readonly cause: string | undefined;
  /** From the reference to the latest values, such as `mean 2.1 to 11.4, PSI 1.8`. */
  readonly change: string;
  /** Only of those that were asked for. */
  readonly histogram?: FeatureHistogram | undefined;
}

export interface FeatureHistogram {
  readonly cells: readonly HistogramCell[];
  /** Rows in all cells, those that were put together too. */
  readonly referenceRows: number;
  readonly windowRows: number;
}

export interface HistogramCell {
  readonly name: string;
  /** Where it lies, of a number's own cells; the others are for what a number should not be. */
  readonly low?: number;
  readonly high?: number;
  readonly reference: number;
  readonly now: number;
}

export interface FeaturesView {
  readonly model: string;
  /** `learning`: there is no reference yet; `off`: there is none that can be used. */
  readonly status: "watching" | "learning" | "off";
  /** Decimal logarithm of the evidence that alarms. */
  readonly threshold: number | undefined;
  /** Of all columns together, as it is held against the threshold. */
  readonly evidence: number | undefined;
  /** Rows that are compared with the reference. */
  readonly window: number;
  /** Most evidence first. */
  readonly features: readonly FeatureView[];
}

/** What can be asked of the analysis. */
export interface FeaturesQuestion {
  /** Names of the features whose histograms are wanted, at most `histogramsMax`. */
  readonly histograms: readonly string[];
}

export const histogramsMax = 32;
