/**
 * What must be kept although the thread may die: it is held here until the thread says that the store has it, and handed over
 * again to the next thread. Bounded: of each key the newest value alone, so many events and so many batches, the oldest go.
 */
import type { Lane } from "../exporters/otlp/spool.ts";
import type { ToAnalyst } from "./analysis-messages.ts";
import type { AuditEvent } from "./store/store.ts";

type Durable = Extract<ToAnalyst, { type: "save" | "append" | "spool-add" | "spool-remove" }>;
type Unnumbered<One> = One extends unknown ? Omit<One, "revision"> : never;

export interface DurableDeps {
  /** To the thread, if it is there; throws for what can not be copied. */
  readonly post: (durable: Durable) => void;
  /** That one can not be copied: it is not kept. */
  readonly uncopied: (type: Durable["type"], error: unknown) => void;
  /** An event was let go. */
  readonly eventLost: () => void;
  readonly batchLost: (lane: Lane, items: number) => void;
}

/** Events of the audit that wait for a thread. */
const eventsMax = 1_024;
/** Batches for the spool that wait for a thread. */
const batchesMax = 256;

export class DurableWrites {
  readonly #deps: DurableDeps;
  /** By revision, oldest first: what was not said to be kept yet. */
  readonly #held = new Map<number, Durable>();
  #revision = 0;

  constructor(deps: DurableDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#held.size;
  }

  save(key: string, value: unknown): void {
    for (const [revision, held] of this.#held) if (held.type === "save" && held.key === key) this.#held.delete(revision);
    this.#keep({ type: "save", key, value });
  }

  append(event: AuditEvent): void {
    const oldest = this.#oldestOf("append", eventsMax);
    if (oldest !== undefined) this.#deps.eventLost();
    this.#keep({ type: "append", event });
  }

  spool(write: Unnumbered<Extract<Durable, { type: "spool-add" | "spool-remove" }>>): void {
    const oldest = write.type === "spool-add" ? this.#oldestOf("spool-add", batchesMax) : undefined;
    if (oldest?.type === "spool-add") this.#deps.batchLost(oldest.lane, oldest.items);
    this.#keep(write);
  }

  kept(revision: number): void {
    this.#held.delete(revision);
  }

  /** To a new thread. */
  postAll(): void {
    for (const held of this.#held.values()) this.#post(held);
  }

  /** Lets the oldest of its kind go where there are so many. */
  #oldestOf(type: Durable["type"], most: number): Durable | undefined {
    const held = [...this.#held.values()].filter((one) => one.type === type);
    const [oldest] = held;
    if (oldest === undefined || held.length < most) return undefined;
    this.#held.delete(oldest.revision);
    return oldest;
  }

  #keep(write: Unnumbered<Durable>): void {
    const durable: Durable = { ...write, revision: (this.#revision += 1) };
    this.#held.set(durable.revision, durable);
    this.#post(durable);
  }

  #post(durable: Durable): void {
    try {
      this.#deps.post(durable);
    } catch (error) {
      this.#held.delete(durable.revision);
      this.#deps.uncopied(durable.type, error);
    }
  }
}
