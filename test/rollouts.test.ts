/** The rollout room as the agent wires it: with a server that loads versions, people who decide, signals and series; the gateway's place and the judge are doubles. */
import { expect, test, vi } from "vitest";
import { exporters } from "../exporters/exporters.ts";
import { Meter } from "../exporters/meter.ts";
import { prometheusText } from "../exporters/prometheus.ts";
import type { Announce, Signal } from "../exporters/signal.ts";
import { parseConfig } from "../agent/config/config.ts";
import { silent } from "../agent/log.ts";
import type { Observation } from "../agent/observation.ts";
import type { Principal } from "../agent/principal.ts";
import type { ModelDescription } from "../agent/protocols/protocol.ts";
import { reviews } from "../agent/reviews/reviews.ts";
import type { CandidateAsked } from "../agent/rollout-view.ts";
import type { Actuation } from "../agent/rollout/actuators/actuation.ts";
import type { TrialSetup } from "../agent/rollout/trial-comparisons.ts";
import { rolloutRoom, type RolloutRoom } from "../agent/rollouts.ts";
import type { Swim } from "../agent/swim.ts";
import type { TrialObservation, TrialReading } from "../agent/trial.ts";
import { FakeClock } from "./fake-clock.ts";
import { bodyOf, httpServer } from "./gateway/stage.ts";

const ada: Principal = { name: "ada", role: "act" };
const description: ModelDescription = { name: "m", versions: ["1"], inputs: [], outputs: [] };

/** @param status of a load. @param loads whether it then has the version that it was asked for, or says so only. */
async function wired({ status = 200, loads = true, saved = new Map<string, unknown>(), hasSeat = true, rollout = "steps: [{ weight: 20%, hold: 1m }]" } = {}) {
  const asked: string[] = [];
  let isLoaded = false;
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === "/v2") return response.end('{"name":"one","extensions":["model_repository"]}');
      if (request.url === "/v2/models/m/versions/2/ready") return response.writeHead(isLoaded ? 200 : 404).end();
      asked.push(`${request.method} ${request.url} ${body.toString()}`);
      isLoaded = status === 200 && loads;
      return response.writeHead(status).end(status === 200 ? "{}" : "no such version");
    });
  });
  const parsed = parseConfig(`server: { url: "${server.origin}", protocol: open-inference }\nmodel: { name: m }\nrollout: { ${rollout} }`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;
  const clock = new FakeClock();
  const meter = new Meter(clock);
  const signals: Signal[] = [];
  const history: unknown[] = [];
  const used: (CandidateAsked | undefined)[] = [];
  const trials: (TrialSetup | undefined)[] = [];
  const acted: Actuation[] = [];
  const kept = new Map<string, unknown>();
  const people = reviews({ clock, saved: undefined, rule: (decision) => ({ ...config.decisions[decision], mode: config.decisions[decision].mode ?? "notify" }), observe: () => {}, save: () => {}, audit: () => {}, dropped: () => {}, page: () => {}, counted: () => {}, waiting: () => {} });
  const target = { model: "m", version: "1", endpoint: server.origin };
  const swim = { failover: { current: () => ({ target }) }, description: () => description } as unknown as Swim;
  const announce: Announce = exporters({ told: (signal) => void signals.push(signal) }, { log: silent });
  const room: RolloutRoom = rolloutRoom({
    clock, log: silent, meter, announce, saved,
    environment: () => undefined,
    audit: () => {},
    happened: (kind, detail) => void history.push([kind, detail]),
    decide: people.decide,
    config: () => config,
    swim: () => swim,
    protocol: () => "open-inference",
    seat: () =>
      hasSeat
        ? {
            async use(candidate) {
              used.push(candidate);
              return { ok: true };
            },
            describe: async () => undefined,
          }
        : undefined,
    useTrial: (setup) => void trials.push(setup),
    act: (actuation) => void acted.push(actuation),
    save: (key, state) => void kept.set(key, structuredClone(state)),
  });
  const close = room.run();
  return {
    room, clock, close, people, signals, history, used, trials, acted, kept, asked,
    page: async () => (await prometheusText(meter)).body.toString(),
    says: (verdict: TrialReading["verdict"]) =>
      room.hear({ rollout: room.current()?.id ?? "", verdict, harmed: [], comparisons: [], requests: { candidate: 1, primary: 4 }, pairs: 0, actuals: 0, message: "so it is", atWallMs: 0 }),
  };
}

test("a version is loaded, tried, put to a person, and taken back: each is told where it should be", async () => {
  const { room, says, clock, people, signals, asked, used, trials, history, acted, page, close } = await wired();
  expect(await room.controls.start({ candidate: { version: "2" } }, ada)).toMatchObject({ ok: true });
  expect(asked).toEqual(['POST /v2/repository/models/m/load {"parameters":{"version":"2"}}']);
  expect(used).toEqual([{ version: "2" }]);
  expect(room.deal()).toMatchObject({ weight: 0.2 });
  expect(await page()).toMatch(/^pilotfish_rollout_weight_ratio\{model="m"\} 0\.2$/m);
  clock.advance(60_000);
  says("not-worse");
  const [review] = people.list("open", undefined, 10).reviews;
  expect(review).toMatchObject({ decision: "promotion", question: "Give version 2 all of the requests?", evidence: "so it is" });
  people.answer(review?.id ?? "", { verdict: "do" }, ada);
  await vi.waitFor(() => expect(room.deal()?.weight).toBe(1));
  room.controls.abort(ada, "it was a mistake");
  expect(trials.map((setup) => setup?.weight)).toEqual([0.2, undefined, undefined]);
  expect(history).toHaveLength(4);
  expect(signals.flatMap((signal) => (signal.type === "rollout" ? [signal.phase] : []))).toEqual(["trying", "asking", "promoted", "aborted"]);
  expect(acted.map(({ action, weight }) => [action, weight])).toEqual([["start", 0.2], ["promote", 1], ["roll-back", 0]]);
  expect(await page()).not.toMatch(/^pilotfish_rollout_(phase|weight|step)/m);
  expect(await page()).toMatch(/^pilotfish_rollouts_total\{model="m",result="aborted",reason="person"\} 1$/m);
  close();
});

test("a server that has no such version says so, and the answer goes to whoever asked", async () => {
  const { room } = await wired({ status: 404 });
  expect(await room.controls.start({ candidate: { version: "2" } }, ada)).toMatchObject({ ok: false, why: "unfit", detail: "version 2 can not be tried: the server did not load version 2: POST /v2/repository/models/m/load answered 404: no such version" });
});

test("a server that takes the order and loads another version is not believed", async () => {
  const { room } = await wired({ loads: false });
  expect(await room.controls.start({ candidate: { version: "2" } }, ada)).toMatchObject({ ok: false, why: "unfit", detail: "version 2 can not be tried: the server did not load version 2: version 2 was loaded and is not ready" });
  expect(room.deal()).toBeUndefined();
});

test("a gateway without a place for a candidate refuses, and nobody knows of versions", async () => {
  const { room } = await wired({ hasSeat: false });
  expect(await room.controls.start({ candidate: { url: "http://127.0.0.1:9" } }, ada)).toMatchObject({ ok: false, why: "unfit" });
  expect(room.controls.current()).toBeUndefined();
  expect(room.controls.versions()).toMatchObject({ current: undefined, before: [] });
});

test("what one process kept the next one goes on with", async () => {
  const before = await wired();
  await before.room.controls.start({ candidate: { url: "http://127.0.0.1:9" } }, ada);
  const after = await wired({ saved: before.kept });
  await vi.waitFor(() => expect(after.room.deal()).toMatchObject({ weight: 0.2, rollout: before.room.current()?.id }));
  // Who follows the signals of this process has heard of no weight yet.
  expect(after.acted.map(({ action, weight }) => [action, weight])).toEqual([["weight", 0.2]]);
});

test("trials are counted by side and by how they went", async () => {
  const { room, page } = await wired();
  const trial: TrialObservation = { kind: "trial", rollout: "r", candidate: true, weight: 0.1, key: 1, inferenceId: "i", failed: false, outcome: "ok", durationMs: 20, atWallMs: 0 };
  for (const more of [{}, {}, { failed: true }, { failed: true, rescued: true }, { candidate: false }, { candidate: false, failed: true }]) room.observation({ ...trial, ...more });
  const text = await page();
  const counted = [...text.matchAll(/^pilotfish_trials_total\{model="m",side="(.*)",result="(.*)"\} (\d+)$/gm)].map((found) => found.slice(1).join(" "));
  expect(counted).toEqual(["candidate ok 2", "candidate failed 1", "candidate rescued 1", "primary ok 1", "primary failed 1"]);
  expect(text).toMatch(/^pilotfish_trial_duration_seconds_count\{model="m",side="candidate"\} 4$/m);
});

test("once it was promoted the candidate is what serves: whoever watches the model hears of its answers, and not of the primary's", async () => {
  const { room } = await wired();
  const exchange = (rung: string) => ({ kind: "exchange", rung, outcome: "ok", reason: "normal" }) as Observation;
  await room.controls.start({ candidate: { version: "2" } }, ada);
  expect(room.asServed(exchange("candidate")), "on trial it is another").toMatchObject({ rung: "candidate" });
  room.controls.promote(ada, "it is fine");
  while (room.current()?.phase === "trying") room.controls.promote(ada, "it is fine");
  expect(room.deal()).toMatchObject({ weight: 1, judged: false });
  expect(room.asServed(exchange("candidate"))).toMatchObject({ rung: "primary" });
  expect(room.asServed(exchange("primary"))).toMatchObject({ rung: "candidate" });
  expect(room.asServed(exchange("cache"))).toMatchObject({ rung: "cache" });
  room.controls.abort(ada, "it is not");
  expect(room.asServed(exchange("candidate"))).toMatchObject({ rung: "candidate" });
});
