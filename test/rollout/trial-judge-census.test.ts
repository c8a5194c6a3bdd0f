/**
 * The judge before the example's real models on real census rows, with actuals that come late: version 2, trained on later rows,
 * is not worse than version 1; version 3, with exchanged columns, is.
 */
import { expect, test } from "vitest";
import { censusAnswers } from "./census-answers.ts";
import { actual, dice, pair, sample, setupOf, staged, trial } from "./trial-stage.ts";

const { rows, answers } = await censusAnswers("steady", 20_000);
const lateBy = 200;

/** One row a request until there is a verdict. */
function play(version: "2" | "3", weight: number, seed: number, options: Parameters<typeof setupOf>[0] = {}) {
  const stage = staged(setupOf(options, weight === 0 ? { live: false, copies: true, weight } : { weight }));
  const { judge, hear, told } = stage;
  const chance = dice(seed);
  for (let i = 0; i < rows.length; i += 1) {
    const ofPrimary = answers["1"][i] as Uint8Array;
    const ofCandidate = answers[version][i] as Uint8Array;
    const candidate = chance() < weight;
    if (weight === 0) hear(pair(i, ofPrimary, ofCandidate));
    else hear(trial(i, { candidate, weight, durationMs: 5 + 5 * chance() }), sample(i, { candidate, weight }, candidate ? ofCandidate : ofPrimary));
    if (i >= lateBy) hear(actual(i - lateBy, [rows[i - lateBy]?.employed as number], 100 * i));
    const reading = told[0] ?? (i % 100 === 99 ? judge.read(0) : undefined);
    if (reading !== undefined && reading.verdict !== "continue") return { requests: i + 1, reading };
  }
  return { requests: rows.length, reading: judge.read(0) };
}

test.each([[0.1, 8_000], [0.5, 3_000], [0, 800]])("version 3 at a weight of %s is harm, by what came true, within %i", (weight, most) => {
  const { requests, reading } = play("3", weight, 17, { scores: { share: 0 }, shadow: { disagreement: { share: 0 }, difference: { share: 0 } } });
  expect(reading).toMatchObject({ verdict: "harm", harmed: [weight === 0 ? "shadow_accuracy" : "accuracy"] });
  expect(reading.message).toMatch(/^harm: wrong answers of /);
  expect(requests).toBeLessThan(most);
});

test("version 3 is harm before any actual came: it answers copies otherwise by far more than training anew would", () => {
  const { requests, reading } = play("3", 0, 18);
  expect(reading).toMatchObject({ verdict: "harm", harmed: ["shadow_disagreement"] });
  expect(requests).toBeLessThan(400);
});

test.each([[0.1, 20_000], [0.5, 12_000], [0, 1_500]])("version 2 at a weight of %s is not worse, by all that is compared, within %i", (weight, most) => {
  const { requests, reading } = play("2", weight, 19);
  expect(reading.verdict).toBe("not-worse");
  expect(reading.actuals).toBeGreaterThan(100);
  expect(requests).toBeLessThanOrEqual(most);
});

test("version 2 is not called harmful although its scores and answers are others", { timeout: 60_000 }, () => {
  for (let seed = 1; seed <= 10; seed += 1) for (const weight of [0.1, 0.5, 0]) expect(play("2", weight, 1_000 * seed).reading.harmed).toEqual([]);
});
