/** From tensors to the columns of a batch, which is what drift is watched in. */
import type { Column, Decoded, Tensor, Value } from "./protocol.ts";

/** A wider tensor is no table but an image or the like; its columns mean nothing and would cost a list each. */
const columnsMax = 16_384;

/** The columns of a batch, as `Protocol.decodeRequest` has it. Cost: linear in the values. */
export function columnsIn(tensors: readonly Tensor[], features?: readonly string[]): Decoded {
  const rows = rowsOf(tensors[0]);
  if (tensors.some((tensor) => rowsOf(tensor) !== rows)) return { ok: false, reason: "shape" };
  if (rows === 0) return { ok: false, reason: "empty" };
  return { ok: true, rows, columns: tensors.flatMap((tensor) => columnsOf(tensor, rows, tensors.length === 1 ? features : undefined)) };
}

/** The first dimension is the batch; a scalar is a batch of one. */
export function rowsOf(tensor: Tensor | undefined): number {
  return tensor?.shape[0] ?? 1;
}

function columnsOf({ name, values }: Tensor, rows: number, features: readonly string[] | undefined): readonly Column[] {
  const width = values.length / rows;
  if (width > columnsMax) return [];
  if (width === 1) return [{ name: features?.length === 1 ? (features[0] as string) : name, values }];
  const names = features?.length === width ? features : Array.from({ length: width }, (_, index) => `${name}_${index}`);
  return names.map((column, index) => ({ name: column, values: Array.from({ length: rows }, (_, row) => values[row * width + index] as Value) }));
}
