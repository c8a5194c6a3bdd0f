/**
 * Where the features of a request lie in its tensors, named as the protocols name a batch's columns: the columns of a single
 * matrix by the features' names, a tensor of one column by its own, the columns of any other by its name and their number.
 */
import type { Tensor } from "../protocols/protocol.ts";

/** The value of row r lies at `r * width + offset` of the tensor's flat data. */
export interface Place {
  /** Which tensor. */
  readonly input: number;
  readonly offset: number;
  readonly width: number;
}

export interface Layout {
  /** Of the first tensor; the others should have as many. */
  readonly rows: number;
  readonly places: ReadonlyMap<string, Place>;
  /** Tensors with another number of rows than the first. */
  readonly uneven: readonly number[];
}

/** A tensor of more columns is an image or an embedding, and no row of features. */
const widthMax = 16_384;

export function layoutOf(inputs: readonly Tensor[], features: readonly string[]): Layout {
  const rows = rowsOf(inputs[0]);
  const places = new Map<string, Place>();
  const uneven: number[] = [];
  for (const [input, tensor] of inputs.entries()) {
    if (rowsOf(tensor) !== rows) {
      uneven.push(input);
      continue;
    }
    const width = rows === 0 ? 0 : tensor.values.length / rows;
    if (!Number.isInteger(width) || width > widthMax) continue;
    const isMatrix = inputs.length === 1 && features.length === width;
    for (let offset = 0; offset < width; offset += 1) {
      const name = isMatrix ? (features[offset] as string) : width === 1 ? tensor.name : `${tensor.name}_${offset}`;
      places.set(name, { input, offset, width });
    }
  }
  return { rows, places, uneven };
}

/** The first dimension is the batch; a scalar is a batch of one. */
function rowsOf(tensor: Tensor | undefined): number {
  return tensor?.shape[0] ?? 1;
}
