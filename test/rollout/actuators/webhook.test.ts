/** What receivers are sent, and what becomes of what they answer; real servers on loopback. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { redacted } from "../../../exporters/redact.ts";
import { deadAddress, rawServer } from "../../gateway/stage.ts";
import { actuation, optionsOf, receiver, telling } from "./stage.ts";

/** Soon enough for a test; what is told does not depend on it. */
const soon = { pause: "1ms", pauseMax: "2ms", timeout: "15s" };

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "pilotfish-actuators-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const body = {
  id: "r-1/roll-back/0",
  action: "roll-back",
  rollout: "r-1",
  model: "employment",
  candidate: { version: "2" },
  candidateVersion: "2",
  primaryVersion: "1",
  weight: 0,
  reason: "harm",
  evidence: "3 of 9 requests failed, against 0 of 81.",
  at: "2026-01-01T00:00:00.000Z",
};

test("a webhook is told in JSON, with the headers and the token that the config names", async () => {
  const file = join(await folder(), "token");
  await writeFile(file, "  s3cr3t-token\n");
  const { url, received } = await receiver();
  const { actuators, settled, reports } = telling(optionsOf({ kind: "webhook", url: new URL("/hooks/1?x=2", url).href, headers: { "x-team": "search" }, token: { file } }));
  actuators.run(actuation("roll-back"));
  await settled(2);
  expect(received).toEqual([expect.objectContaining({ method: "POST", url: "/hooks/1?x=2" })]);
  expect(received[0]?.headers).toMatchObject({ "content-type": "application/json", "idempotency-key": "r-1/roll-back/0", "x-team": "search", authorization: "Bearer s3cr3t-token" });
  expect(JSON.parse(received[0]?.body ?? "")).toEqual(body);
  expect(reports.at(-1)).toMatchObject({ actuator: "webhook", action: "roll-back", result: "done", attempts: 1, detail: `${url.origin} answered 204` });
});

test("a token may stand in a variable and go into another header; one that is missing is said, and there a moment later", async () => {
  const { url, received } = await receiver();
  let asked = 0;
  const environment = (name: string) => (name === "HOOK_TOKEN" && (asked += 1) > 1 ? "s3cr3t-token" : undefined);
  const { actuators, settled, reports } = telling(optionsOf({ ...soon, kind: "webhook", url: url.href, method: "PUT", token: { variable: "HOOK_TOKEN", header: "private-token" } }), { environment });
  actuators.run(actuation("start"));
  await settled(2);
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ method: "PUT", headers: { "private-token": "s3cr3t-token" } });
  expect(received[0]?.headers["authorization"]).toBeUndefined();
  expect(reports.map(({ detail }) => detail).join()).toContain("there is no token in the variable HOOK_TOKEN");
});

test("a CloudEvent carries all in its body, or its attributes as headers", async () => {
  const { url, received } = await receiver();
  const { actuators, settled } = telling(optionsOf({ kind: "cloudevent", url: url.href }, { kind: "cloudevent", name: "binary", mode: "binary", source: "/shop/ranking", url: url.href }));
  actuators.run(actuation("roll-back", { model: 'a "größer" %' }));
  await settled(3);
  const attributes = { specversion: "1.0", id: "r-1/roll-back/0", type: "io.pilotfish.rollout.rolled-back", time: "2026-01-01T00:00:00.000Z" };
  const data = { ...body, model: 'a "größer" %' };
  expect(received[0]?.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
  expect(JSON.parse(received[0]?.body ?? "")).toEqual({ ...attributes, source: "/pilotfish/pod-1", subject: data.model, datacontenttype: "application/json", data });
  const { "content-type": type, ...headers } = received[1]?.headers ?? {};
  expect(type).toBe("application/json");
  expect(headers).toMatchObject({
    "ce-specversion": "1.0", "ce-id": attributes.id, "ce-type": attributes.type, "ce-time": attributes.time,
    "ce-source": "/shop/ranking", "ce-subject": "a%20%22gr%C3%B6%C3%9Fer%22%20%25",
  });
  expect(JSON.parse(received[1]?.body ?? "")).toEqual(data);
});

test.each([
  ["start", "io.pilotfish.rollout.started"],
  ["weight", "io.pilotfish.rollout.weight"],
  ["promote", "io.pilotfish.rollout.promoted"],
  ["roll-back", "io.pilotfish.rollout.rolled-back"],
] as const)("the event of %s is %s", async (action, type) => {
  const { url, received } = await receiver();
  const { actuators, settled } = telling(optionsOf({ kind: "cloudevent", url: url.href }));
  actuators.run(actuation(action));
  await settled(2);
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ type });
});

test("a receiver that fails at first is told again, in the same words", async () => {
  const { url, received } = await receiver((n) => ({ status: [503, 500, 429, 200][n] ?? 200, ...(n === 2 && { headers: { "retry-after": "0" } }), body: "busy" }));
  const { actuators, settled, reports, results, trouble } = telling(optionsOf({ ...soon, kind: "webhook", url: url.href }));
  actuators.run(actuation("promote"));
  await settled(2);
  expect(new Set(received.map(({ body: sent }) => sent)).size).toBe(1);
  expect(new Set(received.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  expect(received).toHaveLength(4);
  expect(results()).toEqual(["webhook promote done"]);
  expect(reports.filter(({ actuator }) => actuator === "webhook").map(({ result, attempts }) => `${result} ${attempts}`)).toEqual(["under-way 0", "under-way 1", "under-way 2", "under-way 3", "done 4"]);
  expect(trouble).toEqual([]);
});

test("one that refuses is not told again", async () => {
  const { url, received } = await receiver(() => ({ status: 422, body: "no such model" }));
  const { actuators, settled, results, trouble } = telling(optionsOf({ ...soon, kind: "webhook", url: url.href }));
  actuators.run(actuation("promote"));
  await settled(2);
  expect(received).toHaveLength(1);
  expect(results()).toEqual(["webhook promote failed"]);
  expect(trouble).toMatchObject([{ actuator: "webhook", action: "promote", result: "failed", detail: `${url.origin} answered 422: no such model` }]);
});

test("a redirection is not followed: the token would go wherever it leads", async () => {
  const elsewhere = await receiver();
  const { url } = await receiver(() => ({ status: 307, headers: { location: elsewhere.url.href } }));
  const { actuators, settled, reports } = telling(optionsOf({ ...soon, kind: "webhook", url: url.href }));
  actuators.run(actuation("promote"));
  await settled(2);
  expect(elsewhere.received).toEqual([]);
  expect(reports.at(-1)).toMatchObject({ result: "failed", attempts: 1, detail: `${url.origin} answered 307; redirections are not followed` });
});

test.each([
  ["hangs", async () => (await receiver(() => "hang")).url, /no answer in its time/],
  ["is not there", deadAddress, /ECONNREFUSED/],
  ["speaks no HTTP", () => rawServer((socket) => void socket.end("220 mail\r\n")), /./],
] as const)("one that %s is given up in its time, and said so", async (_story, server, why) => {
  const url = await server();
  const { actuators, settled, reports, results } = telling(optionsOf({ kind: "webhook", url: url.href, timeout: "60ms", retries: 1, pause: "1ms", within: "5s" }));
  actuators.run(actuation("promote"));
  await settled(2);
  expect(results()).toEqual(["webhook promote failed"]);
  expect(reports.at(-1)).toMatchObject({ attempts: 2, detail: expect.stringMatching(why) as string });
});

test("secrets are shown nowhere, not even where the receiver repeats them", async () => {
  const said: string[] = [];
  const write = (fields: object, message: string) => void said.push(JSON.stringify(fields) + message);
  const log = { debug: write, info: write, warn: write, error: write };
  const { url } = await receiver((_n, { headers, url: path }) => ({ status: 400, body: `you said ${JSON.stringify(headers)} to ${path} ${"x".repeat(5_000)}` }));
  const options = optionsOf({ ...soon, kind: "webhook", url: new URL("/services/T0/hunter2-path?key=hunter2-query", url).href, headers: { "x-key": "hunter2-header" }, token: { variable: "T" } });
  const { actuators, settled, reports, trouble } = telling(options, { log, environment: () => "hunter2-token" });
  actuators.run(actuation("promote"));
  await settled(2);
  expect(reports.at(-1)?.detail).toContain(redacted);
  expect(reports.at(-1)?.detail.length).toBeLessThan(500);
  const everything = JSON.stringify([reports, trouble, said, actuators.pending()]);
  expect(everything).not.toContain("hunter2");
});
