import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adwin } from "../../../detectors/change/adwin.ts";
import type { Detector } from "../../../detectors/detector.ts";
import { pageHinkley } from "../../../detectors/change/page-hinkley.ts";
import knownAnswers from "../known-answers/change-detectors.json" with { type: "json" };
import { alarmsOf } from "../monitored.ts";

/** By the names that the known answers use. */
function detectorOf({ detector, params }: (typeof knownAnswers.cases)[number]): Detector<unknown> {
  const { delta, clock, maxBuckets, minWindow, grace, threshold, warmup, alpha, mode } = params;
  const made =
    detector === "adwin"
      ? adwin({ delta, clock: clock!, bucketsMax: maxBuckets!, windowMin: minWindow!, grace: grace! })
      : pageHinkley({ delta, lambda: threshold!, warmup: warmup!, alpha: alpha!, direction: mode as "up" | "down" | "both" });
  return made as Detector<unknown>;
}

test.each(knownAnswers.cases)("$detector alarms on $stream where river does: $alarms ($source)", (known) => {
  const stream = knownAnswers.streams[known.stream as keyof typeof knownAnswers.streams];
  expect(alarmsOf(detectorOf(known), stream)).toEqual(known.alarms);
});

const detectors: readonly (readonly [string, Detector<unknown>])[] = [
  ["adwin", adwin({ clock: 4 }) as Detector<unknown>],
  ["page-hinkley", pageHinkley({ delta: 0.1, lambda: 5, warmup: 5, direction: "both", alpha: 0.99 }) as Detector<unknown>],
];

describe.each(detectors)("%s", (_, detector) => {
  const values = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { maxLength: 200 });
  const play = (state: unknown, stream: readonly number[]) => stream.map((value) => detector.read((state = detector.step(state, value))));

  test("goes on from a stored state as if it had never stopped", () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        let state = detector.start();
        for (const value of before) state = detector.step(state, value);
        const stored = deserialize(serialize(state)) as unknown;
        expect(play(stored, after)).toEqual(play(state, after));
      }),
    );
  });

  test("started anew, it knows nothing of what was before", () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const fresh = play(detector.start(), after);
        play(detector.start(), before);
        expect(play(detector.start(), after)).toEqual(fresh);
      }),
    );
  });

  test("a constant stream never alarms", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        expect(alarmsOf(detector, Array.from({ length: 500 }, () => value))).toEqual([]);
      }),
    );
  });

  test("a value that is no finite number is refused", () => {
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      expect(() => detector.step(detector.start(), value)).toThrow(RangeError);
    }
  });
});
