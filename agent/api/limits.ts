/** What one client may ask for: token buckets by its name, and how many connections it may have by its address. */
import type { Server } from "node:net";
import * as z from "zod";
import { bytes } from "../units.ts";

export const limitsOptions = z.strictObject({
  /** Of all clients together. */
  connections: z.int().min(1).max(65_536).default(2_048),
  /** Of one address: on loopback these are all programs of the pod. */
  connectionsPerClient: z.int().min(1).max(65_536).default(1_024),
  /** Of one client, in a second; it may save up two seconds' worth. */
  requests: z.number().positive().default(500),
  /** Of bodies of one client, in a second; it may save up ten seconds' worth. */
  bytes: bytes().prefault("16MiB"),
  /** Frames that one websocket may send, in a second; it may save up ten seconds' worth. */
  frames: z.number().positive().default(50),
});
export type LimitsOptions = z.infer<typeof limitsOptions>;

/** So many clients are remembered; the one that has asked for nothing the longest goes. */
const clientsMax = 4_096;

export class Buckets {
  readonly #perSecond: number;
  readonly #full: number;
  readonly #levels = new Map<string, { readonly level: number; readonly atMs: number }>();

  /** @param seconds how many seconds' worth may be saved up. */
  constructor(perSecond: number, seconds: number) {
    this.#perSecond = perSecond;
    this.#full = Math.max(1, perSecond * seconds);
  }

  /** 0 where there was enough; otherwise nothing was taken, and these are the milliseconds until there is. A full bucket is always enough. */
  take(client: string, cost: number, nowMs: number): number {
    const level = this.#level(client, nowMs);
    const needed = Math.min(cost, this.#full);
    if (level < needed) return ((needed - level) / this.#perSecond) * 1_000;
    this.#put(client, level - needed, nowMs);
    return 0;
  }

  /** Takes what was used already, into debt where it must be. */
  charge(client: string, cost: number, nowMs: number): void {
    this.#put(client, this.#level(client, nowMs) - cost, nowMs);
  }

  #level(client: string, nowMs: number): number {
    const { level, atMs } = this.#levels.get(client) ?? { level: this.#full, atMs: nowMs };
    return Math.min(this.#full, level + ((nowMs - atMs) / 1_000) * this.#perSecond);
  }

  #put(client: string, level: number, nowMs: number): void {
    this.#levels.delete(client);
    if (this.#levels.size >= clientsMax) this.#levels.delete(this.#levels.keys().next().value as string);
    this.#levels.set(client, { level, atMs: nowMs });
  }
}

/** A connection beyond the limits is closed at once, before anything is read of it. */
export function limitConnections(server: Server, { connections, connectionsPerClient }: Pick<LimitsOptions, "connections" | "connectionsPerClient">, refused: () => void): void {
  server.maxConnections = connections;
  server.on("drop", refused);
  const open = new Map<string, number>();
  server.prependListener("connection", (socket) => {
    const from = socket.remoteAddress ?? "local";
    const count = (open.get(from) ?? 0) + 1;
    if (count > connectionsPerClient) {
      refused();
      return void socket.destroy();
    }
    open.set(from, count);
    socket.once("close", () => {
      const left = (open.get(from) ?? 1) - 1;
      if (left === 0) open.delete(from);
      else open.set(from, left);
    });
  });
}
