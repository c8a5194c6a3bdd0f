/**
 * Who may be at work: a door that can be closed, and behind it a bounded queue before the model, one job at a time.
 * onnxruntime-node runs a model on the thread that asks (1.30.0), so a second job at once would gain nothing.
 *
 * Who has come through the door is served, closed or not. It is closed by naming a reason (`drain`) and opened by taking
 * that reason back (`resume`), so that a subscriber's directive and a stop of the process do not undo each other.
 */
export class Work {
  readonly #queueMax: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #drains = new Set<string>();
  readonly #whenIdle: (() => void)[] = [];
  #running = false;
  #inProgress = 0;

  constructor(queueMax: number) {
    this.#queueMax = queueMax;
  }

  /** Requests that have come in and are not yet answered. */
  get inProgress(): number {
    return this.#inProgress;
  }

  /** Jobs that wait for their turn. */
  get queued(): number {
    return this.#waiting.length;
  }

  get draining(): boolean {
    return this.#drains.size > 0;
  }

  drain(reason: string): void {
    this.#drains.add(reason);
  }

  resume(reason: string): void {
    this.#drains.delete(reason);
  }

  /** Serves a request, if the door is open. */
  async enter<T>(serve: () => Promise<T>): Promise<T | "draining"> {
    if (this.draining) return "draining";
    this.#inProgress += 1;
    try {
      return await serve();
    } finally {
      this.#inProgress -= 1;
      if (this.#inProgress === 0) for (const tell of this.#whenIdle.splice(0)) tell();
    }
  }

  /** Kept once nothing is in progress. */
  idle(): Promise<void> {
    return this.#inProgress === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Runs a job of a request when it is its turn, if the queue has room. Rejects only with what the job throws. */
  async run<T>(job: () => Promise<T>): Promise<{ readonly done: T } | "full"> {
    if (this.#waiting.length >= this.#queueMax) return "full";
    return { done: await this.after(job) };
  }

  /** Runs a chore after all jobs before it, however many: to release a model that they may still use. */
  after<T>(chore: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => chore().then(resolve, reject));
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next();
    this.#running = false;
  }
}
