/**
 * One reader's place in what is published, and what comes to it next. Coming back with a cursor, falling behind and having
 * lost too much are one mechanism: serve from the history what is there, else the latest of each target, else `reset` and a
 * snapshot. Nothing is queued for a reader but the bytes that its connection has not yet taken, and those have a bound: long
 * runs of frames (snapshots, renewals) are made one by one as there is room.
 *
 * A number that is passed over, since a filter or conflation left it out, is told by a `bookmark` before the next one.
 */
import { frameBytesMax, waitingBytesMax, type BodyOf } from "../frames.ts";
import { levelTypes, type Level } from "./levels.ts";
import type { Publication, Wants } from "./publication.ts";

/** Where the frames go. */
export interface Sink {
  /** Bytes handed over and not yet taken by the other side. */
  readonly waitingBytes: () => number;
  /** `seq`: where the reader's cursor is once it has this frame, should the frame move it. */
  readonly send: (frame: Buffer, seq?: number) => void;
  /** It lost its place again and again, and is to come back later. */
  readonly giveUp: () => void;
}

export interface FeedOptions {
  /** How many signals may wait for a reader that does not read before it gets the latest instead. */
  readonly bufferFrames: number;
  /** What it wants; undefined: everything. */
  readonly wants: Wants | undefined;
  /** It knows bookmarks. */
  readonly conflates: boolean;
  /** A heartbeat renews its leases. */
  readonly renewedByHeartbeat: boolean;
}

interface Step {
  readonly frame: Buffer;
  readonly seq?: number;
}

/** Resets in a row, each before what the one before brought had been read. */
const resetsMax = 3;

export class Feed {
  readonly #publication: Publication;
  readonly #sink: Sink;
  readonly #options: FeedOptions;
  readonly #dropped: (what: string, count?: number) => void;
  /** The number of the last signal that was sent or passed over. */
  #passedSeq = 0;
  /** The reader's cursor: at most `#passedSeq`. */
  #toldSeq = 0;
  /** A run of frames that must be out before the history goes on. */
  #run: Iterator<Step> | undefined;
  /** States to be renewed when nothing else is to be sent. */
  #renewals: Iterator<Step> | undefined;
  /** Signals announced while the reader took none. */
  #waiting = 0;
  #resets = 0;
  #ended = false;

  constructor(publication: Publication, sink: Sink, options: FeedOptions, dropped: (what: string, count?: number) => void) {
    this.#publication = publication;
    this.#sink = sink;
    this.#options = options;
    this.#dropped = dropped;
  }

  /** Starts where the cursor says, if that can be served. */
  begin(cursor: string | undefined): void {
    if (cursor === undefined) {
      this.#run = this.#snapshot();
    } else {
      const { epoch, history } = this.#publication;
      const [cursorEpoch, text = "", ...more] = cursor.split(":");
      const seq = /^\d{1,15}$/.test(text) && more.length === 0 ? Number(text) : Number.NaN;
      const isServed = seq >= history.oldestSeq - 1 && seq <= history.lastSeq;
      if (cursorEpoch !== epoch) this.#run = this.#reset("epoch");
      else if (!isServed) this.#run = this.#reset("gap");
      else {
        this.#passedSeq = seq;
        this.#toldSeq = seq;
        this.#renewals = this.#states();
      }
    }
    this.pump();
  }

  /** A signal was published: sends it now, if the reader takes it. */
  push(): void {
    if (this.isSlow) this.#waiting += 1;
    this.pump();
  }

  /** Sends what there is room for. */
  pump(): void {
    while (!this.#ended && !this.isSlow) {
      const step = this.#next();
      if (step === undefined) return;
      this.#sink.send(step.frame, step.seq);
    }
  }

  /** Sends the states again, so that their leases hold on. */
  renew(): void {
    if (this.#options.renewedByHeartbeat || !this.isCurrent) return;
    this.#renewals ??= this.#states();
    this.pump();
  }

  /** Brings the reader's cursor up to what was passed over for it. */
  bookmark(): void {
    if (!this.isCurrent || this.#toldSeq === this.#passedSeq) return;
    const { frame, seq } = this.#bookmark(this.#passedSeq);
    this.#sink.send(frame, seq);
  }

  end(): void {
    this.#ended = true;
  }

  /** The number that the reader knows of once it has read all that was sent. */
  get toldSeq(): number {
    return this.#toldSeq;
  }

  /** One more frame could pass the bound. */
  get isSlow(): boolean {
    return this.#sink.waitingBytes() > waitingBytesMax - frameBytesMax;
  }

  /** Has it been sent all there is? */
  get isCurrent(): boolean {
    return this.#run === undefined && this.#passedSeq === this.#publication.history.lastSeq && !this.isSlow;
  }

  #next(): Step | undefined {
    for (;;) {
      const step = this.#run?.next();
      if (step?.done === false) return step.value;
      this.#run = undefined;
      const { history } = this.#publication;
      const behind = history.lastSeq - this.#passedSeq;
      if (behind === 0) {
        this.#waiting = 0;
        this.#resets = 0;
        return this.#nextRenewal();
      }
      const published = history.at(this.#passedSeq + 1);
      if (published === undefined || this.#waiting > this.#options.bufferFrames) {
        this.#catchUp(behind);
        if (this.#ended) return undefined;
        continue;
      }
      if (this.#options.wants?.(published.topic, published.target) === false) {
        this.#passedSeq += 1;
        continue;
      }
      if (this.#toldSeq < this.#passedSeq) return this.#bookmark(this.#passedSeq);
      this.#passedSeq += 1;
      this.#toldSeq = this.#passedSeq;
      return { frame: published.frame, seq: this.#passedSeq };
    }
  }

  #nextRenewal(): Step | undefined {
    const step = this.#renewals?.next();
    if (step?.done === false) return step.value;
    this.#renewals = undefined;
    return undefined;
  }

  /** Too much has happened: the latest of each target in its place, or all anew. */
  #catchUp(behind: number): void {
    this.#waiting = 0;
    this.#renewals = undefined;
    this.#dropped("signal_frames", behind);
    const changed = this.#options.conflates ? this.#publication.levels.since(this.#passedSeq) : undefined;
    if (changed !== undefined) {
      this.#run = this.#conflated(changed);
    } else if (this.#resets >= resetsMax) {
      this.#ended = true;
      this.#sink.giveUp();
    } else {
      this.#resets += 1;
      this.#run = this.#reset("gap");
    }
  }

  *#reset(reason: BodyOf<"reset">["reason"]): Generator<Step> {
    yield { frame: this.#publication.frame("reset", { reason }) };
    yield* this.#snapshot();
  }

  /** What is so at its beginning; what changes while it is sent comes after it. */
  *#snapshot(): Generator<Step> {
    const levels = this.#wanted(this.#publication.levels.list());
    const seq = this.#publication.history.lastSeq;
    this.#passedSeq = seq;
    const [states, directives, drifts, judges, rollouts] = levelTypes.map((type) => levels.filter(({ signal }) => signal.type === type).length) as [number, number, number, number, number];
    yield { frame: this.#publication.frame("snapshot.begin", { states, directives, drifts, judges, rollouts }) };
    for (const level of levels) yield { frame: this.#publication.level(level) };
    this.#toldSeq = seq;
    yield { frame: this.#publication.frame("snapshot.end", {}, seq), seq };
  }

  /** Under the number that the reader has, so that it comes back for them should the connection break before the bookmark. */
  *#conflated(levels: readonly Level[]): Generator<Step> {
    const seq = this.#publication.history.lastSeq;
    this.#passedSeq = seq;
    for (const level of this.#wanted(levels)) yield { frame: this.#publication.level(level, this.#toldSeq), seq: this.#toldSeq };
    yield this.#bookmark(seq);
  }

  *#states(): Generator<Step> {
    for (const level of this.#wanted(this.#publication.levels.of("state"))) yield { frame: this.#publication.level(level, this.#toldSeq), seq: this.#toldSeq };
  }

  #bookmark(seq: number): Required<Step> {
    this.#toldSeq = seq;
    return { frame: this.#publication.frame("bookmark", {}, seq), seq };
  }

  #wanted(levels: readonly Level[]): readonly Level[] {
    const { wants } = this.#options;
    return wants === undefined ? levels : levels.filter(({ signal }) => wants(signal.type, signal.target));
  }
}
