/** The whole agent with its policies as a config has them: what one run learnt of a killer the next one knows, and a reload can add a contract. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Config } from "../../agent/config/config.ts";
import { bodyOf, httpServer, post, send } from "../gateway/stage.ts";
import { storyConfig } from "./config.ts";
import { swim } from "./swim.ts";

const answer = '{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.25]}]}';
const metadata = '{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[]}';
const path = "/v2/models/m/infer";
const question = (x: number, datatype: string = "FP32"): string => JSON.stringify({ inputs: [{ name: "x", datatype, shape: [1, 1], data: [x] }] });

/** A server whose connection breaks on 666. */
async function server() {
  const heard: string[] = [];
  const url = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.method === "POST") heard.push(body.toString());
      if (body.includes("666")) response.socket?.destroy();
      else response.end(request.method === "POST" ? answer : metadata);
    }, () => {});
  });
  return { url, heard };
}

function configOf(url: URL, store: string, more: string = ""): Config {
  return storyConfig(url.origin, "m", `store: { path: ${JSON.stringify(store)} }\n${more}`);
}

async function swimming(config: Config) {
  const { agent, close } = await swim(config);
  const { gateway, metrics } = agent.listeners;
  const page = async (): Promise<string> => (await send(new URL(`http://127.0.0.1:${metrics.port}`), "/metrics")).body.toString();
  return { agent, close, page, infer: (body: string) => post(new URL(`http://127.0.0.1:${gateway.port}`), body, {}, path) };
}

test("a request that crashes the server is known to the next run, which refuses it at once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { url, heard } = await server();
  const config = configOf(url, join(folder, "state.db"));
  const first = await swimming(config);
  expect((await first.infer(question(666))).status).toBe(503);
  expect((await first.infer(question(666))).status).toBe(422);
  expect(await first.page()).toMatch(/^pilotfish_quarantine_suspects 1$/m);
  await first.close();

  const second = await swimming(config);
  expect(await second.page()).toMatch(/^pilotfish_quarantine_suspects 1$/m);
  const before = heard.length;
  expect((await second.infer(question(666))).status).toBe(422);
  expect(heard).toHaveLength(before);
  expect((await second.infer(question(1))).status).toBe(200);
});

test("a reload puts a contract in force: the model's own metadata are enough for it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { url } = await server();
  const { agent, infer, page } = await swimming(configOf(url, join(folder, "state.db")));
  expect((await infer(question(1, "INT64"))).status).toBe(200);
  await agent.reload(configOf(url, join(folder, "state.db"), "contract: { validation: reject }"));
  let refused = await infer(question(1, "INT64"));
  for (let i = 0; i < 200 && refused.status !== 422; i += 1) refused = await infer(question(1, "INT64")); // Until the metadata are there.
  expect(JSON.parse(refused.body.toString())).toMatchObject({ violations: [{ path: "inputs[0].datatype", kind: "datatype" }] });
  expect((await infer(question(1))).status).toBe(200);
  expect(await page()).toMatch(/^pilotfish_contract_requests_total\{result="rejected"\} [1-9]/m);
});
