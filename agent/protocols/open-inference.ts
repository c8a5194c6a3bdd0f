/**
 * The Open Inference Protocol, version 2, over REST: what KServe, Triton, MLServer and OpenVINO's server speak.
 *
 * Bodies are JSON: `inputs` or `outputs` are tensors with name, shape, datatype and data, the data nested or flat, row-major.
 * With the binary tensor extension a tensor has `binary_data_size` for data, and its bytes follow the JSON, in order. Where
 * the JSON ends is told by a header, which is not seen here; it is found from the body's end, by the tensors' sizes, and
 * checked by where the JSON's last bracket is. Source: github.com/kserve/open-inference-protocol (inference_rest.md), Triton's
 * docs/protocol/extension_binary_data.md and extension_model_repository.md.
 */
import { isBinary, readValues, writeValues } from "./binary-tensors.ts";
import { columnsIn } from "./columns.ts";
import { jsonBody, mustBeFinite } from "./format.ts";
import { isRecord, parseJson, parseText, property, textAt, textOf, unpack } from "./json.ts";
import { jsonEnd } from "./json-scan.ts";
import { flat } from "./nested.ts";
import { decodePath, withoutQuery } from "./path.ts";
import type { Decoded, FormattedBody, InferenceAnswer, InferenceTarget, ModelDescription, ParsedRequest, Protocol, Tensor, TensorDescription, Tensors, Unreadable, Value } from "./protocol.ts";
import { tensorPlaces } from "./tensor-places.ts";

/** Servers write the version before the tensors; it is not looked for beyond. */
const headBytes = 512;
const versionMember = /"model_version"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,128})"/y;

const inferPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer$/;

/** Which outputs are wanted as bytes: those named here as `binary`; of the others, all or none. */
interface Form {
  readonly binary: boolean;
  readonly except: readonly string[];
}

export const openInference: Protocol = {
  name: "open-inference",

  paths: {
    live: "/v2/health/live",
    ready: "/v2/health/ready",
    modelReady: (name) => `${modelPath(name)}/ready`,
    model: (name) => modelPath(name),
    modelOfVersion: (name, version) => `${modelPath(name)}/versions/${encodeURIComponent(version)}`,
    // KServe's, and that of the model repository extension (Triton, MLServer).
    models: [
      { method: "GET", path: "/v2/models" },
      { method: "POST", path: "/v2/repository/index", body: "{}" },
    ],
    infer: (name, version) => `${modelPath(name)}${version === undefined ? "" : `/versions/${encodeURIComponent(version)}`}/infer`,
    // Which versions are loaded is the model's own policy.
    load: (name) => ({ method: "POST", path: `/v2/repository/models/${encodeURIComponent(name)}/load`, body: "{}" }),
    unload: (name) => ({ method: "POST", path: `/v2/repository/models/${encodeURIComponent(name)}/unload`, body: "{}" }),
  },

  inferenceOf(method, path): InferenceTarget | undefined {
    const match = method === "POST" ? inferPath.exec(withoutQuery(path)) : null;
    const model = decodePath(match?.[1]);
    const version = decodePath(match?.[2]);
    return model === undefined || (version === undefined && match?.[2] !== undefined) ? undefined : { model, version };
  },

  decodeRequest(body, features): Decoded {
    const read = readBody(body, "inputs");
    return read.ok ? columnsIn(read.tensors, features) : read;
  },

  decodeResponse(body): Decoded {
    const read = readBody(body, "outputs");
    if (!read.ok) return read;
    const columns = columnsIn(read.tensors);
    const version = textAt(read.json, "model_version");
    return columns.ok && version !== undefined ? { ...columns, version } : columns;
  },

  parseAnswer: (body) => readBody(body, "outputs"),

  versionIn(head): string | undefined {
    const text = head.toString("latin1", 0, headBytes);
    const at = text.indexOf('"model_version"');
    if (at < 0) return undefined;
    const outputs = text.indexOf('"outputs"');
    if (outputs >= 0 && outputs < at) return undefined;
    versionMember.lastIndex = at;
    return versionMember.exec(text)?.[1];
  },

  describe(json): ModelDescription | undefined {
    if (!isRecord(json) || typeof json.name !== "string") return undefined;
    const inputs = describeTensors(json.inputs);
    const outputs = describeTensors(json.outputs);
    if (inputs === undefined || outputs === undefined) return undefined;
    const versions = Array.isArray(json.versions) ? json.versions.map(String) : [];
    const digest = digestIn(json.parameters);
    return { name: json.name, versions, inputs, outputs, ...(digest && { digest }) };
  },

  parseRequest(body): ParsedRequest {
    const read = readBody(body, "inputs");
    if (!read.ok) return read;
    const outputs = property(read.json, "outputs");
    const asked = Array.isArray(outputs) ? outputs.flatMap((output: unknown) => textAt(output, "name") ?? []) : [];
    return {
      ok: true,
      id: textAt(read.json, "id"),
      inputs: read.tensors,
      outputs: asked.length === 0 ? undefined : asked,
      stream: false,
      form: formOf(read.json),
    };
  },

  typed: true,
  requestPlaces: tensorPlaces,

  formatRequest: (inputs) => JSON.stringify({ inputs: inputs.map(onWire) }),

  formatAnswer({ model, version, id, outputs }: InferenceAnswer, asked): FormattedBody {
    const form = asked?.ok === true ? (asked.form as Form | undefined) : undefined;
    const asBytes = (tensor: Tensor): boolean => form !== undefined && form.binary !== form.except.includes(tensor.name) && isBinary(tensor.datatype);
    mustBeFinite(outputs.filter((output) => !asBytes(output)));
    const tails: Buffer[] = [];
    const tensors = outputs.map((output) => {
      if (!asBytes(output)) return onWire(output);
      const { name, datatype, shape, values } = output;
      const bytes = writeValues(datatype, values);
      tails.push(bytes);
      return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
    });
    const json = { model_name: model, model_version: version, id, outputs: tensors };
    return tails.length === 0 ? jsonBody(json) : withTails(json, tails);
  },

  formatError: (message) => JSON.stringify({ error: message }),

  // Of Triton's generate extension and MLServer's streams.
  streamError: (message) => Buffer.from(`\n\ndata: ${JSON.stringify({ error: message })}\n\n`),
};

/** A request whose tensors are bytes behind its JSON, and which asks for its answer in the same way. */
export function formatBinaryRequest(inputs: readonly Tensor[]): FormattedBody {
  const tails = inputs.map(({ datatype, values }) => writeValues(datatype, values));
  const tensors = inputs.map(({ name, datatype, shape }, index) => ({ name, datatype, shape, parameters: { binary_data_size: tails[index]?.length } }));
  return withTails({ inputs: tensors, parameters: { binary_data_output: true } }, tails);
}

function withTails(json: unknown, tails: readonly Buffer[]): FormattedBody {
  const head = Buffer.from(JSON.stringify(json));
  return {
    headers: { "content-type": "application/octet-stream", "inference-header-content-length": String(head.length) },
    body: Buffer.concat([head, ...tails]),
  };
}

function modelPath(name: string): string {
  return `/v2/models/${encodeURIComponent(name)}`;
}

function onWire({ name, datatype, shape, values }: Tensor): unknown {
  return { name, datatype, shape, data: values };
}

/** An output's own `binary_data` wins over the request's `binary_data_output`. */
function formOf(json: unknown): Form {
  const binary = property(property(json, "parameters"), "binary_data_output") === true;
  const outputs = property(json, "outputs");
  const except = Array.isArray(outputs)
    ? outputs.flatMap((output: unknown) => {
        const own = property(property(output, "parameters"), "binary_data");
        return typeof own === "boolean" && own !== binary ? (textAt(output, "name") ?? []) : [];
      })
    : [];
  return { binary, except };
}

type Body =
  | { readonly ok: true; readonly json: unknown; readonly tensors: readonly Tensor[] }
  | { readonly ok: false; readonly reason: Unreadable };

const noBytes = Buffer.alloc(0);

function readBody(packed: Uint8Array, key: "inputs" | "outputs"): Body {
  if (packed.length === 0) return { ok: false, reason: "empty" };
  const body = unpack(packed);
  if (body === undefined) return { ok: false, reason: "not-json" };
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const split = bytes[0] === openBrace && bytes.includes('"binary_data_size"') ? jsonEnd(bytes) : undefined;
  const json = split === undefined ? parseJson(bytes) : parseText(textOf(bytes.subarray(0, split)));
  if (!json.ok) return json;
  const read = tensorsOf(json.value, key, split === undefined ? noBytes : bytes.subarray(split));
  return read.ok ? { ok: true, json: json.value, tensors: read.tensors } : read;
}

const openBrace = 0x7b;

/** @param rest what follows the JSON: perhaps white space, then the binary tensors. */
function tensorsOf(json: unknown, key: "inputs" | "outputs", rest: Buffer): Tensors {
  const entries = property(json, key);
  if (!Array.isArray(entries) || entries.length === 0) return { ok: false, reason: "no-tensors" };
  const sizes = (entries as readonly unknown[]).map((entry) => property(property(entry, "parameters"), "binary_data_size"));
  const first = rest.length - sizes.reduce<number>((sum, size) => sum + (typeof size === "number" ? size : 0), 0);
  if (!(first >= 0) || rest.toString("latin1", 0, first).trim() !== "") return { ok: false, reason: "binary" };

  const tensors: Tensor[] = [];
  let at = first;
  for (const [index, entry] of (entries as readonly unknown[]).entries()) {
    const name = textAt(entry, "name");
    if (name === undefined) return { ok: false, reason: "no-tensors" };
    const shape = property(entry, "shape");
    const data = property(entry, "data");
    const datatype = textAt(entry, "datatype") ?? "";
    if (!isShape(shape)) return { ok: false, reason: "shape" };
    const count = shape.reduce((product, size) => product * size, 1);
    const size = sizes[index];
    let values: readonly Value[] | undefined;
    if (size === undefined) {
      values = Array.isArray(data) ? flat(data, count) : undefined;
      if (values === undefined) return { ok: false, reason: "shape" };
    } else {
      const end = isSize(size) ? at + size : Number.NaN;
      values = end <= rest.length ? readValues(datatype, rest.subarray(at, end), count) : undefined;
      if (values === undefined) return { ok: false, reason: "binary" };
      at = end;
    }
    tensors.push({ name, datatype, shape, values });
  }
  return { ok: true, tensors };
}

/** No member of the protocol: a server may tell it among the metadata's `parameters`. What does not look like a digest is none. */
function digestIn(parameters: unknown): string | undefined {
  const said = textAt(parameters, "digest")?.toLowerCase();
  return said !== undefined && /^(?:[a-z0-9]{2,16}:)?[0-9a-f]{8,128}$/.test(said) ? said : undefined;
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

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isSize);
}
