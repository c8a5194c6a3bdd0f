/**
 * What Pilotfish needs to know of the language that a model server speaks, and nothing about sockets: which requests are
 * inferences, where health and metadata are, how a body becomes named tensors and how tensors become an answer. Pure.
 *
 * The table of protocols is in protocols.ts.
 */

export type Value = number | string | boolean | null;

/** A tensor as a model's metadata describes it; -1 in `shape` is a dimension that varies. */
export interface TensorDescription {
  readonly name: string;
  /** The protocol's word: `FP32`, `INT64`, `BYTES`, ... */
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelDescription {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

/** A tensor with its values, flat and row-major: as many as the product of `shape`. */
export interface Tensor extends TensorDescription {
  readonly values: readonly Value[];
}

/** One column of a batch: a value for each row. */
export interface Column {
  readonly name: string;
  readonly values: readonly Value[];
}

/** Why a body can not be read as tensors. A closed set: it becomes a label. */
export type Unreadable =
  | "not-json"
  | "no-tensors" // JSON, but no tensors in it
  | "shape" // values and shapes, or the tensors' numbers of rows, do not fit
  | "binary" // tensors in the binary extension
  | "empty"; // no bytes, or no rows

export type Decoded =
  | {
      readonly ok: true;
      readonly rows: number;
      readonly columns: readonly Column[];
      /** Of the model that answered, where the body says so. */
      readonly version?: string;
    }
  | { readonly ok: false; readonly reason: Unreadable };

/** An inference's body, as a rung needs it. */
export type ParsedRequest =
  | {
      readonly ok: true;
      /** To be echoed in the answer. */
      readonly id: string | undefined;
      readonly inputs: readonly Tensor[];
      /** The outputs asked for; undefined means all. */
      readonly outputs: readonly string[] | undefined;
    }
  | { readonly ok: false; readonly reason: Unreadable };

export interface InferenceAnswer {
  readonly model: string;
  readonly version: string | undefined;
  readonly id: string | undefined;
  readonly outputs: readonly Tensor[];
}

/** Which model an inference asks, and which version where it names one. */
export interface InferenceTarget {
  readonly model: string;
  readonly version: string | undefined;
}

export interface Protocol {
  readonly name: string;
  /** Paths to ask the server at. Health is judged by the status alone. */
  readonly paths: {
    readonly live: string;
    readonly ready: string;
    readonly model: (name: string) => string;
    readonly infer: (name: string) => string;
  };
  /** What `method` and `path` (with or without query) ask for; undefined where they are no inference. */
  readonly inferenceOf: (method: string, path: string) => InferenceTarget | undefined;
  /**
   * The columns of an inference's body. `features` names the columns of a single matrix of that many columns; any other
   * tensor of k columns gives `name_0` to `name_<k-1>`, and one of a single column its own name. Integers beyond 2^53 may
   * lose digits. Cost: the body parsed once, in time and memory linear in its size.
   */
  readonly decodeRequest: (body: Uint8Array, features?: readonly string[]) => Decoded;
  readonly decodeResponse: (body: Uint8Array) => Decoded;
  /** The version that an answer says it is of, as far as its first bytes tell without parsing it. Cost: under 1 microsecond. */
  readonly versionIn: (head: Buffer) => string | undefined;
  /** A model's metadata, as the server gives it; undefined where it can not be read. */
  readonly describe: (json: unknown) => ModelDescription | undefined;
  readonly parseRequest: (body: Uint8Array) => ParsedRequest;
  /** The body in JSON that asks about these tensors. */
  readonly formatRequest: (inputs: readonly Tensor[]) => string;
  /** An answer's body in JSON. Throws a RangeError for a value that JSON can not carry: NaN or an infinity. */
  readonly formatAnswer: (answer: InferenceAnswer) => string;
  /** An error's body in JSON. */
  readonly formatError: (message: string) => string;
}
