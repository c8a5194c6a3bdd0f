/**
 * Any server that takes JSON and answers JSON: the config says at which paths, and by JSON pointers where in the bodies the rows
 * are, and where in a row the features, the prediction and the score.
 *
 * Without pointers a body is its rows: a list of values, of lists or of objects, or one row as an object. An answer that a
 * rung gives is put together in the same way, an output named as its pointer says or under its own name.
 */
import type { Step } from "./faithful-json.ts";
import { jsonBody, mustBeFinite } from "./format.ts";
import { isRecord, parseJson } from "./json.ts";
import { at, withAt, type Pointer } from "./json-pointer.ts";
import { withoutQuery } from "./path.ts";
import type { PlainOptions } from "./plain-options.ts";
import type { Decoded, ModelDescription, ParsedRequest, Protocol, Tensors } from "./protocol.ts";
import { rowPlaces } from "./request-places.ts";
import { decoded, rowsFrom, tensorsInRows } from "./rows.ts";

/** As with a config that says nothing of it. */
export const plainDefaults: PlainOptions = { model: "model", path: "/predict", live: "/health", ready: "/health", request: { rows: [] }, response: { rows: [] } };

/** The request held one row that is in no list, and so will the answer. */
interface Form {
  readonly single: boolean;
}

export function plainProtocol({ model, path: inferPath, live, ready, request, response }: PlainOptions): Protocol {
  const features = request.features === undefined ? undefined : Object.entries(request.features);
  const answers = Object.entries({ prediction: response.prediction, score: response.score }).filter((entry): entry is [string, Pointer] => entry[1] !== undefined);

  const asked = (body: Uint8Array): { readonly read: Tensors; readonly single: boolean } => {
    const json = parseJson(body);
    return json.ok ? rowsAt(json.value, request.rows, features, "inputs") : { read: json, single: false };
  };

  const answered = (json: unknown): Tensors => rowsAt(json, response.rows, answers.length === 0 ? undefined : answers, "outputs").read;

  return {
    name: "plain",

    paths: { live, ready, model: () => ready, infer: () => inferPath },

    inferenceOf: (method, asking) => (method === "POST" && withoutQuery(asking) === inferPath ? { model, version: undefined } : undefined),

    decodeRequest: (body, names) => decoded(asked(body).read, names),

    decodeResponse(body): Decoded {
      const json = parseJson(body);
      if (!json.ok) return json;
      const columns = decoded(answered(json.value));
      const version = response.version === undefined ? undefined : at(json.value, response.version);
      return columns.ok && typeof version === "string" ? { ...columns, version } : columns;
    },

    parseAnswer(body): Tensors {
      const json = parseJson(body);
      return json.ok ? answered(json.value) : json;
    },

    versionIn: () => undefined,

    // There are no metadata: that the server is ready is all that can be known.
    describe: (): ModelDescription => ({ name: model, versions: [], inputs: [], outputs: [] }),

    parseRequest(body): ParsedRequest {
      const { read, single } = asked(body);
      const form: Form = { single };
      return read.ok ? { ok: true, id: undefined, inputs: read.tensors, outputs: undefined, stream: false, form } : read;
    },

    requestPlaces: (body, inputs) =>
      rowPlaces(body, inputs, (document) => ({
        at: stepsTo(document, request.rows),
        within: request.features && ((name, row) => stepsTo(row, request.features?.[name] ?? [name])),
      })),

    formatRequest: (inputs) => JSON.stringify(withAt(undefined, request.rows, placed(inputs.length, rowsFrom(inputs), features ?? [], inputs[0]?.name))),

    formatAnswer({ version, outputs }, question) {
      mustBeFinite(outputs);
      const rows = placed(outputs.length, rowsFrom(outputs), answers, outputs[0]?.name);
      const single = question?.ok === true && (question.form as Form | undefined)?.single === true && rows.length === 1;
      const body = withAt(undefined, response.rows, single ? rows[0] : rows);
      const isVersioned = version !== undefined && response.version !== undefined && response.version.length > 0;
      return jsonBody(isVersioned ? withAt(body, response.version as Pointer, version) : body);
    },

    formatError: (message) => JSON.stringify({ error: message }),
    streamError: () => undefined,
  };
}

/** A number in a pointer is an index only where it meets a list. */
function stepsTo(document: unknown, pointer: Pointer): readonly Step[] {
  return pointer.map((token, index) => (Array.isArray(at(document, pointer.slice(0, index))) ? Number(token) : token));
}

type Places = readonly (readonly [name: string, pointer: Pointer])[];

function rowsAt(document: unknown, pointer: Pointer, places: Places | undefined, name: string): { readonly read: Tensors; readonly single: boolean } {
  const found = at(document, pointer);
  if (found === undefined) return { read: { ok: false, reason: "no-tensors" }, single: false };
  const single = !Array.isArray(found);
  const rows: readonly unknown[] = Array.isArray(found) ? found : [found];
  if (places === undefined) return { read: tensorsInRows(rows, name), single };
  // A place that no row has is no column; one that some rows have is missing in the others.
  const picked = rows.map((row) => Object.fromEntries(places.flatMap(([place, where]) => {
    const value = at(row, where);
    return value === undefined ? [] : [[place, value]];
  })));
  return { read: tensorsInRows(picked, name), single };
}

/** The rows with each value at its place: a single tensor's under its own name, if that has a place, or as it is. */
function placed(tensors: number, rows: readonly unknown[], places: Places, name: string | undefined): readonly unknown[] {
  const pointers = new Map(places);
  if (tensors === 1) {
    const where = name === undefined ? undefined : pointers.get(name);
    return where === undefined ? rows : rows.map((row) => withAt(undefined, where, row));
  }
  return rows.map((row) => Object.entries(isRecord(row) ? row : {}).reduce<unknown>((made, [key, value]) => withAt(made, pointers.get(key) ?? [key], value), {}));
}
