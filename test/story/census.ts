/** A model server with a real model on census rows, in this process, and an agent on a fake clock before it. */
import { createServer, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { startAgent, type RunningAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import type { Config } from "../../agent/config/config.ts";
import type { Log } from "../../agent/log.ts";
import { inferRequest, type CensusRow } from "../../examples/employment/rows.ts";
import { FakeClock } from "../fake-clock.ts";
import { storyConfig } from "./config.ts";

const employment = new URL("../../examples/employment/", import.meta.url);

export const fileOf = (model: string): string => fileURLToPath(new URL(model, employment));

export interface Price {
  readonly standing: string;
  readonly message: string;
  readonly copies: number;
  readonly compared: number;
  readonly agreement: number | null;
  readonly accuracy: number | null;
  readonly primaryAccuracy: number | null;
  readonly coverage: number | null;
}

export interface State {
  readonly status: string;
  readonly rung: string;
  readonly ladder: readonly { readonly name: string; readonly price: Price | null }[];
}

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

type Close = () => void | Promise<unknown>;

/** Closed by the test that opened them, the last opened first. */
export class Opened {
  readonly #closes: Close[] = [];

  add(close: Close): void {
    this.#closes.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closes.splice(0).reverse()) await close();
  }
}

export interface CensusServer {
  readonly url: string;
  mood: "well" | "failing";
}

/** Answers by the model of that file; or with 500. */
export async function censusServer(opened: Opened, model: string): Promise<CensusServer> {
  const session = await InferenceSession.create(fileOf(model));
  const answer = async (body: string) => {
    const { inputs } = JSON.parse(body) as { inputs: { name: string; shape: [number, number]; data: number[] }[] };
    const { label, probabilities } = await session.run(Object.fromEntries(inputs.map(({ name, shape, data }) => [name, new Tensor("float32", Float32Array.from(data), shape)])));
    const rows = inputs[0]?.shape[0] ?? 0;
    return {
      model_name: "employment",
      model_version: "1",
      outputs: [
        { name: "label", datatype: "INT64", shape: [rows], data: Array.from(label?.data as BigInt64Array, Number) },
        { name: "probabilities", datatype: "FP32", shape: [rows, 2], data: Array.from(probabilities?.data as Float32Array) },
      ],
    };
  };
  const metadata = {
    name: "employment",
    versions: ["1"],
    inputs: session.inputNames.map((name) => ({ name, datatype: "FP32", shape: [-1, 1] })),
    outputs: [{ name: "label", datatype: "INT64", shape: [-1] }, { name: "probabilities", datatype: "FP32", shape: [-1, 2] }],
  };
  const listener = createServer((request, response) => {
    const reply = (status: number, body: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
      if (server.mood === "failing") return reply(500, { error: "broken" });
      if (request.method !== "POST") return reply(200, metadata);
      return void answer(Buffer.concat(chunks).toString()).then((body) => reply(200, body));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  opened.add(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const server: CensusServer = { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, mood: "well" };
  return server;
}

export interface Told {
  readonly level: string;
  readonly message: string;
}

export async function swim(opened: Opened, server: { readonly url: string }, more: string) {
  const clock = new FakeClock();
  const told: Told[] = [];
  const at = (level: string) => (_: unknown, message: string) => void told.push({ level, message });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const agent: RunningAgent = await startAgent(configOf(server, more), { clock, log, version: "test", analysis: inlineAnalysis });
  opened.add(async () => {
    let done = false;
    void agent.close().finally(() => (done = true));
    for (let i = 0; i < 10_000 && !done; i += 1) {
      clock.advance(50);
      await turn();
    }
  });
  const infer = (rows: readonly CensusRow[], id: string): Promise<Reply> =>
    send(agent.listeners.gateway.port, "POST", "/v2/models/employment/infer", inferRequest(rows), { "pilotfish-inference-id": id });
  const actual = (id: string, rows: readonly CensusRow[]): Promise<Reply> =>
    send(agent.listeners.api.port, "POST", "/v1/actuals", [{ inference_id: id, actuals: rows.map(({ employed }) => employed) }]);
  const state = async (): Promise<State> => (await send(agent.listeners.api.port, "GET", "/v1/state")).body as State;
  const price = async (rung: string): Promise<Price | null> => (await state()).ladder.find(({ name }) => name === rung)?.price ?? null;
  const metrics = async (): Promise<string> => String((await send(agent.listeners.metrics.port, "GET", "/metrics")).body);
  const copies = async (rung: string, result: string): Promise<number> => Number(new RegExp(`^pilotfish_rung_copies_total\\{rung="${rung}",result="${result}"\\} (\\d+)$`, "m").exec(await metrics())?.[1] ?? 0);
  return { clock, agent, told, infer, actual, state, price, copies, metrics, settled: (isSo: () => boolean | Promise<boolean>, stepMs = 50) => settled(clock, isSo, stepMs) };
}

export function configOf(server: { readonly url: string }, more: string): Config {
  return storyConfig(server.url, "employment", more);
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets sockets turn, and the clock by `stepMs` each time, until it is so. */
async function settled(clock: FakeClock, isSo: () => boolean | Promise<boolean>, stepMs: number): Promise<void> {
  for (let i = 0; i < 5_000; i += 1) {
    if (await isSo()) return;
    clock.advance(stepMs);
    await turn();
  }
  throw new Error("it did not come to that");
}

function send(port: number, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = ask({ port, method, path, host: "127.0.0.1", agent: false, headers: { ...headers, ...(text === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const said = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: path === "/metrics" ? said : (JSON.parse(said) as unknown) });
      });
    });
    request.on("error", reject);
    request.end(text);
  });
}
