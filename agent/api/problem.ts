/** Every error of the API as problem details (RFC 9457). */
import { STATUS_CODES } from "node:http";
import type { z } from "zod";

export const problemType = "application/problem+json";

export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Each mistake in the body: JSON pointer and sentence. */
  readonly errors?: readonly Mistake[];
}

export interface Mistake {
  readonly pointer: string;
  readonly detail: string;
}

const mistakesMax = 100;

export function problem(status: number, detail: string, errors?: readonly Mistake[]): Problem {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, ...(errors !== undefined && { errors: errors.slice(0, mistakesMax) }) };
}

export function mistakesOf(error: z.ZodError): readonly Mistake[] {
  return error.issues.map(({ path, message }) => ({ pointer: pointerOf(path), detail: message }));
}

/** RFC 6901, as a fragment. */
function pointerOf(path: readonly PropertyKey[]): string {
  return `#${path.map((part) => `/${encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")}`;
}
