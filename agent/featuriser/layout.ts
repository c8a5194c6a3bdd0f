/**
 * Which columns go into which input of a model, and in what shape. Pure.
 *
 * An input of one number a row takes the column of its name, one of k numbers those named `<input>_0` to `<input>_<k-1>`, as
 * the columns of a tensor in a request are. The columns of a model with a single input may be named otherwise.
 */
import { takenBy } from "../onnx-values.ts";

/** An input as the runtime describes it: in the shape a number is fixed, a name varies; empty where nothing is said. */
export interface ModelInput {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface FedInput {
  readonly name: string;
  readonly type: string;
  readonly takes: "numbers" | "whole numbers" | "text";
  /** One for each value of a row. */
  readonly columns: readonly string[];
  /** Of a row: what follows the number of rows. */
  readonly shape: readonly number[];
}

export interface Layout {
  readonly inputs: readonly FedInput[];
  /** How many rows the model takes at once, where it takes no other number. */
  readonly batch: number | undefined;
}

/** @param features the columns of a single input, in their order. @throws Error that says what to do about it. */
export function layoutOf(inputs: readonly ModelInput[], features: readonly string[] | undefined): Layout {
  if (inputs.length === 0) throw new Error("it has no inputs");
  const fed = inputs.map((input) => fedInput(input, inputs.length === 1 ? features : undefined));
  const batches = new Set(inputs.map(({ shape: [first] }) => (typeof first === "number" ? first : undefined)).filter((first) => first !== undefined));
  if (batches.size > 1) throw new Error(`its inputs take different numbers of rows: ${[...batches].join(" and ")}`);
  return { inputs: fed, batch: [...batches][0] };
}

function fedInput({ name, type, shape }: ModelInput, features: readonly string[] | undefined): FedInput {
  const described = `its input "${name}" [${shape.join(", ")}]`;
  const takes = takenBy(type);
  if (takes === undefined) throw new Error(`${described} is of ${type}, which is not supported`);
  if (shape.length === 0 && features !== undefined) return { name, type, takes, columns: features, shape: [features.length] };
  if (shape.length === 0 || (shape.length === 1 && typeof shape[0] === "number")) throw new Error(`${described} has no dimension for rows`);

  const rest = shape.slice(1);
  const fixed = rest.reduce<number>((product, size) => (typeof size === "number" ? product * size : product), 1);
  const free = rest.filter((size) => typeof size !== "number").length;
  if (free > 0 && features === undefined) throw new Error(`${described} does not say how many columns it takes; name them, in their order, as features`);
  const width = features?.length ?? fixed;
  const filled = width / fixed;
  if (free > 1 || !Number.isInteger(filled) || (free === 0 && filled !== 1)) throw new Error(`${described} does not fit the ${width} columns that features names`);
  const columns = features ?? (width === 1 ? [name] : Array.from({ length: width }, (_, i) => `${name}_${i}`));
  return { name, type, takes, columns, shape: rest.map((size) => (typeof size === "number" ? size : filled)) };
}
