/** A target on loopback: keeps what it is sent and answers as it is told. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export async function receiver(answer: (received: Received, nth: number) => readonly [status: number, body?: string, headers?: Record<string, string>] = () => [202], port: number = 0) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const one = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: JSON.parse(Buffer.concat(pieces).toString()) as unknown };
      received.push(one);
      const [status, body = "", headers = {}] = answer(one, received.length);
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  onTestFinished(async () => void (server.listening && (await close())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, port: (server.address() as AddressInfo).port, received, close };
}

/** Waits in real time, as sockets need it, without a clock. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 200_000; i += 1) {
    if (isSo()) return;
    await new Promise(setImmediate);
  }
  throw new Error("it never came to be");
}
