/** How a request for `/v1/signals` becomes a websocket. What the socket then says is the hub's. */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { frameBytesMax, subprotocol } from "../../exporters/frames.ts";
import type { Wire } from "../../exporters/websocket/subscriber.ts";
import type { Principal } from "../principal.ts";
import { remoteOf } from "./signals.ts";

/** Is this the start of a websocket for signals, as RFC 6455 wants it and with our subprotocol? */
export function offersSignals({ method, url, headers }: IncomingMessage): boolean {
  const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return (
    method === "GET" &&
    url?.split("?", 1)[0] === "/v1/signals" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "") &&
    protocols.includes(subprotocol)
  );
}

/**
 * Takes every upgrade that the server lets through. Who may have one was decided before: `principalOf` says who it was. Its
 * `clients` are those open now.
 */
export function acceptUpgrades(
  server: Server,
  principalOf: (request: IncomingMessage) => Principal | undefined,
  connect: (socket: WebSocket, remote: string, principal: Principal, wire: Wire) => void,
): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const principal = principalOf(request);
    if (principal === undefined) return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      const wire = { cork: () => socket.cork(), uncork: () => socket.uncork() };
      connect(websocket, remoteOf(socket.remoteAddress, socket.remotePort), principal, wire);
    });
  });
  return sockets;
}
