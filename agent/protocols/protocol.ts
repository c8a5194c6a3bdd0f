/**
 * What Pilotfish needs to know of the language that a model server speaks, and nothing about sockets: which requests are
 * inferences, where health and metadata are, how a body becomes named tensors and how tensors become an answer. Pure: nothing
 * here throws for what the world sends, whatever its bytes, and each body is read in time and memory linear in its size.
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
  /** Of the artefact that serves, where the server tells it: hexadecimal in lower case, with or without its algorithm (`sha256:…`). */
  readonly digest?: string;
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
  | "binary" // a binary tensor that is cut short, or of a datatype that is not known
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
      /** The answer is asked for as a stream of events. */
      readonly stream: boolean;
      /** How else the answer is asked for, in the protocol's own words. Plain data, for `formatAnswer` alone. */
      readonly form?: unknown;
    }
  | { readonly ok: false; readonly reason: Unreadable };

/** A body's tensors, whole. */
export type Tensors = { readonly ok: true; readonly tensors: readonly Tensor[] } | { readonly ok: false; readonly reason: Unreadable };

export interface InferenceAnswer {
  /** "" where the path did not say it: the one that the request's body names. */
  readonly model: string;
  readonly version: string | undefined;
  readonly id: string | undefined;
  readonly outputs: readonly Tensor[];
  /** When it was given, for protocols that say so; 0 where nobody tells. */
  readonly atWallMs?: number | undefined;
}

/** A body as it goes out, with the headers that it needs: `content-type` is always among them. Lower-case names. */
export interface FormattedBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Where the tensors of a request stand in its body, in words for whoever sent it. */
export interface Places {
  /** Where a feature or a tensor stands that is not there. */
  readonly root: string;
  /** Where the shape or the datatype of the input of that number stands, or whatever shows it. */
  tensor(input: number, part: "shape" | "datatype"): string;
  /** Where a value stands, by its index in the input's flat data. */
  value(input: number, index: number): string;
}

export interface RequestPlaces extends Places {
  /**
   * The body with these inputs instead of those that were read from it: tensors that are the same objects are left alone, those
   * behind them are new. With headers that must replace the request's own. undefined where it can not be done faithfully.
   */
  rewritten(inputs: readonly Tensor[]): FormattedBody | undefined;
}

/** A request to the server itself, such as to load a model. */
export interface ServerCommand {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** Which model an inference asks, and which version where it names one. */
export interface InferenceTarget {
  /** "" where the path does not say it: ask `modelIn`. */
  readonly model: string;
  readonly version: string | undefined;
}

export interface Protocol {
  readonly name: string;
  /** Paths to ask the server at. Health is judged by the status, and by `isReady` where there is that. */
  readonly paths: {
    readonly live: string;
    /** Of the server; where `modelReady` is there too, only that tells whether a model answers. */
    readonly ready: string;
    /** Of one model. */
    readonly modelReady?: (name: string) => string;
    /** Metadata, for `describe`. */
    readonly model: (name: string) => string;
    /** Metadata of one version; absent where there are none. */
    readonly modelOfVersion?: (name: string, version: string) => string;
    /** Lists of the server's models, of which it may have none or one. */
    readonly models?: readonly ServerCommand[];
    readonly infer: (name: string, version?: string) => string;
    /** Another port of the server where `model`, `models`, `load` and `unload` are asked; undefined: the same one. */
    readonly managementPort?: number;
    /** Only where the server can be told over HTTP. A version is passed over by servers that choose it themselves. */
    readonly load?: (name: string, version?: string) => ServerCommand;
    readonly unload?: (name: string, version?: string) => ServerCommand;
  };
  /** What `method` and `path` (with or without query) ask for; undefined where they are no inference. */
  readonly inferenceOf: (method: string, path: string) => InferenceTarget | undefined;
  /**
   * The model that an inference's body names; only for protocols whose path does not. The body need not be whole, nor may it be
   * compressed. Cost: a scan that looks at no more than 250,000 bytes one by one (long strings are passed over), about 1 ms at most.
   */
  readonly modelIn?: (body: Uint8Array) => string | undefined;
  /**
   * The columns of an inference's body. `features` names the columns of a single matrix of that many columns; any other
   * tensor of k columns gives `name_0` to `name_<k-1>`, one of a single column its own name, and one of more than 16,384 none.
   * Integers beyond 2^53 may lose digits. A body that begins as gzip or zlib data is unpacked first, up to 64 MiB.
   */
  readonly decodeRequest: (body: Uint8Array, features?: readonly string[]) => Decoded;
  /** Of a streamed answer: all its events, one after the other as they came. */
  readonly decodeResponse: (body: Uint8Array) => Decoded;
  /** An answer's tensors under the names that `decodeResponse` makes its columns of; of text, the text itself. */
  readonly parseAnswer: (body: Uint8Array) => Tensors;
  /**
   * What the body of `paths.modelReady` says where a good status is not enough: some servers answer 200 for a model that is
   * not loaded. Absent where the status tells all.
   */
  readonly isReady?: (json: unknown) => boolean;
  /** The version that an answer says it is of, as far as its first bytes tell without parsing it. Cost: under 1 microsecond. */
  readonly versionIn: (head: Buffer) => string | undefined;
  /** A model's metadata, as the server gives it; undefined where it can not be read. `name`: which one of a list. */
  readonly describe: (json: unknown, name?: string) => ModelDescription | undefined;
  /** `path`: where it was sent, for protocols in which bodies of different questions look alike. */
  readonly parseRequest: (body: Uint8Array, path?: string) => ParsedRequest;
  /** Clients say of each tensor which datatype it has; else a datatype is only what the values look like. */
  readonly typed?: true;
  /** Where the inputs that `parseRequest` read stand in that body, which is not packed; undefined where nobody can tell. */
  readonly requestPlaces?: (body: Uint8Array, inputs: readonly Tensor[], path?: string) => RequestPlaces | undefined;
  /** The body in JSON that asks about these tensors. */
  readonly formatRequest: (inputs: readonly Tensor[]) => string;
  /**
   * An answer's body, in the form in which `asked` wants it; without `asked`, plain JSON. Throws a RangeError for a value that
   * JSON can not carry: NaN or an infinity.
   */
  readonly formatAnswer: (answer: InferenceAnswer, asked?: ParsedRequest) => FormattedBody;
  /** An error's body in JSON. */
  readonly formatError: (message: string, status: number) => string;
  /** What ends a stream of events that broke, even in the middle of an event; undefined where there are no streams. */
  readonly streamError: (message: string) => Buffer | undefined;
}
