/**
 * A bounded set of connections to one backend, and attempts over them. Attempts that find all connections busy wait for one;
 * their deadline runs meanwhile. HTTP/1.1, one request a connection at a time, kept alive between requests.
 */
import { Pool } from "undici";
import type { Clock } from "../clock.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptRequest } from "./attempt.ts";
import { UndiciHandler } from "./undici-handler.ts";

export interface BackendPoolOptions {
  /** Scheme, host and port; a path in it is not used. */
  readonly server: URL;
  readonly connections: number;
  /** After which a connection that can not be made is given up. Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Certificates, in PEM, of whom the server is to be certified by; default those that Node knows. */
  readonly ca?: string | undefined;
}

export interface BackendPool {
  /** Starts one attempt. Never throws; what goes wrong is in the attempt's answer. */
  attempt(request: AttemptRequest): Attempt;
  /** Breaks off whatever is still under way. */
  close(): Promise<void>;
}

/** Opens nothing until the first attempt. */
export function backendPool(clock: Clock, { server, connections, connectTimeoutMs = 5_000, ca }: BackendPoolOptions): BackendPool {
  // An idle connection is closed after undici's 4 s or the server's own hint, before common servers (5 s) close it under us.
  const pool = new Pool(server.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 65_536,
    connect: { timeout: connectTimeoutMs, ...(ca !== undefined && { ca }) },
  });
  return {
    attempt(request) {
      const attempt = new Attempt(clock, request);
      const { path, method, headers, body } = request;
      pool.dispatch({ path, method, headers: headers as string[], body }, new UndiciHandler(attempt));
      return attempt;
    },
    close: () => pool.destroy(),
  };
}
