/**
 * The last rung: an answer that was written down beforehand, the same for every row. It has the names, datatypes and shape
 * that the primary's answer would have had, so that a client need not know the difference unless it reads the headers.
 */
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { answerWith } from "./answer.ts";
import { batchOf, conform } from "./tensors.ts";
import type { Given } from "./tensors.ts";

export type Scalar = number | string | boolean;

export interface DefaultRungOptions {
  readonly name: string;
  /** For each output its value, or its values where a row has several. */
  readonly outputs: Readonly<Record<string, Scalar | readonly Scalar[]>>;
  readonly version?: string | undefined;
}

export interface DefaultRungDeps {
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
}

/** Cost: the request parsed once, since only its tensors say how many rows there are. */
export function defaultRung({ name, outputs, version }: DefaultRungOptions, { protocol, describe }: DefaultRungDeps): Rung {
  const answer = ({ method, path, body }: Question): RungAnswer => {
    const request = protocol.parseRequest(body);
    if (!request.ok) return { outcome: request.reason === "binary" ? "unsupported" : "rejected", detail: `the request can not be read: ${request.reason}` };
    const rows = batchOf(request.inputs);
    if (rows === undefined) return { outcome: "rejected", detail: "the tensors have different numbers of rows" };
    const given = new Map(Object.entries(outputs).map(([output, values]) => [output, repeated(values, rows)]));
    const conformed = conform(given, describe(), request.outputs, rows);
    if (!conformed.ok) return { outcome: conformed.outcome, detail: conformed.detail };
    const model = protocol.inferenceOf(method, path)?.model ?? "";
    return answerWith(protocol.formatAnswer({ model, version, id: request.id, outputs: conformed.outputs }), version);
  };
  return { name, kind: "default", answer: (question) => Promise.resolve(answer(question)) };
}

function repeated(value: Scalar | readonly Scalar[], rows: number): Given {
  const row = typeof value === "object" ? value : [value];
  const values = Array.from({ length: rows }, () => row).flat();
  return { datatype: datatypeOf(row), shape: typeof value === "object" ? [rows, row.length] : [rows], values };
}

/** For a primary whose description is not known. */
function datatypeOf(values: readonly Scalar[]): string {
  if (values.every((value) => typeof value === "boolean")) return "BOOL";
  if (values.every((value) => typeof value === "number")) return values.every(Number.isInteger) ? "INT64" : "FP32";
  return "BYTES";
}
