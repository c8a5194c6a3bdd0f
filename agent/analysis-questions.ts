/** Questions that the main thread has put to the analysis thread and that wait for their answers; all of them bounded. */
import type { Question, QuestionName, Questions, ToAnalyst } from "./analysis-messages.ts";
import type { Clock } from "./clock.ts";
import type { Thread } from "./thread.ts";

const pendingMax = 64;
const patienceMs = 10_000;
/** A large window is written for many seconds, and other work has its turn meanwhile. */
const writingMs = 120_000;

export class PendingQuestions {
  readonly #clock: Clock;
  readonly #pending = new Map<number, (answer: unknown) => void>();
  #id = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** undefined where nobody answers in time. */
  ask<Name extends QuestionName>(name: Name, asked: Questions[Name]["asked"], desk: Thread<ToAnalyst> | undefined): Promise<Questions[Name]["answer"] | undefined> {
    if (desk === undefined || this.#pending.size >= pendingMax) return Promise.resolve(undefined);
    const id = (this.#id += 1);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(name === "write-window" ? writingMs : patienceMs, () => this.answered(id, undefined));
      this.#pending.set(id, (answer) => {
        cancel();
        resolve(answer as Questions[Name]["answer"] | undefined);
      });
      desk.post({ type: "ask", id, question: { name, asked } as Question });
    });
  }

  answered(id: number, answer: unknown): void {
    this.#pending.get(id)?.(answer);
    this.#pending.delete(id);
  }

  /** Nobody will answer any more. */
  giveUp(): void {
    for (const id of this.#pending.keys()) this.answered(id, undefined);
  }
}
