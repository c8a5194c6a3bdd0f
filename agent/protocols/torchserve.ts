/**
 * TorchServe: `/predictions/NAME[/VERSION]` takes any body, which only the model's handler understands. A body in JSON is read
 * as far as it looks like a table: a list of rows, one row as an object, rows under `data`, or KServe's `instances`, which
 * TorchServe takes too. Models are described and loaded at another port. Source: pytorch/serve, docs/inference_api.md and
 * management_api.md.
 */
import { jsonBody, mustBeFinite } from "./format.ts";
import { isRecord, parseJson, property, textAt } from "./json.ts";
import { rowFormAsked, rowsAnswered, rowsAsked } from "./kserve.ts";
import { decodePath, withoutQuery } from "./path.ts";
import type { ModelDescription, ParsedRequest, Protocol, Tensors } from "./protocol.ts";
import { rowPlaces, type RowForm } from "./request-places.ts";
import { decoded, rowsFrom, tensorsInRows } from "./rows.ts";

const predictionsPath = /^\/predictions\/([^/]+)(?:\/([^/]+))?$/;

/** What the request held, and so the answer: KServe's envelope, a list of rows, or one row. */
type Form = "envelope" | "rows" | "row";

export const torchserve: Protocol = {
  name: "torchserve",

  paths: {
    live: "/ping",
    ready: "/ping",
    model: (name) => `/models/${encodeURIComponent(name)}`,
    modelOfVersion: (name, version) => `/models/${versioned(name, version)}`,
    models: [{ method: "GET", path: "/models" }],
    infer: (name, version) => `/predictions/${versioned(name, version)}`,
    managementPort: 8_081,
    // The model stays registered; its workers are started and stopped.
    load: (name, version) => ({ method: "PUT", path: `/models/${versioned(name, version)}?min_worker=1&synchronous=true` }),
    unload: (name, version) => ({ method: "PUT", path: `/models/${versioned(name, version)}?min_worker=0&max_worker=0&synchronous=true` }),
  },

  inferenceOf(method, path) {
    const match = method === "POST" || method === "PUT" ? predictionsPath.exec(withoutQuery(path)) : null;
    const model = decodePath(match?.[1]);
    const version = decodePath(match?.[2]);
    return model === undefined || (version === undefined && match?.[2] !== undefined) ? undefined : { model, version };
  },

  decodeRequest: (body, features) => decoded(asked(body).read, features),

  decodeResponse: (body) => decoded(answered(body)),
  parseAnswer: answered,

  versionIn: () => undefined,

  describe(json, name): ModelDescription | undefined {
    const versions = (Array.isArray(json) ? (json as unknown[]) : [json]).filter((entry) => textAt(entry, "modelName") !== undefined);
    const described = textAt(versions[0], "modelName");
    if (described === undefined || (name !== undefined && name !== described)) return undefined;
    return { name: described, versions: versions.flatMap((entry) => textAt(entry, "modelVersion") ?? []), inputs: [], outputs: [] };
  },

  parseRequest(body): ParsedRequest {
    const { read, form } = asked(body);
    return read.ok ? { ok: true, id: undefined, inputs: read.tensors, outputs: undefined, stream: false, form } : read;
  },

  requestPlaces: (body, inputs) => rowPlaces(body, inputs, rowFormOf),

  formatRequest: (inputs) => JSON.stringify(rowsFrom(inputs)),

  formatAnswer({ outputs }, question) {
    mustBeFinite(outputs);
    const rows = rowsFrom(outputs);
    switch (question?.ok === true ? (question.form as Form | undefined) : undefined) {
      case "envelope":
        return jsonBody({ predictions: rows });
      case "row":
        return jsonBody(rows.length === 1 ? rows[0] : rows);
      case "rows":
      case undefined:
        return jsonBody(rows);
    }
  },

  formatError: (message, status) => JSON.stringify({ code: status, type: errorTypes[status] ?? (status < 500 ? "BadRequestException" : "InternalServerException"), message }),
  streamError: () => undefined,
};

const errorTypes: Readonly<Record<number, string>> = {
  404: "ModelNotFoundException",
  405: "MethodNotAllowedException",
  413: "RequestEntityTooLargeException",
  503: "ServiceUnavailableException",
};

function versioned(name: string, version: string | undefined): string {
  return version === undefined ? encodeURIComponent(name) : `${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
}

function answered(body: Uint8Array): Tensors {
  const json = parseJson(body);
  if (!json.ok) return json;
  if (property(json.value, "predictions") !== undefined) return rowsAnswered(json.value);
  return tensorsInRows(isRecord(json.value) ? [json.value] : json.value, "predictions");
}

function rowFormOf(value: unknown): RowForm | undefined {
  if (property(value, "instances") !== undefined) return rowFormAsked(value);
  const isTable = isRecord(value) && Array.isArray(value.data) && Object.keys(value).length === 1;
  return { at: isTable ? ["data"] : [] };
}

function asked(body: Uint8Array): { readonly read: Tensors; readonly form: Form } {
  const json = parseJson(body);
  if (!json.ok) return { read: json, form: "row" };
  const { value } = json;
  if (property(value, "instances") !== undefined) return { read: rowsAsked(value), form: "envelope" };
  if (Array.isArray(value)) return { read: tensorsInRows(value, "data"), form: "rows" };
  if (!isRecord(value)) return { read: tensorsInRows(value, "data"), form: "row" };
  const { data } = value;
  const isTable = Array.isArray(data) && Object.keys(value).length === 1;
  return isTable ? { read: tensorsInRows(data, "data"), form: "rows" } : { read: tensorsInRows([value], "data"), form: "row" };
}
