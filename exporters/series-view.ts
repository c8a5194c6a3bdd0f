/** Series as exporters read them from the meter: what is so now, without copies. */
import type { Attributes, HrTime } from "@opentelemetry/api";
import type { ExponentialHistogram } from "./exponential-histogram.ts";
import type { AnyInstrument } from "./instruments.ts";

/** Lower-case hexadecimal, 32 and 16 digits. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** The latest traced value of a histogram's bucket. */
export interface Exemplar extends TraceIds {
  readonly value: number;
  readonly atWallMs: number;
}

/** One series as an exporter sees it: live, so to be read at once, and not to be kept. */
export interface SeriesView {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  /** A counter's total, a gauge's level, a histogram's sum. */
  readonly value: number;
  /** A histogram's, one more than there are bounds; not cumulative. */
  readonly counts: Float64Array;
  /** By bucket; undefined where no traced value was recorded. */
  readonly exemplars: readonly (Exemplar | undefined)[] | undefined;
  readonly exponential: ExponentialHistogram | undefined;
}

export interface FamilyView {
  readonly instrument: AnyInstrument;
  readonly bounds: readonly number[];
  /** Those that live when they are reached: an exporter may pause on its way through. */
  readonly series: Iterable<SeriesView>;
}
