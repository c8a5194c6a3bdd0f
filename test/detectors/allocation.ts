/** Does a detector allocate memory for each value? */
import type { Detector } from "../../detectors/detector.ts";

const rounds = 200;
const steps = 8_000;

/**
 * The fewest bytes by which the heap grew, a value, in any of some rounds. The first rounds run before the code is compiled,
 * and something else may allocate in between, but what a step itself allocates is there in each. A round in which garbage
 * was collected says nothing. The numbers are boxed beforehand; else the call would do that.
 */
export function bytesPerStep<State>(detector: Detector<State>, stream: readonly number[]): number {
  const values: unknown[] = Array.from({ length: steps }, (_, i) => stream[i % stream.length]);
  values.push("a word among them keeps the numbers boxed");
  let state = detector.start();
  let fewest = Infinity;
  for (let round = 0; round < rounds && fewest > 0.25; round += 1) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < steps; i += 1) state = detector.step(state, values[i] as number);
    const growth = (process.memoryUsage().heapUsed - before) / steps;
    if (growth >= 0) fewest = Math.min(fewest, growth);
  }
  return fewest;
}
