/** The example server does what Pilotfish says: here a small publisher in Pilotfish's place, so that a test can say anything. */
import { expect, test } from "vitest";
import { inferRequest, readRows } from "../../examples/employment/rows.ts";
import { fakePublisher, sendSnapshot, stateBody, target } from "./fake-publisher.ts";
import { halfSent, startServer } from "./server-process.ts";

const rows = await readRows("steady");
const drain = { target, rev: 2, action: "drain", why: "the answers drifted", at: "2026-01-01T00:00:00.000Z" } as const;

function ask(url: string): Promise<Response> {
  return fetch(`${url}/v2/models/employment/infer`, { method: "POST", body: JSON.stringify(inferRequest(rows.slice(0, 1))) });
}

const readiness = async (url: string) => (await fetch(`${url}/v2/health/ready`)).status;

test("told to drain it takes no new work and finishes what runs; told to restore it takes work again", async () => {
  await using publisher = await fakePublisher();
  await using server = await startServer("--pilotfish", publisher.url);
  const connection = await publisher.connection();
  sendSnapshot(connection, 1, [stateBody(1)]);
  await server.logged("told: primary healthy");

  const early = await halfSent(server.url);
  connection.send("directive", drain, 2);
  await server.logged("told to drain");

  const refused = await ask(server.url);
  expect([refused.status, refused.headers.get("retry-after"), await refused.json()]).toEqual([503, "1", { error: "draining" }]);
  expect(await readiness(server.url)).toBe(503);
  expect(server.log.map(({ msg }) => msg)).not.toContain("drained: nothing is in progress");
  expect(await early.finish()).toBe(200);
  await server.logged("drained: nothing is in progress");

  connection.send("directive", { ...drain, rev: 3, action: "restore", of: ["drain"], why: "the answers are as before" }, 3);
  await server.logged("told to restore: taking work again");
  expect((await ask(server.url)).status).toBe(200);
  expect(await readiness(server.url)).toBe(200);
});

test("each change of state is one line in its log; a renewal is none", async () => {
  await using publisher = await fakePublisher();
  await using server = await startServer("--pilotfish", publisher.url);
  const connection = await publisher.connection();
  sendSnapshot(connection, 1, [stateBody(1)]);
  connection.send("state", stateBody(1), 1);
  connection.send("state", stateBody(2, { status: "failed", rung: "onnx", reason: "circuit-open" }), 2);
  await server.logged("told: primary failed, answers come from onnx");
  expect(server.log.filter(({ msg }) => msg.startsWith("told:")).map(({ msg, reason }) => [msg, reason])).toEqual([
    ["told: primary healthy, answers come from primary", "normal"],
    ["told: primary failed, answers come from onnx", "circuit-open"],
  ]);
});

test("a publisher that dies in the middle of a drain does not keep it idle: the lease lapses and it takes work again", async () => {
  const publisher = await fakePublisher();
  await using server = await startServer("--pilotfish", publisher.url);
  const connection = await publisher.connection();
  sendSnapshot(connection, 2, [stateBody(1, { status: "isolated", leaseMs: 400 })], [drain]);
  await server.logged("told to drain");
  expect((await ask(server.url)).status).toBe(503);

  await publisher[Symbol.asyncDispose]();
  await server.logged("signals lost");
  const { why } = await server.logged("told to restore: taking work again");
  expect(why).toBe("nothing was heard for 400 ms");
  await server.logged("told: primary unknown");
  expect((await ask(server.url)).status).toBe(200);
});

test("without a publisher it serves all the same, says once why it hears nothing, and finds it when it comes", async () => {
  const absent = await fakePublisher();
  await absent[Symbol.asyncDispose]();
  await using server = await startServer("--pilotfish", absent.url);
  expect((await server.logged("signals can not be reached")).why).toContain("ECONNREFUSED");
  expect((await ask(server.url)).status).toBe(200);

  await using publisher = await fakePublisher({ port: Number(new URL(absent.url).port) });
  await publisher.connection();
  await server.logged("following signals");
  expect(server.log.map(({ msg }) => msg)).toEqual(["listening", "signals can not be reached", "following signals"]);
});
