/** Versions loaded, served and taken away: at the example server as a user runs it, and at servers that behave as others do. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { openai } from "../../../agent/protocols/openai.ts";
import { tfServing } from "../../../agent/protocols/tf-serving.ts";
import { torchserve } from "../../../agent/protocols/torchserve.ts";
import type { Protocol } from "../../../agent/protocols/protocol.ts";
import type { Actuation } from "../../../agent/rollout/actuators/actuation.ts";
import { startServer, type ServerProcess } from "../../examples/server-process.ts";
import { deadAddress, httpServer, bodyOf } from "../../gateway/stage.ts";
import { actuation, optionsOf, telling, type Telling } from "./stage.ts";

const soon = { pause: "1ms", pauseMax: "2ms", timeout: "20s", retries: 1 };

async function tell(server: URL, told: Actuation, options: Record<string, unknown> = {}, deps: Parameters<typeof telling>[1] = {}): Promise<Telling> {
  const given = telling(optionsOf({ kind: "repository", ...soon, ...options }), { server: () => server, ...deps });
  given.actuators.run(told);
  await given.settled(2);
  return given;
}

const last = ({ reports }: Telling) => reports.findLast(({ actuator }) => actuator === "repository");

describe("at the example server", () => {
  const question = readFileSync(new URL("../../../examples/employment/known-request.json", import.meta.url));
  const servers: ServerProcess[] = [];
  let url: URL;

  beforeAll(async () => {
    const server = await startServer();
    servers.push(server);
    url = new URL(server.url);
    return () => server[Symbol.asyncDispose]();
  });

  async function serves(): Promise<unknown> {
    const response = await fetch(new URL("/v2/models/employment/infer", url), { method: "POST", body: question });
    return ((await response.json()) as { readonly model_version?: string }).model_version;
  }
  async function loaded(): Promise<unknown> {
    return ((await (await fetch(new URL("/v2/models/employment", url))).json()) as { readonly versions: unknown }).versions;
  }

  test("a candidate is loaded at the start, serves when it is promoted, and is gone when it is rolled back", async () => {
    const about = { candidate: { version: "3" }, candidateVersion: "3", primaryVersion: "1" };
    expect([await serves(), await loaded()]).toEqual(["1", ["1", "2"]]);

    expect(last(await tell(url, actuation("start", about)))).toMatchObject({ result: "done", attempts: 1, detail: "version 3 is loaded" });
    expect([await serves(), await loaded()]).toEqual(["1", ["1", "2", "3"]]);

    expect(last(await tell(url, actuation("promote", about)))).toMatchObject({ result: "done", attempts: 1 });
    expect([await serves(), await loaded()]).toEqual(["3", ["1", "2", "3"]]);

    expect(last(await tell(url, actuation("roll-back", about)))).toMatchObject({ result: "done", attempts: 1, detail: "version 1 is loaded, and the server took the order to serve it; version 3 is gone" });
    expect([await serves(), await loaded()]).toEqual(["1", ["1", "2"]]);
  });

  test("told twice, it is so all the same", async () => {
    for (let i = 0; i < 2; i += 1) expect(last(await tell(url, actuation("roll-back")))).toMatchObject({ result: "done" });
    expect([await serves(), await loaded()]).toEqual(["1", ["1"]]);
    await tell(url, actuation("start"));
  });

  test("a candidate stays loaded where the config says so", async () => {
    expect(last(await tell(url, actuation("roll-back"), { unload: false }))).toMatchObject({ result: "done", detail: "version 1 is loaded, and the server took the order to serve it" });
    expect(await loaded()).toEqual(["1", "2"]);
  });

  test("a version to go back to that is not there leaves the candidate where it is, and somebody is called", async () => {
    const told = await tell(url, actuation("roll-back", { primaryVersion: "99" }));
    expect(last(told)).toMatchObject({ result: "failed", detail: expect.stringContaining("has no version '99'") as string });
    expect(told.trouble).toHaveLength(1);
    expect([await serves(), await loaded()]).toEqual(["1", ["1", "2"]]);
  });

  test.each<[string, Partial<Actuation>]>([
    ["another server", { candidate: { url: "http://10.0.0.7:8080", version: "2" } }],
    ["a file in the sidecar", { candidate: { onnx: "candidate.onnx" }, candidateVersion: undefined }],
    ["a version that nobody knows", { primaryVersion: undefined }],
  ])("%s is none of the server's business", async (_story, more) => {
    expect(last(await tell(url, actuation("roll-back", more)))).toMatchObject({ result: "skipped" });
    expect(await loaded()).toEqual(["1", "2"]);
  });
});

test.each<Protocol>([tfServing, openai])("$name can not be told over HTTP, which is said and nobody's fault", async (protocol) => {
  const told = await tell(await deadAddress(), actuation("roll-back"), {}, { protocol: () => protocol });
  expect(last(told)).toMatchObject({ result: "skipped", detail: `${protocol.name} has no way to load a model over HTTP` });
  expect(told.trouble).toEqual([]);
});

test("a server that is not there is tried again", async () => {
  expect(last(await tell(await deadAddress(), actuation("roll-back")))).toMatchObject({ result: "failed", attempts: 2 });
});

/** A model server of which a test says how it loads and unloads; it answers questions as the Open Inference Protocol has them. */
interface Fake {
  readonly name: string;
  readonly extensions?: readonly string[];
  versions: string[];
  readonly config?: Record<string, unknown>;
  load(parameters: Readonly<Record<string, unknown>>): void;
  unload(parameters: Readonly<Record<string, unknown>>): void;
  readonly asked: string[];
}

async function fakeServer(given: Partial<Fake> & Pick<Fake, "name">): Promise<{ readonly url: URL; readonly fake: Fake }> {
  const fake: Fake = { versions: ["1", "2"], load() {}, unload() {}, asked: [], ...given };
  const url = await httpServer((request, response) => {
    void bodyOf(request).then((bytes) => {
      const path = request.url ?? "";
      fake.asked.push(`${request.method} ${path}`);
      const answer = (status: number, body?: unknown) => void response.writeHead(status).end(body === undefined ? "" : JSON.stringify(body));
      const parameters = () => (JSON.parse(bytes.toString() || "{}") as { readonly parameters?: Record<string, unknown> }).parameters ?? {};
      const version = /^\/v2\/models\/employment\/versions\/([^/]+)\/ready$/.exec(path)?.[1];
      if (version !== undefined) return answer(fake.versions.includes(version) ? 200 : 400);
      switch (path) {
        case "/v2":
          return answer(200, { name: fake.name, extensions: fake.extensions ?? [] });
        case "/v2/models/employment":
          return answer(fake.versions.length > 0 ? 200 : 400, { name: "employment", versions: fake.versions });
        case "/v2/models/employment/config":
          return answer(200, fake.config);
        case "/v2/repository/models/employment/load":
          fake.load(parameters());
          return answer(200);
        case "/v2/repository/models/employment/unload":
          fake.unload(parameters());
          return answer(200);
        default:
          return answer(404);
      }
    });
  });
  return { url, fake };
}

describe("at a server like Triton, where the highest number serves and a load's config says which versions there are", () => {
  const triton = () => {
    const loads: Record<string, unknown>[] = [];
    return fakeServer({
      name: "triton",
      extensions: ["classification", "model_repository", "model_repository(unload_dependents)", "model_configuration"],
      config: { name: "employment", platform: "onnxruntime_onnx", version_policy: { latest: { num_versions: 1 } }, max_batch_size: 8 },
      load({ config }) {
        const given = JSON.parse(String(config)) as { readonly version_policy: { readonly specific: { readonly versions: readonly number[] } } };
        loads.push(given);
        this.versions = given.version_policy.specific.versions.map(String);
      },
    }).then((stage) => ({ ...stage, loads }));
  };

  test("a roll-back loads the version before alone, and the rest of the config stays", async () => {
    const { url, fake, loads } = await triton();
    expect(last(await tell(url, actuation("roll-back")))).toMatchObject({ result: "done", detail: "version 1 serves" });
    expect(fake.versions).toEqual(["1"]);
    expect(loads).toEqual([{ name: "employment", platform: "onnxruntime_onnx", version_policy: { specific: { versions: [1] } }, max_batch_size: 8 }]);
    expect(fake.asked.filter((line) => line.endsWith("/unload"))).toEqual([]);
    // Told again, there is nothing to do.
    expect(last(await tell(url, actuation("roll-back")))).toMatchObject({ result: "done" });
    expect(loads).toHaveLength(1);
  });

  test("a promotion keeps the version before, unless its number is the higher one", async () => {
    const { url, fake } = await triton();
    fake.versions = ["1"];
    expect(last(await tell(url, actuation("promote")))).toMatchObject({ result: "done", detail: "version 2 serves" });
    expect(fake.versions).toEqual(["1", "2"]);
    expect(last(await tell(url, actuation("promote", { candidate: { version: "1" }, candidateVersion: "1", primaryVersion: "2" })))).toMatchObject({ result: "done", detail: "version 1 serves" });
    expect(fake.versions).toEqual(["1"]);
  });

  test("nothing is loaded at the start: it would have all of the traffic", async () => {
    const { url, fake } = await triton();
    fake.versions = ["1"];
    expect(last(await tell(url, actuation("start")))).toMatchObject({ result: "skipped" });
    expect(fake.versions).toEqual(["1"]);
  });
});

describe("at a server like MLServer, which loads whatever is on its disk", () => {
  const mlserver = (disk: () => string[]) => fakeServer({ name: "mlserver", load() { this.versions = disk(); }, unload() { this.versions = []; } });

  test("a roll-back is confirmed once the candidate is off the disk, and nothing is ever unloaded", async () => {
    let disk = ["1", "2"];
    const { url, fake } = await mlserver(() => disk);
    const told = await tell(url, actuation("roll-back"));
    expect(last(told)).toMatchObject({ result: "unconfirmed", detail: expect.stringContaining("take version 2 out of its folder") as string });
    expect(told.trouble).toHaveLength(1);
    disk = ["1"];
    expect(last(await tell(url, actuation("roll-back")))).toMatchObject({ result: "done", detail: "version 1 serves" });
    expect(fake.asked.filter((line) => line.endsWith("/unload"))).toEqual([]);
  });
});

test("a server that takes the whole model away with one version is told to load it again, and somebody is called", async () => {
  const { url, fake } = await fakeServer({
    name: "careless",
    extensions: ["model_repository"],
    load({ version }): void {
      fake.versions = [...new Set([...fake.versions, String(version)])];
    },
    unload(): void {
      fake.versions = [];
    },
  });
  const told = await tell(url, actuation("roll-back"), { retries: 0 });
  expect(last(told)).toMatchObject({ result: "failed", detail: expect.stringContaining("it was told to load it again") as string });
  expect(fake.versions).toEqual(["1"]);
});

test("a server that says yes and does nothing is not believed", async () => {
  const { url } = await fakeServer({ name: "liar", extensions: ["model_repository"], versions: ["2"] });
  expect(last(await tell(url, actuation("roll-back")))).toMatchObject({ result: "failed", attempts: 2, detail: expect.stringContaining("version 1 was loaded and is not ready") as string });
  const other = await fakeServer({ name: "liar", extensions: ["model_repository"] });
  expect(last(await tell(other.url, actuation("roll-back")))).toMatchObject({ result: "unconfirmed", detail: expect.stringContaining("version 1 is loaded, and version 2 is still there") as string });
});

test("at a server like TorchServe workers are started and stopped at its other port, and the version before is made the default", async () => {
  const workers: Record<string, number> = { "1.0": 4, "2.0": 1 };
  let standard = "2.0";
  const asked: string[] = [];
  const tokens = new Set<string | undefined>();
  const url = await httpServer((request, response) => {
    tokens.add(request.headers.authorization);
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const [, , model, version = standard, verb] = pathname.split("/");
    if (request.method === "PUT") asked.push(`${pathname}${new URL(request.url ?? "", "http://x").search}`);
    if (model !== "employment" || workers[version] === undefined) return void response.writeHead(404).end('{"code":404}');
    if (request.method === "PUT" && verb === "set-default") standard = version;
    else if (request.method === "PUT") workers[version] = Number(searchParams.get("min_worker"));
    const entry = { modelName: model, modelVersion: version, workers: Array.from({ length: workers[version] ?? 0 }, (_, id) => ({ id: String(id), status: "READY" })) };
    response.writeHead(200).end(JSON.stringify(request.method === "PUT" ? { status: "ok" } : [entry]));
  });
  const protocol: Protocol = { ...torchserve, paths: { ...torchserve.paths, managementPort: Number(url.port) } };
  const about = { candidate: { version: "2.0" }, candidateVersion: "2.0", primaryVersion: "1.0" };
  const options = { token: { variable: "TS_KEY" } };
  const deps = { protocol: () => protocol, environment: () => "management-key" };
  const elsewhere = await deadAddress();

  expect(last(await tell(elsewhere, actuation("roll-back", about), options, deps))).toMatchObject({ result: "done", detail: "version 1.0 serves" });
  // Four workers are not made one.
  expect(asked).toEqual(["/models/employment/1.0/set-default", "/models/employment/2.0?min_worker=0&max_worker=0&synchronous=true"]);
  expect([standard, workers, [...tokens]]).toEqual(["1.0", { "1.0": 4, "2.0": 0 }, ["Bearer management-key"]]);

  expect(last(await tell(elsewhere, actuation("start", about), options, deps))).toMatchObject({ result: "done" });
  expect([standard, workers["2.0"]]).toEqual(["1.0", 1]);
  expect(last(await tell(elsewhere, actuation("promote", about), options, deps))).toMatchObject({ result: "done", detail: "version 2.0 serves" });
  expect(standard).toBe("2.0");
});
