/**
 * The whole agent with secrets wherever it may be given one (config, URLs' user part, headers, bodies) and a model server that
 * fails and says them back: none of them is in anything that leaves: log, scrape, OTLP, state, signals, Alertmanager, recordings.
 */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { startAgent } from "../../agent/agent.ts";
import { systemClock } from "../../agent/clock.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { parseConfig } from "../../agent/config/config.ts";
import { makeLog } from "../../exporters/logs.ts";

const secret = (name: string) => `s3cr3t-${name}`;

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test("no secret and no payload leaves: not in a log line, a series, a span, a page or a recording", { timeout: 60_000 }, async () => {
  const left: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const collector = await listening((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
      const body = Buffer.concat(chunks);
      left.push(`${request.url}\n${(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("latin1")}`);
      response.end();
    });
  });
  const server = await listening((request, response) => {
    request.resume().on("end", () => response.writeHead(request.method === "POST" ? 500 : 200, { "x-echo": secret("answer-field") }).end(JSON.stringify({ error: secret("answer-body") })));
  });
  const parsed = parseConfig(`
server: { url: "http://me:${secret("userinfo")}@127.0.0.1:${server}", protocol: open-inference }
model: { name: m }
gateway: { host: 127.0.0.1, port: 0, sample: { ratio: 1 } }
api: { port: 0 }
metrics: { host: 127.0.0.1, port: 0 }
collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } }
store: { path: "${join(folder, "state.db")}" }
otlp: { endpoint: "http://127.0.0.1:${collector}", interval: 200ms, logs: debug, headers: { authorization: "Bearer ${secret("header")}" } }
alertmanager: { urls: ["http://boss:${secret("alertmanager")}@127.0.0.1:${collector}"] }
ladder: [{ kind: default, name: fallback, outputs: { y: 1 } }]
log: { level: debug, format: ecs }
`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const log = makeLog(parsed.config.log, { write: (line) => void left.push(line) });
  const agent = await startAgent(parsed.config, { clock: systemClock, log, version: "0", analysis: inlineAnalysis });
  const at = (listener: { readonly port: number }, path: string) => `http://127.0.0.1:${listener.port}${path}`;
  for (let i = 0; i < 12; i += 1) {
    const answer = await fetch(at(agent.listeners.gateway, `/v2/models/m/infer?token=${secret("query")}`), {
      method: "POST",
      headers: { authorization: `Bearer ${secret("bearer")}`, cookie: `session=${secret("cookie")}`, "x-api-key": secret("api-key") },
      body: JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "BYTES", data: [secret("payload")] }] }),
    });
    await answer.arrayBuffer();
  }
  await expect.poll(() => readdirSync(folder).includes("recordings") && readdirSync(join(folder, "recordings")).some((name) => name.endsWith(".json")), { timeout: 15_000 }).toBe(true);
  await expect.poll(() => ["/v1/metrics", "/v1/traces", "/v1/logs", "/api/v2/alerts"].filter((path) => !left.some((text) => text.startsWith(path))), { timeout: 15_000 }).toEqual([]);

  for (const path of ["/v1/state", "/v1/signals", "/v1/recordings", "/metrics"]) left.push(await (await fetch(at(agent.listeners.api, path))).text());
  const { recordings } = (await (await fetch(at(agent.listeners.api, "/v1/recordings"))).json()) as { recordings: { id: string; url: string }[] };
  expect(recordings[0]?.id).toMatch(/^\d{8}T\d{6}Z-PilotfishFailover$/);
  const recording = await fetch(at(agent.listeners.api, recordings[0]?.url ?? ""));
  left.push(await recording.text());
  expect(recording.headers.get("content-disposition")).toContain("attachment");
  const missing = await fetch(at(agent.listeners.api, "/v1/recordings/..%2fstate.db"));
  expect([missing.status, missing.headers.get("content-type")]).toEqual([404, expect.stringContaining("application/problem+json") as string]);
  await agent.close();
  for (const name of readdirSync(join(folder, "recordings"))) left.push(readFileSync(join(folder, "recordings", name), "utf8"));

  expect(left.length).toBeGreaterThan(15);
  const leaks = left.flatMap((text) => [...text.matchAll(/.{0,80}s3cr3t-[a-z-]+/g)].map(([found]) => found));
  expect(leaks).toEqual([]);
});
