import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { silent } from "../../agent/log.ts";
import { frameBytesMax, snapshotDocument } from "../../exporters/frames.ts";
import type { Signal, StateSignal, Status } from "../../exporters/signal.ts";
import { signalHub, signalsOptions, type SignalHub } from "../../exporters/websocket.ts";
import { FakeClock } from "../fake-clock.ts";
import { SignalClient } from "./signal-client.ts";

const target = { model: "employment", version: "2", endpoint: "http://127.0.0.1:8080" };
const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" };
const atWallMs = Date.UTC(2026, 0, 1);

let clock: FakeClock;
let server: WebSocketServer;
let hub: SignalHub;
let dropped: Map<string, number>;
let rev: number;

beforeEach(() => {
  clock = new FakeClock();
  dropped = new Map();
  rev = 0;
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** A hub behind a bare websocket server on loopback, as the API would run it. */
async function open(options: Record<string, unknown> = {}): Promise<string> {
  hub = signalHub(
    {
      clock,
      instance: "pod-7",
      log: silent,
      dropped: (what, count = 1) => dropped.set(what, (dropped.get(what) ?? 0) + count),
    },
    signalsOptions.parse(options),
  );
  server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: frameBytesMax, perMessageDeflate: false });
  server.on("connection", (socket, request) => hub.connect(socket, `${request.socket.remoteAddress}`));
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function state(status: Status, evidence: string = cause.evidence): StateSignal {
  rev += 1;
  return { type: "state", target, status, rung: "small", reason: "circuit-open", cause: { ...cause, evidence }, sinceWallMs: atWallMs, rev };
}

function directive(action: "drain" | "restore"): Signal {
  return { type: "directive", target, action, why: "the answers drifted", atWallMs };
}

function drift(status: "firing" | "resolved"): Signal {
  const culprits = [{ name: "RELP", share: 0.7 }];
  return { type: "drift", target, status, stream: "features", detector: "e-detector", culprits, statistic: Infinity, threshold: 6.3, message: "RELP moved", atWallMs };
}

function transition(from: Status, to: Status): Signal {
  return { type: "transition", target, from, to, rung: "small", reason: "circuit-open", cause, atWallMs };
}

test("a subscriber gets what is so now, then each signal as it is announced", async () => {
  const client = new SignalClient(await open());
  hub.announce(state("healthy"));
  hub.announce(directive("drain"));
  hub.announce(drift("firing"));
  await client.opened();
  client.say("hello");
  expect(await client.story("snapshot.end")).toEqual([
    "welcome",
    "snapshot.begin",
    "state healthy",
    "directive drain",
    "drift firing",
    "snapshot.end#3",
  ]);

  hub.announce(state("failed"));
  hub.announce(transition("healthy", "failed"));
  expect(await client.story("transition")).toEqual(["state#4 failed", "transition#5"]);
});

test("a signal is on its way before announce returns", async () => {
  const client = new SignalClient(await open());
  await client.opened();
  client.say("hello");
  await client.until("snapshot.end");
  const [socket] = [...server.clients];
  const raw = (socket as unknown as { _socket: { bytesWritten: number } })._socket;
  const before = raw.bytesWritten;
  hub.announce(state("failed"));
  expect(raw.bytesWritten).toBeGreaterThan(before);
});

test("who says no hello within a second gets a snapshot", async () => {
  const client = new SignalClient(await open());
  hub.announce(state("healthy"));
  await client.until("welcome");
  clock.advance(1_000);
  expect(await client.story("snapshot.end")).toEqual(["snapshot.begin", "state healthy", "snapshot.end#1"]);
});

test("a restore clears the drain and a resolved drift leaves: a snapshot holds only what is so", async () => {
  await open();
  hub.announce(state("failed"));
  hub.announce(directive("drain"));
  hub.announce(drift("firing"));
  expect(hub.snapshot()).toMatchObject({ directives: [{ action: "drain" }], drifts: [{ status: "firing", statistic: null }] });
  hub.announce(state("healthy"));
  hub.announce(directive("restore"));
  hub.announce(drift("resolved"));
  const document = snapshotDocument.parse(hub.snapshot());
  expect(document).toMatchObject({ seq: 6, cursor: `${document.epoch}:6`, directives: [], drifts: [], src: { instance: "pod-7" } });
  expect(document.states.map(({ status }) => status)).toEqual(["healthy"]);
});

test("a new version of the model takes the place of the one before", async () => {
  await open();
  hub.announce(state("healthy"));
  hub.announce({ ...state("healthy"), target: { ...target, version: "3" } });
  expect(hub.snapshot().states.map((body) => body.target.version)).toEqual(["3"]);
});

test("who comes back with a cursor gets every frame since, and no snapshot", async () => {
  const url = await open();
  const first = await new SignalClient(url).opened();
  first.say("hello");
  const { epoch, seq } = await first.until("snapshot.end");
  first.socket.terminate();
  for (let i = 0; i < 1_000; i += 1) hub.announce(transition("healthy", "failed"));
  hub.announce(state("failed"));

  const second = await new SignalClient(url).opened();
  second.say("hello", { cursor: `${epoch}:${seq}` });
  await second.until("welcome");
  const numbers: (number | undefined)[] = [];
  for (let i = 0; i < 1_000; i += 1) numbers.push(((await second.next()) as { seq?: number }).seq);
  expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, i) => seq + 1 + i));
  // The state itself, and once more to renew its lease.
  expect(await second.story("state")).toEqual(["state#1001 failed"]);
  expect(await second.story("state")).toEqual(["state#1001 failed"]);
});

test("a cursor that is too old is told so, then gets a snapshot", async () => {
  const url = await open({ history: 10 });
  for (let i = 0; i < 12; i += 1) hub.announce(state("failed"));
  const { epoch } = hub.snapshot();

  const served = await new SignalClient(url).opened();
  served.say("hello", { cursor: `${epoch}:2` });
  expect(await served.story("state")).toEqual(["welcome", "state#3 failed"]);

  for (const cursor of [`${epoch}:1`, `${epoch}:13`, `${epoch}:-1`, `${epoch}:1.5`, `${epoch}:x`]) {
    const late = await new SignalClient(url).opened();
    late.say("hello", { cursor });
    expect(await late.story("snapshot.end")).toEqual(["welcome", "reset gap", "snapshot.begin", "state failed", "snapshot.end#12"]);
  }
});

test("a cursor of another run is told so, then gets a snapshot", async () => {
  const url = await open();
  hub.announce(state("healthy"));
  for (const cursor of ["0123456789ab:1", "", "nonsense"]) {
    const client = await new SignalClient(url).opened();
    client.say("hello", { cursor });
    expect(await client.story("snapshot.end")).toEqual(["welcome", "reset epoch", "snapshot.begin", "state healthy", "snapshot.end#1"]);
  }
});

test("a heartbeat each second carries the last number, and the state is renewed before its lease ends", async () => {
  const client = await new SignalClient(await open()).opened();
  client.say("hello");
  await client.until("snapshot.end");
  hub.announce(state("healthy"));
  const announced = await client.until("state");
  clock.advance(1_000);
  expect((await client.until("heartbeat")).body).toEqual({ lastSeq: 1, sentAt: 1_000 });

  for (let i = 0; i < 3; i += 1) {
    client.say("heartbeat", { lastSeq: 1 });
    await once([...server.clients][0] as NodeJS.EventEmitter, "message");
    clock.advance(1_000);
  }
  const renewed = await client.until("state");
  expect(renewed.body).toEqual(announced.body);
  expect(renewed.seq).toBe(1);
  expect(renewed.body.leaseMs).toBe(10_000);
});

test("frames that can not be read are answered and the connection lives; the fourth closes it", async () => {
  const client = await new SignalClient(await open()).opened();
  client.socket.send("{no json");
  expect((await client.until("error")).body.code).toBe("not-json");
  client.socket.send(Buffer.from("{}"), { binary: true });
  expect((await client.until("error")).body.code).toBe("not-text");
  client.socket.send(JSON.stringify({ v: 1, kind: "hello", id: "h1", body: { cursor: 7 } }));
  expect((await client.until("error")).body).toMatchObject({ code: "not-a-frame", of: "h1", detail: expect.stringContaining("body.cursor") });

  client.say("weather", { sky: "blue" }); // A kind of a later version.
  client.say("hello");
  await client.until("snapshot.end");
  hub.announce(state("failed"));
  await client.until("state");

  client.socket.send("[]");
  expect(await client.closed).toBe(1007);
  expect(dropped.get("subscriber_frames")).toBe(4);
});

test("a frame over the limit closes with 1009", async () => {
  const client = await new SignalClient(await open()).opened();
  client.say("hello", { name: "x".repeat(frameBytesMax) });
  expect(await client.closed).toBe(1009);
});

test("a flood of frames closes with 1008", async () => {
  const client = await new SignalClient(await open()).opened();
  for (let i = 0; i < 101; i += 1) client.say("heartbeat");
  expect(await client.closed).toBe(1008);
});

test("a subscriber that does not read costs a bounded amount of memory, and sees the latest state when it reads", async () => {
  // Everything is still in the history: it is the buffer that decides.
  const client = await new SignalClient(await open({ history: 65_536 })).opened();
  client.say("hello");
  await client.until("snapshot.end");
  client.socket.pause();
  const [socket] = [...server.clients];
  let most = 0;
  for (let i = 1; i <= 30_000; i += 1) {
    hub.announce(state("suspect", `failure ${i} ${"x".repeat(900)}`));
    most = Math.max(most, socket?.bufferedAmount ?? Infinity);
    // Lets the socket write what the kernel takes.
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  hub.announce(state("failed"));
  expect(most).toBeLessThanOrEqual(262_144);

  client.socket.resume();
  expect((await client.until("reset")).body.reason).toBe("gap");
  expect(await client.story("snapshot.end")).toEqual(["snapshot.begin", "state failed", "snapshot.end#30001"]);
  expect(dropped.get("signal_frames")).toBeGreaterThan(256);
  hub.announce(state("healthy"));
  expect(await client.story("state")).toEqual(["state#30002 healthy"]);
});

test("who reads nothing for a whole lease is closed as too slow, and cut when even that is not read", async () => {
  const client = await new SignalClient(await open()).opened();
  client.say("hello");
  await client.until("snapshot.end");
  client.socket.pause();
  const [socket] = [...server.clients];
  for (let i = 1; (socket?.bufferedAmount ?? 0) <= 196_608; i += 1) {
    hub.announce(state("suspect", "x".repeat(900)));
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  clock.advance(11_000);
  expect(socket?.readyState).toBe(socket?.CLOSING);
  clock.advance(1_000);
  await once(socket as NodeJS.EventEmitter, "close");
  expect(hub.subscribers()).toBe(0);
});

test("a peer that answers nothing for three heartbeats is cut, one that answers pings is not", async () => {
  const url = await open();
  const deaf = await new SignalClient(url, { autoPong: false }).opened();
  const alive = await new SignalClient(url).opened();
  await Promise.all([deaf.until("welcome"), alive.until("welcome")]);
  const pongs = [...server.clients][1] as NodeJS.EventEmitter;
  for (let i = 0; i < 4; i += 1) {
    const pong = once(pongs, "pong");
    clock.advance(1_000);
    await pong;
  }
  expect(await deaf.closed).toBe(1006);
  expect(hub.subscribers()).toBe(1);
  expect(alive.socket.readyState).toBe(alive.socket.OPEN);
});

test("one subscriber too many is told to come back later", async () => {
  const url = await open({ subscribers: 1 });
  const first = await new SignalClient(url).opened();
  await first.until("welcome");
  const second = new SignalClient(url);
  expect(await second.closed).toBe(1013);
  expect(dropped.get("subscribers")).toBe(1);
  first.say("goodbye");
  expect(await first.closed).toBe(1000);
});

test("closing says goodbye to all, and leaves no timer behind", async () => {
  const url = await open();
  const client = await new SignalClient(url).opened();
  client.say("hello");
  await client.until("snapshot.end");
  await hub.close("shutdown");
  expect((await client.until("goodbye")).body).toEqual({ reason: "shutdown", reconnectAfterMs: 1_000 });
  expect(await client.closed).toBe(1001);
  expect(clock.pending).toBe(0);
  expect(await new SignalClient(url).closed).toBe(1001);
  expect(() => hub.announce(state("failed"))).not.toThrow();
});

test("a signal that can not be written is logged, not thrown, and takes no number", async () => {
  await open();
  expect(() => hub.announce({ ...state("failed"), sinceWallMs: NaN })).not.toThrow();
  hub.announce(state("failed"));
  expect(hub.snapshot().seq).toBe(1);
});

test("options: defaults, and a lease shorter than three heartbeats is refused", () => {
  expect(signalsOptions.parse({})).toEqual({ heartbeat: 1_000, lease: 10_000, history: 1_024, buffer: 256, subscribers: 1_024 });
  expect(signalsOptions.safeParse({ heartbeat: "5s" }).error?.issues).toMatchObject([{ path: ["lease"] }]);
});
