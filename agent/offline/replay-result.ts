/** What a replay tells. The first part is what `--json` prints; the rest is for the report. */
import type { Performance } from "../../detectors/performance/banded.ts";
import type { Measures } from "./measures.ts";

export const alarmKinds = [
  "drift", // features or the score no longer look like the reference
  "violations", // more values than before are null, of another type, out of range or not known
  "mistakes", // wrong predictions have become more frequent
  "estimated-performance", // a chunk's estimate lies beyond what the reference's chunks vary by
  "realised-performance", // so does what came true
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

export interface ReplayAlarm {
  /** Index of the row at which it fired, from 0. */
  readonly row: number;
  /** Of that row, where rows have times. */
  readonly time?: string | undefined;
  readonly kind: AlarmKind;
  /** What moved most. */
  readonly feature?: string | undefined;
  readonly message: string;
}

export interface ChunkResult {
  readonly index: number;
  /** Indices of its rows from 0, the last one included. */
  readonly first: number;
  readonly last: number;
  /** Times of its first and its last row. */
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  /** True for a last chunk with fewer rows than the others. */
  readonly short?: true | undefined;
  readonly features: Readonly<Record<string, Measures>>;
  readonly performance: { readonly estimated?: Performance | undefined; readonly realised?: Performance | undefined };
}

export interface Replayed {
  readonly rows: number;
  readonly chunks: readonly ChunkResult[];
  readonly alarms: readonly ReplayAlarm[];
}
