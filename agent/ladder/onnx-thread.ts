/**
 * The thread of an ONNX rung: loads the model, then turns each request's bytes into an answer's bytes. Reading the JSON,
 * running the model and writing the JSON all happen here, because onnxruntime-node runs a model on the thread that asks for
 * it, and the data path must not wait for that.
 */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { systemClock } from "../clock.ts";
import { numberFor, onnxNumbers, takenBy } from "../onnx-values.ts";
import type { Tensor, Value } from "../protocols/protocol.ts";
import { protocolNamed } from "../protocols/protocols.ts";
import { datatypes } from "./onnx-datatypes.ts";
import type { OnnxAnswer, OnnxAsk, OnnxLeave, OnnxSay, OnnxThreadData } from "./onnx-message.ts";
import { conform, feed } from "./tensors.ts";
import type { Feed, Given, Input } from "./tensors.ts";

const { path, protocol: protocolName, plain, features, inputs: mapping, version } = workerData as OnnxThreadData;
const protocol = protocolNamed(protocolName, plain);

function say(message: OnnxSay): void {
  const moved = message.kind === "answer" && message.answer.outcome === "ok" ? [message.answer.body.buffer as ArrayBuffer] : [];
  parentPort?.postMessage(message, moved);
}

class Unfit extends Error {}

function tensorOf({ name, type, shape, values }: Feed): OnnxTensor {
  const takes = takenBy(type);
  if (takes === undefined) throw new Unfit(`the input ${name} is ${type}, which is not supported`);
  if (takes === "text") return new OnnxTensor("string", values.map(String), shape);
  const numbers = values.map((value) => {
    const number = numberFor(takes, value);
    if (number !== undefined) return number;
    throw new Unfit(`the input ${name} holds ${typeof value === "string" ? "text where the model takes numbers" : `${String(value)} where the model takes ${takes}`}`);
  });
  // The runtime's types know which array goes with which type; here only the table does.
  return new OnnxTensor(type as "float32", onnxNumbers(type, numbers) as Float32Array, shape);
}

function givenOf({ type, dims, data }: OnnxTensor): Given {
  const values = Array.from(data as Iterable<number | bigint | string | boolean>, (value): Value => (typeof value === "bigint" ? Number(value) : value));
  return { datatype: datatypes[type] ?? type, shape: dims, values: type === "bool" ? values.map(Boolean) : values };
}

function isTensor(metadata: InferenceSession.ValueMetadata): metadata is InferenceSession.TensorValueMetadata {
  return metadata.isTensor;
}

async function answer(session: InferenceSession, inputs: readonly Input[], outputs: readonly string[], { id, model, target, body, description }: OnnxAsk): Promise<OnnxAnswer> {
  const request = protocol.parseRequest(body, target);
  if (!request.ok) return { id, outcome: request.reason === "binary" ? "unsupported" : "rejected", detail: `the request can not be read: ${request.reason}` };
  const fed = feed(inputs, request.inputs, features, mapping);
  if (!fed.ok) return { id, outcome: fed.outcome, detail: fed.detail };
  const results = await session.run(Object.fromEntries(fed.feeds.map((one) => [one.name, tensorOf(one)])), [...outputs]);
  const given = new Map(Object.entries(results).map(([name, result]) => [name, givenOf(result as OnnxTensor)]));
  const rows = (request.inputs[0] as Tensor).shape[0] ?? 1;
  const conformed = conform(given, description, request.outputs, rows);
  if (!conformed.ok) return { id, outcome: conformed.outcome, detail: conformed.detail };
  const formatted = protocol.formatAnswer({ model, version, id: request.id, outputs: conformed.outputs }, request);
  // A copy of its own: a small Buffer lies in a pool that can not be moved to the other thread.
  return { id, outcome: "ok", headers: formatted.headers, body: new Uint8Array(formatted.body) };
}

/**
 * Asks a few questions of zeros before anybody asks in earnest: what runs for the first time is compiled then, and the first
 * answer of a failover would come 20 ms later. That a model does not like zeros is no matter.
 */
async function warmUp(session: InferenceSession, inputs: readonly Input[], outputs: readonly string[]): Promise<void> {
  const zeros = inputs.map(({ name, type, shape }): Tensor => {
    const one = shape.map((size) => (typeof size === "number" && size > 0 ? size : 1));
    const values = Array.from({ length: Math.min(one.reduce((product, size) => product * size, 1), warmValuesMax) }, () => (type === "string" ? "" : 0));
    return { name, datatype: datatypes[type] ?? type, shape: one, values };
  });
  const body = Buffer.from(protocol.formatRequest(zeros));
  const endMs = systemClock.monotonicMs() + warmMs;
  for (let id = -warmRuns; id < 0 && systemClock.monotonicMs() < endMs; id += 1) {
    await answer(session, inputs, outputs, { id, model: "", target: "", body, description: undefined }).catch(() => {});
  }
}

const warmRuns = 20;
const warmMs = 200;
const warmValuesMax = 1_000_000;

async function serve(): Promise<void> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", logSeverityLevel: 3 });
  const inputs = session.inputMetadata.filter(isTensor);
  // Sequences and maps, such as scikit-learn's probabilities without `zipmap: false`, can not be read through this binding.
  const tensorsOut = session.outputMetadata.filter(isTensor);
  const outputs = tensorsOut.map(({ name }) => name);
  await warmUp(session, inputs, outputs);
  parentPort?.on("message", (ask: OnnxAsk | OnnxLeave) => {
    // What was begun is finished, and then there is nothing left to do.
    if (ask === "leave") return parentPort?.close();
    answer(session, inputs, outputs, ask).then(
      (given) => say({ kind: "answer", answer: given }),
      (error: unknown) => say({ kind: "answer", answer: { id: ask.id, outcome: error instanceof Unfit ? "rejected" : "error", detail: String((error as Error).message).slice(0, 200) } }),
    );
  });
  say({ kind: "loaded", inputs: inputs.map(plainly), outputs: tensorsOut.map(plainly) });
}

function plainly({ name, type, shape }: Input): Input {
  return { name, type, shape: [...shape] };
}

serve().catch((error: unknown) => say({ kind: "failed", detail: String((error as Error).message).slice(0, 500) }));
