/**
 * What is published: signals as numbered frames, and what is so now as a snapshot. Each frame is made once and its bytes are
 * shared by all subscribers. Knows no socket.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../agent/clock.ts";
import type { BodyOf, PublisherFrame, SnapshotDocument } from "../frames.ts";
import type { Signal } from "../signal.ts";
import { bodyOf, directiveBody, driftBody, iso, stateBody } from "./bodies.ts";
import { History } from "./history.ts";
import { Levels } from "./levels.ts";

export interface PublicationOptions {
  readonly instance: string;
  readonly leaseMs: number;
  /** Frames kept for those who come back. */
  readonly historyFrames: number;
}

export class Publication {
  /** Names this run: numbers of another epoch mean nothing here. */
  readonly epoch: string = randomBytes(6).toString("hex");
  readonly history: History;
  readonly #levels = new Levels();
  readonly #clock: Clock;
  readonly #options: PublicationOptions;
  #ids = 0;

  constructor(clock: Clock, options: PublicationOptions) {
    this.#clock = clock;
    this.#options = options;
    this.history = new History(options.historyFrames);
  }

  /** Adds the signal to the history and to what is so. False where the latter was full. */
  publish(signal: Signal): boolean {
    this.history.add(this.frame(signal.type, bodyOf(signal, this.#options.leaseMs), this.history.lastSeq + 1));
    return this.#levels.note(signal);
  }

  /** The bytes of one frame; with a number if it moves the subscriber's cursor. */
  frame<Kind extends PublisherFrame["kind"]>(kind: Kind, body: BodyOf<Kind>, seq?: number): Buffer {
    this.#ids += 1;
    // `seq` that is undefined leaves no trace in JSON.
    return Buffer.from(JSON.stringify({ v: 1, kind, id: `${this.epoch}-${this.#ids}`, epoch: this.epoch, seq, ...this.#origin(), body }));
  }

  snapshot(): readonly Buffer[] {
    const { states, directives, drifts } = this.#bodies();
    return [
      this.frame("snapshot.begin", { states: states.length, directives: directives.length, drifts: drifts.length }),
      ...states.map((body) => this.frame("state", body)),
      ...directives.map((body) => this.frame("directive", body)),
      ...drifts.map((body) => this.frame("drift", body)),
      this.frame("snapshot.end", {}, this.history.lastSeq),
    ];
  }

  /** The states once more under the newest number, so that their leases are renewed. */
  refresh(): readonly Buffer[] {
    return this.#bodies().states.map((body) => this.frame("state", body, this.history.lastSeq));
  }

  document(): SnapshotDocument {
    const seq = this.history.lastSeq;
    return { v: 1, epoch: this.epoch, seq, cursor: `${this.epoch}:${seq}`, ...this.#origin(), ...this.#bodies() };
  }

  #origin() {
    return { ts: iso(this.#clock.wallMs()), src: { instance: this.#options.instance } };
  }

  #bodies() {
    return {
      states: this.#levels.states.map((signal) => stateBody(signal, this.#options.leaseMs)),
      directives: this.#levels.drains.map(directiveBody),
      drifts: this.#levels.drifts.map(driftBody),
    };
  }
}
