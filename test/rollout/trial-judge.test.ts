/** The judge of a rollout: by what it hears, and what it says. */
import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { alarmsMax } from "../detectors/judge/promise.ts";
import { actual, body, dice, pair, sample, setupOf, staged, trial } from "./trial-stage.ts";

const answer = (label: number, score: number) => body({ label: [label], probabilities_1: [score] }, "outputs");
/** A latency in ms, with a tail. */
const latencyOf = (chance: () => number) => 10 * Math.exp(0.4 * Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance()));

test("a candidate that fails every second request is harm at once, after some tens of requests, and a person is told why", () => {
  const after: number[] = [];
  for (let seed = 1; seed <= 100; seed += 1) {
    const chance = dice(seed * 7_919);
    const { hear, told } = staged(setupOf());
    let requests = 0;
    while (told.length === 0 && requests < 1_000) {
      const candidate = chance() < 0.1;
      hear(trial(requests, { candidate, failed: chance() < (candidate ? 0.5 : 0.005), durationMs: latencyOf(chance) }));
      requests += 1;
    }
    expect(told[0]).toMatchObject({ rollout: "r1", verdict: "harm", harmed: ["errors"] });
    expect(told[0]?.message).toMatch(/^harm: errors of the candidate \d+ % against [\d.]+ %, evidence 10\^\d\.\d of 10\^2\.4 after \d+ requests$/);
    expect((told[0]?.requests.candidate ?? 0) + (told[0]?.requests.primary ?? 0)).toBe(requests);
    after.push(requests);
  }
  after.sort((a, b) => a - b);
  expect(after[50]).toBeLessThanOrEqual(80);
  expect(after[90]).toBeLessThanOrEqual(150);
});

test("where both sides are alike in everything, harm is called in at most one of a hundred rollouts by all comparisons together", { timeout: 60_000 }, () => {
  const runs = 100;
  let alarms = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    const chance = dice(seed * 104_729);
    const { hear, told } = staged(setupOf({}, { copies: true }));
    for (let i = 0; i < 500 && told.length === 0; i += 1) {
      const dealt = { candidate: chance() < 0.1 };
      // Both sides err in three of a hundred, each by its own chance.
      const truth = Number(chance() < 0.5);
      const said = () => (chance() < 0.97 ? answer(truth, truth === 1 ? 0.5 + chance() / 2 : chance() / 2) : answer(1 - truth, chance()));
      hear(trial(i, { ...dealt, failed: chance() < 0.02, durationMs: latencyOf(chance) }), sample(i, dealt, said()), pair(i, said(), said()));
      hear(actual(i, [truth]));
    }
    if (told.length > 0) alarms += 1;
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(runs, 0.01));
});

test("only the slowest answers are slower: p99 says so, p50 and errors do not", () => {
  const chance = dice(11);
  const { hear, told } = staged(setupOf({ latency: { quantiles: [0.5, 0.99] } }, { weight: 0.5 }));
  for (let i = 0; i < 20_000 && told.length === 0; i += 1) {
    const candidate = chance() < 0.5;
    const ms = latencyOf(chance);
    hear(trial(i, { candidate, weight: 0.5, durationMs: candidate && ms > 22 ? 2 * ms : ms }));
  }
  expect(told[0]?.harmed).toEqual(["latency_p99"]);
  expect(told[0]?.message).toMatch(/^harm: latency p99 of the candidate [\d.]+ ms against [\d.]+ ms, evidence/);
});

test("a user who is stuck on the candidate and fails fifty times is one failure where clients are told apart, and fifty where not", () => {
  const play = (keyed: boolean) => {
    const { hear, told, shown } = staged(setupOf({}, { keyed }));
    for (let i = 0; i < 2_000; i += 1) hear(trial(i, { candidate: i % 10 === 0, key: 1 + (i % 500), failed: i % 500 === 10 || i % 700 === 3 }));
    for (let i = 2_000; i < 2_050; i += 1) hear(trial(i, { candidate: true, key: 11, failed: true }));
    return { harmed: told.flatMap(({ harmed }) => harmed), errors: shown("errors") };
  };
  const keyed = play(true);
  expect(keyed.harmed).toEqual([]);
  expect(keyed.errors.events).toBeGreaterThan(50);
  expect(keyed.errors.effective).toBeLessThan(10);
  expect(play(false).harmed).toContain("errors");
});

test("inferences without a key are each by themselves, also where others have one", () => {
  const { hear, shown } = staged(setupOf({}, { keyed: true }));
  for (let i = 0; i < 100; i += 1) hear(trial(i, { candidate: i % 2 === 0, weight: 0.5, failed: true }));
  expect(shown("errors")).toMatchObject({ events: 100, effective: 100 });
});

test("not worse waits for errors and for what has events, not for what never came; and it is shown anew at each weight", () => {
  const chance = dice(5);
  const { judge, hear } = staged(setupOf({}, { weight: 0.5 }));
  expect(judge.read(0)).toMatchObject({ verdict: "continue", message: "nothing was compared yet" });
  const deal = (count: number, weight: number, from: number) => {
    for (let i = from; i < from + count; i += 1) hear(trial(i, { candidate: chance() < weight, weight, durationMs: latencyOf(chance) }));
  };
  deal(200, 0.5, 0);
  expect(judge.read(0).verdict).toBe("continue");
  deal(5_000, 0.5, 200);
  expect(judge.read(0)).toMatchObject({ verdict: "not-worse", actuals: 0 });
  expect(judge.read(0).message).toMatch(/^not worse: errors, latency p50/);
  judge.reweigh(0.8);
  expect(judge.read(0).verdict).toBe("continue");
  deal(200, 0.8, 6_000);
  // Of the step before, and over late.
  deal(5_000, 0.5, 7_000);
  expect(judge.read(0).verdict).toBe("continue");
  deal(5_000, 0.8, 20_000);
  expect(judge.read(0).verdict).toBe("not-worse");
});

test("where actuals are required, nothing is not worse before they came", () => {
  const { judge, hear } = staged(setupOf({ accuracy: { required: true } }, { weight: 0.5 }));
  const chance = dice(6);
  for (let i = 0; i < 6_000; i += 1) hear(trial(i, { candidate: chance() < 0.5, weight: 0.5 }));
  expect(judge.read(0).verdict).toBe("continue");
});

test("an inference that was dealt to the candidate and answered by another counts for errors alone; one of another rollout not at all", () => {
  const { judge, hear, shown } = staged(setupOf());
  hear(trial(1, { candidate: true, failed: true }), { ...sample(1, { candidate: true }, answer(1, 0.9)), rung: "primary" }, actual(1, [0]));
  hear(trial(2, { candidate: true, rollout: "r0", failed: true }));
  expect(shown("errors").events).toBe(1);
  expect(judge.read(0)).toMatchObject({ actuals: 0, requests: { candidate: 1, primary: 0 } });
});

test("a batch is one event, wrong in part", () => {
  const { judge, hear } = staged(setupOf({}, { weight: 0.5 }));
  const many = body({ label: Array.from({ length: 1_000 }, () => 1), probabilities_1: Array.from({ length: 1_000 }, () => 0.9) }, "outputs");
  for (const [id, candidate] of [[1, true], [2, false]] as const) hear(sample(id, { candidate, weight: 0.5 }, many));
  hear(actual(1, Array.from({ length: 1_000 }, () => 0)), actual(2, Array.from({ length: 1_000 }, (_, i) => Number(i >= 250))));
  const accuracy = judge.read(0).comparisons.find(({ name }) => name === "accuracy");
  expect(accuracy).toMatchObject({ events: 2, effect: 0.75, verdict: "continue" });
  expect(accuracy?.log10Evidence).toBeLessThan(1);
});

test("an actual that contradicts an earlier one is counted and told once, and the first counts", () => {
  const { judge, hear, notes } = staged(setupOf({}, { weight: 0.5 }));
  for (const [id, candidate] of [[1, true], [2, false]] as const) hear(sample(id, { candidate, weight: 0.5 }, answer(1, 0.9)), actual(id, [1]), actual(id, [1]));
  expect(judge.read(0).passedOver).toEqual({ contradicted: 0, unevaluated: 0 });
  hear(actual(1, [0]), actual(2, [0]));
  expect(judge.read(0)).toMatchObject({ actuals: 2, passedOver: { contradicted: 2 } });
  expect(judge.read(0).comparisons.find(({ name }) => name === "accuracy")?.effect).toBe(0);
  expect(notes).toEqual([expect.stringMatching(/^an actual of the inference i1 contradicts the one that came before it/)]);
});

test("an actual that comes a moment before its sample is joined to it, an old prediction and one too many are let go", () => {
  const { judge, hear } = staged(setupOf({}, { weight: 0.5 }), { buffer: 2, ttl: 10_000 });
  hear(actual(1, [1], 100), sample(1, { candidate: true, weight: 0.5 }, answer(1, 0.9)));
  expect(judge.read(0).actuals).toBe(1);
  for (let id = 2; id <= 4; id += 1) hear(sample(id, { candidate: true, weight: 0.5, atWallMs: 1_000 }, answer(1, 0.9)));
  hear(actual(2, [1], 2_000), actual(4, [1], 2_000));
  expect(judge.read(0).actuals).toBe(2);
  judge.tick(20_000, 20_000);
  hear(actual(3, [1], 20_000));
  expect(judge.read(0).actuals).toBe(2);
});

test("a restart in the middle changes nothing: what was kept goes on to the same reading", () => {
  const play = (restart: boolean) => {
    const setup = setupOf({ metrics: [{ name: "refused", expression: "answer.label == 0" }] }, { copies: true });
    const chance = dice(3);
    let { judge, hear } = staged(setup);
    for (let i = 0; i < 600; i += 1) {
      if (restart && i === 300) {
        const kept = deserialize(serialize([judge.snapshot(), judge.waiting()])) as [ReturnType<typeof judge.snapshot>, ReturnType<typeof judge.waiting>];
        ({ judge, hear } = staged(setup));
        judge.restore(kept[0]);
        judge.restoreWaiting(kept[1]);
      }
      const dealt = { candidate: chance() < 0.1 };
      const said = () => answer(Number(chance() < 0.5), chance());
      hear(trial(i, { ...dealt, failed: chance() < 0.05, durationMs: latencyOf(chance) }), sample(i, dealt, said()), pair(i, said(), said()));
      if (i >= 100) hear(actual(i - 100, [1], 100 * i));
    }
    return judge.read(0);
  };
  expect(play(true)).toEqual(play(false));
});

test("copies: twenty in a hundred worse against two are seen within a hundred pairs or so; what both fail, and overload, say nothing", () => {
  const after: number[] = [];
  for (let seed = 1; seed <= 40; seed += 1) {
    const chance = dice(seed * 31);
    const { judge, hear, told } = staged(setupOf({}, { live: false, copies: true, weight: 0 }));
    const side = (outcome: "ok" | "error" | "overloaded") => ({ outcome, body: outcome === "ok" ? answer(1, 0.9) : new Uint8Array(), durationMs: 10 });
    hear(pair(0, answer(1, 0.9), answer(1, 0.9), { primary: side("error"), candidate: side("error") }), pair(1, answer(1, 0.9), answer(1, 0.9), { candidate: side("overloaded") }));
    expect(judge.read(0)).toMatchObject({ pairs: 1, verdict: "continue" });
    let pairs = 2;
    for (; told.length === 0 && pairs < 1_000; pairs += 1) {
      const drawn = chance();
      hear(pair(pairs, answer(1, 0.9), answer(1, 0.9), { primary: side(drawn > 0.98 ? "error" : "ok"), candidate: side(drawn < 0.2 ? "error" : "ok") }));
    }
    expect(told[0]?.harmed).toEqual(["shadow_errors"]);
    expect(told[0]?.message).toMatch(/^harm: errors of copies more often than of the primary in \d+ % of the pairs, evidence .* after \d+ pairs$/);
    after.push(pairs);
  }
  expect(after.sort((a, b) => a - b)[20]).toBeLessThanOrEqual(100);
});
