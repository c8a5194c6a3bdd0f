/** More inferences than the primary can take: who goes first, and what the others are told. */
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import type { Priority } from "../../agent/gateway/concurrency-limit.ts";
import { bodyOf, deadAddress, fallback, flowing, httpServer, post, question, rung, send, stage, test } from "./stage.ts";

const limited = { concurrency: { adaptive: true, initial: 4, min: 4 } };
const as = (priority: string) => ({ "pilotfish-priority": priority });
const good = '{"model_name":"employment","outputs":[]}';

async function heldServer() {
  const waiting: ServerResponse[] = [];
  let wake = () => {};
  const url = await httpServer((request, response) => {
    void bodyOf(request).then(() => {
      waiting.push(response);
      wake();
    }, () => {});
  });
  return { url, waiting, arrived: async (count: number) => {
    while (waiting.length < count) await new Promise<void>((resolve) => (wake = resolve));
  } };
}

test("sheddable requests give way first, then those of no class; critical ones may fill the limit, and beyond it nobody gets a place", async () => {
  const server = await heldServer();
  const unplaced: Priority[] = [];
  const { url, gateway, exchanges } = await stage(server.url, { unplaced: (priority) => unplaced.push(priority) }, limited);
  const placed = [1, 2, 3].map(() => post(url, question, as("sheddable")));
  await server.arrived(3);
  expect(gateway.limit()).toEqual({ limit: 4, inFlight: 3 });

  const shed = await post(url, question, as("sheddable"));
  expect([shed.status, Number(shed.headers["retry-after"]) >= 1, shed.headers["pilotfish-reason"]]).toEqual([429, true, "overloaded"]);
  expect(JSON.parse(shed.body.toString())).toEqual({ error: "the model server has as many requests of this priority as it can take" });
  expect((await post(url, question)).status).toBe(429);
  const critical = post(url, question, as("critical"));
  await server.arrived(4);
  expect((await post(url, question, as("critical"))).status).toBe(503);
  expect(unplaced).toEqual(["sheddable", "default", "critical"]);
  expect(exchanges().map(({ outcome }) => outcome)).toEqual(["overloaded", "overloaded", "overloaded"]);

  const metadata = send(url, "/v2/models/employment"); // No inference: it needs no place.
  await server.arrived(5);
  for (const response of server.waiting) response.end(good);
  expect((await Promise.all([...placed, critical, metadata])).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(gateway.limit()).toEqual({ limit: 4, inFlight: 0 });
});

test("where a rung can answer it does, and says that there was no place", async () => {
  const server = await heldServer();
  const { url, attempts } = await stage(server.url, { rungs: [rung("small", fallback())] }, limited);
  const placed = [1, 2, 3, 4].map(() => post(url, question, as("critical")));
  await server.arrived(4);
  const { status, headers } = await post(url, question, as("critical"));
  expect([status, headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([200, "small", "overloaded"]);
  expect(attempts().map(({ backend }) => backend)).toEqual(["small"]);
  for (const response of server.waiting) response.end(good);
  await Promise.all(placed);
});

test("every end gives the place back: answers, errors, resets, refusals, clients that leave, and streams", async () => {
  const ends: ((response: ServerResponse) => void)[] = [
    (response) => response.end(good),
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(429).end(),
    (response) => response.socket?.destroy(),
    (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
      response.end();
    },
  ];
  for (const end of ends) {
    const server = await httpServer((request, response) => void bodyOf(request).then(() => end(response)));
    const { url, gateway, exchange } = await stage(server, {}, limited);
    await post(url);
    await exchange();
    expect(gateway.limit()?.inFlight).toBe(0);
  }
  const dead = await stage(await deadAddress(), {}, limited);
  await post(dead.url);
  await dead.exchange();
  expect(dead.gateway.limit()?.inFlight).toBe(0);

  const server = await heldServer();
  const left = await stage(server.url, {}, limited);
  const client = new AbortController();
  const asking = fetch(new URL("/v2/models/employment/infer", left.url), { method: "POST", body: question, signal: client.signal }).catch(() => {});
  await server.arrived(1);
  client.abort();
  await asking;
  await left.exchange();
  expect(left.gateway.limit()?.inFlight).toBe(0);
});

test("the one request of a trial needs no place, and no limit means no bound", async () => {
  const server = await heldServer();
  const staged = await stage(server.url, { route: () => ({ ...flowing, primary: "trial", reason: "circuit-open" }), claimTrial: () => true }, limited);
  const asking = [1, 2, 3, 4, 5].map(() => post(staged.url));
  await server.arrived(5);
  for (const response of server.waiting) response.end(good);
  expect((await Promise.all(asking)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await stage(server.url)).gateway.limit()).toBeUndefined();
});
