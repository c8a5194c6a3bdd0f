/** Metrics of the user's own. */
import { expect, test } from "vitest";
import { judgeOptions } from "../../agent/rollout/judge-options.ts";
import { metricMistakes } from "../../agent/rollout/mistakes.ts";
import { parseConfig } from "../../agent/config/config.ts";
import { checkWorld } from "../../agent/config/check.ts";
import { actual, body, dice, pair, sample, setupOf, staged, trial } from "./trial-stage.ts";

const answer = (label: number) => body({ label: [label] }, "outputs");
const metrics = (...all: readonly (readonly [name: string, expression: string, more?: object])[]) => all.map(([name, expression, more]) => ({ name, expression, ...more }));

test.each([
  ["row.AGE >", /^no valid expression: .*, at character \d+$/],
  ["nope > 1.0", /^no valid expression: Unknown variable: nope; there are row, answer, actual, latency_ms, failed/],
  ["'text' + string(latency_ms)", /^expected true or false, or a number, and this gives string$/],
  ["1 > 2", /^says nothing of an inference/],
  ["answer.name.matches('(a+)+')", /^matches\(\) is not offered/],
])("%s does not parse: the config's check says where and why", async (expression, message) => {
  const parsed = parseConfig(`server: { url: "http://127.0.0.1:1" }\nrollout: { judge: { metrics: [{ name: fine, expression: failed }, { name: bad, expression: ${JSON.stringify(expression)} }] } }`);
  expect(parsed.ok).toBe(true);
  expect(await checkWorld(parsed.config)).toContainEqual({ path: "rollout.judge.metrics.1.expression", message: expect.stringMatching(message) });
});

test("two metrics of one name, and one with the name of what is compared already, are refused", () => {
  expect(judgeOptions.safeParse({ metrics: metrics(["a", "failed"], ["a", "failed"]) }).success).toBe(false);
  for (const name of ["errors", "latency_p99", "shadow_errors", "Refused"]) expect(judgeOptions.safeParse({ metrics: metrics([name, "failed"]) }).success, name).toBe(false);
});

test("an expression is evaluated when what it asks for is known: the attempt, the answer with its row, what came true", async () => {
  const all = metrics(["slow", "failed || latency_ms > 500.0"], ["refused", "answer.label == 0 && row.age < 30"], ["missed", "actual == 1 && answer.label == 0"], ["weighed", "row.age * 2.0 + latency_ms"]);
  expect(await metricMistakes(judgeOptions.parse({ metrics: all }).metrics)).toEqual([]);
  const { hear, shown, notes } = staged(setupOf({ metrics: all }, { weight: 0.5 }));
  const events = () => Object.fromEntries(["slow", "refused", "missed", "weighed"].map((name) => [name, shown(name).events]));
  hear(trial(1, { candidate: true, weight: 0.5, durationMs: 600 }));
  expect(events()).toEqual({ slow: 1, refused: 0, missed: 0, weighed: 0 });
  hear(sample(1, { candidate: true, weight: 0.5 }, answer(0), body({ age: [20] }, "inputs")));
  expect(events()).toEqual({ slow: 1, refused: 1, missed: 0, weighed: 1 });
  hear(actual(1, [1]));
  expect(events()).toEqual({ slow: 1, refused: 1, missed: 1, weighed: 1 });
  expect(notes).toEqual([]);
});

test("a metric that can not be evaluated for some inferences passes them over: counted each time, told once", () => {
  const { judge, hear, notes } = staged(setupOf({ metrics: metrics(["old", "row.age > 60.0"], ["twice", "answer.label * 2 > 1"]) }, { weight: 0.5 }));
  for (let id = 1; id <= 3; id += 1) hear(trial(id, { candidate: true, weight: 0.5 }), sample(id, { candidate: true, weight: 0.5 }, answer(1)));
  expect(judge.read(0).passedOver?.unevaluated).toBe(6);
  expect(notes).toEqual([
    'the metric "old" can not be evaluated for some inferences, which it passes over: No such key: age',
    'the metric "twice" can not be evaluated for some inferences, which it passes over: no such overload: dyn<double> * int; write the number as 2.0',
  ]);
});

test("a candidate that refuses more often is harm by the user's own metric alone, of traffic and of copies", () => {
  const own = { metrics: metrics(["refused", "answer.label == 0", { minimumHarm: 0.02 }]), scores: { share: 0 }, shadow: { disagreement: { share: 0 } } };
  const chance = dice(9);
  const says = (candidate: boolean) => answer(Number(chance() > (candidate ? 0.6 : 0.3)));
  const live = staged(setupOf(own, { weight: 0.5 }));
  for (let i = 0; i < 2_000 && live.told.length === 0; i += 1) {
    const dealt = { candidate: chance() < 0.5, weight: 0.5 };
    live.hear(trial(i, dealt), sample(i, dealt, says(dealt.candidate)));
  }
  expect(live.told[0]).toMatchObject({ verdict: "harm", harmed: ["refused"] });
  const copies = staged(setupOf(own, { live: false, copies: true, weight: 0 }));
  for (let i = 0; i < 2_000 && copies.told.length === 0; i += 1) copies.hear(pair(i, says(false), says(true)));
  expect(copies.told[0]).toMatchObject({ verdict: "harm", harmed: ["shadow_refused"] });
});

test.each([["higher", true], ["lower", false]] as const)("of numbers that grow with the candidate, %s as the worse way is harm: %s", (worse, isHarm) => {
  const chance = dice(10);
  const { hear, told } = staged(setupOf({ metrics: metrics(["price", "answer.price", { worse }]), scores: { share: 0 } }, { weight: 0.5 }));
  for (let i = 0; i < 2_000; i += 1) {
    const dealt = { candidate: chance() < 0.5, weight: 0.5 };
    hear(sample(i, dealt, body({ price: [100 * chance() + (dealt.candidate ? 20 : 0)] }, "outputs")));
  }
  expect(told.map(({ harmed }) => harmed)).toEqual(isHarm ? [["price"]] : []);
});
