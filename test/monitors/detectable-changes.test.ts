import { expect, test } from "vitest";
import { DetectableChanges } from "../../agent/monitors/detectable-changes.ts";
import { detectableChange } from "../../detectors/guarantee/detectable-change.ts";
import { buildReference, type FeatureReference } from "../../detectors/reference/reference.ts";
import { dice, people, referenceOf } from "./traffic.ts";

const reference = referenceOf(people(1, 2_000));

/** Ticks until the sentence comes. */
function told(of = reference, threshold = 6) {
  const changes = new DetectableChanges(of, { model: "people", within: 2_000 });
  let ticks = 0;
  let sentence: string | undefined;
  while (sentence === undefined && ticks < 100) {
    ticks += 1;
    sentence = changes.tick(threshold);
  }
  return { changes, sentence, ticks };
}

test("one sentence says what may go unseen, and each column's smallest change is a series", () => {
  const { changes, sentence, ticks } = told();
  expect(ticks).toBe(1);
  expect(sentence).toMatch(/^people: what may go unseen within 2,000 rows: changes of the mean below 0\.\d+ \(\w+\), 0\.\d+ \(\w+\) standard deviations; changes that move less than \d+ % \(colour\) of the rows$/);
  const wanted = Object.fromEntries(reference.features.map((feature: FeatureReference) => [feature.name, detectableChange(feature, { samplesPerFalseAlarm: 1e6, horizon: 2_000, features: 3 }).smallest]));
  expect(Object.fromEntries(changes.points().map(({ labels, value }) => [labels["feature"], value]))).toEqual(wanted);
  expect(changes.points().map(({ labels }) => labels["unit"])).toEqual(["standard-deviations", "standard-deviations", "share"]);
  expect(changes.tick(6)).toBeUndefined();
});

test("many columns are a few a tick, and the sentence names the worst", () => {
  const { normal } = dice(4);
  const features = Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, values: Array.from({ length: 300 }, () => normal()) }));
  const { ticks, sentence } = told(buildReference({ model: "people", features }));
  expect(ticks).toBe(7);
  expect(sentence).toMatch(/and 17 more standard deviations$/);
});

test("when the traffic has shown what the budget means in rows, all is worked out anew", () => {
  const { changes } = told(reference, 9);
  const before = changes.points()[0]?.value as number;
  changes.tick(8.9);
  expect(changes.points()[0]?.value).toBe(before);
  expect(changes.tick(6)).toBeUndefined();
  expect(changes.points()[0]?.value).toBeLessThan(before);
});

test("where only every so-manyth row counts, less is seen", () => {
  const all = told().changes.points()[0]?.value as number;
  const some = told({ ...reference, thinning: 4 }).changes.points()[0]?.value as number;
  expect(some).toBeGreaterThan(1.3 * all);
});
