/**
 * The main thread's side of the analysis: hands observations to the analysis thread and never waits for it.
 *
 * What is heard waits in a queue that is bounded in number and in bytes; a batch goes over at a time, its bodies in one
 * buffer that is transferred, and the next one when the batch is dealt with. When the thread can not keep up, the oldest
 * waiting observations are let go and counted. What must be durable (`save`, `append`) goes over at once and is held here
 * until it was kept, so that it also outlives the death of the thread. A thread that dies or falls silent is counted,
 * logged and started again with growing pauses; predictions never notice.
 */
import type { Lane, Spool } from "../exporters/otlp/spool.ts";
import { DurableWrites } from "./analysis-durable.ts";
import { instrumentOf, pack, sizeOf, transferable, type FromAnalyst, type Heard, type QuestionName, type Questions, type Setup, type ToAnalyst } from "./analysis-messages.ts";
import { PendingQuestions } from "./analysis-questions.ts";
import { AnalysisSpool } from "./analysis-spool.ts";
import type { Cancel, Clock } from "./clock.ts";
import type { Judgement, RungPrice } from "./judgement.ts";
import type { Log } from "./log.ts";
import type { MonitorsOptions } from "./monitors/options.ts";
import type { QualificationOptions } from "./monitors/qualification-options.ts";
import type { Point } from "./observation.ts";
import type { PlainOptions } from "./protocols/plain-options.ts";
import type { WindowBounds } from "./rollout/retrain/window.ts";
import type { StoreOptions } from "./store/options.ts";
import type { TrialSetup } from "./rollout/trial-comparisons.ts";
import type { AuditEvent } from "./store/store.ts";
import { openThread, threadFile, type Thread } from "./thread.ts";
import type { TrialReading } from "./trial.ts";

export interface AnalysisOptions {
  readonly monitors: MonitorsOptions;
  /** Absent: rungs are not judged. */
  readonly qualification?: QualificationOptions | undefined;
  readonly store: Pick<StoreOptions, "path" | "eventsMax">;
  /** Rows to train on anew; absent: none are kept. */
  readonly window?: WindowBounds | undefined;
  /** Bytes that wait for the Collector in the store at most; absent: none. */
  readonly spoolMax?: number | undefined;
  /** The model to watch. Absent: the one of the reference, or the first that traffic names. */
  readonly model?: string | undefined;
  /** Absent: a reference is learnt from traffic. */
  readonly referencePath?: string | undefined;
  /** Of the protocol `plain`: where things stand in its bodies. */
  readonly plain?: PlainOptions | undefined;
  readonly queue?: Partial<QueueBounds>;
}

/** How much may wait or be in the thread's hands. */
export interface QueueBounds {
  readonly observations: number;
  readonly bytes: number;
}

/** `analysis-queue`: the thread was too slow; `analysis-lost`: in its hands when it died; `analysis-thread`: a death; `audit`: events. */
export type Dropped = "analysis-queue" | "analysis-lost" | "analysis-thread" | "audit";

export interface AnalysisDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly judge: (judgement: Judgement) => void;
  /** All series of the monitors and the store, each second; those that are no longer so are missing. */
  readonly points: (points: readonly Point[]) => void;
  readonly dropped: (what: Dropped, count: number) => void;
  /** Points, spans or records that the spool let go. */
  readonly spoolLost?: (lane: Lane, items: number) => void;
  /** A sentence for people: a reference was learnt, is of another model, and so on. */
  readonly note: (text: string) => void;
  /** What each rung is worth, each second. */
  readonly prices?: (prices: readonly RungPrice[]) => void;
  /** What the judge of the rollout finds: each second, and at once when something turns to harm. */
  readonly trial?: (reading: TrialReading) => void;
}

export interface Analysis {
  /** Starts the thread. Kept when it is ready, or after five seconds without what was saved: it never holds up the daemon. */
  start(): Promise<{ readonly saved: ReadonlyMap<string, unknown> }>;
  hear(observation: Heard): void;
  /** Keeps the newest value of each key for the next run. The value must be structured-clonable and small. */
  save(key: string, value: unknown): void;
  /** Adds to the audit. */
  append(event: AuditEvent): void;
  /** Asks the thread; undefined where it is not there, has too much to answer, or takes longer than ten seconds, to write a window two minutes. */
  ask<Name extends QuestionName>(name: Name, asked: Questions[Name]["asked"]): Promise<Questions[Name]["answer"] | undefined>;
  /** Judges by another reference from now on; undefined: by one that is learnt from traffic. Holds for threads started later too. */
  useReference(path: string | undefined): Promise<Questions["use-reference"]["answer"] | undefined>;
  /**
   * Judges this rollout from now on, also in threads started later; undefined: none. The same rollout with another weight is
   * judged on; with other options it is judged anew.
   */
  useTrial(setup: TrialSetup | undefined): void;
  /** Where batches of telemetry wait through an outage, in the store. */
  readonly spool: Spool;
  /** Observations that wait or are being analysed. */
  depth(): number;
  /** Analyses and keeps what was heard, and ends the thread; rejects where that takes more than three seconds. */
  close(): Promise<void>;
}

/** The thread as this side sees it. */
export type Desk = Thread<ToAnalyst>;

export type OpenDesk = (setup: Setup, on: { readonly clock: Clock; readonly message: (message: FromAnalyst) => void; readonly gone: (why: string) => void }) => Desk;

/** Makes the analysis in a thread of its own. (In tests: `inlineAnalysis`, on the caller's thread and clock.) */
export function analysis(options: AnalysisOptions, deps: AnalysisDeps): Analysis {
  return new AnalysisQueue(options, deps, workerDesk);
}

const workerDesk: OpenDesk = (setup, on) =>
  openThread(threadFile("analysis-worker", import.meta.url), { name: "analysis", workerData: setup, resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 } }, on);

const queueBounds: QueueBounds = { observations: 16_384, bytes: 32 * 1_048_576 };
const batchMax: QueueBounds = { observations: 512, bytes: 4 * 1_048_576 };
/** Observations gather for so long, so that a busy gateway posts one message and not hundreds. */
const gatherMs = 20;
const startMs = 5_000;
const closeMs = 3_000;
const pauseMs = { first: 1_000, most: 60_000 };
/** A ready thread speaks each second. After so many checks in a row without a word it is taken for hung. */
const silence = { checkMs: 5_000, checksMax: 6 };
/** A thread that died so often without having run for a minute is started without its kept state. */
const deathsMax = 3;
const soundMs = 60_000;

interface Waiting {
  readonly observation: Heard;
  readonly bytes: number;
}

/** What both share: the queue, what is durable, and the thread's life. */
export class AnalysisQueue implements Analysis {
  #options: AnalysisOptions;
  readonly #deps: AnalysisDeps;
  readonly #openDesk: OpenDesk;
  readonly #bounds: QueueBounds;
  readonly spool: AnalysisSpool;
  #desk: Desk | undefined;
  #ready = false;
  #closing = false;

  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #inHand = { observations: 0, bytes: 0 };
  #gathering: Cancel | undefined;

  readonly #durable: DurableWrites;
  #trial: TrialSetup | undefined;

  readonly #questions: PendingQuestions;

  #life = 0;
  #deaths = 0;
  #openedAtMs = 0;
  #silentChecks = 0;
  #cancelWatch: Cancel | undefined;
  #cancelRestart: Cancel | undefined;
  #onReady: ((saved: ReadonlyMap<string, unknown>) => void) | undefined;
  #onClosed: (() => void) | undefined;

  constructor(options: AnalysisOptions, deps: AnalysisDeps, openDesk: OpenDesk) {
    this.#options = options;
    this.#deps = deps;
    this.#openDesk = openDesk;
    this.#bounds = { ...queueBounds, ...options.queue };
    this.#questions = new PendingQuestions(deps.clock);
    this.#durable = new DurableWrites({
      post: (durable) => this.#ready && this.#desk?.post(durable),
      uncopied: (type, error) => deps.log.error({ error: String(error), type }, "a value that can not be copied to another thread is not kept"),
      eventLost: () => deps.dropped("audit", 1),
      batchLost: (lane, items) => deps.spoolLost?.(lane, items),
    });
    this.spool = new AnalysisSpool({
      ask: (question) => this.#ready && this.#desk?.post(question),
      keep: (write) => this.#durable.spool(write),
    });
  }

  async start(): Promise<{ readonly saved: ReadonlyMap<string, unknown> }> {
    const { clock, log } = this.#deps;
    this.#cancelWatch = clock.every(silence.checkMs, () => this.#watch());
    const saved = await new Promise<ReadonlyMap<string, unknown>>((resolve) => {
      const cancel = clock.after(startMs, () => {
        log.error({}, `the analysis thread was not ready within ${startMs} ms: going on without what was saved`);
        resolve(new Map());
      });
      this.#onReady = (found) => {
        cancel();
        resolve(found);
      };
      this.#open();
    });
    this.#onReady = undefined;
    return { saved };
  }

  hear(observation: Heard): void {
    if (this.#closing) return;
    const bytes = sizeOf(observation);
    this.#waiting.push({ observation, bytes });
    this.#waitingBytes += bytes;
    this.#letGo();
    this.#gather();
  }

  save(key: string, value: unknown): void {
    this.#durable.save(key, value);
  }

  append(event: AuditEvent): void {
    this.#durable.append(event);
  }

  useTrial(setup: TrialSetup | undefined): void {
    this.#trial = setup;
    if (!this.#closing) this.#desk?.post({ type: "use-trial", setup });
  }

  ask<Name extends QuestionName>(name: Name, asked: Questions[Name]["asked"]): Promise<Questions[Name]["answer"] | undefined> {
    return this.#questions.ask(name, asked, this.#ready && !this.#closing ? this.#desk : undefined);
  }

  async useReference(path: string | undefined): Promise<Questions["use-reference"]["answer"] | undefined> {
    const answer = await this.ask("use-reference", { path });
    if (answer?.ok === true) this.#options = { ...this.#options, referencePath: path };
    return answer;
  }

  depth(): number {
    return this.#waiting.length + this.#inHand.observations;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#cancelWatch?.();
    this.#gathering?.();
    this.#cancelRestart?.();
    this.#questions.giveUp();
    this.spool.close();
    const desk = this.#desk;
    if (desk === undefined) {
      if (this.#durable.size > 0) this.#deps.log.error({ count: this.#durable.size }, "the analysis thread is down: the latest state is not kept");
      return;
    }
    const inTime = await new Promise<boolean>((resolve) => {
      const cancel = this.#deps.clock.after(closeMs, () => resolve(false));
      this.#onClosed = () => {
        cancel();
        resolve(true);
      };
      while (this.#waiting.length > 0) this.#postBatch(desk);
      desk.post({ type: "close" });
    });
    this.#desk = undefined;
    desk.terminate();
    if (!inTime) throw new Error(`the analysis thread did not finish within ${closeMs} ms, ${this.depth()} observations are lost`);
  }

  #open(): void {
    const { clock } = this.#deps;
    const { model, monitors, qualification, window, store, spoolMax, referencePath, plain } = this.#options;
    this.#openedAtMs = clock.monotonicMs();
    this.#silentChecks = 0;
    const setup: Setup = { model, monitors, qualification, window, store, spoolMax, referencePath, plain, trial: this.#trial, fresh: this.#deaths >= deathsMax };
    // What a thread says after it was given up does not count.
    const life = (this.#life += 1);
    this.#desk = this.#openDesk(setup, {
      clock,
      message: (message) => {
        if (life === this.#life) this.#hearBack(message);
      },
      gone: (why) => {
        if (life === this.#life) this.#gone(why);
      },
    });
  }

  #hearBack(message: FromAnalyst): void {
    this.#silentChecks = 0;
    switch (message.type) {
      case "ready":
        this.#ready = true;
        this.#onReady?.(message.saved);
        this.#durable.postAll();
        this.spool.askAgain();
        return this.#gather();
      case "heard":
        this.#inHand = { observations: 0, bytes: 0 };
        return this.#gather();
      case "kept":
        return this.#durable.kept(message.revision);
      case "answer":
        return this.#questions.answered(message.id, message.answer);
      case "spool-batch":
        return this.spool.answered(message.question, message.batch);
      case "spool-lost":
        return this.#deps.spoolLost?.(message.lane, message.items);
      case "told": {
        for (const judgement of message.judgements) this.#deps.judge(judgement);
        for (const text of message.notes) this.#deps.note(text);
        this.#deps.prices?.(message.prices);
        this.#deps.points(message.points.flatMap(({ name, labels, value }) => {
          const instrument = instrumentOf(name);
          return instrument === undefined ? [] : [{ instrument, labels, value }];
        }));
        return;
      }
      case "trial":
        return this.#deps.trial?.(message.reading);
      case "log":
        return this.#deps.log[message.level](message.fields, message.message);
      case "closed":
        return this.#onClosed?.();
    }
  }

  /** The thread is no more. */
  #gone(why: string): void {
    const { clock, log, dropped } = this.#deps;
    this.#life += 1;
    this.#desk = undefined;
    this.#ready = false;
    if (this.#closing) return this.#onClosed?.();

    this.#deaths = clock.monotonicMs() - this.#openedAtMs >= soundMs ? 1 : this.#deaths + 1;
    const againMs = Math.min(pauseMs.most, pauseMs.first * 2 ** (this.#deaths - 1));
    log.error({ why, againMs }, "the analysis thread died; predictions go on, it is started again");
    dropped("analysis-thread", 1);
    if (this.#inHand.observations > 0) dropped("analysis-lost", this.#inHand.observations);
    this.#inHand = { observations: 0, bytes: 0 };
    this.#questions.giveUp();
    this.#cancelRestart = clock.after(againMs, () => this.#open());
  }

  #watch(): void {
    if (!this.#ready) return;
    this.#silentChecks += 1;
    if (this.#silentChecks <= silence.checksMax) return;
    const desk = this.#desk;
    this.#gone(`silent for ${(silence.checkMs * silence.checksMax) / 1_000} s`);
    desk?.terminate();
  }

  /** Sends a full batch at once, a smaller one a little later; nothing while the thread has one in hand. */
  #gather(): void {
    if (!this.#ready || this.#inHand.observations > 0 || this.#waiting.length === 0) return;
    if (this.#waiting.length >= batchMax.observations || this.#waitingBytes >= batchMax.bytes) this.#post();
    else this.#gathering ??= this.#deps.clock.after(gatherMs, () => this.#post());
  }

  #post(): void {
    this.#gathering?.();
    this.#gathering = undefined;
    if (this.#ready && this.#desk !== undefined) this.#postBatch(this.#desk);
  }

  #postBatch(desk: Desk): void {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count === batchMax.observations || (count > 0 && bytes + waiting.bytes > batchMax.bytes)) break;
      count += 1;
      bytes += waiting.bytes;
    }
    const batch = pack(this.#waiting.splice(0, count).map(({ observation }) => observation));
    this.#waitingBytes -= bytes;
    this.#inHand = { observations: this.#inHand.observations + count, bytes: this.#inHand.bytes + bytes };
    desk.post({ type: "observations", batch }, transferable(batch));
  }

  /** Lets the oldest that wait go until the bounds hold. */
  #letGo(): void {
    let count = 0;
    while (count < this.#waiting.length && this.#over(count)) {
      this.#waitingBytes -= (this.#waiting[count] as Waiting).bytes;
      count += 1;
    }
    if (count === 0) return;
    this.#waiting.splice(0, count);
    this.#deps.dropped("analysis-queue", count);
  }

  #over(leaving: number): boolean {
    return this.depth() - leaving > this.#bounds.observations || this.#waitingBytes + this.#inHand.bytes > this.#bounds.bytes;
  }
}
