/**
 * A rollout that goes wrong twice, the whole agent before a model server: the candidate fails, and whoever is told of it does not
 * hear. Clients get their answers all the same; the world is told again and again, and then people are.
 */
import { expect, test } from "vitest";
import { bodyOf, httpServer, post, send } from "../gateway/stage.ts";
import { storyConfig } from "./config.ts";
import { swim } from "./swim.ts";

const path = "/v2/models/m/infer";
const question = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]}';
const answered = (version: string) => `{"model_name":"m","model_version":"${version}","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.25]}]}`;
const described = '{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}';

/** Loads version 2, which fails each request; unloads nothing, with 500. */
async function modelServer() {
  const seen = { unloads: 0, candidate: 0 };
  let has2 = false;
  const { origin } = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      const say = (status: number, text: string) => response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
      const { url } = request;
      if (url === "/v2") return say(200, '{"name":"one","extensions":["model_repository"]}');
      if (url?.endsWith("/load")) {
        has2 ||= body.toString().includes('"2"');
        return say(200, "{}");
      }
      if (url?.endsWith("/unload")) {
        seen.unloads += 1;
        return say(500, '{"error":"the disk is gone"}');
      }
      if (url === "/v2/models/m/versions/2/ready") return say(has2 ? 200 : 404, "{}");
      if (url === "/v2/models/m/versions/2/infer") {
        seen.candidate += 1;
        return say(500, '{"error":"broken"}');
      }
      return say(200, request.method === "POST" ? answered("1") : described);
    });
  });
  return { origin, seen };
}

test("a rollback that nobody hears of: retried, told to people, and the traffic is off the candidate all the same", { timeout: 60_000 }, async () => {
  const { origin, seen } = await modelServer();
  const hooks: unknown[] = [];
  const hook = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      hooks.push(JSON.parse(body.toString()));
      response.writeHead(503).end();
    });
  });
  const pages = new Map<string, { readonly labels: Record<string, string>; readonly annotations: { readonly description: string } }>();
  const alertmanager = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      for (const alert of JSON.parse(body.toString()) as { labels: Record<string, string>; annotations: { description: string } }[]) pages.set(`${alert.labels["alertname"]} ${alert.labels["actuator"] ?? ""} ${alert.labels["severity"]}`, alert);
      response.end("{}");
    });
  });
  const { agent, clock } = await swim(storyConfig(origin, "m", `
alertmanager: { urls: ["${alertmanager.origin}"] }
rollout:
  key: { header: x-user }
  steps: [{ weight: 30%, hold: 10m }]
  actuators:
    - { kind: repository, retries: 2 }
    - { kind: webhook, url: "${hook.origin}/rollouts", actions: [roll-back], retries: 3 }
`));
  const at = (port: number) => new URL(`http://127.0.0.1:${port}`);
  const shown = async () => JSON.parse((await send(at(agent.listeners.api.port), "/v1/rollout")).body.toString()) as { rollout: { phase: string; reason: string; weight: number; actuations: { actuator: string; action: string; result: string; attempts: number }[] } };
  const infer = async (user: number) => {
    const { status, headers } = await post(at(agent.listeners.gateway.port), question, { "x-user": `user-${user}` }, path);
    return `${status} ${String(headers["pilotfish-rung"])}`;
  };
  const turn = async (isSo: () => unknown): Promise<void> => {
    for (let i = 0; i < 5_000; i += 1) {
      if (await isSo()) return;
      clock.advance(100);
      await new Promise(setImmediate);
    }
    throw new Error(`it did not come to that: ${JSON.stringify(await shown())}`);
  };

  expect(await infer(0)).toBe("200 primary");
  const started = await send(at(agent.listeners.api.port), "/v1/rollout", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ candidate: { version: "2" } }) });
  expect(started.status, started.body.toString()).toBe(201);

  // Each user whose request is dealt to the candidate gets the primary's answer: the first one too.
  let user = 0;
  await turn(async () => {
    user += 1;
    expect(await infer(user)).toBe("200 primary");
    return (await shown()).rollout.phase === "aborted";
  });
  expect((await shown()).rollout).toMatchObject({ reason: "harm", weight: 0 });
  expect(user).toBeLessThan(100);
  const asked = seen.candidate;
  expect(asked).toBeGreaterThan(2);
  for (let i = 0; i < 50; i += 1) expect(await infer(i)).toBe("200 primary");
  expect(seen.candidate, "the traffic is off it before anybody has heard").toBe(asked);

  await turn(async () => (await shown()).rollout.actuations.filter(({ action, result }) => action === "roll-back" && (result === "failed" || result === "unconfirmed")).length === 2);
  const { actuations } = (await shown()).rollout;
  expect(actuations.filter(({ action }) => action === "roll-back").map(({ actuator, result, attempts }) => [actuator, result, attempts])).toEqual([["gateway", "done", 1], ["repository", "unconfirmed", 3], ["webhook", "failed", 4]]);
  expect([seen.unloads, hooks.length]).toEqual([3, 4]);
  expect(new Set(hooks.map((hooked) => JSON.stringify(hooked))).size, "the same word each time").toBe(1);

  await turn(() => pages.has("PilotfishRolloutUnheard webhook critical"));
  expect([...pages.keys()].sort()).toEqual(["PilotfishRolloutAborted  warning", "PilotfishRolloutUnheard repository critical", "PilotfishRolloutUnheard webhook critical"]);
  expect(pages.get("PilotfishRolloutUnheard repository critical")?.annotations.description).toContain("the disk is gone");
  const metrics = (await send(at(agent.listeners.metrics.port), "/metrics")).body.toString();
  expect(metrics).toMatch(/^pilotfish_rollout_actuations_total\{actuator="repository",action="roll-back",result="unconfirmed"\} 1$/m);
  expect(metrics).toMatch(/^pilotfish_rollout_actuations_total\{actuator="webhook",action="roll-back",result="failed"\} 1$/m);
});

test("what served is known of its server alone, and of a reload it is said what waits for the next start", async () => {
  const { origin } = await modelServer();
  const other = await httpServer((request, response) => {
    void bodyOf(request).then(() => {
      const text = request.method === "POST" ? answered("8") : described.replace('"1"', '"8"');
      response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text);
    });
  });
  const { agent, clock } = await swim(storyConfig(origin, "m"));
  const at = (port: number) => new URL(`http://127.0.0.1:${port}`);
  const versions = async () => JSON.parse((await send(at(agent.listeners.api.port), "/v1/versions")).body.toString()) as { current: { version: string } | null; before: unknown[] };
  const served = async (version: string): Promise<void> => {
    for (let i = 0; i < 200 && (await versions()).current?.version !== version; i += 1) {
      expect((await post(at(agent.listeners.gateway.port), question, {}, path)).status).toBe(200);
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expect(await versions()).toMatchObject({ current: { version } });
  };
  await served("1");
  const reloaded = await agent.reload(storyConfig(other.origin, "m", "rollout: { steps: [{ weight: 50% }], actuators: [] }"));
  expect(reloaded).toMatchObject({ ok: true, atNextStart: ["rollout"] });
  expect((await versions()).current?.version, "of the server that was").not.toBe("1");
  await served("8");
  expect((await versions()).before, "no change of version: another server").toEqual([]);
});
