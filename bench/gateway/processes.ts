/**
 * What bench/gateway.ts runs in processes of its own, by `--role`: the gateway alone, a proxy of node:http and undici without
 * any feature, a minimal server, and the load on a proxy.
 */
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import type { Dispatcher } from "undici";
import type { Route } from "../../agent/backend.ts";
import { systemClock } from "../../agent/clock.ts";
import { gateway } from "../../agent/gateway/gateway.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import { silent } from "../../agent/log.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { atRate, flatOut } from "./load.ts";

const { values } = parseArgs({
  options: {
    role: { type: "string", default: "" },
    port: { type: "string", default: "0" },
    server: { type: "string", default: "0" },
    lanes: { type: "string", default: "both" },
    answer: { type: "string", default: "{}" },
    connections: { type: "string", default: "32" },
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "3" },
    "body-bytes": { type: "string", default: "200" },
  },
});
const port = Number(values.port);
const server = new URL(`http://127.0.0.1:${values.server}`);

switch (values.role) {
  case "gateway": {
    const flowing: Route = { primary: "flows", reason: "normal", rung: "primary" };
    const made = gateway(gatewayOptions.parse({ host: "127.0.0.1", port, lanes: values.lanes }), {
      clock: systemClock,
      log: silent,
      server,
      protocol: openInference,
      route: () => flowing,
      claimTrial: () => false,
      rungs: [],
      observe: () => {},
    });
    await made.start();
    break;
  }
  case "bare":
    bare();
    break;
  case "server":
    minimal(values.answer);
    break;
  case "flat-out":
  case "at-rate": {
    const load = { port, connections: Number(values.connections), seconds: Number(values.seconds), bodyBytes: Number(values["body-bytes"]) };
    console.log(JSON.stringify(values.role === "flat-out" ? await flatOut(load) : await atRate({ ...load, rate: Number(values.rate) })));
    process.exit(0);
    break;
  }
  default:
    throw new Error(`no such role: ${values.role}`);
}

/** As short as a correct proxy of node:http and undici can be: head and body passed on, hop-by-hop fields left out. */
function bare(): void {
  const pool = new Pool(server.origin, { connections: 128, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const hop = new Set(["connection", "keep-alive", "transfer-encoding"]);
  const endToEnd = (fields: readonly string[]): string[] => {
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) if (!hop.has((fields[i] as string).toLowerCase())) kept.push(fields[i] as string, fields[i + 1] as string);
    return kept;
  };
  createServer((request, response) => {
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart(controller, status) {
        const raw = (controller.rawHeaders as readonly Buffer[]).map((field) => field.toString("latin1"));
        response.sendDate = false;
        response.writeHead(status, endToEnd(raw));
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once("drain", () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    };
    pool.dispatch({ path: request.url ?? "/", method: request.method as "POST", headers: endToEnd(request.rawHeaders), body: request }, handler);
  }).listen(port, "127.0.0.1");
}

/** Takes each message for over when its declared body has come; good enough for the load of load.ts. Others may serve on the same port. */
function minimal(answer: string): void {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
  createTcpServer({ noDelay: true }, (socket) => {
    let left = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      let at = 0;
      if (left === 0) {
        const end = chunk.indexOf("\r\n\r\n");
        const [, length = "0"] = /content-length: (\d+)/i.exec(chunk.toString("latin1", 0, end)) ?? [];
        left = Number(length);
        at = end + 4;
      }
      left -= chunk.length - at;
      if (left <= 0) socket.write(bytes);
    });
  }).listen({ port, host: "127.0.0.1", reusePort: true });
}
