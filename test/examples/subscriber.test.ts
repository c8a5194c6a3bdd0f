/** The subscriber on real sockets: against a small publisher that a test commands, and against Pilotfish's own. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { silent } from "../../agent/log.ts";
import type { BodyOf } from "../../exporters/frames.ts";
import { signalHub, signalsOptions } from "../../exporters/websocket.ts";
import type { Signal } from "../../exporters/signal.ts";
import type { Directive, Drift, Judge, Rollout, State, VersionChange } from "../../examples/clients/typescript/frames.ts";
import { retryInMs, subscribe, type SubscriberOptions } from "../../examples/clients/typescript/subscriber.ts";
import { fakePublisher, sendSnapshot, stateBody, target } from "./fake-publisher.ts";

const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

/** Everything the subscriber calls, as lines that can be awaited in their order. */
function follow(url: string, options: Partial<SubscriberOptions> = {}) {
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const note = (line: string) => {
    const next = waiting.shift();
    if (next === undefined) lines.push(line);
    else next(line);
  };
  const close = subscribe({
    url,
    name: "test",
    onState: ({ status, rung }) => note(`${status} by ${rung}`),
    onDirective: ({ action }) => note(action),
    onDrift: ({ status, culprits }) => note(`drift ${status}: ${culprits.map(({ name }) => name).join(", ")}`),
    onConnected: () => note("connected"),
    onDisconnected: (why, retryMs) => note(`disconnected: ${why}${retryMs > 100 ? "" : ", back at once"}`),
    onProblem: (problem) => note(`problem: ${problem}`),
    ...options,
  });
  closes.push(close);
  return {
    close,
    lines,
    next: () => new Promise<string>((resolve) => {
      const there = lines.shift();
      if (there === undefined) waiting.push(resolve);
      else resolve(there);
    }),
  };
}

test("it says hello without a cursor, and hears the snapshot and what follows", async () => {
  await using publisher = await fakePublisher();
  const { next } = follow(publisher.url);
  const connection = await publisher.connection();
  expect(connection.cursor).toBeUndefined();
  expect(connection.socket.protocol).toBe("pilotfish.v1+json");
  sendSnapshot(connection, 1, [stateBody(1)]);
  connection.send("state", stateBody(2, { status: "failed", rung: "onnx" }), 2);
  expect([await next(), await next(), await next()]).toEqual(["connected", "healthy by primary", "failed by onnx"]);
});

test("after a broken connection it is back within 100 ms, with its cursor, and repeats nothing", async () => {
  await using publisher = await fakePublisher();
  const { next, lines } = follow(publisher.url);
  const first = await publisher.connection();
  sendSnapshot(first, 7, [stateBody(1)]);
  expect([await next(), await next()]).toEqual(["connected", "healthy by primary"]);
  first.socket.terminate();
  expect(await next()).toBe("disconnected: the connection broke, back at once");
  const second = await publisher.connection();
  expect(second.cursor).toBe("e1:7");
  second.send("state", stateBody(1), 7);
  second.send("state", stateBody(2, { status: "suspect" }), 8);
  expect([await next(), await next()]).toEqual(["connected", "suspect by primary"]);
  expect(lines).toEqual([]);
});

test("a number that is missing makes it come back for what it lost", async () => {
  await using publisher = await fakePublisher();
  const { next } = follow(publisher.url);
  const first = await publisher.connection();
  sendSnapshot(first, 1, []);
  first.send("state", stateBody(3), 3);
  expect([await next(), await next()]).toEqual(["connected", "disconnected: something was lost, back at once"]);
  expect((await publisher.connection()).cursor).toBe("e1:1");
});

test("heartbeats are answered; without them it cuts the connection and comes back", async () => {
  await using publisher = await fakePublisher({ heartbeatMs: 50 });
  const { next } = follow(publisher.url);
  const first = await publisher.connection();
  sendSnapshot(first, 4, []);
  const answer = once(first.socket, "message") as Promise<[Buffer]>;
  first.send("heartbeat", { lastSeq: 4 });
  expect(JSON.parse((await answer)[0].toString())).toEqual({ v: 1, kind: "heartbeat", body: { lastSeq: 4 } });
  expect(await next()).toBe("connected");
  expect(await next()).toBe("disconnected: no heartbeat, back at once");
  expect((await publisher.connection()).cursor).toBe("e1:4");
});

test("frames that it can not read are told and harm nothing; kinds that it does not know are passed over", async () => {
  await using publisher = await fakePublisher();
  const { next } = follow(publisher.url);
  const connection = await publisher.connection();
  sendSnapshot(connection, 1, []);
  connection.socket.send("{");
  connection.send("weather", { sky: "blue" }, 2);
  connection.send("error", { code: "not-a-frame", detail: "body: required" });
  connection.send("state", stateBody(1), 3);
  expect([await next(), await next(), await next(), await next()]).toEqual([
    "connected",
    "problem: a frame could not be read",
    "problem: not-a-frame: body: required",
    "healthy by primary",
  ]);
});

test("a goodbye is a reason to wait as long as it says", async () => {
  await using publisher = await fakePublisher();
  const { next } = follow(publisher.url);
  const connection = await publisher.connection();
  connection.send("goodbye", { reason: "shutdown", reconnectAfterMs: 60_000 });
  connection.socket.close(1001);
  expect([await next(), await next()]).toEqual(["connected", "disconnected: shutdown"]);
});

test("once closed it has said goodbye and calls nothing", async () => {
  await using publisher = await fakePublisher();
  const { close, next, lines } = follow(publisher.url);
  const connection = await publisher.connection();
  expect(await next()).toBe("connected");
  const goodbye = once(connection.socket, "message") as Promise<[Buffer]>;
  close();
  expect(JSON.parse((await goodbye)[0].toString())).toEqual({ v: 1, kind: "goodbye", body: {} });
  sendSnapshot(connection, 1, [stateBody(1)]);
  connection.socket.close();
  await once(connection.socket, "close");
  expect(lines).toEqual([]);
});

test("the wait before an attempt has full jitter under a bound that doubles from 100 ms to 10 s", () => {
  expect([0, 1, 2, 6, 7, 1_000].map((attempts) => retryInMs(attempts, 0.999_999_999))).toEqual(
    [100, 200, 400, 6_400, 10_000, 10_000].map((bound) => expect.closeTo(bound, 3) as number),
  );
  expect(retryInMs(5, 0)).toBe(0);
});

describe("with Pilotfish's own publisher", () => {
  async function publisher(heartbeat: string = "1s", lease: string = "3s") {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: (offered) => [...offered][0] ?? false });
    await once(server, "listening");
    const hub = signalHub({ clock: systemClock, instance: "test", log: silent }, signalsOptions.parse({ heartbeat, lease }));
    server.on("connection", (socket) => hub.connect(socket, "test"));
    closes.push(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return { hub, server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/signals` };
  }
  const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed" };
  const state = (rev: number, status: "healthy" | "failed", rung: string): Signal => ({
    type: "state", target, status, rung, reason: "normal", cause, sinceWallMs: 0, rev,
  });
  const drain: Signal = { type: "directive", target, action: "drain", why: "drift", atWallMs: 0 };
  const drift: Signal = {
    type: "drift", target, status: "firing", stream: "features", detector: "e", culprits: [{ name: "RELP", share: 1 }],
    statistic: 8, threshold: 6, message: "RELP moved", atWallMs: 0,
  };

  test("it hears what is so, what becomes so, and what is taken back", async () => {
    const { hub, url } = await publisher();
    hub.announce(state(1, "healthy", "primary"));
    hub.announce(drift);
    const { next } = follow(url);
    expect([await next(), await next(), await next()]).toEqual(["connected", "healthy by primary", "drift firing: RELP"]);
    hub.announce(state(2, "failed", "onnx"));
    hub.announce(drain);
    hub.announce({ ...drain, action: "restore" } as Signal);
    expect([await next(), await next(), await next()]).toEqual(["failed by onnx", "drain", "restore"]);
  });

  test("cut off and back, it gets what it missed and nothing twice", async () => {
    const { hub, server, url } = await publisher();
    hub.announce(state(1, "healthy", "primary"));
    const { next, lines } = follow(url);
    expect([await next(), await next()]).toEqual(["connected", "healthy by primary"]);
    for (const client of server.clients) client.terminate();
    hub.announce(state(2, "failed", "onnx"));
    hub.announce(drain);
    expect(await next()).toContain("disconnected");
    expect([await next(), await next(), await next()]).toEqual(["connected", "failed by onnx", "drain"]);
    expect(lines).toEqual([]);
  });

  test("through heartbeats and renewals the state outlives its lease and nothing is said", async () => {
    const { hub, server, url } = await publisher("100ms", "300ms");
    hub.announce(state(1, "healthy", "primary"));
    const answers = Promise.withResolvers<void>();
    let count = 0;
    server.on("connection", (socket) =>
      socket.on("message", (data: Buffer) => {
        if (data.includes("heartbeat")) count += 1;
        if (count === 6) answers.resolve();
      }),
    );
    const { next, lines } = follow(url);
    expect([await next(), await next()]).toEqual(["connected", "healthy by primary"]);
    await answers.promise;
    expect(hub.subscribers()).toBe(1);
    expect(lines).toEqual([]);
  });

  test("its types are what the publisher's schemas say", () => {
    expectTypeOf<BodyOf<"state">>().toExtend<State>();
    expectTypeOf<BodyOf<"directive">>().toExtend<Directive>();
    expectTypeOf<BodyOf<"drift">>().toExtend<Drift>();
    expectTypeOf<BodyOf<"judge">>().toExtend<Judge>();
    expectTypeOf<BodyOf<"rollout">>().toExtend<Rollout>();
    expectTypeOf<BodyOf<"version">>().toExtend<VersionChange>();
  });
});
