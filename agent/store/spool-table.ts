/**
 * Batches that wait for the Collector to come back, in the state file: first in, first out by lane, bounded in bytes over all
 * lanes. Whatever goes before it was sent is told, by lane and in items. Pages of what was removed are used again, so the
 * file never grows by more than the bound.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch, Lane, SpooledBatch } from "../../exporters/otlp/spool.ts";

/** Items that were let go. */
export type SpoolLost = (lane: Lane, items: number) => void;

export class SpoolTable {
  readonly #bytesMax: number;
  readonly #lost: SpoolLost;
  /** True where the write was done. */
  readonly #write: (write: () => void) => boolean;
  readonly #add: StatementSync;
  readonly #oldest: StatementSync;
  readonly #first: StatementSync;
  readonly #size: StatementSync;
  readonly #remove: StatementSync;
  #bytes: number;

  constructor(database: DatabaseSync, bytesMax: number, lost: SpoolLost, write: (write: () => void) => boolean) {
    this.#bytesMax = bytesMax;
    this.#lost = lost;
    this.#write = write;
    this.#add = database.prepare("INSERT INTO spool (lane, items, body) VALUES (?, ?, ?)");
    this.#oldest = database.prepare("SELECT id, items, body FROM spool WHERE lane = ? ORDER BY id LIMIT 1");
    this.#first = database.prepare("SELECT id, lane, items FROM spool ORDER BY id LIMIT 1");
    this.#size = database.prepare("SELECT length(body) AS bytes FROM spool WHERE id = ?");
    this.#remove = database.prepare("DELETE FROM spool WHERE id = ?");
    this.#bytes = (database.prepare("SELECT coalesce(sum(length(body)), 0) AS bytes FROM spool").get() as { bytes: number }).bytes;
    this.#makeRoom(0);
  }

  add(lane: Lane, { body, items }: Batch): void {
    this.#makeRoom(body.length);
    const fits = this.#bytes + body.length <= this.#bytesMax;
    if (!fits || !this.#write(() => this.#add.run(lane, items, body))) return this.#lost(lane, items);
    this.#bytes += body.length;
  }

  oldest(lane: Lane): SpooledBatch | undefined {
    const row = this.#oldest.get(lane) as { id: number; items: number; body: Uint8Array<ArrayBuffer> } | undefined;
    return row === undefined ? undefined : { id: row.id, items: row.items, body: Uint8Array.from(row.body) };
  }

  /** A batch that is not there is none's loss. */
  remove(id: number): void {
    const bytes = (this.#size.get(id) as { bytes: number } | undefined)?.bytes;
    if (bytes !== undefined && this.#write(() => this.#remove.run(id))) this.#bytes -= bytes;
  }

  /** Lets the oldest go until so many bytes more would fit. */
  #makeRoom(bytes: number): void {
    while (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      const first = this.#first.get() as { id: number; lane: Lane; items: number } | undefined;
      if (first === undefined) return;
      const before = this.#bytes;
      this.remove(first.id);
      if (this.#bytes === before) return;
      this.#lost(first.lane, first.items);
    }
  }
}
