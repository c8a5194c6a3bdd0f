/** A listener, with TLS or without, and its limits against slow and greedy clients; what comes through it is the table's. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Close } from "../lifecycle.ts";
import { httpLimits, idleTimeoutMs, refuseConnection } from "./listening.ts";
import { serverOptions, type TlsFiles } from "./tls.ts";

export interface DoorDeps {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  readonly mayUpgrade?: (request: IncomingMessage) => boolean;
}

/** Does not listen yet. */
export function openDoor(tls: TlsFiles | undefined, { handle, mayUpgrade = () => false }: DoorDeps): { readonly server: Server; readonly close: Close } {
  const limits = { ...httpLimits, shouldUpgradeCallback: mayUpgrade };
  let unfollow: Close = () => {};
  let server: Server;
  if (tls === undefined) server = createServer(limits, handle);
  else {
    const secure = createTlsServer({ ...limits, ...serverOptions(tls), handshakeTimeout: httpLimits.headersTimeout }, handle);
    secure.on("tlsClientError", (_error, socket) => socket.destroy());
    unfollow = tls.follow(secure);
    server = secure;
  }
  server.timeout = idleTimeoutMs;
  server.on("clientError", refuseConnection);
  return {
    server,
    async close() {
      await unfollow();
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
