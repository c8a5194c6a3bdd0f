/** The Open Inference Protocol, on the bodies that MLServer's and KServe's own tests send. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { columnsOf, fixture } from "./bodies.ts";

const { decodeRequest, decodeResponse, describe: description, inferenceOf, parseRequest, formatAnswer, formatError, paths } = openInference;
const request = (...inputs: unknown[]): Buffer => Buffer.from(JSON.stringify({ inputs }));
const tensor = (shape: readonly number[], data: unknown, name: string = "x") => ({ name, datatype: "FP32", shape, data });

test("which requests are inferences, and of what", () => {
  expect(inferenceOf("POST", "/v2/models/employment/infer")).toEqual({ model: "employment", version: undefined });
  expect(inferenceOf("POST", "/v2/models/employment/versions/3/infer?trace=1")).toEqual({ model: "employment", version: "3" });
  expect(inferenceOf("POST", "/v2/models/team%2Fa%20model/infer")).toEqual({ model: "team/a model", version: undefined });
  for (const [method, path] of [
    ["GET", "/v2/models/employment/infer"],
    ["POST", "/v2/models/employment"],
    ["POST", "/v2/models/employment/infer/"],
    ["POST", "/v2/models//infer"],
    ["POST", "/v2/models/a/b/infer"],
    ["POST", "/prefix/v2/models/a/infer"],
    ["POST", "/v2/models/a/generate"],
    ["POST", "/v2/models/%zz/infer"],
    ["POST", "/v2/repository/models/a/load"],
  ] as const) {
    expect(inferenceOf(method, path), `${method} ${path}`).toBeUndefined();
  }
});

test("a path that it builds is one that it reads", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (model) => {
      expect(inferenceOf("POST", paths.infer(model))).toEqual({ model, version: undefined });
    }),
  );
  expect([paths.live, paths.ready, paths.model("a b")]).toEqual(["/v2/health/live", "/v2/health/ready", "/v2/models/a%20b"]);
});

test("a matrix, nested or flat: a column for each of its columns", () => {
  const iris = { "input-0_0": [6.8, 6], "input-0_1": [2.8, 3.4], "input-0_2": [4.8, 4.5], "input-0_3": [1.4, 1.6] };
  expect(columnsOf(decodeRequest(fixture("kserve_iris_input_v2")))).toEqual(iris);
  expect(columnsOf(decodeRequest(fixture("kserve_iris_input_v2_binary")))).toEqual(iris);
  expect(columnsOf(decodeRequest(request(tensor([2, 4], [6.8, 2.8, 4.8, 1.4, 6, 3.4, 4.5, 1.6], "input-0"))))).toEqual(iris);
  const named = decodeRequest(fixture("kserve_iris_input_v2"), ["sepal length", "sepal width", "petal length", "petal width"]);
  expect(columnsOf(named)["petal width"]).toEqual([1.4, 1.6]);
});

test("names are only given to a single matrix of that many columns", () => {
  expect(Object.keys(columnsOf(decodeRequest(request(tensor([1, 3], [1, 2, 3])), ["a", "b"])))).toEqual(["x_0", "x_1", "x_2"]);
  expect(Object.keys(columnsOf(decodeRequest(request(tensor([1, 2], [1, 2])), ["a", "b"])))).toEqual(["a", "b"]);
  expect(Object.keys(columnsOf(decodeRequest(request(tensor([1, 2], [1, 2], "p"), tensor([1, 1], [3], "q")), ["a", "b"])))).toEqual(["p_0", "p_1", "q"]);
});

test("a tensor for each feature, numbers and text: a column for each, under its own name", () => {
  const decoded = decodeRequest(fixture("kserve_autogluon_titanic_input_v2"));
  expect(decoded).toMatchObject({ ok: true, rows: 2 });
  expect(columnsOf(decoded)).toMatchObject({ Pclass: [3, 1], Sex: ["male", "female"], Age: [22, 38], Fare: [7.25, 71.2833], Cabin: ["", "C85"] });
  expect(Object.keys(columnsOf(decodeRequest(fixture("kserve_mlflow_input_v2"))))).toContain("fixed acidity");
  expect(columnsOf(decodeRequest(fixture("kserve_sklearn_mixed_v2")))).toMatchObject({ MSZoning: ["RL"], LotArea: [8450], YrSold: [2008] });
});

test("a scalar is one row; more than two dimensions are laid side by side", () => {
  expect(columnsOf(decodeRequest(fixture("kserve_bert_sequence_classification_v2")))).toEqual({ "input-0": ["Hello, my dog is cute."] });
  const image = decodeRequest(fixture("kserve_torchserve_input_v2"));
  expect(image.ok && [image.rows, image.columns.length]).toEqual([1, 784]);
  expect(columnsOf(decodeRequest(fixture("mlserver_batch-bytes")))).toEqual({ "input-0_0": ["a"], "input-0_1": ["b"], "input-0_2": ["c"] });
  expect(columnsOf(decodeRequest(fixture("mlserver_runtimes_sklearn_inference-request")))).toEqual({ "input-0": [1, 2, 3] });
});

test("an answer's columns, and the version that gave them", () => {
  expect(decodeResponse(fixture("mlserver_inference-response"))).toEqual({ ok: true, rows: 1, columns: [{ name: "output-0", values: [21] }] });
  const body = { model_name: "employment", model_version: "2", outputs: [tensor([2], [0, 1], "label"), tensor([2, 2], [0.9, 0.1, 0.2, 0.8], "probabilities")] };
  const decoded = decodeResponse(Buffer.from(JSON.stringify(body)));
  expect(decoded).toMatchObject({ ok: true, rows: 2, version: "2" });
  expect(columnsOf(decoded)).toEqual({ label: [0, 1], probabilities_0: [0.9, 0.2], probabilities_1: [0.1, 0.8] });
});

test("missing values as Python writes them are null, but not inside of text", () => {
  const text = '{"inputs":[{"name":"a","shape":[4],"datatype":"FP32","data":[NaN,-Infinity,Infinity,1.5]},{"name":"b","shape":[4],"datatype":"BYTES","data":["NaN","a\\"NaN","Infinity","\\\\"]}]}';
  expect(columnsOf(decodeRequest(Buffer.from(text)))).toEqual({ a: [null, null, null, 1.5], b: ["NaN", 'a"NaN', "Infinity", "\\"] });
});

test("a compressed body is read like any other", () => {
  expect(decodeRequest(gzipSync(fixture("kserve_iris_input_v2")))).toEqual(decodeRequest(fixture("kserve_iris_input_v2")));
});

test.each<[string, Uint8Array, string]>([
  ["nothing", Buffer.alloc(0), "empty"],
  ["no rows", request(tensor([0, 4], [])), "empty"],
  ["half a body", fixture("kserve_iris_input_v2").subarray(0, 100), "not-json"],
  ["numbers written as C writes them", fixture("mlserver_docs_no-json"), "not-json"],
  ["a broken archive", Buffer.from([0x1f, 0x8b, 1, 2, 3]), "not-json"],
  ["an archive that grows without bound", gzipSync(Buffer.alloc(65 * 1_048_576, 32)), "not-json"],
  ["JSON that is no object", Buffer.from("[1,2]"), "no-tensors"],
  ["instances of another protocol", Buffer.from('{"instances":[[1,2]]}'), "no-tensors"],
  ["no tensors", request(), "no-tensors"],
  ["a tensor without a name", request({ shape: [1], datatype: "FP32", data: [1] }), "no-tensors"],
  ["too few values", request(tensor([2, 2], [1, 2, 3])), "shape"],
  ["too many values", request(tensor([2], [1, 2, 3])), "shape"],
  ["no shape", request({ name: "x", datatype: "FP32", data: [1] }), "shape"],
  ["a shape that is none", request(tensor([-1], [1])), "shape"],
  ["a shape beyond all bounds", request(tensor([1e15, 1e15], [1])), "shape"],
  ["objects for values", request(tensor([1], [{ b: 1 }])), "shape"],
  ["nesting without end", Buffer.from(`{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":${"[".repeat(100_000)}1${"]".repeat(100_000)}}]}`), "shape"],
  ["different numbers of rows", request(tensor([2], [1, 2], "a"), tensor([3], [1, 2, 3], "b")), "shape"],
  ["a binary tensor without its bytes", request({ name: "x", shape: [1], datatype: "FP32", parameters: { binary_data_size: 4 } }), "binary"],
])("what can not be read says why: %s", (_name, body, reason) => {
  expect(decodeRequest(body)).toEqual({ ok: false, reason });
});

test("no bytes whatever make it throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (body) => typeof decodeRequest(body).ok === "boolean"));
  fc.assert(fc.property(fc.json(), (text) => typeof decodeRequest(Buffer.from(`{"inputs":${text}}`)).ok === "boolean" && description(JSON.parse(text)) !== null));
});

test("a long unfinished text with escapes is refused in no time", () => {
  const body = Buffer.from(`{"inputs":"${'\\"'.repeat(500_000)}`);
  const start = performance.now();
  expect(decodeRequest(body)).toEqual({ ok: false, reason: "not-json" });
  expect(performance.now() - start).toBeLessThan(1_000);
});

test("a model's metadata", () => {
  expect(description(JSON.parse(fixture("mlserver_metadata-model-response").toString()))).toEqual({
    name: "sum-model",
    versions: ["sum-model/v1.2.3"],
    inputs: [{ name: "input-0", datatype: "FP32", shape: [128] }],
    outputs: [{ name: "output-0", datatype: "FP32", shape: [1] }],
  });
  expect(description({ name: "m", inputs: [], outputs: [{ name: "o", datatype: "INT64", shape: ["-1", "2"] }] })).toEqual({
    name: "m",
    versions: [],
    inputs: [],
    outputs: [{ name: "o", datatype: "INT64", shape: [-1, 2] }],
  });
  for (const wrong of [null, [], {}, { name: "m" }, { name: 1, inputs: [], outputs: [] }, { name: "m", inputs: [{ name: "a" }], outputs: [] }]) expect(description(wrong)).toBeUndefined();
});

test("a request as a rung needs it: its id, its tensors, the outputs asked for", () => {
  expect(parseRequest(fixture("mlserver_inference-request-with-output"))).toEqual({
    ok: true,
    id: undefined,
    inputs: [{ name: "input-0", datatype: "INT32", shape: [1, 3], values: [1, 2, 3] }],
    outputs: ["requested-output-0"],
    stream: false,
    form: { binary: false, except: [] },
  });
  // What a datatype means is for the server that runs the model to say.
  expect(parseRequest(fixture("mlserver_inference-request-invalid-datatype"))).toMatchObject({ ok: true, inputs: [{ datatype: "INT322" }] });
  expect(parseRequest(Buffer.from('{"id":"42","inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}],"outputs":[]}'))).toMatchObject({ id: "42", outputs: undefined });
});

test("an answer that is written can be read again; what JSON can not carry is refused", () => {
  const outputs = [{ name: "probabilities", datatype: "FP32", shape: [2, 2], values: [0.25, 0.75, 1, 0] }];
  const { headers, body } = formatAnswer({ model: "employment", version: "small-1", id: "42", outputs });
  const text = body.toString();
  expect(headers).toEqual({ "content-type": "application/json" });
  expect(JSON.parse(text)).toEqual({
    model_name: "employment",
    model_version: "small-1",
    id: "42",
    outputs: [{ name: "probabilities", datatype: "FP32", shape: [2, 2], data: [0.25, 0.75, 1, 0] }],
  });
  expect(columnsOf(decodeResponse(Buffer.from(text)))).toEqual({ probabilities_0: [0.25, 1], probabilities_1: [0.75, 0] });
  expect(Object.keys(JSON.parse(formatAnswer({ model: "m", version: undefined, id: undefined, outputs }).body.toString()) as object)).toEqual(["model_name", "outputs"]);
  expect(() => formatAnswer({ model: "m", version: undefined, id: undefined, outputs: [{ name: "o", datatype: "FP32", shape: [1], values: [Number.NaN] }] })).toThrow(/output o holds NaN/);
  expect(JSON.parse(formatError('no "model"', 404))).toEqual({ error: 'no "model"' });
});

test("an answer's version is told from its first bytes, and never from its data", () => {
  const versionIn = (text: string) => openInference.versionIn(Buffer.from(text));
  expect(versionIn('{"model_name":"m","model_version":"7","outputs":[]}')).toBe("7");
  expect(versionIn('{ "model_name": "m",\n  "model_version" : "2024-01-01", "id": "x"')).toBe("2024-01-01");
  expect(versionIn('{"model_name":"m","outputs":[{"name":"y","data":["\\"model_version\\":\\"9\\""]}],"model_version":"1"}')).toBeUndefined();
  expect(versionIn('{"model_name":"m","outputs":[]}')).toBeUndefined();
  expect(versionIn('{"model_version":"a\\r\\nset-cookie: x"}')).toBeUndefined();
  expect(versionIn("")).toBeUndefined();
});
