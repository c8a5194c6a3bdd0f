/**
 * A sample of a stream in which every value is equally likely to be: the first `capacity` values, then each later one in
 * the place of a random other, ever more seldom.
 *
 * Source: algorithm R by A. Waterman, in J. S. Vitter, Random sampling with a reservoir, ACM TOMS 11 (1985).
 * Cost: O(1) a value; 8 bytes a place, taken as they are needed.
 */
import { advance, uniform } from "../random.ts";

export interface ReservoirState {
  /** Places; those from `held` on are empty. */
  values: Float64Array;
  held: number;
  seen: number;
  /** Of the generator. */
  chance: number;
}

export interface Reservoir {
  start(): ReservoirState;
  /** Consumes `state`. Throws a RangeError unless the value is a number. */
  step(state: ReservoirState, value: number): ReservoirState;
  /**
   * Consumes `into`: a sample of both streams together. Where `from` still holds all its values, it is as if they had come
   * after those of `into`; else so many are drawn from either as fall to it by chance, which is honest only where the two
   * have seeds of their own.
   */
  merge(into: ReservoirState, from: ReservoirState): ReservoirState;
  /** In no order that means anything. Live: it changes with the next step. */
  sample(state: ReservoirState): Float64Array;
}

const firstPlaces = 64;

export function reservoir({ capacity, seed }: { readonly capacity: number; readonly seed: number }): Reservoir {
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`reservoir: capacity: expected a whole number, 1 or more, got ${capacity}`);

  const sketch: Reservoir = {
    start: () => ({ values: new Float64Array(Math.min(capacity, firstPlaces)), held: 0, seen: 0, chance: seed | 0 }),

    step(state, value) {
      if (Number.isNaN(value)) throw new RangeError(`reservoir: value: expected a number, got ${value}`);
      state.seen += 1;
      if (state.held < capacity) {
        if (state.held === state.values.length) grow(state);
        state.values[state.held] = value;
        state.held += 1;
      } else {
        const place = draw(state, state.seen);
        if (place < capacity) state.values[place] = value;
      }
      return state;
    },

    merge(into, from) {
      if (from.held > capacity) throw new RangeError(`reservoir: merge: expected at most ${capacity} values, got ${from.held}`);
      if (from.seen === from.held) {
        for (const value of sketch.sample(from)) sketch.step(into, value);
        return into;
      }
      const [a, b] = [sketch.sample(into).slice(), sketch.sample(from).slice()];
      let [aLeft, bLeft, aHeld, bHeld] = [into.seen, from.seen, a.length, b.length];
      into.held = 0;
      for (let place = 0; place < capacity && aLeft + bLeft > 0; place += 1) {
        if (into.held === into.values.length) grow(into);
        const fromA = draw(into, aLeft + bLeft) < aLeft;
        into.values[place] = fromA ? take(into, a, aHeld) : take(into, b, bHeld);
        into.held += 1;
        if (fromA) [aLeft, aHeld] = [aLeft - 1, aHeld - 1];
        else [bLeft, bHeld] = [bLeft - 1, bHeld - 1];
      }
      into.seen += from.seen;
      return into;
    },

    sample: ({ values, held }) => values.subarray(0, held),
  };
  return sketch;

  function grow(state: ReservoirState): void {
    const values = new Float64Array(Math.min(capacity, 2 * state.values.length));
    values.set(state.values);
    state.values = values;
  }
}

/** A whole number from 0 to below `below`. */
function draw(state: ReservoirState, below: number): number {
  state.chance = advance(state.chance);
  return Math.floor(uniform(state.chance) * below);
}

/** A random one of the first `held` values, whose place the last of them takes. */
function take(state: ReservoirState, values: Float64Array, held: number): number {
  const place = draw(state, held);
  const value = values[place] as number;
  values[place] = values[held - 1] as number;
  return value;
}
