/** A detector with the owner that it needs: one who starts it anew after an alarm. */
import type { Detector } from "../../detectors/detector.ts";

/** The 0-based index of each alarm in a stream. */
export function alarmsOf<State>(detector: Detector<State>, values: Iterable<number>): number[] {
  const alarms: number[] = [];
  let state = detector.start();
  let index = 0;
  for (const value of values) {
    state = detector.step(state, value);
    if (detector.read(state).verdict === "drift") {
      alarms.push(index);
      state = detector.start();
    }
    index += 1;
  }
  return alarms;
}
