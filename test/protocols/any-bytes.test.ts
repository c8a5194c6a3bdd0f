/** All protocols, for any bytes: nothing throws, nothing hangs, and what was read is a table. */
import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Decoded, Protocol } from "../../agent/protocols/protocol.ts";
import { protocolNamed, protocolNames, protocols } from "../../agent/protocols/protocols.ts";
import { plainOptions } from "../../agent/protocols/plain-options.ts";
import { allFixtures } from "./bodies.ts";

const all = Object.values(protocols) as readonly Protocol[];

function mustBeTable(decoded: Decoded): void {
  if (!decoded.ok) return;
  expect(decoded.rows).toBeGreaterThan(0);
  for (const { values } of decoded.columns) if (values.length !== decoded.rows) throw new Error(`${values.length} values in ${decoded.rows} rows`);
}

/** Asks everything of a body that can be asked. A request that a rung could answer is answered, in the form that it wants. */
function askAll(protocol: Protocol, body: Buffer): void {
  mustBeTable(protocol.decodeRequest(body));
  mustBeTable(protocol.decodeResponse(body));
  protocol.versionIn(body);
  protocol.modelIn?.(body);
  const asked = protocol.parseRequest(body, "/v1/models/m:classify");
  if (!asked.ok) return;
  for (const { shape, values } of asked.inputs) expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
  const answer = { model: "m", version: "1", id: asked.id, outputs: [{ name: "o", datatype: "FP32", shape: [1], values: [0.5] }] };
  const { headers, body: answered } = protocol.formatAnswer(answer, asked);
  expect(headers["content-type"]).toBeDefined();
  mustBeTable(protocol.decodeResponse(answered));
  expect(protocol.decodeResponse(answered).ok, protocol.name).toBe(true);
}

test("random bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => all.forEach((protocol) => askAll(protocol, Buffer.from(bytes)))), { numRuns: 500 });
});

test("random JSON under the keys that the protocols look for", () => {
  const key = fc.constantFrom("inputs", "outputs", "instances", "predictions", "examples", "context", "results", "messages", "prompt", "input", "choices", "data", "model", "usage", "parameters", "stream", "id", "status");
  fc.assert(fc.property(fc.dictionary(key, fc.jsonValue(), { maxKeys: 5, noNullPrototype: true }), (body) => all.forEach((protocol) => {
    askAll(protocol, Buffer.from(JSON.stringify(body)));
    protocol.describe(body);
  })), { numRuns: 1_000 });
});

const recorded = fc.constantFrom(...allFixtures().map(([, body]) => body));
const mutation = fc.oneof(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat({ max: 20 }), put: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) }),
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat({ max: 3 }), put: fc.constantFrom("{", "}", "[", "]", '"', ",", "null", "1e999", "NaN", "\\u0000", "\n\n", "data: ", '"binary_data_size":8,').map((text) => Buffer.from(text)) }),
);

test("recorded bodies with pieces cut out and put in, also compressed", () => {
  fc.assert(
    fc.property(recorded, fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.constantFrom("no", "gzip", "deflate"), (body, mutations, packed) => {
      const mutated = mutations.reduce((bytes, { at, cut, put }) => {
        const start = Math.floor(at * bytes.length);
        return Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
      }, body);
      const sent = packed === "gzip" ? gzipSync(mutated) : packed === "deflate" ? deflateSync(mutated) : mutated;
      for (const protocol of all) askAll(protocol, sent);
    }),
    { numRuns: 1_000 },
  );
});

test("every recorded exchange with OpenAI's API is read, but for the error", () => {
  const openaiBodies = allFixtures().filter(([name]) => name.startsWith("openai_"));
  expect(openaiBodies.filter(([, body]) => !protocols.openai.decodeRequest(body).ok && !protocols.openai.decodeResponse(body).ok).map(([name]) => name)).toEqual(["openai_chat-unknown-model.response.json"]);
  expect(openaiBodies.length).toBeGreaterThan(20);
});

test.each<[string, (size: number) => Buffer]>([
  ["quotation marks", (size) => Buffer.from(`{"inputs":"${'\\"'.repeat(size / 2)}`)],
  ["brackets", (size) => Buffer.from(`{"instances":${"[".repeat(size)}`)],
  ["closed brackets", (size) => Buffer.from(`{"instances":${"[".repeat(size / 2)}${"]".repeat(size / 2)}}`)],
  ["rows of one number", (size) => Buffer.from(`{"instances":[${"[1],".repeat(size / 4)}[1]]}`)],
  ["one row of numbers", (size) => Buffer.from(`{"instances":[[${"1,".repeat(size / 2)}1]]}`)],
  ["rows that are objects with keys of their own", (size) => Buffer.from(`{"instances":[${Array.from({ length: size / 16 }, (_, row) => `{"k${row}":1}`).join(",")}]}`)],
  ["events", (size) => Buffer.from("data: {}\n\n".repeat(size / 10))],
  ["lines", (size) => Buffer.from(`data: ${"\n".repeat(size)}`)],
  ["spaces", (size) => Buffer.from(`${" ".repeat(size)}x`)],
  ["binary sizes", (size) => Buffer.from(`{"inputs":[${'{"parameters":{"binary_data_size":1}},'.repeat(size / 40)}{}]}`)],
])("400 kB of %s take no more than its time", (_name, make) => {
  const body = make(400_000);
  for (const protocol of all) {
    const start = performance.now();
    protocol.decodeRequest(body);
    protocol.decodeResponse(body);
    protocol.parseRequest(body);
    protocol.modelIn?.(body);
    expect(performance.now() - start, protocol.name).toBeLessThan(3_000);
  }
});

test("the table has each protocol under its own name, and a plain one as configured", () => {
  for (const name of protocolNames) expect(protocols[name].name).toBe(name);
  expect(protocolNamed("kserve")).toBe(protocols.kserve);
  expect(protocolNamed("plain", plainOptions.parse({ path: "/x" })).paths.infer("m")).toBe("/x");
});
