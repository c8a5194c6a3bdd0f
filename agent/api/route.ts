/**
 * One route of the control API as data: who may ask, what it takes, what it answers. The server, the check of access, the OpenAPI
 * document and the tests that go over every route all read it from here.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
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
  /** A `Readable` as the body is sent as it comes; anything else as JSON, unless `type` says otherwise and it is text or bytes. */
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly type?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** What the audit is to know of it, where something was decided. */
      readonly audit?: Audited;
    }
  /** What has no end to be sent writes to the response by itself. */
  | { readonly status: number; readonly raw: (request: IncomingMessage, response: ServerResponse) => void; readonly body?: undefined; readonly headers?: undefined; readonly audit?: Audited }
  /** A problem document is made of it. */
  | { readonly status: number; readonly problem: string; readonly errors?: readonly Mistake[]; readonly headers?: Readonly<Record<string, string>>; readonly audit?: Audited };

export interface Audited {
  readonly subject?: string;
  readonly reason?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface Route<Query = unknown, Body = unknown> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Such as `/v1/overrides/{id}`. */
  readonly path: string;
  /** Unique; the operation's id in the OpenAPI document, and the audit's action where something was decided. */
  readonly name: string;
  readonly role: Role;
  readonly summary: string;
  /** What each part of the path in braces must look like; any text up to 200 characters where it is not said. */
  readonly params?: z.ZodType<Readonly<Record<string, string>>>;
  readonly query?: z.ZodType<Query>;
  /** With `takes` the schema sees the bytes as they came, a Buffer; without, what their JSON says. */
  readonly body?: z.ZodType<Body>;
  /** Media types of a body that is taken as bytes. */
  readonly takes?: readonly string[];
  /** Bytes of the longest body, where it is not `api.bodyMax`. */
  readonly bodyMax?: number;
  /** Media types that it answers with; `application/json` where it is not said. */
  readonly gives?: readonly string[];
  /** A document: its digest is the ETag, and who has it gets 304. */
  readonly etag?: true;
  /**
   * What of it the audit keeps, where its method changes something: `decision` (the default) each outcome; `refusals` only those
   * who were not let in, for data that comes by the thousand; `itself`: as `refusals`, and the rest it tells the audit on its own.
   */
  readonly audits?: "decision" | "refusals" | "itself";
  /** What it is about may not be there, though nothing in the path names it: then it answers 404. */
  readonly mayMiss?: true;
  /** For the OpenAPI document. */
  readonly examples?: { readonly body?: unknown; readonly answer?: unknown };
  /** By status; problems need not be listed. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  readonly handle: (asked: Asked<Query, Body>) => Answer | Promise<Answer>;
}

/** Keeps the types of query and body together with the handler, and forgets them for the table. */
export function route<Query, Body>(one: Route<Query, Body>): Route {
  return one as unknown as Route;
}
