/** Where the tensors of a request in the Open Inference Protocol stand in its body: in its JSON, or as bytes behind that. */
import { isBinary, writeValues } from "./binary-tensors.ts";
import { inner, inWords, leafSteps, parseFaithfully, put } from "./faithful-json.ts";
import { textOf } from "./json.ts";
import { jsonEnd } from "./json-scan.ts";
import { nested } from "./nested.ts";
import type { RequestPlaces, Tensor } from "./protocol.ts";
import { isLost } from "./request-places.ts";

const sizeOf = (entry: unknown): number | undefined => {
  const size = inner(inner(entry, "parameters"), "binary_data_size");
  return typeof size === "number" ? size : undefined;
};

export function tensorPlaces(body: Uint8Array, inputs: readonly Tensor[]): RequestPlaces | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const split = bytes.includes('"binary_data_size"') ? jsonEnd(bytes) : bytes.length;
  const read = split === undefined ? undefined : parseFaithfully(textOf(bytes.subarray(0, split)));
  const listed = inner(read?.document, "inputs");
  if (read === undefined || !Array.isArray(listed)) return undefined;
  const { document } = read;
  const entries: unknown[] = listed;

  /** The tensors' bytes end where the body does; undefined for those in JSON. */
  const tails: (Buffer | undefined)[] = [];
  let at = bytes.length - entries.reduce<number>((sum, entry) => sum + (sizeOf(entry) ?? 0), 0);
  for (const entry of entries) {
    const size = sizeOf(entry);
    tails.push(size === undefined ? undefined : bytes.subarray(at, at + size));
    at += size ?? 0;
  }

  /** False where the tensor can not be written faithfully. */
  function write(i: number, { name, datatype, shape, values }: Tensor): boolean {
    const isNew = i >= inputs.length;
    if (isNew) {
      if (values.some(isLost) || datatype === "") return false;
      entries.push({ name, datatype, shape, data: values });
      return true;
    }
    if (datatype !== inputs[i]?.datatype && !put(document, ["inputs", i, "datatype"], datatype)) return false;
    if (tails[i] !== undefined) {
      const holdsNothing = /^B?FP/.test(datatype);
      if (!isBinary(datatype) || (!holdsNothing && values.includes(null))) return false;
      tails[i] = writeValues(datatype, values);
      return put(document, ["inputs", i, "parameters", "binary_data_size"], tails[i]?.length);
    }
    const isNested = Array.isArray(inner(inner(entries[i], "data"), 0));
    return !values.some(isLost) && put(document, ["inputs", i, "data"], isNested ? nested({ shape, values }) : values);
  }

  return {
    root: "inputs",
    tensor: (input, part) => `inputs[${input}].${part}`,
    value: (input, index) =>
      tails[input] === undefined ? inWords(["inputs", input, "data", ...leafSteps(inner(entries[input], "data"), index)]) : `inputs[${input}].binary_data[${index}]`,
    rewritten(after) {
      for (const [i, tensor] of after.entries()) if (tensor !== inputs[i] && !write(i, tensor)) return undefined;
      const text = read.written();
      if (text === undefined) return undefined;
      const head = Buffer.from(text);
      const binary = tails.filter((tail) => tail !== undefined);
      if (binary.length === 0) return { headers: {}, body: head };
      return { headers: { "inference-header-content-length": String(head.length) }, body: Buffer.concat([head, ...binary]) };
    },
  };
}
