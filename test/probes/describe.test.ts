import { expect, test } from "vitest";
import type { ask, AskRequest, Asked } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import { describer } from "../../agent/probes/describe.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import type { ModelDescription, Protocol } from "../../agent/protocols/protocol.ts";
import { protocols } from "../../agent/protocols/protocols.ts";
import { FakeClock } from "../fake-clock.ts";

/** A server by its answers: JSON by `METHOD path`; what is not named is 404. */
class World {
  readonly clock = new FakeClock();
  readonly answers: Record<string, unknown> = {};
  readonly asked: string[] = [];
  readonly described: ModelDescription[] = [];

  readonly ask: typeof ask = (_, { url, method = "GET" }: AskRequest): Promise<Asked> => {
    const { port, pathname } = new URL(url);
    const question = `${method} ${port === "8080" ? "" : `:${port}`}${pathname}`;
    this.asked.push(question);
    const answer = this.answers[question];
    const status = answer === undefined ? 404 : 200;
    return Promise.resolve({ ok: true, status, headers: {}, body: Buffer.from(answer === undefined ? "" : JSON.stringify(answer)), durationMs: 1 });
  };

  describer(model?: string, protocol: Protocol = openInference) {
    const options = { server: new URL("http://127.0.0.1:8080"), protocol, model, timeoutMs: 1_000 };
    return describer(options, { clock: this.clock, log: silent, ask: this.ask, described: (description) => void this.described.push(description) });
  }
}

const metadata = (name: string, versions: readonly string[] = ["1"]) => ({
  name,
  versions,
  platform: "onnx",
  inputs: [{ name: "AGEP", datatype: "FP32", shape: [-1, 1] }],
  outputs: [{ name: "label", datatype: "INT64", shape: [-1] }],
});

test("a configured model is described at the start, once", async () => {
  const world = new World();
  world.answers["GET /v2/models/employment"] = metadata("employment");
  const describing = world.describer("employment");
  expect(describing.description()).toBeUndefined();
  const close = describing.start();
  await world.clock.advanceAsync(60_000, 1_000);
  expect(world.asked).toEqual(["GET /v2/models/employment"]);
  expect(world.described).toMatchObject([{ name: "employment", versions: ["1"], inputs: [{ name: "AGEP" }] }]);
  expect(describing.description()).toBe(world.described[0]);
  await close();
});

test("a server that is not there yet is asked ever more slowly, until it answers", async () => {
  const world = new World();
  const describing = world.describer("employment");
  const close = describing.start();
  await world.clock.advanceAsync(120_000, 100);
  // 0.5 s, 1 s, 2 s, ... up to 30 s, each with a quarter more or less.
  expect(world.asked.length).toBeGreaterThanOrEqual(8);
  expect(world.asked.length).toBeLessThanOrEqual(12);
  expect(world.described).toEqual([]);
  world.answers["GET /v2/models/employment"] = metadata("employment");
  await world.clock.advanceAsync(40_000, 100);
  expect(world.described).toHaveLength(1);
  await close();
  expect(world.clock.pending).toBe(0);
});

test("refresh asks again and tells only what has changed", async () => {
  const world = new World();
  world.answers["GET /v2/models/employment"] = metadata("employment");
  const describing = world.describer("employment");
  const close = describing.start();
  describing.refresh(); // While the first question is on its way.
  await world.clock.advanceAsync(10);
  expect(world.asked).toHaveLength(2);
  expect(world.described).toHaveLength(1);
  world.answers["GET /v2/models/employment"] = metadata("employment", ["1", "2"]);
  describing.refresh();
  await world.clock.advanceAsync(10);
  expect(world.described.map(({ versions }) => versions)).toEqual([["1"], ["1", "2"]]);
  await close();
});

test.each([
  ["GET /v2/models", { models: ["employment"] }],
  ["GET /v2/models", { models: [{ name: "employment" }] }],
  ["POST /v2/repository/index", [{ name: "employment", version: "1", state: "READY" }, { name: "employment", version: "2", state: "READY" }]],
])("without a name the server's only model is found by %s", async (question, list) => {
  const world = new World();
  world.answers[question] = list;
  world.answers["GET /v2/models/employment"] = metadata("employment");
  const close = world.describer().start();
  await world.clock.advanceAsync(10);
  expect(world.described).toMatchObject([{ name: "employment" }]);
  await close();
});

test("of several models none is taken; traffic says which", async () => {
  const world = new World();
  world.answers["GET /v2/models"] = { models: ["a", "b"] };
  world.answers["GET /v2/models/b"] = metadata("b");
  const describing = world.describer();
  const close = describing.start();
  await world.clock.advanceAsync(2_000, 100);
  expect(world.described).toEqual([]);
  describing.setModel("b");
  await world.clock.advanceAsync(10);
  expect(world.described).toMatchObject([{ name: "b" }]);
  await close();
});

test("a name from traffic changes neither a configured model nor one that was described", async () => {
  const world = new World();
  world.answers["GET /v2/models/employment"] = metadata("employment");
  world.answers["GET /v2/models/other"] = metadata("other");
  const describing = world.describer("employment");
  const close = describing.start();
  await world.clock.advanceAsync(10);
  describing.setModel("other");
  await world.clock.advanceAsync(10);
  expect(world.described.map(({ name }) => name)).toEqual(["employment"]);
  await close();
});

test("a name that the server does not know gives way to the next one from traffic", async () => {
  const world = new World();
  world.answers["GET /v2/models/real"] = metadata("real");
  const describing = world.describer();
  const close = describing.start();
  describing.setModel("typo"); // While the server's lists are being asked for.
  await world.clock.advanceAsync(10_000, 100);
  expect(world.asked).toContain("GET /v2/models/typo");
  describing.setModel("real");
  await world.clock.advanceAsync(10);
  expect(world.described).toMatchObject([{ name: "real" }]);
  await close();
});

test("TorchServe is asked at the port of its management", async () => {
  const world = new World();
  world.answers["GET :8081/models"] = { models: [{ modelName: "squeezenet", modelUrl: "squeezenet.mar" }] };
  world.answers["GET :8081/models/squeezenet"] = [{ modelName: "squeezenet", modelVersion: "1.0" }];
  const close = world.describer(undefined, protocols.torchserve).start();
  await world.clock.advanceAsync(1_000, 100);
  expect(world.described).toMatchObject([{ name: "squeezenet", versions: ["1.0"] }]);
  await close();
});

test("of the several models of an OpenAI server the one that is meant is described, not the first", async () => {
  const world = new World();
  world.answers["GET /v1/models"] = { object: "list", data: [{ id: "base" }, { id: "adapter" }] };
  const close = world.describer("adapter", protocols.openai).start();
  await world.clock.advanceAsync(1_000, 100);
  expect(world.described).toMatchObject([{ name: "adapter" }]);
  await close();

  const unnamed = new World();
  unnamed.answers["GET /v1/models"] = world.answers["GET /v1/models"];
  const describing = unnamed.describer(undefined, protocols.openai);
  const closeIt = describing.start();
  await unnamed.clock.advanceAsync(1_000, 100);
  expect(unnamed.described).toEqual([]);
  describing.setModel("base");
  await unnamed.clock.advanceAsync(1_000, 100);
  expect(unnamed.described).toMatchObject([{ name: "base" }]);
  await closeIt();
});

test.each([
  ["kserve", "GET /v1/models", { models: ["sklearn-iris"] }, { "GET /v1/models/sklearn-iris": { name: "sklearn-iris", ready: true } }, "sklearn-iris"],
  ["openai", "GET /v1/models", { object: "list", data: [{ id: "qwen" }] }, {}, "qwen"],
] as const)("the only model of a %s server is found", async (protocol, list, models, more, name) => {
  const world = new World();
  Object.assign(world.answers, { [list]: models }, more);
  const close = world.describer(undefined, protocols[protocol]).start();
  await world.clock.advanceAsync(1_000, 100);
  expect(world.described).toMatchObject([{ name }]);
  await close();
});
