/** A server of one's own, whose JSON the config describes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { at, parsePointer, withAt } from "../../agent/protocols/json-pointer.ts";
import { plainDefaults, plainProtocol } from "../../agent/protocols/plain.ts";
import { plainOptions } from "../../agent/protocols/plain-options.ts";
import type { Tensor } from "../../agent/protocols/protocol.ts";
import { columnsOf, json } from "./bodies.ts";

const plain = (options: unknown) => plainProtocol(plainOptions.parse(options));
const credit = plain({
  model: "credit",
  path: "/score",
  request: { rows: "/applications", features: { age: "/person/age", income: "/money/0" } },
  response: { rows: "/decisions", prediction: "/result/label", score: "/result/odds/1", version: "/meta/model" },
});
const label: Tensor = { name: "prediction", datatype: "BYTES", shape: [2], values: ["yes", "no"] };
const odds: Tensor = { name: "score", datatype: "FP64", shape: [2], values: [0.9, 0.2] };

test("paths are as configured, and the model has the name that the config gives it", () => {
  expect(credit.inferenceOf("POST", "/score?debug=1")).toEqual({ model: "credit", version: undefined });
  expect(credit.inferenceOf("GET", "/score")).toBeUndefined();
  expect(credit.inferenceOf("POST", "/score/2")).toBeUndefined();
  expect(plain({}).paths).toMatchObject({ live: "/health", ready: "/health" });
});

test("pointers find rows, features, the prediction and the score", () => {
  const asked = { applications: [{ person: { age: 30 }, money: [10, 20] }, { person: {}, money: [5] }] };
  expect(columnsOf(credit.decodeRequest(json(asked)))).toEqual({ age: [30, null], income: [10, 5] });
  const answered = { decisions: [{ result: { label: "yes", odds: [0.1, 0.9] } }, { result: { label: "no", odds: [0.8, 0.2] } }], meta: { model: "2024-05" } };
  expect(credit.decodeResponse(json(answered))).toMatchObject({ ok: true, version: "2024-05" });
  expect(columnsOf(credit.decodeResponse(json(answered)))).toEqual({ prediction: ["yes", "no"], score: [0.9, 0.2] });
});

test("without pointers a body is its rows, or one row", () => {
  const { decodeRequest } = plain({});
  expect(columnsOf(decodeRequest(json([{ a: 1 }, { a: 2 }])))).toEqual({ a: [1, 2] });
  expect(columnsOf(decodeRequest(json({ a: 1, b: "x" })))).toEqual({ a: [1], b: ["x"] });
  expect(columnsOf(decodeRequest(json([[1, 2], [3, 4]]), ["x", "y"]))).toEqual({ x: [1, 3], y: [2, 4] });
});

test("a rung's answer is put together as the pointers say, and can be read again", () => {
  const asked = credit.parseRequest(json({ applications: [{ person: { age: 1 }, money: [1] }, { person: { age: 2 }, money: [2] }] }));
  const { body } = credit.formatAnswer({ model: "credit", version: "small-1", id: undefined, outputs: [label, odds] }, asked);
  expect(JSON.parse(body.toString())).toEqual({
    decisions: [{ result: { label: "yes", odds: [null, 0.9] } }, { result: { label: "no", odds: [null, 0.2] } }],
    meta: { model: "small-1" },
  });
  expect(columnsOf(credit.decodeResponse(body))).toEqual({ prediction: ["yes", "no"], score: [0.9, 0.2] });
  const single = plain({ response: { score: "/p" } });
  const one: Tensor = { ...odds, shape: [1], values: [0.9] };
  expect(JSON.parse(single.formatAnswer({ model: "m", version: undefined, id: undefined, outputs: [one] }, single.parseRequest(json({ a: 1 }))).body.toString())).toEqual({ p: 0.9 });
});

test("a request that is written is read as it was", () => {
  const inputs: readonly Tensor[] = [{ name: "age", datatype: "FP64", shape: [2], values: [30, 40] }, { name: "income", datatype: "FP64", shape: [2], values: [1, 2] }];
  expect(credit.parseRequest(Buffer.from(credit.formatRequest(inputs)))).toMatchObject({ ok: true, inputs });
});

test.each([
  [{ path: "score" }, /expected a path/],
  [{ path: "/score?x=1" }, /expected a path/],
  [{ request: { rows: "rows" } }, /expected a JSON pointer/],
  [{ request: { features: { a: "/x/99999" } } }, /expected a JSON pointer/],
  [{ response: { prediction: "/a~2" } }, /expected a JSON pointer/],
  [{ respons: {} }, /respons/],
])("a mistake in the config is told: %j", (options, message) => {
  expect(() => plainOptions.parse(options)).toThrow(message);
});

test("what is put at a pointer is found there; the keys of all objects are out of reach", () => {
  const tokens = fc.array(fc.oneof(fc.string(), fc.integer({ min: 0, max: 20 }).map(String)), { maxLength: 6 });
  fc.assert(
    fc.property(tokens, fc.json(), fc.jsonValue(), (path, document, value) => {
      const pointer = parsePointer(path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
      if (pointer === undefined) throw new Error("no pointer");
      expect(pointer).toEqual(path);
      const before: unknown = JSON.parse(document);
      expect(at(withAt(before, pointer, value), pointer)).toEqual(value);
      expect(before).toEqual(JSON.parse(document));
    }),
  );
  for (const pointer of ["/__proto__/polluted", "/constructor/prototype/polluted"]) {
    expect(at({}, parsePointer(pointer) ?? [])).toBeUndefined();
    withAt({}, parsePointer(pointer) ?? [], true);
    expect({}).not.toHaveProperty("polluted");
  }
});

test("its defaults are those of a config that says nothing", () => {
  expect(plainDefaults).toEqual(plainOptions.parse({}));
});
