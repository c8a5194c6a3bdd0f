/**
 * The OpenAPI 3.1 document, made of the table: what it says of a route is what the server holds the route to. Schemas of what is
 * sent are those of the input, before defaults; parts of a query are shown as what they are read to.
 */
import { STATUS_CODES } from "node:http";
import * as z from "zod";
import { problemSchema, problemType } from "./problem.ts";
import { route, type Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** Which problems a route may answer with, beside those of its own; a token in the URL is a 400 everywhere. */
function problemsOf({ path, body, method, mayMiss }: Route): readonly number[] {
  const takes = body === undefined ? [] : [413];
  const changes = method === "GET" ? [] : [409, 415];
  return [400, 401, 403, ...(mayMiss === true || path.includes("{") ? [404] : []), 406, ...takes, ...changes, ...(method === "POST" ? [422] : []), 429, 431, 500, 503].sort((a, b) => a - b);
}

/** @param version of Pilotfish. Cost: some milliseconds; make it once. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const one of routes) (paths[one.path] ??= {})[one.method.toLowerCase()] = operation(one);
  return {
    openapi: "3.1.1",
    info: {
      title: "Pilotfish control API",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      description:
        "What a Pilotfish sees and does, and what a person may decide. On loopback, and on its unix socket, nobody is asked who comes, unless tokens or client certificates are configured; everywhere else a bearer token or a client certificate says it. Each role may do what the one before it may: read, act, admin. Every error is problem details (RFC 9457). A POST with an Idempotency-Key is done once.",
    },
    servers: [{ url: "http://127.0.0.1:9081" }],
    security: [{ bearer: [] }, { certificate: [] }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token from one of the files that the config names; never in the URL." },
        certificate: { type: "mutualTLS", description: "A certificate whose subject the config gives a role." },
      },
      schemas: { Problem: schemaOf(problemSchema, "output") },
      responses: Object.fromEntries(problemStatuses(routes).map((status) => [`Problem${status}`, problemAnswer(status)])),
    },
  };
}

function problemStatuses(routes: readonly Route[]): readonly number[] {
  return [...new Set([405, ...routes.flatMap(problemsOf)])].sort((a, b) => a - b);
}

function problemAnswer(status: number): Json {
  const headers = status === 429 ? { headers: { "retry-after": { description: "Seconds.", schema: { type: "string" } } } } : {};
  return { description: STATUS_CODES[status] ?? "Error", ...headers, content: { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } } };
}

function tagOf({ path }: Route): string {
  return path.split("/").find((part) => part !== "" && part !== "v1") ?? "api";
}

function operation(one: Route): Json {
  const { name, role, summary, answers, method, examples, gives = ["application/json"] } = one;
  const parameters = [...pathParameters(one), ...queryParameters(one), ...(method === "POST" ? [idempotencyKey] : [])];
  const own = Object.entries(answers).map(([status, { description, schema }]) => {
    const example = examples?.answer === undefined ? {} : { example: examples.answer };
    const content = schema === undefined && status === "204" ? undefined : Object.fromEntries(gives.map((type) => [type, type === "application/json" ? { ...(schema && { schema: schemaOf(schema, "output") }), ...example } : { schema: { type: "string" } }]));
    return [status, { description, ...(content && { content }) }] as const;
  });
  const etagged = one.etag === true ? [["304", { description: "It is as If-None-Match says." }] as const] : [];
  const own4 = new Set(own.map(([status]) => status));
  const problems = problemsOf(one).map(String).filter((status) => !own4.has(status)).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }] as const);
  return {
    operationId: name,
    tags: [tagOf(one)],
    summary,
    description: `Needs the role \`${role}\`.`,
    ...(parameters.length > 0 && { parameters }),
    ...(one.body !== undefined && { requestBody: requestBody(one) }),
    responses: Object.fromEntries([...own, ...etagged, ...problems]),
  };
}

function requestBody({ body, takes, examples }: Route): Json {
  const example = examples?.body === undefined ? {} : { example: examples.body };
  if (takes === undefined) return { required: true, content: { "application/json": { schema: schemaOf(body as z.ZodType, "input"), ...example } } };
  return { required: true, content: Object.fromEntries(takes.map((type, i) => [type, i === 0 ? example : {}])) };
}

function pathParameters({ path, params }: Route): readonly Json[] {
  const properties = params === undefined ? {} : (schemaOf(params, "input")["properties"] as Readonly<Record<string, Json>>);
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({ name, in: "path", required: true, schema: properties[name] ?? { type: "string", minLength: 1, maxLength: 200 } }));
}

function queryParameters({ query }: Route): readonly Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "output") as { readonly properties?: Readonly<Record<string, Json>>; readonly required?: readonly string[] };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(required.includes(name) && schema["default"] === undefined && { required: true }),
    ...(description !== undefined && { description }),
    schema,
  }));
}

const idempotencyKey: Json = {
  name: "Idempotency-Key",
  in: "header",
  description: "Sent again with the same body within a day, the first answer comes back and nothing is done twice.",
  schema: { type: "string", pattern: "^[!-~]{1,200}$" },
};

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", io, unrepresentable: "any", reused: "inline" }) as Json;
  return rest;
}

/** The document itself, of all routes and its own. */
export function documentRoute(table: readonly Route[], version: string): Route {
  let document: Json | undefined;
  const own: Route = route({
    method: "GET",
    path: "/openapi.json",
    name: "openapi.read",
    role: "read",
    summary: "This document.",
    etag: true,
    answers: { 200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) } },
    handle: () => ({ status: 200, body: (document ??= openApiDocument([...table, own], version)) }),
  });
  return own;
}
