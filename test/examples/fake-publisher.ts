/** As much of Pilotfish as a subscriber can see: a websocket on a free port that says what a test tells it to say. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { State } from "../../examples/clients/typescript/frames.ts";

export const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" } as const;

/** A state's body; `rev` is the only thing that must differ for it to count as news. */
export function stateBody(rev: number, over: Partial<State> = {}): State {
  const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" };
  return { target, status: "healthy", rung: "primary", reason: "normal", cause, since: "2026-01-01T00:00:00.000Z", rev, leaseMs: 10_000, ...over };
}

export interface Connection {
  readonly socket: WebSocket;
  /** The cursor in its hello. */
  readonly cursor: string | undefined;
  /** Sends a frame; those that move the cursor get a `seq`. */
  send(kind: string, body: object, seq?: number): void;
}

export interface FakePublisher extends AsyncDisposable {
  readonly url: string;
  /** The next subscriber that has said hello; welcome was sent before. */
  connection(): Promise<Connection>;
}

export async function fakePublisher({ epoch = "e1", heartbeatMs = 1_000, leaseMs = 10_000, port = 0 } = {}): Promise<FakePublisher> {
  const server = new WebSocketServer({ host: "127.0.0.1", port, path: "/v1/signals", handleProtocols: (offered) => [...offered][0] ?? false });
  await once(server, "listening");
  const arrived: Connection[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  server.on("connection", (socket: WebSocket) => {
    const send = (kind: string, body: object, seq?: number) =>
      socket.send(JSON.stringify({ v: 1, kind, id: "f", epoch, seq, ts: "2026-01-01T00:00:00.000Z", src: { instance: "fake" }, body }));
    send("welcome", { heartbeatMs, leaseMs, oldestSeq: 1, frameBytesMax: 65_536 });
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => {
      const { kind, body } = JSON.parse(data.toString()) as { kind: string; body: { cursor?: string } };
      if (kind !== "hello") return;
      const connection = { socket, cursor: body.cursor, send };
      const next = waiting.shift();
      if (next === undefined) arrived.push(connection);
      else next(connection);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/signals`,
    connection: () => new Promise((resolve) => {
      const there = arrived.shift();
      if (there === undefined) waiting.push(resolve);
      else resolve(there);
    }),
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A snapshot with these states, up to number `seq`. */
export function sendSnapshot(connection: Connection, seq: number, states: readonly State[], directives: readonly object[] = []): void {
  connection.send("snapshot.begin", { states: states.length, directives: directives.length, drifts: 0, judges: 0 });
  for (const body of states) connection.send("state", body);
  for (const body of directives) connection.send("directive", body);
  connection.send("snapshot.end", {}, seq);
}
