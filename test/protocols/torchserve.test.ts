/** TorchServe: bodies that only a handler understands, and those that look like a table. */
import { expect, test } from "vitest";
import type { Tensor } from "../../agent/protocols/protocol.ts";
import { torchserve } from "../../agent/protocols/torchserve.ts";
import { columnsOf, fixture, json } from "./bodies.ts";

const { decodeRequest, decodeResponse, parseRequest, formatAnswer, inferenceOf, paths, describe: description } = torchserve;

test("which requests are inferences, and of what", () => {
  expect(inferenceOf("POST", "/predictions/resnet-18")).toEqual({ model: "resnet-18", version: undefined });
  expect(inferenceOf("PUT", paths.infer("a b", "2.0"))).toEqual({ model: "a b", version: "2.0" });
  for (const [method, path] of [["GET", "/predictions/a"], ["POST", "/explanations/a"], ["POST", "/models?url=a.mar"], ["POST", "/predictions/a/1/x"], ["POST", "/predictions/"]] as const) {
    expect(inferenceOf(method, path), `${method} ${path}`).toBeUndefined();
  }
});

test("models are managed at another port", () => {
  expect([paths.managementPort, paths.model("a b")]).toEqual([8_081, "/models/a%20b"]);
  expect(paths.load?.("a", "2.0")).toEqual({ method: "PUT", path: "/models/a/2.0?min_worker=1&synchronous=true" });
  expect(paths.unload?.("a")).toEqual({ method: "PUT", path: "/models/a?min_worker=0&max_worker=0&synchronous=true" });
});

test("a table in any of the forms in which handlers take it", () => {
  const table = { a: [1, 2], b: ["x", "y"] };
  expect(columnsOf(decodeRequest(json([{ a: 1, b: "x" }, { a: 2, b: "y" }])))).toEqual(table);
  expect(columnsOf(decodeRequest(json({ instances: [{ a: 1, b: "x" }, { a: 2, b: "y" }] })))).toEqual(table);
  expect(columnsOf(decodeRequest(json({ data: [[1, 2], [3, 4]] })))).toEqual({ data_0: [1, 3], data_1: [2, 4] });
  expect(columnsOf(decodeRequest(json({ a: 1, v: [1, 2] })))).toEqual({ a: [1], v_0: [1], v_1: [2] });
  expect(columnsOf(decodeRequest(fixture("kserve_sklearn_mixed")))).toMatchObject({ LotArea: [8_450], SaleType: ["WD"] });
  expect(decodeRequest(Buffer.from("ffd8ffe000104a464946", "hex"))).toEqual({ ok: false, reason: "not-json" });
});

test("a rung's answer has the form of its request", () => {
  const label: Tensor = { name: "label", datatype: "INT64", shape: [1], values: [7] };
  const odds: Tensor = { name: "odds", datatype: "FP32", shape: [1, 2], values: [0.5, 0.25] };
  const answer = (asked: unknown, ...outputs: readonly Tensor[]): unknown => JSON.parse(formatAnswer({ model: "m", version: undefined, id: undefined, outputs }, parseRequest(json(asked))).body.toString());
  expect(answer({ a: 1 }, label, odds)).toEqual({ label: 7, odds: [0.5, 0.25] });
  expect(answer([[1]], odds)).toEqual([[0.5, 0.25]]);
  expect(answer({ instances: [[1]] }, label)).toEqual({ predictions: [7] });
  expect(columnsOf(decodeResponse(json({ tabby: 0.5, tiger: 0.25 })))).toEqual({ tabby: [0.5], tiger: [0.25] });
  expect(columnsOf(decodeResponse(json([7, 8])))).toEqual({ predictions: [7, 8] });
});

test("an error in the server's own form", () => {
  expect(JSON.parse(torchserve.formatError("busy", 503))).toEqual({ code: 503, type: "ServiceUnavailableException", message: "busy" });
  expect(JSON.parse(torchserve.formatError("broken", 502))).toMatchObject({ code: 502, type: "InternalServerException" });
});

test("the management API's description: the versions that are registered", () => {
  const described = [{ modelName: "noop", modelVersion: "1.0", workers: [] }, { modelName: "noop", modelVersion: "2.0" }];
  expect(description(described)).toEqual({ name: "noop", versions: ["1.0", "2.0"], inputs: [], outputs: [] });
  for (const wrong of [null, [], {}, [{}]]) expect(description(wrong)).toBeUndefined();
});
