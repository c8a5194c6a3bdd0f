import fc from "fast-check";
import { expect, test } from "vitest";
import { combineEvidence, falseAlarmThreshold, provenEvidence } from "../../../detectors/guarantee/evidence.ts";

test("the evidence is the average of the pots, and each share its part of the sum", () => {
  const { log10, shares } = combineEvidence([Math.log(1_000), Math.log(100), Math.log(100), Math.log(2_800)]);
  expect(log10).toBeCloseTo(3, 12);
  expect(shares.map((share) => Number(share.toFixed(6)))).toEqual([0.25, 0.025, 0.025, 0.7]);
});

test("the shares add up to 1, whatever the evidence: none, or far beyond what a number can hold", () => {
  const logs = fc.oneof(fc.double({ min: -50, max: 1e6, noNaN: true }), fc.constant(-Infinity));
  fc.assert(
    fc.property(fc.array(logs, { minLength: 1, maxLength: 50 }), (evidence) => {
      const { log10, shares } = combineEvidence(evidence);
      expect(log10).not.toBeNaN();
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("the proven evidence is that of the largest pot over the number of features, and never above the average's", () => {
  expect(provenEvidence([Math.log(1_000), Math.log(100)])).toBeCloseTo(Math.log10(500), 12);
  expect([provenEvidence([]), provenEvidence([-Infinity])]).toEqual([-Infinity, -Infinity]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: -50, max: 500, noNaN: true }), { minLength: 1, maxLength: 50 }), (logs) => {
      expect(provenEvidence(logs)).toBeLessThanOrEqual(combineEvidence(logs).log10 + 1e-9);
    }),
  );
});

test("before the first row all features share alike in no evidence", () => {
  expect(combineEvidence([-Infinity, -Infinity])).toEqual({ log10: -Infinity, shares: [0.5, 0.5] });
  expect(combineEvidence([])).toEqual({ log10: -Infinity, shares: [] });
});

test("one false alarm in ten million rows asks for evidence of ten million", () => {
  expect(falseAlarmThreshold(1, 1e7)).toBe(1e7);
  expect(falseAlarmThreshold(2, 1e6)).toBe(5e5);
});

test("a budget of nothing is refused", () => {
  for (const [alarms, perSamples] of [[0, 1], [1, 0], [NaN, 1], [1, Infinity]] as const) {
    expect(() => falseAlarmThreshold(alarms, perSamples)).toThrow(RangeError);
  }
});
