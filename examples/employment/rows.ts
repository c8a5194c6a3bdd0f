/** The demo's census rows (data/NOTICE.md), and the request that asks a model server about them. */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** The inputs of the models, in their order. */
export const featureNames = [
  "AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
] as const;

export interface CensusRow {
  /** The row's number in the source. 68,785 is the first row after 2015; from there on chunks of 5,000 are counted. */
  readonly id: number;
  /** By the names above; all are whole numbers. */
  readonly features: Readonly<Record<string, number>>;
  /** The true answer: 1 for a person with work, else 0. */
  readonly employed: number;
}

/** A request of the Open Inference Protocol v2: one tensor for each feature, one value in it for each row. */
export interface InferRequest {
  readonly id?: string;
  readonly inputs: readonly InputTensor[];
}

interface InputTensor {
  readonly name: string;
  readonly datatype: "FP32";
  readonly shape: readonly [number, 1];
  readonly data: readonly number[];
}

/**
 * The rows of one of the files, in its order: `train`, `reference`, `steady` or `drifted`. Rejects where the file is not
 * there or has other columns. 40,000 rows take about 0.1 s and 10 MB.
 */
export async function readRows(
  name: "train" | "reference" | "steady" | "drifted",
  folder: URL = new URL("data/", import.meta.url),
): Promise<readonly CensusRow[]> {
  const text = (await promisify(gunzip)(await readFile(new URL(`${name}.csv.gz`, folder)))).toString("latin1");
  const [header, ...lines] = text.trimEnd().split("\n");
  const columns = ["id", ...featureNames, "employed"].join(",");
  if (header !== columns) throw new Error(`${name}.csv.gz: expected the columns ${columns}, got ${header}`);
  return lines.map((line) => {
    const numbers = line.split(",").map(Number);
    return {
      id: numbers[0] as number,
      features: Object.fromEntries(featureNames.map((feature, i) => [feature, numbers[i + 1] as number])),
      employed: numbers.at(-1) as number,
    };
  });
}

/** The body that asks about the rows, in one batch. */
export function inferRequest(rows: readonly CensusRow[], id?: string): InferRequest {
  return {
    ...(id !== undefined && { id }),
    inputs: featureNames.map((name) => ({
      name,
      datatype: "FP32",
      shape: [rows.length, 1],
      data: rows.map(({ features }) => features[name] as number),
    })),
  };
}
