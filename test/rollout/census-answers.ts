/** What the example's models answer to real census rows, by their ONNX files, as bodies of the Open Inference Protocol. */
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { featureNames, readRows, type CensusRow } from "../../examples/employment/rows.ts";
import { body } from "./trial-stage.ts";

export interface Answered {
  readonly rows: readonly CensusRow[];
  /** By version, one body a row. */
  readonly answers: Readonly<Record<"1" | "2" | "3", readonly Uint8Array[]>>;
}

export async function censusAnswers(name: "steady" | "reference", rowsMax: number): Promise<Answered> {
  const rows = (await readRows(name)).slice(0, rowsMax);
  const of = async (version: string) => {
    const session = await InferenceSession.create(fileURLToPath(new URL(`../../examples/employment/models/employment/${version}/model.onnx`, import.meta.url)));
    const feeds = Object.fromEntries(featureNames.map((feature) => [feature, new Tensor("float32", Float32Array.from(rows, ({ features }) => features[feature] as number), [rows.length, 1])]));
    const { label, probabilities } = await session.run(feeds);
    const [labels, scores] = [Array.from(label?.data as BigInt64Array, Number), probabilities?.data as Float32Array];
    return rows.map((_, i) => body({ label: [labels[i] as number], probabilities_0: [scores[2 * i] as number], probabilities_1: [scores[2 * i + 1] as number] }, "outputs"));
  };
  return { rows, answers: { "1": await of("1"), "2": await of("2"), "3": await of("3") } };
}
