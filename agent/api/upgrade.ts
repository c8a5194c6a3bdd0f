/** How a request for `/v1/signals` becomes a websocket. What the socket then says is the hub's. */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { frameBytesMax, subprotocol } from "../../exporters/frames.ts";

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

/** Takes every upgrade that the server lets through; who may have one was decided before. Its `clients` are those open now. */
export function acceptUpgrades(server: Server, connect: (socket: WebSocket, remote: string, request: IncomingMessage) => void): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (websocket) => connect(websocket, `${socket.remoteAddress}:${socket.remotePort}`, request));
  });
  return sockets;
}
