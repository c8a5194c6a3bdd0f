/** The example server end to end: a process of its own, real models, HTTP on loopback. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareAnswer, type KnownAnswer } from "../../agent/probes/known-answer.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { inferRequest, readRows } from "../../examples/employment/rows.ts";
import { Repository } from "../../examples/server/repository.ts";
import { halfSent, models, runServer, startServer, type ServerProcess } from "./server-process.ts";

const employment = new URL("../../examples/employment/", import.meta.url);
const known = JSON.parse(readFileSync(new URL("known-request.json", employment), "utf8")) as { inputs: { name: string; datatype: string; shape: number[]; data: unknown[] }[] };
const answer = JSON.parse(readFileSync(new URL("known-answer.json", employment), "utf8")) as KnownAnswer;

interface InferAnswer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: { name: string; datatype: string; shape: number[]; data: number[] }[];
}

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.end("SIGKILL"));

async function get(path: string): Promise<[number, unknown]> {
  const response = await fetch(server.url + path);
  return [response.status, await response.json()];
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const response = await fetch(server.url + path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  return [response.status, await response.json()];
}

const infer = "/v2/models/employment/infer";

describe("health and metadata", () => {
  test("it lives, is ready, and says who it is", async () => {
    expect(await get("/v2/health/live")).toEqual([200, { live: true }]);
    expect(await get("/v2/health/ready")).toEqual([200, { ready: true }]);
    expect(await get("/v2/models/employment/ready")).toEqual([200, { name: "employment", ready: true }]);
    expect(await get("/v2/models/employment/versions/2/ready")).toEqual([200, { name: "employment", ready: true }]);
    expect(await get("/v2")).toEqual([200, { name: "example-server", version: "1.0.0", extensions: ["model_repository"] }]);
  });

  test("a model's metadata names its inputs and outputs", async () => {
    const [status, metadata] = (await get("/v2/models/employment")) as [number, { versions: string[]; inputs: unknown[]; outputs: unknown[] }];
    expect(status).toBe(200);
    expect(metadata.versions).toEqual(["1", "2"]);
    expect(metadata.inputs).toHaveLength(16);
    expect(metadata.inputs[0]).toEqual({ name: "AGEP", datatype: "FP32", shape: [-1, 1] });
    expect(metadata.outputs).toEqual([
      { name: "label", datatype: "INT64", shape: [-1] },
      { name: "probabilities", datatype: "FP32", shape: [-1, 2] },
    ]);
  });

  test("a model's metadata tells the digest of the file that serves", async () => {
    const digestOf = async (version: string) => ((await get(`/v2/models/employment/versions/${version}`)) as [number, { parameters: { digest: string } }])[1].parameters.digest;
    const file = new URL("../../examples/employment/models/employment/1/model.onnx", import.meta.url);
    expect(await digestOf("1")).toBe(`sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`);
    expect(await digestOf("2")).not.toBe(await digestOf("1"));
  });
});

describe("inference", () => {
  test("version 1 answers the known question as it must", async () => {
    const response = await fetch(server.url + infer, { method: "POST", body: JSON.stringify(known) });
    expect(compareAnswer(openInference.parseAnswer(new Uint8Array(await response.arrayBuffer())), answer, 1e-4)).toEqual({ equal: true });
  });

  test("the id comes back, and only if there was one", async () => {
    const [, named] = (await post(infer, { ...known, id: "row-17" })) as [number, InferAnswer];
    expect([named.id, named.model_name, named.model_version]).toEqual(["row-17", "employment", "1"]);
    expect((await post(infer, known))[1]).not.toHaveProperty("id");
  });

  test("a version can be named, and answers differently", async () => {
    const [, one] = (await post("/v2/models/employment/versions/1/infer", known)) as [number, InferAnswer];
    const [, two] = (await post("/v2/models/employment/versions/2/infer", known)) as [number, InferAnswer];
    expect([one.model_version, two.model_version]).toEqual(["1", "2"]);
    expect(two.outputs[1]?.data).not.toEqual(one.outputs[1]?.data);
  });

  test("nested data mean the same as flat ones", async () => {
    const nested = { inputs: known.inputs.map((input) => ({ ...input, data: input.data.map((value) => [value]) })) };
    expect(await post(infer, nested)).toEqual(await post(infer, known));
  });

  test("outputs are given as asked for", async () => {
    const [, some] = (await post(infer, { ...known, outputs: [{ name: "probabilities" }] })) as [number, InferAnswer];
    expect(some.outputs.map(({ name, shape }) => [name, ...shape])).toEqual([["probabilities", 3, 2]]);
  });

  test("a batch gives each row the answer that it gets alone", async () => {
    const rows = (await readRows("steady")).slice(0, 200);
    const [, batch] = (await post(infer, inferRequest(rows))) as [number, InferAnswer];
    expect(batch.outputs.map(({ shape }) => shape)).toEqual([[200], [200, 2]]);
    for (const i of [0, 99, 199]) {
      const [, alone] = (await post(infer, inferRequest(rows.slice(i, i + 1)))) as [number, InferAnswer];
      expect(alone.outputs[1]?.data[1]).toBeCloseTo(batch.outputs[1]?.data[2 * i + 1] as number, 6);
    }
  });
});

describe("what it refuses", () => {
  const change = (over: object) => ({ inputs: [{ ...known.inputs[0], ...over }, ...known.inputs.slice(1)] });

  test.each([
    ["no JSON", "{", "the body is no JSON"],
    ["no object", "[]", "the body must be a JSON object"],
    ["no inputs", {}, "inputs must be a list"],
    ["an id that is no text", { ...known, id: 7 }, "id must be a string"],
    ["a missing input", { inputs: known.inputs.slice(1) }, "input 'AGEP' is missing"],
    ["an input twice", { inputs: [...known.inputs, known.inputs[0]] }, "'AGEP' is there twice"],
    ["an unknown input", change({ name: "HAT" }), "no input 'HAT'"],
    ["an unknown output", { ...known, outputs: [{ name: "hat" }] }, "no output 'hat'"],
    ["another datatype", change({ datatype: "INT64" }), "must be FP32, got INT64"],
    ["another rank", change({ shape: [3] }), "must have the shape [n,1], got [3]"],
    ["another number of rows than its neighbours", change({ shape: [2, 1], data: [1, 2] }), "must have the shape [n,1], got [3,1]"],
    ["an empty batch", change({ shape: [0, 1], data: [] }), "shape of positive integers"],
    ["too few values", change({ data: [1] }), "must have 3 values for its shape [3,1], got 1"],
    ["a value of another type", change({ data: [1, null, 3] }), "holds null at 1, which is no FP32"],
  ])("%s: 400 with the reason", async (_, body, reason) => {
    const [status, { error }] = (await post(infer, body)) as [number, { error: string }];
    expect(status).toBe(400);
    expect(error).toContain(reason);
  });

  test("binary tensors, which it would misread: 400; compressed bodies: 415", async () => {
    expect((await post(infer, known, { "inference-header-content-length": "10" }))[0]).toBe(400);
    expect((await post(infer, known, { "content-encoding": "gzip" }))[0]).toBe(415);
  });

  test("unknown model, version, path: 404; another method: 405", async () => {
    expect(await post("/v2/models/hat/infer", known)).toEqual([404, { error: "unknown model 'hat'" }]);
    expect(await get("/v2/models/hat/ready")).toEqual([404, { error: "unknown model 'hat'" }]);
    expect(await post("/v2/models/employment/versions/9/infer", known)).toEqual([404, { error: "model 'employment' version '9' is not loaded" }]);
    expect((await get("/hat"))[0]).toBe(404);
    expect((await get(infer))[0]).toBe(405);
  });

  test("a body over the limit: 413, with its length announced or not, and the connection lives on", async () => {
    const large = " ".repeat(4_194_305);
    expect(await post(infer, large)).toEqual([413, { error: "the body is larger than 4194304 bytes" }]);
    const chunks = new Blob([large]).stream();
    const response = await fetch(server.url + infer, { method: "POST", body: chunks, duplex: "half" } as RequestInit);
    expect(response.status).toBe(413);
    expect((await post(infer, known))[0]).toBe(200);
  });

  test("a client that goes away in the middle of its body harms nobody", async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.end(`POST ${infer} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"inputs"`);
    socket.resume();
    await once(socket, "close");
    expect((await post(infer, known))[0]).toBe(200);
  });
});

describe("metrics", () => {
  const series = async (name: string) => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };

  test("each inference moves the progress counter by one, a refused request does not", async () => {
    const progress = 'server_inferences_total{model="employment",version="1"}';
    const before = (await series(progress)) as number;
    await post(infer, known);
    await post(infer, "{");
    expect(await series(progress)).toBe(before + 1);
    expect(await series("server_requests_in_progress")).toBe(0);
    expect(await series("server_queue_length")).toBe(0);
  });

  test("requests are counted by status, and times end in the +Inf bucket", async () => {
    const refused = (await series('server_requests_total{code="400"}')) ?? 0;
    await post(infer, "{");
    expect(await series('server_requests_total{code="400"}')).toBe(refused + 1);
    const count = await series("server_inference_duration_seconds_count");
    expect(count).toBeGreaterThan(0);
    expect(await series('server_inference_duration_seconds_bucket{le="+Inf"}')).toBe(count);
  });
});

describe("the repository", () => {
  test("version 3 waits on disk until it is loaded by its number, and goes again", async () => {
    const three = "/v2/models/employment/versions/3";
    const state = async () => ((await post("/v2/repository/index", {}))[1] as { version: string; state: string }[]).map(({ version, state: is }) => [version, is]);
    expect(await state()).toEqual([["1", "READY"], ["2", "READY"], ["3", "UNAVAILABLE"]]);
    expect((await post(`${three}/infer`, known))[0]).toBe(404);

    expect(await post("/v2/repository/models/employment/load", { parameters: { version: "3" } })).toEqual([200, {}]);
    expect(((await post(`${three}/infer`, known))[1] as InferAnswer).model_version).toBe("3");
    expect(((await post(infer, known))[1] as InferAnswer).model_version).toBe("1");

    expect((await post("/v2/repository/models/employment/unload", { parameters: { version: "3" } }))[0]).toBe(200);
    expect((await post(`${three}/infer`, known))[0]).toBe(404);
    expect(await get(`${three}/ready`)).toEqual([503, { name: "employment", ready: false }]);
  });

  test("a load without a version takes the newest that is allowed, and `serve` puts it before the public", async () => {
    const load = "/v2/repository/models/employment/load";
    const served = async () => ((await post(infer, known))[1] as InferAnswer).model_version;
    await post(load, { parameters: { serve: true } });
    expect(await served()).toBe("2");
    await post(load, { parameters: { version: "1", serve: true } });
    expect(await served()).toBe("1");
  });

  test("what is not there can not be loaded", async () => {
    expect((await post("/v2/repository/models/hat/load", {}))[0]).toBe(404);
    expect((await post("/v2/repository/models/employment/load", { parameters: { version: "9" } }))[0]).toBe(404);
    expect((await post("/v2/repository/models/employment/load", { parameters: { version: "../1" } }))[0]).toBe(404);
    expect((await post("/v2/repository/models/employment/load", { parameters: { version: 2 } }))[0]).toBe(400);
  });

  test("a model that was unloaded is not ready, and answers 503 until it is loaded again", async () => {
    await using other = await startServer();
    const ask = (path: string) => fetch(other.url + path, { method: path.includes("ready") ? "GET" : "POST", body: path.includes("ready") ? null : JSON.stringify(known) });
    await ask("/v2/repository/models/employment/unload");
    expect((await ask("/v2/health/ready")).status).toBe(503);
    expect((await ask(infer)).status).toBe(503);
    await fetch(`${other.url}/v2/repository/models/employment/load`, { method: "POST", body: '{"parameters":{"version":"1"}}' });
    expect((await ask("/v2/health/ready")).status).toBe(200);
    expect((await ask(infer)).status).toBe(200);
  });
});

describe("the process", () => {
  test("SIGTERM ends it with 0, once what it has begun is answered", async () => {
    await using other = await startServer();
    const request = await halfSent(other.url);
    const code = other.end("SIGTERM");
    await other.logged("stopping");
    expect(await request.finish()).toBe(200);
    expect(await code).toBe(0);
  });

  test.each([
    ["no models", [], "--models is required"],
    ["a port that is none", ["--models", models, "--port", "http"], "--port must be a whole number"],
    ["an unknown option", ["--models", models, "--hat"], "--hat"],
  ])("%s: it says so and ends with 2", async (_, args, reason) => {
    const child = runServer(args);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "close")).toEqual([2, null]);
    expect(said).toContain(reason);
    expect(said).toContain("usage:");
  });

  test("a folder without models: it says so and ends with 1", async () => {
    const child = runServer(["--models", fileURLToPath(new URL("data", employment))]);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said).toContain("there is no model in");
  });

  test.each([["no JSON", "{"], ["a version to serve that is not loaded", '{"versions": ["1"], "serve": "2"}']])(
    "a model.json that is %s: its name is told",
    async (_, config) => {
      const folder = await mkdtemp(join(tmpdir(), "models-"));
      try {
        await mkdir(join(folder, "employment", "1"), { recursive: true });
        await writeFile(join(folder, "employment", "model.json"), config);
        await expect(Repository.open(folder)).rejects.toThrow("model.json must be like");
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});
