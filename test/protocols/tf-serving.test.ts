/** TensorFlow Serving's REST, on the forms that its documentation gives and metadata recorded from a server. */
import { expect, test } from "vitest";
import type { Tensor } from "../../agent/protocols/protocol.ts";
import { tfServing } from "../../agent/protocols/tf-serving.ts";
import { columnsOf, fixture, json } from "./bodies.ts";

const { decodeRequest, decodeResponse, parseRequest, formatAnswer, formatRequest, inferenceOf, paths } = tfServing;
const y: Tensor = { name: "y", datatype: "FP32", shape: [2], values: [1.5, 2.5] };
const answer = (asked: unknown, outputs: readonly Tensor[], path?: string): unknown =>
  JSON.parse(formatAnswer({ model: "m", version: undefined, id: undefined, outputs }, parseRequest(json(asked), path)).body.toString());

test("which requests are inferences; versions and labels stand in the path", () => {
  expect(inferenceOf("POST", "/v1/models/half:predict")).toEqual({ model: "half", version: undefined });
  expect(inferenceOf("POST", "/v1/models/half/versions/123:classify")).toEqual({ model: "half", version: "123" });
  expect(inferenceOf("POST", "/v1/models/half/labels/stable:regress")).toEqual({ model: "half", version: "stable" });
  expect(inferenceOf("POST", paths.infer("a b", "7"))).toEqual({ model: "a b", version: "7" });
  for (const path of ["/v1/models/half", "/v1/models/half/versions/x:predict", "/v1/models/half/metadata", "/v1/models/half:explain"]) expect(inferenceOf("POST", path), path).toBeUndefined();
});

test("rows and columns, in requests and in answers", () => {
  expect(columnsOf(decodeRequest(json({ signature_name: "s", instances: [{ x: 1, tag: "a" }, { x: 2, tag: "b" }] })))).toEqual({ x: [1, 2], tag: ["a", "b"] });
  expect(columnsOf(decodeRequest(json({ inputs: { x: [[1], [2]], tag: ["a", "b"] } })))).toEqual({ x: [1, 2], tag: ["a", "b"] });
  expect(columnsOf(decodeRequest(json({ inputs: [[1, 2], [3, 4]] })))).toEqual({ inputs_0: [1, 3], inputs_1: [2, 4] });
  expect(columnsOf(decodeResponse(json({ outputs: { a: [1, 2], b: [[3], [4]] } })))).toEqual({ a: [1, 2], b: [3, 4] });
  expect(columnsOf(decodeResponse(json({ predictions: [{ a: 1, b: 3 }] })))).toEqual({ a: [1], b: [3] });
});

test("the answer has the form of its request", () => {
  expect(answer({ instances: [1, 2] }, [y])).toEqual({ predictions: [1.5, 2.5] });
  expect(answer({ instances: [1, 2] }, [y, { ...y, name: "z" }])).toEqual({ predictions: [{ y: 1.5, z: 1.5 }, { y: 2.5, z: 2.5 }] });
  expect(answer({ inputs: [1, 2] }, [y])).toEqual({ outputs: [1.5, 2.5] });
  expect(answer({ inputs: [1, 2] }, [y, { ...y, name: "z" }])).toEqual({ outputs: { y: [1.5, 2.5], z: [1.5, 2.5] } });
});

test("examples to classify and to regress, with what they share", () => {
  const asked = { signature_name: "s", context: { site: "x" }, examples: [{ a: 1 }, { a: 2, site: "y" }] };
  expect(columnsOf(decodeRequest(json(asked)))).toEqual({ site: ["x", "y"], a: [1, 2] });
  const classes: Tensor = { name: "classes", datatype: "BYTES", shape: [2, 2], values: ["car", "bus", "car", "bus"] };
  const scores: Tensor = { name: "scores", datatype: "FP32", shape: [2, 2], values: [0.2, 0.8, 0.7, 0.3] };
  const classified = { results: [[["car", 0.2], ["bus", 0.8]], [["car", 0.7], ["bus", 0.3]]] };
  expect(answer(asked, [classes, scores], "/v1/models/m:classify")).toEqual(classified);
  expect(answer(asked, [classes, scores])).toEqual(classified);
  expect(answer(asked, [scores], "/v1/models/m:classify")).toEqual({ results: [[["", 0.2], ["", 0.8]], [["", 0.7], ["", 0.3]]] });
  expect(answer(asked, [y], "/v1/models/m:regress")).toEqual({ results: [1.5, 2.5] });
  expect(columnsOf(decodeResponse(json(classified)))).toEqual({ classes_0: ["car", "car"], classes_1: ["bus", "bus"], scores_0: [0.2, 0.7], scores_1: [0.8, 0.3] });
  expect(columnsOf(decodeResponse(json({ results: [1.5, 2.5] })))).toEqual({ outputs: [1.5, 2.5] });
});

test("what examples share can not blow up a small request", () => {
  const context = Object.fromEntries(Array.from({ length: 2_000 }, (_, key) => [`k${key}`, 1]));
  expect(decodeRequest(json({ context, examples: Array.from({ length: 2_000 }, () => ({})) }))).toEqual({ ok: false, reason: "shape" });
});

test("bytes are base64 in an object, and written so where the output's name says it", () => {
  expect(columnsOf(decodeRequest(json({ instances: [{ text: { b64: "aGFsbG8=" } }, { text: { b64: "/9j/" } }] })))).toEqual({ text: ["hallo", "/9j/"] });
  expect(columnsOf(decodeRequest(json({ instances: [{ b64: "aGFsbG8=" }] })))).toEqual({ instances: ["hallo"] });
  const image: Tensor = { name: "image_bytes", datatype: "BYTES", shape: [1], values: ["hallo"] };
  expect(answer({ instances: [1] }, [image])).toEqual({ predictions: [{ b64: "aGFsbG8=" }] });
  expect(parseRequest(Buffer.from(formatRequest([image, { ...image, name: "text" }])))).toMatchObject({ ok: true, inputs: [image, { name: "text", values: ["hallo"] }] });
});

test("NaN and Infinity, which the server writes as such, are missing values", () => {
  expect(columnsOf(decodeResponse(Buffer.from('{"predictions": [NaN, -Infinity, 1.0]}')))).toEqual({ predictions: [null, null, 1] });
});

test("metadata recorded from a server: the default signature's tensors", () => {
  expect(tfServing.describe(JSON.parse(fixture("tfserving_half_plus_two_model_metadata").toString()))).toEqual({
    name: "default",
    versions: ["123"],
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1, 1] }],
  });
  for (const wrong of [null, [], {}, { model_spec: { name: "m" } }, { model_spec: {}, metadata: {} }]) expect(tfServing.describe(wrong)).toBeUndefined();
});
