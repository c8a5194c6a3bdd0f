/** A Collector for tests: takes OTLP over HTTP on loopback, decodes the protobuf and keeps what came. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { decode, type Decoded, type Message } from "./protobuf.ts";

const anyValue: Message = { 1: ["string", "text"], 2: ["bool", "uint"], 3: ["int", "uint"], 4: ["double", "double"] };
const keyValue: Message = { 1: ["key", "text"], 2: ["value", anyValue] };
const resource: Message = { 1: ["attributes[]", keyValue] };
const scope: Message = { 1: ["name", "text"], 2: ["version", "text"] };

const numberPoint: Message = { 7: ["attributes[]", keyValue], 2: ["start", "fixed64"], 3: ["time", "fixed64"], 4: ["value", "double"], 6: ["int", "fixed64"] };
const exemplar: Message = { 2: ["time", "fixed64"], 3: ["value", "double"], 4: ["spanId", "hex"], 5: ["traceId", "hex"] };
const exponentialPoint: Message = {
  1: ["attributes[]", keyValue], 2: ["start", "fixed64"], 3: ["time", "fixed64"], 4: ["count", "fixed64"], 5: ["sum", "double"],
  6: ["scale", "sint"], 7: ["zeroCount", "fixed64"], 8: ["positive", { 1: ["offset", "sint"], 2: ["counts", "uints"] }], 11: ["exemplars[]", exemplar],
};
const histogramPoint: Message = {
  8: ["exemplars[]", exemplar],
  9: ["attributes[]", keyValue], 2: ["start", "fixed64"], 3: ["time", "fixed64"],
  4: ["count", "fixed64"], 5: ["sum", "double"], 6: ["counts", "fixed64s"], 7: ["bounds", "doubles"],
};
const metric: Message = {
  1: ["name", "text"], 2: ["description", "text"], 3: ["unit", "text"],
  5: ["gauge", { 1: ["points[]", numberPoint] }],
  7: ["sum", { 1: ["points[]", numberPoint], 2: ["temporality", "uint"], 3: ["monotonic", "uint"] }],
  10: ["exponential", { 1: ["points[]", exponentialPoint], 2: ["temporality", "uint"] }],
  9: ["histogram", { 1: ["points[]", histogramPoint], 2: ["temporality", "uint"] }],
};
const metricsRequest: Message = { 1: ["resources[]", { 1: ["resource", resource], 2: ["scopes[]", { 1: ["scope", scope], 2: ["metrics[]", metric] }] }] };

const event: Message = { 1: ["time", "fixed64"], 2: ["name", "text"], 3: ["attributes[]", keyValue] };
const span: Message = {
  1: ["traceId", "hex"], 2: ["spanId", "hex"], 3: ["traceState", "text"], 11: ["events[]", event], 4: ["parentSpanId", "hex"], 5: ["name", "text"], 6: ["kind", "uint"],
  7: ["start", "fixed64"], 8: ["end", "fixed64"], 9: ["attributes[]", keyValue], 15: ["status", { 2: ["message", "text"], 3: ["code", "uint"] }],
};
const traceRequest: Message = { 1: ["resources[]", { 1: ["resource", resource], 2: ["scopes[]", { 1: ["scope", scope], 2: ["spans[]", span] }] }] };

const logRecord: Message = {
  1: ["time", "fixed64"], 2: ["severity", "uint"], 3: ["severityText", "text"], 5: ["body", anyValue], 6: ["attributes[]", keyValue],
  9: ["traceId", "hex"], 10: ["spanId", "hex"],
};
const logsRequest: Message = { 1: ["resources[]", { 1: ["resource", resource], 2: ["scopes[]", { 1: ["scope", scope], 2: ["logs[]", logRecord] }] }] };

/** The body of an OTLP request, unpacked and read by its path. */
export function decodeOtlp(path: string, sent: Uint8Array, encoding: string | undefined): Decoded {
  const bytes = encoding === "gzip" ? gunzipSync(sent) : sent;
  return decode(bytes, path.endsWith("metrics") ? metricsRequest : path.endsWith("traces") ? traceRequest : logsRequest);
}

/** What lies in a decoded request, by its kind. */
export function itemsIn(body: Decoded, kind: "metrics" | "spans" | "logs"): Decoded[] {
  return (body["resources"] as Decoded[]).flatMap((one) => (one["scopes"] as Decoded[]).flatMap((in_) => in_[kind] as Decoded[]));
}

export interface OtlpCollector {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Decoded }[];
  /** The status that it answers with from now on. */
  status: number;
  /** Of its answers, such as Retry-After. */
  fields: Record<string, string>;
  answer: Uint8Array;
  /** Once so many requests came in all. */
  received(count: number): Promise<void>;
  resources(): Decoded[];
  metrics(): Decoded[];
  spans(): Decoded[];
  logs(): Decoded[];
  close(): Promise<void>;
}

export async function otlpCollector(): Promise<OtlpCollector> {
  const requests: OtlpCollector["requests"] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      requests.push({ path, headers: request.headers, body: decodeOtlp(path, Buffer.concat(chunks), request.headers["content-encoding"]) });
      response.writeHead(collector.status, { "content-type": "application/x-protobuf", ...collector.fields }).end(collector.answer);
      for (const { count, resolve } of waiting) if (requests.length >= count) resolve();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const resources = (path: string) => requests.filter((request) => request.path.endsWith(path)).flatMap(({ body }) => body["resources"] as Decoded[]);

  const collector: OtlpCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    status: 200,
    fields: {},
    answer: new Uint8Array(0),
    received: (count) => new Promise((resolve) => (requests.length >= count ? resolve() : waiting.push({ count, resolve }))),
    resources: () => [...resources("/v1/metrics"), ...resources("/v1/traces"), ...resources("/v1/logs")].map((one) => attributesOf(one["resource"])),
    metrics: () => resources("/v1/metrics").flatMap((one) => (one["scopes"] as Decoded[]).flatMap(({ metrics }) => metrics as Decoded[])),
    spans: () => resources("/v1/traces").flatMap((one) => (one["scopes"] as Decoded[]).flatMap(({ spans }) => spans as Decoded[])),
    logs: () => resources("/v1/logs").flatMap((one) => (one["scopes"] as Decoded[]).flatMap(({ logs }) => logs as Decoded[])),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return collector;
}

/** OTLP's list of keys and values as an object. */
export function attributesOf(holder: Decoded | undefined): Decoded {
  const pairs = (holder?.["attributes"] ?? []) as { key: string; value: Decoded }[];
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
}
