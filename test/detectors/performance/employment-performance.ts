/** Three chunks of the census rows with what NannyML makes of them (known-answers/employment-performance.json), decoded. */
import { readFileSync } from "node:fs";

interface File {
  readonly calibration: { readonly x: readonly number[]; readonly y: readonly number[] };
  readonly reference_realised_roc_auc: readonly number[];
  readonly threshold: { readonly lower: number; readonly upper: number };
  readonly chunks: readonly {
    readonly index: number;
    readonly rows: number;
    readonly scores: string;
    readonly actuals: string;
    readonly estimated: Readonly<Record<string, number>>;
    readonly realised: Readonly<Record<string, number>>;
    readonly published: { readonly roc_auc: number };
  }[];
}

const file = JSON.parse(readFileSync(new URL("../known-answers/employment-performance.json", import.meta.url), "utf8")) as File;

export const { calibration, threshold, reference_realised_roc_auc: referenceRocAuc } = file;

export const chunks = file.chunks.map(({ scores, actuals, ...chunk }) => {
  const bytes = Buffer.from(scores, "base64");
  const bits = Buffer.from(actuals, "base64");
  const score = Float64Array.from({ length: chunk.rows }, (_, row) => bytes.readDoubleLE(8 * row));
  return {
    ...chunk,
    scores: score,
    predictions: Array.from(score, (value) => (value >= 0.5 ? 1 : 0)),
    actuals: Array.from(score, (_, row) => ((bits[row >> 3] as number) >> (7 - (row & 7))) & 1),
  };
});
