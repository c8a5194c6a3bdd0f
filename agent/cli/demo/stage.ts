/** Everything on the demo's stage: the model server, Pilotfish beside it, a subscriber, and a receiver of pages. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Clock } from "../../clock.ts";
import { ask } from "../../forward/ask.ts";
import { Lifecycle } from "../../lifecycle.ts";
import type { World } from "../world.ts";
import { startChild, until, type Child } from "./children.ts";
import { freePort } from "./free-port.ts";
import { startReceiver } from "./receiver.ts";
import { rolloutDocument, rolloutSettings, type Rollout } from "./rollout.ts";
import { listen } from "./subscriber.ts";

const stateDocument = z.object({
  status: z.string(),
  performance: z.record(z.string(), z.number()),
  actuals: z.record(z.string(), z.number()),
});

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** Sources lie two folders below the root, the bundle one. */
const root = new URL(import.meta.url.endsWith(".ts") ? "../../../" : "../", import.meta.url);
const employmentFolder = new URL("examples/employment/", root);
export const dataFolder = new URL("data/", employmentFolder);
const serverEntry = new URL(import.meta.url.endsWith(".ts") ? "examples/server/server.ts" : "dist/example-server.mjs", root);

/** Rejects where something does not start, with what it said last; what had been started is ended then. */
export async function startStage(world: Pick<World, "self">, clock: Clock, say: (text: string) => void) {
  const life = new Lifecycle(clock, 10_000);
  try {
    return await setStage(world, clock, say, life);
  } catch (error) {
    await life.close();
    throw error;
  }
}

async function setStage(world: Pick<World, "self">, clock: Clock, say: (text: string) => void, life: Lifecycle) {
  const folder = await mkdtemp(join(tmpdir(), "pilotfish-demo-"));
  life.opened("folder", () => rm(folder, { recursive: true, force: true }));
  const employment = fileURLToPath(employmentFolder);
  const ports = { server: await freePort(), gateway: await freePort(), api: await freePort(), metrics: await freePort() };
  const urls = {
    server: `http://127.0.0.1:${ports.server}`,
    gateway: `http://127.0.0.1:${ports.gateway}`,
    api: `http://127.0.0.1:${ports.api}`,
  };
  const [node, ...flags] = world.self.slice(0, -1) as [string, ...string[]];

  let current: Child | undefined;
  async function startServer(): Promise<void> {
    current = startChild("the model server", [
      node, ...flags, fileURLToPath(serverEntry), "--models", join(employment, "models"), "--port", String(ports.server),
      "--pilotfish", `ws://127.0.0.1:${ports.api}/v1/signals`,
    ], clock);
    await until(clock, 20_000, "the model server does not listen", current, () => answers200(`${urls.server}/v2/health/ready`));
  }
  const answers200 = async (url: string) => {
    const asked = await ask(clock, { url, timeoutMs: 1_000 });
    return asked.ok && asked.status === 200;
  };

  const receiver = await startReceiver(clock);
  life.opened("receiver", receiver.close);
  say("starting a model server (Open Inference Protocol, onnxruntime) and Pilotfish beside it");
  life.opened("server", () => current?.end());
  await startServer();
  const daemon = startChild("pilotfish", [
    ...world.self, "run", "--config", join(employment, "pilotfish.yaml"),
    "--set", `server.url=${urls.server}`,
    "--set", "gateway.host=127.0.0.1", "--set", `gateway.port=${ports.gateway}`,
    "--set", `api.port=${ports.api}`,
    "--set", "metrics.host=127.0.0.1", "--set", `metrics.port=${ports.metrics}`,
    "--set", `store.path=${join(folder, "pilotfish.sqlite")}`,
    "--set", `alertmanager.urls=[${JSON.stringify(receiver.url)}]`,
    ...rolloutSettings.flatMap((setting) => ["--set", setting]),
  ], clock);
  life.opened("daemon", () => daemon.end());
  await until(clock, 20_000, "pilotfish is not ready", daemon, () => answers200(`${urls.api}/readyz`));
  const signals = await listen(`ws://127.0.0.1:${ports.api}/v1/signals`, clock);
  life.opened("subscriber", signals.close);
  say(`clients ask ${urls.gateway}, Pilotfish answers for itself at ${urls.api}`);

  return {
    urls,
    daemon,
    receiver,
    signals,
    server: { current: () => current as Child, start: startServer },
    async state() {
      const asked = await ask(clock, { url: `${urls.api}/v1/state`, timeoutMs: 5_000 });
      if (!asked.ok) throw new Error(`${urls.api}/v1/state: ${asked.outcome}: ${asked.detail}`);
      return stateDocument.parse(JSON.parse(asked.body.toString("utf8")));
    },
    async postActuals(actuals: readonly { inference_id: string; actual: number }[]) {
      const asked = await ask(clock, {
        url: `${urls.api}/v1/actuals`, method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify(actuals), timeoutMs: 5_000,
      });
      if (!asked.ok || asked.status !== 202) throw new Error(`${urls.api}/v1/actuals: ${asked.ok ? `${asked.status} ${asked.body.toString("utf8")}` : asked.detail}`);
    },
    async startRollout(version: string) {
      const asked = await ask(clock, { url: `${urls.api}/v1/rollout`, method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ candidate: { version } }), timeoutMs: 30_000 });
      if (!asked.ok || asked.status >= 300) throw new Error(`${urls.api}/v1/rollout: ${asked.ok ? `${asked.status} ${asked.body.toString("utf8")}` : asked.detail}`);
    },
    async rollout(): Promise<Rollout | undefined> {
      const asked = await ask(clock, { url: `${urls.api}/v1/rollout`, timeoutMs: 5_000 });
      if (!asked.ok) throw new Error(`${urls.api}/v1/rollout: ${asked.outcome}: ${asked.detail}`);
      return rolloutDocument.parse(JSON.parse(asked.body.toString("utf8"))).rollout ?? undefined;
    },
    close: () => life.close(),
  };
}
