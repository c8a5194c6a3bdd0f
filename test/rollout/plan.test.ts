import { expect, test } from "vitest";
import { begin, beginPromoted, checkPlan, moved, reduce, type RolloutEvent, type RolloutModes, type RolloutPlan, type RolloutPolicy, type RolloutState } from "../../agent/rollout/plan.ts";

const automatic: RolloutModes = { promotion: "automatic", rollback: "automatic" };
const policy: RolloutPolicy = {
  ...automatic,
  mode: "canary",
  shadow: { holdMs: 30_000, timeBoxMs: 300_000 },
  steps: [
    { weight: 0.1, holdMs: 60_000, timeBoxMs: 600_000 },
    { weight: 0.5, holdMs: 60_000, timeBoxMs: 600_000 },
  ],
};
const says = (verdict: "harm" | "not-worse" | "continue" | "inconclusive"): RolloutEvent => ({ type: "verdict", verdict });

function play(events: readonly (readonly [number, RolloutEvent])[], other: Partial<RolloutPolicy> = {}): string[] {
  let state = begin(0, { ...policy, ...other });
  return events.map(([atMs, event]) => {
    state = reduce(state, event, atMs, { ...policy, ...other });
    return `${state.phase} ${state.reason} ${state.weight}`;
  });
}

const answers = (verdict: "do" | "do-not"): RolloutEvent => ({ type: "answer", verdict });

test("a candidate that is not worse takes a step when its hold is over, and in the end all of the traffic", () => {
  expect(play([[1_000, says("not-worse")], [60_000, says("not-worse")], [61_000, says("not-worse")], [120_000, says("not-worse")], [121_000, says("harm")]])).toEqual([
    "trying started 0.1",
    "trying step 0.5",
    "trying step 0.5",
    "promoted not-worse 1",
    "promoted not-worse 1",
  ]);
});

test("harm takes the traffic off at once, whatever the hold, and nothing brings it back", () => {
  expect(play([[1, says("harm")], [60_000, says("not-worse")], [60_001, { type: "promote" }]])).toEqual(["aborted harm 0", "aborted harm 0", "aborted harm 0"]);
});

test("when the time box is over a person is asked, at the weight that is; harm aborts all the same, and good news goes on", () => {
  expect(play([[599_999, { type: "tick" }], [600_000, { type: "tick" }], [700_000, says("harm")]])).toEqual(["trying started 0.1", "asking time-box 0.1", "aborted harm 0"]);
  expect(play([[1, says("inconclusive")], [70_000, says("not-worse")]])).toEqual(["asking time-box 0.1", "trying step 0.5"]);
  expect(play([[1, says("inconclusive")], [2, { type: "promote" }]])).toEqual(["asking time-box 0.1", "trying step 0.5"]);
  expect(play([[1, says("inconclusive")], [2, { type: "abort" }]])).toEqual(["asking time-box 0.1", "aborted person 0"]);
});

test("who is asked before a promotion, and who before a rollback, are two settings", () => {
  expect(play([[60_000, says("not-worse")], [60_001, { type: "promote" }], [60_002, says("harm")]], { promotion: "approve" })).toEqual(["asking not-worse 0.1", "trying step 0.5", "aborted harm 0"]);
  expect(play([[60_000, says("not-worse")], [60_001, says("harm")], [70_000, says("not-worse")]], { promotion: "notify", rollback: "notify" })).toEqual(["asking not-worse 0.1", "asking harm 0.1", "asking harm 0.1"]);
  expect(play([[1, says("harm")], [2, answers("do")]], { rollback: "approve" })).toEqual(["asking harm 0.1", "aborted harm 0"]);
});

test("a person's yes to a promotion takes the next step, a no takes the traffic off", () => {
  expect(play([[60_000, says("not-worse")], [60_001, answers("do")], [130_000, says("not-worse")], [130_001, answers("do")]], { promotion: "approve" })).toEqual([
    "asking not-worse 0.1",
    "trying step 0.5",
    "asking not-worse 0.5",
    "promoted person 1",
  ]);
  expect(play([[600_000, { type: "tick" }], [600_001, answers("do-not")]])).toEqual(["asking time-box 0.1", "aborted declined 0"]);
  expect(play([[1, answers("do")]]), "an answer to nothing").toEqual(["trying started 0.1"]);
});

test("harm that a person keeps is not asked about again, goes no further by itself, and is asked about at the next step", () => {
  const kept: [number, RolloutEvent][] = [[1, says("harm")], [2, answers("do-not")], [3, says("harm")], [70_000, says("not-worse")]];
  expect(play(kept, { rollback: "approve" })).toEqual(["asking harm 0.1", "trying kept 0.1", "trying kept 0.1", "asking not-worse 0.1"]);
  expect(play([...kept.slice(0, 3), [600_000, says("harm")]], { rollback: "approve" }).at(-1)).toBe("asking time-box 0.1");
  expect(play([...kept.slice(0, 3), [4, { type: "promote" }], [5, says("harm")]], { rollback: "approve" }).slice(-2)).toEqual(["trying step 0.5", "asking harm 0.5"]);
});

test("copies come before the first step, with a hold and a time box of their own", () => {
  const mode = "shadow-then-canary";
  expect(play([[29_999, says("not-worse")], [30_000, says("not-worse")], [90_000, says("not-worse")]], { mode })).toEqual(["trying started 0", "trying step 0.1", "trying step 0.5"]);
  expect(play([[300_000, { type: "tick" }]], { mode })).toEqual(["asking time-box 0"]);
  expect(play([[1, says("harm")]], { mode })).toEqual(["aborted harm 0"]);
});

test("copies alone never move traffic by themselves; a person gives the candidate all of it", () => {
  expect(play([[30_000, says("not-worse")], [30_001, says("not-worse")], [30_002, answers("do")]], { mode: "shadow", steps: [] })).toEqual(["asking not-worse 0", "asking not-worse 0", "promoted person 1"]);
  expect(play([[1, { type: "promote" }]], { mode: "shadow" })).toEqual(["promoted person 1"]);
});

test("what was promoted is taken back by a person's word or with its version, and what is over stays so", () => {
  const promoted = beginPromoted(5);
  expect(promoted).toMatchObject({ phase: "promoted", reason: "rollback", weight: 1 });
  for (const event of [{ type: "tick" }, says("harm"), answers("do-not"), { type: "promote" }] as const) expect(reduce(promoted, event, 6, policy)).toBe(promoted);
  for (const reason of [undefined, "lost", "rollback"] as const) {
    const aborted = reduce(promoted, { type: "abort", ...(reason && { reason }) }, 7, policy);
    expect(aborted).toMatchObject({ phase: "aborted", reason: reason ?? "person", weight: 0, sinceMs: 7 });
    for (const event of [{ type: "abort" }, { type: "promote" }, says("not-worse")] as const) expect(reduce(aborted, event, 8, policy)).toBe(aborted);
  }
});

test("the same object comes back when nothing has changed", () => {
  const state = begin(0, policy);
  for (const event of [{ type: "tick" }, says("continue"), says("not-worse")] as const) expect(reduce(state, event, 10, policy)).toBe(state);
  const asking = reduce(state, says("inconclusive"), 20, policy);
  for (const event of [{ type: "tick" }, says("continue"), says("inconclusive")] as const) expect(reduce(asking, event, 700_000, policy)).toBe(asking);
});

test("a saved rollout goes on in another process with what it had held", () => {
  const saved = JSON.parse(JSON.stringify(begin(1_000_000, policy))) as RolloutState;
  const resumed = moved(saved, 1_050_000, 3);
  expect(reduce(resumed, says("not-worse"), 10_002, policy).step).toBe(0);
  expect(reduce(resumed, says("not-worse"), 10_003, policy)).toMatchObject({ step: 1, weight: 0.5, stepSinceMs: 10_003 });
});

test.each([
  [[], "steps: expected one or more, got none"],
  [[{ weight: 10, holdMs: 0, timeBoxMs: 1 }], "steps[0].weight must be above 0 and at most 1, got 10"],
  [[{ weight: 0.5, holdMs: 0, timeBoxMs: 1 }, { weight: 0.5, holdMs: 0, timeBoxMs: 1 }], "steps[1].weight must be above that of the step before, 0.5, got 0.5"],
  [[{ weight: 0.5, holdMs: 2, timeBoxMs: 1 }], "the time box must be above 0 and no shorter than the hold"],
])("steps that make no sense are refused: %j", (steps, message) => {
  expect(() => checkPlan({ ...policy, steps })).toThrow(message);
});

test.each(["shadow", "shadow-then-canary"] as const)("a time box that is shorter than the hold of %s is refused", (mode) => {
  const plan: RolloutPlan = { mode, steps: policy.steps, shadow: { holdMs: 2, timeBoxMs: 1 } };
  expect(() => checkPlan(plan)).toThrow("shadow: the time box must be above 0 and no shorter than the hold");
  expect(() => checkPlan({ ...plan, mode: "canary" })).not.toThrow();
});
