import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { api, type ApiDeps } from "../../agent/api/api.ts";
import { apiOptions, apiOptionsProblem } from "../../agent/api/options.ts";
import { routes, type RoutesDeps } from "../../agent/routes.ts";
import { silent } from "../../agent/log.ts";
import type { AuditEntry } from "../../agent/audit.ts";
import type { ActualObservation } from "../../agent/observation.ts";
import { snapshotDocument, subprotocol } from "../../exporters/frames.ts";
import type { StateSignal } from "../../exporters/signal.ts";
import { signalHub, signalsOptions, type SignalHub } from "../../exporters/websocket.ts";
import { FakeClock } from "../fake-clock.ts";
import { SignalClient } from "../exporters/signal-client.ts";

const failed: StateSignal = {
  type: "state",
  target: { model: "employment", version: undefined, endpoint: "http://127.0.0.1:8080" },
  status: "failed",
  rung: "small",
  reason: "circuit-open",
  cause: { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" },
  sinceWallMs: Date.UTC(2026, 0, 1),
  rev: 1,
};

const nothingKept = async () => ({ result: "missing" as const, message: "there is none" });
const noReferences: RoutesDeps["references"] = {
  list: () => ({ active: null, configured: null, references: [] }),
  upload: nothingKept, activate: nothingKept, rollBack: nothingKept, remove: nothingKept,
};

let clock: FakeClock;
let hub: SignalHub;
let actuals: ActualObservation[];
let audited: AuditEntry[];
let deps: Deps;
/** What the listener and the routes are handed. */
type Deps = Omit<ApiDeps, "routes"> & RoutesDeps;

let port: number;
let folder: string;
const closing: (() => void | Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilotfish-api-"));
  clock = new FakeClock();
  hub = signalHub({ clock, instance: "pod-7", log: silent }, signalsOptions.parse({}));
  actuals = [];
  audited = [];
  deps = {
    clock,
    log: silent,
    state: () => ({ status: "healthy" }),
    retrain: { view: async () => ({ enabled: false, waits: undefined, window: undefined, requests: [] }), request: () => ({ ok: false, detail: "it is off" }) },
    ready: () => ({ ready: true, reasons: [] }),
    metrics: (_, response) => void response.setHeader("content-type", "text/plain").end("pilotfish_up 1\n"),
    actual: (observation) => void actuals.push(observation),
    connect: hub.connect,
    audit: (entry) => void audited.push(entry),
    answered: () => {},
    dropped: () => {},
    version: "test",
    config: () => ({}),
    reload: undefined,
    events: async () => [],
    samples: () => ({ ok: true, accepted: 0, ignored: 0 }),
    referencesSizeMax: 1_024,
    references: noReferences,
    snapshot: hub.snapshot,
    features: async () => undefined,
    recorded: () => ({ timesMs: new Float64Array(), series: [], events: [] }),
    overrides: { current: () => undefined, decide: () => ({ ok: false, detail: "not here" }), release: () => undefined },
    reviews: { list: () => ({ reviews: [], next: undefined }), get: () => undefined, answer: () => ({ ok: false, why: "unknown", detail: "not here" }) },
    rollouts: {} as Deps["rollouts"],
    recordings: { list: async () => [], read: async () => undefined },
    stream: hub.stream,
  };
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

async function open(options: Record<string, unknown> = {}, changed: Partial<Deps> = {}): Promise<void> {
  const all = { ...deps, ...changed };
  const { address, close } = await api(apiOptions.parse({ port: 0, ...options }), { ...all, routes: routes(all) }).start();
  closing.push(close);
  port = address.port;
}

async function openWithToken(options: Record<string, unknown> = {}): Promise<void> {
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, "a-secret\n");
  await open({ tokenFile, ...options });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

/** node:http rather than fetch, which does not let a test choose Host and Origin. */
async function ask(path: string, { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> {
  const request = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent: false });
  request.end(body);
  const [response] = await once(request, "response");
  const text = (await response.setEncoding("utf8").toArray()).join("");
  const json: unknown = /json/.test(response.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : undefined;
  return { status: response.statusCode, headers: response.headers, text, json };
}

function post(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return ask("/v1/actuals", { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text });
}

/** The status with which an upgrade is refused. */
async function refusedUpgrade(protocols: string | string[], options: Record<string, unknown> = {}): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/signals`, protocols, options);
  const [request, response] = await once(socket, "unexpected-response");
  expect(response.headers["content-type"]).toContain("application/problem+json");
  request.destroy();
  return response.statusCode;
}

describe("health and metrics", () => {
  test("livez answers, readyz says why not, metrics are the exporter's", async () => {
    let reasons: string[] = [];
    await open({}, { ready: () => ({ ready: reasons.length === 0, reasons }) });
    expect((await ask("/livez")).status).toBe(200);
    expect(await ask("/readyz")).toMatchObject({ status: 200, json: { ready: true, reasons: [] } });
    reasons = ["no rung can answer"];
    expect(await ask("/readyz")).toMatchObject({ status: 503, json: { ready: false, reasons } });
    expect(await ask("/metrics")).toMatchObject({ status: 200, text: "pilotfish_up 1\n" });
  });

  test("a part that is broken answers 500 without its words, and the next request is served", async () => {
    const broken = () => {
      throw new Error("a secret path");
    };
    await open({}, { ready: broken, state: broken });
    for (const path of ["/readyz", "/v1/state"]) {
      const answer = await ask(path);
      expect(answer).toMatchObject({ status: 500, json: { status: 500, title: "Internal Server Error" } });
      expect(answer.text).not.toContain("secret");
    }
    expect((await ask("/livez")).status).toBe(200);
  });
});

describe("state", () => {
  test("comes with an ETag; who has it gets 304 until it changes", async () => {
    let status = "healthy";
    await open({}, { state: () => ({ status }) });
    const first = await ask("/v1/state");
    expect(first.json).toEqual({ status: "healthy" });
    const etag = first.headers.etag as string;
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      expect(await ask("/v1/state", { headers: { "if-none-match": header } })).toMatchObject({ status: 304, text: "" });
    }
    status = "failed";
    expect(await ask("/v1/state", { headers: { "if-none-match": etag } })).toMatchObject({ status: 200, json: { status: "failed" } });
  });
});

describe("signals", () => {
  test("a subscriber hears of a failover; without a websocket the same comes as a document", async () => {
    await open();
    const client = await new SignalClient(`ws://127.0.0.1:${port}/v1/signals`).opened();
    expect(client.socket.protocol).toBe(subprotocol);
    client.say("hello");
    await client.until("snapshot.end");
    hub.announce(failed);
    expect((await client.until("state")).body.status).toBe("failed");

    const document = snapshotDocument.parse((await ask("/v1/signals")).json);
    expect(document.states).toMatchObject([{ status: "failed", rung: "small" }]);
  });

  test("another subprotocol, or none, is refused with 400", async () => {
    await open();
    expect(await refusedUpgrade("pilotfish.v2+json")).toBe(400);
    expect(await refusedUpgrade([])).toBe(400);
    const many = new WebSocket(`ws://127.0.0.1:${port}/v1/signals`, ["pilotfish.v2+json", subprotocol]);
    await once(many, "open");
    expect(many.protocol).toBe(subprotocol);
  });

  test("a page from elsewhere can not listen: Origin and Host must be ours", async () => {
    await open();
    expect(await refusedUpgrade(subprotocol, { origin: "https://evil.example" })).toBe(403);
    expect(await refusedUpgrade(subprotocol, { origin: "null" })).toBe(403);
    expect(await refusedUpgrade(subprotocol, { headers: { host: "evil.example:9081" } })).toBe(403);
    const page = new WebSocket(`ws://127.0.0.1:${port}/v1/signals`, subprotocol, { origin: "http://localhost:3000" });
    await once(page, "open");
  });

  test("closing does not wait for subscribers that stay", async () => {
    await open();
    const client = await new SignalClient(`ws://127.0.0.1:${port}/v1/signals`).opened();
    await closing.pop()?.();
    expect(await client.closed).toBe(1006);
  });
});

describe("access", () => {
  test("with a token, all but health and metrics ask for it", async () => {
    await openWithToken();
    for (const path of ["/livez", "/readyz", "/metrics"]) expect((await ask(path)).status).toBe(200);
    for (const authorization of [undefined, "a-secret", "Bearer", "Bearer a-secre", "Bearer a-secret2", "Basic a-secret"]) {
      const answer = await ask("/v1/state", authorization === undefined ? {} : { headers: { authorization } });
      expect(answer).toMatchObject({ status: 401, json: { status: 401, title: "Unauthorized" } });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
    }
    expect((await ask("/v1/state", { headers: { authorization: "Bearer a-secret" } })).status).toBe(200);
    expect((await ask("/v1/state?token=a-secret")).status).toBe(401);
    expect((await ask("/v1/unknown")).status).toBe(401);
    expect((await post({ inference_id: "a", actual: 1 })).status).toBe(401);
    expect(actuals).toEqual([]);

    expect(await refusedUpgrade(subprotocol)).toBe(401);
    const headers = { authorization: "Bearer a-secret" };
    await new SignalClient(`ws://127.0.0.1:${port}/v1/signals`, { headers }).opened();
  });

  test("on loopback only loopback's names are served, so that a rebound name gets nothing", async () => {
    await open();
    for (const host of ["127.0.0.1", "localhost:9081", "[::1]:9081", "127.8.9.1"]) {
      expect((await ask("/v1/state", { headers: { host } })).status).toBe(200);
    }
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9081", "bad host"]) {
      expect((await ask("/v1/state", { headers: { host } })).status).toBe(403);
    }
    for (const origin of ["http://evil.example", "null", "http://localhost.evil.example"]) {
      expect((await post({ inference_id: "a", actual: 1 }, { origin })).status).toBe(403);
    }
    expect(actuals).toEqual([]);
  });

  test("off loopback any Host is served, with the token, and a page of the same host may ask", async () => {
    await openWithToken({ host: "0.0.0.0" });
    const headers = { authorization: "Bearer a-secret", host: "pilotfish.example:9081" };
    expect((await ask("/v1/state", { headers })).status).toBe(200);
    expect((await ask("/v1/state", { headers: { ...headers, origin: "https://pilotfish.example:9081" } })).status).toBe(200);
    expect((await ask("/v1/state", { headers: { ...headers, origin: "https://evil.example" } })).status).toBe(403);
  });

  test("off loopback without a token it does not start", async () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.7", "model.example"]) {
      expect(apiOptionsProblem(apiOptions.parse({ host }))).toContain("api.tokenFile");
      await expect(api(apiOptions.parse({ host, port: 0 }), { ...deps, routes: [] }).start()).rejects.toThrow(/api\.host .* is not loopback/);
    }
    for (const host of ["127.0.0.1", "localhost", "::1"]) expect(apiOptionsProblem(apiOptions.parse({ host }))).toBeUndefined();
  });

  test("a token file that is missing or empty stops the start", async () => {
    const tokenFile = join(folder, "token");
    await expect(open({ tokenFile })).rejects.toThrow(/api\.tokenFile: ENOENT/);
    await writeFile(tokenFile, " \n");
    await expect(open({ tokenFile })).rejects.toThrow(/api\.tokenFile: .* is empty/);
  });

  test("a port in use is named, with the option to change", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const taken = (other.address() as AddressInfo).port;
    await expect(open({ port: taken })).rejects.toThrow(`can not listen on 127.0.0.1:${taken}: the port is in use; change api.port`);
    other.close();
  });
});

describe("actuals", () => {
  test("one, one with a value for each row, or a batch: taken with the time of arrival", async () => {
    await open();
    expect(await post({ inference_id: "a", actual: 1 })).toMatchObject({ status: 202, json: { accepted: 1 } });
    expect(await post({ inference_id: "b", actuals: [1, 0] })).toMatchObject({ status: 202, json: { accepted: 1 } });
    expect(await post([{ inference_id: "c", actual: "yes" }, { inference_id: "d", actual: false }])).toMatchObject({ status: 202, json: { accepted: 2 } });
    const atWallMs = clock.wallMs();
    expect(actuals).toEqual([
      { kind: "actual", inferenceId: "a", values: [1], atWallMs },
      { kind: "actual", inferenceId: "b", values: [1, 0], atWallMs },
      { kind: "actual", inferenceId: "c", values: ["yes"], atWallMs },
      { kind: "actual", inferenceId: "d", values: [false], atWallMs },
    ]);
  });

  test("one may say when it came true; what is said of the future has not come true yet, and nothing of its batch is taken", async () => {
    await open();
    const at = (ms: number) => new Date(clock.wallMs() + ms).toISOString();
    expect(await post({ inference_id: "a", actual: 1, at: at(-86_400_000) })).toMatchObject({ status: 202 });
    expect(actuals).toMatchObject([{ inferenceId: "a", atWallMs: clock.wallMs() - 86_400_000 }]);
    const early = [{ inference_id: "b", actual: 1, at: at(30_000) }, { inference_id: "c", actual: 1, at: at(61_000) }];
    expect(await post(early)).toMatchObject({ status: 400, json: { errors: [{ pointer: "#/1/at", detail: expect.stringContaining("not come true yet") as string }] } });
    expect(await post({ inference_id: "d", actual: 1, at: "tomorrow" })).toMatchObject({ status: 400, json: { errors: [{ pointer: "#/at" }] } });
    expect(actuals.length).toBe(1);
  });

  test("every mistake is named with its path, and nothing of the batch is taken", async () => {
    await open();
    const answer = await post([{ inference_id: "a", actual: 1 }, { actual: 1 }, { inference_id: "c" }, { inference_id: "d", actual: null, extra: 1 }]);
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    const { errors } = answer.json as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(["#/1/inference_id", "#/2", "#/3", "#/3/actual"]);
    expect(actuals).toEqual([]);
  });

  test.each([
    ["{", 400],
    ["", 400],
    ["null", 400],
    ["[]", 400],
    ['{"inference_id": "a", "actual": 1, "actuals": [1]}', 400],
    ['{"inference_id": "a", "actual": 1e999}', 400],
    ['{"inference_id": "a", "actuals": []}', 400],
    [JSON.stringify(Array.from({ length: 1_001 }, () => ({ inference_id: "a", actual: 1 }))), 400],
    [JSON.stringify({ inference_id: "a", actual: "x".repeat(1_048_576) }), 413],
  ])("%.60s is refused with %i", async (body, status) => {
    await open();
    expect(await post(body)).toMatchObject({ status, json: { type: "about:blank", status } });
    expect(actuals).toEqual([]);
  });

  test("a body without a length is cut off at the limit too", async () => {
    await open({ bodyMax: "1KiB" });
    const body = JSON.stringify({ inference_id: "a", actual: "x".repeat(2_000) });
    expect((await post(body, { "transfer-encoding": "chunked" })).status).toBe(413);
  });

  test("another content type is refused with 415", async () => {
    await open();
    expect((await post("a", { "content-type": "text/plain" })).status).toBe(415);
  });
});

describe("what is no route", () => {
  test("is a problem: 404, or 405 with the method that is allowed", async () => {
    await open();
    expect(await ask("/v2/state")).toMatchObject({ status: 404, json: { title: "Not Found", detail: "no route /v2/state" } });
    for (const path of ["/__proto__", "/constructor", "/v1/%zz"]) expect([400, 404]).toContain((await ask(path)).status);
    const wrong = await ask("/v1/actuals");
    expect(wrong).toMatchObject({ status: 405, json: { title: "Method Not Allowed" } });
    expect(wrong.headers.allow).toBe("POST");
    expect((await ask("/livez", { method: "POST" })).headers.allow).toBe("GET, HEAD");
    expect(await ask("/livez", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });

  test("what is no HTTP gets a problem and loses its connection", async () => {
    await open();
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + "x".repeat(20_000) + "\r\n\r\n");
    const text = (await socket.setEncoding("utf8").toArray()).join("");
    expect(text).toContain("HTTP/1.1 431 Request Header Fields Too Large");
    expect(text).toContain("application/problem+json");
  });

  test("an offer to upgrade to something else is passed over, as RFC 9110 wants", async () => {
    await open();
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "" };
    expect(await ask("/v1/state", { headers })).toMatchObject({ status: 200, json: { status: "healthy" } });
  });
});
