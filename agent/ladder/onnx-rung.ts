/**
 * A small model in the sidecar itself: the answer that is near when the model server is not. It runs on a thread of its own,
 * which is started with the rung, so an agent without such a rung never loads the runtime.
 *
 * A run can not be interrupted. Where one takes longer than its time the thread is ended and started anew, and so it is when
 * it dies; meanwhile the rung answers `error` at once and the next one is asked. A model that can not be loaded leaves its
 * rung out for good: that is a mistake in the config or the image, and it is logged as such.
 */
import { Worker } from "node:worker_threads";
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Cancel, Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import type { ProtocolName } from "../protocols/protocols.ts";
import { answerWith } from "./answer.ts";
import type { OnnxAnswer, OnnxAsk, OnnxSay, OnnxThreadData } from "./onnx-message.ts";

export interface OnnxRungOptions {
  readonly name: string;
  /** Path of the model's file. */
  readonly model: string;
  readonly version?: string | undefined;
  /** For one answer, from the question to its last byte. */
  readonly timeout: number;
  /** Questions that may wait at once; the burst of a whole failover comes at once. */
  readonly waiting: number;
  /** The order of the columns of a single matrix. */
  readonly features?: readonly string[] | undefined;
}

export interface OnnxRungDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
}

interface Waiting {
  readonly id: number;
  readonly question: Question;
  readonly settle: (answer: RungAnswer) => void;
}

/** Beside the sources, or beside the bundle. */
const threadFile = import.meta.url.endsWith(".ts") ? "./onnx-thread.ts" : "./onnx-thread.mjs";
/** Questions given to the thread at once: enough to keep it busy, few enough that one given up has hardly begun. */
const underWayMax = 4;
const restartFirstMs = 1_000;
const restartMaxMs = 60_000;

export class OnnxRung implements Rung {
  readonly name: string;
  readonly kind = "onnx";

  readonly #options: OnnxRungOptions;
  readonly #deps: OnnxRungDeps;
  readonly #queue = new Map<number, Waiting>();
  readonly #underWay = new Map<number, Waiting>();
  #state: "stopped" | "loading" | "ready" | "out" = "stopped";
  #worker: Worker | undefined;
  #why = "it has not been started";
  #ids = 0;
  #answered = 0;
  #restartMs = restartFirstMs;
  #cancelRestart: Cancel = () => {};

  constructor(options: OnnxRungOptions, deps: OnnxRungDeps) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
  }

  /** It can answer now. */
  get ready(): boolean {
    return this.#state === "ready";
  }

  /** Kept when the model is loaded, or can not be. */
  async start(): Promise<() => Promise<void>> {
    await this.#load();
    return async () => {
      this.#state = "stopped";
      this.#why = "it has been stopped";
      this.#cancelRestart();
      await this.#worker?.terminate();
    };
  }

  answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const { waiting, timeout } = this.#options;
    if (this.#state !== "ready") return Promise.resolve({ outcome: "error", detail: this.#why });
    if (signal.aborted) return Promise.resolve({ outcome: "timeout", detail: "given up before it began" });
    if (this.#queue.size >= waiting) return Promise.resolve({ outcome: "error", detail: `overloaded: ${waiting} questions are waiting` });
    return new Promise((resolve) => {
      const id = (this.#ids += 1);
      const answeredBefore = this.#answered;
      const giveUp = (detail: string): void => {
        settle({ outcome: "timeout", detail });
        // All its time, and the thread has answered nobody: it is stuck.
        if (this.#underWay.has(id) && this.#answered === answeredBefore && !signal.aborted) this.#end("it did not answer in time");
        this.#queue.delete(id);
      };
      const onAbort = (): void => giveUp("given up");
      const cancelTimer = this.#deps.clock.after(timeout, () => giveUp(`no answer within ${timeout} ms`));
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
      if (this.#worker === undefined || this.#underWay.size >= underWayMax) return;
      this.#queue.delete(id);
      this.#underWay.set(id, waiting);
      const { method, path, body } = waiting.question;
      const ask: OnnxAsk = {
        id,
        model: this.#deps.protocol.inferenceOf(method, path)?.model ?? "",
        body: new Uint8Array(body),
        description: this.#deps.describe(),
      };
      this.#worker.postMessage(ask, [ask.body.buffer as ArrayBuffer]);
    }
  }

  #load(): Promise<void> {
    const { model, version, features } = this.#options;
    const { protocol, log } = this.#deps;
    this.#state = "loading";
    this.#why = "its model is being loaded";
    const workerData: OnnxThreadData = { path: model, protocol: protocol.name as ProtocolName, features, version };
    const worker = new Worker(new URL(threadFile, import.meta.url), { workerData, name: `rung ${this.name}` });
    worker.unref();
    this.#worker = worker;
    return new Promise((resolve) => {
      worker.on("message", (message: OnnxSay) => {
        switch (message.kind) {
          case "loaded":
            if (this.#state === "loading") this.#state = "ready";
            log.info({ rung: this.name, model, inputs: message.inputs, outputs: message.outputs }, "a rung's model is loaded");
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
        if (this.#state === "loading") this.#out(`its thread can not be started: ${String(error)}`);
        else log.error({ rung: this.name, error: String(error) }, "a rung's thread failed");
      });
      worker.on("exit", () => {
        resolve();
        this.#ended(worker);
      });
    });
  }

  /** A mistake that time does not mend. */
  #out(why: string): void {
    this.#state = "out";
    this.#why = why;
    this.#deps.log.error({ rung: this.name, model: this.#options.model }, `the rung ${this.name} is out: ${why}`);
    void this.#worker?.terminate();
  }

  #take(answer: OnnxAnswer): void {
    this.#answered += 1;
    this.#restartMs = restartFirstMs;
    const waiting = this.#underWay.get(answer.id);
    this.#underWay.delete(answer.id);
    waiting?.settle(answer.outcome === "ok" ? answerWith(answer.body, this.#options.version) : { outcome: answer.outcome, detail: answer.detail });
    this.#send();
  }

  #end(why: string): void {
    this.#deps.log.warn({ rung: this.name, why }, "a rung's thread is ended");
    void this.#worker?.terminate();
  }

  /** The thread is gone. Who waits is told; a new one is started after a while, unless nobody wants it. */
  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const left = [...this.#underWay.values(), ...this.#queue.values()];
    this.#underWay.clear();
    this.#queue.clear();
    if (this.#state === "loading" || this.#state === "ready") {
      this.#state = "loading";
      this.#why = "its thread ended and is being started anew";
      this.#cancelRestart = this.#deps.clock.after(this.#restartMs, () => void this.#load());
      this.#restartMs = Math.min(restartMaxMs, 2 * this.#restartMs);
    }
    left.forEach(({ settle }) => settle({ outcome: "error", detail: this.#why }));
  }
}
