/**
 * The last rung: an answer that was written down beforehand, the same for every row. It has the names, datatypes and shape
 * that the primary's answer would have had, so that a client need not know the difference unless it reads the headers.
 */
import * as z from "zod";
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { answerOf, unreadable } from "./answer.ts";
import { featureNames, modelVersion, rungName, scalar, validity } from "./options.ts";
import type { Scalar } from "./options.ts";
import { batchOf, datatypeOf } from "./tensors.ts";
import type { Given } from "./tensors.ts";

export const defaultOptions = z.strictObject({
  kind: z.literal("default"),
  name: rungName.default("default"),
  /** For each output its value, or its values where a row has several. */
  outputs: z.record(z.string().min(1), z.union([scalar, z.array(scalar).min(1)], { error: "expected a value, or a list of values" }), { error: "expected each output's name with its value" }),
  version: modelVersion.optional(),
  features: featureNames.optional(),
  validity,
});
export type DefaultRungOptions = Pick<z.output<typeof defaultOptions>, "name" | "outputs" | "version">;

export interface DefaultRungDeps {
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
}

/** Cost: the request parsed once, since only its tensors say how many rows there are. */
export function defaultRung({ name, outputs, version }: DefaultRungOptions, { protocol, describe }: DefaultRungDeps): Rung {
  const answer = (question: Question): RungAnswer => {
    const request = protocol.parseRequest(question.body, question.path);
    if (!request.ok) return unreadable(request.reason);
    const rows = batchOf(request.inputs);
    if (rows === undefined) return { outcome: "rejected", detail: "the tensors have different numbers of rows" };
    const given = new Map(Object.entries(outputs).map(([output, values]) => [output, repeated(values, rows)]));
    return answerOf(given, rows, { protocol, question, request, description: describe(), version });
  };
  return { name, kind: "default", answer: (question) => Promise.resolve(answer(question)) };
}

function repeated(value: Scalar | readonly Scalar[], rows: number): Given {
  const row = typeof value === "object" ? value : [value];
  const values = Array.from({ length: rows }, () => row).flat();
  return { datatype: datatypeOf(row), shape: typeof value === "object" ? [rows, row.length] : [rows], values };
}
