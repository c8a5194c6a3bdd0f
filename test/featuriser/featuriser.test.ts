/** What a user's model makes of rows, with real models and the real runtime. The expected numbers are worked out by hand. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { openFeaturiser, type Derived, type FeaturiserOptions } from "../../agent/featuriser/featuriser.ts";
import type { Value } from "../../detectors/reference/reference.ts";
import { line, onnxFile, type Model } from "./onnx-file.ts";

const folder = mkdtempSync(join(tmpdir(), "featuriser-"));
afterAll(() => rmSync(folder, { recursive: true }));
const employment = join(import.meta.dirname, "../../examples/employment/fallback.onnx");

let files = 0;
async function opened(model: Model | string, other: Partial<FeaturiserOptions> = {}) {
  const path = typeof model === "string" ? model : join(folder, `${(files += 1)}.onnx`);
  if (typeof model !== "string") writeFileSync(path, onnxFile(model));
  const featuriser = await openFeaturiser({ model: path, kind: "autoencoder", ...other });
  onTestFinished(() => featuriser.close());
  return featuriser;
}

function columnsOf(columns: Readonly<Record<string, readonly Value[]>>): ReadonlyMap<string, readonly Value[]> {
  return new Map(Object.entries(columns));
}

/** Gives back what it is given. */
const identity: Model = { inputs: [{ name: "x", shape: ["rows", 3] }], outputs: [{ name: "y", shape: ["rows", 3] }], nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }] };

/** A model of two inputs, each a column; first minus second, for both. */
const apart: Model = {
  inputs: [{ name: "first", shape: ["rows", 1] }, { name: "second", shape: ["rows", 1] }],
  outputs: [{ name: "y", shape: ["rows", 2] }],
  nodes: [
    { op: "Sub", inputs: ["first", "second"], outputs: ["difference"] },
    { op: "Concat", inputs: ["difference", "difference"], outputs: ["y"], attributes: { axis: 1 } },
  ],
};

test("the error of an autoencoder is the root mean square of output minus input, of each row by itself", async () => {
  const featuriser = await opened(line);
  // The nearest to (1, 0) that the model knows is (0.2, 0.4): 0.8 and 0.4 off.
  const made = await featuriser.features(columnsOf({ x_0: [1, 1, 0, 10], x_1: [2, 0, 0, 0] }), 4);
  expect(made.map(({ name }) => name)).toEqual(["featuriser.reconstruction_error"]);
  const [exact, off, zero, further] = (made[0] as Derived).values as [number, number, number, number];
  expect([exact, zero]).toEqual([0, 0]);
  expect(off).toBeCloseTo(Math.sqrt((0.8 ** 2 + 0.4 ** 2) / 2), 6);
  expect(further).toBeCloseTo(10 * off, 5);
});

test("a value is compared with what the model was given, so 32 bits are no error", async () => {
  const featuriser = await opened(identity);
  expect((await featuriser.features(columnsOf({ x_0: [0.1], x_1: [1e9 + 1], x_2: [1 / 3] }), 1))[0]?.values).toEqual([0]);
});

test("columns are known by their names: those of the inputs, or those that features names, in any order of the request", async () => {
  const byInput = await opened(apart);
  expect(byInput.origin.columns).toEqual(["first", "second"]);
  // Gives (2, 2) for (5, 3): 3 and 1 off.
  expect((await byInput.features(columnsOf({ second: [3], other: ["x"], first: [5] }), 1))[0]?.values[0]).toBeCloseTo(Math.sqrt(5), 6);

  const named = await opened(line, { features: ["age", "income"] });
  expect(named.origin.columns).toEqual(["age", "income"]);
  expect((await named.features(columnsOf({ income: [2], age: [1] }), 1))[0]?.values).toEqual([0]);
});

test("an embedding is watched by projections: each adds or subtracts every number of the vector, as the seed says", async () => {
  const unit = columnsOf({ x_0: [1, 0, 0, 2], x_1: [0, 1, 0, -1], x_2: [0, 0, 1, 5] });
  const made = await (await opened(identity, { kind: "embedding", outputs: 4 })).features(unit, 4);
  expect(made.map(({ name }) => name)).toEqual([0, 1, 2, 3].map((i) => `featuriser.projection_${i}`));
  for (const { values } of made) {
    const [a, b, c, mixed] = values as [number, number, number, number];
    expect([a, b, c].map(Math.abs)).toEqual([0.5, 0.5, 0.5]);
    expect(mixed).toBeCloseTo(2 * a - b + 5 * c, 12);
  }
  const again = await (await opened(identity, { kind: "embedding", outputs: 4 })).features(unit, 4);
  expect(again).toEqual(made);
  const other = await (await opened(identity, { kind: "embedding", outputs: 4, seed: 2 })).features(unit, 4);
  expect(other).not.toEqual(made);
});

test("of a model that gives a matrix and a vector for each row, the vector is the embedding", async () => {
  const featuriser = await opened(
    { inputs: [{ name: "x", shape: ["rows", 3] }], outputs: [{ name: "matrix", shape: ["rows", 1, 3] }, { name: "vector", shape: ["rows", 3] }], nodes: [{ op: "Unsqueeze", inputs: ["x", "one"], outputs: ["matrix"] }, { op: "Neg", inputs: ["x"], outputs: ["vector"] }], weights: { one: [1n] } },
    { kind: "embedding", outputs: 1 },
  );
  const plain = await (await opened(identity, { kind: "embedding", outputs: 1 })).features(columnsOf({ x_0: [1], x_1: [2], x_2: [4] }), 1);
  const made = await featuriser.features(columnsOf({ x_0: [1], x_1: [2], x_2: [4] }), 1);
  expect(made[0]?.values[0]).toBe(-(plain[0]?.values[0] as number));
});

test("a real model with an input for each feature, its probabilities projected", async () => {
  const featuriser = await opened(employment, { kind: "embedding", outputs: 2 });
  const columns = new Map(featuriser.origin.columns.map((name): [string, Value[]] => [name, [1, 30, 16]]));
  const made = await featuriser.features(columns, 3);
  expect(made.flatMap(({ values }) => values).every((value) => Number.isFinite(value))).toBe(true);
});

test("more rows than fit in one run, and a model that takes one or three rows at a time, come to the same", async () => {
  const rows = 200;
  const columns = columnsOf({ x_0: Array.from({ length: rows }, (_, row) => row), x_1: Array.from({ length: rows }, (_, row) => (row * 7) % 11) });
  const [free] = await (await opened(line)).features(columns, rows);
  expect(free?.values).toHaveLength(rows);
  expect(free?.values[150]).toBeCloseTo(Math.hypot(0.8 * 150 - 0.4 * 5, 0.4 * 150 - 0.2 * 5) / Math.SQRT2, 4);
  for (const batch of [1, 3]) {
    const fixed: Model = { ...line, inputs: [{ name: "x", shape: [batch, 2] }], outputs: [{ name: "y", shape: [batch, 2] }] };
    const [made] = await (await opened(fixed)).features(columns, rows);
    expect(made?.values).toEqual(free?.values);
  }
});

test("what is missing is NaN to the model; only the columns that are there count in the error", async () => {
  const featuriser = await opened(identity);
  const made = await featuriser.features(columnsOf({ x_0: [1, null, null], x_1: [2, 2, null] }), 3);
  expect(made[0]?.values).toEqual([0, 0, NaN]);
  expect(featuriser.refused().rows).toBe(0);
});

test("a row with a value of another type is null and takes no other with it", async () => {
  const featuriser = await opened(identity);
  const made = await featuriser.features(columnsOf({ x_0: [1, "one", true], x_1: [2, 2, 2], x_2: [3, 3, 3] }), 3);
  expect(made[0]?.values).toEqual([0, null, 0]);
  expect(featuriser.refused()).toEqual({ rows: 1, why: "a value is of another type than the model takes" });
});

test("a row that the model refuses is null and takes no other with it", async () => {
  // Looks up a row of a table of three.
  const lookUp: Model = { inputs: [{ name: "code", type: "int64", shape: ["rows"] }], outputs: [{ name: "y", shape: ["rows", 2] }], nodes: [{ op: "Gather", inputs: ["table", "code"], outputs: ["y"], attributes: { axis: 0 } }], weights: { table: { shape: [3, 2], values: [1, 2, 3, 4, 5, 6] } } };
  const featuriser = await opened(lookUp, { kind: "embedding", outputs: 1 });
  const made = await featuriser.features(columnsOf({ code: [0, 7, 2, 0.5] }), 4);
  expect(made[0]?.values).toEqual([expect.any(Number), null, expect.any(Number), null]);
  expect(featuriser.refused()).toMatchObject({ rows: 2 });
});

test("text goes in as text", async () => {
  const equal: Model = {
    inputs: [{ name: "word", type: "string", shape: ["rows", 1] }],
    outputs: [{ name: "y", type: "int64", shape: ["rows", 1] }],
    nodes: [{ op: "LabelEncoder", domain: "ai.onnx.ml", inputs: ["word"], outputs: ["y"], attributes: { keys_strings: ["cat", "dog"], values_int64s: [10, 20] } }],
  };
  const made = await (await opened(equal, { kind: "embedding", outputs: 1 })).features(columnsOf({ word: ["cat", "dog", null] }), 3);
  expect(made[0]?.values.map((value) => (value === null ? null : Math.abs(value as number)))).toEqual([10, 20, null]);
});

test("rows without any of its columns are an error that names what it reads", async () => {
  const featuriser = await opened(line);
  await expect(featuriser.features(columnsOf({ a: [1], b: [2] }), 1)).rejects.toThrow("none of the columns that the featuriser reads: x_0, x_1; they have a, b");
});

test("a classifier is no autoencoder, and that is said when rows come", async () => {
  const featuriser = await opened(employment);
  const columns = new Map(featuriser.origin.columns.map((name): [string, Value[]] => [name, [1]]));
  await expect(featuriser.features(columns, 1)).rejects.toThrow(/is no autoencoder: it takes 16 numbers a row and gives /);
});

test.each<[string, Model | string, Partial<FeaturiserOptions>, RegExp]>([
  ["is missing", join(folder, "nobody.onnx"), {}, /nobody\.onnx can not be used: there is no such file/],
  ["is no model", import.meta.filename, {}, /featuriser\.test\.ts can not be used: .*[Pp]rotobuf/],
  ["takes any number of columns, and nobody says which", { ...identity, inputs: [{ name: "x", shape: ["rows", "columns"] }] }, {}, /its input "x" \[rows, columns\] does not say how many columns it takes; name them, in their order, as features/],
  ["takes another number of columns than are named", line, { features: ["a", "b", "c"] }, /its input "x" \[rows, 2\] does not fit the 3 columns that features names/],
  ["takes one vector and no rows", { ...identity, inputs: [{ name: "x", shape: [3] }], outputs: [{ name: "y", shape: [3] }] }, {}, /its input "x" \[3\] has no dimension for rows/],
  ["takes text where an autoencoder takes numbers", { ...identity, inputs: [{ name: "x", type: "string", shape: ["rows"] }], outputs: [{ name: "y", type: "string", shape: ["rows"] }] }, {}, /its input "x" takes text/],
])("a model that %s is refused with its path and the reason", async (_name, model, other, says) => {
  await expect(opened(model, other)).rejects.toThrow(says);
});
