/** The whole agent before a server whose version and artefact change: what people and programs see of it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished, expect, test } from "vitest";
import { storyConfig } from "../../story/config.ts";
import { swim } from "../../story/swim.ts";

const digests = { "1": `sha256:${"a".repeat(64)}`, "2": `sha256:${"b".repeat(64)}`, replaced: `sha256:${"c".repeat(64)}` };

test("another version, and another artefact under its name, is a row of the history, a series and the target's version; it serves at once where nothing was known", async () => {
  const served: { version: string; artefact: keyof typeof digests } = { version: "1", artefact: "1" };
  const listener = createServer((request, response) => {
    const tensor = (name: string) => ({ name, datatype: "FP32", shape: [-1, 1] });
    const body = request.method === "POST"
      ? { model_name: "m", model_version: served.version, outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [1] }] }
      : { name: "m", versions: ["1", "2"], inputs: [tensor("x")], outputs: [tensor("y")], parameters: { digest: digests[served.artefact] } };
    request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const { agent, clock } = await swim(storyConfig(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`, "m"));
  const urlOf = ({ host, port }: { readonly host: string; readonly port: number }) => `http://${host}:${port}`;
  const infer = () => fetch(`${urlOf(agent.listeners.gateway)}/v2/models/m/infer`, { method: "POST", body: JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] }) });
  const metrics = async () => (await fetch(`${urlOf(agent.listeners.metrics)}/metrics`)).text();
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 500; i += 1) {
      if (await isSo()) return;
      await infer();
      clock.advance(500);
    }
    throw new Error("it did not come to that");
  };

  await until(async () => (await metrics()).includes(`pilotfish_model_version_info{model="m",version="1",digest="${digests["1"]}",reference="unknown"} 1`));
  served.version = "2";
  served.artefact = "2";
  await until(async () => (await metrics()).includes(`pilotfish_model_version_info{model="m",version="2",digest="${digests["2"]}",reference="unknown"} 1`));

  const text = await metrics();
  expect(text).toContain('pilotfish_model_version_changes_total{model="m"} 1');
  expect(text).not.toContain('pilotfish_model_version_info{model="m",version="1"');
  const state = (await (await fetch(`${urlOf(agent.listeners.api)}/v1/state`)).json()) as { model: unknown };
  expect(state.model).toEqual({ name: "m", version: "2" });
  const { items } = (await (await fetch(`${urlOf(agent.listeners.api)}/v1/history?kind=version`)).json()) as { items: { detail: { message: string } }[] };
  served.artefact = "replaced";
  await until(async () => (await metrics()).includes(`pilotfish_model_version_info{model="m",version="2",digest="${digests.replaced}",reference="unknown"} 1`));
  expect(await metrics()).toContain('pilotfish_model_version_changes_total{model="m"} 2');
  expect(items.map(({ detail }) => detail.message)).toEqual(["version 2 serves, before it version 1", "version 1 serves"]);
});
