/** Questions to other servers, over connections that are kept: a pool for each origin, opened when it is first needed. */
import type { Clock } from "../clock.ts";
import { askOver, type Asked } from "./ask.ts";
import { backendPool, type BackendPool } from "./pool.ts";
import { under } from "./under.ts";

export interface Sending {
  readonly method: string;
  /** Path with query; the server's own path goes before it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface Sender {
  /** Never rejects. */
  readonly send: (server: URL, sending: Sending, timeoutMs: number, signal: AbortSignal) => Promise<Asked>;
  /** Breaks off whatever is under way. */
  readonly close: () => Promise<void>;
}

const connections = 64;
const bodyMaxBytes = 64 * 1_048_576;

export function sender(clock: Clock): Sender {
  const pools = new Map<string, BackendPool>();
  const poolOf = (server: URL): BackendPool => {
    const known = pools.get(server.origin);
    if (known !== undefined) return known;
    const pool = backendPool(clock, { server, connections });
    pools.set(server.origin, pool);
    return pool;
  };
  return {
    send(server, { method, path, headers, body }, timeoutMs, signal) {
      const fields = Object.entries(headers).filter((field): field is [string, string | readonly string[]] => field[1] !== undefined);
      const flat = Object.fromEntries(fields.map(([name, value]) => [name, typeof value === "string" ? value : value.join(", ")]));
      return askOver(clock, poolOf(server), { url: under(server, path), method, headers: flat, ...(body.length > 0 && { body }), timeoutMs, bodyMaxBytes, signal });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
