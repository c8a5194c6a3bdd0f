/** `pilotfish status` against a control API of a few lines: what it prints, and the exit code a script can rely on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { call } from "./call.ts";

const healthy = {
  version: "0.1.0",
  instance: "pod-7",
  model: { name: "employment", version: "2" },
  server: { url: "http://127.0.0.1:8080", description: null },
  status: "healthy",
  rung: "primary",
  reason: "normal",
  since: "2026-01-01T00:00:00.000Z",
  cause: { detector: "none", code: "none", evidence: "" },
  probes: { http: { verdict: "pass", reason: "none", detail: "GET /v2/health/ready answered 200" }, progress: { verdict: "unknown", reason: "none", detail: "" } },
  drift: [],
  notes: [],
};

const failed = {
  ...healthy,
  model: { name: "employment", version: null },
  status: "failed",
  rung: "onnx",
  reason: "circuit-open",
  cause: { detector: "traffic", code: "refused", evidence: "5 requests in a row failed, the last one: refused" },
  drift: [{ stream: "features", message: "employment drifted: RELP" }],
};

async function fakeApi(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const telling = (state: unknown) => fakeApi((request, response) => response.writeHead(request.url === "/v1/state" ? 200 : 404).end(JSON.stringify(state)));

test("a healthy primary: who answers, since when, what the probes say; exit code 0", async () => {
  const url = await telling(healthy);
  expect(await call(["status", "--url", url])).toEqual({
    code: 0,
    err: "",
    out: `employment version 2 at http://127.0.0.1:8080: healthy since 2026-01-01T00:00:00.000Z
answers come from: primary
probe http: pass, GET /v2/health/ready answered 200
probe progress: unknown
`,
  });
});

test("what each rung is worth, where copies have told", async () => {
  const price = { standing: "qualified", message: "agrees with the primary in 96 % of 240 answers (at least 90 % asked)", seconds: { median: 0.0042, p95: 0.009 } };
  const ladder = [{ name: "small", kind: "onnx", price }, { name: "default", kind: "default", price: null }];
  const { out } = await call(["status", "--url", await telling({ ...healthy, ladder })]);
  expect(out.split("\n").slice(2, 4)).toEqual(["rung small: qualified, agrees with the primary in 96 % of 240 answers (at least 90 % asked), half of its answers within 4.2 ms", "probe http: pass, GET /v2/health/ready answered 200"]);
});

test("a failed one: why, and what drifts; exit code 1", async () => {
  const { code, out } = await call(["status", "--url", await telling(failed)]);
  expect(code).toBe(1);
  expect(out.split("\n").slice(0, 3)).toEqual([
    "employment at http://127.0.0.1:8080: failed since 2026-01-01T00:00:00.000Z",
    "answers come from: onnx (circuit-open)",
    "because: 5 requests in a row failed, the last one: refused (traffic, refused)",
  ]);
  expect(out).toContain("drift of features: employment drifted: RELP\n");
});

test.for([
  ["healthy", 0], ["suspect", 0], ["degraded", 0],
  ["unknown", 1], ["failed", 1], ["probation", 1], ["isolated", 1], ["draining", 1],
] as const)("%s exits with %i, as JSON too", async ([status, code]) => {
  const url = await telling({ ...healthy, status });
  expect((await call(["status", "--url", url])).code).toBe(code);
  const asJson = await call(["status", "--url", url, "--json"]);
  expect(asJson).toMatchObject({ code, err: "" });
  expect(JSON.parse(asJson.out)).toEqual({ ...healthy, status });
});

test("nobody there: exit code 1, the address, and what to look at", async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const { code, out, err } = await call(["status", "--url", `http://127.0.0.1:${port}`]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(new RegExp(`^pilotfish status: http://127\\.0\\.0\\.1:${port}/v1/state: refused \\(.+\\); is Pilotfish running there\\? --api names another control API\n$`));
});

test("a token is taken from its file; without it, it is asked for", async () => {
  const url = await fakeApi(({ headers }, response) => {
    if (headers.authorization === "Bearer sesame") response.end(JSON.stringify(healthy));
    else response.writeHead(401).end();
  });
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-status-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "token"), "sesame\n");
  expect((await call(["status", "--url", url, "--token-file", "token"], folder)).code).toBe(0);
  expect(await call(["status", "--url", url])).toMatchObject({ code: 1, out: "", err: `pilotfish status: ${url}/v1/state: it asks for a token; name the file that holds it with --token-file or PILOTFISH_TOKEN_FILE\n` });
});

test.for<readonly [what: string, status: number, body: string, says: string]>([
  ["another program", 404, "not found", "it answered 404; is that the control API of a Pilotfish?"],
  ["one that says 200 to everything", 200, "<html>", "it told no state"],
  ["one that is starting", 200, '{"version": "0.1.0", "instance": "pod-7", "status": "unknown"}', "it is still starting"],
])("%s is no reason to fall over", async ([, status, body, says]) => {
  const url = await fakeApi((_, response) => response.writeHead(status).end(body));
  const { code, out, err } = await call(["status", "--url", url]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain(says);
});

const recording = {
  id: "20260101T000500Z-PilotfishFailover", version: "0.1.0", instance: "pod-7", at: "2026-01-01T00:05:00.000Z",
  page: { name: "PilotfishFailover", summary: "Predictions of model m are not answered by its primary", description: "it is failed" },
  events: [{ at: "2026-01-01T00:04:56.000Z", what: "transition", text: "healthy -> failed" }],
  times: [Date.UTC(2026, 0, 1, 0, 4, 59)],
  series: [{ name: "pilotfish.failover.state", labels: { model: "m", state: "failed" }, unit: "", values: [1] }],
};

const recorded = (ids: readonly string[]) =>
  fakeApi((request, response) => {
    const list = { recordings: ids.map((id) => ({ id, url: `/v1/recordings/${id}` })) };
    const known: Readonly<Record<string, unknown>> = { "/v1/recordings": list, [`/v1/recordings/${recording.id}`]: recording };
    response.writeHead(known[request.url ?? ""] === undefined ? 404 : 200).end(JSON.stringify(known[request.url ?? ""]));
  });

test("--last-incident tells the time line of the latest recording; as JSON the recording itself", async () => {
  const url = await recorded([recording.id, "20250101T000000Z-PilotfishDrift"]);
  const { code, out } = await call(["status", "--last-incident", "--url", url]);
  expect(code).toBe(0);
  expect(out).toMatch(/^PilotfishFailover at 2026-01-01T00:05:00.000Z: Predictions/);
  expect(out).toContain("  -0:04  > transition: healthy -> failed\n");
  expect(JSON.parse((await call(["status", "--last-incident", "--json", "--url", url])).out)).toEqual(recording);
});

test("without an incident it says so, and what may be the reason", async () => {
  const { code, err } = await call(["status", "--last-incident", "--url", await recorded([])]);
  expect([code, err]).toEqual([1, expect.stringContaining("nothing has paged, or store.path is not set") as string]);
});
