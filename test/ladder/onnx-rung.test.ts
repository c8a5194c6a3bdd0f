/** A small model in the sidecar answers as the model server would have, with real models and a real runtime. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, employment, fixtures, question, stage } from "./stage.ts";

const irises = JSON.parse(readFileSync(join(fixtures, "sklearn_randomforest_expected.json"), "utf8")) as { values: number[]; output_label: number[] };
const forest = { kind: "onnx", model: join(fixtures, "sklearn_randomforest.onnx"), version: "forest-1" };
const irisQuestion = { id: "42", inputs: [{ name: "X", datatype: "FP32", shape: [6, 4], data: irises.values }] };
const species: ModelDescription = {
  name: "iris",
  versions: ["3"],
  inputs: [{ name: "X", datatype: "FP64", shape: [-1, 4] }],
  outputs: [{ name: "output_label", datatype: "INT32", shape: [-1, 1] }],
};

test("labels of a random forest are those that its makers expect; the rest is as the primary would have said it", async () => {
  const { ask } = await stage([forest], species);
  const answer = await ask(question(irisQuestion, "iris"));
  expect(answer).toMatchObject({ outcome: "ok", status: 200, version: "forest-1", headers: { "content-type": "application/json" } });
  expect(bodyOf(answer)).toEqual({
    model_name: "iris",
    model_version: "forest-1",
    id: "42",
    outputs: [{ name: "output_label", datatype: "INT32", shape: [6, 1], data: irises.output_label }],
  });
});

test("while the primary's description is not known, the model's own outputs are given, those that are tensors", async () => {
  const { ask } = await stage([forest]);
  expect(bodyOf(await ask(question(irisQuestion, "iris"))).outputs).toEqual([{ name: "output_label", datatype: "INT64", shape: [6], data: irises.output_label }]);
});

test("a single matrix is put together from named columns, whatever their order", async () => {
  const { ask } = await stage([{ ...forest, features: ["a", "b", "c", "d"] }]);
  const column = (at: number) => irises.values.filter((_, index) => index % 4 === at);
  const inputs = [2, 0, 3, 1].map((at) => ({ name: "abcd"[at], datatype: "FP32", shape: [6, 1], data: column(at) }));
  expect(bodyOf(await ask(question({ inputs }))).outputs[0]?.data).toEqual(irises.output_label);
  // A tensor of another name with the right number of columns is that matrix.
  expect(bodyOf(await ask(question({ inputs: [{ ...irisQuestion.inputs[0], name: "input-0" }] }))).outputs[0]?.data).toEqual(irises.output_label);
});

test.each<[string, unknown, string, RegExp]>([
  ["no JSON", Buffer.from("{"), "rejected", /can not be read: not-json/],
  ["a binary tensor", { inputs: [{ name: "X", datatype: "FP32", shape: [1, 4], parameters: { binary_data_size: 16 } }] }, "unsupported", /binary/],
  ["other inputs", { inputs: [{ name: "P", datatype: "FP32", shape: [1], data: [1] }, { name: "Q", datatype: "FP32", shape: [1], data: [1] }] }, "unsupported", /nothing for the input X/],
  ["too few columns", { inputs: [{ name: "X", datatype: "FP32", shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }] }, "rejected", /6 values in 2 rows do not fit the input X/],
  ["text for numbers", { inputs: [{ name: "X", datatype: "BYTES", shape: [1, 4], data: ["a", "b", "c", "d"] }] }, "rejected", /text where the model takes numbers/],
  ["an output that there is not", { ...irisQuestion, outputs: [{ name: "logits" }] }, "rejected", /no output logits/],
])("%s: the question goes on to the next rung, with the reason said", async (_name, body, outcome, detail) => {
  const { ask } = await stage([forest], species);
  expect(await ask(question(body, "iris"))).toMatchObject({ outcome, detail: expect.stringMatching(detail) as string });
});

test("an output of the primary's that the model has not got is no answer", async () => {
  const { ask } = await stage([forest], { ...species, outputs: [...species.outputs, { name: "logits", datatype: "FP32", shape: [-1, 3] }] });
  expect(await ask(question(irisQuestion, "iris"))).toMatchObject({ outcome: "unsupported", detail: "this rung has nothing for the output logits" });
  expect(bodyOf(await ask(question({ ...irisQuestion, outputs: [{ name: "output_label" }] }, "iris"))).outputs).toHaveLength(1);
});

test("a question for another model is not answered in its name", async () => {
  const { ask } = await stage([forest], species);
  expect(await ask(question(irisQuestion, "tulip"))).toEqual({ outcome: "unsupported", detail: "it stands in for iris, not for tulip" });
});

test.each([
  ["is missing", join(fixtures, "nobody.onnx"), undefined],
  ["is no model", undefined, "this is no model"],
])("a model's file that %s leaves its rung out, says which file, and harms nobody", async (_name, path, text) => {
  const folder = mkdtempSync(join(tmpdir(), "rung-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const model = path ?? join(folder, "broken.onnx");
  if (text !== undefined) writeFileSync(model, text);
  const { ladder, told, ask } = await stage([{ kind: "onnx", model }, { kind: "default", outputs: { y: 1 } }]);
  expect(told.filter(({ level }) => level === "error")).toMatchObject([{ fields: { rung: "onnx", model }, message: expect.stringContaining(model) as string }]);
  expect(ladder.usable()).toEqual(["default"]);
  expect(await ask(question(irisQuestion))).toMatchObject({ outcome: "error", detail: expect.stringContaining(model) as string });
});

test("a run that takes longer than its time is given up; its thread is ended and started anew", async () => {
  const clock = new FakeClock();
  const { ladder, told, ask } = await stage([{ ...forest, timeout: "200ms" }], undefined, clock);
  const [first, second] = [ask(question(irisQuestion)), ask(question(irisQuestion))];
  clock.advance(200);
  expect(await first).toEqual({ outcome: "timeout", detail: "no answer within 200 ms" });
  expect((await second).outcome).toBe("timeout");
  while (told.every(({ message }) => message !== "a rung's thread is ended")) await new Promise(setImmediate);
  while (ladder.usable().length > 0) await new Promise(setImmediate);
  expect(await ask(question(irisQuestion))).toMatchObject({ outcome: "error", detail: "its thread ended and is being started anew" });
  clock.advance(1_000);
  while (ladder.usable().length === 0) await new Promise(setImmediate);
  expect(bodyOf(await ask(question(irisQuestion))).outputs[0]?.data).toEqual(irises.output_label);
  expect(clock.pending).toBe(0);
});

test("a rung that is closed in the middle of a run lets it end: a thread that is terminated meanwhile would abort the process", async () => {
  const many = { inputs: [{ name: "X", datatype: "FP32", shape: [6_000, 4], data: Array.from({ length: 24_000 }, (_, at) => at % 7) }] };
  for (let i = 0; i < 6; i += 1) {
    const { close, ask } = await stage([forest]);
    const asked = [0, 1, 2, 3].map(() => ask(question(many)));
    for (let turns = 0; turns < 40 * i; turns += 1) await new Promise(setImmediate);
    await close();
    for (const { outcome } of await Promise.all(asked)) expect(["ok", "error"]).toContain(outcome);
  }
});

test("a question that its asker gives up ends at once and costs the thread nothing", async () => {
  const { ladder, ask } = await stage([forest]);
  const abort = new AbortController();
  const asking = ask(question(irisQuestion), 0, abort.signal);
  abort.abort();
  expect((await asking).outcome).toBe("timeout");
  expect((await ask(question(irisQuestion))).outcome).toBe("ok");
  expect(ladder.usable()).toEqual(["onnx"]);
});

test("a burst is answered as far as may wait at once; the rest learns that it is too much", async () => {
  const { ask } = await stage([{ ...forest, bulkhead: { waiting: 50 } }]);
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(question(irisQuestion))));
  const [served, refused] = [answers.filter(({ outcome }) => outcome === "ok"), answers.filter(({ outcome }) => outcome === "overloaded")];
  expect(served.length).toBe(54); // 50 that wait and 4 under way
  expect(refused.length).toBe(146);
  expect(refused[0]).toMatchObject({ detail: "50 questions are waiting" });
});

test("after it is closed it answers nobody", async () => {
  const { ladder, close, ask } = await stage([forest]);
  await close();
  expect(ladder.usable()).toEqual([]);
  expect(await ask(question(irisQuestion))).toMatchObject({ outcome: "error", detail: "it has been stopped" });
});

/** The example's model: 16 inputs of one column each. Without it the tests above still hold the rung to a real model. */
const example = existsSync(join(employment, "fallback.onnx")) && existsSync(join(employment, "expected.json"));
if (!example) {
  console.warn("MISSING: examples/employment/fallback.onnx; the fallback of the example is not tested");
  test.runIf(process.env.PILOTFISH_REAL === "1")("the example's fallback model is there", () => expect(example).toBe(true));
}

test.runIf(example)("the example's fallback answers 20 people as scikit-learn does, in the primary's shape", async () => {
  interface Expected {
    readonly features: readonly string[];
    readonly rows: readonly (readonly number[])[];
    readonly models: Readonly<Record<string, { readonly label: readonly number[]; readonly probabilities: readonly (readonly number[])[] }>>;
  }
  const { features, rows, models } = JSON.parse(readFileSync(join(employment, "expected.json"), "utf8")) as Expected;
  const expected = models["fallback.onnx"];
  const description: ModelDescription = {
    name: "employment",
    versions: ["1", "2"],
    inputs: features.map((name) => ({ name, datatype: "FP32", shape: [-1, 1] })),
    outputs: [{ name: "label", datatype: "INT64", shape: [-1] }, { name: "probabilities", datatype: "FP32", shape: [-1, 2] }],
  };
  const { ask } = await stage([{ kind: "onnx", model: join(employment, "fallback.onnx"), version: "logistic-1", features: [...features] }], description);
  const separate = features.map((name, at) => ({ name, datatype: "FP32", shape: [rows.length, 1], data: rows.map((row) => row[at]) }));
  const matrix = [{ name: "people", datatype: "FP32", shape: [rows.length, features.length], data: rows }];
  for (const inputs of [separate, separate.toReversed(), matrix]) {
    const { outputs, model_version: version } = bodyOf(await ask(question({ inputs })));
    expect(version).toBe("logistic-1");
    expect(outputs.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual([["label", "INT64", [20]], ["probabilities", "FP32", [20, 2]]]);
    expect(outputs[0]?.data).toEqual(expected?.label);
    outputs[1]?.data.forEach((value, index) => expect(value).toBeCloseTo(expected?.probabilities.flat()[index] as number, 4));
  }
});

test.runIf(example)("the thread that asks is not kept waiting while a model runs", async () => {
  const { ask } = await stage([{ kind: "onnx", model: join(fixtures, "sklearn_randomforest.onnx") }]);
  const rows = 20_000;
  const data = Array.from({ length: rows }, () => irises.values.slice(0, 4)).flat();
  const body = question({ inputs: [{ name: "X", datatype: "FP32", shape: [rows, 4], data }] });
  const start = systemClock.monotonicMs();
  const asking = ask(body);
  let turns = 0;
  let answered = false;
  void asking.then(() => (answered = true));
  while (!answered) {
    turns += 1;
    await new Promise(setImmediate);
  }
  expect(bodyOf(await asking).outputs[0]?.data).toHaveLength(rows);
  // On the asking thread the run, and the JSON before and after it, would have been one turn.
  expect(turns).toBeGreaterThan(10);
  expect(systemClock.monotonicMs() - start).toBeLessThan(10_000);
});
