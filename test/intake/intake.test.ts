/** Events of payload loggers, in each mode that HTTP has, become samples; what never finds its other half is let go and counted. */
import { beforeEach, describe, expect, test } from "vitest";
import { batchType, readCloudEvents, structuredType } from "../../agent/intake/cloud-events.ts";
import { intake, type Intake } from "../../agent/intake/intake.ts";
import { intakeOptions } from "../../agent/intake/options.ts";
import type { ExchangeObservation, Observation, SampleObservation } from "../../agent/observation.ts";
import { FakeClock } from "../fake-clock.ts";

const kserve = "org.kubeflow.serving.inference";
const seldon = "io.seldon.serving.inference";

let clock: FakeClock;
let seen: Observation[];
let dropped: Record<string, number>;

beforeEach(() => {
  clock = new FakeClock();
  seen = [];
  dropped = {};
});

function open(options: Readonly<Record<string, unknown>> = {}, model?: string): Intake {
  return intake(intakeOptions.parse(options), {
    clock,
    observe: (observation) => void seen.push(observation),
    protocol: () => "open-inference",
    model: () => model,
    dropped: (what, count = 1) => void (dropped[what] = (dropped[what] ?? 0) + count),
  });
}

function event(type: string, id: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { specversion: "1.0", id, source: "http://localhost/", type, ...more };
}

function structured(one: Intake, body: unknown) {
  return one.take(Array.isArray(body) ? batchType : structuredType, {}, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
}

const samples = () => seen.filter((one): one is SampleObservation => one.kind === "sample");
const exchanges = () => seen.filter((one): one is ExchangeObservation => one.kind === "exchange");

describe("pairs", () => {
  test("KServe's logger, in binary mode: both halves of one id make a sample, bytes as they came", () => {
    const one = open();
    const headers = (kind: string) => ({ "ce-specversion": "1.0", "ce-id": "7", "ce-source": "s", "ce-type": `${kserve}.${kind}`, "ce-inferenceservicename": "iris", "ce-namespace": "default" });
    const request = Buffer.from('{"inputs": [9007199254740993, 1.0]}');
    const response = Buffer.from([0, 1, 2, 255]);
    expect(one.take("application/json", headers("request"), request)).toEqual({ ok: true, accepted: 1, ignored: 0 });
    expect(seen).toEqual([]);
    one.take("application/octet-stream", headers("response"), response);
    expect(samples()).toEqual([{ kind: "sample", inferenceId: "7", model: "iris", version: undefined, rung: "primary", protocol: "open-inference", request, response, atWallMs: clock.wallMs() }]);
    expect([exchanges(), one.waiting()]).toEqual([[], 0]);
  });

  test("Seldon's logger, structured: paired by requestid, in either order, in the protocol it names", () => {
    const one = open();
    structured(one, event(`${seldon}.response`, "b", { requestid: "7", modelid: "income", protocol: "tensorflow", data: { predictions: [1] } }));
    structured(one, event(`${seldon}.request`, "a", { requestid: "7", modelid: "income", protocol: "tensorflow", data: { instances: [[9_007_199_254_740_993n.toString()]] } }));
    expect(samples()).toMatchObject([{ inferenceId: "7", model: "income", protocol: "tf-serving" }]);
    expect(Buffer.from(samples()[0]?.response ?? []).toString()).toBe('{"predictions":[1]}');
  });

  test("numbers of a structured event keep their digits", () => {
    const one = open();
    structured(one, `{"specversion":"1.0","id":"1","source":"s","type":"${kserve}.request","data":{"x":[9007199254740993,1.0]}}`);
    structured(one, event(`${kserve}.response`, "1", { data_base64: Buffer.from("bytes").toString("base64") }));
    expect(Buffer.from(samples()[0]?.request ?? []).toString()).toBe('{"x":[9007199254740993,1.0]}');
    expect(Buffer.from(samples()[0]?.response ?? []).toString()).toBe("bytes");
  });

  test("with times on both halves it is an exchange too, which took as long as lies between them", () => {
    const one = open({}, "configured");
    structured(one, [
      event(`${kserve}.request`, "1", { time: "2026-01-01T00:00:00.000Z", inferenceservicename: "iris", data: {} }),
      event(`${kserve}.response`, "1", { time: "2026-01-01T00:00:00.250Z", inferenceservicename: "iris", data: {} }),
    ]);
    expect(exchanges()).toMatchObject([{ inferenceId: "1", model: "configured", inference: true, outcome: "ok", rung: "primary", durationMs: 250 }]);
  });

  test("one id of two services is two inferences; a half that comes twice is counted, and the pair is made once", () => {
    const one = open();
    structured(one, event(`${kserve}.request`, "1", { inferenceservicename: "a", data: 1 }));
    structured(one, event(`${kserve}.response`, "1", { inferenceservicename: "b", data: 2 }));
    structured(one, event(`${kserve}.request`, "1", { inferenceservicename: "a", data: 3 }));
    expect([samples(), one.waiting(), dropped]).toEqual([[], 2, { "intake-duplicates": 1 }]);
    structured(one, event(`${kserve}.response`, "1", { inferenceservicename: "a", data: 4 }));
    expect(samples().map(({ request, response }) => Buffer.concat([request, response]).toString())).toEqual(["14"]);
  });

  test("events of other kinds are passed over and said", () => {
    const one = open();
    expect(structured(one, [event("io.seldon.serving.feedback", "1"), event(`${kserve}.request`, "2", { data: 1 })])).toEqual({ ok: true, accepted: 1, ignored: 1 });
  });
});

describe("bounds", () => {
  test("a half waits so long and no longer", () => {
    const one = open({ wait: "2s" });
    const close = one.start();
    structured(one, event(`${kserve}.request`, "1", { data: 1 }));
    clock.advance(1_000);
    structured(one, event(`${kserve}.request`, "2", { data: 1 }));
    clock.advance(1_000);
    expect([one.waiting(), dropped]).toEqual([1, { "intake-pairs": 1 }]);
    clock.advance(1_000);
    expect([one.waiting(), dropped]).toEqual([0, { "intake-pairs": 2 }]);
    void close();
    expect(clock.pending).toBe(0);
  });

  test("so many wait, and so much of them; beyond that the oldest go", () => {
    const many = open({ waiting: 3 });
    for (let i = 0; i < 10; i += 1) structured(many, event(`${kserve}.request`, String(i), { data: 1 }));
    expect([many.waiting(), dropped["intake-pairs"]]).toEqual([3, 7]);
    structured(many, event(`${kserve}.response`, "9", { data: 1 }));
    structured(many, event(`${kserve}.response`, "0", { data: 1 }));
    expect(samples().map(({ inferenceId }) => inferenceId)).toEqual(["9"]);

    const large = open({ waitingBytes: "1KiB" });
    for (let i = 0; i < 10; i += 1) structured(large, event(`${kserve}.request`, String(i), { data: "x".repeat(500), datacontenttype: "text/plain" }));
    expect(large.waiting()).toBe(2);
  });
});

describe("mistakes", () => {
  test.each([
    ["no object", structuredType, "[]", "#"],
    ["no JSON", structuredType, "{", "#"],
    ["another version", structuredType, '{"specversion":"0.3"}', "#/specversion"],
    ["no id", structuredType, '{"specversion":"1.0","source":"s","type":"t"}', "#/id"],
    ["no source", structuredType, '{"specversion":"1.0","id":"1","type":"t"}', "#/source"],
    ["a type too long", structuredType, JSON.stringify(event("t".repeat(5_000), "1")), "#/type"],
    ["no time", structuredType, JSON.stringify(event("t", "1", { time: "soon" })), "#/time"],
    ["an attribute that is an object", structuredType, JSON.stringify(event("t", "1", { "a/b": {} })), "#/a~1b"],
    ["no base64", structuredType, JSON.stringify(event("t", "1", { data_base64: "*" })), "#/data_base64"],
    ["two kinds of data", structuredType, JSON.stringify(event("t", "1", { data: 1, data_base64: "AA==" })), "#/data_base64"],
    ["no batch", batchType, "{}", "#"],
    ["one bad event of a batch", batchType, JSON.stringify([event("t", "1"), event("t", "")]), "#/1/id"],
    ["too many events", batchType, JSON.stringify(Array.from({ length: 1_001 }, () => 0)), "#"],
  ])("%s is told where it stands, and nothing is taken", (_, type, body, pointer) => {
    const one = open();
    const taken = one.take(type, {}, Buffer.from(body));
    expect(taken).toMatchObject({ ok: false, mistakes: [{ pointer: pointer.replace("~1", "~1") }] });
    expect(one.waiting()).toBe(0);
  });

  test("in binary mode the header is named, and percent-encoding is read", () => {
    const headers = { "ce-specversion": "1.0", "ce-id": "Euro%20%E2%82%AC%20100%", "ce-source": "s", "ce-type": "t" };
    expect(readCloudEvents("application/json", headers, Buffer.from("1"))).toMatchObject({ ok: true, events: [{ id: "Euro € 100%" }] });
    expect(readCloudEvents("application/json", { ...headers, "ce-id": "%ff" }, Buffer.from("1"))).toMatchObject({ ok: false, mistakes: [{ pointer: "ce-id" }] });
    expect(readCloudEvents("application/json", {}, Buffer.from("1"))).toMatchObject({ ok: false, mistakes: [{ pointer: "ce-specversion" }] });
  });
});
