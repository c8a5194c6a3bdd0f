/** The rules that every detector on a stream of numbers is held to, whatever it looks for. */
import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Detector } from "../../detectors/detector.ts";
import { bytesPerStep } from "./allocation.ts";
import { chance } from "./chance.ts";
import { alarmsOf } from "./monitored.ts";

export interface Subject {
  readonly name: string;
  readonly detector: Detector<unknown>;
  /** One value of its domain, as likely as not. */
  readonly value: fc.Arbitrary<number>;
  /** Values out of its domain. */
  readonly refused: readonly unknown[];
  /** Levels at which a stream without any change must not alarm. */
  readonly constants: readonly number[];
}

const constantLength = 5_000;

/** What is read after each value. As text: what a number is written as is all that anybody sees of it. */
function play(detector: Detector<unknown>, from: unknown, values: readonly number[]): string[] {
  let state = from;
  return values.map((value) => {
    state = detector.step(state, value);
    return JSON.stringify(detector.read(state));
  });
}

function after(detector: Detector<unknown>, values: readonly number[]): unknown {
  return values.reduce((state, value) => detector.step(state, value), detector.start());
}

function holdsArrays(state: unknown): boolean {
  if (ArrayBuffer.isView(state)) return true;
  return typeof state === "object" && state !== null && Object.values(state).some(holdsArrays);
}

export function conforms({ name, detector, value, refused, constants }: Subject): void {
  const streams = fc.array(value, { maxLength: 200 });

  describe(name, () => {
    test("goes on from a stored state as if it had never stopped", () => {
      fc.assert(
        fc.property(streams, streams, (before, rest) => {
          const state = after(detector, before);
          const stored: unknown = deserialize(serialize(state));
          const text = JSON.stringify(state);
          const expected = play(detector, state, rest);
          expect(play(detector, stored, rest)).toEqual(expected);
          if (!holdsArrays(state)) expect(play(detector, JSON.parse(text), rest)).toEqual(expected);
        }),
        { numRuns: 40 },
      );
    });

    test("started anew, it knows nothing of what was before, nor of another stream beside it", () => {
      fc.assert(
        fc.property(streams, streams, (one, other) => {
          const fresh = play(detector, detector.start(), one);
          let [a, b] = [detector.start(), detector.start()];
          const beside = Array.from({ length: Math.max(one.length, other.length) }, (_, i) => {
            if (i < other.length) b = detector.step(b, other[i] as number);
            if (i >= one.length) return undefined;
            a = detector.step(a, one[i] as number);
            return JSON.stringify(detector.read(a));
          });
          expect(beside.filter((reading) => reading !== undefined)).toEqual(fresh);
        }),
        { numRuns: 40 },
      );
    });

    test("a value out of its domain is refused by name and leaves no trace", () => {
      fc.assert(
        fc.property(streams, fc.constantFrom(...refused), (values, wrong) => {
          const state = after(detector, values);
          const before = serialize(state);
          expect(() => detector.step(state, wrong as number)).toThrow(/^\w+: expected .+, got /);
          expect(() => detector.step(state, wrong as number)).toThrow(RangeError);
          expect(serialize(state).equals(before)).toBe(true);
        }),
        { numRuns: 40 },
      );
    });

    test.each(constants.map((constant) => [constant]))("a stream of nothing but %d never alarms", (constant) => {
      expect(alarmsOf(detector, Array.from({ length: constantLength }, () => constant))).toEqual([]);
    });

    test("the reading is a number at any moment, with a verdict that its statistic bears out", () => {
      fc.assert(
        fc.property(streams, (values) => {
          const state = after(detector, values);
          const { verdict, statistic, threshold } = detector.read(state);
          expect(["warmup", "stable", "warning", "drift"]).toContain(verdict);
          expect(Number.isFinite(statistic)).toBe(true);
          expect(Number.isFinite(threshold)).toBe(true);
        }),
      );
    });

    test("a step allocates nothing", () => {
      const next = chance(1);
      const values = fc.sample(value, { numRuns: 500, seed: 1 });
      const stream = Array.from({ length: 8_000 }, () => values[Math.floor(next() * values.length)] as number);
      expect(bytesPerStep(detector, stream)).toBeLessThanOrEqual(0.25);
    });

    test("it promises in a sentence", () => {
      expect(detector.guarantee).toMatch(/^[A-Z].+\.$/);
    });
  });
}
