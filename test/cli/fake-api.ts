/** A control API of a few lines: what a command asks of it is kept, what it answers is told. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface AskedOfApi {
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

type Reply = readonly [status: number, body?: unknown, headers?: Record<string, string>];

/** @param at a port of its own by default, or a unix socket. */
export async function fakeApi(answer: (route: string, body: unknown, headers: IncomingHttpHeaders) => Reply, at?: string) {
  const asked: AskedOfApi[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const text = Buffer.concat(pieces).toString();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const route = `${request.method} ${request.url}`;
      asked.push({ route, headers: request.headers, body });
      const [status, said, headers = {}] = answer(route, body, request.headers);
      response.writeHead(status, headers).end(typeof said === "string" ? said : JSON.stringify(said ?? {}));
    });
  });
  await new Promise<void>((resolve) => (at === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(at, resolve)));
  onTestFinished(() => void server.close());
  return { url: at === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${at}`, asked, server };
}
