/** Directives to subscribers of the real publisher, over real websockets; what these ack decides. */
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { systemClock } from "../../../agent/clock.ts";
import { silent } from "../../../agent/log.ts";
import type { Actuation } from "../../../agent/rollout/actuators/actuation.ts";
import { targetKey, type Target } from "../../../exporters/signal.ts";
import { signalHub, signalsOptions, type SignalHub } from "../../../exporters/websocket.ts";
import { SignalClient } from "../../exporters/signal-client.ts";
import { listen } from "../../gateway/stage.ts";
import { actuation, optionsOf, telling, type Telling } from "./stage.ts";

const target: Target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };

interface Publisher {
  readonly hub: SignalHub;
  follow(hello: object, heard: (client: SignalClient) => Promise<void>): Promise<void>;
}

async function publisher(): Promise<Publisher> {
  const hub = signalHub({ clock: systemClock, instance: "pod-1", log: silent }, signalsOptions.parse({}));
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => hub.connect(socket, "127.0.0.1"));
  const { port } = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  return {
    hub,
    async follow(hello, heard) {
      const client = await new SignalClient(`ws://127.0.0.1:${port}`).opened();
      client.say("hello", hello);
      await client.until("snapshot.end");
      void heard(client);
    },
  };
}

/** Applies each directive, and says so. */
async function obedient(client: SignalClient): Promise<void> {
  for (;;) {
    const { seq, body } = await client.until("directive");
    client.say("ack", { upTo: seq, applied: { [targetKey(body.target)]: seq } });
  }
}

async function tell({ hub }: Publisher, told: Actuation, options: Record<string, unknown> = {}): Promise<Telling> {
  const given = telling(optionsOf({ kind: "directive", timeout: "15s", within: "15s", ...options }), { announce: (signal) => signal.type === "directive" && hub.announce(signal), followers: hub.view, target: () => target });
  given.actuators.run(told);
  await given.settled(2);
  return given;
}

const last = ({ reports }: Telling) => reports.findLast(({ actuator }) => actuator === "directive");
const inForce = ({ hub }: Publisher) => hub.view().directives.map((one) => (one.action === "split" ? one.weights : one.action));

test("the weights are told by version, confirmed by who applied them, and taken back after a roll-back", async () => {
  const signals = await publisher();
  await signals.follow({ name: "shim", features: ["ack"] }, obedient);
  expect(last(await tell(signals, actuation("start", { weight: 0.1 })))).toMatchObject({ result: "done", detail: "applied by 1 of 1 that follow, all that say so" });
  expect(inForce(signals)).toEqual([{ 1: 0.9, 2: 0.1 }]);
  expect(last(await tell(signals, actuation("promote")))).toMatchObject({ result: "done" });
  expect(inForce(signals)).toEqual([{ 1: 0, 2: 1 }]);
  expect(last(await tell(signals, actuation("roll-back")))).toMatchObject({ result: "done" });
  expect(inForce(signals)).toEqual([]);
});

test("where versions are not known, the weights are told by the backends' names", async () => {
  const signals = await publisher();
  expect(last(await tell(signals, actuation("weight", { weight: 0.33, candidate: { url: "http://10.0.0.7:8080" }, candidateVersion: undefined })))).toMatchObject({ result: "done", detail: "announced; nobody follows" });
  expect(inForce(signals)).toEqual([{ primary: 0.67, candidate: 0.33 }]);
});

test("a subscriber that does not apply a roll-back in time is named, and the directive stays in force for it", async () => {
  const signals = await publisher();
  await signals.follow({ name: "shim", features: ["ack"] }, obedient);
  await signals.follow({ name: "sleeper", features: ["ack"] }, async () => {});
  const told = await tell(signals, actuation("roll-back"), { timeout: "1s" });
  expect(last(told)).toMatchObject({ result: "unconfirmed", detail: "not applied by sleeper" });
  expect(told.trouble).toHaveLength(1);
  expect(inForce(signals)).toEqual([{ 1: 1, 2: 0 }]);
});

test("a subscriber that refuses is named at once", async () => {
  const signals = await publisher();
  await signals.follow({ name: "stubborn", features: ["ack"] }, async (client) => {
    const { seq, body } = await client.until("directive");
    client.say("nack", { rev: body.rev, code: "unsupported", detail: "no split here", upTo: seq });
  });
  expect(last(await tell(signals, actuation("weight")))).toMatchObject({ result: "failed", attempts: 1, detail: "refused by stubborn" });
});

test("who follows without saying what it applied is not waited for", async () => {
  const signals = await publisher();
  await signals.follow({ name: "looks-on" }, async () => {});
  expect(last(await tell(signals, actuation("weight")))).toMatchObject({ result: "done", detail: "announced; 1 follow, none of which says what it applied" });
});

test("without a model's name nothing is told yet", async () => {
  const given = telling(optionsOf({ kind: "directive", timeout: "50ms" }), { target: () => undefined });
  given.actuators.run(actuation("weight"));
  await given.settled(2);
  expect(last(given)).toMatchObject({ result: "failed" });
});
