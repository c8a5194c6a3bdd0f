/**
 * Tensors between the Open Inference Protocol's JSON and onnxruntime. All that can be wrong with a tensor is found here,
 * before the model runs, and said in a sentence; the caller answers 400 with it.
 *
 * Format: kserve/open-inference-protocol, inference_rest.md, "Tensor Data": nested or flat, row-major.
 */
import { type InferenceSession, Tensor } from "onnxruntime-node";

/** A tensor as the protocol's JSON has it. */
export interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** What a model wants or gives under one name. A dimension that is a word has the same size wherever it stands. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly (number | string)[];
}

type Elements = Tensor["data"];

interface Datatype {
  readonly type: Tensor.Type;
  /** Whether a JSON value is one of this type. */
  readonly holds: (value: unknown) => boolean;
  readonly pack: (values: readonly unknown[]) => Elements;
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isWhole = (least: number, most: number) => (value: unknown) =>
  isNumber(value) && Number.isInteger(value) && value >= least && value <= most;

/** The datatypes that this server knows. 64-bit integers beyond 2^53 lost digits when the JSON was read, so they are refused. */
const datatypes: Readonly<Record<string, Datatype>> = {
  FP32: { type: "float32", holds: isNumber, pack: (values) => Float32Array.from(values as number[]) },
  FP64: { type: "float64", holds: isNumber, pack: (values) => Float64Array.from(values as number[]) },
  INT32: { type: "int32", holds: isWhole(-(2 ** 31), 2 ** 31 - 1), pack: (values) => Int32Array.from(values as number[]) },
  INT64: {
    type: "int64",
    holds: Number.isSafeInteger,
    pack: (values) => BigInt64Array.from(values as number[], BigInt),
  },
  BOOL: {
    type: "bool",
    holds: (value) => typeof value === "boolean",
    pack: (values) => Uint8Array.from(values as boolean[], Number),
  },
  BYTES: { type: "string", holds: (value) => typeof value === "string", pack: (values) => [...values] as string[] },
};

/** The tensors of a session by name; a model with a type outside the table can not be served. */
export function specsOf(metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return metadata.map((value) => {
    if (!value.isTensor) throw new TypeError(`${value.name} is no tensor`);
    const known = Object.entries(datatypes).find(([, datatype]) => datatype.type === value.type);
    if (known === undefined) throw new TypeError(`${value.name} is ${value.type}, which this server does not know`);
    return { name: value.name, datatype: known[0], shape: value.shape };
  });
}

export type Decoded = { readonly feeds: Readonly<Record<string, Tensor>> } | { readonly wrong: string };

/** The request's `inputs` as feeds for a model, all of `specs` and nothing else. */
export function decode(inputs: unknown, specs: readonly TensorSpec[]): Decoded {
  if (!Array.isArray(inputs) || inputs.length === 0) return { wrong: "inputs must be a list of tensors" };
  const feeds: Record<string, Tensor> = {};
  const sizes = new Map<string, number>();
  for (const input of inputs as readonly unknown[]) {
    if (!isTensor(input)) return { wrong: "each input needs a name, a datatype, a shape of positive integers and data" };
    const spec = specs.find(({ name }) => name === input.name);
    if (spec === undefined) return { wrong: `the model has no input '${input.name}'` };
    if (Object.hasOwn(feeds, input.name)) return { wrong: `input '${input.name}' is there twice` };
    if (input.datatype !== spec.datatype) {
      return { wrong: `input '${input.name}' must be ${spec.datatype}, got ${input.datatype}` };
    }
    if (!fits(input.shape, spec.shape, sizes)) {
      return { wrong: `input '${input.name}' must have the shape ${shapeText(spec.shape)}, got ${shapeText(input.shape)}` };
    }
    const { holds, pack, type } = datatypes[input.datatype] as Datatype;
    const values = input.data.flat(input.shape.length) as readonly unknown[];
    const count = input.shape.reduce((product, size) => product * size, 1);
    if (values.length !== count) {
      return { wrong: `input '${input.name}' must have ${count} values for its shape ${shapeText(input.shape)}, got ${values.length}` };
    }
    const odd = values.findIndex((value) => !holds(value));
    if (odd >= 0) return { wrong: `input '${input.name}' holds ${JSON.stringify(values[odd])} at ${odd}, which is no ${input.datatype}` };
    feeds[input.name] = new Tensor(type as "float32", pack(values) as Float32Array, input.shape);
  }
  const missing = specs.find(({ name }) => !Object.hasOwn(feeds, name));
  return missing === undefined ? { feeds } : { wrong: `input '${missing.name}' is missing` };
}

/** A model's output as the protocol has it, flat. */
export function encode(name: string, tensor: Tensor): JsonTensor {
  const datatype = Object.entries(datatypes).find(([, { type }]) => type === tensor.type)?.[0] ?? tensor.type;
  return { name, datatype, shape: [...tensor.dims], data: valuesOf(tensor) };
}

function valuesOf({ type, data }: Tensor): readonly unknown[] {
  if (type === "int64") return Array.from(data as BigInt64Array, exact);
  if (type === "bool") return Array.from(data as Uint8Array, (value) => value === 1);
  return Array.from(data as ArrayLike<unknown>);
}

/** Every digit of a 64-bit integer survives. TypeScript 7.0 does not know JSON.rawJSON yet. */
function exact(value: bigint): unknown {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(value.toString());
}

function isTensor(value: unknown): value is JsonTensor {
  if (typeof value !== "object" || value === null) return false;
  const { name, datatype, shape, data } = value as Partial<Record<string, unknown>>;
  return (
    typeof name === "string" &&
    typeof datatype === "string" &&
    Array.isArray(shape) &&
    shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0) &&
    Array.isArray(data)
  );
}

/** Whether a shape is one that the model takes; remembers the size of each dimension that is a word. */
function fits(shape: readonly number[], wanted: TensorSpec["shape"], sizes: Map<string, number>): boolean {
  return (
    shape.length === wanted.length &&
    shape.every((size, i) => {
      const dimension = wanted[i] as number | string;
      if (typeof dimension === "number" || dimension === "") return dimension === "" || dimension === size;
      if (!sizes.has(dimension)) sizes.set(dimension, size);
      return sizes.get(dimension) === size;
    })
  );
}

function shapeText(shape: TensorSpec["shape"]): string {
  return `[${shape.map((size) => (size === "" ? "?" : size)).join(",")}]`;
}
