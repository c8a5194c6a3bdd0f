/**
 * Makes what Pilotfish is given beside the server's address: the reference (what normal looks like: the held-out rows of
 * 2015 and version 1's scores for them) and a question whose answer is known. Run it again after train.py:
 *
 *     node examples/employment/make-reference.ts
 *
 * reference.json.gz is for the option `model.reference`; known-request.json and known-answer.json are for the inference probe.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { accuracy, rocAuc } from "../../detectors/performance/classification.ts";
import { buildEstimator } from "../../detectors/performance/estimator.ts";
import { buildReference } from "../../detectors/reference/reference.ts";
import { featureNames, inferRequest, readRows, type CensusRow } from "./rows.ts";

const knownRows = 3;

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** What version 1 says of the rows, asked in one batch; the probabilities of both answers, a pair for each row. */
async function ask(rows: readonly CensusRow[]): Promise<{ label: number[]; probabilities: number[] }> {
  const session = await InferenceSession.create(here("models/employment/1/model.onnx"));
  const feeds = Object.fromEntries(
    inferRequest(rows).inputs.map(({ name, shape, data }) => [name, new Tensor("float32", Float32Array.from(data), shape)]),
  );
  const { label, probabilities } = await session.run(feeds);
  return { label: Array.from(label?.data as BigInt64Array, Number), probabilities: Array.from(probabilities?.data as Float32Array) };
}

const rows = await readRows("reference");
const { label, probabilities } = await ask(rows);
const scores = rows.map((_, i) => probabilities[2 * i + 1] as number);
const actuals = rows.map(({ employed }) => employed);
const reference = buildReference({
  model: "employment",
  features: featureNames.map((name) => ({ name, values: rows.map(({ features }) => features[name]) })),
  score: { name: "probabilities_1", values: scores },
  performance: { accuracy: accuracy(label, actuals) as number, roc_auc: rocAuc(scores, actuals) as number },
});
const { estimator } = buildEstimator({ scores, predictions: label, actuals });
writeFileSync(here("reference.json.gz"), gzipSync(JSON.stringify({ ...reference, estimator })));

// The first rows: they are shuffled, so these are as good as any.
const answer = { label: label.slice(0, knownRows), probabilities: probabilities.slice(0, 2 * knownRows) };
writeFileSync(here("known-request.json"), `${JSON.stringify(inferRequest(rows.slice(0, knownRows)))}\n`);
writeFileSync(here("known-answer.json"), `${JSON.stringify(answer)}\n`);
