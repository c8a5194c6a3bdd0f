/**
 * Questions of people to the analysis thread. A few at a time, and each for a bounded time: the thread may be busy, dead or about
 * to be started again, and who looks at a page is then told so rather than kept waiting.
 */
import type { ToAnalyst } from "./analysis-messages.ts";
import type { Cancel, Clock } from "./clock.ts";
import type { FeaturesQuestion, FeaturesView } from "./feature-view.ts";

const inFlightMax = 4;
const patienceMs = 2_000;

export class AnalysisQuestions {
  readonly #clock: Clock;
  /** False where nobody is there to be asked. */
  readonly #post: (question: Extract<ToAnalyst, { type: "ask" }>) => boolean;
  readonly #open = new Map<number, { readonly resolve: (view: FeaturesView | undefined) => void; readonly cancel: Cancel }>();
  #ids = 0;

  constructor(clock: Clock, post: (question: Extract<ToAnalyst, { type: "ask" }>) => boolean) {
    this.#clock = clock;
    this.#post = post;
  }

  ask(question: FeaturesQuestion): Promise<FeaturesView | undefined> {
    if (this.#open.size >= inFlightMax) return Promise.resolve(undefined);
    const id = (this.#ids += 1);
    return new Promise((resolve) => {
      this.#open.set(id, { resolve, cancel: this.#clock.after(patienceMs, () => this.answered(id, undefined)) });
      if (!this.#post({ type: "ask", id, question })) this.answered(id, undefined);
    });
  }

  /** A late answer finds nobody. */
  answered(id: number, view: FeaturesView | undefined): void {
    const asked = this.#open.get(id);
    this.#open.delete(id);
    asked?.cancel();
    asked?.resolve(view);
  }

  /** There is nobody to answer any more. */
  close(): void {
    for (const id of this.#open.keys()) this.answered(id, undefined);
  }
}
