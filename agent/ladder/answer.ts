/** What the rungs' answers have in common. */
import type { Question, RungAnswer } from "../backend.ts";
import type { FormattedBody, ModelDescription, ParsedRequest, Protocol, Unreadable } from "../protocols/protocol.ts";
import { conform } from "./tensors.ts";
import type { Given } from "./tensors.ts";

export function answerWith({ headers, body }: FormattedBody, version: string | undefined): RungAnswer {
  return { outcome: "ok", status: 200, headers, body, version };
}

/** The model that is asked, as the path or the body names it; "" where neither does. */
export function modelOf(protocol: Protocol, { method, path, body }: Question): string {
  const named = protocol.inferenceOf(method, path)?.model ?? "";
  return named === "" ? (protocol.modelIn?.(body) ?? "") : named;
}

/** Is the question for another model than the one that the ladder stands in for, as far as both are known? */
export function isOfAnother(protocol: Protocol, question: Question, model: string | undefined): boolean {
  if (model === undefined) return false;
  const asked = modelOf(protocol, question);
  return asked !== "" && asked !== model;
}

export interface Answering {
  readonly protocol: Protocol;
  readonly question: Question;
  readonly request: Extract<ParsedRequest, { ok: true }>;
  readonly description: ModelDescription | undefined;
  readonly version: string | undefined;
}

/** An answer in the primary's shape from what a rung gives for each output. A value that JSON can not carry is an error. */
export function answerOf(given: ReadonlyMap<string, Given>, rows: number, { protocol, question, request, description, version }: Answering): RungAnswer {
  const conformed = conform(given, description, request.outputs, rows);
  if (!conformed.ok) return { outcome: conformed.outcome, detail: conformed.detail };
  try {
    const named = modelOf(protocol, question);
    const model = named === "" ? (description?.name ?? "") : named;
    return answerWith(protocol.formatAnswer({ model, version, id: request.id, outputs: conformed.outputs }, request), version);
  } catch (error) {
    return { outcome: "error", detail: (error as Error).message.slice(0, 200) };
  }
}

export function unreadable(reason: Unreadable): RungAnswer {
  return { outcome: reason === "binary" ? "unsupported" : "rejected", detail: `the request can not be read: ${reason}` };
}
