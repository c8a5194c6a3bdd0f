/** Many subscribers of a real daemon, and one among them that stops reading: all others hear every transition. */
import { expect, test } from "vitest";
import { SignalClient } from "../exporters/signal-client.ts";
import { stageForTest } from "./processes.ts";
import { addresses, runExample, startPilotfish, startServer, status } from "./pilotfish.ts";

const many = 200;

/** The part of `/v1/state` that is about them. */
interface Followers {
  readonly subscribers: readonly { readonly name?: string }[];
  readonly directives: readonly { readonly action: string; readonly unackedBy: readonly string[] }[];
}

test("200 subscribers hear that the server died and that it is back; one that does not read hurts nobody", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  await startPilotfish(stage, at, runExample(at));
  await status(stage, at, "healthy", 10_000);

  const clients: SignalClient[] = [];
  for (let i = 0; i < many; i += 1) {
    const client = await new SignalClient(at.signals).opened();
    stage.later(() => client.socket.terminate());
    client.say("hello", { name: `client ${i}`, features: ["bookmark", "ack", "renew"] });
    await client.until("snapshot.end");
    clients.push(client);
  }
  const followers = async () => ((await (await fetch(`${at.api}/v1/state`)).json()) as { signals: Followers }).signals;
  const [deaf, ...others] = clients as [SignalClient, ...SignalClient[]];
  deaf.socket.pause();

  await server.end("SIGKILL");
  const heardOf = (wanted: string) => Promise.all(others.map(async (client) => {
    for (;;) if ((await client.until("state")).body.status === wanted) return;
  }));
  await heardOf("failed");
  // Who says what it applies, and has not applied this yet, is seen by name.
  const signals = await followers();
  expect(signals.directives.map(({ action }) => action)).toEqual(["eject", "route"]);
  expect(signals.directives[0]?.unackedBy).toContain("client 0");

  await startServer(stage, at);
  await heardOf("healthy");
  await status(stage, at, "healthy", 10_000);
  await stage.eventually("the deaf one is given up after three heartbeats", 15_000, async () => !(await followers()).subscribers.some(({ name }) => name === "client 0"));
}, 90_000);
