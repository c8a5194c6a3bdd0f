/** The binary tensor extension: bytes as NumPy writes them, both ways, in requests and in answers. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { readValues, writeValues } from "../../agent/protocols/binary-tensors.ts";
import { formatBinaryRequest, openInference } from "../../agent/protocols/open-inference.ts";
import type { Tensor, Value } from "../../agent/protocols/protocol.ts";
import { columnsOf, fixture, json } from "./bodies.ts";

const { parseRequest, decodeRequest, decodeResponse, formatAnswer } = openInference;
const entry = (name: string, datatype: string, shape: readonly number[], size: number) => ({ name, datatype, shape, parameters: { binary_data_size: size } });

/** Bytes by NumPy 2.4.6, `np.array(values, dtype).tobytes().hex()`, and for BF16 ml_dtypes 0.6.0; of BYTES by hand. */
test.each<[string, readonly Value[], string]>([
  ["BOOL", [true, false], "0100"],
  ["INT8", [-2, 127], "fe7f"],
  ["INT16", [-2, 300], "feff2c01"],
  ["INT32", [-2, 70_000], "feffffff70110100"],
  ["INT64", [-2, 2 ** 53 - 1], "feffffffffffffffffffffffffff1f00"],
  ["UINT8", [2, 255], "02ff"],
  ["UINT16", [2, 65_535], "0200ffff"],
  ["UINT32", [2, 4_294_967_295], "02000000ffffffff"],
  ["UINT64", [2, 2 ** 53 - 1], "0200000000000000ffffffffffff1f00"],
  ["FP16", [1, -2, 65_504, 5.960464477539063e-8], "003c00c0ff7b0100"],
  ["BF16", [1, -2, 3.140625], "803f00c04940"],
  ["FP32", [1, -0.5], "0000803f000000bf"],
  ["FP64", [1, -0.5], "000000000000f03f000000000000e0bf"],
  ["BYTES", ["ab", "", "\u00fc"], "0200000061620000000002000000c3bc"],
])("%s is written and read as little-endian bytes", (datatype, values, hex) => {
  expect(writeValues(datatype, values).toString("hex")).toBe(hex);
  expect(readValues(datatype, Buffer.from(hex, "hex"), values.length)).toEqual(values);
});

test("BF16 rounds to the nearest, ties to even; NaN and the infinities stay what they are", () => {
  expect(writeValues("BF16", [1.00390625, 1.01171875]).toString("hex")).toBe("803f823f");
  const special = [Number.NaN, Infinity, -Infinity];
  for (const datatype of ["FP16", "BF16", "FP32", "FP64"]) expect(readValues(datatype, writeValues(datatype, special), 3)).toEqual(special);
});

test("integers beyond 2^53 lose digits and nothing else", () => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(9_007_199_254_740_993n);
  expect(readValues("INT64", bytes, 1)).toEqual([9_007_199_254_740_992]);
});

test("tensors' bytes after the JSON, in order, beside one that is written in it", () => {
  const tail = Buffer.concat([writeValues("FP32", [1.5, 2.5]), writeValues("BYTES", ["a", "bc"])]);
  const head = { id: "7", inputs: [entry("x", "FP32", [2], 8), { name: "y", datatype: "INT64", shape: [2], data: [3, 4] }, entry("z", "BYTES", [2, 1], 11)] };
  const body = Buffer.concat([json(head), tail]);
  expect(columnsOf(decodeRequest(body))).toEqual({ x: [1.5, 2.5], y: [3, 4], z: ["a", "bc"] });
  expect(parseRequest(body)).toMatchObject({ ok: true, id: "7", inputs: [{ datatype: "FP32" }, { datatype: "INT64" }, { shape: [2, 1] }] });
  expect(decodeRequest(gzipSync(body))).toEqual(decodeRequest(body));
  expect(columnsOf(decodeRequest(Buffer.concat([json(head), Buffer.from("\r\n"), tail])))).toHaveProperty("z", ["a", "bc"]);
});

test("bytes that look like JSON, and JSON that looks like bytes, are told apart", () => {
  const tricky = { inputs: [entry('a"}]}', "BYTES", [1], 8)], note: '"binary_data_size": 3 }' };
  expect(columnsOf(decodeRequest(Buffer.concat([json(tricky), writeValues("BYTES", ["}]}\\"])])))).toEqual({ 'a"}]}': ["}]}\\"] });
  expect(columnsOf(decodeRequest(json({ inputs: [{ name: "t", datatype: "BYTES", shape: [1], data: ['"binary_data_size"'] }] })))).toEqual({ t: ['"binary_data_size"'] });
});

test.each<[string, object, Buffer]>([
  ["bytes that are cut short", { inputs: [entry("x", "FP32", [2], 8)] }, Buffer.alloc(7)],
  ["bytes that are left over", { inputs: [entry("x", "FP32", [1], 4)] }, Buffer.alloc(5)],
  ["a size that does not fit the shape", { inputs: [entry("x", "FP32", [3], 8)] }, Buffer.alloc(8)],
  ["a datatype that nobody knows", { inputs: [entry("x", "FP8", [8], 8)] }, Buffer.alloc(8)],
  ["a text longer than its tensor", { inputs: [entry("x", "BYTES", [1], 5)] }, Buffer.from("ffffffff61", "hex")],
  ["a negative size", { inputs: [entry("x", "FP32", [1], -4)] }, Buffer.alloc(0)],
  ["more texts than bytes", { inputs: [entry("x", "BYTES", [1e12], 4)] }, Buffer.alloc(4)],
])("what can not be read is called binary: %s", (_name, head, tail) => {
  expect(decodeRequest(Buffer.concat([json(head), tail]))).toEqual({ ok: false, reason: "binary" });
});

test("an answer comes in bytes where the request asks for it: for all outputs, for one, for all but one", () => {
  const outputs: readonly Tensor[] = [
    { name: "label", datatype: "INT64", shape: [2], values: [0, 1] },
    { name: "odds", datatype: "FP32", shape: [2, 1], values: [0.5, Number.NaN] },
  ];
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
  const answer = (asked: object) => formatAnswer({ model: "m", version: "1", id: undefined, outputs }, parseRequest(json({ inputs, ...asked })));
  const one = { outputs: [{ name: "odds", parameters: { binary_data: true } }, { name: "label" }] };
  const allButOne = { parameters: { binary_data_output: true }, outputs: [{ name: "label", parameters: { binary_data: false } }, { name: "odds" }] };
  for (const [asked, inBytes] of [[{ parameters: { binary_data_output: true } }, 24], [one, 8], [allButOne, 8]] as const) {
    const { headers, body } = answer(asked);
    const length = Number(headers["inference-header-content-length"]);
    expect(headers["content-type"]).toBe("application/octet-stream");
    expect(body.length - length).toBe(inBytes);
    expect(JSON.parse(body.toString("utf8", 0, length))).toMatchObject({ model_name: "m", outputs: [{ name: "label" }, { name: "odds", parameters: { binary_data_size: 8 } }] });
    expect(columnsOf(decodeResponse(body))).toEqual({ label: [0, 1], odds: [0.5, Number.NaN] });
  }
  expect(() => answer({})).toThrow(/odds holds NaN/);
});

test("KServe's own requests for answers in bytes are understood", () => {
  const outputs = [{ name: "output-0", datatype: "INT64", shape: [2], values: [1, 1] }];
  for (const name of ["kserve_iris_input_v2_binary", "kserve_iris_input_v2_all_binary"]) {
    const { headers, body } = formatAnswer({ model: "iris", version: undefined, id: undefined, outputs }, parseRequest(fixture(name)));
    expect(body.length - Number(headers["inference-header-content-length"]), name).toBe(16);
  }
});

const exact: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  BOOL: fc.boolean(),
  INT8: fc.integer({ min: -128, max: 127 }),
  UINT16: fc.integer({ min: 0, max: 65_535 }),
  INT64: fc.maxSafeInteger(),
  UINT64: fc.maxSafeNat(),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string({ unit: "grapheme" }),
};

const tensors = fc.array(
  fc.tuple(fc.string(), fc.constantFrom(...Object.keys(exact)), fc.integer({ min: 1, max: 4 })).chain(([name, datatype, width]) =>
    fc.array(exact[datatype] as fc.Arbitrary<Value>, { minLength: 2 * width, maxLength: 2 * width }).map((values): Tensor => ({ name, datatype, shape: [2, width], values })),
  ),
  { minLength: 1, maxLength: 4 },
);

test("a binary request that is written is read as it was, and so is its answer", () => {
  fc.assert(
    fc.property(tensors, (inputs) => {
      const asked = parseRequest(formatBinaryRequest(inputs).body);
      expect(asked).toMatchObject({ ok: true, inputs });
      const { body } = formatAnswer({ model: "m", version: undefined, id: undefined, outputs: inputs }, asked);
      const read = parseRequest(Buffer.from(body.toString("latin1").replace('"outputs":', '"inputs":'), "latin1"));
      expect(read).toMatchObject({ ok: true, inputs });
    }),
  );
});
