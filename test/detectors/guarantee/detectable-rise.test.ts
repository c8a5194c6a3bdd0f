import { describe, expect, test } from "vitest";
import { detectableMean, detectableRise, detectableRiseInWords } from "../../../detectors/guarantee/detectable-rise.ts";
import { meanEDetector } from "../../../detectors/guarantee/mean-e-detector.ts";
import { rateUpperBound } from "../../../detectors/guarantee/rate-upper-bound.ts";
import { chance } from "../chance.ts";

describe("what is said to be found in 80 % of cases is, in 72 to 90 % of 300 simulated ones", () => {
  test.each([
    [0.1, 1e5, 5_000],
    [0.1, 1e5, 100],
    [0.01, 1e5, 5_000],
    [0.001, 1e5, 5_000],
    [0.3, 1e4, 1_000],
    [0.02, 1e7, 10_000],
  ])("a baseline of %d, A of %d, within %d values", (baseline, samplesPerFalseAlarm, within) => {
    const mean = detectableMean(baseline, { samplesPerFalseAlarm, within })!;
    const detector = meanEDetector({ baseline, samplesPerFalseAlarm });
    let found = 0;
    for (let run = 1; run <= 300; run += 1) {
      const next = chance(run);
      let state = detector.start();
      for (let t = 0; t < within; t += 1) {
        state = detector.step(state, Number(next() < mean));
        if (detector.read(state).verdict !== "drift") continue;
        found += 1;
        break;
      }
    }
    expect(found / 300).toBeGreaterThan(0.72);
    expect(found / 300).toBeLessThan(0.9);
  });
});

const asked = { samplesPerFalseAlarm: 1e5, within: 5_000 };

test("more labels, more time, more false alarms, less power and less confidence make smaller rises detectable", () => {
  const rise = detectableRise({ successes: 50, n: 500, ...asked });
  expect(rise).toMatchObject({ rate: 0.1, baseline: rateUpperBound(50, 500, 0.99) });
  const { detectable } = rise as { detectable: number };
  expect(detectableRise({ successes: 1_000, n: 10_000, ...asked }).detectable).toBeLessThan(detectable);
  expect(detectableRise({ successes: 50, n: 500, ...asked, within: 20_000 }).detectable).toBeLessThan(detectable);
  expect(detectableRise({ successes: 50, n: 500, ...asked, samplesPerFalseAlarm: 1e6 }).detectable).toBeGreaterThan(detectable);
  expect(detectableRise({ successes: 50, n: 500, ...asked, power: 0.5 }).detectable).toBeLessThan(detectable);
  expect(detectableRise({ successes: 50, n: 500, ...asked, confidence: 0.9 }).detectable).toBeLessThan(detectable);
});

test("in words", () => {
  expect(detectableRiseInWords({ successes: 50, n: 500, ...asked })).toMatch(
    /^with your 500 labels a rise of the error rate from 10 % to less than 15\.\d % is not found within 5,000 requests in 20 % of cases or more$/,
  );
  expect(detectableRiseInWords({ successes: 3, n: 3, ...asked }, { rate: "null rate", reference: "rows", values: "rows" })).toBe(
    "with your 3 rows even the greatest rise of the null rate from 100 % is not found within 5,000 rows in 20 % of cases or more",
  );
});

test("rates of none and all, and hopeless times", () => {
  expect(detectableRise({ successes: 0, n: 500, ...asked }).detectable).toBeGreaterThan(rateUpperBound(0, 500, 0.99));
  expect(detectableRise({ successes: 5, n: 5, ...asked }).detectable).toBeUndefined();
  expect(detectableMean(0, asked)).toBeLessThan(0.001);
  expect(detectableMean(0.5, { samplesPerFalseAlarm: 1e5, within: 1 })).toBeUndefined();
});

test("options out of their range are refused by name", () => {
  expect(() => detectableRise({ successes: 0, n: 0, ...asked })).toThrow("n must be 1 or more, got 0");
  expect(() => detectableMean(2, asked)).toThrow("baseline must be 0 to 1, got 2");
  expect(() => detectableMean(0.1, { ...asked, within: 0 })).toThrow("within must be 1 or more, got 0");
  expect(() => detectableMean(0.1, { ...asked, power: 1 })).toThrow("power must be between 0 and 1, got 1");
  expect(() => detectableMean(0.1, { ...asked, samplesPerFalseAlarm: 1 })).toThrow("samplesPerFalseAlarm must be above 1, got 1");
});
