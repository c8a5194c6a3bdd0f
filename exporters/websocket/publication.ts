/**
 * What is published: signals as numbered frames, and what is so now. Each signal's frame is made once and its bytes are shared by
 * all subscribers. Knows no socket.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../agent/clock.ts";
import type { BodyOf, PublisherFrame, SnapshotDocument, Topic } from "../frames.ts";
import type { Signal, Target } from "../signal.ts";
import { bodyOf, iso } from "./bodies.ts";
import { History } from "./history.ts";
import { Levels, type Level } from "./levels.ts";

export interface PublicationOptions {
  readonly instance: string;
  readonly leaseMs: number;
  /** Frames kept for those who come back. */
  readonly historyFrames: number;
}

export interface Published {
  readonly topic: Topic;
  readonly target: Target;
  readonly frame: Buffer;
}

/** Who is sent what: by topic, and by a signal's target. */
export type Wants = (topic: Topic, target: Target) => boolean;
const all: Wants = () => true;

export class Publication {
  /** Names this run: numbers of another epoch mean nothing here. */
  readonly epoch: string = randomBytes(6).toString("hex");
  readonly history: History<Published>;
  readonly levels = new Levels();
  readonly #clock: Clock;
  readonly #options: PublicationOptions;
  /** Quoted for JSON. */
  readonly #origin: string;
  #ids = 0;

  constructor(clock: Clock, options: PublicationOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#origin = JSON.stringify({ instance: options.instance });
    this.history = new History(options.historyFrames);
  }

  /** Adds the signal to the history and to what is so. False where the latter was full. */
  publish(signal: Signal): boolean {
    const seq = this.history.lastSeq + 1;
    const body = JSON.stringify(bodyOf(signal, seq, this.#options.leaseMs));
    this.history.add({ topic: signal.type, target: signal.target, frame: this.#frame(signal.type, body, seq) });
    return signal.type === "transition" || signal.type === "version" || this.levels.note({ seq, signal, body });
  }

  /** The bytes of one frame; with a number if it moves the subscriber's cursor. */
  frame<Kind extends PublisherFrame["kind"]>(kind: Kind, body: BodyOf<Kind>, seq?: number): Buffer {
    return this.#frame(kind, JSON.stringify(body), seq);
  }

  level({ signal, body }: Level, seq?: number): Buffer {
    return this.#frame(signal.type, body, seq);
  }

  cursor(seq: number = this.history.lastSeq): string {
    return `${this.epoch}:${seq}`;
  }

  document(wants: Wants = all): SnapshotDocument {
    const bodies = <Type extends Level["signal"]["type"]>(type: Type) =>
      this.levels.of(type).filter(({ signal }) => wants(type, signal.target)).map(({ body }) => JSON.parse(body) as BodyOf<Type>);
    const seq = this.history.lastSeq;
    return {
      v: 1, epoch: this.epoch, seq, cursor: this.cursor(), ts: iso(this.#clock.wallMs()), src: { instance: this.#options.instance },
      states: bodies("state"), directives: bodies("directive"), drifts: bodies("drift"), judges: bodies("judge"), rollouts: bodies("rollout"),
    };
  }

  #frame(kind: PublisherFrame["kind"], body: string, seq: number | undefined): Buffer {
    this.#ids += 1;
    const number = seq === undefined ? "" : `"seq":${seq},`;
    return Buffer.from(
      `{"v":1,"kind":"${kind}","id":"${this.epoch}-${this.#ids}","epoch":"${this.epoch}",${number}"ts":"${iso(this.#clock.wallMs())}","src":${this.#origin},"body":${body}}`,
    );
  }
}
