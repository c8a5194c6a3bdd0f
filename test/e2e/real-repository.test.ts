/**
 * The repository API of a model server that nobody here wrote: two versions of a model in a real MLServer, of which the candidate is
 * rolled back. MLServer loads what is on its disk and lets the newest serve, so the roll-back is real once the candidate's settings
 * are gone from there, and says until then that it is not.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { actuation, optionsOf, telling } from "../rollout/actuators/stage.ts";
import { stageForTest } from "./processes.ts";
import { command, isInstalled, model, serversFolder, train } from "./real-servers/servers.ts";

const isMissing = !isInstalled("mlserver");
if (isMissing) console.warn(`\n*** mlserver is not installed in ${serversFolder}: roll-backs at a real server are NOT checked. Install: node test/e2e/real-servers/install.ts ***\n`);
// With PILOTFISH_REAL=1 nothing counts as missing, so the test runs and fails where it can not be started.
const skipped = isMissing && process.env["PILOTFISH_REAL"] !== "1";

describe.skipIf(skipped)("MLServer", () => {
  test("a candidate is loaded and promoted, and a roll-back is confirmed once the server has nothing else to serve", { timeout: 120_000 }, async () => {
    const stage = await stageForTest();
    const file = stage.path("model.joblib");
    const trained = stage.start("training", train("mlserver", file));
    expect(await trained.exited, trained.stderr.join("\n")).toBe(0);
    const http = await freePort();
    const words = await command("mlserver", stage.path("models"), file, { http, grpc: await freePort(), metrics: await freePort() });
    const url = new URL(`http://127.0.0.1:${http}`);
    const server = stage.start("mlserver", words);
    await stage.eventually("mlserver is ready", 60_000, async () => (await fetch(new URL("/v2/health/ready", url))).status === 200, server);

    const candidate = stage.path("models/candidate");
    const onDisk = async () => {
      const settings = JSON.parse(await readFile(stage.path(`models/${model}/model-settings.json`), "utf8")) as { readonly parameters: object };
      await mkdir(candidate, { recursive: true });
      await writeFile(`${candidate}/model-settings.json`, JSON.stringify({ ...settings, parameters: { ...settings.parameters, version: "v2" } }));
    };
    const serves = async () => {
      const inputs = [{ name: "predict", shape: [1, 4], datatype: "FP64", data: [5.1, 3.5, 1.4, 0.2] }];
      const answered = await fetch(new URL(`/v2/models/${model}/infer`, url), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ inputs }) });
      return ((await answered.json()) as { readonly model_version?: string }).model_version;
    };
    const tell = async (action: "promote" | "roll-back") => {
      const { actuators, settled, reports } = telling(optionsOf({ kind: "repository", retries: 0, timeout: "30s" }), { server: () => url });
      actuators.run(actuation(action, { model, candidate: { version: "v2" }, candidateVersion: "v2", primaryVersion: "v1" }));
      await settled(2);
      return reports.at(-1);
    };

    expect(await serves()).toBe("v1");
    await onDisk();
    expect(await tell("promote")).toMatchObject({ result: "unconfirmed", detail: "version v2 is loaded, and this server does not tell which one serves" });
    expect(await serves()).toBe("v2");

    expect(await tell("roll-back")).toMatchObject({ result: "unconfirmed", detail: expect.stringContaining("take version v2 out of its folder of models") as string });
    expect(await serves()).toBe("v2");
    await rm(candidate, { recursive: true });
    expect(await tell("roll-back")).toMatchObject({ result: "done" });
    expect(await serves()).toBe("v1");
  });
});
