import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareAnswer, type KnownAnswer } from "../../agent/probes/known-answer.ts";

const answer = (outputs: readonly object[]) => Buffer.from(JSON.stringify({ model_name: "m", outputs }));
const two = answer([
  { name: "label", shape: [2], datatype: "INT64", data: [1, 0] },
  { name: "probabilities", shape: [2, 2], datatype: "FP32", data: [[0.25, 0.75], [0.5, 0.5]] },
]);

function differenceOf(body: Buffer, known: KnownAnswer, tolerance = 1e-4): string {
  const comparison = compareAnswer(body, known, tolerance);
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

test("data that do not fill the shape are a mismatch", () => {
  expect(differenceOf(answer([{ name: "y", shape: [2, 2], data: [1, 2, 3] }]), { y: [1, 2, 3] })).toBe("mismatch: y: shape [2,2] holds 4 values, its data 3");
});

test("texts and truths are compared exactly; null is no number", () => {
  const body = answer([{ name: "class", shape: [2], data: ["cat", "dog"] }, { name: "sure", shape: [1], data: [true] }, { name: "score", shape: [1], data: [null] }]);
  expect(differenceOf(body, { class: ["cat", "dog"], sure: [true] })).toBe("equal");
  expect(differenceOf(body, { class: ["cat", "Dog"] })).toBe('mismatch: class[1]: expected "Dog", got "dog"');
  expect(differenceOf(body, { score: [0] })).toBe("mismatch: score[0]: expected 0, got null");
});

test.each([
  ["", "invalid: the answer is no JSON"],
  ['{"outputs": [{"name": "y"', "invalid: the answer is no JSON"],
  ["[1, 2]", "invalid: the answer is no JSON object"],
  ['{"error": "model not found"}', "invalid: the answer has neither outputs nor predictions"],
  ['{"outputs": [{"name": "y", "parameters": {"binary_data_size": 8}}]}', "invalid: an output has no name or no data"],
])("what can not be read is invalid, not a mismatch: %j", (body, difference) => {
  expect(differenceOf(Buffer.from(body), { y: [1] })).toContain(difference);
});

test("a KServe v1 answer's predictions are an output of that name", () => {
  expect(differenceOf(Buffer.from('{"predictions": [[0.1, 0.9], [0.4, 0.6]]}'), { predictions: [0.1, 0.9, 0.4, 0.6] })).toBe("equal");
});

test("numbers agree exactly when |a - b| <= tolerance * max(1, |b|)", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (got, wanted, tolerance) => {
      const body = answer([{ name: "y", shape: [1], data: [got] }]);
      const agree = Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
      expect(compareAnswer(body, { y: [wanted] }, tolerance).equal).toBe(agree);
    }),
  );
});

test("the example model's known answer has the shape that it is compared in", () => {
  const known = JSON.parse(readFileSync(new URL("../../examples/employment/known-answer.json", import.meta.url), "utf8")) as KnownAnswer;
  const rows = known["label"]?.length ?? 0;
  const body = answer([{ name: "label", shape: [rows], data: known["label"] }, { name: "probabilities", shape: [rows, 2], data: known["probabilities"] }]);
  expect(differenceOf(body, known)).toBe("equal");
});
