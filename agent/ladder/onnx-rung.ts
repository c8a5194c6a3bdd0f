/**
 * A small model in the sidecar itself: the answer that is near when the model server is not. It runs on a thread of its own,
 * which is started with the rung, so an agent without such a rung never loads the runtime.
 *
 * A run can not be interrupted, and to terminate its thread meanwhile aborts the whole process (onnxruntime-node throws where
 * nobody catches). Where one takes longer than its time the thread is told to leave when it can and another is started; so it
 * is when it dies. Meanwhile the rung answers `error` at once and the next one is asked. A model that can not be loaded leaves its
 * rung out for good: that is a mistake in the config or the image, and it is logged as such.
 */
import { Worker } from "node:worker_threads";
import * as z from "zod";
import type { Question, RungAnswer } from "../backend.ts";
import type { Cancel, Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { PlainOptions } from "../protocols/plain-options.ts";
import type { ModelDescription, Protocol, TensorDescription } from "../protocols/protocol.ts";
import type { ProtocolName } from "../protocols/protocols.ts";
import { threadFile } from "../thread.ts";
import { answerWith, modelOf } from "./answer.ts";
import { bothInWords, misfit } from "./input-check.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { datatypes } from "./onnx-datatypes.ts";
import type { OnnxAnswer, OnnxAsk, OnnxLeave, OnnxSay, OnnxThreadData } from "./onnx-message.ts";
import { featureNames, guardOptions, modelVersion, rungName, scalar } from "./options.ts";
import type { Input } from "./tensors.ts";

const value = z.union([scalar, z.array(scalar).min(1)], { error: "expected a value, or a list of values" });
const constant = z.strictObject({ constant: value });
const source = z.union([z.string().min(1), constant, z.array(z.union([z.string().min(1), constant])).min(1)], {
  error: "expected the name of a tensor or column, {constant: value}, or a list of these",
});

export const onnxOptions = z.strictObject({
  kind: z.literal("onnx"),
  name: rungName.default("onnx"),
  /** Path of the model's file. */
  model: z.string({ error: "expected the path of an ONNX model" }).min(1),
  version: modelVersion.optional(),
  /** `lazy`: for the first question. */
  load: z.enum(["start", "lazy"]).default("start"),
  /** For each input of the model where it comes from; one that is not named is found by its name and by `features`. */
  inputs: z.record(z.string().min(1), source, { error: "expected each input's name with where it comes from" }).optional(),
  features: featureNames.optional(),
  // The burst of a whole failover comes at once, so many may wait; few are given to the thread, so that one given up has hardly begun.
  ...guardOptions({ active: 4, waiting: 1_024, timeoutMs: 1_000 }),
});
export type OnnxRungOptions = z.output<typeof onnxOptions>;

export interface OnnxRungDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  readonly plain?: PlainOptions | undefined;
  readonly describe: () => ModelDescription | undefined;
}

interface Waiting {
  readonly id: number;
  readonly question: Question;
  readonly settle: (answer: RungAnswer) => void;
}

const restartFirstMs = 1_000;
const restartMaxMs = 60_000;
/** Threads that were told to leave and have not: with so many of them no other is started. */
const leavingMax = 2;
/** How long a close waits for the run under way. */
const leaveMs = 1_000;

export class OnnxRung implements LadderRung {
  readonly name: string;
  readonly kind = "onnx";

  readonly #options: OnnxRungOptions;
  readonly #deps: OnnxRungDeps;
  readonly #queue = new Map<number, Waiting>();
  readonly #underWay = new Map<number, Waiting>();
  /** `asleep`: loaded by the first question; `waking`: that is under way, and questions wait for it. */
  #state: "stopped" | "asleep" | "waking" | "loading" | "ready" | "out" = "stopped";
  #worker: Worker | undefined;
  readonly #leaving = new Set<Worker>();
  #why = "it has not been started";
  #inputs: readonly Input[] = [];
  #outputs: readonly Input[] = [];
  /** The description that the model's inputs were last held against. */
  #checked: ModelDescription | undefined;
  #ids = 0;
  /** Since when the thread has had something to do and said nothing. */
  #quietSinceMs = 0;
  #restartMs = restartFirstMs;
  #cancelRestart: Cancel = () => {};

  constructor(options: OnnxRungOptions, deps: OnnxRungDeps) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
  }

  /** It can answer now. */
  get ready(): boolean {
    return this.#state === "ready" || this.#state === "asleep" || this.#state === "waking";
  }

  get asleep(): boolean {
    return this.#state === "asleep";
  }

  /** Why it can not answer, for people. */
  get why(): string {
    return this.#why;
  }

  /** The model as its file describes it, in the protocol's words; undefined while it is not loaded. */
  description(): ModelDescription | undefined {
    if (this.#state !== "ready") return undefined;
    const { version } = this.#options;
    return { name: this.#deps.describe()?.name ?? this.name, versions: version === undefined ? [] : [version], inputs: this.#inputs.map(described), outputs: this.#outputs.map(described) };
  }

  /** Kept when the model is loaded, or can not be. */
  async start(): Promise<() => Promise<void>> {
    if (this.#options.load === "lazy") this.#state = "asleep";
    else await this.#load("loading");
    return async () => {
      this.#state = "stopped";
      this.#why = "it has been stopped";
      this.#cancelRestart();
      await this.#leave();
    };
  }

  described(): void {
    if (this.#state === "ready") this.#check();
  }

  answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const { bulkhead, timeout } = this.#options;
    if (this.#state === "asleep") void this.#load("waking");
    if (this.#state === "ready") this.#check();
    if (!this.ready) return Promise.resolve({ outcome: "error", detail: this.#why });
    if (signal.aborted) return Promise.resolve({ outcome: "timeout", detail: "given up before it began" });
    if (this.#queue.size >= Math.max(1, bulkhead.waiting)) return Promise.resolve({ outcome: "overloaded", detail: `${this.#queue.size} questions are waiting` });
    return new Promise((resolve) => {
      const id = (this.#ids += 1);
      const giveUp = (detail: string): void => {
        settle({ outcome: "timeout", detail });
        this.#queue.delete(id);
        // All of a question's time, and the thread has answered nobody: it is stuck.
        if (this.#underWay.size > 0 && this.#deps.clock.monotonicMs() - this.#quietSinceMs >= timeout) this.#end("it did not answer in time");
      };
      const onAbort = (): void => giveUp("given up");
      const leftMs = Math.min(timeout, (question.deadlineMs ?? Infinity) - this.#deps.clock.monotonicMs());
      const cancelTimer = this.#deps.clock.after(leftMs, () => giveUp(`no answer within ${Math.round(leftMs)} ms`));
      const settle = (answer: RungAnswer): void => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
        resolve(answer);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.set(id, { id, question, settle });
      this.#send();
    });
  }

  #send(): void {
    for (const [id, waiting] of this.#queue) {
      if (this.#worker === undefined || this.#state !== "ready" || this.#underWay.size >= this.#options.bulkhead.active) return;
      this.#queue.delete(id);
      if (this.#underWay.size === 0) this.#quietSinceMs = this.#deps.clock.monotonicMs();
      this.#underWay.set(id, waiting);
      const { path, body } = waiting.question;
      const ask: OnnxAsk = {
        id,
        model: modelOf(this.#deps.protocol, waiting.question),
        target: path,
        body: new Uint8Array(body),
        description: this.#deps.describe(),
      };
      this.#worker.postMessage(ask, [ask.body.buffer as ArrayBuffer]);
    }
  }

  #load(state: "loading" | "waking"): Promise<void> {
    const { model, version, features, inputs } = this.#options;
    const { protocol, plain, log } = this.#deps;
    this.#state = state;
    this.#why = "its model is being loaded";
    const workerData: OnnxThreadData = { path: model, protocol: protocol.name as ProtocolName, plain, features, inputs, version };
    const worker = new Worker(threadFile("onnx-thread", import.meta.url), { workerData, name: `rung ${this.name}` });
    worker.unref();
    this.#worker = worker;
    return new Promise((resolve) => {
      worker.on("message", (message: OnnxSay) => {
        if (this.#worker !== worker) return;
        switch (message.kind) {
          case "loaded":
            this.#inputs = message.inputs;
            this.#outputs = message.outputs;
            if (this.#state === "loading" || this.#state === "waking") this.#state = "ready";
            log.info({ rung: this.name, model, inputs: message.inputs.map(({ name }) => name), outputs: message.outputs.map(({ name }) => name) }, "a rung's model is loaded");
            this.#check(true);
            this.#send();
            resolve();
            break;
          case "failed":
            this.#out(`its model ${model} can not be loaded: ${message.detail}`);
            resolve();
            break;
          case "answer":
            this.#take(message.answer);
            break;
        }
      });
      worker.on("error", (error) => {
        if (this.#state === "loading" || this.#state === "waking") this.#out(`its thread can not be started: ${String(error)}`);
        else log.error({ rung: this.name, error: String(error) }, "a rung's thread failed");
      });
      worker.on("exit", () => {
        resolve();
        this.#ended(worker);
      });
    });
  }

  /** Holds the model's inputs against the mapping, and against the primary's description whenever that has become another. */
  #check(isFirst: boolean = false): void {
    const description = this.#deps.describe();
    if (!isFirst && description === this.#checked) return;
    this.#checked = description;
    const why = misfit(this.#inputs, this.#options.inputs ?? {}, this.#options.features, description);
    if (why !== undefined) this.#out(`the inputs of ${this.#options.model} do not match: ${why} (${bothInWords(this.#inputs, description)})`);
  }

  /** A mistake that time does not mend. */
  #out(why: string): void {
    if (this.#state === "stopped") return;
    this.#state = "out";
    this.#why = why;
    this.#deps.log.error({ rung: this.name, model: this.#options.model }, `the rung ${this.name} is out: ${why}`);
    void this.#leave();
  }

  #take(answer: OnnxAnswer): void {
    this.#quietSinceMs = this.#deps.clock.monotonicMs();
    this.#restartMs = restartFirstMs;
    const waiting = this.#underWay.get(answer.id);
    this.#underWay.delete(answer.id);
    waiting?.settle(answer.outcome === "ok" ? answerWith({ headers: answer.headers, body: Buffer.from(answer.body.buffer) }, this.#options.version) : { outcome: answer.outcome, detail: answer.detail });
    this.#send();
  }

  #end(why: string): void {
    this.#deps.log.warn({ rung: this.name, why }, "a rung's thread is ended");
    void this.#leave();
  }

  /** Lets the thread end when its run is over. Kept when it has, or after a second. */
  async #leave(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    this.#leaving.add(worker);
    const gone = new Promise<void>((resolve) => {
      const cancel = this.#deps.clock.after(leaveMs, resolve);
      worker.once("exit", () => {
        this.#leaving.delete(worker);
        cancel();
        resolve();
      });
    });
    worker.postMessage("leave" satisfies OnnxLeave);
    // Questions whose own time is over at this moment hear that first.
    queueMicrotask(() => this.#ended(worker));
    await gone;
  }

  #restartLater(): void {
    this.#cancelRestart = this.#deps.clock.after(this.#restartMs, () => (this.#leaving.size < leavingMax ? void this.#load("loading") : this.#restartLater()));
    this.#restartMs = Math.min(restartMaxMs, 2 * this.#restartMs);
  }

  /** The thread is gone, or as good as. Who waits is told; a new one is started after a while, unless nobody wants it. */
  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const left = [...this.#underWay.values(), ...this.#queue.values()];
    this.#underWay.clear();
    this.#queue.clear();
    if (this.#state === "loading" || this.#state === "waking" || this.#state === "ready") {
      this.#state = "loading";
      this.#why = "its thread ended and is being started anew";
      this.#restartLater();
    }
    left.forEach(({ settle }) => settle({ outcome: "error", detail: this.#why }));
  }
}

/** A size that has a name varies. */
function described({ name, type, shape }: Input): TensorDescription {
  return { name, datatype: datatypes[type] ?? type, shape: shape.map((size) => (typeof size === "number" ? size : -1)) };
}
