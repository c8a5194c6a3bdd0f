/** The version before: which one it is, where it is asked, and who loads it. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { Question } from "../../agent/backend.ts";
import type { Send, Sent } from "../../agent/ladder/relay.ts";
import { newestButOne } from "../../agent/ladder/version-rung.ts";
import { kserve } from "../../agent/protocols/kserve.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import { models, startServer } from "../examples/server-process.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, question, stage } from "./stage.ts";

const described = (...versions: readonly string[]): ModelDescription => ({ name: "employment", versions, inputs: [], outputs: [] });
const ok: Sent = { ok: true, status: 200, headers: { "content-type": "application/json" }, body: Buffer.from('{"outputs":[]}') };
const missing: Sent = { ok: true, status: 404, headers: {}, body: Buffer.from("{}") };

/** A server that says what the test wants to a path. */
function scripted(answers: (path: string) => Sent) {
  const asked: (Question & { readonly host: string })[] = [];
  const send: Send = (server, one) => {
    asked.push({ ...one, host: server.host });
    return Promise.resolve(answers(one.path));
  };
  return { asked, send, paths: () => asked.map(({ path }) => path) };
}

test.each<[string, readonly string[], string | undefined]>([
  ["the newest but one", ["1", "2", "10"], "2"],
  ["none where there is one only", ["3"], undefined],
  ["none where versions are names, whose order nobody knows", ["blue", "green"], undefined],
])("of what a server describes: %s", (_name, versions, expected) => {
  expect(newestButOne(versions)).toBe(expected);
});

test("the config's version goes before one that was told, and that before a guess", async () => {
  const { send, paths } = scripted(() => ok);
  for (const [options, told] of [[{ version: "5" }, "4"], [{}, "4"], [{}, undefined]] as const) {
    const { ask } = await stage([{ kind: "version", load: false, ...options }], described("1", "2", "3"), undefined, { send, knownGood: () => told });
    await ask({ ...question({}), path: "/v2/models/employment/infer?trace=1" });
  }
  expect(paths()).toEqual(["5", "4", "2"].map((version) => `/v2/models/employment/versions/${version}/infer?trace=1`));
});

test("a question that names a version is asked of the version before, which the answer says", async () => {
  const { send, paths } = scripted(() => ok);
  const { ask } = await stage([{ kind: "version", version: "1", load: false }], undefined, undefined, { send });
  expect(await ask({ ...question({}), path: "/v2/models/employment/versions/2/infer" })).toMatchObject({ outcome: "ok", version: "1" });
  expect(paths()).toEqual(["/v2/models/employment/versions/1/infer"]);
});

test("a version that says 200 with what is no answer has failed", async () => {
  const { send } = scripted(() => ({ ...ok, body: Buffer.from("<html>") }));
  const { ask } = await stage([{ kind: "version", version: "1", load: false }], undefined, undefined, { send });
  expect(await ask(question({}))).toEqual({ outcome: "error", detail: "answered 200 with what is no answer: no JSON" });
});

test("without a version before, and in a protocol without versions, the next rung is asked", async () => {
  const { send, asked } = scripted(() => ok);
  const none = await stage([{ kind: "version" }], described("1"), undefined, { send });
  expect(await none.ask(question({}))).toMatchObject({ outcome: "error", detail: "no version before the present one is known" });
  expect(none.ladder.usable()).toEqual([]);
  const unversioned = await stage([{ kind: "version", version: "1" }], undefined, undefined, { send, protocol: kserve });
  expect(await unversioned.ask({ ...question({}), path: "/v1/models/employment:predict" })).toMatchObject({ outcome: "unsupported" });
  expect(asked.filter(({ path }) => path.includes("infer") || path.includes("predict"))).toEqual([]);
});

test("a version that the server does not describe is loaded, once; one that it describes is not", async () => {
  for (const [versions, loads] of [[["2"], 1], [["1", "2"], 0]] as const) {
    const clock = new FakeClock();
    const { send, paths } = scripted(() => ok);
    const { told } = await stage([{ kind: "version", version: "1" }], described(...versions), clock, { send });
    await clock.advanceAsync(300_000, 1_000);
    expect(paths().filter((path) => path === "/v2/repository/models/employment/load")).toHaveLength(loads);
    expect(paths().some((path) => path.includes("unload"))).toBe(false);
    expect(told.filter(({ message }) => message === "the version before is loaded")).toHaveLength(loads);
  }
});

test("a load that fails is tried again, ever less often; it is logged each time", async () => {
  const clock = new FakeClock();
  const { send, asked } = scripted(() => ({ ok: true, status: 500, headers: {}, body: Buffer.from("") }));
  const { told, close } = await stage([{ kind: "version", version: "1" }], described("2"), clock, { send });
  await clock.advanceAsync(600_000, 1_000);
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(20);
  expect(told.every(({ level }) => level === "warn")).toBe(true);
  await close();
  expect(clock.pending).toBe(0);
});

test("a version that turns out not to be there is loaded, whatever was described", async () => {
  const clock = new FakeClock();
  const { send, paths } = scripted((path) => (path.endsWith("/infer") ? missing : ok));
  const { ask } = await stage([{ kind: "version", version: "1" }], described("1", "2"), clock, { send });
  expect((await ask(question({}))).outcome).toBe("rejected");
  await clock.advanceAsync(1_000);
  expect(paths()).toEqual(["/v2/models/employment/versions/1/infer", "/v2/repository/models/employment/load"]);
});

test("with a URL of its own another server is asked", async () => {
  const { send, asked } = scripted(() => ok);
  const { ask } = await stage([{ kind: "version", version: "1", url: "http://before:8080/", load: false }], undefined, undefined, { send });
  await ask(question({}));
  expect(asked.map(({ host }) => host)).toEqual(["before:8080"]);
});

const real = existsSync(models);
if (!real) {
  console.warn("MISSING: examples/employment/models; the version before is not tested against the example's server");
  test.runIf(process.env.PILOTFISH_REAL === "1")("the example's models are there", () => expect(real).toBe(true));
}

test.runIf(real)("the example's server answers by version 1 what version 1 answers", async () => {
  await using server = await startServer();
  const { ask } = await stage([{ kind: "version", version: "1" }], described("1", "2"), undefined, { server: new URL(server.url) });
  const { features, rows, models: expected } = (await import("../../examples/employment/expected.json", { with: { type: "json" } })).default;
  const inputs = features.map((name, at) => ({ name, datatype: "FP32", shape: [rows.length, 1], data: rows.map((row) => row[at]) }));
  const answer = await ask(question({ inputs }));
  expect(answer).toMatchObject({ outcome: "ok", version: "1" });
  expect(bodyOf(answer).outputs.find(({ name }) => name === "label")?.data).toEqual(expected["models/employment/1/model.onnx"].label);
});
