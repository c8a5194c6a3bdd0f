/**
 * A model server that fails as it is told, in a process of its own: `--port`, `--control`, and for https `--key` and `--cert`.
 * Speaks so much of Open Inference as Pilotfish and its clients ask for. `PUT /NAME` at the control port sets the fault.
 */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { parseArgs } from "node:util";

export const faults = ["none", "errors", "slow", "cut", "silent", "garbage"] as const;
export type Fault = (typeof faults)[number];

const model = { name: "employment", versions: ["7"], platform: "test", inputs: [{ name: "x", datatype: "FP32", shape: [-1, 1] }], outputs: [{ name: "y", datatype: "FP32", shape: [-1, 1] }] };
const answer = JSON.stringify({ model_name: "employment", model_version: "7", outputs: [{ name: "y", datatype: "FP32", shape: [1, 1], data: [0.75] }] });

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, control: { type: "string", default: "0" }, key: { type: "string" }, cert: { type: "string" } } });
  let fault: Fault = "none";

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { url = "", socket } = request;
    if (fault === "silent") return; // Whoever asks, and for whatever.
    if (fault === "garbage") return void socket.end("SSH-2.0-OpenSSH_9.9\r\n");
    const isInference = url.endsWith("/infer");
    request.resume().on("end", () => {
      if (!isInference) return void response.setHeader("content-type", "application/json").end(url.endsWith("/employment") ? JSON.stringify(model) : "{}");
      answerInference(response, socket);
    });
  };
  const answerInference = (response: ServerResponse, socket: Socket): void => {
    response.setHeader("content-type", "application/json");
    switch (fault) {
      case "errors":
        return void response.writeHead(500).end('{"error":"CUDA error: device-side assert triggered"}');
      case "slow":
        return void setTimeout(() => response.end(answer), 30_000);
      case "cut":
        response.writeHead(200, { "content-length": answer.length });
        return void response.write(answer.slice(0, 40), () => socket.resetAndDestroy());
      case "none":
      case "silent":
      case "garbage":
        return void response.setHeader("content-length", answer.length).end(answer);
    }
  };

  const { key, cert } = values;
  const server = key === undefined || cert === undefined ? createHttpServer(serve) : createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, serve);
  server.on("connection", (socket: Socket) => socket.on("error", () => {}));
  server.listen(Number(values.port), "127.0.0.1");
  createHttpServer((request, response) => {
    fault = faults.find((name) => request.url === `/${name}`) ?? "none";
    response.end(fault);
  }).listen(Number(values.control), "127.0.0.1");
}
