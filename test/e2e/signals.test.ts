/** Signals as subscribers get them from the daemon: the example model server acts on them, and a plain client misses nothing. */
import { expect, test } from "vitest";
import { inferRequest, readRows } from "../../examples/employment/rows.ts";
import type { PublisherFrame } from "../../exporters/frames.ts";
import { SignalClient } from "../exporters/signal-client.ts";
import { stageForTest, type Stage } from "./processes.ts";
import { addresses, inferPath, runExample, startPilotfish, startServer, status, type Addresses, type LogLine, type Logging } from "./pilotfish.ts";

const rows = await readRows("steady");

/** Asks the server itself, not through Pilotfish. */
async function directly({ server }: Addresses): Promise<number> {
  const response = await fetch(server + inferPath, { method: "POST", body: JSON.stringify(inferRequest(rows.slice(0, 1))) });
  await response.arrayBuffer();
  return response.status;
}

/** Kept at the first line with this message among those after `from`. */
function logged(stage: Stage, server: Logging, msg: string, timeoutMs: number, from: number = 0): Promise<LogLine> {
  return stage.eventually(`the server logs "${msg}"`, timeoutMs, () => server.log().slice(from).find((line) => line.msg.startsWith(msg)));
}

test("a server that hung is told, once it runs again, that it was taken out and that it is back", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  await startPilotfish(stage, at, runExample(at));
  await logged(stage, server, "told: primary healthy", 10_000);

  server.signal("SIGSTOP");
  await status(stage, at, "failed", 10_000);
  const before = server.log().length;
  server.signal("SIGCONT");
  const told = await logged(stage, server, "told: primary failed, answers come from onnx", 10_000, before);
  expect(told).toMatchObject({ model: "employment", reason: "unready" });
  await logged(stage, server, "told: primary healthy", 15_000, before);
  const story = server.log().slice(before).filter(({ msg }) => msg.startsWith("told:")).map((line) => line["status"]);
  expect(story.filter((one) => one !== "suspect")).toEqual(["failed", "probation", "healthy"]);
}, 60_000);

test("when Pilotfish ends, the server is told to drain; it takes work again when the lease lapses, and at once when Pilotfish is back", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);

  const first = await startPilotfish(stage, at, runExample(at, ["signals.lease=3s"]));
  await logged(stage, server, "told: primary healthy", 10_000);
  expect(await first.end("SIGTERM")).toBe(0);
  expect((await logged(stage, server, "told to drain", 5_000)).why).toContain("going away");
  expect(await directly(at)).toBe(503);
  const lapsed = await logged(stage, server, "told to restore: taking work again", 10_000);
  expect(lapsed.why).toBe("nothing was heard for 3000 ms");
  expect(await directly(at)).toBe(200);

  const back = server.log().length;
  const second = await startPilotfish(stage, at, runExample(at, ["signals.lease=1m"]));
  await logged(stage, server, "told: primary healthy", 15_000, back);
  expect(await second.end("SIGTERM")).toBe(0);
  await logged(stage, server, "told to drain", 5_000, back);
  const drained = server.log().length;
  await startPilotfish(stage, at, runExample(at));
  await logged(stage, server, "told to restore: taking work again", 20_000, drained);
  expect(await directly(at)).toBe(200);
  await status(stage, at, "healthy", 10_000);
}, 90_000);

test("a client whose connection broke goes on at its cursor and misses no transition", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  await startPilotfish(stage, at, runExample(at));
  await status(stage, at, "healthy", 10_000);

  const client = await new SignalClient(at.signals).opened();
  client.say("hello", { name: "e2e" });
  const { epoch, seq } = await client.until("snapshot.end");
  client.socket.terminate();
  await client.closed;

  await server.end("SIGKILL");
  await status(stage, at, "failed", 10_000);
  await startServer(stage, at);
  await status(stage, at, "healthy", 20_000);

  const again = await new SignalClient(at.signals).opened();
  stage.later(() => again.socket.terminate());
  again.say("hello", { name: "e2e", cursor: `${epoch}:${seq}` });
  const frames = await untilHeartbeat(again);
  expect(frames.map(({ kind }) => kind).filter((kind) => kind !== "state" && kind !== "transition" && kind !== "directive")).toEqual(["welcome"]);
  expect(frames.flatMap((frame) => (frame.kind === "directive" ? [frame.body.action] : []))).toEqual(["eject", "route", "restore"]);

  const transitions = frames.filter((frame) => frame.kind === "transition");
  const [first, last] = [transitions.at(0), transitions.at(-1)];
  expect([first?.body.from, last?.body.to]).toEqual(["healthy", "healthy"]);
  expect(transitions.map(({ body }) => body.to)).toEqual(expect.arrayContaining(["failed", "probation"]));
  // Each goes on where the one before ended.
  expect(transitions.slice(1).map(({ body }) => body.from)).toEqual(transitions.slice(0, -1).map(({ body }) => body.to));
  // New numbers follow the cursor without a hole; a number below is a refresh.
  const numbers = frames.flatMap((frame) => ("seq" in frame && frame.seq !== undefined && frame.seq > seq ? [frame.seq] : []));
  expect([...new Set(numbers)]).toEqual(Array.from({ length: new Set(numbers).size }, (_, index) => seq + 1 + index));
}, 60_000);

async function untilHeartbeat(client: SignalClient): Promise<readonly PublisherFrame[]> {
  const frames: PublisherFrame[] = [];
  for (;;) {
    const frame = await client.next();
    if (frame.kind === "heartbeat") return frames;
    frames.push(frame);
  }
}
