/**
 * A server that the lanes send requests to, over connections that are kept: the primary, or a candidate on trial. Each lane has
 * a pool of its own, which opens nothing until its first attempt.
 */
import type { Clock } from "../clock.ts";
import { plainPool, type PlainPool } from "../forward/plain-pool.ts";
import { backendPool, type BackendPool } from "../forward/pool.ts";
import { basePath } from "../forward/under.ts";
import { provenanceNames } from "./headers.ts";

export class Destination {
  /** The path of the server's URL, without a slash at its end. */
  readonly basePath: string;
  /** The `Host` that it is asked by; undefined: the client's own, for behind the gateway the primary sees what it saw without. */
  readonly host: string | undefined;
  readonly ordinary: BackendPool;
  /** Undefined where the server speaks TLS, which this lane does not. */
  readonly plain: PlainPool | undefined;

  /** @param connections of each lane, at most. */
  constructor(clock: Clock, server: URL, { connections, host }: { readonly connections: number; readonly host?: string | undefined }) {
    this.basePath = basePath(server);
    this.host = host;
    this.ordinary = backendPool(clock, { server, connections });
    this.plain = server.protocol === "http:" ? plainPool(clock, { server, connections, withheld: [...provenanceNames] }) : undefined;
  }

  /** Breaks off whatever is still under way. */
  async close(): Promise<void> {
    this.plain?.close();
    await this.ordinary.close();
  }
}
