/** A model of two hundred features whose names are as bad as names can be, and a server for it that always gives the same answer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { writeReference } from "../../agent/monitors/reference-file.ts";
import { buildReference } from "../../detectors/reference/reference.ts";
import { dice } from "../monitors/traffic.ts";
import type { Stage } from "./processes.ts";

export const markup = `<img src=x onerror="document.title='owned'">`;
const names = Array.from({ length: 200 }, (_, at) => (at === 7 ? markup : `feature_${String(at).padStart(3, "0")}`));

const columns = (rows: number, seed: number, shift: number) => {
  const { normal } = dice(seed);
  return names.map((name, at) => ({ name, values: Array.from({ length: rows }, () => normal() + (at === 7 ? shift : 0)) }));
};

/** Path of the reference. */
export async function wideReference(stage: Stage): Promise<string> {
  const path = stage.path("reference.json.gz");
  await writeReference(path, buildReference({ model: "wide", features: columns(1_000, 1, 0) }));
  return path;
}

/** A batch whose feature with the worst name has moved. */
export function wideRequest(seed: number): string {
  const rows = 64;
  return JSON.stringify({ inputs: columns(rows, seed, 3).map(({ name, values }) => ({ name, datatype: "FP32", shape: [rows, 1], data: values })) });
}

/** Its URL. */
export async function wideServer(stage: Stage): Promise<string> {
  const answer = JSON.stringify({ model_name: "wide", model_version: "1", outputs: [{ name: "y", datatype: "FP32", shape: [64], data: Array.from({ length: 64 }, () => 0.5) }] });
  const metadata = JSON.stringify({ name: "wide", versions: ["1"], inputs: names.map((name) => ({ name, datatype: "FP32", shape: [-1, 1] })), outputs: [{ name: "y", datatype: "FP32", shape: [-1] }] });
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(request.method === "POST" ? answer : metadata));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
