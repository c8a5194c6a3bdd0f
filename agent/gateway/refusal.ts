/**
 * What is said to a client whose request nobody is to answer, and why: it breaks the contract, it may have crashed the server,
 * or there is no place for it.
 *
 * A request at fault is told so with 422 as `application/problem+json` (RFC 9457). The members of the protocol's own error stand
 * in it too, as extensions: clients of the Open Inference Protocol, KServe and TensorFlow Serving read `error`, and those of
 * OpenAI `error.message`, whatever the media type, and fail in a worse way where it is missing.
 */
import type { Outcome, Reason } from "../backend.ts";
import type { ProblemDetails } from "../contract/contract.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { refusalOf } from "./quarantine.ts";
import type { Standing } from "./quarantine.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: Extract<Reason, "contract" | "quarantine" | "overloaded">;
  readonly outcome: Outcome;
  readonly message: string;
  readonly retryAfterS?: number | undefined;
  /** Members of the problem besides its title, status and detail. */
  readonly problem?: object | undefined;
}

export function brokenContract(problem: ProblemDetails): Refusal {
  return { status: 422, reason: "contract", outcome: "rejected", message: problem.detail, problem };
}

/** Of a request that is not clear: refused for a while, or asked to be patient until it can be tried alone. */
export function quarantined(standing: Exclude<Standing, { is: "clear" }>): Refusal {
  if (standing.is === "guilty") {
    const retryAfterS = Math.ceil(standing.leftMs / 1_000);
    return { status: 422, reason: "quarantine", outcome: "rejected", message: refusalOf(standing), retryAfterS, problem: { crashes: standing.crashes } };
  }
  const message = "the model server crashed with this request in flight; it is tried alone, and another one is being tried now";
  return { status: 503, reason: "quarantine", outcome: "error", message: standing.mayTry ? "the model server crashed with this request in flight" : message, retryAfterS: 1 };
}

export function noPlace(status: 429 | 503, retryAfterS: number): Refusal {
  const message = status === 429 ? "the model server has as many requests of this priority as it can take" : "the model server has as many requests as it can take";
  return { status, reason: "overloaded", outcome: "overloaded", message, retryAfterS };
}

/** The fields and the body of the answer. */
export function written({ status, message, retryAfterS, problem }: Refusal, protocol: Protocol): { readonly fields: readonly string[]; readonly body: Buffer } {
  const error = protocol.formatError(message, status);
  const isProblem = status === 422;
  const whole = isProblem ? { ...(JSON.parse(error) as object), type: "about:blank", title: "Unprocessable Content", status, detail: message, ...problem } : undefined;
  const body = Buffer.from(whole === undefined ? error : JSON.stringify(whole));
  const wait = retryAfterS === undefined ? [] : ["retry-after", String(retryAfterS)];
  return { fields: [...wait, "content-type", isProblem ? "application/problem+json" : "application/json", "content-length", String(body.length)], body };
}
