/** One rung for good, behind which a rollout puts what it tries: a server, a version of the primary's, an ONNX file. */
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Question } from "../../agent/backend.ts";
import { systemClock } from "../../agent/clock.ts";
import { ask } from "../../agent/forward/ask.ts";
import { CandidateRung } from "../../agent/ladder/candidate-rung.ts";
import { nameMistakes } from "../../agent/ladder/mistakes.ts";
import { ladderOptions } from "../../agent/ladder/ladder.ts";
import { silent } from "../../agent/log.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { deadAddress, httpServer, bodyOf as read, listen } from "../gateway/stage.ts";
import { bodyOf, employment, question, send } from "./stage.ts";

const request = { inputs: [{ name: "AGEP", shape: [1, 1], datatype: "FP32", data: [40] }] };
const metadata = { name: "employment", versions: ["1", "2"], inputs: [{ name: "AGEP", datatype: "FP32", shape: [-1, 1] }], outputs: [{ name: "probability", datatype: "FP32", shape: [-1] }] };

function rungBeside(server: URL = new URL("http://127.0.0.1:9")) {
  const rung = new CandidateRung({ clock: systemClock, log: silent, protocol: openInference, server, describe: () => undefined, model: () => "employment", send, ask });
  onTestFinished(() => rung.close());
  return { rung, asks: (asked: Question) => rung.answer(asked, new AbortController().signal) };
}

/** Describes its model, and says which path and headers it was asked by. */
function server(name: string): Promise<URL> {
  return httpServer((message, response) => void read(message).then(() => {
    if (message.method === "GET") response.end(JSON.stringify({ ...metadata, name }));
    else response.end(JSON.stringify({ model_name: name, outputs: [], parameters: { path: message.url, shadow: message.headers["pilotfish-shadow"] ?? null, id: message.headers["pilotfish-inference-id"] ?? null } }));
  }));
}

const parametersOf = async (answer: ReturnType<CandidateRung["answer"]>) => (bodyOf(await answer) as unknown as { parameters: Record<string, unknown> }).parameters;

test("with nothing behind it, it can not answer; with a server behind it that one does, and again nothing when it is taken away", async () => {
  const { rung, asks } = rungBeside();
  expect([rung.ready, (await asks(question(request))).outcome]).toEqual([false, "error"]);
  const url = await server("employment");
  expect(await rung.use({ url: url.href })).toEqual({ ok: true });
  expect([rung.ready, (await parametersOf(asks(question(request)))).path]).toEqual([true, "/v2/models/employment/infer"]);
  expect(await rung.use(undefined)).toEqual({ ok: true });
  expect([rung.ready, (await asks(question(request))).outcome]).toEqual([false, "error"]);
});

test("a version of the primary's own server is asked by its path; a copy is marked and bears the inference's id", async () => {
  const url = await server("employment");
  const { rung, asks } = rungBeside(url);
  expect(await rung.use({ version: "2" })).toEqual({ ok: true });
  const copy: Question = { ...question(request), headers: { "pilotfish-inference-id": "a1" }, shadow: "r1" };
  expect(await parametersOf(asks(copy))).toEqual({ path: "/v2/models/employment/versions/2/infer", shadow: "r1", id: "a1" });
});

test("where no server is, it says so; so it does for a file that is missing and one that is no model", async () => {
  const { rung } = rungBeside();
  const dead = await deadAddress();
  const missing = join(employment, "no-such.onnx");
  const unreadable = join(employment, "README.md");
  const used = [await rung.use({ url: dead.href }), await rung.use({ onnx: missing }), await rung.use({ onnx: unreadable })];
  expect(used.map(({ ok }) => ok)).toEqual([false, false, false]);
  expect(used.map((one) => (one.ok ? "" : one.detail))).toEqual([expect.stringContaining(dead.host), expect.stringContaining(missing), expect.stringContaining(unreadable)]);
  expect(rung.ready).toBe(false);
});

test("it describes itself: a server by its metadata, a version by that version's, a file by its inputs and outputs", async () => {
  const paths: string[] = [];
  const url = await listen(createServer((message, response) => {
    paths.push(message.url ?? "");
    response.end(JSON.stringify(metadata));
  }));
  const { rung } = rungBeside();
  expect(await rung.describe({ url: url.href })).toMatchObject({ name: "employment", inputs: metadata.inputs });
  expect(await rung.describe({ url: url.href, version: "2" })).toMatchObject({ outputs: metadata.outputs });
  expect(paths).toEqual(["/v2/models/employment", "/v2/models/employment/versions/2"]);
  expect(await rung.describe({ url: (await deadAddress()).href })).toBeUndefined();
  const file = { onnx: join(employment, "fallback.onnx"), version: "3" };
  expect(await rung.use(file)).toEqual({ ok: true });
  const described = await rung.describe(file);
  expect(described?.versions).toEqual(["3"]);
  expect(described?.inputs.length).toBeGreaterThan(0);
  expect(described?.inputs.every(({ datatype, shape }) => /^(FP32|FP64|INT64|BYTES)$/.test(datatype) && shape.every(Number.isInteger))).toBe(true);
  expect(described?.outputs.length).toBeGreaterThan(0);
});

test("of two that are put behind it at once the later one stays", async () => {
  const url = await server("employment");
  const { rung, asks } = rungBeside();
  const [first, second] = await Promise.all([rung.use({ onnx: join(employment, "fallback.onnx") }), rung.use({ url: url.href })]);
  expect([first.ok, second]).toEqual([false, { ok: true }]);
  expect((await parametersOf(asks(question(request)))).path).toBe("/v2/models/employment/infer");
});

test("no rung of the ladder may bear its name", () => {
  expect(nameMistakes(ladderOptions.parse([{ kind: "default", name: "candidate", outputs: { probability: 0.5 } }]))).toMatchObject([{ path: "ladder.0.name" }]);
});
