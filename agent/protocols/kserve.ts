/**
 * KServe's first protocol: `instances`, a list of rows, are asked and `predictions` answered. Servers also take the rows as
 * `inputs`. It knows neither versions nor a model's inputs. Source: kserve.github.io, Data Plane, V1 protocol.
 */
import { jsonBody, mustBeFinite } from "./format.ts";
import { isRecord, parseJson, property, textAt } from "./json.ts";
import { decodePath, withoutQuery } from "./path.ts";
import type { Protocol, Tensors } from "./protocol.ts";
import { rowPlaces, type RowForm } from "./request-places.ts";
import { decoded, rowsFrom, tensorsInColumns, tensorsInRows } from "./rows.ts";

const predictPath = /^\/v1\/models\/([^/:]+):predict$/;

export const kserve: Protocol = {
  name: "kserve",

  paths: {
    live: "/",
    ready: "/v1/models",
    modelReady: (name) => `/v1/models/${encodeURIComponent(name)}`,
    model: (name) => `/v1/models/${encodeURIComponent(name)}`,
    models: [{ method: "GET", path: "/v1/models" }],
    infer: (name) => `/v1/models/${encodeURIComponent(name)}:predict`,
  },

  inferenceOf(method, path) {
    const match = method === "POST" ? predictPath.exec(withoutQuery(path)) : null;
    const model = decodePath(match?.[1]);
    return model === undefined ? undefined : { model, version: undefined };
  },

  decodeRequest: (body, features) => decoded(asked(body), features),
  decodeResponse: (body) => decoded(answered(body)),
  parseAnswer: answered,
  // A server that is not of KServe's own may say 200 and false, as a word too.
  isReady: (json) => !/^false$/i.test(String(property(json, "ready"))),
  versionIn: () => undefined,

  describe(json) {
    const name = textAt(json, "name");
    return name === undefined ? undefined : { name, versions: [], inputs: [], outputs: [] };
  },

  parseRequest(body) {
    const read = asked(body);
    return read.ok ? { ok: true, id: undefined, inputs: read.tensors, outputs: undefined, stream: false } : read;
  },

  requestPlaces: (body, inputs) => rowPlaces(body, inputs, rowFormAsked),

  formatRequest: (inputs) => JSON.stringify({ instances: rowsFrom(inputs) }),

  formatAnswer({ outputs }) {
    mustBeFinite(outputs);
    return jsonBody({ predictions: rowsFrom(outputs) });
  },

  formatError: (message) => JSON.stringify({ error: message }),
  streamError: () => undefined,
};

function asked(body: Uint8Array): Tensors {
  const json = parseJson(body);
  return json.ok ? rowsAsked(json.value) : json;
}

function answered(body: Uint8Array): Tensors {
  const json = parseJson(body);
  return json.ok ? rowsAnswered(json.value) : json;
}

/** The rows of a request that was parsed. */
export function rowsAsked(json: unknown): Tensors {
  if (!isRecord(json)) return { ok: false, reason: "no-tensors" };
  if (json.instances !== undefined) return Array.isArray(json.instances) ? tensorsInRows(json.instances, "instances") : { ok: false, reason: "no-tensors" };
  return json.inputs === undefined ? { ok: false, reason: "no-tensors" } : tensorsInColumns(json.inputs, "inputs");
}

/** Where a request that was parsed has its rows. */
export function rowFormAsked(json: unknown): RowForm | undefined {
  if (!isRecord(json)) return undefined;
  return json.instances !== undefined ? { at: ["instances"] } : json.inputs !== undefined ? { at: ["inputs"] } : undefined;
}

/** The rows of an answer that was parsed. */
export function rowsAnswered(json: unknown): Tensors {
  return isRecord(json) && json.predictions !== undefined ? tensorsInColumns(json.predictions, "predictions") : { ok: false, reason: "no-tensors" };
}
