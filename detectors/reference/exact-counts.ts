/**
 * How often each value of a column came, as long as there are few enough different ones to hold them all; and how often in
 * the half of the rows that decides which categories are known.
 */
export interface ExactCounts<Key> {
  /** The slot of each value. */
  readonly slots: Map<Key, number>;
  /** Per slot. */
  readonly all: number[];
  readonly deciding: number[];
}

export function exactCounts<Key>(): ExactCounts<Key> {
  return { slots: new Map(), all: [], deciding: [] };
}

/** Consumes `counts`. False, and nothing is counted, where the value is one too many. */
export function countExactly<Key>({ slots, all, deciding }: ExactCounts<Key>, key: Key, decides: boolean, valuesMax: number): boolean {
  let slot = slots.get(key);
  if (slot === undefined) {
    if (slots.size === valuesMax) return false;
    slot = slots.size;
    slots.set(key, slot);
    all.push(0);
    deciding.push(0);
  }
  all[slot]! += 1;
  if (decides) deciding[slot]! += 1;
  return true;
}
