/** Tensors as nested lists, which is how JSON writes them: from lists to a shape and flat values, and back. */
import type { Value } from "./protocol.ts";

/** Data nested deeper is no tensor. */
const depthMax = 32;

/** The values of nested or flat data, row-major; undefined where they are not `count` values. */
export function flat(data: readonly unknown[], count: number): readonly Value[] | undefined {
  const values: Value[] = [];
  const walk = (item: unknown, depth: number): boolean => {
    if (Array.isArray(item)) return depth < depthMax && item.every((inner) => walk(inner, depth + 1));
    if (typeof item === "object" && item !== null) return false;
    return values.push(item as Value) <= count;
  };
  return walk(data, 0) && values.length === count ? values : undefined;
}

export interface Block {
  readonly shape: readonly number[];
  readonly values: readonly Value[];
}

/**
 * The shape and the values of lists in lists, all of one form; undefined where they differ in form. `leaf` reads what is no
 * list; undefined where it is no value.
 */
export function block(data: unknown, leaf: (item: unknown) => Value | undefined): Block | undefined {
  const shape: number[] = [];
  for (let item = data; Array.isArray(item) && shape.length <= depthMax; item = item[0] as unknown) shape.push(item.length);
  if (shape.length > depthMax) return undefined;
  const values: Value[] = [];
  const walk = (item: unknown, depth: number): boolean => {
    if (depth < shape.length) return Array.isArray(item) && item.length === shape[depth] && item.every((inner) => walk(inner, depth + 1));
    const value = leaf(item);
    return value !== undefined && values.push(value) > 0;
  };
  return walk(data, 0) ? { shape, values } : undefined;
}

/** The lists in lists of a shape, with what `leaf` makes of each value; of an empty shape, the value itself. */
export function nested({ shape, values }: Block, leaf: (value: Value) => unknown = (value) => value): unknown {
  const build = (dimension: number, index: number): unknown => {
    const size = shape[dimension];
    return size === undefined ? leaf(values[index] ?? null) : Array.from({ length: size }, (_, inner) => build(dimension + 1, index * size + inner));
  };
  return build(0, 0);
}

/** The protocol's word for what JSON can hold; "" for a mixture. */
export function datatypeOf(values: readonly Value[]): string {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size !== 1) return kinds.size === 0 ? "FP64" : "";
  const [kind] = kinds;
  return kind === "number" ? "FP64" : kind === "boolean" ? "BOOL" : "BYTES";
}
