/** A subscriber for tests: keeps what it is sent in order, and holds every frame to the published schema. */
import { WebSocket, type ClientOptions } from "ws";
import { publisherFrame, subprotocol, type PublisherFrame } from "../../exporters/frames.ts";

export class SignalClient {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #frames: PublisherFrame[] = [];
  #arrived = Promise.withResolvers<void>();

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, subprotocol, options);
    this.socket.on("message", (data) => {
      this.#frames.push(publisherFrame.parse(JSON.parse((data as Buffer).toString())));
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("error", () => {});
      this.socket.once("close", resolve);
    });
  }

  say(kind: string, body: unknown = {}): void {
    this.socket.send(JSON.stringify({ v: 1, kind, body }));
  }

  async opened(): Promise<this> {
    await new Promise((resolve, reject) => this.socket.once("open", resolve).once("error", reject));
    return this;
  }

  async next(): Promise<PublisherFrame> {
    while (this.#frames.length === 0) await this.#arrived.promise;
    return this.#frames.shift() as PublisherFrame;
  }

  /** The next frame of this kind; what came before it is dropped. */
  async until<Kind extends PublisherFrame["kind"]>(kind: Kind): Promise<Extract<PublisherFrame, { kind: Kind }>> {
    for (;;) {
      const frame = await this.next();
      if (frame.kind === kind) return frame as Extract<PublisherFrame, { kind: Kind }>;
    }
  }

  /** The next frames up to the one of this kind, each as its kind, number and what it says. */
  async story(last: PublisherFrame["kind"]): Promise<string[]> {
    const told: string[] = [];
    for (;;) {
      const frame = await this.next();
      told.push(tell(frame));
      if (frame.kind === last) return told;
    }
  }
}

function tell(frame: PublisherFrame): string {
  const seq = "seq" in frame && frame.seq !== undefined ? `#${frame.seq}` : "";
  if (frame.kind === "state" || frame.kind === "drift") return `${frame.kind}${seq} ${frame.body.status}`;
  if (frame.kind === "directive") return `directive${seq} ${frame.body.action}`;
  if (frame.kind === "judge") return `judge${seq} ${frame.body.verdict}`;
  if (frame.kind === "reset") return `reset ${frame.body.reason}`;
  return frame.kind + seq;
}
