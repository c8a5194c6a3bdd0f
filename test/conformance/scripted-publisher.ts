/**
 * A publisher of `pilotfish.v1+json` that does as it is told: it serves hellos as docs/SIGNALS.md says, keeps what is so, and
 * breaks on command in every way that a network, a restart or a careless implementation may. Written from the document and not
 * from Pilotfish's own publisher, so that the two check each other.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export interface TargetView {
  readonly status: string;
  readonly rung: string | null;
  readonly rev: number | null;
  readonly directives: Readonly<Record<string, number>>;
  readonly drifts: readonly string[];
  /** The one that runs. Absent from a client's view: it does not follow rollouts, which is not held against it. */
  readonly rollout?: { readonly id: string; readonly phase: string; readonly weight: number } | null;
}
export type View = Readonly<Record<string, TargetView>>;

type Json = Readonly<Record<string, unknown>>;

export interface Heard {
  readonly kind: string;
  readonly body: Json;
}

/** A subscriber that has said hello. */
export interface Link {
  readonly socket: WebSocket;
  readonly hello: Json;
  /** What it said since. */
  readonly heard: Heard[];
  /** The number that it has been sent up to. */
  seq: number;
}

interface Frame {
  readonly kind: string;
  readonly seq?: number;
  readonly body: Json;
}

interface Truth {
  state: Json | undefined;
  readonly directives: Map<string, Json>;
  readonly drifts: Map<string, Json>;
  rollout: Json | undefined;
}

export const heartbeatMs = 100;
export const leaseMs = 1_000;
const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" };

export function target(model = "employment"): { readonly model: string; readonly version: string; readonly endpoint: string } {
  return { model, version: "1", endpoint: "http://127.0.0.1:8080" };
}

export class ScriptedPublisher implements AsyncDisposable {
  /** Where clients are to connect. */
  readonly url: string;
  readonly links = new Set<Link>();
  /** Added to every wall time that is sent. */
  wallJumpMs = 0;
  /** Sends nothing at all, as one that is stopped would. */
  silent = false;
  /** Levels of a kind that a later version may bring, in every snapshot. */
  strangers: readonly Json[] = [];
  /** In the welcome, and in answers to a new token. */
  authExpiresInMs: number | undefined;
  readonly #server: WebSocketServer;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: ((link: Link) => void)[] = [];
  readonly #arrived: Link[] = [];
  readonly #truth = new Map<string, Truth>();
  #history: Frame[] = [];
  #epoch = "epoch-1";
  #seq = 0;
  #revs = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/signals`;
    server.on("connection", (socket) => this.#connected(socket));
    this.#timer = setInterval(() => this.#beat(), heartbeatMs);
  }

  static async open(): Promise<ScriptedPublisher> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/v1/signals", handleProtocols: (offered) => [...offered][0] ?? false });
    await once(server, "listening");
    return new ScriptedPublisher(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next subscriber that has said hello. */
  link(): Promise<Link> {
    const there = this.#arrived.shift();
    return there === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(there);
  }

  /** What a subscriber is to know once it has read everything. */
  view(): View {
    return Object.fromEntries(
      [...this.#truth].map(([key, { state, directives, drifts, rollout }]) => [key, {
        status: (state?.["status"] as string | undefined) ?? "unknown",
        rung: (state?.["rung"] as string | undefined) ?? null,
        rev: (state?.["rev"] as number | undefined) ?? null,
        directives: Object.fromEntries([...directives].map(([action, body]) => [action, body["rev"] as number])),
        drifts: [...drifts.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
        rollout: rollout === undefined ? null : { id: rollout["rollout"] as string, phase: rollout["phase"] as string, weight: rollout["weight"] as number },
      }]),
    );
  }

  // What is so, and is said.

  state(status: string, model?: string, rung = "primary"): Frame {
    this.#revs += 1;
    const body = { target: target(model), status, rung, reason: "normal", cause, since: this.#time(), rev: this.#revs, leaseMs };
    this.#of(body.target).state = body;
    return this.#publish("state", body);
  }

  directive(action: string, more: Json = {}, model?: string): Frame {
    const body = { target: target(model), rev: this.#seq + 1, why: "as the story says", at: this.#time(), action, ...more };
    const { directives } = this.#of(body.target);
    if (action === "restore") for (const taken of more["of"] as string[]) directives.delete(taken);
    else directives.set(action, body);
    return this.#publish("directive", body);
  }

  drift(status: "firing" | "resolved", stream = "features", model?: string): Frame {
    const culprits = [{ name: "RELP", share: 0.7 }];
    const body = { target: target(model), status, stream, detector: "e-detector", culprits, statistic: 8, threshold: 6, message: "RELP moved", at: this.#time() };
    const { drifts } = this.#of(body.target);
    if (status === "firing") drifts.set(stream, body);
    else drifts.delete(stream);
    return this.#publish("drift", body);
  }

  rollout(id: string, phase: "trying" | "asking" | "promoted" | "aborted", weight: number, model?: string): Frame {
    const body = { target: target(model), rollout: id, candidate: "version 2", phase, reason: "step", step: 1, steps: 3, weight, message: "as the story says", at: this.#time() };
    this.#of(body.target).rollout = phase === "promoted" || phase === "aborted" ? undefined : body;
    return this.#publish("rollout", body);
  }

  /** A numbered frame of any kind. */
  other(kind: string, body: Json): Frame {
    return this.#publish(kind, body);
  }

  // What goes wrong.

  /** What happens meanwhile is so, and in the history, but is sent to nobody. */
  unsent(happens: () => void): void {
    const links = [...this.links];
    this.links.clear();
    happens();
    for (const link of links) this.links.add(link);
  }

  /** Sends these again, or in another order. */
  send(...frames: readonly Frame[]): void {
    for (const link of this.links) for (const frame of frames) this.#send(link, frame);
  }

  cut(): void {
    for (const { socket } of this.links) socket.terminate();
  }

  /** Cursors from before can not be served any more. */
  forgetHistory(): void {
    this.#history = [];
  }

  /** Another run: nothing is known but what is said after this. */
  restart(): void {
    this.#epoch = `epoch-${Number(this.#epoch.split("-")[1]) + 1}`;
    this.#seq = 0;
    this.#revs = 0;
    this.#history = [];
    this.#truth.clear();
    this.cut();
  }

  /** Says to a slow reader what it missed: the latest of each target under the number that it has, then a bookmark. */
  conflate(link: Link): void {
    for (const frame of this.#levels()) this.#send(link, { ...frame, seq: link.seq });
    this.#send(link, { kind: "bookmark", seq: this.#seq, body: {} });
  }

  goodbye(reconnectAfterMs: number): void {
    for (const link of this.links) {
      this.#send(link, { kind: "goodbye", body: { reason: "the story says so", reconnectAfterMs } });
      link.socket.close(1001);
    }
  }

  #connected(socket: WebSocket): void {
    const link: Link = { socket, hello: {}, heard: [], seq: 0 };
    socket.on("error", () => {});
    socket.on("close", () => this.links.delete(link));
    socket.on("message", (data: Buffer) => this.#hear(link, JSON.parse(data.toString()) as Heard));
    this.#send(link, {
      kind: "welcome",
      body: { version: 1, heartbeatMs, leaseMs, oldestSeq: this.#oldestSeq(), frameBytesMax: 65_536, framesMax: 100, waitingBytesMax: 262_144, features: ["bookmark", "ack", "renew"], ...this.#auth() },
    });
  }

  #hear(link: Link, { kind, body }: Heard): void {
    link.heard.push({ kind, body });
    if (kind === "auth.refresh") this.#send(link, { kind: "auth.refreshed", body: this.#auth() });
    if (kind !== "hello") return;
    const said: Link = Object.assign(link, { hello: body });
    this.#serve(said, body["cursor"] as string | undefined);
    this.links.add(said);
    const next = this.#waiting.shift();
    if (next === undefined) this.#arrived.push(said);
    else next(said);
  }

  #serve(link: Link, cursor: string | undefined): void {
    const [epoch, text] = (cursor ?? "").split(":");
    const seq = Number(text);
    if (cursor !== undefined && epoch === this.#epoch && seq >= this.#oldestSeq() - 1 && seq <= this.#seq) {
      link.seq = seq;
      for (const frame of this.#history) if ((frame.seq ?? 0) > seq) this.#send(link, frame);
      return;
    }
    if (cursor !== undefined) this.#send(link, { kind: "reset", body: { reason: epoch === this.#epoch ? "gap" : "epoch" } });
    const levels = this.#levels();
    const count = (kind: string) => levels.filter((frame) => frame.kind === kind).length;
    this.#send(link, { kind: "snapshot.begin", body: { states: count("state"), directives: count("directive"), drifts: count("drift"), judges: 0, rollouts: count("rollout"), rumours: this.strangers.length } });
    for (const { kind, body } of levels) this.#send(link, { kind, body });
    for (const body of this.strangers) this.#send(link, { kind: "rumour", body });
    this.#send(link, { kind: "snapshot.end", seq: this.#seq, body: {} });
  }

  #publish(kind: string, body: Json): Frame {
    this.#seq += 1;
    const frame = { kind, seq: this.#seq, body };
    this.#history.push(frame);
    this.send(frame);
    return frame;
  }

  #beat(): void {
    for (const link of this.links) this.#send(link, { kind: "heartbeat", body: { lastSeq: this.#seq, sentAt: performance.now() } });
  }

  #send(link: Link, { kind, seq, body }: Frame): void {
    if (this.silent) return;
    if (seq !== undefined) link.seq = Math.max(link.seq, seq);
    link.socket.send(JSON.stringify({ v: 1, kind, id: "s", epoch: this.#epoch, seq, ts: this.#time(), src: { instance: "scripted" }, body }));
  }

  #levels(): Frame[] {
    const of = (kind: string, bodies: (truth: Truth) => readonly Json[]) => [...this.#truth.values()].flatMap((truth) => bodies(truth).map((body) => ({ kind, body })));
    return [
      ...of("state", ({ state }) => (state === undefined ? [] : [state])),
      ...of("directive", ({ directives }) => [...directives.values()]),
      ...of("drift", ({ drifts }) => [...drifts.values()]),
      ...of("rollout", ({ rollout }) => (rollout === undefined ? [] : [rollout])),
    ];
  }

  #of({ model, endpoint }: ReturnType<typeof target>): Truth {
    const key = `${model}@${endpoint}`;
    const truth = this.#truth.get(key) ?? { state: undefined, directives: new Map(), drifts: new Map(), rollout: undefined };
    this.#truth.set(key, truth);
    return truth;
  }

  #oldestSeq(): number {
    return this.#history[0]?.seq ?? this.#seq + 1;
  }

  #auth(): Json {
    return this.authExpiresInMs === undefined ? {} : { authExpiresInMs: this.authExpiresInMs };
  }

  #time(): string {
    return new Date(Date.now() + this.wallJumpMs).toISOString();
  }
}
