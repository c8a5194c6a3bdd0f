/** The document is a valid one by another program's opinion, has every route, and is what lies in docs/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { openApiDocument } from "../../agent/api/openapi.ts";
import { version } from "../../agent/cli/version.ts";
import { bareRoutes } from "../../agent/routes.ts";
import { openApiText } from "../../docs/generate-openapi.ts";
import { ask, stage } from "./stage.ts";

const table = bareRoutes(version);
const document = openApiDocument(table, version) as { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string; readonly responses: object }>>>> };
const scene = stage();

test("it is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)));
  expect(errors).toBeUndefined();
  expect([valid, validator.version]).toEqual([true, "3.1"]);
});

test("it has every route of the table and no other, each with its answers and the problems of those who may not", () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`));
  expect(operations.sort()).toEqual(table.map(({ method, path, name }) => `${method} ${path} ${name}`).sort());
  for (const { path, method, answers } of table) {
    const { responses } = document.paths[path]?.[method.toLowerCase()] ?? { responses: {} };
    expect(Object.keys(responses)).toEqual(expect.arrayContaining([...Object.keys(answers), "400", "401", "403", "429", "500"]));
  }
});

test("what lies in docs/ is what is generated", () => {
  expect(readFileSync(join(import.meta.dirname, "../../docs/openapi.json"), "utf8")).toBe(openApiText());
});

test("it is served, and who has it gets 304", async () => {
  const { port } = await scene.open();
  const answer = await ask(port, "/openapi.json");
  expect(answer).toMatchObject({ status: 200, json: { openapi: "3.1.1", info: { version: "test" } } });
  expect(await ask(port, "/openapi.json", { headers: { "if-none-match": String(answer.headers["etag"]) } })).toMatchObject({ status: 304, text: "" });
});
