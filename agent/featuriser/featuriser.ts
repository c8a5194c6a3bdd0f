/**
 * A user's ONNX model that makes numbers of whole rows, which are watched as features are: of an autoencoder the error of
 * its reconstruction, which rises where columns no longer hang together as they did; of an embedding a few random
 * projections.
 *
 * onnxruntime runs a model on the thread that asks, so this belongs in the analysis thread or a command, never on the data
 * path. It is loaded with the first model: about 40 MB.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { randomProjection, type RandomProjection } from "../../detectors/multivariate/random-projection.ts";
import type { FeaturiserOrigin, Value } from "../../detectors/reference/reference.ts";
import { takenBy } from "../onnx-values.ts";
import { derivedName } from "./derived.ts";
import { feed, type Fed } from "./feed.ts";
import { layoutOf } from "./layout.ts";
import { outputOf, reconstructionError, rowOf, type Output } from "./outputs.ts";

export interface FeaturiserOptions {
  /** Path of the ONNX file. */
  readonly model: string;
  /** `autoencoder`: gives back what it was given, as well as it can. `embedding`: gives a vector for each row. */
  readonly kind: FeaturiserOrigin["kind"];
  /** How many projections an embedding is watched by; 8 where it is not given. */
  readonly outputs?: number | undefined;
  /** Of the directions of the projections. */
  readonly seed?: number | undefined;
  /** The columns of a model with a single input, in its order; `<input>_0` and so on where they are not given. */
  readonly features?: readonly string[] | undefined;
}

export interface Derived {
  readonly name: string;
  readonly values: readonly Value[];
}

export interface Featuriser {
  /** How it makes its columns. */
  readonly origin: FeaturiserOrigin;
  /** Of its columns: `featuriser.reconstruction_error`, or `featuriser.projection_0` and so on. */
  readonly names: readonly string[];
  /**
   * What the model makes of rows, a value for each in each of its columns.
   *
   * The error is the root mean square of output minus input over those columns of the row that are finite, in the units of
   * the model's input. A column that is missing is null; null is NaN to a model of floats, and what comes of that may be NaN.
   * A row that the model refuses, or that has a value of another type than it takes, is null.
   *
   * @throws Error where the rows have none of the columns, or the model's output is not what it should be.
   */
  features(columns: ReadonlyMap<string, readonly Value[]>, rows: number): Promise<readonly Derived[]>;
  /** How many rows the model refused so far, and why the last of them. */
  refused(): { readonly rows: number; readonly why: string };
  close(): Promise<void>;
}

const outputsDefault = 8;
const seedDefault = 1;
/** Enough to make the call itself cheap (1 microsecond a row), few enough to let others have the thread in between. */
const runRows = 64;

/** Rejects, with the path and the reason in words, where the model can not be loaded or does not take rows. */
export async function openFeaturiser({ model, kind, outputs = outputsDefault, seed = seedDefault, features }: FeaturiserOptions): Promise<Featuriser> {
  const fail = failing(model);
  const digest = await modelDigest(model);
  const { InferenceSession, Tensor } = await import("onnxruntime-node").catch(fail);
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", logSeverityLevel: 4 }).catch(fail);
  try {
    return featuriserOf(session, Tensor, { digest, kind, outputs, seed, features });
  } catch (error) {
    await session.release();
    return fail(error);
  }
}

/** SHA-256 of a model's file, in hex. Rejects as `openFeaturiser` does. */
export async function modelDigest(model: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const part of createReadStream(model)) hash.update(part as Buffer);
  } catch (error) {
    return failing(model)(error);
  }
  return hash.digest("hex");
}

interface Made extends FeaturiserOptions {
  readonly digest: string;
  readonly outputs: number;
  readonly seed: number;
}

function featuriserOf(session: InferenceSession, TensorOf: typeof Tensor, { kind, digest, outputs, seed, features }: Omit<Made, "model">): Featuriser {
  const strange = session.inputMetadata.find(({ isTensor }) => !isTensor);
  if (strange !== undefined) throw new Error(`its input "${strange.name}" is no tensor`);
  const { inputs, batch } = layoutOf(session.inputMetadata.filter((input) => input.isTensor), features);
  const columns = inputs.flatMap((input) => input.columns);
  const text = inputs.find(({ takes }) => takes === "text");
  if (kind === "autoencoder" && text !== undefined) throw new Error(`its input "${text.name}" takes text, so it is no autoencoder of numbers`);
  const fetched = outputsOf(session, kind);
  const names = (kind === "autoencoder" ? ["reconstruction_error"] : Array.from({ length: outputs }, (_, i) => `projection_${i}`)).map(derivedName);

  let projection: RandomProjection | undefined;
  /** Writes what a row comes to into `into`, a number for each name. */
  const measure = (fed: readonly Fed[], found: readonly Output[], row: number, into: Float64Array): void => {
    const output = found.find(({ width }) => kind === "embedding" || width === columns.length);
    if (output === undefined) throw new Error(`the featuriser is no autoencoder: it takes ${columns.length} numbers a row and gives ${found.map(({ name, width }) => `${width} in "${name}"`).join(", ")}`);
    if (kind === "autoencoder") into[0] = reconstructionError(fed, output, row);
    else (projection ??= randomProjection({ inputs: output.width, outputs, seed })).project(rowOf(output, row), into);
  };

  const into = new Float64Array(names.length);
  const refused = { rows: 0, why: "" };
  const refuse = (rows: number, why: string): void => {
    refused.rows += rows;
    refused.why = why;
  };
  /** Rows `from` to `from + count`; those that the model refuses stay null. */
  const run = async (given: ReadonlyMap<string, readonly Value[]>, from: number, count: number, made: readonly { readonly values: Value[] }[]): Promise<void> => {
    const size = batch ?? count;
    const unfit = new Uint8Array(size);
    // A model of a fixed number of rows gets the last one again until it has enough.
    const fed = inputs.map((input) => feed(input, given, size, (row) => from + Math.min(row, count - 1), unfit));
    const feeds = fed.map(({ input, data }) => [input.name, new TensorOf(input.type as "float32", data as Float32Array, [size, ...input.shape])] as const);
    let results: Awaited<ReturnType<InferenceSession["run"]>>;
    try {
      results = await session.run(Object.fromEntries(feeds), fetched);
    } catch (error) {
      if (count === 1) return refuse(1, wordsOf(error));
      // One row must not take the others with it.
      for (let row = from; row < from + count; row += 1) await run(given, row, 1, made);
      return;
    }
    const found = fetched.map((name) => outputOf(name, results[name] as Tensor, size));
    for (let row = 0; row < count; row += 1) {
      if (unfit[row] === 1) refuse(1, "a value is of another type than the model takes");
      else measure(fed, found, row, into);
      for (const [index, { values }] of made.entries()) values[from + row] = unfit[row] === 1 ? null : into[index];
    }
  };

  return {
    names,
    origin: { digest, kind, columns, ...(kind === "embedding" && { outputs, seed }) },

    async features(given, rows) {
      if (!columns.some((column) => given.has(column))) throw new Error(`the rows have none of the columns that the featuriser reads: ${shortList(columns)}; they have ${shortList([...given.keys()])}; name the right ones as its features`);
      const made = names.map((name) => ({ name, values: Array.from({ length: rows }, (): Value => null) }));
      const most = batch ?? runRows;
      for (let from = 0; from < rows; from += most) await run(given, from, Math.min(most, rows - from), made);
      return made;
    },

    refused: () => refused,
    // What can not be released goes with the process.
    close: () => session.release().catch(() => {}),
  };
}

/** The names of the outputs to ask for: an autoencoder may give its code too, so all of its numbers; of an embedding one. */
function outputsOf({ outputMetadata }: InferenceSession, kind: FeaturiserOrigin["kind"]): readonly string[] {
  const numeric = outputMetadata.filter((output) => output.isTensor).filter(({ type }) => !["text", undefined].includes(takenBy(type)));
  if (numeric.length === 0) throw new Error("it has no output of numbers");
  if (kind === "autoencoder") return numeric.map(({ name }) => name);
  // The vector of a row rather than that of each of its parts, where a model gives both.
  return [(numeric.find(({ shape }) => shape.length === 2) ?? (numeric[0] as { name: string })).name];
}

function failing(model: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`the featuriser ${model} can not be used: ${wordsOf(error)}`);
  };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOENT" ? "there is no such file" : error.message.slice(0, 500);
}

function shortList(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");
}
