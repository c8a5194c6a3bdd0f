/** What both listeners have in common: limits against slow and greedy clients. */
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Address } from "../listen.ts";
import { problem, problemType } from "./problem.ts";

/** Heads must be here in 5 s, whole requests in 10 s; looked at every second. An idle connection is closed. */
export const httpLimits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
} as const;

/** A connection on which nothing moves for so long is cut: also one whose client does not read its answer. */
export const idleTimeoutMs = 30_000;

export const connectionsMax = 512;

/** Where a server listens; the port is the real one where 0 was asked for. */
export function addressOf(server: Server): Address {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}

/** Answers what could not be parsed or took too long, where no response object exists yet, and closes the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const refused = problem(statuses[error.code ?? ""] ?? 400, error.message);
  const body = JSON.stringify(refused);
  const head = `HTTP/1.1 ${refused.status} ${refused.title}\r\nconnection: close\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
