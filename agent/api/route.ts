/**
 * One route of the control API as data: who may ask, what it takes, what it answers. The server, the check of access, the OpenAPI
 * document and the tests that go over every route all read it from here.
 */
import type { IncomingHttpHeaders } from "node:http";
import type * as z from "zod";
import type { Principal, Role } from "../principal.ts";
import type { Mistake } from "./problem.ts";

export interface Asked<Query = unknown, Body = unknown> {
  readonly principal: Principal;
  /** The parts of the path in braces. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** What the schema made of the body; undefined where the route takes none. */
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
}

export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly type?: string; readonly headers?: Readonly<Record<string, string>> }
  /** A problem document is made of it. */
  | { readonly status: number; readonly problem: string; readonly errors?: readonly Mistake[] };

export interface Route<Query = unknown, Body = unknown> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Such as `/v1/overrides/{id}`. */
  readonly path: string;
  /** Unique; the operation's id in the OpenAPI document, and the audit's action where something was decided. */
  readonly name: string;
  readonly role: Role;
  readonly summary: string;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** By status; problems need not be listed. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  readonly handle: (asked: Asked<Query, Body>) => Answer | Promise<Answer>;
}

/** Keeps the types of query and body together with the handler, and forgets them for the table. */
export function route<Query, Body>(one: Route<Query, Body>): Route {
  return one as unknown as Route;
}
