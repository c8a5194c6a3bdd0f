/**
 * Training anew, the whole agent before a model server: rows are kept as they are answered, actuals come later over the API, a
 * person asks, and whoever trains gets a request and a file with both. Nothing that the config keeps back is in either.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readTable } from "../offline/read-table.ts";
import { storyConfig } from "./config.ts";
import { swim } from "./swim.ts";

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function bodyOf(request: Parameters<RequestListener>[0]): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece)).on("end", () => resolve(Buffer.concat(pieces).toString()));
  });
}

const tensor = (name: string, value: number | string) => ({ name, datatype: typeof value === "string" ? "BYTES" : "FP64", shape: [1, 1], data: [value] });

test("rows, late actuals and a person's request become an event and a file that can be trained on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "retrain-story-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const model = await listening((request, response) => {
    void bodyOf(request).then((text) => {
      const asked = text === "" ? undefined : (JSON.parse(text) as { inputs: readonly { data: readonly number[] }[] });
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(asked === undefined ? {} : { model_name: "m", model_version: "3", outputs: [tensor("label", Number((asked.inputs[0]?.data[0] ?? 0) > 5))] }));
    });
  });
  const events: { readonly type: string; readonly data: { readonly window: { readonly location: string; readonly manifest: string; readonly rows: number; readonly actuals: number } } }[] = [];
  const trainer = await listening((request, response) => {
    void bodyOf(request).then((text) => {
      events.push(JSON.parse(text) as (typeof events)[number]);
      response.writeHead(202).end();
    });
  });
  const config = storyConfig(model, "m", `
store: { path: "${join(folder, "state.db")}" }
retrain:
  enabled: true
  window: { format: parquet }
  redact: { drop: [ssn] }
  targets: [{ kind: cloudevent, url: "${trainer}/broker" }]
`);
  const { agent, clock, close } = await swim({ ...config, server: { ...config.server, protocol: "open-inference" }, gateway: { ...config.gateway, sample: { ...config.gateway.sample, ratio: 1 } } });
  const [gateway, api] = [agent.listeners.gateway, agent.listeners.api].map(({ port }) => `http://127.0.0.1:${port}`) as [string, string];
  const settled = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 2_000; i += 1) {
      if (await isSo()) return;
      clock.advance(100);
      await new Promise(setImmediate);
    }
    throw new Error("it did not come to that");
  };
  const get = async (path: string) => (await (await fetch(api + path)).json()) as Record<string, never>;
  const shown = async () => (await get("/v1/retrain")) as unknown as { enabled: boolean; waits: string | null; window: { rows: number; actuals: number } | null; requests: readonly { id: string; state: string; by: string; reason: string }[] };

  for (let i = 0; i < 10; i += 1) {
    const reply = await fetch(`${gateway}/v2/models/m/infer`, { method: "POST", headers: { "content-type": "application/json", "pilotfish-inference-id": `row-${i}` }, body: JSON.stringify({ inputs: [tensor("x", i), tensor("ssn", `123-45-${i}`)] }) });
    expect(reply.status).toBe(200);
    const id = reply.headers.get("pilotfish-inference-id") as string;
    if (i < 4) await fetch(`${api}/v1/actuals`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ inference_id: id, actual: Number(i > 2) }) });
  }
  await settled(async () => {
    const { window } = await shown();
    return window?.rows === 10 && window.actuals === 4;
  });
  expect(await shown()).toMatchObject({ enabled: true, waits: "no alarm that asks for it fires", requests: [] });

  const asked = await fetch(`${api}/v1/retrain`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ reason: "the new tax year" }) });
  expect(asked.status).toBe(202);
  await settled(async () => (await shown()).requests[0]?.state === "done");
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ specversion: "1.0", type: "pilotfish.retrain.requested", data: { model: "m", requested_by: "local", why: { reason: "the new tax year" }, window: { rows: 10, actuals: 4, versions: ["3"] } } });

  const [{ location, manifest } = { location: "", manifest: "" }] = events.map(({ data }) => data.window);
  const table = await readTable(location, "/");
  expect(table).toMatchObject({ x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], answer_label: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1], pilotfish_actual: [0, 0, 0, 1, null, null, null, null, null, null], pilotfish_version: Array.from({ length: 10 }, () => "3") });
  expect(readFileSync(location, "latin1") + readFileSync(manifest, "utf8")).not.toContain("123-45");
  // The analysis tells its series each second.
  for (let i = 0; i < 15; i += 1) {
    clock.advance(100);
    await new Promise(setImmediate);
  }
  const metrics = await (await fetch(`http://127.0.0.1:${agent.listeners.metrics.port}/metrics`)).text();
  expect(metrics).toMatch(/^pilotfish_retrain_requests_total\{model="m",result="done"\} 1$/m);
  expect(metrics).toMatch(/^pilotfish_retrain_window_rows\{model="m"\} 10$/m);
  expect(await get("/v1/history?kind=retrain")).toMatchObject({ items: [{ kind: "retrain", detail: { state: "done", reason: "the new tax year", window: { rows: 10, actuals: 4 } } }, { detail: { state: "writing" } }] });
  expect(await get("/v1/audit")).toMatchObject({ items: [{ who: "local", action: "retrain.request", reason: "the new tax year", result: "done" }] });
  await close();
});
