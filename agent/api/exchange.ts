/**
 * One request of the table: what it says is read and checked by the route's schemas, the handler answers, and the answer goes out.
 * Knows nothing of who asks (access.ts) and nothing of routes that there are not (server.ts).
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Principal } from "../principal.ts";
import { accepted, isJson, mediaTypeOf } from "./media.ts";
import { mistakesOf, problem, problemType, type Mistake } from "./problem.ts";
import type { Answer, Asked, Route } from "./route.ts";

const jsonType = "application/json";
const paramMax = 200;

export type Refused = Extract<Answer, { readonly problem: string }>;

export function isProblem(answer: Answer): answer is Refused {
  return "problem" in answer;
}

/** Before the body is read: may it be sent, and could the client take the answer? */
export function refusedHead({ method, headers }: FastifyRequest, { body, takes, gives = [jsonType] }: Route): Refused | undefined {
  const type = mediaTypeOf(headers["content-type"]);
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (body !== undefined && (type !== "" || hasBody) && !(takes === undefined ? isJson(type) : takes.includes(type))) {
    return { status: 415, problem: `expected the content type ${(takes ?? [jsonType]).join(" or ")}` };
  }
  if (body === undefined && hasBody && method !== "GET" && method !== "HEAD" && !isJson(type)) return { status: 415, problem: "this takes no body" };
  if (accepted(headers.accept, gives) === undefined) return { status: 406, problem: `this answers with ${gives.join(" or ")}` };
  return undefined;
}

/** Reads all that the request says; or every mistake in it. */
export function readAsked(request: FastifyRequest, route: Route, principal: Principal): Asked | Refused {
  const params = request.params as Readonly<Record<string, string>>;
  const mistakes: Mistake[] = [];
  const read = <T>(schema: z.ZodType<T> | undefined, value: unknown, place?: (path: readonly PropertyKey[]) => string): T | undefined => {
    const result = schema?.safeParse(value);
    if (result?.success === false) mistakes.push(...mistakesOf(result.error, place));
    return result?.data;
  };
  for (const [name, value] of Object.entries(params)) {
    if (value.length > paramMax) mistakes.push({ pointer: `{${name}}`, detail: `expected at most ${paramMax} characters` });
  }
  const query = read(route.query, request.query, (path) => `?${path.map(String).join(".")}`);
  const checked = read(route.params, params, (path) => `{${path.map(String).join(".")}}`);
  let body: unknown;
  if (route.body !== undefined) {
    const bytes = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    const value = route.takes === undefined ? parsedJson(bytes) : { is: bytes };
    if ("fault" in value) return { status: 400, problem: value.fault };
    body = read(route.body, value.is);
  }
  if (mistakes.length > 0) return { status: 400, problem: "nothing was done: what was sent has mistakes", errors: mistakes };
  return { principal, params: checked ?? params, query, body, headers: request.headers };
}

function parsedJson(bytes: Buffer): { readonly is: unknown } | { readonly fault: string } {
  if (bytes.length === 0) return { fault: "expected a body of JSON" };
  try {
    return { is: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown };
  } catch (error) {
    return { fault: `the body is no JSON: ${(error as Error).message.slice(0, 200)}` };
  }
}

export function send(request: FastifyRequest, reply: FastifyReply, answer: Answer, { etag }: Pick<Route, "etag"> = {}): FastifyReply {
  if ("raw" in answer) {
    reply.hijack();
    answer.raw(request.raw, reply.raw);
    return reply;
  }
  reply.code(answer.status).headers({ "cache-control": "no-store", "x-content-type-options": "nosniff", ...answer.headers });
  if (isProblem(answer)) return reply.type(problemType).send(problem(answer.status, answer.problem, answer.errors));
  const { body, type } = answer;
  if (body === undefined) return reply.send();
  if (body instanceof Readable) return reply.type(type ?? "application/octet-stream").send(body);
  const payload = type !== undefined && (typeof body === "string" || body instanceof Uint8Array) ? body : JSON.stringify(body);
  reply.type(type ?? `${jsonType}; charset=utf-8`);
  if (etag === true && answer.status === 200) {
    const tag = etagOf(payload);
    reply.headers({ etag: tag, "cache-control": "no-cache" });
    if (matches(request.headers["if-none-match"], tag)) return reply.code(304).removeHeader("content-type").send();
  }
  return reply.send(payload);
}

/** The ETag that a document has. */
export function etagOf(payload: string | Uint8Array): string {
  return `"${createHash("sha256").update(payload).digest("base64url")}"`;
}

/** If-None-Match compares weakly and may be a list (RFC 9110, 13.1.2). */
export function matches(header: string | undefined, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
