/**
 * The Open Inference Protocol, version 2, over REST: what KServe, Triton, MLServer and OpenVINO's server speak.
 *
 * Bodies are JSON: `inputs` or `outputs` are tensors with name, shape, datatype and data, the data nested or flat, row-major.
 * A gzip-compressed body is unpacked first, known by its magic number. Python's clients write NaN and Infinity, which is no
 * JSON; they are read as null. The binary tensor extension is recognised and not read. Source:
 * github.com/kserve/open-inference-protocol (inference_rest.md), Triton's protocol/extension_binary_data.md.
 */
import { gunzipSync } from "node:zlib";
import type {
  Column,
  Decoded,
  InferenceAnswer,
  InferenceTarget,
  ModelDescription,
  ParsedRequest,
  Protocol,
  Tensor,
  TensorDescription,
  Unreadable,
  Value,
} from "./protocol.ts";

/** A compressed body may not grow beyond this. */
const unpackedMaxBytes = 64 * 1_048_576;

/** Data nested deeper is no tensor. */
const depthMax = 32;

/** Servers write the version before the tensors; it is not looked for beyond. */
const headBytes = 512;

const inferPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer$/;

export const openInference: Protocol = {
  name: "open-inference",

  paths: {
    live: "/v2/health/live",
    ready: "/v2/health/ready",
    model: (name) => `/v2/models/${encodeURIComponent(name)}`,
    infer: (name) => `/v2/models/${encodeURIComponent(name)}/infer`,
  },

  inferenceOf(method, path): InferenceTarget | undefined {
    if (method !== "POST") return undefined;
    const match = inferPath.exec(withoutQuery(path));
    if (match === null) return undefined;
    try {
      const [, model, version] = match;
      return { model: decodeURIComponent(model as string), version: version === undefined ? undefined : decodeURIComponent(version) };
    } catch {
      return undefined; // A broken percent sequence: the server may say what it thinks of it.
    }
  },

  decodeRequest(body, features): Decoded {
    const json = parseJson(body);
    return json.ok ? decode(json.value, "inputs", features) : json;
  },

  decodeResponse(body): Decoded {
    const json = parseJson(body);
    return json.ok ? decode(json.value, "outputs") : json;
  },

  versionIn(head): string | undefined {
    const [before = ""] = head.toString("latin1", 0, headBytes).split('"outputs"', 1);
    return /"model_version"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,128})"/.exec(before)?.[1];
  },

  describe(json): ModelDescription | undefined {
    if (!isRecord(json) || typeof json.name !== "string") return undefined;
    const inputs = describeTensors(json.inputs);
    const outputs = describeTensors(json.outputs);
    if (inputs === undefined || outputs === undefined) return undefined;
    const versions = Array.isArray(json.versions) ? json.versions.map(String) : [];
    return { name: json.name, versions, inputs, outputs };
  },

  parseRequest(body): ParsedRequest {
    const json = parseJson(body);
    if (!json.ok) return json;
    const tensors = tensorsOf(json.value, "inputs");
    if (!tensors.ok) return tensors;
    const { id, outputs } = json.value as { id?: unknown; outputs?: unknown };
    const asked = Array.isArray(outputs) ? outputs.flatMap((output) => (isRecord(output) && typeof output.name === "string" ? [output.name] : [])) : [];
    return {
      ok: true,
      id: typeof id === "string" ? id : undefined,
      inputs: tensors.tensors,
      outputs: asked.length === 0 ? undefined : asked,
    };
  },

  formatRequest: (inputs) => JSON.stringify({ inputs: inputs.map(onWire) }),

  formatAnswer({ model, version, id, outputs }: InferenceAnswer): string {
    for (const { name, values } of outputs) {
      const bad = values.find((value) => typeof value === "number" && !Number.isFinite(value));
      if (bad !== undefined) throw new RangeError(`output ${name} holds ${bad}, which JSON can not carry`);
    }
    return JSON.stringify({
      model_name: model,
      model_version: version,
      id,
      outputs: outputs.map(onWire),
    });
  },

  formatError: (message) => JSON.stringify({ error: message }),
};

function onWire({ name, datatype, shape, values }: Tensor): unknown {
  return { name, datatype, shape, data: values };
}

type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: Unreadable };

function parseJson(packed: Uint8Array): Json {
  if (packed.length === 0) return { ok: false, reason: "empty" };
  const body = unpack(packed);
  if (body === undefined) return { ok: false, reason: "not-json" };
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    // JSON with tensors' bytes after it; its length is in a header that we do not see here.
    if (text.startsWith("{") && text.includes('"binary_data_size"')) return { ok: false, reason: "binary" };
  }
  try {
    return { ok: true, value: JSON.parse(withoutNonFinite(text)) as unknown };
  } catch {
    return { ok: false, reason: "not-json" };
  }
}

function unpack(body: Uint8Array): Uint8Array | undefined {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body;
  try {
    return gunzipSync(body, { maxOutputLength: unpackedMaxBytes });
  } catch {
    return undefined;
  }
}

/** NaN, Infinity and -Infinity outside of strings become null. One pass, whatever the text. */
function withoutNonFinite(text: string): string {
  let inString = false;
  return text.replaceAll(/\\.|"|-?\bInfinity\b|\bNaN\b/gs, (found) => {
    if (found === '"') inString = !inString;
    return inString || found === '"' || found.startsWith("\\") ? found : "null";
  });
}

type Tensors = { readonly ok: true; readonly tensors: readonly Tensor[] } | { readonly ok: false; readonly reason: Unreadable };

function tensorsOf(json: unknown, key: "inputs" | "outputs"): Tensors {
  const entries = isRecord(json) ? json[key] : undefined;
  if (!Array.isArray(entries) || entries.length === 0) return { ok: false, reason: "no-tensors" };
  const tensors: Tensor[] = [];
  for (const entry of entries as readonly unknown[]) {
    if (!isRecord(entry) || typeof entry.name !== "string") return { ok: false, reason: "no-tensors" };
    const { name, datatype, shape, data, parameters } = entry;
    if (isRecord(parameters) && parameters.binary_data_size !== undefined) return { ok: false, reason: "binary" };
    if (!isShape(shape) || !Array.isArray(data)) return { ok: false, reason: "shape" };
    const values = flat(data, shape.reduce((product, size) => product * size, 1));
    if (values === undefined) return { ok: false, reason: "shape" };
    tensors.push({ name, datatype: typeof datatype === "string" ? datatype : "", shape, values });
  }
  return { ok: true, tensors };
}

/** The values of nested or flat data, row-major; undefined where they are not `count` values. */
function flat(data: readonly unknown[], count: number): readonly Value[] | undefined {
  const values: Value[] = [];
  const walk = (item: unknown, depth: number): boolean => {
    if (Array.isArray(item)) return depth < depthMax && item.every((inner) => walk(inner, depth + 1));
    if (typeof item === "object" && item !== null) return false;
    return values.push(item as Value) <= count;
  };
  return walk(data, 0) && values.length === count ? values : undefined;
}

function decode(json: unknown, key: "inputs" | "outputs", features?: readonly string[]): Decoded {
  const read = tensorsOf(json, key);
  if (!read.ok) return read;
  const { tensors } = read;
  const rows = rowsOf(tensors[0] as Tensor);
  if (tensors.some((tensor) => rowsOf(tensor) !== rows)) return { ok: false, reason: "shape" };
  if (rows === 0) return { ok: false, reason: "empty" };
  const columns = tensors.flatMap((tensor) => columnsOf(tensor, rows, tensors.length === 1 ? features : undefined));
  const { model_version: version } = json as { model_version?: unknown };
  return typeof version === "string" ? { ok: true, rows, columns, version } : { ok: true, rows, columns };
}

/** The first dimension is the batch; a scalar is a batch of one. */
function rowsOf({ shape }: Tensor): number {
  return shape[0] ?? 1;
}

function columnsOf({ name, values }: Tensor, rows: number, features: readonly string[] | undefined): readonly Column[] {
  const width = values.length / rows;
  if (width === 1) return [{ name: features?.length === 1 ? (features[0] as string) : name, values }];
  const names = features?.length === width ? features : Array.from({ length: width }, (_, index) => `${name}_${index}`);
  return names.map((column, index) => ({ name: column, values: Array.from({ length: rows }, (_, row) => values[row * width + index] as Value) }));
}

function describeTensors(json: unknown): readonly TensorDescription[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const tensors: TensorDescription[] = [];
  for (const entry of json as readonly unknown[]) {
    if (!isRecord(entry)) return undefined;
    const { name, datatype, shape } = entry;
    if (typeof name !== "string" || typeof datatype !== "string" || !Array.isArray(shape)) return undefined;
    // Some servers write dimensions as text, since their metadata are 64-bit integers.
    tensors.push({ name, datatype, shape: shape.map(Number) });
  }
  return tensors;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function withoutQuery(path: string): string {
  const end = path.indexOf("?");
  return end < 0 ? path : path.slice(0, end);
}
