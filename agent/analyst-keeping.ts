/**
 * What the analysis thread keeps in the store for the next run: the parts of what it knows, each under its name and only when it
 * has changed, and what the main thread asks it to save.
 */
import { deserialize, serialize } from "node:v8";
import { instruments } from "../exporters/instruments.ts";
import type { Clock } from "./clock.ts";
import type { Part } from "./monitors/monitors.ts";
import type { Point } from "./observation.ts";
import type { Store, WriteResult } from "./store/store.ts";

/** Keys of what the main thread saves; the parts are beside them. */
const mainPrefix = "main/";

export class Keeping {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #note: (text: string) => void;
  /** The revision of each part when it was kept last. */
  readonly #kept = new Map<string, number>();
  readonly #writes = new Map<WriteResult, number>();

  constructor(store: Store, { clock, note }: { readonly clock: Clock; readonly note: (text: string) => void }) {
    this.#store = store;
    this.#clock = clock;
    this.#note = note;
  }

  /** Nothing is written while nothing is heard. */
  keep(part: Part | undefined): void {
    if (part === undefined || this.#kept.get(part.name) === part.revision()) return;
    const revision = part.revision();
    const result = this.#put(part.name, part.snapshot(this.#clock.monotonicMs()));
    if (result !== "failed") this.#kept.set(part.name, revision);
  }

  restore(part: Part): void {
    const kept = this.#get(part.name);
    if (kept === undefined) return;
    if (part.restore(kept, this.#clock.monotonicMs()) === "restored") this.#kept.set(part.name, part.revision());
    else if (part.isReplaced !== true) this.#note(`${part.name}: what was kept belongs to another model, reference or version, or to other options; started afresh`);
  }

  /** Of the main thread. */
  save(key: string, value: unknown): void {
    this.#put(mainPrefix + key, value);
  }

  saved(): ReadonlyMap<string, unknown> {
    const saved = new Map<string, unknown>();
    for (const key of this.#store.keys()) {
      const value = key.startsWith(mainPrefix) ? this.#get(key) : undefined;
      if (value !== undefined) saved.set(key.slice(mainPrefix.length), value);
    }
    return saved;
  }

  /** There is nothing to say of a state file that nobody asked for. */
  count(result: WriteResult): void {
    if (this.#store.durable || this.#store.trouble !== undefined) this.#writes.set(result, (this.#writes.get(result) ?? 0) + 1);
  }

  points(): readonly Point[] {
    return [...this.#writes].map(([result, value]): Point => ({ instrument: instruments.storeWrites, labels: { result }, value }));
  }

  #put(key: string, value: unknown): WriteResult {
    const result = this.#store.put(key, serialize(value), this.#clock.wallMs());
    this.count(result);
    return result;
  }

  /** undefined where nothing was kept, or where a newer Node wrote it. */
  #get(key: string): unknown {
    const bytes = this.#store.get(key);
    if (bytes === undefined) return undefined;
    try {
      return deserialize(bytes) as unknown;
    } catch (error) {
      this.#note(`${key}: what was kept can not be read (${error instanceof Error ? error.message : String(error)}); started afresh`);
      return undefined;
    }
  }
}
