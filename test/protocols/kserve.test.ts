/** KServe v1, on the bodies of KServe's own end-to-end tests. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { kserve } from "../../agent/protocols/kserve.ts";
import type { Tensor } from "../../agent/protocols/protocol.ts";
import { columnsOf, fixture, json } from "./bodies.ts";

const { decodeRequest, decodeResponse, parseRequest, formatRequest, formatAnswer, inferenceOf, paths } = kserve;

test("which requests are inferences, and of what", () => {
  expect(inferenceOf("POST", "/v1/models/iris:predict?x=1")).toEqual({ model: "iris", version: undefined });
  expect(inferenceOf("POST", paths.infer("a b"))).toEqual({ model: "a b", version: undefined });
  for (const [method, path] of [["GET", "/v1/models/iris:predict"], ["POST", "/v1/models/iris:explain"], ["POST", "/v1/models/iris"], ["POST", "/v1/models/a:b:predict"], ["POST", "/v1/models/%zz:predict"], ["POST", "/v2/models/iris/infer"]] as const) {
    expect(inferenceOf(method, path), `${method} ${path}`).toBeUndefined();
  }
});

test("rows that are lists: a column for each place, named by the features where they are known", () => {
  expect(columnsOf(decodeRequest(fixture("kserve_iris_input")))).toEqual({ instances_0: [6.8, 6], instances_1: [2.8, 3.4], instances_2: [4.8, 4.5], instances_3: [1.4, 1.6] });
  expect(columnsOf(decodeRequest(fixture("kserve_iris_input"), ["a", "b", "c", "d"]))).toHaveProperty("d", [1.4, 1.6]);
  expect(columnsOf(decodeRequest(fixture("kserve_autogluon_titanic_input")))).toMatchObject({ instances_3: ["male", "female"], instances_4: [22, 38], instances_9: [null, "C85"] });
  expect(columnsOf(decodeRequest(fixture("kserve_bert_fill_mask_v1")))).toEqual({ instances: ["The capital of France is [MASK].", "The capital of [MASK] is paris."] });
});

test("rows that are objects: a column for each key; what a row does not say is missing", () => {
  expect(columnsOf(decodeRequest(fixture("kserve_autogluon_timeseries_input")))).toEqual({ item_id: ["0", "0", "0"], timestamp: ["2020-01-01", "2020-01-02", "2020-01-03"], target: [100, 102, 101] });
  expect(columnsOf(decodeRequest(fixture("kserve_iris_input_v3")))).toMatchObject({ "petal_width_(cm)": [0.2] });
  expect(columnsOf(decodeRequest(json({ instances: [{ a: 1, v: [1, 2] }, { b: 2, v: [3, 4] }] })))).toEqual({ a: [1, null], v_0: [1, 3], v_1: [2, 4], b: [null, 2] });
});

test("an answer's predictions: numbers, lists, objects, or columns", () => {
  expect(columnsOf(decodeResponse(json({ predictions: [1, 0] })))).toEqual({ predictions: [1, 0] });
  expect(columnsOf(decodeResponse(json({ predictions: [[0.1, 0.9], [0.8, 0.2]] })))).toEqual({ predictions_0: [0.1, 0.8], predictions_1: [0.9, 0.2] });
  expect(columnsOf(decodeResponse(json({ predictions: [{ label: "a", score: 0.9 }] })))).toEqual({ label: ["a"], score: [0.9] });
  expect(columnsOf(decodeResponse(json({ predictions: { label: ["a", "b"], score: [0.9, 0.1] } })))).toEqual({ label: ["a", "b"], score: [0.9, 0.1] });
});

test.each<[string, unknown, string]>([
  ["rows of different lengths", { instances: [[1, 2], [3]] }, "shape"],
  ["rows of different kinds", { instances: [[1], { a: 1 }] }, "shape"],
  ["objects in objects", { instances: [{ a: { b: 1 } }] }, "shape"],
  ["no rows", { instances: [] }, "empty"],
  ["rows of nothing", { instances: [{}] }, "no-tensors"],
  ["no instances", { signature_name: "x" }, "no-tensors"],
  ["an object where the rows are", { instances: { a: [1] } }, "no-tensors"],
  ["a list", [[1]], "no-tensors"],
  ["a thousand rows that share no key", { instances: Array.from({ length: 1_000 }, (_, row) => ({ [`k${row}`]: row })) }, "shape"],
])("what can not be read says why: %s", (_name, body, reason) => {
  expect(decodeRequest(json(body))).toEqual({ ok: false, reason });
});

test("an answer by a rung: one output as its rows, several as objects", () => {
  const label: Tensor = { name: "label", datatype: "INT64", shape: [2], values: [1, 0] };
  const odds: Tensor = { name: "odds", datatype: "FP32", shape: [2, 2], values: [0.1, 0.9, 0.8, 0.2] };
  const answer = (...outputs: readonly Tensor[]): unknown => JSON.parse(formatAnswer({ model: "m", version: "1", id: undefined, outputs }).body.toString());
  expect(answer(label)).toEqual({ predictions: [1, 0] });
  expect(answer(odds)).toEqual({ predictions: [[0.1, 0.9], [0.8, 0.2]] });
  expect(answer(label, odds)).toEqual({ predictions: [{ label: 1, odds: [0.1, 0.9] }, { label: 0, odds: [0.8, 0.2] }] });
  expect(() => formatAnswer({ model: "m", version: undefined, id: undefined, outputs: [{ ...label, values: [1, Infinity] }] })).toThrow(/label holds Infinity/);
  expect(JSON.parse(kserve.formatError("no model", 404))).toEqual({ error: "no model" });
});

test("rows that are written are read as they were", () => {
  const columns = fc.dictionary(fc.string(), fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), { minLength: 3, maxLength: 3 }), { minKeys: 2, maxKeys: 5, noNullPrototype: true });
  fc.assert(
    fc.property(columns, (given) => {
      const inputs = Object.entries(given).map(([name, values]): Tensor => ({ name, datatype: "FP64", shape: [3], values }));
      expect(parseRequest(Buffer.from(formatRequest(inputs)))).toMatchObject({ ok: true, inputs, stream: false });
    }),
  );
});

test("a model's metadata say no more than its name", () => {
  expect(kserve.describe({ name: "iris", ready: "True" })).toEqual({ name: "iris", versions: [], inputs: [], outputs: [] });
  for (const wrong of [null, [], "iris", { ready: true }]) expect(kserve.describe(wrong)).toBeUndefined();
});
