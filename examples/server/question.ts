/** What the body of a request asks for, once it is known to be JSON; what is wrong with it, in a sentence. */
import type { Tensor } from "onnxruntime-node";
import type { Version } from "./repository.ts";
import { decode } from "./tensors.ts";

export interface Question {
  readonly id: string | undefined;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The names of the outputs asked for, or of all. */
  readonly outputs: string[];
}

interface Wrong {
  readonly wrong: string;
}

/** The body of an inference by this version. */
export function parseQuestion(body: unknown, version: Version): Question | Wrong {
  if (!isObject(body)) return { wrong: "the body must be a JSON object" };
  const { id, inputs, outputs } = body;
  if (id !== undefined && typeof id !== "string") return { wrong: "id must be a string" };
  const all = version.outputs.map(({ name }) => name);
  const wanted = outputs === undefined ? all : namesOf(outputs);
  if (wanted === undefined) return { wrong: "outputs must be a list of objects with a name" };
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) return { wrong: `the model has no output '${unknown}'` };
  const decoded = decode(inputs, version.inputs);
  return "wrong" in decoded ? decoded : { id, feeds: decoded.feeds, outputs: wanted };
}

/** The body of a load or an unload: `{"parameters": {"version": "2", "serve": true}}`, all of it optional. */
export function parseParameters(body: unknown): { readonly version: string | undefined; readonly serve: boolean } | Wrong {
  const parameters = isObject(body) ? (body["parameters"] ?? {}) : undefined;
  if (isObject(parameters)) {
    const { version, serve = false } = parameters;
    if ((version === undefined || typeof version === "string") && typeof serve === "boolean") return { version, serve };
  }
  return { wrong: 'the body must be like {"parameters": {"version": "2", "serve": true}}' };
}

/** Each name once; undefined where this is no list of outputs. */
function namesOf(outputs: unknown): string[] | undefined {
  if (!Array.isArray(outputs) || outputs.length === 0) return undefined;
  const names = outputs.map((output: unknown) => (isObject(output) ? output["name"] : undefined));
  return names.every((name) => typeof name === "string") ? [...new Set(names)] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
