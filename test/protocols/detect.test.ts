/** `protocol: auto`, on what each server says to the same few questions. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { judge, questionsOf, type ProtocolAnswer } from "../../agent/protocols/detect.ts";
import { protocols } from "../../agent/protocols/protocols.ts";
import { fixture } from "./bodies.ts";

/** Answers by path; 404 with a page for all other questions. */
function server(answers: Readonly<Record<string, readonly [status: number, body: unknown]>>): readonly ProtocolAnswer[] {
  return questionsOf("m").map(({ path }) => {
    const [status, body] = answers[path] ?? [404, "<h1>not found</h1>"];
    return { path, status, body: Buffer.from(Buffer.isBuffer(body) ? body : typeof body === "string" ? body : JSON.stringify(body)) };
  });
}

const list = { object: "list", data: [{ id: "opt-125m", object: "model" }] };

test.each<[string, string | undefined, Readonly<Record<string, readonly [number, unknown]>>]>([
  ["Triton", "open-inference", { "/v2": [200, { name: "triton", version: "2.50.0", extensions: ["binary_tensor_data"] }], "/v2/health/live": [200, ""] }],
  ["Triton, not ready", "open-inference", { "/v2": [200, { name: "triton" }], "/v2/health/live": [200, ""], "/v2/health/ready": [400, ""] }],
  ["MLServer", "open-inference", { "/v2": [200, fixture("mlserver_metadata-model-response")], "/v2/health/live": [200, ""] }],
  ["KServe's server, which speaks both", "open-inference", { "/v2": [200, { name: "kserve", version: "0.15", extensions: [] }], "/v1/models": [200, { models: ["m"] }], "/v1/models/m": [200, { name: "m", ready: true }] }],
  ["a server without metadata of its own", "open-inference", { "/v2/health/live": [200, { live: true }] }],
  ["a KServe v1 server", "kserve", { "/v1/models": [200, { models: ["m"] }] }],
  ["a KServe v1 server without a list", "kserve", { "/v1/models/m": [200, { name: "m", ready: "True" }] }],
  ["TensorFlow Serving, its model's name known", "tf-serving", { "/v1/models/m": [200, { model_version_status: [{ version: "1", state: "AVAILABLE" }] }] }],
  ["TensorFlow Serving, its model's name unknown", "tf-serving", { "/v1/models": [400, { error: "Missing model name in request." }] }],
  ["TorchServe", "torchserve", { "/ping": [200, { status: "Healthy" }] }],
  ["TorchServe, not well", "torchserve", { "/ping": [500, { status: "Unhealthy" }] }],
  ["vLLM", "openai", { "/v1/models": [200, list], "/ping": [200, ""] }],
  ["vLLM that wants a key", "openai", { "/v1/models": [401, { error: "Unauthorized" }] }],
  ["SGLang and TGI", "openai", { "/v1/models": [200, list] }],
  ["a server of one's own", undefined, { "/ping": [200, "pong"] }],
  ["a server that answers everything with a page", undefined, { "/v2": [200, "<html>"], "/v2/health/live": [200, "<html>"], "/v1/models": [200, "<html>"], "/ping": [200, "<html>"] }],
])("%s", (_name, protocol, answers) => {
  expect(judge(server(answers))).toBe(protocol);
});

test("a server that is not up yet tells nothing", () => {
  expect(judge([])).toBeUndefined();
  expect(judge(questionsOf().map(({ path }) => ({ path, status: undefined, body: Buffer.alloc(0) })))).toBeUndefined();
});

test("each path is asked once, for a protocol that there is", () => {
  const questions = questionsOf("a b");
  expect(new Set(questions.map(({ path }) => path)).size).toBe(questions.length);
  expect(questions.map(({ path }) => path)).toContain("/v1/models/a%20b");
  for (const { protocol } of questions) expect(Object.keys(protocols)).toContain(protocol);
});

test("no answer whatever makes it throw", () => {
  const answers = fc.array(fc.record({ path: fc.constantFrom(...questionsOf("m").map(({ path }) => path)), status: fc.constantFrom(undefined, 200, 400, 401, 500), body: fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text))) }));
  fc.assert(fc.property(answers, (given) => [undefined, ...Object.keys(protocols)].includes(judge(given))));
});
