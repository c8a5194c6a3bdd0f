/** Requests held against the employment reference before the server sees them: told where they are wrong, mended, or passed on. */
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect } from "vitest";
import { parseConfig } from "../../agent/config/config.ts";
import { gates } from "../../agent/gates.ts";
import { silent } from "../../agent/log.ts";
import { readReference } from "../../agent/monitors/reference-file.ts";
import { kserve } from "../../agent/protocols/kserve.ts";
import { formatBinaryRequest, openInference } from "../../agent/protocols/open-inference.ts";
import type { ModelDescription, Protocol } from "../../agent/protocols/protocol.ts";
import { tfServing } from "../../agent/protocols/tf-serving.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, fallback, httpServer, post, rung, stage, test, type Asking } from "./stage.ts";

const read = await readReference(join(import.meta.dirname, "../../examples/employment/reference.json.gz"));
if (!read.ok) throw new Error(read.message);
const { reference } = read;
const names = reference.features.map(({ name }) => name);
const usual: Record<string, unknown> = { ...Object.fromEntries(names.map((name) => [name, 1])), AGEP: 40 };
const description: ModelDescription = { name: "employment", versions: ["1"], inputs: names.map((name) => ({ name, datatype: "FP32", shape: [-1, 1] })), outputs: [] };

const tensors = (row: Record<string, unknown>) => names.filter((name) => name in row).map((name) => ({ name, datatype: "FP32", shape: [1, 1], data: [row[name]] }));
const question = (row: Record<string, unknown>): string => JSON.stringify({ id: "q-1", inputs: tensors({ ...usual, ...row }), outputs: [{ name: "label" }] });

/** A server that keeps what it is sent, behind a gateway with these gates. */
async function staged(contract: string, { protocol = openInference, rungs = [] as ReturnType<typeof rung>[], options = {} } = {}) {
  const meter = new Meter(new FakeClock());
  const config = parseConfig(`{ server: { url: "http://127.0.0.1:1" }, contract: ${contract} }`);
  if (!config.ok) throw new Error(JSON.stringify(config.problems));
  const made = gates(config.config, { log: silent, meter, reference, review: () => {} });
  const got: { body: Buffer; headers: Record<string, unknown> }[] = [];
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      got.push({ body, headers: request.headers });
      response.end('{"model_name":"employment","outputs":[]}');
    });
  });
  const counted = async ({ name }: { readonly name: string }) => {
    const { resourceMetrics } = await meter.collect();
    const points = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
    return Object.fromEntries(points.map(({ attributes, value }) => [Object.values(attributes).join(), value]));
  };
  const { setup, counts } = made;
  return { ...(await stage(server, { gates: setup, gateCounts: counts, description: () => (protocol === openInference ? description : undefined), protocol, rungs }, options)), got, counted };
}

test("reject: 422 with the path of each thing that is wrong; the server never hears of it, and no circuit does", async () => {
  const { url, got, attempts, exchanges, counted } = await staged("{ validation: reject }", { rungs: [rung("small", fallback())] });
  const { status, headers, body } = await post(url, question({ AGEP: 400, SEX: "two" }));
  expect([status, headers["content-type"], headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([422, "application/problem+json", "none", "contract"]);
  const problem = JSON.parse(body.toString()) as { error: string; detail: string; violations: readonly { path: string; kind: string; got: string }[] };
  expect(problem.violations.map(({ path, kind, got: value }) => [path, kind, value])).toEqual([
    ["inputs[0].data[0]", "range", "400"],
    [`inputs[${names.indexOf("SEX")}].data[0]`, "type", '"two"'],
  ]);
  expect(problem.error).toBe(problem.detail);
  expect([got, attempts()]).toEqual([[], []]);
  expect(exchanges()[0]).toMatchObject({ outcome: "rejected", reason: "contract", status: 422 });
  expect(await counted(instruments.contractViolations)).toEqual({ range: 1, type: 1 });

  expect((await post(url, question({}))).status).toBe(200);
  expect(got[0]?.body.toString()).toBe(question({}));
  expect(await counted(instruments.contractRequests)).toEqual({ rejected: 1, passed: 1 });
});

test.each<[string, Asking["body"], Record<string, string>]>([
  ["chunked", [Buffer.from(question({ AGEP: 400 }).slice(0, 100)), Buffer.from(question({ AGEP: 400 }).slice(100))], {}],
  ["gzipped", gzipSync(question({ AGEP: 400 })), { "content-encoding": "gzip" }],
  ["no JSON", "{", {}],
  ["a tensor of another shape", question({}).replace('"shape":[1,1]', '"shape":[2,1]'), {}],
  ["an input missing", JSON.stringify({ inputs: tensors(usual).slice(1) }), {}],
  ["another datatype than the model's", question({}).replace("FP32", "INT64"), {}],
])("reject: %s is seen too", async (_what, body, headers) => {
  const { url, got } = await staged("{ validation: reject }");
  expect((await post(url, body, headers)).status).toBe(422);
  expect(got).toEqual([]);
});

test.each<[string, Protocol, string, string, string]>([
  ["KServe", kserve, "/v1/models/employment:predict", JSON.stringify({ instances: [usual, { ...usual, AGEP: 400 }] }), "instances[1].AGEP"],
  ["TensorFlow Serving's columns", tfServing, "/v1/models/employment:predict", JSON.stringify({ inputs: Object.fromEntries(names.map((name) => [name, [[1], [name === "AGEP" ? 400 : 1]]])) }), "inputs.AGEP[1][0]"],
])("reject: the path is the one in a body of %s", async (_what, protocol, path, body, place) => {
  const { url } = await staged("{ validation: reject }", { protocol });
  const answer = await post(url, body, {}, path);
  expect(answer.status).toBe(422);
  expect((JSON.parse(answer.body.toString()) as { violations: readonly { path: string }[] }).violations.map((violation) => violation.path)).toEqual([place]);
});

test("repair: the server gets what the client meant, all else as it was, and the client hears what was changed", async () => {
  const { url, got, counted } = await staged("{ validation: repair }");
  const { status, headers } = await post(url, question({ AGEP: 400, SEX: "2" }), { "x-mine": "1" });
  expect([status, headers["pilotfish-rung"], headers["pilotfish-repaired"]]).toEqual([200, "primary", '"AGEP";clip=1, "SEX";cast=1']);
  expect(got[0]?.body.toString()).toBe(question({ AGEP: 94, SEX: 2 }));
  expect(got[0]?.headers).toMatchObject({ "content-length": String(question({ AGEP: 94, SEX: 2 }).length), "x-mine": "1", "content-type": "application/json" });
  expect(await counted(instruments.contractRequests)).toEqual({ repaired: 1 });
  const untouched = await post(url, question({}));
  expect(untouched.headers["pilotfish-repaired"]).toBeUndefined();
});

test("repair: binary tensors, packed bodies and chunked ones arrive repaired and in their own form", async () => {
  const { url, got } = await staged("{ validation: repair }");
  const binary = (age: number) => formatBinaryRequest(names.map((name) => ({ name, datatype: "FP32", shape: [1, 1], values: [name === "AGEP" ? age : 1] })));
  const sent = binary(400);
  expect((await post(url, sent.body, { ...sent.headers })).headers["pilotfish-repaired"]).toBe('"AGEP";clip=1');
  expect(got[0]?.body.equals(binary(94).body)).toBe(true);
  expect(got[0]?.headers).toMatchObject(binary(94).headers);

  await post(url, gzipSync(question({ AGEP: 400 })), { "content-encoding": "gzip" });
  expect(gunzipSync(got[1]?.body as Buffer).toString()).toBe(question({ AGEP: 94 }));
  expect(got[1]?.headers["content-encoding"]).toBe("gzip");

  await post(url, [Buffer.from(question({ AGEP: 400 }))]);
  expect(got[2]?.body.toString()).toBe(question({ AGEP: 94 }));
});

test("repair: what can not be written anew faithfully is refused, and says why", async () => {
  const { url, got } = await staged("{ validation: repair }");
  const sealed = await post(url, question({ AGEP: 400 }), { "content-digest": "sha-256=:AAAA:" });
  expect([sealed.status, (JSON.parse(sealed.body.toString()) as { detail: string }).detail.includes("content-digest")]).toEqual([422, true]);
  expect((await post(url, question({ AGEP: 400 }).replace('"shape":[1,1]', '"shape":[1]'))).status).toBe(422);
  expect(got).toEqual([]);
});

test("repair: a second attempt and a rung get the repaired request too", async () => {
  const small = rung("small", fallback());
  const meter = new Meter(new FakeClock());
  const parsed = parseConfig('{ server: { url: "http://127.0.0.1:1" }, contract: { validation: repair } }');
  if (!parsed.ok) throw new Error("config");
  const { setup, counts } = gates(parsed.config, { log: silent, meter, reference, review: () => {} });
  const bodies: string[] = [];
  const server = await httpServer((request, response) => void bodyOf(request).then((body) => {
    bodies.push(body.toString());
    response.writeHead(500).end();
  }));
  const { url } = await stage(server, { gates: setup, gateCounts: counts, description: () => description, rungs: [small] });
  const { headers } = await post(url, question({ AGEP: 400 }));
  expect([headers["pilotfish-rung"], headers["pilotfish-repaired"]]).toEqual(["small", '"AGEP";clip=1']);
  expect(bodies).toEqual([question({ AGEP: 94 }), question({ AGEP: 94 })]);
  expect(small.asked[0]?.body.toString()).toBe(question({ AGEP: 94 }));
});

test("fallback: straight to the ladder, and where no rung can answer, 422", async () => {
  const { url, got } = await staged("{ validation: fallback }", { rungs: [rung("default", fallback())] });
  const { status, headers } = await post(url, question({ AGEP: 400 }));
  expect([status, headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([200, "default", "contract"]);
  expect(got).toEqual([]);
  const without = await staged("{ validation: fallback }");
  expect((await post(without.url, question({ AGEP: 400 }))).status).toBe(422);
});

test("observe: the request goes on as it came and is only counted", async () => {
  const { url, got, counted, exchange } = await staged("{ validation: observe }");
  const { status, headers } = await post(url, question({ AGEP: 400 }));
  expect([status, headers["pilotfish-reason"], headers["pilotfish-repaired"]]).toEqual([200, "normal", undefined]);
  expect(got[0]?.body.toString()).toBe(question({ AGEP: 400 }));
  await exchange();
  expect([await counted(instruments.contractRequests), await counted(instruments.contractViolations)]).toEqual([{ broken: 1 }, { range: 1 }]);
});

test("a body that is not held, and values beyond the bound, are passed on and counted", async () => {
  const long = await staged("{ validation: reject }", { options: { holdMax: "100B" } });
  expect((await post(long.url, question({ AGEP: 400 }))).status).toBe(200);
  expect((await post(long.url, [Buffer.from(question({ AGEP: 400 }))])).status).toBe(200);
  expect(await long.counted(instruments.contractRequests)).toEqual({ unchecked: 2 });
  const few = await staged("{ validation: reject, values: 5 }");
  expect((await post(few.url, question({}))).status).toBe(200);
  expect(await few.counted(instruments.contractUnchecked)).toEqual({ "": 16 });
});
