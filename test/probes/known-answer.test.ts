import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareAnswer, type KnownAnswer } from "../../agent/probes/known-answer.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { protocols, type ProtocolName } from "../../agent/protocols/protocols.ts";

const answer = (outputs: readonly object[]) => Buffer.from(JSON.stringify({ model_name: "m", outputs }));
const two = answer([
  { name: "label", shape: [2], datatype: "INT64", data: [1, 0] },
  { name: "probabilities", shape: [2, 2], datatype: "FP32", data: [[0.25, 0.75], [0.5, 0.5]] },
]);

function differenceOf(body: Buffer, known: KnownAnswer, tolerance = 1e-4, protocol: ProtocolName = "open-inference"): string {
  const comparison = compareAnswer(protocols[protocol].parseAnswer(body), known, tolerance);
  return comparison.equal ? "equal" : `${comparison.reason}: ${comparison.detail}`;
}

test("the known answer is equal, nested or flat, and outputs that are not asked about do not matter", () => {
  expect(differenceOf(two, { label: [1, 0], probabilities: [0.25, 0.75, 0.5, 0.5] })).toBe("equal");
  expect(differenceOf(two, { label: [1, 0] })).toBe("equal");
});

test.each<[string, KnownAnswer, string]>([
  ["one value off", { probabilities: [0.25, 0.75, 0.501, 0.5] }, "mismatch: probabilities[2]: expected 0.501, got 0.5: differs by 0.00100"],
  ["another label", { label: [1, 1] }, "mismatch: label[1]: expected 1, got 0: differs by 1.00"],
  ["a text for a number", { label: ["1", 0] }, 'mismatch: label[0]: expected "1", got 1'],
  ["too few values", { label: [1, 0, 0] }, "mismatch: label: expected 3 values, got 2"],
  ["no such output", { scores: [1] }, 'mismatch: the answer has no output "scores", only label, probabilities'],
])("%s is a mismatch that says where and by how much", (_, known, difference) => {
  expect(differenceOf(two, known)).toBe(difference);
});

test("texts and truths are compared exactly; null is no number", () => {
  const body = answer([{ name: "class", shape: [2], data: ["cat", "dog"] }, { name: "sure", shape: [1], data: [true] }, { name: "score", shape: [1], data: [null] }]);
  expect(differenceOf(body, { class: ["cat", "dog"], sure: [true] })).toBe("equal");
  expect(differenceOf(body, { class: ["cat", "Dog"] })).toBe('mismatch: class[1]: expected "Dog", got "dog"');
  expect(differenceOf(body, { score: [0] })).toBe("mismatch: score[0]: expected 0, got null");
});

test.each([
  ["", "empty"],
  ['{"outputs": [{"name": "y"', "not-json"],
  ["[1, 2]", "no-tensors"],
  ['{"error": "model not found"}', "no-tensors"],
  ['{"outputs": [{"name": "y", "shape": [2, 2], "data": [1, 2, 3]}]}', "shape"],
  ['{"outputs": [{"name": "y", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}]}', "binary"],
])("what can not be read is invalid, not a mismatch: %j", (body, reason) => {
  expect(differenceOf(Buffer.from(body), { y: [1] })).toBe(`invalid: the answer can not be read: ${reason}`);
});

test.each<[ProtocolName, string, KnownAnswer]>([
  ["kserve", '{"predictions": [[0.1, 0.9], [0.4, 0.6]]}', { predictions: [0.1, 0.9, 0.4, 0.6] }],
  ["kserve", '{"predictions": [{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.8}]}', { label: ["cat", "dog"], score: [0.9, 0.8] }],
  ["tf-serving", '{"predictions": [2.5, 3, 4.5]}', { predictions: [2.5, 3, 4.5] }],
  ["tf-serving", '{"outputs": {"a": [[1], [2]], "b": [[3], [4]]}}', { a: [1, 2], b: [3, 4] }],
  ["tf-serving", '{"results": [[["cat", 0.9]], [["dog", 0.8]]]}', { classes: ["cat", "dog"], scores: [0.9, 0.8] }],
  ["torchserve", '{"tabby": 0.46, "tiger_cat": 0.42}', { tabby: [0.46], tiger_cat: [0.42] }],
  ["torchserve", "[3, 7]", { predictions: [3, 7] }],
  ["openai", '{"choices":[{"index":0,"message":{"content":"Paris"},"finish_reason":"stop"}]}', { choices: ["Paris"], finish_reason: ["stop"] }],
  ["openai", '{"choices":[{"index":0,"text":"4","finish_reason":"length"},{"index":1,"text":"5","finish_reason":"length"}]}', { choices: ["4", "5"] }],
  ["openai", 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Pa"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"ris"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n', { choices: ["Paris"], finish_reason: ["stop"] }],
  ["openai", '{"data":[{"index":0,"embedding":[0.5,-1]},{"index":1,"embedding":"AAAAPwAAgL8="}]}', { embeddings: [0.5, -1, 0.5, -1] }],
  ["plain", '[{"y": 1}, {"y": 2}]', { y: [1, 2] }],
])("%s: an answer in its form is read as the protocol reads it: %s", (protocol, body, known) => {
  expect(differenceOf(Buffer.from(body), known, 1e-4, protocol)).toBe("equal");
  const [name, values] = Object.entries(known)[0] as [string, KnownAnswer[string]];
  expect(differenceOf(Buffer.from(body), { [name]: values.map(() => "something else") }, 1e-4, protocol)).toMatch(/^mismatch: /);
});

test("numbers agree exactly when |a - b| <= tolerance * max(1, |b|)", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (got, wanted, tolerance) => {
      const body = answer([{ name: "y", shape: [1], data: [got] }]);
      const agree = Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
      expect(compareAnswer(openInference.parseAnswer(body), { y: [wanted] }, tolerance).equal).toBe(agree);
    }),
  );
});

test("the example model's known answer has the shape that it is compared in", () => {
  const known = JSON.parse(readFileSync(new URL("../../examples/employment/known-answer.json", import.meta.url), "utf8")) as KnownAnswer;
  const rows = known["label"]?.length ?? 0;
  const body = answer([{ name: "label", shape: [rows], data: known["label"] }, { name: "probabilities", shape: [rows, 2], data: known["probabilities"] }]);
  expect(differenceOf(body, known)).toBe("equal");
});
