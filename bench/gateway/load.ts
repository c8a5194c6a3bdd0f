/**
 * Load from one process: raw keep-alive connections that send the same inference again and again, either as fast as answers
 * come or at a fixed rate. Answers are taken for whole by their Content-Length; anything but 200 counts as failed.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly bodyBytes: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What servers of benches answer: an inference of eight numbers. */
export const answer: string = JSON.stringify({ model_name: "bench", model_version: "1", outputs: [{ name: "y", shape: [1, 8], datatype: "FP32", data: Array.from({ length: 8 }, () => 0.125) }] });

/** A request of an inference whose JSON has about `bodyBytes` bytes. */
export function inference(bodyBytes: number): Buffer {
  const around = JSON.stringify({ inputs: [{ name: "x", shape: [1, 1], datatype: "FP32", data: [] }] });
  const values = Array.from({ length: Math.max(1, Math.floor((bodyBytes - around.length) / 5)) }, () => "0.25").join(",");
  const body = around.replace("[]", `[${values}]`);
  return Buffer.from(`POST /v2/models/bench/infer HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

export class Client {
  readonly #socket: Socket;
  #left = -1;
  #text = "";
  #sentMs = 0;
  busy = false;
  onAnswer: (ok: boolean, ms: number) => void = () => {};

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.busy && this.#done(false));
  }

  send(bytes: Buffer): void {
    this.busy = true;
    this.#sentMs = performance.now();
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.onAnswer = () => {};
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let body = chunk.length;
    if (this.#left < 0) {
      this.#text += chunk.toString("latin1");
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [, length] = /\r\ncontent-length: ?(\d+)/i.exec(this.#text) ?? [];
      this.#left = Number(length ?? 0);
      body = this.#text.length - end - 4;
    }
    this.#left -= body;
    if (this.#left > 0) return;
    this.#left = -1;
    const ok = this.#text.startsWith("HTTP/1.1 200");
    this.#text = "";
    this.#done(ok);
  }

  #done(ok: boolean): void {
    this.busy = false;
    this.onAnswer(ok, performance.now() - this.#sentMs);
  }
}

export function flatOut({ port, connections, seconds, bodyBytes }: Load): Promise<Measured> {
  return measure(port, connections, seconds, (clients) => {
    const bytes = inference(bodyBytes);
    for (const client of clients) {
      const told = client.onAnswer;
      client.onAnswer = (ok, ms) => {
        told(ok, ms);
        if (ok) client.send(bytes);
      };
      client.send(bytes);
    }
    return () => {};
  });
}

/** The rate is kept whatever the answers do; a moment when all connections are busy is counted as failed. */
export function atRate({ port, connections, seconds, bodyBytes, rate }: Load & { readonly rate: number }): Promise<Measured> {
  return measure(port, connections, seconds, (clients, failed) => {
    const bytes = inference(bodyBytes);
    const startMs = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * rate) / 1_000);
      for (; sent < due; sent += 1) {
        const client = clients.find(({ busy }) => !busy);
        if (client === undefined) failed();
        else client.send(bytes);
      }
    }, 1);
    return () => clearInterval(timer);
  });
}

async function measure(port: number, connections: number, seconds: number, run: (clients: readonly Client[], failed: () => void) => () => void): Promise<Measured> {
  const clients = Array.from({ length: connections }, () => new Client(port));
  const took: number[] = [];
  let failed = 0;
  for (const client of clients) {
    client.onAnswer = (ok, ms) => {
      if (ok) took.push(ms);
      else failed += 1;
    };
  }
  const startMs = performance.now();
  const stop = run(clients, () => (failed += 1));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const tookMs = performance.now() - startMs;
  stop();
  clients.forEach((client) => client.destroy());
  took.sort((a, b) => a - b);
  const at = (q: number) => took[Math.min(took.length - 1, Math.floor(q * took.length))] ?? Number.NaN;
  return { perSecond: (took.length * 1_000) / tookMs, failed, p50Ms: at(0.5), p99Ms: at(0.99) };
}
