/** What both listeners have in common: limits against slow and greedy clients, and errors that name the option to change. */
import type { Server } from "node:http";
import { isIPv6, type AddressInfo, type Socket } from "node:net";
import { problem, problemType } from "./problem.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

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

/** An error of listen(), in words that name the options. */
export function listenError(error: unknown, section: string, { host, port }: Address): Error {
  const at = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const [what, option] = listenErrors[code] ?? [message, undefined];
  const advice = option === undefined ? "" : `; change ${section}.${option}`;
  return new Error(`can not listen on ${at}: ${what}${advice}`, { cause: error });
}

const listenErrors: Readonly<Record<string, readonly [what: string, option: keyof Address]>> = {
  EADDRINUSE: ["the port is in use", "port"],
  EACCES: ["this port is not allowed to this user", "port"],
  EADDRNOTAVAIL: ["this is no address of this machine", "host"],
  ENOTFOUND: ["this name has no address", "host"],
  EAI_AGAIN: ["this name can not be looked up", "host"],
};

/** Answers what could not be parsed or took too long, where no response object exists yet, and closes the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const refused = problem(statuses[error.code ?? ""] ?? 400, error.message);
  const body = JSON.stringify(refused);
  const head = `HTTP/1.1 ${refused.status} ${refused.title}\r\nconnection: close\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
