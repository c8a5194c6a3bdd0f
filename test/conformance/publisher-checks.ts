/**
 * What a publisher must do, asked of any that runs somewhere: each check connects anew, looks, and rejects with what was wrong.
 * Nothing is asked that would need the publisher to be in a state of our choosing, so a check sees what is so there now.
 */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { frameBytesMax, publisherFrame, snapshotDocument, subprotocol, type PublisherFrame } from "../../exporters/frames.ts";

export interface Publisher {
  /** `ws:` or `wss:`, with the path. */
  readonly url: string;
  readonly token?: string | undefined;
}

export interface Check {
  readonly name: string;
  readonly run: (publisher: Publisher) => Promise<void>;
}

type Kind = PublisherFrame["kind"];
type Of<K extends Kind> = Extract<PublisherFrame, { kind: K }>;

const patienceMs = 5_000;
const levels: readonly Kind[] = ["state", "directive", "drift", "judge", "rollout"];

/** A connection that holds every frame to the schema, and gives up after some seconds. */
class Line implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #frames: PublisherFrame[] = [];
  readonly closed: Promise<number>;
  #broken: Error | undefined;
  #news = Promise.withResolvers<void>();

  constructor({ url, token }: Publisher) {
    this.#socket = new WebSocket(url, subprotocol, { perMessageDeflate: false, ...headers(token) });
    this.#socket.on("message", (data: Buffer, isBinary) => {
      const read = publisherFrame.safeParse(JSON.parse(data.toString()));
      if (isBinary || data.length > frameBytesMax) this.#broken = new Error(`a frame that is binary or too large: ${data.length} bytes`);
      if (read.success) this.#frames.push(read.data);
      else this.#broken = new Error(`a frame that the schema does not know: ${data.toString().slice(0, 300)}: ${read.error.message}`);
      this.#tell();
    });
    this.#socket.on("error", (error) => {
      this.#broken = error;
      this.#tell();
    });
    this.closed = new Promise((resolve) => this.#socket.once("close", (code) => {
      resolve(code);
      this.#tell();
    }));
  }

  static async greeted(publisher: Publisher, hello: object = {}): Promise<Line> {
    const line = new Line(publisher);
    await line.until("welcome");
    line.say("hello", hello);
    return line;
  }

  say(kind: string, body: unknown): void {
    this.#socket.send(JSON.stringify({ v: 1, kind, id: "check", body }));
  }

  raw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  async next(): Promise<PublisherFrame> {
    const deadline = AbortSignal.timeout(patienceMs);
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken;
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (deadline.aborted) throw new Error("no frame came");
      if (this.#socket.readyState === WebSocket.CLOSED) throw new Error(`the connection was closed with ${await this.closed}`);
      await Promise.race([this.#news.promise, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }

  /** Up to the next frame of this kind. */
  async story<K extends Kind>(kind: K): Promise<readonly [...PublisherFrame[], Of<K>]> {
    const frames: PublisherFrame[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame.kind === kind) return [...frames, frame as Of<K>];
      frames.push(frame);
    }
  }

  async until<K extends Kind>(kind: K): Promise<Of<K>> {
    return (await this.story(kind)).at(-1) as Of<K>;
  }

  async closesWith(...codes: readonly number[]): Promise<void> {
    const code = await Promise.race([this.closed, new Promise<number>((resolve) => setTimeout(resolve, patienceMs, 0))]);
    if (!codes.includes(code)) throw new Error(code === 0 ? `it did not close; expected ${codes.join(" or ")}` : `it closed with ${code}, expected ${codes.join(" or ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

export const checks: readonly Check[] = [
  check("an upgrade without the subprotocol is refused with an HTTP answer", async (publisher) => {
    const socket = new WebSocket(publisher.url, headers(publisher.token));
    const status = await new Promise<number | undefined>((resolve) => {
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode)).once("open", () => resolve(101)).on("error", () => {});
    });
    socket.terminate();
    expectThat(status === 400, `status ${status}`);
  }),
  check("welcome comes first and names version and limits", async (publisher) => {
    await using line = new Line(publisher);
    const frame = await line.next();
    expectThat(frame.kind === "welcome" && frame.body.leaseMs >= 3 * frame.body.heartbeatMs, `it said ${frame.kind}`);
  }),
  check("no cursor: a snapshot, whole, unnumbered inside, and as many levels as it says", async (publisher) => {
    await using line = await Line.greeted(publisher);
    const frames = await line.story("snapshot.end");
    expectSnapshot(frames);
  }),
  check("no hello for a second: the same", async (publisher) => {
    await using line = new Line(publisher);
    await line.until("welcome");
    expectSnapshot(await line.story("snapshot.end"));
  }),
  check("a cursor that can be served: no snapshot, new numbers without a hole", async (publisher) => {
    await using first = await Line.greeted(publisher);
    const { epoch, seq } = await first.until("snapshot.end");
    await using line = await Line.greeted(publisher, { cursor: `${epoch}:${seq}` });
    let last = seq;
    for (const frame of await line.story("heartbeat")) {
      expectThat(!frame.kind.startsWith("snapshot") && frame.kind !== "reset", `it sent ${frame.kind}`);
      if (!("seq" in frame) || frame.seq === undefined) continue;
      expectThat(frame.seq === last || frame.seq === last + 1, `${frame.seq} after ${last}`);
      last = frame.seq;
    }
  }),
  ...["another-run:7", "nonsense", "", ":", "a:b:c", "x".repeat(200)].map((cursor) =>
    check(`a cursor of no run of its own (${JSON.stringify(cursor.slice(0, 20))}): reset by epoch, then a snapshot`, async (publisher) => {
      await using line = await Line.greeted(publisher, { cursor });
      const [reset, ...frames] = await line.story("snapshot.end");
      expectThat(reset?.kind === "reset" && reset.body.reason === "epoch", `it sent ${JSON.stringify(reset)}`);
      expectSnapshot(frames);
    })),
  ...["-1", "1.5", "999999999", "NaN", "", "1:1"].map((number) =>
    check(`a number that it never gave (${JSON.stringify(number)}): reset by gap, then a snapshot`, async (publisher) => {
      await using first = await Line.greeted(publisher);
      const { epoch } = await first.until("snapshot.end");
      await using line = await Line.greeted(publisher, { cursor: `${epoch}:${number}` });
      const [reset] = await line.story("snapshot.end");
      expectThat(reset?.kind === "reset" && reset.body.reason === "gap", `it sent ${JSON.stringify(reset)}`);
    })),
  check("heartbeats carry the newest number, and one of ours is answered with its echo", async (publisher) => {
    await using line = await Line.greeted(publisher);
    const { seq } = await line.until("snapshot.end");
    const { body } = await line.until("heartbeat");
    expectThat(body.lastSeq >= seq, `lastSeq ${body.lastSeq} after ${seq}`);
    line.say("heartbeat", { lastSeq: body.lastSeq, sentAt: 123.5 });
    for (;;) if ((await line.until("heartbeat")).body.echo === 123.5) return;
  }),
  check("states are renewed by frames before their lease ends, unless a heartbeat does it", async (publisher) => {
    await using line = await Line.greeted(publisher);
    const frames = await line.story("snapshot.end");
    const first = frames.find((frame) => frame.kind === "state");
    if (first === undefined || first.body.leaseMs > patienceMs) return; // Nothing to see, or not so soon.
    const renewed = await line.until("state");
    expectThat(renewed.body.rev >= first.body.rev, `rev ${renewed.body.rev} after ${first.body.rev}`);
  }),
  check("frames that are not JSON, not text and no frames are answered in words; the fourth closes with 1007", async (publisher) => {
    await using line = await Line.greeted(publisher);
    for (const [sent, code] of [["{no json", "not-json"], [Buffer.from([0, 1, 2]), "not-text"], [JSON.stringify({ v: 1, kind: "hello", body: { cursor: 7 } }), "not-a-frame"]] as const) {
      line.raw(sent);
      expectThat((await line.until("error")).body.code === code, `expected ${code}`);
    }
    line.raw("[]");
    await line.closesWith(1007);
  }),
  check("kinds that it does not know are passed over", async (publisher) => {
    await using line = await Line.greeted(publisher);
    await line.until("snapshot.end");
    for (let i = 0; i < 10; i += 1) line.say("weather", { sky: "blue" });
    await line.until("heartbeat");
  }),
  check("a frame of 1 MiB closes with 1009", async (publisher) => {
    await using line = await Line.greeted(publisher);
    line.raw("x".repeat(1_048_576));
    await line.closesWith(1009, 1006);
  }),
  check("a flood of frames closes with 1008", async (publisher) => {
    await using line = await Line.greeted(publisher);
    for (let i = 0; i < 1_000; i += 1) line.say("heartbeat", {});
    await line.closesWith(1008);
  }),
  check("a version that it does not speak: an error that says so, and 4002", async (publisher) => {
    await using line = await Line.greeted(publisher, { versions: { min: 2, max: 3 } });
    expectThat((await line.until("error")).body.code === "version", "another code");
    await line.closesWith(4002);
  }),
  check("topics: only what was asked for comes, and a topic that nobody knows is an error in words", async (publisher) => {
    await using line = await Line.greeted(publisher, { topics: ["drift", "gossip"] });
    const frames = await line.story("heartbeat");
    expectThat(frames.some((frame) => frame.kind === "error" && frame.body.code === "unknown-topic"), "no error came");
    expectThat(!frames.some(({ kind }) => kind === "state" || kind === "directive" || kind === "transition"), `it sent ${frames.map(({ kind }) => kind).join(" ")}`);
  }),
  check("topics: a rollout and a version are such, and bring nothing else", async (publisher) => {
    await using line = await Line.greeted(publisher, { topics: ["rollout", "version"] });
    const frames = await line.story("heartbeat");
    const others = frames.filter(({ kind }) => kind === "error" || kind === "transition" || (levels.includes(kind) && kind !== "rollout"));
    expectThat(others.length === 0, `it sent ${others.map(({ kind }) => kind).join(" ")}`);
  }),
  check("filters: a model that is nobody's brings an empty snapshot, and heartbeats that agree with the cursor", async (publisher) => {
    await using line = await Line.greeted(publisher, { filters: { models: [randomUUID()] } });
    const frames = await line.story("heartbeat");
    expectThat(!frames.some(({ kind }) => levels.includes(kind)), `it sent ${frames.map(({ kind }) => kind).join(" ")}`);
    const numbers = frames.flatMap((frame) => ("seq" in frame && frame.seq !== undefined ? [frame.seq] : []));
    const beat = frames.at(-1) as Of<"heartbeat">;
    expectThat(beat.body.lastSeq === numbers.at(-1), `lastSeq ${beat.body.lastSeq} with the cursor at ${numbers.at(-1)}`);
  }),
  check("acks are taken; one of what was never sent is answered in words, and the connection lives", async (publisher) => {
    await using line = await Line.greeted(publisher, { features: ["ack"] });
    const { seq } = await line.until("snapshot.end");
    line.say("ack", { upTo: seq, applied: { "nobody@nowhere": 0 } });
    line.say("ack", { upTo: 999_999_999 });
    expectThat((await line.until("error")).body.code === "not-so", "another code");
    line.say("nack", { rev: 999_999_999, code: "failed", detail: "never seen" });
    expectThat((await line.until("error")).body.code === "not-so", "another code");
    await line.until("heartbeat");
  }),
  check("a session that comes again takes its own place: the connection before is closed with 4009", async (publisher) => {
    const session = randomUUID();
    await using first = await Line.greeted(publisher, { session });
    await first.until("snapshot.end");
    await using second = await Line.greeted(publisher, { session });
    await second.until("snapshot.end");
    await first.closesWith(4009);
    await second.until("heartbeat");
  }),
  check("a token that is nobody's: an error that says so, and 4001", async (publisher) => {
    await using line = await Line.greeted(publisher);
    line.say("auth.refresh", { token: randomUUID() });
    expectThat((await line.until("error")).body.code === "token", "another code");
    await line.closesWith(4001);
  }),
  check("our goodbye is answered with 1000", async (publisher) => {
    await using line = await Line.greeted(publisher);
    line.say("goodbye", {});
    await line.closesWith(1000);
  }),
  check("plain GET: the same snapshot as a document, and 304 while nothing changes", async (publisher) => {
    const response = await get(publisher);
    const document = snapshotDocument.parse(await response.json());
    expectThat(document.cursor === `${document.epoch}:${document.seq}`, `cursor ${document.cursor}`);
    const etag = response.headers.get("etag");
    expectThat(etag !== null, "no ETag");
    const again = await get(publisher, { "if-none-match": etag as string });
    expectThat(again.status === 304 || again.headers.get("etag") !== etag, `status ${again.status} for the same tag`);
    await again.arrayBuffer();
  }),
  check("server-sent events: the same frames, resumed by Last-Event-ID, reset where that can not be", async (publisher) => {
    const first = await events(publisher, {}, "snapshot.end");
    expectThat(first.some(({ event }) => event === "snapshot.begin"), `it sent ${first.map(({ event }) => event).join(" ")}`);
    const id = first.at(-1)?.id ?? "";
    expectThat(/^[^:]+:\d+$/.test(id), `the id is ${id}`);
    const reset = await events(publisher, { "last-event-id": "another-run:1" }, "snapshot.end");
    expectThat(reset[0]?.event === "reset", `it began with ${reset[0]?.event}`);
    const resumed = await events(publisher, { "last-event-id": id }, "comment");
    expectThat(!resumed.some(({ event }) => event.startsWith("snapshot") || event === "reset"), `it sent ${resumed.map(({ event }) => event).join(" ")}`);
  }),
];

function check(name: string, run: Check["run"]): Check {
  return { name, run };
}

function headers(token: string | undefined): { readonly headers?: Readonly<Record<string, string>> } {
  return token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
}

function expectSnapshot(frames: readonly PublisherFrame[]): void {
  const [begin, ...rest] = frames;
  if (begin?.kind !== "snapshot.begin") throw new Error(`expected snapshot.begin, got ${begin?.kind}`);
  const inside = rest.slice(0, -1);
  const { states, directives, drifts, judges, rollouts } = begin.body;
  expectThat(inside.length === states + directives + drifts + judges + rollouts, `${inside.length} levels, said were ${JSON.stringify(begin.body)}`);
  expectThat(inside.every((frame) => levels.includes(frame.kind) && !("seq" in frame && frame.seq !== undefined)), "a frame in it is no level, or has a number");
}

function get({ url, token }: Publisher, more: Readonly<Record<string, string>> = {}, signal = AbortSignal.timeout(patienceMs)): Promise<Response> {
  return fetch(url.replace(/^ws/, "http"), { headers: { ...headers(token).headers, ...more }, signal });
}

/** Events up to the one of this name; a comment counts as one. */
async function events(publisher: Publisher, more: Readonly<Record<string, string>>, last: string): Promise<{ readonly event: string; readonly id: string | undefined }[]> {
  const aborted = new AbortController();
  const response = await get(publisher, { accept: "text/event-stream", ...more }, AbortSignal.any([aborted.signal, AbortSignal.timeout(patienceMs)]));
  expectThat(response.headers.get("content-type")?.startsWith("text/event-stream") === true, `content-type ${response.headers.get("content-type")}`);
  const found: { readonly event: string; readonly id: string | undefined }[] = [];
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = block.startsWith(":") ? "comment" : /^event: (.*)$/m.exec(block)?.[1];
        if (event === undefined) continue;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) publisherFrame.parse(JSON.parse(data));
        found.push({ event, id: /^id: (.*)$/m.exec(block)?.[1] });
        if (event === last) return found;
      }
    }
  } finally {
    aborted.abort();
  }
  throw new Error(`no ${last} came, but ${found.map(({ event }) => event).join(" ")}`);
}

function expectThat(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
