/** Columns of rows as the array that an input of a model takes. */
import type { Value } from "../../detectors/reference/reference.ts";
import { numberFor, onnxNumbers, type OnnxArray } from "../onnx-values.ts";
import type { FedInput } from "./layout.ts";

export interface Fed {
  readonly input: FedInput;
  /** Row by row. */
  readonly data: OnnxArray;
}

/**
 * @param rows how many are fed. @param at which row of the columns each of them is.
 * @param unfit is set to 1 for each of them that the input can not take; something else is fed in the place of what does not fit.
 */
export function feed(input: FedInput, given: ReadonlyMap<string, readonly Value[]>, rows: number, at: (row: number) => number, unfit: Uint8Array): Fed {
  const { type, takes } = input;
  const columns = input.columns.map((column) => given.get(column));
  const texts: string[] = [];
  const numbers: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (const column of columns) {
      const value = column?.[at(row)] ?? null;
      const fits = takes === "text" ? (value === null ? undefined : String(value)) : numberFor(takes, value);
      if (fits === undefined) unfit[row] = 1;
      if (takes === "text") texts.push((fits as string | undefined) ?? "");
      else numbers.push((fits as number | undefined) ?? 0);
    }
  }
  return { input, data: takes === "text" ? texts : onnxNumbers(type, numbers) };
}
