/** What a model gave for the rows that it was fed, and how far that is from them. */
import type { Tensor } from "onnxruntime-node";
import type { Fed } from "./feed.ts";

export interface Output {
  readonly name: string;
  /** Row by row. */
  readonly data: ArrayLike<number | bigint>;
  /** Of a row. */
  readonly width: number;
}

/** @throws Error where that is nothing, or no whole number of values for each row. */
export function outputOf(name: string, { data, dims }: Tensor, rows: number): Output {
  const width = data.length / rows;
  if (!Number.isInteger(width) || width === 0) throw new Error(`its output "${name}" [${dims.join(", ")}] is nothing for each of ${rows} rows`);
  return { name, data: data as ArrayLike<number | bigint>, width };
}

/** The vector of a row. */
export function rowOf({ data, width }: Output, row: number): Float64Array {
  return Float64Array.from({ length: width }, (_, i) => Number(data[row * width + i]));
}

/** The root mean square of output minus input over the columns of the row that are finite; NaN where none is. */
export function reconstructionError(fed: readonly Fed[], { data, width }: Output, row: number): number {
  let [sum, count, at] = [0, 0, row * width];
  for (const { input, data: values } of fed) {
    const own = input.columns.length;
    for (let i = 0; i < own; i += 1, at += 1) {
      const value = Number(values[row * own + i]);
      if (!Number.isFinite(value)) continue;
      sum += (Number(data[at]) - value) ** 2;
      count += 1;
    }
  }
  return Math.sqrt(sum / count);
}
