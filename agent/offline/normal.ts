/**
 * What normal looks like for one detector: a feature of a reference file, a column of a table, or a text of one number a
 * line, of which a reference is made here.
 */
import { resolve } from "node:path";
import { rateUpperBound } from "../../detectors/guarantee/rate-upper-bound.ts";
import type { Interval } from "../../detectors/guarantee/interval.ts";
import { featureReference, type FeatureReference, type Value } from "../../detectors/reference/reference.ts";
import { readReference } from "../monitors/reference-file.ts";
import { readBytes, sizeOf } from "./bytes.ts";
import { openTable } from "./data.ts";
import { InputError, quoted } from "./input-error.ts";
import { readLines } from "./lines.ts";
import { finiteNumber } from "./number.ts";

/** @param feature its name; may be empty where there is only one. Throws an InputError. */
export async function featureOf(reference: string, feature: string, cwd: string): Promise<FeatureReference> {
  const path = resolve(cwd, reference);
  if (/\.json(\.gz)?$/.test(path)) {
    const read = await readReference(path);
    if (!read.ok) throw new InputError(`--reference ${reference}: ${read.message}`);
    const { features, score } = read.reference;
    const all = score === undefined ? features : [...features, score];
    return chosen(reference, feature, all.map((one) => [one.name, one] as const));
  }
  if (/\.(csv|tsv|jsonl|ndjson|parquet|pq)(\.gz)?$/.test(path) && !(await isPlain(reference, path))) {
    const table = await openTable(reference, cwd);
    const name = chosen(reference, feature, table.columns.map((column) => [column, column] as const));
    const values: Value[] = [];
    for await (const { columns } of table.batches({ columns: new Set([name]) })) for (const value of columns.get(name) ?? []) values.push(value);
    return made(reference, name, values);
  }
  await sizeOf({ name: reference, path });
  const values: number[] = [];
  for await (const lines of readLines(readBytes({ name: reference, path }))) {
    for (const line of lines) {
      const value = finiteNumber(line);
      if (value === undefined) throw new InputError(`${reference}: line ${values.length + 1}: expected a finite number, got ${quoted(line)}`);
      values.push(value);
    }
  }
  return made(reference, feature === "" ? "value" : feature, values);
}

/** Does the text begin with a number, so that it has no names of columns? */
async function isPlain(name: string, path: string): Promise<boolean> {
  if (/\.(jsonl|ndjson|parquet|pq)(\.gz)?$/.test(path)) return false;
  await sizeOf({ name, path });
  for await (const lines of readLines(readBytes({ name, path }))) return finiteNumber(lines[0] ?? "") !== undefined;
  return false;
}

function chosen<Item>(reference: string, feature: string, all: readonly (readonly [name: string, item: Item])[]): Item {
  const found = feature === "" ? (all.length === 1 ? all[0] : undefined) : all.find(([name]) => name === feature);
  if (found !== undefined) return found[1];
  const names = all.map(([name]) => name).join(", ");
  throw new InputError(feature === "" ? `${reference}: choose one of its features with --set feature=NAME: ${names}` : `${reference}: there is no feature ${quoted(feature)}; it has ${names}`);
}

function made(reference: string, name: string, values: readonly Value[]): FeatureReference {
  try {
    return featureReference(name, values);
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`${reference}: ${error.message}`);
    throw error;
  }
}

/** The means in 0 to 1 that are still normal, as sure as 99 in 100 on either side. Throws an InputError for other values. */
export function normalMean(reference: FeatureReference): Interval {
  if (reference.kind !== "numeric" || reference.min < 0 || reference.max > 1) {
    throw new InputError(`--reference: the mean-e-detector needs values from 0 to 1, and ${reference.name} has others`);
  }
  const rows = reference.counts.slice(0, reference.edges.length + 1).reduce((sum, count) => sum + count, 0);
  const sum = reference.mean * rows;
  return { lower: 1 - rateUpperBound(Math.min(rows, Math.ceil(rows - sum)), rows, 0.99), upper: rateUpperBound(Math.min(rows, Math.ceil(sum)), rows, 0.99) };
}
