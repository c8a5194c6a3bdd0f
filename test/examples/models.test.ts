/** The committed ONNX files: what they say is what scikit-learn 1.9.1 says, and each is as good as its file head claims. */
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { featureNames, inferRequest, readRows, type CensusRow } from "../../examples/employment/rows.ts";

const employment = new URL("../../examples/employment/", import.meta.url);
const files = ["models/employment/1/model.onnx", "models/employment/2/model.onnx", "models/employment/3/model.onnx", "fallback.onnx"] as const;

interface Answers {
  readonly label: number[];
  readonly probabilities: number[][];
}

async function ask(file: string, rows: readonly CensusRow[]): Promise<Answers> {
  const session = await InferenceSession.create(fileURLToPath(new URL(file, employment)));
  const feeds = inferRequest(rows).inputs.map(({ name, shape, data }) => [name, new Tensor("float32", Float32Array.from(data), shape)] as const);
  const { label, probabilities } = await session.run(Object.fromEntries(feeds));
  const flat = Array.from(probabilities?.data as Float32Array);
  return { label: Array.from(label?.data as BigInt64Array, Number), probabilities: rows.map((_, i) => flat.slice(2 * i, 2 * i + 2)) };
}

/** By definition: the share of pairs, one with work and one without, that the score puts in the right order; ties count half. */
function auc(rows: readonly CensusRow[], { probabilities }: Answers): number {
  const scores = (employed: number) => rows.flatMap((row, i) => (row.employed === employed ? [probabilities[i]?.[1] as number] : [])).sort((a, b) => a - b);
  const negative = scores(0);
  const positive = scores(1);
  let [below, upTo, pairs] = [0, 0, 0];
  for (const score of positive) {
    while ((negative[below] as number) < score) below += 1;
    while ((negative[upTo] as number) <= score) upTo += 1;
    pairs += (below + upTo) / 2;
  }
  return pairs / (negative.length * positive.length);
}

test.each(files)("%s answers like the scikit-learn model it was made from", async (file) => {
  const expected = JSON.parse(readFileSync(new URL("expected.json", employment), "utf8")) as {
    readonly features: string[];
    readonly rows: number[][];
    readonly models: Record<string, Answers>;
  };
  expect(expected.features).toEqual([...featureNames]);
  const rows = expected.rows.map((values, id) => ({
    id,
    features: Object.fromEntries(featureNames.map((name, i) => [name, values[i] as number])),
    employed: 0,
  }));
  const answers = await ask(file, rows);
  const wanted = expected.models[file] as Answers;
  expect(rows).toHaveLength(20);
  expect(answers.label).toEqual(wanted.label);
  for (const [i, pair] of wanted.probabilities.entries()) {
    for (const [j, value] of pair.entries()) expect(Math.abs((answers.probabilities[i]?.[j] as number) - value)).toBeLessThan(1e-4);
  }
});

test.each(files)("%s takes 16 columns by name and gives a label and two probabilities", async (file) => {
  const session = await InferenceSession.create(fileURLToPath(new URL(file, employment)));
  expect(session.inputMetadata).toEqual(featureNames.map((name) => ({ name, isTensor: true, type: "float32", shape: ["n", 1] })));
  expect(session.outputMetadata).toEqual([
    { name: "label", isTensor: true, type: "int64", shape: ["n"] },
    { name: "probabilities", isTensor: true, type: "float32", shape: ["n", 2] },
  ]);
  expect(statSync(new URL(file, employment)).size).toBeLessThan(file === "fallback.onnx" ? 20_000 : 500_000);
});

test("on rows they have not seen, version 2 is better than 1, 1 better than the fallback, and the faulty candidate far behind", async () => {
  const rows = await readRows("steady");
  const [one, two, faulty, fallback] = (await Promise.all(files.map((file) => ask(file, rows)))).map((answers) => auc(rows, answers)) as [number, number, number, number];
  expect(two).toBeGreaterThan(one + 0.003);
  expect(one).toBeGreaterThan(fallback + 0.002);
  expect(fallback).toBeGreaterThan(0.89);
  expect(faulty).toBeLessThan(one - 0.05);
  expect(faulty).toBeGreaterThan(0.8);
});

test("on the people of chunk 27 version 1 loses a tenth of its AUC, and gets it back after them", async () => {
  const rows = await readRows("drifted");
  const answers = await ask(files[0], rows);
  const aucOf = (chunk: number) => {
    const [first, end] = [(chunk - 24) * 5_000, (chunk - 23) * 5_000];
    return auc(rows.slice(first, end), { label: [], probabilities: answers.probabilities.slice(first, end) });
  };
  expect(aucOf(24)).toBeCloseTo(0.901, 2);
  expect(aucOf(27)).toBeCloseTo(0.799, 2);
  expect(aucOf(31)).toBeCloseTo(0.902, 2);
});
