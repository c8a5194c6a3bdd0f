/**
 * All that one actuator is to be told, one thing at a time and the newest only: what came later says all that is so now, and so
 * takes the place of what still waits or is between two attempts. A roll-back gives way to another rollout alone, and does not even
 * wait for the answer to what it takes back.
 *
 * Attempts follow each other with growing pauses, at most `retries` more than one and none after `within`. A roll-back that has
 * come to nothing by then is attempted about once a minute for an hour more: a server that is down for a while must not keep the
 * version that was taken back. Those who are told after it do not wait for that.
 */
import { wait, type Clock } from "../../clock.ts";
import type { Action, Actuation, ActuationReport, Actuator, Attempted, Missed, Result } from "./actuation.ts";
import { pauseMs, type Backoff } from "./backoff.ts";
import { Task, type SavedTask } from "./task.ts";

export interface LaneOptions extends Backoff {
  readonly name: string;
  readonly actions: readonly Action[];
  readonly timeout: number;
  readonly retries: number;
  readonly within: number;
  readonly wait: boolean;
}

export interface LaneDeps {
  readonly clock: Clock;
  /** Each time that something can be said: at the first attempt, after each one that failed, and at the end. */
  readonly told: (report: ActuationReport) => void;
  /** It has come to this, for good or before it is attempted late; once or twice for an actuation. */
  readonly settled: (report: ActuationReport & { readonly result: Result }) => void;
}

/** About once a minute, for an hour. */
const latePauseMs = 60_000;
const lateMs = 3_600_000;
/** What an actuator has beyond its deadline to say so itself, before it is left alone. */
const graceMs = 500;

export class Lane {
  readonly options: LaneOptions;
  readonly #actuator: Actuator;
  readonly #deps: LaneDeps;
  /** Those not over: the one that is told, though something newer may be there already, and one that waits. */
  readonly #tasks = new Set<Task>();
  #turn: Promise<void> = Promise.resolve();
  /** The rollout that was rolled back last: nothing else of it is told any more. */
  #rolledBack: string | undefined;
  #closed = false;

  constructor(options: LaneOptions, actuator: Actuator, deps: LaneDeps) {
    this.options = options;
    this.#actuator = actuator;
    this.#deps = deps;
  }

  heeds({ action }: Actuation): boolean {
    return this.options.actions.includes(action);
  }

  /** Not to be told here, and yet what it takes back must not be told any more either. */
  pass(actuation: Actuation): void {
    if (actuation.action === "roll-back") for (const before of this.#tasks) this.#supersede(before, actuation);
  }

  /** Takes it up, and sends away what it takes the place of. It is told once `begin` was called for it. */
  offer(actuation: Actuation, saved?: SavedTask): Task {
    const task = new Task({ actuator: this.options.name, actuation, attempts: saved?.attempts ?? 0 });
    if (saved?.lateLeftMs !== undefined) {
      task.lateUntilMs = this.#deps.clock.monotonicMs() + Math.min(lateMs, saved.lateLeftMs);
      task.last = saved.last;
    }
    const isRollBack = actuation.action === "roll-back";
    if (!isRollBack && actuation.rollout === this.#rolledBack) {
      task.supersededBy = "the rollout was rolled back";
      this.#end(task, "skipped", task.supersededBy);
      return task;
    }
    this.#rolledBack = isRollBack ? actuation.rollout : undefined;
    for (const before of this.#tasks) this.#supersede(before, actuation);
    this.#tasks.add(task);
    return task;
  }

  /** Attempts it when those before it have ended. */
  begin(task: Task): void {
    this.#turn = this.#turn.then(() => this.#work(task));
  }

  knows({ id }: Actuation): boolean {
    return [...this.#tasks].some(({ actuation }) => actuation.id === id);
  }

  /** What the next process is to go on with: one at most, since it takes the place of those before it. */
  saved(): readonly SavedTask[] {
    return [...this.#tasks].filter(({ supersededBy }) => supersededBy === undefined).map((task) => task.saved(this.#deps.clock.monotonicMs()));
  }

  /** Breaks off what is under way. It stays among the tasks, to be saved and gone on with. */
  close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#tasks) task.stop.abort();
    return this.#turn;
  }

  #supersede(task: Task, by: Actuation): void {
    task.supersededBy = `superseded by ${by.action} of rollout ${by.rollout}`;
    if (task.phase === "waiting") return this.#end(task, "skipped", task.supersededBy);
    if (by.action === "roll-back") task.stop.abort();
    else task.wake.abort();
  }

  async #work(task: Task): Promise<void> {
    if (task.phase === "over" || this.#closed) return;
    if (task.lateUntilMs === undefined) await this.#try(task);
    else task.settle();
    if (task.lateUntilMs !== undefined) await this.#tryLate(task, task.lateUntilMs);
  }

  async #try(task: Task): Promise<void> {
    const { clock } = this.#deps;
    const { retries, timeout, within } = this.options;
    const untilMs = clock.monotonicMs() + within;
    task.phase = "trying";
    this.#tell(task, "under-way", "");
    for (let failures = 1; ; failures += 1) {
      const attempted = await this.#attempt(task, Math.min(clock.monotonicMs() + timeout, untilMs));
      if (this.#closed) return;
      if (!("again" in attempted)) return this.#end(task, attempted.result, attempted.detail);
      if (task.supersededBy !== undefined) return this.#end(task, "skipped", task.supersededBy);
      const pause = pauseMs(this.options, failures, clock.random(), attempted.afterMs);
      if (!attempted.again || failures > retries || clock.monotonicMs() + pause >= untilMs) return this.#giveUp(task, attempted);
      this.#tell(task, "under-way", `${attempted.detail}; again in ${seconds(pause)}`);
      await this.#sleep(task, pause);
      if (this.#closed) return;
      if (task.supersededBy !== undefined) return this.#end(task, "skipped", task.supersededBy);
    }
  }

  /** A roll-back is attempted late, unless there is nothing that another attempt could change. */
  #giveUp(task: Task, attempted: Missed): void {
    const isFinal = task.actuation.action !== "roll-back" || (attempted.result === "unconfirmed" && !attempted.again);
    if (isFinal) return this.#end(task, attempted.result, attempted.detail);
    task.phase = "late";
    task.last = attempted;
    task.lateUntilMs = this.#deps.clock.monotonicMs() + lateMs;
    this.#settle(task, attempted.result, `${attempted.detail}; it is tried again each minute for an hour`);
  }

  async #tryLate(task: Task, untilMs: number): Promise<void> {
    const { clock } = this.#deps;
    task.phase = "late";
    for (;;) {
      await this.#sleep(task, latePauseMs * (1 + clock.random() / 4));
      if (this.#closed) return;
      if (task.supersededBy !== undefined) return this.#end(task, "skipped", task.supersededBy);
      if (clock.monotonicMs() >= untilMs) break;
      const attempted = await this.#attempt(task, clock.monotonicMs() + this.options.timeout);
      if (this.#closed) return;
      if (!("again" in attempted)) return this.#end(task, attempted.result, attempted.detail);
      task.last = attempted;
      this.#tell(task, attempted.result, `${attempted.detail}; it is tried again each minute`);
    }
    this.#end(task, task.last?.result ?? "failed", `${task.last?.detail ?? "it never came to an answer"}; given up after an hour`);
  }

  /** Settles in time whatever the actuator does. */
  async #attempt(task: Task, deadlineMs: number): Promise<Attempted> {
    const { clock } = this.#deps;
    const { signal } = task.stop;
    task.attempts += 1;
    const hung = Promise.withResolvers<Attempted>();
    const cancel = clock.after(deadlineMs - clock.monotonicMs() + graceMs, () => hung.resolve({ result: "failed", detail: "it came to no end in its time", again: true }));
    const onAbort = () => hung.resolve({ result: "failed", detail: "broken off", again: true });
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([this.#actuator.attempt(task.actuation, deadlineMs, signal), hung.promise]);
    } catch (error) {
      return { result: "failed", detail: `it broke: ${(error as Error).message}`, again: false };
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends early where nobody wants it any more. */
  async #sleep(task: Task, ms: number): Promise<void> {
    await wait(this.#deps.clock, ms, task.wake.signal).catch(() => {});
  }

  #end(task: Task, result: Result, detail: string): void {
    task.phase = "over";
    this.#tasks.delete(task);
    this.#settle(task, result, detail);
  }

  #settle(task: Task, result: Result, detail: string): void {
    const report = this.#tell(task, result, detail);
    this.#deps.settled({ ...report, result });
    task.settle();
  }

  #tell(task: Task, result: ActuationReport["result"], detail: string): ActuationReport {
    const { id, rollout, action } = task.actuation;
    const report: ActuationReport = { id, rollout, actuator: this.options.name, action, result, attempts: task.attempts, detail, atWallMs: this.#deps.clock.wallMs() };
    this.#deps.told(report);
    return report;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
