/** Where batches wait through an outage of the Collector. The store keeps them on disk; without one they wait in memory. */
export const lanes = ["metrics", "traces", "logs"] as const;
/** Each kind of telemetry has a lane, so that a Collector which takes no logs holds up no metrics. */
export type Lane = (typeof lanes)[number];

export interface Batch {
  /** A request of OTLP, packed with gzip. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Points, spans or records in it. */
  readonly items: number;
}

export interface SpooledBatch extends Batch {
  /** Rises with every batch that was added. */
  readonly id: number;
}

/** First in, first out by lane; bounded in bytes over all lanes, the oldest goes first. Never throws, never rejects. */
export interface Spool {
  add(lane: Lane, batch: Batch): void;
  /** Undefined where none waits. */
  oldest(lane: Lane): Promise<SpooledBatch | undefined>;
  remove(id: number): void;
}

/** Items that a spool let go, because the bound was reached or they could not be written. */
export type SpoolDropped = (lane: Lane, items: number) => void;

/** A spool that is lost with the process. `bytesMax`: of all bodies. */
export function memorySpool(bytesMax: number, dropped: SpoolDropped): Spool {
  const waiting = new Map<number, { readonly lane: Lane; readonly batch: SpooledBatch }>();
  let bytes = 0;
  let ids = 0;
  const remove = (id: number): void => {
    bytes -= waiting.get(id)?.batch.body.length ?? 0;
    waiting.delete(id);
  };
  return {
    add(lane, { body, items }) {
      const id = (ids += 1);
      waiting.set(id, { lane, batch: { id, body, items } });
      bytes += body.length;
      for (const [oldest, { lane: of, batch }] of waiting) {
        if (bytes <= bytesMax) break;
        remove(oldest);
        dropped(of, batch.items);
      }
    },
    oldest: async (lane) => waiting.values().find((one) => one.lane === lane)?.batch,
    remove,
  };
}
