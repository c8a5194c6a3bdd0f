/**
 * Is an answer the known one? Compares the tensors that the protocol finds in it with what is expected, value by value. Which
 * names tensors have is the protocol's: outputs of the Open Inference Protocol have their own, KServe's, TensorFlow Serving's and
 * TorchServe's answers are `predictions` where they are no objects, OpenAI's texts are `choices`.
 */
import type { Tensor, Tensors } from "../protocols/protocol.ts";

export type Value = number | string | boolean;
/** By the output's name; values in row-major order. */
export type KnownAnswer = Readonly<Record<string, readonly Value[]>>;

export type Comparison =
  | { readonly equal: true }
  /** `invalid`: this is no answer that can be read; `mismatch`: it is one, but not the known one. */
  | { readonly equal: false; readonly reason: "invalid" | "mismatch"; readonly detail: string };

/**
 * @param isSameVersion the answer is of the version that the known one is of; else names and sizes are compared, and no values.
 * @param tolerance numbers may differ by this much, relative to the expected value but at least absolutely: |a-b| <= tolerance * max(1, |b|).
 * Cost: linear in the answer.
 */
export function compareAnswer(read: Tensors, known: KnownAnswer, tolerance: number, isSameVersion = true): Comparison {
  if (!read.ok) return { equal: false, reason: "invalid", detail: `the answer can not be read: ${read.reason}` };
  const outputs = new Map(read.tensors.map((tensor) => [tensor.name, tensor]));
  for (const [name, expected] of Object.entries(known)) {
    const output = outputs.get(name);
    const difference = output === undefined ? `the answer has no output "${name}", only ${[...outputs.keys()].join(", ")}` : differenceOf(output, expected, tolerance, isSameVersion);
    if (difference !== undefined) return { equal: false, reason: "mismatch", detail: difference };
  }
  return { equal: true };
}

function differenceOf({ name, values: data }: Tensor, expected: readonly Value[], tolerance: number, isSameVersion: boolean): string | undefined {
  if (data.length !== expected.length) return `${name}: expected ${expected.length} values, got ${data.length}`;
  if (!isSameVersion) return undefined;
  for (const [index, wanted] of expected.entries()) {
    const got = data[index];
    if (typeof wanted === "number" && typeof got === "number") {
      const differs = Math.abs(got - wanted);
      if (!(differs <= tolerance * Math.max(1, Math.abs(wanted)))) return `${name}[${index}]: expected ${wanted}, got ${got}: differs by ${differs.toPrecision(3)}`;
    } else if (got !== wanted) {
      return `${name}[${index}]: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`;
    }
  }
  return undefined;
}
