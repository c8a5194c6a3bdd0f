import fc from "fast-check";
import { expect, test } from "vitest";
import { pack, transferable, unpack, type Heard } from "../agent/analysis-messages.ts";
import type { HeardExchange } from "../agent/observation.ts";
import type { TrialObservation } from "../agent/trial.ts";

const word = fc.constantFrom("a", "b c", "b", "c");
const exchanges: fc.Arbitrary<Heard> = fc.record<HeardExchange>({
  kind: fc.constant("exchange"),
  inference: fc.boolean(),
  model: word,
  rung: word,
  reason: fc.constantFrom("normal", "circuit-open"),
  outcome: fc.constantFrom("ok", "timeout"),
  attempts: fc.nat(2),
  durationMs: fc.double({ min: 0, noNaN: true }),
});
const samples: fc.Arbitrary<Heard> = fc
  .record({ inferenceId: word, request: fc.uint8Array(), response: fc.uint8Array() })
  .map((one) => ({ kind: "sample", model: "m", version: undefined, rung: "primary", protocol: "open-inference", atWallMs: 1, ...one }));
const copies: fc.Arbitrary<Heard> = fc
  .record({ inferenceId: word, rung: word, primary: fc.uint8Array(), answer: fc.uint8Array(), durationMs: fc.nat() })
  .map((one) => ({ kind: "copy", key: "k", protocol: "open-inference", outcome: "ok", atWallMs: 3, ...one }));
const actuals: fc.Arbitrary<Heard> = fc.record({ inferenceId: word, values: fc.array(fc.double({ noNaN: true })) }).map((one) => ({ kind: "actual", atWallMs: 2, ...one }));
const trials: fc.Arbitrary<Heard> = fc.record<TrialObservation>({
  kind: fc.constant("trial"),
  rollout: word,
  inferenceId: word,
  candidate: fc.boolean(),
  weight: fc.constantFrom(0.1, 0.5),
  key: fc.nat(2 ** 32 - 1),
  failed: fc.boolean(),
  outcome: fc.constantFrom("ok", "timeout"),
  durationMs: fc.double({ min: 0, noNaN: true }),
  atWallMs: fc.nat(),
});
const side = fc.record({ outcome: fc.constantFrom("ok" as const, "error" as const), body: fc.uint8Array(), durationMs: fc.nat() });
const pairs: fc.Arbitrary<Heard> = fc.record({ inferenceId: word, primary: side, candidate: side }).map((one) => ({ kind: "shadow", rollout: "r", protocol: "open-inference", key: 1, atWallMs: 4, ...one }));

test("what goes to the analysis thread comes out there as it went in, in its order, and its numbers are handed over and not copied", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(exchanges, samples, copies, actuals, trials, pairs)), (heard) => {
      const batch = pack(heard);
      const there = structuredClone(batch, { transfer: [...transferable(batch)] });
      expect(batch.which.byteLength + batch.durationsMs.byteLength + batch.keys.byteLength + batch.atWallMs.byteLength + batch.bodies.byteLength).toBe(0);
      expect(unpack(there)).toEqual(heard);
    }),
  );
});
