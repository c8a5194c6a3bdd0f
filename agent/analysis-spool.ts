/**
 * The main thread's side of the spool, which the analysis thread keeps in the store. What is added or removed is held here
 * until the thread says that it is kept, as everything durable is (analysis.ts), and a question that a dying thread left
 * open is asked again of the next one.
 */
import type { Lane, Spool, SpooledBatch } from "../exporters/otlp/spool.ts";
import type { ToAnalyst } from "./analysis-messages.ts";

export interface AnalysisSpoolDeps {
  /** Hands over now or when there is a thread, and holds it until it is kept. */
  readonly keep: (message: SpoolWrite) => void;
  /** Hands over if there is a thread. */
  readonly ask: (question: SpoolQuestion) => void;
}

/** What changes the spool; the revision is given by who keeps it. */
export type SpoolWrite = WithoutRevision<Extract<ToAnalyst, { type: "spool-add" | "spool-remove" }>>;
export type SpoolQuestion = Extract<ToAnalyst, { type: "spool-oldest" }>;
type WithoutRevision<Message> = Message extends unknown ? Omit<Message, "revision"> : never;

export class AnalysisSpool implements Spool {
  readonly #deps: AnalysisSpoolDeps;
  /** By number: at most one for each lane. */
  readonly #open = new Map<number, { readonly question: SpoolQuestion; readonly resolve: (batch: SpooledBatch | undefined) => void }>();
  #questions = 0;

  constructor(deps: AnalysisSpoolDeps) {
    this.#deps = deps;
  }

  add(lane: Lane, { body, items }: { readonly body: Uint8Array<ArrayBuffer>; readonly items: number }): void {
    this.#deps.keep({ type: "spool-add", lane, body, items });
  }

  remove(id: number): void {
    this.#deps.keep({ type: "spool-remove", id });
  }

  oldest(lane: Lane): Promise<SpooledBatch | undefined> {
    return new Promise((resolve) => {
      const question: SpoolQuestion = { type: "spool-oldest", lane, question: (this.#questions += 1) };
      this.#open.set(question.question, { question, resolve });
      this.#deps.ask(question);
    });
  }

  answered(question: number, batch: SpooledBatch | undefined): void {
    this.#open.get(question)?.resolve(batch);
    this.#open.delete(question);
  }

  /** There is another thread. */
  askAgain(): void {
    for (const { question } of this.#open.values()) this.#deps.ask(question);
  }

  /** There will be none any more. */
  close(): void {
    for (const { resolve } of this.#open.values()) resolve(undefined);
    this.#open.clear();
  }
}
