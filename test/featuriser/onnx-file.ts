/**
 * Writes small ONNX models for the tests, a few hundred bytes each, so that no test needs Python or a binary file. Field
 * numbers are those of onnx.proto3 (ONNX, IR version 8), the encoding is protobuf's.
 */

export interface ValueShape {
  readonly name: string;
  readonly type?: keyof typeof elementTypes;
  /** A number is fixed, a name varies. */
  readonly shape: readonly (number | string)[];
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of operators that are not among ONNX's own. */
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[] | readonly string[]>>;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export interface Model {
  readonly inputs: readonly ValueShape[];
  readonly outputs: readonly ValueShape[];
  readonly nodes: readonly Node[];
  /** Constants by name: 32-bit floats, or a list of whole numbers. */
  readonly weights?: Readonly<Record<string, Weight | readonly bigint[]>>;
}

const elementTypes = { float32: 1, int64: 7, string: 8, float64: 11 } as const;

export function onnxFile({ inputs, outputs, nodes, weights = {} }: Model): Uint8Array {
  const graph = [
    ...nodes.map((node) => bytes(1, nodeBytes(node))),
    text(2, "test"),
    ...Object.entries(weights).map(([name, weight]) => bytes(5, weightBytes(name, weight))),
    ...inputs.map((input) => bytes(11, valueBytes(input))),
    ...outputs.map((output) => bytes(12, valueBytes(output))),
  ];
  const machineLearning = Buffer.concat([text(1, "ai.onnx.ml"), whole(2, 3)]);
  return Buffer.concat([whole(1, 8), bytes(7, Buffer.concat(graph)), bytes(8, whole(2, 17)), bytes(8, machineLearning)]);
}

/** An autoencoder of two columns that knows rows with `second = 2 first`: it gives back the nearest of these. */
export const line: Model = {
  inputs: [{ name: "x", shape: ["rows", 2] }],
  outputs: [{ name: "y", shape: ["rows", 2] }],
  nodes: [{ op: "MatMul", inputs: ["x", "onto"], outputs: ["y"] }],
  weights: { onto: { shape: [2, 2], values: [0.2, 0.4, 0.4, 0.8] } },
};

/**
 * An autoencoder of `a`, `b` and `c` that knows rows in which c is positive where a and b are of one sign, negative where
 * not. No two of the columns tell that, and no straight line does.
 */
export const parity: Model = {
  inputs: ["a", "b", "c"].map((name) => ({ name, shape: ["rows", 1] })),
  outputs: [{ name: "y", shape: ["rows", 3] }],
  nodes: [
    { op: "Mul", inputs: ["a", "b"], outputs: ["product"] },
    { op: "Sign", inputs: ["product"], outputs: ["sign"] },
    { op: "Abs", inputs: ["c"], outputs: ["size"] },
    { op: "Mul", inputs: ["sign", "size"], outputs: ["expected"] },
    { op: "Concat", inputs: ["a", "b", "expected"], outputs: ["y"], attributes: { axis: 1 } },
  ],
};

function nodeBytes({ op, inputs, outputs, domain, attributes = {} }: Node): Buffer {
  const given = Object.entries(attributes).map(([name, value]) => bytes(5, Buffer.concat([text(1, name), attributeBytes(value)])));
  return Buffer.concat([...inputs.map((name) => text(1, name)), ...outputs.map((name) => text(2, name)), text(4, op), ...given, ...(domain === undefined ? [] : [text(7, domain)])]);
}

function attributeBytes(value: number | readonly number[] | readonly string[]): Buffer {
  if (typeof value === "number") return Buffer.concat([whole(3, value), whole(20, 2)]);
  const parts = value.map((one) => (typeof one === "number" ? whole(8, one) : text(9, one)));
  return Buffer.concat([...parts, whole(20, typeof value[0] === "number" ? 7 : 8)]);
}

function weightBytes(name: string, weight: Weight | readonly bigint[]): Buffer {
  if (!("shape" in weight)) return Buffer.concat([whole(1, weight.length), whole(2, elementTypes.int64), text(8, name), bytes(9, Buffer.from(BigInt64Array.from(weight).buffer))]);
  const raw = Buffer.from(Float32Array.from(weight.values).buffer);
  return Buffer.concat([...weight.shape.map((size) => whole(1, size)), whole(2, elementTypes.float32), text(8, name), bytes(9, raw)]);
}

function valueBytes({ name, type = "float32", shape }: ValueShape): Buffer {
  const dimensions = shape.map((size) => bytes(1, typeof size === "number" ? whole(1, size) : text(2, size)));
  const tensor = Buffer.concat([whole(1, elementTypes[type]), bytes(2, Buffer.concat(dimensions))]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

function whole(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const parts: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) parts.push((rest % 0x80) | 0x80);
  return Buffer.from([...parts, rest]);
}
