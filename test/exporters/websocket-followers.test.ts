/** What subscribers say back, and what the publisher makes of it: acks, sessions, tokens, choices; and how a slow one catches up. */
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "ws";
import { silent } from "../../agent/log.ts";
import type { Principal } from "../../agent/principal.ts";
import { publisherFrame } from "../../exporters/frames.ts";
import type { Directed, Signal, Status } from "../../exporters/signal.ts";
import { signalHub, signalsOptions, type SignalHub } from "../../exporters/websocket.ts";
import { stage } from "../api/stage.ts";
import { FakeClock } from "../fake-clock.ts";
import { SignalClient } from "./signal-client.ts";

const endpoint = "http://127.0.0.1:8080";
const startWallMs = Date.UTC(2026, 0, 1);

let clock: FakeClock;
let hub: SignalHub;
let sockets: WebSocket[];
let dropped: Map<string, number>;
let nacked: string[];
let principal: Principal | undefined;
const tokens = new Map<string, Principal>();
const scene = stage();

beforeEach(() => {
  clock = new FakeClock(startWallMs);
  dropped = new Map();
  nacked = [];
  sockets = [];
  principal = undefined;
  tokens.clear();
});

/** The hub behind upgrades and routes as the API has them; the address without protocol. */
async function open(options: Record<string, unknown> = {}): Promise<string> {
  hub = signalHub(
    {
      clock, instance: "pod-7", log: silent,
      dropped: (what, count = 1) => dropped.set(what, (dropped.get(what) ?? 0) + count),
      nacked: (code) => nacked.push(code),
      authenticate: (token) => tokens.get(token),
    },
    signalsOptions.parse(options),
  );
  const { port } = await scene.open({}, {
    connect(socket, remote, _local, wire) {
      sockets.push(socket);
      hub.connect(socket, remote, principal, wire);
    },
    snapshot: hub.snapshot,
    stream: (open, request) => hub.stream(open, { ...request, principal }),
  });
  return `127.0.0.1:${port}`;
}

async function greeted(at: string, hello: object = {}): Promise<SignalClient> {
  const client = await new SignalClient(`ws://${at}/v1/signals`).opened();
  client.say("hello", hello);
  return client;
}

let revs = 0;
function state(status: Status, model = "employment", evidence = ""): Signal {
  revs += 1;
  return { type: "state", target: { model, version: "1", endpoint }, status, rung: "small", reason: "normal", cause: { detector: "traffic", code: "refused", evidence }, sinceWallMs: 0, rev: revs };
}

function directive(directed: Directed, model = "employment"): Signal {
  return { type: "directive", target: { model, version: "1", endpoint }, why: "as the test says", atWallMs: 0, ...directed };
}

function judge(verdict: "continue" | "harm", final: boolean): Signal {
  const effect = { metric: "accuracy", estimate: -0.02, low: -0.05, high: 0.01 };
  return { type: "judge", target: { model: "employment", version: "2", endpoint }, experiment: "2 against 1", verdict, eValue: 21, n: 400, effect, final, message: "", atWallMs: 0 };
}

/** Has the publisher read all that was said before? It answers a heartbeat in its turn. */
async function heard(client: SignalClient): Promise<void> {
  client.say("heartbeat", { sentAt: 1 });
  while ((await client.until("heartbeat")).body.echo !== 1);
}

test("a directive is in force until it is taken back or replaced, and a restore takes back what it names", async () => {
  await open();
  hub.announce(directive({ action: "route", rung: "small" }));
  hub.announce(directive({ action: "eject" }));
  hub.announce(directive({ action: "hold", rung: "small" }));
  hub.announce(directive({ action: "split", weights: { "1": 0.5, "2": 0.5 } }));
  hub.announce(directive({ action: "route", rung: "other" }));
  const inForce = () => hub.snapshot().directives.map((body) => [body.action, body.rev]);
  expect(inForce()).toEqual([["route", 5], ["eject", 2], ["hold", 3], ["split", 4]]);
  hub.announce(directive({ action: "restore", of: ["eject", "hold"] }));
  expect(inForce()).toEqual([["route", 5], ["split", 4]]);
  hub.announce(directive({ action: "restore" })); // Of all but the route.
  expect(inForce()).toEqual([["route", 5]]);
});

test("an experiment's verdict is in the snapshot until its last word", async () => {
  const client = await greeted(await open());
  hub.announce(judge("continue", false));
  expect((await client.until("judge")).body).toMatchObject({ verdict: "continue", eValue: 21, effect: { estimate: -0.02 } });
  expect(hub.snapshot().judges).toHaveLength(1);
  hub.announce(judge("harm", true));
  expect((await client.until("judge")).body).toMatchObject({ verdict: "harm", final: true });
  expect(hub.snapshot().judges).toEqual([]);
});

test("a directive that was not acked is seen, by whom; acked it is not; nacked it says why", async () => {
  const at = await open();
  const [acking, mute] = [await greeted(at, { name: "gateway", features: ["ack"], enforce: true }), await greeted(at, { name: "viewer" })];
  await Promise.all([acking.until("snapshot.end"), mute.until("snapshot.end")]);
  hub.announce(directive({ action: "eject" }));
  hub.announce(directive({ action: "route", rung: "small" }));
  expect(hub.view().subscribers.map(({ name, standing, enforces }) => [name, standing, enforces])).toEqual([["gateway", "lagging", true], ["viewer", "current", false]]);
  expect(hub.view().directives).toMatchObject([{ action: "eject", applied: 0, unackedBy: ["gateway"] }, { action: "route", unackedBy: ["gateway"] }]);

  acking.say("ack", { upTo: 2, applied: { [`employment@${endpoint}`]: 1 } });
  acking.say("nack", { rev: 2, code: "invalid", detail: "no such rung", keeping: 1 });
  await heard(acking);
  expect(hub.view().directives).toMatchObject([{ action: "eject", applied: 1, unackedBy: [] }, { action: "route", unackedBy: [], refusedBy: ["gateway"] }]);
  expect(hub.view().subscribers[0]).toMatchObject({ standing: "refused", applied: { [`employment@${endpoint}`]: 1 }, nacks: [{ rev: 2, code: "invalid", detail: "no such rung", keeping: 1 }] });
  expect(nacked).toEqual(["invalid"]);

  hub.announce(directive({ action: "route", rung: "other" }));
  acking.say("ack", { upTo: 3, applied: { [`employment@${endpoint}`]: 3 } });
  await heard(acking);
  expect(hub.view().subscribers[0]).toMatchObject({ standing: "current", nacks: [] });
});

test("acks of targets that nobody knows are not kept", async () => {
  const client = await greeted(await open(), { features: ["ack"] });
  hub.announce(directive({ action: "eject" }));
  client.say("ack", { upTo: 1, applied: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}@nowhere`, 1])) });
  await heard(client);
  expect(hub.view().subscribers[0]?.applied).toEqual({});
});

test("a subscriber that comes again in its session takes its place; another's session of the same name does not", async () => {
  const at = await open();
  principal = { name: "gateway", role: "read" };
  const first = await greeted(at, { session: "s1" });
  await first.until("snapshot.end");
  principal = { name: "other", role: "read" };
  const other = await greeted(at, { session: "s1" });
  await other.until("snapshot.end");
  expect(hub.subscribers()).toBe(2);
  principal = { name: "gateway", role: "read" };
  const second = await greeted(at, { session: "s1" });
  expect(await first.closed).toBe(4009);
  await second.until("snapshot.end");
  expect(other.socket.readyState).toBe(other.socket.OPEN);
});

test("a token that expires ends the connection with 4001 unless a new one came before; it is told by when", async () => {
  const at = await open({ heartbeat: "1s" });
  principal = { name: "gateway", role: "read", expiresAtWallMs: startWallMs + 2_500 };
  tokens.set("new", { name: "gateway", role: "read", expiresAtWallMs: startWallMs + 60_000 });
  const [renewed, late] = [await new SignalClient(`ws://${at}/v1/signals`).opened(), await new SignalClient(`ws://${at}/v1/signals`).opened()];
  expect((await renewed.until("welcome")).body.authExpiresInMs).toBe(2_500);
  clock.advance(1_000);
  renewed.say("auth.refresh", { token: "new" });
  expect((await renewed.until("auth.refreshed")).body.authExpiresInMs).toBe(59_000);
  await Promise.all([heard(renewed), heard(late)]);
  clock.advance(2_000);
  expect(await late.closed).toBe(4001);
  expect(renewed.socket.readyState).toBe(renewed.socket.OPEN);
});

test("a new token that is nobody's closes with 4001, one that is another's with 4003", async () => {
  const at = await open();
  principal = { name: "gateway", role: "read", expiresAtWallMs: startWallMs + 60_000 };
  tokens.set("theirs", { name: "other", role: "admin" });
  for (const [token, code, why] of [["wrong", 4001, "token"], ["theirs", 4003, "forbidden"]] as const) {
    const client = await greeted(at);
    client.say("auth.refresh", { token });
    expect((await client.until("error")).body.code).toBe(why);
    expect(await client.closed).toBe(code);
  }
});

test("filters leave out what is not asked for, and a bookmark closes the hole in the numbers", async () => {
  const at = await open();
  hub.announce(state("healthy", "other"));
  const client = await greeted(at, { filters: { models: ["employment"] } });
  expect(await client.story("snapshot.end")).toEqual(["welcome", "snapshot.begin", "snapshot.end#1"]);
  hub.announce(state("failed", "other"));
  hub.announce(state("failed"));
  expect(await client.story("state")).toEqual(["bookmark#2", "state#3 failed"]);
  hub.announce(state("healthy", "other"));
  clock.advance(1_000);
  expect(await client.story("heartbeat")).toEqual(["bookmark#4", "heartbeat"]);
});

test("a slow subscriber that knows bookmarks gets the latest of each target, what was taken back too, and no reset", async () => {
  const client = await greeted(await open({ history: 65_536 }), { features: ["bookmark"] });
  hub.announce(state("healthy", "a"));
  hub.announce(state("healthy", "b"));
  hub.announce(directive({ action: "drain" }, "a"));
  await client.until("directive");
  client.socket.pause();
  hub.announce(directive({ action: "restore", of: ["drain"] }, "a"));
  for (let i = 1; i <= 20_000; i += 1) {
    hub.announce(state("suspect", "a", `failure ${i} ${"x".repeat(900)}`));
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  hub.announce(state("failed", "a"));
  client.socket.resume();
  const story = await client.story("bookmark");
  expect(story.at(-1)).toBe("bookmark#20005");
  expect(story.some((line) => line.startsWith("reset"))).toBe(false);
  expect(story.at(-2)).toMatch(/^state#\d+ failed$/);
  expect(story.length).toBeLessThan(20_000);
  expect(dropped.get("signal_frames")).toBeGreaterThan(256);
  hub.announce(state("healthy", "b"));
  expect(await client.story("state")).toEqual(["state#20006 healthy"]);
});

test("10,000 targets come as the reader takes them: never more than 256 KiB wait", async () => {
  const at = await open();
  for (let i = 0; i < 10_000; i += 1) hub.announce(state("healthy", `model-${i}`, "x".repeat(500)));
  const client = await greeted(at);
  let states = 0;
  let waitingMost = 0;
  for (;;) {
    const frame = await client.next();
    for (const socket of sockets) waitingMost = Math.max(waitingMost, socket.bufferedAmount);
    if (frame.kind === "state") states += 1;
    if (frame.kind === "snapshot.end") break;
  }
  expect(states).toBe(10_000);
  expect(waitingMost).toBeGreaterThan(0);
  expect(waitingMost).toBeLessThanOrEqual(262_144);
});

test("a heartbeat is renewal enough for who says so; it is sent no state again", async () => {
  const at = await open({ heartbeat: "100ms", lease: "300ms" });
  hub.announce(state("healthy"));
  const client = await greeted(at, { features: ["renew"] });
  await client.until("snapshot.end");
  for (let i = 0; i < 10; i += 1) {
    clock.advance(100);
    await heard(client);
  }
  hub.announce(state("failed"));
  expect((await client.until("state")).body.status).toBe("failed");
});

test("server-sent events: the snapshot, then what follows under its number; heartbeats are comments; it resumes", async () => {
  const at = await open();
  hub.announce(state("healthy"));
  const { epoch } = hub.snapshot();
  const stream = async (headers: Record<string, string>, until: string) => {
    const response = await fetch(`http://${at}/v1/signals`, { headers: { accept: "text/event-stream", ...headers } });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    onTestFinished(() => reader.cancel());
    let text = "";
    return {
      async read(last: string = until) {
        while (!text.includes(last)) text += Buffer.from((await reader.read()).value ?? []).toString();
        const blocks = text.split("\n\n").filter((block) => block.startsWith("id") || block.startsWith("event"));
        text = "";
        for (const block of blocks) publisherFrame.parse(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ""));
        return blocks.map((block) => [/^event: (.*)$/m.exec(block)?.[1], /^id: (.*)$/m.exec(block)?.[1]]);
      },
    };
  };
  const first = await stream({}, "snapshot.end");
  expect(await first.read()).toEqual([["snapshot.begin", undefined], ["state", undefined], ["snapshot.end", `${epoch}:1`]]);
  hub.announce(state("failed"));
  expect(await first.read("failed")).toEqual([["state", `${epoch}:2`]]);
  clock.advance(1_000);
  await first.read(": heartbeat");
  expect(hub.view().subscribers).toMatchObject([{ transport: "event-stream", standing: "current" }]);
  const resumed = await stream({ "last-event-id": `${epoch}:1` }, "state");
  expect((await resumed.read()).slice(0, 1)).toEqual([["state", `${epoch}:2`]]);
  const foreign = await stream({ "last-event-id": "another:1" }, "snapshot.end");
  expect((await foreign.read())[0]).toEqual(["reset", undefined]);
  await hub.close("shutdown");
});

test("one reader of events too many is refused with 503, and asked to come back", async () => {
  const at = await open({ subscribers: 1 });
  const first = await greeted(at);
  await first.until("snapshot.end");
  const response = await fetch(`http://${at}/v1/signals`, { headers: { accept: "text/event-stream" } });
  expect([response.status, response.headers.get("retry-after"), response.headers.get("content-type")]).toEqual([503, "1", "application/problem+json"]);
  expect(dropped.get("subscribers")).toBe(1);
});

test("the document has a tag that changes with what it says, takes filters, and refuses a topic that nobody knows", async () => {
  const at = await open();
  hub.announce(state("healthy"));
  hub.announce(state("failed", "other"));
  const ask = (query: string, headers: Record<string, string> = {}) => fetch(`http://${at}/v1/signals${query}`, { headers });
  const first = await ask("");
  const etag = first.headers.get("etag") as string;
  expect(((await first.json()) as { states: unknown[] }).states).toHaveLength(2);
  expect((await ask("", { "if-none-match": etag })).status).toBe(304);
  expect((await (await ask("?models=other")).json() as { states: { status: string }[] }).states.map(({ status }) => status)).toEqual(["failed"]);
  expect((await (await ask("?topics=drift")).json() as { states: unknown[] }).states).toEqual([]);
  expect((await ask("?topics=gossip")).status).toBe(400);
  hub.announce(state("suspect"));
  expect((await ask("", { "if-none-match": etag })).status).toBe(200);
});
