/** The answer that was written down beforehand. */
import { expect, test } from "vitest";
import { ladder, ladderOptions } from "../../agent/ladder/ladder.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import { bodyOf, ladderDeps, question, stage } from "./stage.ts";

const answer = { kind: "default", outputs: { probabilities: [0.7, 0.3], label: 0 } };
const description: ModelDescription = {
  name: "employment",
  versions: ["1"],
  inputs: [{ name: "AGEP", datatype: "FP32", shape: [-1, 1] }],
  outputs: [{ name: "label", datatype: "INT64", shape: [-1] }, { name: "probabilities", datatype: "FP32", shape: [-1, 2] }],
};
const people = (rows: number) => ({ inputs: [{ name: "AGEP", datatype: "FP32", shape: [rows, 1], data: Array.from({ length: rows }, () => 40) }] });

test("each row of the batch has the values; names, order, datatypes and ranks are the primary's", async () => {
  const { ask } = await stage([{ ...answer, version: "2026-01" }], description);
  const given = await ask(question({ id: "7", ...people(3) }));
  expect(given).toMatchObject({ outcome: "ok", status: 200, version: "2026-01" });
  expect(bodyOf(given)).toEqual({
    model_name: "employment",
    model_version: "2026-01",
    id: "7",
    outputs: [
      { name: "label", datatype: "INT64", shape: [3], data: [0, 0, 0] },
      { name: "probabilities", datatype: "FP32", shape: [3, 2], data: [0.7, 0.3, 0.7, 0.3, 0.7, 0.3] },
    ],
  });
});

test("where the primary's labels are a column, so are these", async () => {
  const { ask } = await stage([answer], { ...description, outputs: [{ name: "label", datatype: "INT64", shape: [-1, 1] }] });
  expect(bodyOf(await ask(question(people(2)))).outputs).toEqual([{ name: "label", datatype: "INT64", shape: [2, 1], data: [0, 0] }]);
});

test("without a description the config's outputs are given, with datatypes that fit their values", async () => {
  const { ask } = await stage([{ kind: "default", outputs: { n: 3, x: 0.5, yes: true, word: "unknown", row: [1, 2.5] } }]);
  expect(bodyOf(await ask(question(people(1)))).outputs).toEqual([
    { name: "n", datatype: "INT64", shape: [1], data: [3] },
    { name: "x", datatype: "FP32", shape: [1], data: [0.5] },
    { name: "yes", datatype: "BOOL", shape: [1], data: [true] },
    { name: "word", datatype: "BYTES", shape: [1], data: ["unknown"] },
    { name: "row", datatype: "FP32", shape: [1, 2], data: [1, 2.5] },
  ]);
});

test("only the outputs asked for, in the order asked; one that is not configured is no answer", async () => {
  const { ask } = await stage([answer], { ...description, outputs: [...description.outputs, { name: "shap", datatype: "FP32", shape: [-1, 16] }] });
  expect(bodyOf(await ask(question({ ...people(1), outputs: [{ name: "probabilities" }, { name: "label" }] }))).outputs.map(({ name }) => name)).toEqual(["probabilities", "label"]);
  expect(await ask(question(people(1)))).toEqual({ outcome: "unsupported", detail: "this rung has nothing for the output shap" });
  expect(await ask(question({ ...people(1), outputs: [{ name: "logits" }] }))).toEqual({ outcome: "rejected", detail: "there is no output logits" });
});

test("a request whose rows can not be counted is not answered", async () => {
  const { ask } = await stage([answer], description);
  expect(await ask(question(Buffer.from("{")))).toEqual({ outcome: "rejected", detail: "the request can not be read: not-json" });
  expect(await ask(question({ inputs: [{ name: "a", shape: [1], data: [1] }, { name: "b", shape: [2], data: [1, 2] }] }))).toMatchObject({ outcome: "rejected" });
});

test("rungs are asked in the config's order and are called by their kind where they have no name", () => {
  const options = ladderOptions.parse([{ kind: "onnx", model: "a.onnx" }, { kind: "default", outputs: { y: 0 } }, { kind: "default", name: "really-last", outputs: { y: 1 } }]);
  expect(options).toMatchObject([{ name: "onnx", timeout: 1_000, bulkhead: { active: 4, waiting: 1_024 } }, { name: "default" }, { name: "really-last" }]);
  const made = ladder(options, ladderDeps());
  expect(made.rungs.map(({ name, kind }) => [name, kind])).toEqual([["onnx", "onnx"], ["default", "default"], ["really-last", "default"]]);
  expect(made.usable()).toEqual(["default", "really-last"]); // the model is loaded by start
  expect(() => ladder([...options, ...options], ladderDeps())).toThrow('ladder.3.name: a rung before it is named "onnx" too');
});

test.each([
  ["an unknown kind", [{ kind: "oracle" }]],
  ["a name that is no label", [{ kind: "default", name: "a b", outputs: {} }]],
  ["a version that is no header", [{ kind: "default", version: "a\nb", outputs: {} }]],
  ["no model", [{ kind: "onnx" }]],
  ["a time without unit", [{ kind: "onnx", model: "a", timeout: 5 }]],
  ["a value that is none", [{ kind: "default", outputs: { y: null } }]],
])("a config with %s is refused", (_name, options) => {
  expect(ladderOptions.safeParse(options).success).toBe(false);
});

test("5,000 requests that are called back in one moment are all answered", async () => {
  const { ask } = await stage([answer], description);
  const answers = await Promise.all(Array.from({ length: 5_000 }, () => ask(question(people(1)))));
  expect(answers.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
});
