/**
 * What does a server speak? For `protocol: auto`: what to ask it, and what its answers say. Pure; asking is for whoever has the
 * sockets.
 *
 * Some servers speak several protocols. The Open Inference Protocol wins, because it tells most about a model; then what
 * cannot be mistaken. KServe v1 and TensorFlow Serving share their paths and differ in what they say of a list of models:
 * KServe has one, TensorFlow Serving misses a name. Seen of each server: Triton, MLServer, OpenVINO and KServe answer /v2;
 * vLLM, SGLang, TGI and llama.cpp's server /v1/models in OpenAI's form; TorchServe /ping with a word for its health, where
 * others that have the path answer with nothing.
 */
import { isRecord, parseJson, property, textAt } from "./json.ts";

/** Those that can be told; a plain one has to be configured. */
export type DetectedName = "open-inference" | "kserve" | "tf-serving" | "torchserve" | "openai";

export interface ProtocolQuestion {
  readonly protocol: DetectedName;
  readonly method: "GET";
  readonly path: string;
}

export interface ProtocolAnswer {
  readonly path: string;
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** Its first bytes are enough, as long as they are whole JSON. */
  readonly body: Uint8Array;
}

const serverPath = "/v2";
const livePath = "/v2/health/live";
const modelsPath = "/v1/models";
const pingPath = "/ping";

/** What to ask, each path once. With a model's name, one question more, which tells KServe v1 from TensorFlow Serving for sure. */
export function questionsOf(model?: string): readonly ProtocolQuestion[] {
  return [
    { protocol: "open-inference", method: "GET", path: serverPath },
    { protocol: "open-inference", method: "GET", path: livePath },
    { protocol: "openai", method: "GET", path: modelsPath },
    { protocol: "torchserve", method: "GET", path: pingPath },
    ...(model === undefined ? [] : [{ protocol: "tf-serving", method: "GET", path: modelPath(model) } as const]),
  ];
}

/** undefined where the answers do not tell, such as of a server that is not up yet: ask again later. Never throws. */
export function judge(answers: readonly ProtocolAnswer[]): DetectedName | undefined {
  return rules.find(({ holds }) => answers.some((answer) => answer.status !== undefined && holds(answer, jsonOf(answer))))?.protocol;
}

interface Rule {
  readonly protocol: DetectedName;
  readonly holds: (answer: ProtocolAnswer, json: unknown) => boolean;
}

/** The first that holds for any answer decides. */
const rules: readonly Rule[] = [
  { protocol: "open-inference", holds: ({ path, status }, json) => path === serverPath && status === 200 && textAt(json, "name") !== undefined },
  { protocol: "openai", holds: ({ path, status }, json) => path === modelsPath && status === 200 && textAt(json, "object") === "list" && Array.isArray(property(json, "data")) },
  { protocol: "kserve", holds: ({ path, status }, json) => path === modelsPath && status === 200 && Array.isArray(property(json, "models")) },
  { protocol: "tf-serving", holds: ({ path }, json) => path.startsWith(`${modelsPath}/`) && Array.isArray(property(json, "model_version_status")) },
  { protocol: "kserve", holds: ({ path }, json) => path.startsWith(`${modelsPath}/`) && textAt(json, "name") !== undefined && property(json, "ready") !== undefined },
  { protocol: "tf-serving", holds: ({ path, status }, json) => path === modelsPath && status !== 200 && /^(?:Missing model name|Malformed request)/.test(textAt(json, "error") ?? "") },
  { protocol: "torchserve", holds: ({ path }, json) => path === pingPath && /^(?:Partial )?(?:Healthy|Unhealthy)$/i.test(textAt(json, "status") ?? "") },
  // An engine that wants a key says so here, and in OpenAI's words or vLLM's.
  { protocol: "openai", holds: ({ path, status }, json) => path === modelsPath && status === 401 && property(json, "error") !== undefined },
  // A server that is not ready yet, or that has no metadata of its own.
  { protocol: "open-inference", holds: ({ path, status, body }, json) => path === livePath && status === 200 && (body.length === 0 || isRecord(json)) },
];

function jsonOf({ body }: ProtocolAnswer): unknown {
  const json = parseJson(body);
  return json.ok ? json.value : undefined;
}

function modelPath(name: string): string {
  return `${modelsPath}/${encodeURIComponent(name)}`;
}
