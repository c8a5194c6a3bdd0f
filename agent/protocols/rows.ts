/**
 * Batches written as rows, the way of KServe v1, TensorFlow Serving and most servers that people write themselves: a list of
 * values, of lists, or of objects. Lists become one tensor; objects a tensor for each of their keys. And columns: an object
 * with a tensor under each key.
 */
import { isUtf8 } from "node:buffer";
import { columnsIn, rowsOf } from "./columns.ts";
import { isRecord, type JsonObject } from "./json.ts";
import { block, datatypeOf, nested, type Block } from "./nested.ts";
import type { Decoded, Tensor, Tensors, Value } from "./protocol.ts";

/** A list of rows, or a single value, under the name of the tensor that they are where they are no objects. */
export function tensorsInRows(rows: unknown, name: string): Tensors {
  if (Array.isArray(rows) && rows.length === 0) return { ok: false, reason: "empty" };
  if (Array.isArray(rows) && isRecord(rows[0]) && valueOf(rows[0]) === undefined) return tensorsInObjects(rows);
  return tensorsIn([[name, rows]]);
}

/** An object with a tensor under each key; or what is none, as `tensorsInRows` has it. */
export function tensorsInColumns(columns: unknown, name: string): Tensors {
  if (!isRecord(columns) || valueOf(columns) !== undefined) return tensorsInRows(columns, name);
  const entries = Object.entries(columns);
  return entries.length === 0 ? { ok: false, reason: "no-tensors" } : tensorsIn(entries);
}

/** The columns of what was read. */
export function decoded(read: Tensors, features?: readonly string[]): Decoded {
  return read.ok ? columnsIn(read.tensors, features) : read;
}

/** A list with an element for each row: of one tensor its values, of several an object by their names. */
export function rowsFrom(tensors: readonly Tensor[], leaf?: (value: Value, name: string) => unknown): readonly unknown[] {
  const rows = rowsOf(tensors[0]);
  const columns = tensors.map((tensor) => ({ name: tensor.name, values: valuesByRow(tensor, rows, leaf) }));
  const [only] = columns;
  if (columns.length === 1 && only !== undefined) return only.values;
  return Array.from({ length: rows }, (_, row) => Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])));
}

/** Of one tensor its values, of several an object by their names. */
export function columnsFrom(tensors: readonly Tensor[], leaf?: (value: Value, name: string) => unknown): unknown {
  const columns = tensors.map((tensor) => [tensor.name, nestedOf(tensor, tensor.name, leaf)] as const);
  return columns.length === 1 ? columns[0]?.[1] : Object.fromEntries(columns);
}

/** A tensor that has other rows than the batch, such as a scalar, is given to each row whole. */
function valuesByRow({ name, shape, values }: Tensor, rows: number, leaf: ((value: Value, name: string) => unknown) | undefined): readonly unknown[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) =>
    shape[0] === rows
      ? nestedOf({ shape: shape.slice(1), values: values.slice(row * width, (row + 1) * width) }, name, leaf)
      : nestedOf({ shape, values }, name, leaf),
  );
}

function nestedOf(of: Block, name: string, leaf: ((value: Value, name: string) => unknown) | undefined): unknown {
  return nested(of, leaf === undefined ? undefined : (value) => leaf(value, name));
}

function tensorsIn(entries: readonly (readonly [string, unknown])[]): Tensors {
  const tensors: Tensor[] = [];
  for (const [name, data] of entries) {
    const read = block(data, valueOf);
    if (read === undefined) return { ok: false, reason: "shape" };
    tensors.push({ name, datatype: datatypeOf(read.values), ...read });
  }
  return { ok: true, tensors };
}

/** Objects that each have keys of their own would make a table of mostly nothing: at most so many cells for each that is there. */
const cellsPerEntryMax = 16;

function tensorsInObjects(rows: readonly unknown[]): Tensors {
  const columns = new Map<string, unknown[]>();
  let entries = 0;
  for (const [index, row] of rows.entries()) {
    if (!isRecord(row)) return { ok: false, reason: "shape" };
    for (const [key, value] of Object.entries(row)) {
      let column = columns.get(key);
      if (column === undefined) columns.set(key, (column = []));
      column[index] = value;
      entries += 1;
    }
  }
  if (entries === 0) return { ok: false, reason: "no-tensors" };
  if (columns.size * rows.length > cellsPerEntryMax * entries) return { ok: false, reason: "shape" };
  // What a row does not say is missing there.
  return tensorsIn([...columns].map(([name, values]) => [name, Array.from(rows, (_, index) => values[index] ?? null)]));
}

/** What is no list: a plain value, or bytes as TensorFlow Serving writes them, `{"b64": "..."}`; undefined where it is neither. */
function valueOf(item: unknown): Value | undefined {
  if (item === null || typeof item === "number" || typeof item === "string" || typeof item === "boolean") return item;
  return isRecord(item) ? textInBase64(item) : undefined;
}

/** Bytes are read as UTF-8 where they are that, and stay in base64 where not. */
function textInBase64(item: JsonObject): string | undefined {
  const { b64 } = item;
  if (typeof b64 !== "string" || Object.keys(item).length !== 1) return undefined;
  const bytes = Buffer.from(b64, "base64");
  return isUtf8(bytes) ? bytes.toString("utf8") : b64;
}
