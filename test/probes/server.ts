/** A real server on loopback for a test, and what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TestServer extends AsyncDisposable {
  readonly url: URL;
  readonly asked: readonly Asked[];
}

/** `answer` may leave a question open for ever; the server's end breaks it off. */
export async function testServer(answer: (asked: Asked, response: ServerResponse) => void): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      asked.push({ method, path: url, headers, body });
      answer(asked.at(-1) as Asked, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A list that can be waited for. */
export class Heard<T> {
  readonly all: T[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  readonly push = (item: T): void => {
    this.all.push(item);
    for (const { count, resolve } of this.#waiting) if (this.all.length >= count) resolve();
  };

  /** Kept when there are that many. */
  async count(count: number): Promise<readonly T[]> {
    if (this.all.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    return this.all;
  }

  /** The next item that fits, of those to come. */
  async next(fits: (item: T) => boolean): Promise<T> {
    for (let from = this.all.length; ; from += 1) {
      const item = (await this.count(from + 1))[from] as T;
      if (fits(item)) return item;
    }
  }
}
