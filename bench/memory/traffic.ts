/**
 * Requests through the gateway on both lanes: half of the connections send plain requests, half chunked ones, which the plain
 * lane hands on. Loopback, keep-alive, one request at a time on each connection. The server behind is in this process.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "../gateway/load.ts";

const employment = new URL("../../examples/employment/", import.meta.url);
const question = readFileSync(new URL("known-request.json", employment), "utf8").trim();
const answer = JSON.stringify({
  model_name: "employment",
  model_version: "1",
  outputs: [
    { name: "label", datatype: "INT64", shape: [3], data: [1, 0, 1] },
    { name: "probabilities", datatype: "FP32", shape: [3, 2], data: [0.18, 0.82, 0.99, 0.01, 0.14, 0.86] },
  ],
});
const head = "POST /v2/models/employment/infer HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n";
const plain = Buffer.from(`${head}Content-Length: ${Buffer.byteLength(question)}\r\n\r\n${question}`);
const chunked = Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(question).toString(16)}\r\n${question}\r\n0\r\n\r\n`);

/** A server that always answers the same. */
export async function startServer(): Promise<{ readonly port: number; readonly close: () => void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export interface Traffic {
  /** Sends so many requests and waits for their answers; rejects where one fails. */
  send(requests: number): Promise<void>;
  close(): void;
}

/** @param connections half for each lane. */
export function openTraffic(port: number, connections: number): Traffic {
  const clients = Array.from({ length: connections }, (_, index) => ({ client: new Client(port), bytes: index % 2 === 0 ? plain : chunked }));
  return {
    send: (requests) =>
      new Promise((resolve, reject) => {
        let left = requests;
        let answers = 0;
        for (const { client, bytes } of clients) {
          const next = (): void => {
            if (left === 0) return;
            left -= 1;
            client.send(bytes);
          };
          client.onAnswer = (ok) => {
            if (!ok) return reject(new Error("a request failed"));
            answers += 1;
            if (answers === requests) resolve();
            else next();
          };
          next();
        }
      }),
    close: () => clients.forEach(({ client }) => client.destroy()),
  };
}
