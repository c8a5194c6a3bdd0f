/** The published contract: valid AsyncAPI 3 by AsyncAPI's own schema, and its frames are the ones that are sent. */
import asyncapiSpecs from "@asyncapi/specs";
import Ajv, { type AnySchemaObject } from "ajv";
import addFormats from "ajv-formats";
import Ajv2020 from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { silent } from "../../agent/log.ts";
import { asyncapi, signalsSchema } from "../../exporters/websocket/asyncapi.ts";
import { signalHub, signalsOptions } from "../../exporters/websocket.ts";
import { FakeClock } from "../fake-clock.ts";

interface Payload {
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: AnySchemaObject }>> };
}

test("it is an AsyncAPI 3.0 document by AsyncAPI's own JSON Schema", () => {
  // The schema brings its own copy of draft 07.
  const ajv = new Ajv.default({ strict: false, validateFormats: false, meta: false, validateSchema: false });
  const validate = ajv.compile(asyncapiSpecs.schemas["3.0.0"] as AnySchemaObject);
  expect(validate(asyncapi()), JSON.stringify(validate.errors?.slice(0, 5))).toBe(true);
  expect(validate({ ...asyncapi(), operations: { tell: { action: "shout" } } })).toBe(false);
});

test("every reference in it leads somewhere", () => {
  const document = asyncapi();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => (path as string).split("/"));
  expect(references.length).toBeGreaterThan(20);
  for (const path of references) expect(path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document), path.join("/")).toBeDefined();
});

test("a snapshot as it is served fits the JSON Schema, and one with a wrong status does not", () => {
  const hub = signalHub({ clock: new FakeClock(), instance: "pod-7", log: silent }, signalsOptions.parse({}));
  const target = { model: "employment", version: undefined, endpoint: "http://127.0.0.1:8080" };
  hub.announce({ type: "state", target, status: "failed", rung: "small", reason: "circuit-open", cause: { detector: "traffic", code: "refused", evidence: "" }, sinceWallMs: 0, rev: 1 });
  hub.announce({ type: "directive", target, action: "split", weights: { "1": 0.9, "2": 0.1 }, why: "", atWallMs: 0 });
  hub.announce({ type: "judge", target, experiment: "e", verdict: "continue", eValue: Infinity, n: 10, effect: { metric: "latency", estimate: 0, low: -Infinity, high: 1 }, final: false, message: "", atWallMs: 0 });
  hub.announce({ type: "rollout", target, rollout: "r1", candidate: "version 2", phase: "trying", reason: "step", step: 2, steps: 3, weight: 0.25, message: "", atWallMs: 0 });
  const ajv = new Ajv2020.default({ strict: false });
  addFormats.default(ajv);
  const { $id: _, $defs, ...rest } = signalsSchema() as AnySchemaObject & { $defs: Record<string, AnySchemaObject> };
  expect(rest["title"]).toContain("pilotfish.v1+json");
  const validate = ajv.compile($defs["snapshotDocument"] as AnySchemaObject);
  const document = JSON.parse(JSON.stringify(hub.snapshot())) as { states: { status: string }[]; judges: { eValue: unknown }[] };
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  expect(document.judges[0]?.eValue).toBeNull();
  const { rollouts, ...before } = document as typeof document & { rollouts: unknown[] };
  expect(rollouts).toHaveLength(1);
  expect(validate(before), "a snapshot of a publisher from before there were rollouts").toBe(true);
  for (const state of document.states) state.status = "splendid";
  expect(validate(document)).toBe(false);
});

test("each message's payload knows its own kind only", () => {
  const ajv = new Ajv.default({ strict: false, validateFormats: false });
  const { messages } = (asyncapi() as unknown as Payload).components;
  const heartbeat = { v: 1, kind: "heartbeat", id: "a", epoch: "e", ts: "2026-01-01T00:00:00.000Z", src: { instance: "i" }, body: { lastSeq: 1 } };
  const fits = Object.entries(messages).filter(([name, { payload }]) => name.startsWith("publisher.") && ajv.compile(payload)(heartbeat) === true).map(([name]) => name);
  expect(fits).toEqual(["publisher.heartbeat"]);
});
