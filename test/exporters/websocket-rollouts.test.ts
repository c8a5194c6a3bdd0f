/** Rollouts and versions on the wire: the one is a level until its last word, the other is told once. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import type { RolloutPhase } from "../../agent/trial.ts";
import { silent } from "../../agent/log.ts";
import { publisherFrame } from "../../exporters/frames.ts";
import type { RolloutSignal, VersionSignal } from "../../exporters/signal.ts";
import { signalHub, signalsOptions, type SignalHub } from "../../exporters/websocket.ts";
import { FakeClock } from "../fake-clock.ts";
import { SignalClient } from "./signal-client.ts";

const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };
const atWallMs = Date.UTC(2026, 0, 1);

let server: WebSocketServer;
let hub: SignalHub;
let url: string;

beforeEach(async () => {
  hub = signalHub({ clock: new FakeClock(), instance: "pod-7", log: silent }, signalsOptions.parse({ buffer: 1 }));
  server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => hub.connect(socket, "test"));
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

function rollout(phase: RolloutPhase, weight: number, over: Partial<RolloutSignal> = {}): RolloutSignal {
  return { type: "rollout", target, rollout: "r1", candidate: "version 2", phase, reason: "step", step: 1, steps: 3, weight, message: "m", atWallMs, ...over };
}
const version: VersionSignal = { type: "version", target, from: { version: "1", digest: undefined, reference: "0123" }, to: { version: "2", digest: "sha256:00", reference: "0123" }, message: "version 2 serves", atWallMs };

test("a rollout that runs is in the snapshot at its latest step; one that was promoted or aborted said so, and is not", () => {
  hub.announce(rollout("trying", 0.05));
  hub.announce(rollout("trying", 0.25));
  expect(hub.snapshot().rollouts).toMatchObject([{ rollout: "r1", phase: "trying", weight: 0.25, at: "2026-01-01T00:00:00.000Z" }]);
  hub.announce(rollout("promoted", 1));
  expect(hub.snapshot().rollouts).toEqual([]);
  hub.announce(rollout("asking", 0.5, { rollout: "r2" }));
  expect(hub.snapshot().rollouts).toMatchObject([{ rollout: "r2" }]);
  hub.announce(rollout("aborted", 0, { rollout: "r2" }));
  expect(hub.snapshot().rollouts).toEqual([]);
});

test("a change of version is told once, with what is known of both, and is in no snapshot", async () => {
  const client = new SignalClient(url);
  await client.opened();
  client.say("hello");
  await client.until("snapshot.end");
  hub.announce(version);
  const { body } = await client.until("version");
  expect(body).toMatchObject({ from: { version: "1", reference: "0123" }, to: { version: "2", digest: "sha256:00" }, message: "version 2 serves" });
  expect(body).not.toHaveProperty("from.digest");
  expect(JSON.stringify(hub.snapshot())).not.toContain("version 2 serves");
});

test("a subscriber of rollouts alone gets them, and bookmarks for the rest", async () => {
  hub.announce(rollout("trying", 0.05));
  const client = new SignalClient(url);
  await client.opened();
  client.say("hello", { topics: ["rollout"], features: ["bookmark"] });
  expect(await client.story("snapshot.end")).toEqual(["welcome", "snapshot.begin", "rollout", "snapshot.end#1"]);
  hub.announce(version);
  hub.announce(rollout("aborted", 0));
  expect(await client.story("rollout")).toEqual(["bookmark#2", "rollout#3"]);
});

test("names and messages without end are cut, so that no frame passes its bound", async () => {
  const long = "x".repeat(100_000);
  hub.announce(rollout("trying", 0.05, { message: long, candidate: long, rollout: long }));
  const client = new SignalClient(url);
  await client.opened();
  client.say("hello");
  await client.until("snapshot.end");
  hub.announce({ ...version, message: long, to: { version: long, digest: long, reference: long } });
  await client.until("version");
  expect(JSON.stringify(hub.snapshot()).length).toBeLessThan(4_000);
});

test("a snapshot.begin from before there were rollouts is still read, and has none", () => {
  const frame = { v: 1, kind: "snapshot.begin", id: "a", epoch: "e", ts: "2026-01-01T00:00:00.000Z", src: { instance: "i" }, body: { states: 1, directives: 0, drifts: 0, judges: 0 } };
  expect(publisherFrame.parse(frame)).toMatchObject({ body: { rollouts: 0 } });
});
