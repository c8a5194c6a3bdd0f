/**
 * Where the tensors of a request stand in its body, for whoever has to say what is wrong with a value or to put another in its
 * place. A body that is written again has nothing else changed in it: not its id, its parameters, the outputs it asks for, nor
 * any digit. Read only where there is something to say, so a good request costs nothing here.
 */
import { inner, inWords, isObject, leafSteps, parseFaithfully, put, type Step } from "./faithful-json.ts";
import { textOf } from "./json.ts";
import type { Places, RequestPlaces, Tensor, Value } from "./protocol.ts";

/** Without knowing the body: by the tensors' names. */
export function namedPlaces(inputs: readonly Tensor[]): Places {
  const nameOf = (input: number) => inputs[input]?.name ?? "inputs";
  return { root: "inputs", tensor: nameOf, value: (input, index) => ((inputs[input]?.values.length ?? 1) > 1 ? `${nameOf(input)}[${index}]` : nameOf(input)) };
}

/** Of a body in rows or columns. */
export interface RowForm {
  /** Where the rows are. */
  readonly at: readonly Step[];
  /** Where in a row a tensor's values are; by default under its name, where rows are objects. */
  readonly within?: ((name: string, row: unknown) => readonly Step[]) | undefined;
  /** A value as it is written. */
  readonly written?: ((value: Value, before: unknown) => unknown) | undefined;
}

/** `form`: where this body has its rows; undefined where it has none. */
export function rowPlaces(body: Uint8Array, inputs: readonly Tensor[], form: (document: unknown) => RowForm | undefined): RequestPlaces | undefined {
  const read = parseFaithfully(textOf(body));
  const found = read === undefined ? undefined : form(read.document);
  if (read === undefined || found === undefined) return undefined;
  const { document } = read;
  const { at, within = (name: string): readonly Step[] => [name], written = (value) => value } = found;
  const rows = at.reduce(inner, document);
  const byRow = Array.isArray(rows) && (found.within !== undefined || (isObject(rows[0]) && !isBase64(rows[0])));
  const byName = byRow || (isObject(rows) && !isBase64(rows));
  const rowCount = byRow ? (rows as unknown[]).length : 1;

  const stepsOf = ({ name, values }: Tensor, index: number): readonly Step[] => {
    if (!byName) return [...at, ...leafSteps(rows, index)];
    const width = Math.max(1, values.length / rowCount);
    const row = byRow ? [...at, Math.floor(index / width)] : at;
    const own = [...row, ...within(name, row.reduce(inner, document))];
    return [...own, ...leafSteps(own.reduce(inner, document), byRow ? index % width : index)];
  };

  return {
    root: at.length === 0 ? "body" : inWords(at),
    tensor: (input) => inWords(byRow || !byName ? at : [...at, ...within(inputs[input]?.name ?? "", rows)]) || "body",
    value: (input, index) => inWords(stepsOf(inputs[input] as Tensor, index)) || "body",
    rewritten(after) {
      for (const [i, tensor] of after.entries()) {
        const before = inputs[i];
        if (tensor === before) continue;
        if (before === undefined && !byName) return undefined;
        for (const [index, value] of tensor.values.entries()) {
          if (before !== undefined && Object.is(value, before.values[index])) continue;
          const steps = stepsOf(tensor, index);
          if (isLost(value) || !put(document, steps, written(value, steps.reduce(inner, document)))) return undefined;
        }
      }
      const text = read.written();
      return text === undefined ? undefined : { headers: {}, body: Buffer.from(text) };
    },
  };
}

/** JSON has no word for it. */
export function isLost(value: Value): boolean {
  return typeof value === "number" && !Number.isFinite(value);
}

/** Bytes as TensorFlow Serving writes them. */
export function isBase64(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["b64"] === "string";
}
