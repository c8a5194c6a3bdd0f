import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { ask } from "../../agent/forward/ask.ts";
import { inferenceProbe } from "../../agent/probes/inference.ts";
import { knownAnswer, knownRequest } from "../../agent/probes/known-question.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { testServer } from "./server.ts";

const never = new AbortController().signal;
const request = { inputs: [{ name: "x", shape: [1, 1], datatype: "FP32", data: [2] }] };

function probeOf(url: URL | undefined, timeoutMs = 2_000, version?: string) {
  const options = { intervalMs: 10_000, timeoutMs, body: knownRequest(request), known: { y: [4] }, tolerance: 1e-4, version };
  return inferenceProbe(options, { clock: systemClock, ask, protocol: openInference, url: () => url });
}

test("it posts the known request, marked as a probe, and passes on the known answer", async () => {
  await using server = await testServer((_, response) => response.end('{"outputs": [{"name": "y", "shape": [1], "data": [4.00001]}]}'));
  expect(await probeOf(new URL("/v2/models/square/infer", server.url)).ask(never)).toMatchObject({ probe: "inference", verdict: "pass", detail: "y as expected" });
  const [asked] = server.asked;
  expect(asked).toMatchObject({ method: "POST", path: "/v2/models/square/infer", headers: { "pilotfish-probe": "inference", "content-type": "application/json" } });
  expect(JSON.parse(asked?.body ?? "")).toEqual(request);
});

test("a wrong answer with a healthy status fails: which value, and by how much", async () => {
  await using server = await testServer((_, response) => response.end('{"outputs": [{"name": "y", "shape": [1], "data": [4.5]}]}'));
  expect(await probeOf(server.url).ask(never)).toMatchObject({ verdict: "fail", reason: "mismatch", detail: "y[0]: expected 4, got 4.5: differs by 0.500" });
});

test("of another version than the known answer's only the form is compared, and it is said; of a version that is not told the values are", async () => {
  let answer = "";
  await using server = await testServer((_, response) => response.end(answer));
  const says = (version: string | undefined, data: readonly number[]) => {
    answer = JSON.stringify({ ...(version !== undefined && { model_version: version }), outputs: [{ name: "y", shape: [data.length], data }] });
    return probeOf(server.url, 2_000, "1").ask(never);
  };
  expect(await says("1", [4])).toMatchObject({ verdict: "pass", detail: "y as expected" });
  expect(await says("1", [5])).toMatchObject({ verdict: "fail", reason: "mismatch" });
  expect(await says("2", [5])).toMatchObject({ verdict: "pass", detail: "y in the form expected; version 2 answers, and the known answer is of version 1" });
  expect(await says("2", [5, 6])).toMatchObject({ verdict: "fail", reason: "mismatch", detail: "y: expected 1 values, got 2" });
  expect(await says(undefined, [5])).toMatchObject({ verdict: "fail", reason: "mismatch" });
});

test("an engine that hangs behind an open port is a time-out", async () => {
  await using server = await testServer(() => {});
  expect(await probeOf(server.url, 50).ask(never)).toMatchObject({ verdict: "fail", reason: "timeout" });
});

test.each([
  [500, {}, "fail", "status"],
  [404, {}, "fail", "status"],
  [503, {}, "fail", "status"],
  [503, { "retry-after": "1" }, "unknown", "none"],
  [429, {}, "unknown", "none"],
])("status %d with headers %j: %s", async (status, headers, verdict, reason) => {
  await using server = await testServer((_, response) => response.writeHead(status, headers).end());
  expect(await probeOf(server.url).ask(never)).toMatchObject({ verdict, reason });
});

test("as long as the model's name is not known it is unknown for want of it", async () => {
  expect(await probeOf(undefined).ask(never)).toMatchObject({ verdict: "unknown", reason: "no-source", detail: "the model's name is not known yet" });
});

describe("the files with the known question", () => {
  let folder: string;
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "pilotfish-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a request is sent as it is written: long integers keep their digits", () => {
    const text = '{"inputs": [{"name": "id", "shape": [1], "datatype": "INT64", "data": [9007199254740993]}]}\n';
    expect(knownRequest(file("request.json", text)).toString()).toBe(text);
  });

  test("an answer may be in a file too", () => {
    expect(knownAnswer(file("answer.json", '{"label": [1, 0]}'))).toEqual({ label: [1, 0] });
    expect(knownAnswer({ label: [1] })).toEqual({ label: [1] });
  });

  test.each([
    ["no JSON", "{", /^probes\.inference\.request: .*broken\.json is no JSON: /],
    ["no object", "[1]", /^probes\.inference\.request: .*broken\.json holds no JSON object$/],
    ["too large", " ".repeat(1_048_577), /^probes\.inference\.request: .*broken\.json is larger than 1048576 bytes$/],
  ])("a request with %s is refused by the option's name", (_, text, message) => {
    expect(() => knownRequest(file("broken.json", text))).toThrow(message);
  });

  test("a file that is not there, and an answer of another form, are refused by the option's name", () => {
    expect(() => knownRequest(join(folder, "nowhere.json"))).toThrow(/^probes\.inference\.request: .*nowhere\.json can not be read: ENOENT/);
    expect(() => knownAnswer(file("broken.json", '{"label": 1}'))).toThrow(/^probes\.inference\.expect: .*broken\.json holds no outputs with lists of values: /);
    expect(() => knownAnswer(file("broken.json", "{}"))).toThrow(/expected at least one output/);
  });
});
