/**
 * Why a candidate can not take the primary's requests, or its clients not the candidate's answers: each difference a sentence. Names,
 * datatypes and shapes must be the same; the order does not matter, since tensors are told by their names. An extra output is no
 * difference, because who does not know it passes over it; an extra input is, because nobody would send it. -1 in a shape is any size.
 */
import type { ModelDescription, TensorDescription } from "../protocols/protocol.ts";

export function schemaDifferences(primary: ModelDescription, candidate: ModelDescription): readonly string[] {
  return [
    ...differences("input", primary.inputs, candidate.inputs),
    ...extra(primary.inputs, candidate.inputs).map(({ name }) => `input ${quoted(name)}: the candidate wants it, and no request has it`),
    ...differences("output", primary.outputs, candidate.outputs),
  ];
}

/** A server that does not describe its tensors is not known to differ. */
function differences(kind: "input" | "output", primary: readonly TensorDescription[], candidate: readonly TensorDescription[]): readonly string[] {
  if (primary.length === 0 || candidate.length === 0) return [];
  return primary.flatMap((own) => {
    const other = candidate.find(({ name }) => name === own.name);
    const what = `${kind} ${quoted(own.name)}`;
    if (other === undefined) return [`${what}: the candidate has none; it has ${candidate.map(({ name }) => quoted(name)).join(", ")}`];
    return [
      ...(own.datatype === other.datatype ? [] : [`${what}: the datatype is ${own.datatype}, the candidate's ${other.datatype}`]),
      ...(fits(own.shape, other.shape) ? [] : [`${what}: the shape is ${shown(own.shape)}, the candidate's ${shown(other.shape)}`]),
    ];
  });
}

function extra(primary: readonly TensorDescription[], candidate: readonly TensorDescription[]): readonly TensorDescription[] {
  return primary.length === 0 ? [] : candidate.filter(({ name }) => !primary.some((own) => own.name === name));
}

function fits(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i] || size < 0 || (b[i] as number) < 0);
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
