/** The candidate behind a gateway of several workers: the deal is mirrored, trials and copies are told, and its rung is asked. */
import { expect, onTestFinished, test } from "vitest";
import type { Question, RungAnswer } from "../../agent/backend.ts";
import { gatewayOptions } from "../../agent/gateway/options.ts";
import type { GatewayDeps, ShadowedPrimary, ShadowOffer } from "../../agent/gateway/room.ts";
import { gatewayOfWorkers } from "../../agent/gateway/workers.ts";
import { silent } from "../../agent/log.ts";
import type { Observation } from "../../agent/observation.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import type { Deal } from "../../agent/trial.ts";
import { FakeClock } from "../fake-clock.ts";
import { channel } from "./channel.ts";
import { fallback, flowing, httpServer, infer, post, question, rung, bodyOf } from "./stage.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function crew(server: URL, given: Partial<GatewayDeps>) {
  const clock = new FakeClock();
  const { openThread } = channel(clock);
  const observed: Observation[] = [];
  const made = gatewayOfWorkers(gatewayOptions.parse({ host: "127.0.0.1", port: 0, workers: 2, linger: "0s", sample: { ratio: 1 } }), {
    clock, log: silent, server, protocol: openInference, rungs: [], openThread,
    route: () => flowing,
    claimTrial: () => false,
    observe: (observation) => observed.push(observation),
    ...given,
  });
  const { address, close } = await made.start();
  onTestFinished(async () => {
    let done = false;
    void close().finally(() => (done = true));
    for (let i = 0; i < 1_000 && !done; i += 1) {
      clock.advance(100);
      await turn();
    }
  });
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let i = 0; i < 5_000 && !isSo(); i += 1) {
      clock.advance(1);
      await turn();
    }
  };
  return { gateway: made, observed, until, url: new URL(`http://127.0.0.1:${address.port}`) };
}

const answering = (version: string) => httpServer((request, response) => void bodyOf(request).then(() => response.end(`{"model_name":"employment","model_version":"${version}","outputs":[]}`)));

const base: Deal = { rollout: "r1", candidate: { kind: "server" }, weight: 1, shadow: 0, key: {}, judged: true };

test("a rollout that begins and ends holds in every worker, and its trials are told", async () => {
  const candidate = await answering("2");
  let deal: Deal | undefined;
  const { gateway, observed, until, url } = await crew(await answering("1"), { deal: () => deal });
  const whoAnswers = async () => (await Promise.all(Array.from({ length: 6 }, () => post(url)))).map(({ headers }) => headers["pilotfish-rung"]);
  const all = (who: string) => Array.from({ length: 6 }, () => who);
  expect(await whoAnswers()).toEqual(all("primary"));
  deal = { ...base, candidate: { kind: "server", url: candidate.href } };
  gateway.routed();
  await turn();
  expect(await whoAnswers()).toEqual(all("candidate"));
  deal = undefined;
  gateway.routed();
  await turn();
  expect(await whoAnswers()).toEqual(all("primary"));
  await until(() => observed.filter(({ kind }) => kind === "sample").length === 18);
  expect(observed.filter(({ kind }) => kind === "trial")).toHaveLength(6);
  expect(observed.flatMap((one) => (one.kind === "sample" && one.trial !== undefined ? [one.trial.candidate] : []))).toEqual([true, true, true, true, true, true]);
});

test("a candidate in the sidecar is asked over the threads, and its failure rescued", async () => {
  let answer: RungAnswer = fallback();
  const candidate = rung("candidate", () => Promise.resolve(answer));
  const { url } = await crew(await answering("1"), { deal: () => ({ ...base, candidate: { kind: "rung", version: "3" } }), candidate });
  const good = await post(url);
  answer = { outcome: "error", detail: "its thread ended" };
  const bad = await post(url);
  expect([good, bad].map(({ status, headers }) => [status, headers["pilotfish-rung"], headers["pilotfish-reason"]])).toEqual([[200, "candidate", "canary"], [200, "primary", "error"]]);
  expect(candidate.asked.map(({ path, body }) => [path, body.toString()])).toEqual([[infer, question], [infer, question]]);
});

test("what is offered for copies arrives with both bodies", async () => {
  const offered: (readonly [ShadowOffer, Question | undefined, ShadowedPrimary])[] = [];
  const { until, url } = await crew(await answering("1"), {
    deal: () => ({ ...base, weight: 0, shadow: 1 }),
    shadow: { offer: (...offer) => void offered.push(offer) },
  });
  await post(url, question, { "pilotfish-inference-id": "a1" });
  await until(() => offered.length > 0);
  const [{ rollout, inferenceId }, asked, { outcome, body }] = offered[0] as (typeof offered)[0];
  expect([rollout, inferenceId, asked?.body.toString(), outcome, Buffer.from(body ?? []).toString()]).toEqual(["r1", "a1", question, "ok", '{"model_name":"employment","model_version":"1","outputs":[]}']);
});
