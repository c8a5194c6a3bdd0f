/**
 * TensorFlow Serving over REST. `:predict` has a row format (`instances`, answered by `predictions`) and a column format
 * (`inputs`, answered by `outputs`); `:classify` and `:regress` take `examples` and answer `results`. Bytes are
 * `{"b64": "..."}`, in answers where an output's name ends with `_bytes`. There is no health of the server, only of a model.
 * Source: tensorflow.org/tfx/serving/api_rest; the word `results`, and not the documentation's `result`, from the server's
 * util/json_tensor_test.cc.
 */
import { jsonBody, mustBeFinite } from "./format.ts";
import { isRecord, parseJson, property, textAt } from "./json.ts";
import { rowFormAsked, rowsAnswered, rowsAsked } from "./kserve.ts";
import { decodePath, withoutQuery } from "./path.ts";
import type { InferenceAnswer, ParsedRequest, Protocol, Tensor, TensorDescription, Tensors, Value } from "./protocol.ts";
import { isBase64, rowPlaces, type RowForm } from "./request-places.ts";
import { columnsFrom, decoded, rowsFrom, tensorsInColumns, tensorsInRows } from "./rows.ts";

const inferPath = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+)|\/labels\/([\w.-]+))?:(predict|classify|regress)$/;

/** How the answer is wanted. */
type Form = "rows" | "columns" | "classify" | "regress" | "examples";

export const tfServing: Protocol = {
  name: "tf-serving",

  paths: {
    live: "/v1/models",
    ready: "/v1/models",
    modelReady: (name) => `/v1/models/${encodeURIComponent(name)}`,
    model: (name) => `/v1/models/${encodeURIComponent(name)}/metadata`,
    modelOfVersion: (name, version) => `/v1/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}/metadata`,
    infer: (name, version) => `/v1/models/${encodeURIComponent(name)}${version === undefined ? "" : `/versions/${encodeURIComponent(version)}`}:predict`,
  },

  inferenceOf(method, path) {
    const match = method === "POST" ? inferPath.exec(withoutQuery(path)) : null;
    const model = decodePath(match?.[1]);
    return model === undefined ? undefined : { model, version: match?.[2] ?? match?.[3] };
  },

  decodeRequest: (body, features) => decoded(asked(body), features),
  decodeResponse: (body) => decoded(answered(body)),
  parseAnswer: answered,
  /** The status is 200 also while all versions load, or after they were unloaded. */
  isReady(json) {
    const versions = property(json, "model_version_status");
    return Array.isArray(versions) && versions.some((version) => property(version, "state") === "AVAILABLE");
  },
  versionIn: () => undefined,

  describe(json) {
    const spec = property(json, "model_spec");
    const name = textAt(spec, "name");
    const signatures = property(property(property(json, "metadata"), "signature_def"), "signature_def");
    if (name === undefined || !isRecord(signatures)) return undefined;
    const signature = property(signatures, "serving_default") ?? Object.values(signatures)[0];
    const version = textAt(spec, "version");
    return {
      name,
      versions: version === undefined ? [] : [version],
      inputs: describeTensors(property(signature, "inputs")),
      outputs: describeTensors(property(signature, "outputs")),
    };
  },

  parseRequest(body, path): ParsedRequest {
    const json = parseJson(body);
    if (!json.ok) return json;
    const read = tensorsAsked(json.value);
    return read.ok ? { ok: true, id: undefined, inputs: read.tensors, outputs: undefined, stream: false, form: formOf(json.value, path) } : read;
  },

  requestPlaces: (body, inputs) => rowPlaces(body, inputs, rowFormOf),

  formatRequest: (inputs) => JSON.stringify({ instances: rowsFrom(inputs, written) }),

  formatAnswer({ outputs }: InferenceAnswer, asked) {
    mustBeFinite(outputs);
    switch (asked?.ok === true ? (asked.form as Form | undefined) : undefined) {
      case "columns":
        return jsonBody({ outputs: columnsFrom(outputs, written) });
      case "classify":
        return jsonBody({ results: classified(outputs) });
      case "regress":
        return jsonBody({ results: outputs[0]?.values ?? [] });
      case "examples":
        return jsonBody({ results: outputs.some(isText) ? classified(outputs) : (outputs[0]?.values ?? []) });
      case "rows":
      case undefined:
        return jsonBody({ predictions: rowsFrom(outputs, written) });
    }
  },

  formatError: (message) => JSON.stringify({ error: message }),
  streamError: () => undefined,
};

function asked(body: Uint8Array): Tensors {
  const json = parseJson(body);
  return json.ok ? tensorsAsked(json.value) : json;
}

function tensorsAsked(json: unknown): Tensors {
  const examples = property(json, "examples");
  if (!Array.isArray(examples)) return rowsAsked(json);
  const context = property(json, "context");
  if (!isRecord(context)) return tensorsInRows(examples, "examples");
  if (Object.keys(context).length * examples.length > contextCellsMax) return { ok: false, reason: "shape" };
  return tensorsInRows(examples.map((example: unknown) => (isRecord(example) ? { ...context, ...example } : example)), "examples");
}

function rowFormOf(json: unknown): RowForm | undefined {
  const form = Array.isArray(property(json, "examples")) ? { at: ["examples"] } : rowFormAsked(json);
  return form && { ...form, written: (value, before) => (isBase64(before) ? { b64: Buffer.from(String(value)).toString("base64") } : value) };
}

/** What all examples share is written once and stands in each of them; a small body could become a huge table by that. */
const contextCellsMax = 1_000_000;

function formOf(json: unknown, path: string | undefined): Form {
  if (property(json, "examples") === undefined) return property(json, "instances") === undefined ? "columns" : "rows";
  const verb = path === undefined ? undefined : inferPath.exec(withoutQuery(path))?.[4];
  return verb === "classify" || verb === "regress" ? verb : "examples";
}

function answered(body: Uint8Array): Tensors {
  const json = parseJson(body);
  if (!json.ok) return json;
  const results = property(json.value, "results") ?? property(json.value, "result");
  if (Array.isArray(results)) return tensorsInResults(results);
  const outputs = property(json.value, "outputs");
  return outputs === undefined ? rowsAnswered(json.value) : tensorsInColumns(outputs, "outputs");
}

/** Numbers are a regression's, lists of `[label, score]` a classification's. */
function tensorsInResults(results: readonly unknown[]): Tensors {
  if (!Array.isArray(results[0])) return tensorsInRows(results, "outputs");
  const rows = results.map((row) => (Array.isArray(row) ? (row as unknown[]) : []));
  const part = (index: number) => rows.map((row) => row.map((pair) => (Array.isArray(pair) ? (pair as unknown[])[index] : undefined)));
  return tensorsInColumns({ classes: part(0), scores: part(1) }, "results");
}

/** A list of `[label, score]` for each row; the label is "" where no output holds any. */
function classified(outputs: readonly Tensor[]): readonly unknown[] {
  const labels = outputs.find(isText);
  const scores = outputs.find((output) => !isText(output));
  const most = (scores ?? labels)?.values ?? [];
  const rows = (scores ?? labels)?.shape[0] ?? 1;
  const width = most.length / Math.max(1, rows);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: width }, (__, index) => [labels?.values[row * width + index] ?? "", scores?.values[row * width + index] ?? 1]),
  );
}

function isText({ values }: Tensor): boolean {
  return values.some((value) => typeof value === "string");
}

function written(value: Value, name: string): unknown {
  return typeof value === "string" && name.endsWith("_bytes") ? { b64: Buffer.from(value).toString("base64") } : value;
}

/** TensorFlow's words for what the Open Inference Protocol names otherwise. */
const datatypes: Readonly<Record<string, string>> = {
  DT_FLOAT: "FP32",
  DT_DOUBLE: "FP64",
  DT_HALF: "FP16",
  DT_BFLOAT16: "BF16",
  DT_INT8: "INT8",
  DT_INT16: "INT16",
  DT_INT32: "INT32",
  DT_INT64: "INT64",
  DT_UINT8: "UINT8",
  DT_UINT16: "UINT16",
  DT_UINT32: "UINT32",
  DT_UINT64: "UINT64",
  DT_BOOL: "BOOL",
  DT_STRING: "BYTES",
};

function describeTensors(json: unknown): readonly TensorDescription[] {
  if (!isRecord(json)) return [];
  return Object.entries(json).map(([name, tensor]) => {
    const datatype = textAt(tensor, "dtype") ?? "";
    const dimensions = property(property(tensor, "tensor_shape"), "dim");
    const shape = Array.isArray(dimensions) ? dimensions.map((dimension: unknown) => Number(property(dimension, "size") ?? -1)) : [];
    return { name, datatype: datatypes[datatype] ?? datatype, shape };
  });
}
