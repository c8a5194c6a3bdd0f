/** Values as an ONNX runtime takes them: an array of the type of the input. Knows the names of the types, not the runtime. */

export type OnnxArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[];

/** What each type of input is made of, and its array of values that fit. Others can not be written here. */
const types = {
  float32: { of: "numbers", array: (values) => Float32Array.from(values) },
  float64: { of: "numbers", array: (values) => Float64Array.from(values) },
  int8: { of: "whole numbers", array: (values) => Int8Array.from(values) },
  int16: { of: "whole numbers", array: (values) => Int16Array.from(values) },
  int32: { of: "whole numbers", array: (values) => Int32Array.from(values) },
  int64: { of: "whole numbers", array: (values) => BigInt64Array.from(values, BigInt) },
  uint8: { of: "whole numbers", array: (values) => Uint8Array.from(values) },
  uint16: { of: "whole numbers", array: (values) => Uint16Array.from(values) },
  uint32: { of: "whole numbers", array: (values) => Uint32Array.from(values) },
  uint64: { of: "whole numbers", array: (values) => BigUint64Array.from(values, BigInt) },
  bool: { of: "whole numbers", array: (values) => Uint8Array.from(values) },
} as const satisfies Record<string, { of: "numbers" | "whole numbers"; array: (values: readonly number[]) => OnnxArray }>;

/** What an input of a type takes; undefined where the type is not supported. */
export function takenBy(type: string): "numbers" | "whole numbers" | "text" | undefined {
  if (type === "string") return "text";
  return Object.hasOwn(types, type) ? types[type as keyof typeof types].of : undefined;
}

/**
 * The value for an input that takes numbers: a truth value is 0 or 1, null is NaN, as Python's clients send a missing value.
 * undefined where it does not fit: text, and among whole numbers what is none.
 */
export function numberFor(takes: "numbers" | "whole numbers", value: unknown): number | undefined {
  if (typeof value === "string") return undefined;
  const number = value === null || value === undefined ? NaN : Number(value);
  return takes === "numbers" || Number.isInteger(number) ? number : undefined;
}

/** @param type one that `takenBy` knows and that takes numbers. @param numbers of `numberFor`. */
export function onnxNumbers(type: string, numbers: readonly number[]): OnnxArray {
  return types[type as keyof typeof types].array(numbers);
}
