/**
 * Which path asks for what, and the answer to it: the Open Inference Protocol v2 and `/metrics`. The paths are in a table at
 * the end, so that what this server can do is seen at one glance.
 *
 * Format: kserve/open-inference-protocol, inference_rest.md; the repository calls are Triton's extension_model_repository.
 * Not here: the binary tensor extension (refused with 400, never misread), BF16 and FP16.
 */
import type { IncomingMessage } from "node:http";
import type { Tensor } from "onnxruntime-node";
import { type Answer, busy, json, refuse } from "./answer.ts";
import { readBody } from "./body.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { parseParameters, parseQuestion } from "./question.ts";
import type { Repository } from "./repository.ts";
import { encode } from "./tensors.ts";
import type { Work } from "./work.ts";

export interface World {
  readonly repository: Repository;
  readonly work: Work;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly bodyBytesMax: number;
}

interface Asked {
  readonly request: IncomingMessage;
  /** What the path names. */
  readonly model: string;
  readonly version: string | undefined;
}

type Handler = (world: World, asked: Asked) => Answer | Promise<Answer>;

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly handle: Handler;
}

/** Answers a request, whatever it is. Never rejects for what a client sends. */
export async function answer(world: World, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? "/").split("?", 1)[0] as string;
  const here = routes.flatMap((route) => {
    const match = route.path.exec(path);
    return match === null ? [] : [{ route, groups: match.groups ?? {} }];
  });
  if (here.length === 0) return refuse(404, `there is nothing at ${path}`);
  const chosen = here.find(({ route }) => route.method === request.method);
  if (chosen === undefined) {
    const allow = here.map(({ route }) => route.method).join(", ");
    return refuse(405, `${path} takes ${allow}`, { allow });
  }
  const { model = "", version } = chosen.groups;
  return chosen.route.handle(world, { request, model: decodeSegment(model), version });
}

const metricsText: Handler = ({ metrics, work }) => ({
  status: 200,
  headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  body: metrics.text(work),
});

const serverMetadata: Handler = () => json({ name: "example-server", version: "1.0.0", extensions: ["model_repository"] });

const live: Handler = () => json({ live: true });

const ready: Handler = ({ repository, work }) => {
  const isReady = repository.ready && !work.draining;
  return json({ ready: isReady }, isReady ? 200 : 503);
};

const modelReady: Handler = ({ repository, work }, { model, version }) => {
  const found = repository.find(model, version);
  if ("missing" in found && found.missing === "model") return notFound(model, version, "model");
  const isReady = "found" in found && !work.draining;
  return json({ name: model, ready: isReady }, isReady ? 200 : 503);
};

const modelMetadata: Handler = ({ repository }, { model, version }) => {
  const found = repository.find(model, version);
  if ("missing" in found) return notFound(model, version, found.missing);
  const { inputs, outputs, digest } = found.found;
  const tensors = (specs: typeof inputs) =>
    specs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map((size) => (typeof size === "number" ? size : -1)) }));
  return json({
    name: model,
    versions: repository.versionsOf(model),
    platform: "onnxruntime_onnx",
    inputs: tensors(inputs),
    outputs: tensors(outputs),
    parameters: { digest },
  });
};

const infer: Handler = async (world, asked) => {
  const answered = await world.work.enter(() => inferOnce(world, asked));
  const given = answered === "draining" ? busy("draining") : answered;
  world.metrics.answered(given.status);
  return given;
};

async function inferOnce({ repository, work, metrics, log, bodyBytesMax }: World, { request, model, version }: Asked): Promise<Answer> {
  if (request.headers["inference-header-content-length"] !== undefined) return refuse(400, "binary tensors are not supported");
  if (request.headers["content-encoding"] !== undefined) return refuse(415, "compressed bodies are not supported");

  const body = await readBody(request, bodyBytesMax);
  if ("problem" in body) return unreadable(body.problem, bodyBytesMax);
  const startMs = performance.now();
  // Looked up only now: what was loaded when the first byte came may have been unloaded before the last.
  const found = repository.find(model, version);
  if ("missing" in found) return notFound(model, version, found.missing);
  const question = parseQuestion(body.json, found.found);
  if ("wrong" in question) return refuse(400, question.wrong);

  const { session, version: answering } = found.found;
  try {
    const run = await work.run(() => session.run(question.feeds, question.outputs));
    if (run === "full") return busy("the queue is full");
    metrics.inferred(model, answering, (performance.now() - startMs) / 1_000);
    return json({
      model_name: model,
      model_version: answering,
      ...(question.id !== undefined && { id: question.id }),
      outputs: question.outputs.map((name) => encode(name, run.done[name] as Tensor)),
    });
  } catch (error) {
    log("inference failed", { model, version: answering, error: (error as Error).message });
    return refuse(500, "the model failed");
  }
}

const repositoryIndex: Handler = ({ repository }) => json(repository.index());

/** `{"parameters": {"version": "2", "serve": true}}`, both optional; `serve` makes it answer requests that name no version. */
const loadModel: Handler = async ({ repository, work, metrics, log, bodyBytesMax }, { request, model }) => {
  const body = await readBody(request, bodyBytesMax);
  if ("problem" in body) return unreadable(body.problem, bodyBytesMax);
  const parameters = parseParameters(body.json);
  if ("wrong" in parameters) return refuse(400, parameters.wrong);
  // In its turn, so that two who ask for the same version do not load it twice.
  const loaded = await work.after(() => repository.load(model, parameters.version));
  if ("failed" in loaded) return refuse(loaded.failed === "unknown" ? 404 : 400, loaded.detail);
  if (parameters.serve) repository.serve(loaded.loaded);
  metrics.loaded(model, loaded.loaded.version);
  log("loaded", { model, version: loaded.loaded.version, serve: parameters.serve });
  return json({});
};

/** `{"parameters": {"version": "2"}}`, or without a version all of the model. What was admitted before is still run. */
const unloadModel: Handler = async ({ repository, work, log, bodyBytesMax }, { request, model }) => {
  const body = await readBody(request, bodyBytesMax);
  if ("problem" in body) return unreadable(body.problem, bodyBytesMax);
  const parameters = parseParameters(body.json);
  if ("wrong" in parameters) return refuse(400, parameters.wrong);
  const taken = repository.unload(model, parameters.version);
  if (taken === undefined) return notFound(model, undefined, "model");
  if (taken.length === 0 && parameters.version !== undefined) return notFound(model, parameters.version, "version");
  for (const { session, version: gone } of taken) {
    await work.after(() => session.release());
    log("unloaded", { model, version: gone });
  }
  return json({});
};

function notFound(model: string, version: string | undefined, missing: "model" | "version" | "not-served"): Answer {
  switch (missing) {
    case "model":
      return refuse(404, `unknown model '${model}'`);
    case "version":
      return refuse(404, `model '${model}' version '${version}' is not loaded`);
    case "not-served":
      return refuse(503, `model '${model}' is not loaded`);
  }
}

function unreadable(problem: "too-large" | "malformed" | "gone", bytesMax: number): Answer {
  if (problem === "too-large") return refuse(413, `the body is larger than ${bytesMax} bytes`);
  return refuse(400, problem === "malformed" ? "the body is no JSON" : "the body was cut short");
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const routes: readonly Route[] = [
  { method: "GET", path: /^\/metrics$/, handle: metricsText },
  { method: "GET", path: /^\/v2\/?$/, handle: serverMetadata },
  { method: "GET", path: /^\/v2\/health\/live$/, handle: live },
  { method: "GET", path: /^\/v2\/health\/ready$/, handle: ready },
  { method: "GET", path: /^\/v2\/models\/(?<model>[^/]+)(?:\/versions\/(?<version>[^/]+))?$/, handle: modelMetadata },
  { method: "GET", path: /^\/v2\/models\/(?<model>[^/]+)(?:\/versions\/(?<version>[^/]+))?\/ready$/, handle: modelReady },
  { method: "POST", path: /^\/v2\/models\/(?<model>[^/]+)(?:\/versions\/(?<version>[^/]+))?\/infer$/, handle: infer },
  { method: "POST", path: /^\/v2\/repository\/index$/, handle: repositoryIndex },
  { method: "POST", path: /^\/v2\/repository\/models\/(?<model>[^/]+)\/load$/, handle: loadModel },
  { method: "POST", path: /^\/v2\/repository\/models\/(?<model>[^/]+)\/unload$/, handle: unloadModel },
];
