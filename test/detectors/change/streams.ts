/** Streams for fast-check whose level changes, so that a detector has something to find. */
import fc from "fast-check";

/** Up to four stretches of mistakes, each with a rate of its own. */
export const errorStreams: fc.Arbitrary<number[]> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 120 })), { minLength: 1, maxLength: 4 })
  .map((stretches) => stretches.flatMap(([percent, dice]) => dice.map((die) => Number(die < percent))));

/** Up to four stretches of numbers, each about a level of its own. */
export const numberStreams: fc.Arbitrary<number[]> = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })), { minLength: 1, maxLength: 4 })
  .map((stretches) => stretches.flatMap(([level, noise]) => noise.map((one) => level + one)));
