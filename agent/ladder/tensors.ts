/**
 * From the tensors of a request to the inputs of another model and from its outputs to the answer that the primary would have
 * given. Pure, and knows nothing of ONNX but the names of its types.
 *
 * An input is taken from where its mapping says. Without a mapping it is taken from the tensor of its name; a model with one
 * matrix gets it from named columns in the order of `features`, and a model with an input for each feature gets them from a
 * single matrix, whose columns `features` names.
 */
import type { ModelDescription, Tensor, TensorDescription, Value } from "../protocols/protocol.ts";

/** One input of the model that is to answer. */
export interface Input {
  readonly name: string;
  /** As the runtime says: `float32`, `int64`, `string`, ... */
  readonly type: string;
  /** A number is fixed, a name varies. */
  readonly shape: readonly (number | string)[];
}

/** A value that is the same for every row. */
export interface Constant {
  readonly constant: Exclude<Value, null> | readonly Exclude<Value, null>[];
}

/** Where an input comes from: a tensor or a column by its name, a constant, or columns and constants in their order. */
export type InputSource = string | Constant | readonly (string | Constant)[];
export type InputMapping = Readonly<Record<string, InputSource>>;

export type Fed =
  | { readonly ok: true; readonly feeds: readonly Feed[] }
  | { readonly ok: false; readonly outcome: "unsupported" | "rejected"; readonly detail: string };

export interface Feed {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
}

/** What the model's inputs get from the request. `unsupported`: something is missing; `rejected`: it does not fit. */
export function feed(inputs: readonly Input[], tensors: readonly Tensor[], features: readonly string[] | undefined, mapping: InputMapping = {}): Fed {
  const rows = batchOf(tensors);
  if (rows === undefined) return { ok: false, outcome: "rejected", detail: "the tensors have different numbers of rows" };
  const column = columns(tensors, rows, features);
  const feeds: Feed[] = [];
  for (const input of inputs) {
    const source = Object.hasOwn(mapping, input.name) ? mapping[input.name] : undefined;
    const values = source === undefined ? valuesFor(input, inputs.length === 1, tensors, rows, column, features) : mapped(source, input, tensors, rows, column);
    if (values === undefined) return { ok: false, outcome: "unsupported", detail: `the request has nothing for the input ${input.name}` };
    const shape = shapeFor(input, rows, values.length, isConstant(source));
    if (shape === undefined) return { ok: false, outcome: "rejected", detail: `${values.length} values in ${rows} rows do not fit the input ${input.name} [${input.shape.join(",")}]` };
    feeds.push({ name: input.name, type: input.type, shape, values });
  }
  return { ok: true, feeds };
}

/** The number of rows that all tensors share; undefined where they differ. A tensor without dimensions is one row. */
export function batchOf(tensors: readonly Tensor[]): number | undefined {
  const rows = tensors[0]?.shape[0] ?? 1;
  return tensors.every((tensor) => (tensor.shape[0] ?? 1) === rows) ? rows : undefined;
}

type ColumnOf = (name: string) => readonly Value[] | undefined;

function columns(tensors: readonly Tensor[], rows: number, features: readonly string[] | undefined): ColumnOf {
  const [only] = tensors;
  if (tensors.length === 1 && only !== undefined && features !== undefined && features.length > 1 && only.values.length === rows * features.length) {
    return (name) => {
      const at = features.indexOf(name);
      return at < 0 ? undefined : Array.from({ length: rows }, (_, row) => only.values[row * features.length + at] as Value);
    };
  }
  const byName = new Map(tensors.filter(({ values }) => values.length === rows).map(({ name, values }) => [name, values]));
  return (name) => byName.get(name);
}

function valuesFor(input: Input, isOnly: boolean, tensors: readonly Tensor[], rows: number, column: ColumnOf, features: readonly string[] | undefined): readonly Value[] | undefined {
  const named = tensors.find(({ name }) => name === input.name);
  if (named !== undefined) return named.values;
  const single = column(input.name);
  if (single !== undefined) return single;
  if (!isOnly) return undefined;
  if (features !== undefined) {
    const parts = features.map(column);
    if (parts.every((part) => part !== undefined)) return Array.from({ length: rows * parts.length }, (_, i) => parts[i % parts.length]?.[Math.floor(i / parts.length)] as Value);
  }
  return tensors.length === 1 ? tensors[0]?.values : undefined;
}

function mapped(source: InputSource, input: Input, tensors: readonly Tensor[], rows: number, column: ColumnOf): readonly Value[] | undefined {
  if (typeof source === "string") return column(source) ?? tensors.find(({ name }) => name === source)?.values;
  if (isConstant(source)) {
    const row = [source.constant].flat();
    // An input with a batch has it for each row; one without has it once.
    return typeof input.shape[0] === "string" ? Array.from({ length: rows }, () => row).flat() : row;
  }
  const parts = source.map((part) => (isConstant(part) ? () => [part.constant].flat() : picked(column(part))));
  if (!parts.every((part) => part !== undefined)) return undefined;
  return Array.from({ length: rows }, (_, row) => parts.flatMap((part) => part(row))).flat();
}

function picked(values: readonly Value[] | undefined): ((row: number) => readonly Value[]) | undefined {
  return values && ((row) => [values[row] as Value]);
}

export function isConstant(source: InputSource | undefined): source is Constant {
  return typeof source === "object" && "constant" in source;
}

/** The input's own dimensions with the batch in the first and what is left in at most one other that varies. */
function shapeFor({ shape }: Input, rows: number, count: number, isOnce: boolean): readonly number[] | undefined {
  if (shape.length === 0) return count === 1 ? [] : undefined;
  const [first, ...rest] = shape;
  if (isOnce && shape.every((size) => typeof size === "number")) return shape.reduce((product, size) => product * size, 1) === count ? shape : undefined;
  if (typeof first === "number" && first !== rows) return undefined;
  const fixed = rest.reduce<number>((product, size) => (typeof size === "number" ? product * size : product), 1);
  const free = rest.filter((size) => typeof size !== "number").length;
  const width = rows === 0 ? fixed : count / rows / fixed;
  if (!Number.isInteger(width) || (free === 0 && width !== 1) || free > 1) return undefined;
  return [rows, ...rest.map((size) => (typeof size === "number" ? size : width))];
}

/** What a backend that is no model server gives for one output. */
export interface Given {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
}

export type Conformed =
  | { readonly ok: true; readonly outputs: readonly Tensor[] }
  | { readonly ok: false; readonly outcome: "unsupported" | "rejected"; readonly detail: string };

/**
 * The outputs as the primary would have given them: names, order, datatypes and ranks from its description, or as they are
 * given where that is not known; only those asked for, in the order asked.
 */
export function conform(given: ReadonlyMap<string, Given>, description: ModelDescription | undefined, asked: readonly string[] | undefined, rows: number): Conformed {
  const described = new Map(description?.outputs.map((output) => [output.name, output]));
  // Some servers describe their model with no outputs at all: then what was given is what there is.
  const known = described.size === 0 ? [...given.keys()] : [...described.keys()];
  const stranger = asked?.find((name) => !known.includes(name));
  if (stranger !== undefined) return { ok: false, outcome: "rejected", detail: `there is no output ${stranger}` };
  const outputs: Tensor[] = [];
  for (const name of asked ?? known) {
    const output = given.get(name);
    if (output === undefined) return { ok: false, outcome: "unsupported", detail: `this rung has nothing for the output ${name}` };
    outputs.push(like(described.get(name), { name, ...output }, rows));
  }
  return { ok: true, outputs };
}

function like(description: TensorDescription | undefined, tensor: Tensor, rows: number): Tensor {
  if (description === undefined) return tensor;
  const dimensions = [rows, ...description.shape.slice(1)];
  const fits = description.shape.length > 0 && dimensions.reduce((product, size) => product * size, 1) === tensor.values.length;
  return { ...tensor, datatype: description.datatype, shape: fits ? dimensions : tensor.shape };
}

/** For a primary whose description is not known. */
export function datatypeOf(values: readonly Value[]): string {
  if (values.every((value) => typeof value === "boolean")) return "BOOL";
  if (values.every((value) => typeof value === "number")) return values.every(Number.isInteger) ? "INT64" : "FP32";
  return "BYTES";
}
