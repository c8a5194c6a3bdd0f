/** An answer made of several rungs' answers. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { agreeing, combine } from "../../agent/ladder/combine.ts";
import type { Said } from "../../agent/ladder/combine.ts";
import type { Send } from "../../agent/ladder/relay.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, employment, question, stage } from "./stage.ts";

const description: ModelDescription = {
  name: "employment",
  versions: [],
  inputs: [],
  outputs: [{ name: "label", datatype: "INT64", shape: [-1] }, { name: "probabilities", datatype: "FP32", shape: [-1, 2] }],
};
const person = question({ id: "9", inputs: [{ name: "AGEP", datatype: "FP32", shape: [1, 1], data: [40] }] });
const says = (name: string, label: unknown, one: number) => ({ kind: "default", name, outputs: { label, probabilities: [1 - one, one] } });
const three = [says("a", 0, 0.25), says("b", 1, 0.5), says("c", 1, 0.75)];
const ensemble = (options: object = {}) => [{ kind: "ensemble", members: ["a", "b", "c"], ...options }, ...three];

async function outputs(rungs: readonly object[], given: Parameters<typeof stage>[3] = {}, described: ModelDescription | undefined = description) {
  const { ask } = await stage(rungs, described, undefined, given);
  const answer = await ask(person);
  return { answer, outputs: Object.fromEntries(bodyOf(answer).outputs.map(({ name, data }) => [name, data])) };
}

test.each<[string, object, object]>([
  ["mean", {}, { label: [1], probabilities: [0.5, 0.5] }],
  ["median", { combine: "median" }, { label: [1], probabilities: [0.5, 0.5] }],
  ["weighted", { combine: "weighted", weights: { a: 6 } }, { label: [0], probabilities: [0.65625, 0.34375] }],
  ["vote", { combine: "vote" }, { label: [1], probabilities: [0.75, 0.25] }],
  ["a method for one output", { outputs: { probabilities: "vote" } }, { label: [1], probabilities: [0.75, 0.25] }],
])("numbers are combined by %s; classes are voted on", async (_name, options, expected) => {
  expect((await outputs(ensemble(options))).outputs).toEqual(expected);
});

test("the answer names its members and is in the primary's shape, with the id of the question", async () => {
  const { answer } = await outputs(ensemble({ version: "ensemble-1" }));
  expect(answer).toMatchObject({ outcome: "ok", version: "ensemble-1", members: ["a", "b", "c"], headers: { "pilotfish-members": "a, b, c", "content-type": "application/json" } });
  expect(answer).not.toHaveProperty(["headers", "pilotfish-members-left-out"]);
  expect(bodyOf(answer)).toMatchObject({ id: "9", model_version: "ensemble-1", outputs: [{ name: "label", datatype: "INT64", shape: [1] }, { name: "probabilities", datatype: "FP32", shape: [1, 2] }] });
});

test("how far the members are apart is told as a number from 0 to 1", async () => {
  const told: [string, number][] = [];
  const disagreement = (rung: string, ratio: number) => void told.push([rung, ratio]);
  await outputs(ensemble(), { disagreement });
  await outputs([{ kind: "ensemble", members: ["a", "b"] }, says("a", 1, 0.5), says("b", 1, 0.5)], { disagreement });
  // The label loses one vote of three; both probabilities range over two thirds of the largest.
  expect(told).toEqual([["ensemble", expect.closeTo((1 / 3 + 2 / 3 + 2 / 3) / 3, 6)], ["ensemble", 0]]);
});

test("a member whose answer has another shape is left out, and that is said: in the answer, and once in the log", async () => {
  const odd = { kind: "default", name: "c", outputs: { label: [1, 0], probabilities: 0.5 } };
  for (const described of [undefined, description]) {
    const { ask, told } = await stage([{ kind: "ensemble", members: ["c", "a", "b"] }, ...three.slice(0, 2), odd], described);
    for (let i = 0; i < 2; i += 1) expect(await ask(person)).toMatchObject({ outcome: "ok", members: ["a", "b"], headers: { "pilotfish-members": "a, b", "pilotfish-members-left-out": "c;shape" } });
    expect(told).toMatchObject([{ level: "warn", fields: { rung: "ensemble", member: "c" } }]);
  }
});

test("a member that says text where the others say numbers is left out too", async () => {
  const { answer } = await outputs([{ kind: "ensemble", members: ["a", "b", "c"] }, ...three.slice(0, 2), says("c", "yes", 0.5)], {}, undefined);
  expect(answer).toMatchObject({ members: ["a", "b"] });
});

test("without a quorum it is no answer; the detail says why each was left out", async () => {
  const rungs = [{ kind: "ensemble", members: ["a", "b", "c"] }, says("a", 1, 0.5), { kind: "rules", name: "b", features: ["AGEP"], rules: [{ when: "AGEP > 99", outputs: { label: 1 } }] }, { kind: "onnx", name: "c", model: "/nowhere.onnx" }];
  const { ladder, ask } = await stage(rungs, description);
  expect(await ask(person)).toEqual({ outcome: "error", detail: "1 of 2 members answered; left out: b;unsupported, c;error" });
  expect(ladder.usable()).toEqual(["ensemble", "a", "b"]);
  expect((await stage([{ ...rungs[0], quorum: 1 }, ...rungs.slice(1)], description)).ladder.rungs).toHaveLength(4);
  expect((await outputs([{ ...rungs[0], quorum: 1 }, ...rungs.slice(1)])).answer).toMatchObject({ members: ["a"], headers: { "pilotfish-members-left-out": "b;unsupported, c;error" } });
});

test("members that can not be combined make no answer, and the detail says what each says", async () => {
  const { ask } = await stage([{ kind: "ensemble", members: ["a", "b"] }, says("a", 1, 0.5), { kind: "default", name: "b", outputs: { label: "yes" } }]);
  expect(await ask(person)).toEqual({
    outcome: "error",
    detail: "1 of 2 members answered; left out: b;shape; shapes differ: a says 1 row of label (number), probabilities_0 (number), probabilities_1 (number), b says 1 row of label (text)",
  });
});

test("a member that does not answer is waited for only as long as the others' answers are still in time", async () => {
  const clock = new FakeClock();
  const send: Send = () => new Promise(() => {});
  const { ask } = await stage([{ kind: "ensemble", members: ["a", "b", "far"], timeout: "1s" }, ...three, { kind: "replica", name: "far", urls: ["http://far/"] }], description, clock, { send });
  const asking = ask(person);
  await clock.advanceAsync(800, 400);
  expect(await asking).toMatchObject({ outcome: "ok", members: ["a", "b"], headers: { "pilotfish-members-left-out": "far;timeout" } });
  const pressed = ask({ ...person, deadlineMs: clock.monotonicMs() + 100 });
  await clock.advanceAsync(80, 40);
  expect(await pressed).toMatchObject({ outcome: "ok", members: ["a", "b"] });
  expect(clock.pending).toBe(0);
});

test("the primary's last good answer is a member like any other", async () => {
  const { ladder, ask } = await stage([{ kind: "ensemble", members: ["memory", "a", "b"] }, ...three, { kind: "last-good", name: "memory" }], description);
  const primary = { model_name: "employment", outputs: [{ name: "label", datatype: "INT64", shape: [1], data: [0] }, { name: "probabilities", datatype: "FP32", shape: [1, 2], data: [1, 0] }] };
  ladder.remember(person, { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(primary)), version: "1" });
  const answer = await ask(person);
  expect(answer).toMatchObject({ members: ["memory", "a", "b"] });
  expect(bodyOf(answer).outputs[1]?.data).toEqual([0.75, 0.25]);
});

const said = (member: string, values: readonly (number | null)[]): Said => ({ member, weight: 1, rows: values.length, columns: [{ name: "y", values }] });

test("whatever the members say, a combined number lies between the least and the greatest, and their order changes no mean", () => {
  const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).map((value) => value + 0.5), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(numbers, fc.constantFrom("mean", "median", "weighted", "vote" as const), (values, method) => {
      const members = values.map((value, index) => said(`m${index}`, [value]));
      const { given, disagreement } = combine(members, method, { y: method }, undefined);
      const value = given.get("y")?.values[0] as number;
      const slack = 1e-9 * Math.max(...values.map(Math.abs));
      expect(value).toBeGreaterThanOrEqual(Math.min(...values) - slack);
      expect(value).toBeLessThanOrEqual(Math.max(...values) + slack);
      expect(disagreement).toBeGreaterThanOrEqual(0);
      expect(disagreement).toBeLessThanOrEqual(1);
      if (method !== "vote") expect(combine(members.toReversed(), method, { y: method }, undefined).given.get("y")?.values[0]).toBeCloseTo(value, 3);
    }),
  );
});

test("a member without a value has no opinion; where none has one there is none", () => {
  expect(combine([said("a", [0.5, null]), said("b", [null, null]), said("c", [0.7, null])], "mean", {}, undefined).given.get("y")?.values).toEqual([expect.closeTo(0.6, 9), null]);
});

test("of shapes that nobody has described, the one that most have is kept; of equals, the first", () => {
  expect(agreeing([said("a", [1]), said("b", [1, 2]), said("c", [3, 4])], undefined)).toMatchObject({ others: ["a"] });
  expect(agreeing([said("a", [1]), said("b", [1, 2])], undefined)).toMatchObject({ others: ["b"] });
});

const example = existsSync(join(employment, "models", "employment", "1", "model.onnx"));
if (!example) {
  console.warn("MISSING: examples/employment/models; the ensemble is not tested with real models");
  test.runIf(process.env.PILOTFISH_REAL === "1")("the example's models are there", () => expect(example).toBe(true));
}

test.runIf(example)("three real models vote on twenty people; probabilities are the mean of scikit-learn's", async () => {
  const { features, rows, models } = JSON.parse(readFileSync(join(employment, "expected.json"), "utf8")) as { features: string[]; rows: number[][]; models: Record<string, { label: number[]; probabilities: number[][] }> };
  const files = ["models/employment/1/model.onnx", "models/employment/2/model.onnx", "fallback.onnx"];
  const members = files.map((file, index) => ({ kind: "onnx", name: `m${index}`, model: join(employment, file), features }));
  const { ask } = await stage([{ kind: "ensemble", members: ["m0", "m1", "m2"] }, ...members], description);
  const inputs = features.map((name, at) => ({ name, datatype: "FP32", shape: [rows.length, 1], data: rows.map((row) => row[at]) }));
  const answer = await ask(question({ inputs }));
  expect(answer).toMatchObject({ outcome: "ok", members: ["m0", "m1", "m2"] });
  const [label, probabilities] = bodyOf(answer).outputs;
  rows.forEach((_, row) => {
    const votes = files.reduce((sum, file) => sum + (models[file]?.label[row] as number), 0);
    expect(label?.data[row]).toBe(votes >= 2 ? 1 : 0);
    const mean = files.reduce((sum, file) => sum + (models[file]?.probabilities[row]?.[1] as number), 0) / 3;
    expect(probabilities?.data[2 * row + 1]).toBeCloseTo(mean, 4);
  });
});
