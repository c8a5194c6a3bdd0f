/**
 * Rows that wait for what a featuriser makes of them, and are handed on in their order: with its columns, or without where
 * these can not be had. The queue is bounded in number and in values; beyond that the oldest are handed on without, at once.
 * Between two of them the thread is free for others.
 */
import type { FeaturiserOrigin, Value } from "../../detectors/reference/reference.ts";
import type { Derived, Featuriser } from "./featuriser.ts";

export interface Rows {
  readonly columns: ReadonlyMap<string, readonly Value[]>;
  readonly rows: number;
}

export interface FeaturisingDeps<Item extends Rows> {
  /** Kept when the model is loaded; until then rows wait. Where it rejects, none wait any more. */
  readonly open: () => Promise<Featuriser>;
  /** Why it must not be used, though it was loaded. */
  readonly refuse?: ((origin: FeaturiserOrigin) => string | undefined) | undefined;
  /** @param derived undefined where the featuriser has nothing to say of these rows. */
  readonly done: (item: Item, derived: readonly Derived[] | undefined) => void;
  /** It made nothing of rows, or refused some: said again and again. */
  readonly failed: (why: string) => void;
  /** It is off from now on. */
  readonly off: (why: string) => void;
}

export interface Bounds {
  readonly items: number;
  /** Rows times columns. */
  readonly values: number;
}

/** 16 MB at most, and a second of busy traffic. */
const boundsDefault: Bounds = { items: 4_096, values: 1_000_000 };

export class Featurising<Item extends Rows> {
  /** Items that were let go because a bound was reached. */
  dropped = 0;
  /** Rows that it made nothing of. */
  failedRows = 0;
  readonly #deps: FeaturisingDeps<Item>;
  readonly #bounds: Bounds;
  readonly #waiting: Item[] = [];
  #waitingValues = 0;
  /** What the model has in hand. */
  #current: Item | undefined;
  readonly #onDrained: (() => void)[] = [];
  #featuriser: Featuriser | undefined;
  #on = true;

  constructor(deps: FeaturisingDeps<Item>, bounds: Bounds = boundsDefault) {
    this.#deps = deps;
    this.#bounds = bounds;
    deps.open().then(
      (featuriser) => this.#opened(featuriser),
      (error: unknown) => this.stop(messageOf(error)),
    );
  }

  get on(): boolean {
    return this.#on;
  }

  hear(item: Item): void {
    if (!this.#on) return this.#deps.done(item, undefined);
    this.#waiting.push(item);
    this.#waitingValues += valuesOf(item);
    while (this.#waiting.length > this.#bounds.items || (this.#waitingValues > this.#bounds.values && this.#waiting.length > 1)) {
      this.dropped += 1;
      this.#deps.done(this.#next(), undefined);
    }
    void this.#work();
  }

  /** Kept when nothing waits any more; undefined where nothing does now. */
  drained(): Promise<void> | undefined {
    if (this.#current === undefined && this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => void this.#onDrained.push(resolve));
  }

  /** Ends it: what waits is handed on without its columns, and so is what comes. */
  stop(why?: string): void {
    if (!this.#on) return;
    this.#on = false;
    if (why !== undefined) this.#deps.off(why);
    if (this.#current !== undefined) this.#deps.done(this.#current, undefined);
    this.#current = undefined;
    while (this.#waiting.length > 0) this.#deps.done(this.#next(), undefined);
    this.#tellDrained();
    void this.#featuriser?.close();
  }

  #opened(featuriser: Featuriser): void {
    if (!this.#on) return void featuriser.close();
    this.#featuriser = featuriser;
    const why = this.#deps.refuse?.(featuriser.origin);
    if (why === undefined) void this.#work();
    else this.stop(why);
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const featuriser = this.#featuriser;
    if (featuriser === undefined || this.#current !== undefined) return;
    while (this.#waiting.length > 0) {
      const item = this.#next();
      this.#current = item;
      const derived = await this.#make(featuriser, item);
      if (!this.#on) return;
      this.#current = undefined;
      this.#deps.done(item, derived);
    }
    this.#tellDrained();
  }

  #tellDrained(): void {
    for (const tell of this.#onDrained.splice(0)) tell();
  }

  async #make(featuriser: Featuriser, { columns, rows }: Item): Promise<readonly Derived[] | undefined> {
    const before = featuriser.refused().rows;
    try {
      const derived = await featuriser.features(columns, rows);
      const refused = featuriser.refused();
      if (this.#on && refused.rows > before) this.#fail(refused.rows - before, `the featuriser refuses rows: ${refused.why}`);
      return derived;
    } catch (error) {
      if (this.#on) this.#fail(rows, messageOf(error));
      return undefined;
    }
  }

  #fail(rows: number, why: string): void {
    this.failedRows += rows;
    this.#deps.failed(why);
  }

  #next(): Item {
    const item = this.#waiting.shift() as Item;
    this.#waitingValues -= valuesOf(item);
    return item;
  }
}

function valuesOf({ columns, rows }: Rows): number {
  return columns.size * rows;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
