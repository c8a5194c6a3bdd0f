/**
 * The most frequent values of a stream with more different values than can be held.
 *
 * `capacity` values have a counter each. A value that has none takes over the smallest counter and goes on from there, so a
 * counter tells too much by what it had before at most, and that much is kept beside it. After n values no counter is wrong
 * by more than n / capacity, and every value with more rows than that has one. Exact while there are no more values than
 * counters. Merged states keep the same promise for both streams together.
 *
 * Sources: A. Metwally, D. Agrawal and A. El Abbadi, Efficient computation of frequent and top-k elements in data streams,
 * ICDT 2005 (Space-Saving); P. Agarwal et al., Mergeable summaries, PODS 2012. Cost: O(log capacity) a value.
 */
export interface HeavyHittersState {
  /** Slot of each value that has a counter. */
  readonly slots: Map<string, number>;
  /** Per slot: the value, how often it was counted, and by how much at most that is too often. */
  readonly values: string[];
  readonly counts: number[];
  readonly errors: number[];
  /** Slots as a heap, the smallest counter first, and where in the heap each slot is; made when all counters are taken. */
  readonly heap: number[];
  readonly places: number[];
  /** Values seen. */
  seen: number;
}

export interface HeavyHitter {
  readonly value: string;
  /** At least its true count, and no more than that and `error`. */
  readonly count: number;
  readonly error: number;
}

export interface HeavyHitters {
  start(): HeavyHittersState;
  /** Consumes `state`. @param times how often the value came, 1 or more. */
  step(state: HeavyHittersState, value: string, times?: number): HeavyHittersState;
  /** Consumes `into`. */
  merge(into: HeavyHittersState, from: HeavyHittersState): HeavyHittersState;
  /** Those that certainly came most often first, in the order of their least possible counts. */
  top(state: HeavyHittersState): HeavyHitter[];
  /** How often a value that has no counter can have come at most. */
  unheld(state: HeavyHittersState): number;
}

export function heavyHitters({ capacity }: { readonly capacity: number }): HeavyHitters {
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`heavyHitters: capacity: expected a whole number, 1 or more, got ${capacity}`);

  const sketch: HeavyHitters = {
    start: () => ({ slots: new Map(), values: [], counts: [], errors: [], heap: [], places: [], seen: 0 }),

    step(state, value, times = 1) {
      if (!(Number.isInteger(times) && times > 0)) throw new RangeError(`heavyHitters: times: expected a whole number, 1 or more, got ${times}`);
      state.seen += times;
      const held = state.slots.get(value);
      if (held !== undefined) {
        state.counts[held]! += times;
        if (state.heap.length > 0) sink(state, state.places[held] as number);
      } else if (state.values.length < capacity) {
        hold(state, { value, count: times, error: 0 });
      } else {
        if (state.heap.length === 0) makeHeap(state);
        const slot = state.heap[0] as number;
        state.slots.delete(state.values[slot] as string);
        state.slots.set(value, slot);
        state.values[slot] = value;
        state.errors[slot] = state.counts[slot] as number;
        state.counts[slot]! += times;
        sink(state, 0);
      }
      return state;
    },

    merge(into, from) {
      const [unheldInto, unheldFrom] = [sketch.unheld(into), sketch.unheld(from)];
      const merged = new Map(hitters(into).map((one) => [one.value, { ...one, count: one.count + unheldFrom, error: one.error + unheldFrom }]));
      for (const { value, count, error } of hitters(from)) {
        const both = merged.get(value);
        const found = both ?? { value, count: unheldInto + unheldFrom, error: unheldInto + unheldFrom };
        merged.set(value, { value, count: found.count - unheldFrom + count, error: found.error - unheldFrom + error });
      }
      const seen = into.seen + from.seen;
      into.slots.clear();
      for (const list of [into.values, into.counts, into.errors, into.heap, into.places]) list.length = 0;
      const most = [...merged.values()].sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, capacity);
      for (const one of most) hold(into, one);
      into.seen = seen;
      return into;
    },

    top: (state) => hitters(state).sort((a, b) => b.count - b.error - (a.count - a.error) || b.count - a.count || (a.value < b.value ? -1 : 1)),

    unheld: ({ counts, heap }) => {
      if (counts.length < capacity) return 0;
      return heap.length > 0 ? (counts[heap[0] as number] as number) : counts.reduce((least, count) => Math.min(least, count));
    },
  };
  return sketch;
}

function hold(state: HeavyHittersState, { value, count, error }: HeavyHitter): void {
  state.slots.set(value, state.values.length);
  state.values.push(value);
  state.counts.push(count);
  state.errors.push(error);
}

function hitters({ values, counts, errors }: HeavyHittersState): HeavyHitter[] {
  return values.map((value, slot) => ({ value, count: counts[slot] as number, error: errors[slot] as number }));
}

function makeHeap(state: HeavyHittersState): void {
  for (const slot of state.values.keys()) {
    state.heap.push(slot);
    state.places.push(slot);
  }
  for (let place = state.heap.length >>> 1; place >= 0; place -= 1) sink(state, place);
}

/** A counter that has grown goes down the heap until none below it is smaller. */
function sink({ heap, places, counts }: HeavyHittersState, from: number): void {
  const slot = heap[from] as number;
  const count = counts[slot] as number;
  let place = from;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (counts[heap[child + 1] as number] as number) < (counts[heap[child] as number] as number)) child += 1;
    const below = heap[child] as number;
    if ((counts[below] as number) >= count) break;
    heap[place] = below;
    places[below] = place;
    place = child;
  }
  heap[place] = slot;
  places[slot] = place;
}
