/** Every datatype of the example server, from the protocol's JSON to onnxruntime and back. */
import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { decode, encode, type JsonTensor, specsOf } from "../../examples/server/tensors.ts";

const roundTrip = (tensor: JsonTensor) => {
  const decoded = decode([tensor], [{ name: tensor.name, datatype: tensor.datatype, shape: ["n", ...tensor.shape.slice(1)] }]);
  return "wrong" in decoded ? decoded.wrong : encode(tensor.name, decoded.feeds[tensor.name] as Tensor);
};

test.each<JsonTensor>([
  { name: "x", datatype: "FP32", shape: [3], data: [0.5, -1, 3] },
  { name: "x", datatype: "FP64", shape: [2], data: [0.1, 1e300] },
  { name: "x", datatype: "INT32", shape: [2], data: [-(2 ** 31), 2 ** 31 - 1] },
  { name: "x", datatype: "INT64", shape: [2], data: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] },
  { name: "x", datatype: "BOOL", shape: [2], data: [true, false] },
  { name: "x", datatype: "BYTES", shape: [2, 1], data: ["", "zwölf"] },
])("$datatype comes back as it went in", (tensor) => {
  expect(roundTrip(tensor)).toEqual(tensor);
});

test.each([
  ["INT32", 2 ** 31],
  ["INT32", 0.5],
  ["INT64", 2 ** 53],
  ["BOOL", 1],
  ["BYTES", 7],
  ["FP32", "1"],
])("%s refuses %o", (datatype, value) => {
  expect(roundTrip({ name: "x", datatype, shape: [1], data: [value] })).toContain(`which is no ${datatype}`);
});

test("an integer of 64 bits leaves with all its digits", () => {
  const tensor = encode("x", new Tensor("int64", BigInt64Array.of(9_223_372_036_854_775_807n, -1n), [2]));
  expect(JSON.stringify(tensor.data)).toBe("[9223372036854775807,-1]");
});

test("a number that JSON has no word for leaves as null", () => {
  expect(JSON.stringify(encode("x", new Tensor("float32", Float32Array.of(NaN, Infinity), [2])).data)).toBe("[null,null]");
});

test("inputs that share a dimension must agree on its size", () => {
  const specs = ["a", "b"].map((name) => ({ name, datatype: "FP32", shape: ["n"] }));
  const input = (name: string, data: number[]) => ({ name, datatype: "FP32", shape: [data.length], data });
  expect(decode([input("a", [1, 2]), input("b", [3, 4])], specs)).toHaveProperty("feeds");
  expect(decode([input("a", [1, 2]), input("b", [3])], specs)).toEqual({ wrong: "input 'b' must have the shape [n], got [1]" });
});

test("a model with a type that the protocol's table here does not have is refused when it is loaded", () => {
  expect(() => specsOf([{ name: "x", isTensor: true, type: "float16", shape: [1] }])).toThrow("x is float16");
  expect(() => specsOf([{ name: "x", isTensor: false }])).toThrow("x is no tensor");
});

test("names are looked up as names, not as properties", () => {
  expect(decode([{ name: "__proto__", datatype: "FP32", shape: [1], data: [1] }], [{ name: "x", datatype: "FP32", shape: [1] }])).toEqual({
    wrong: "the model has no input '__proto__'",
  });
});
