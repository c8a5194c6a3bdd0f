import { expect, test } from "vitest";
import { begin, checkPolicy, moved, reduce, type RolloutEvent, type RolloutPolicy, type RolloutState } from "../../agent/rollout/plan.ts";

const policy: RolloutPolicy = {
  mode: "automatic",
  steps: [
    { weight: 0.1, holdMs: 60_000, timeBoxMs: 600_000 },
    { weight: 0.5, holdMs: 60_000, timeBoxMs: 600_000 },
  ],
};
const says = (verdict: "harm" | "not-worse" | "continue" | "inconclusive"): RolloutEvent => ({ type: "verdict", verdict });

function play(events: readonly (readonly [number, RolloutEvent])[], mode: RolloutPolicy["mode"] = "automatic"): string[] {
  let state = begin(0, policy);
  return events.map(([atMs, event]) => {
    state = reduce(state, event, atMs, { ...policy, mode });
    return `${state.phase} ${state.reason} ${state.weight}`;
  });
}

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

test("approve asks before it promotes and aborts by itself; notify asks about both", () => {
  expect(play([[60_000, says("not-worse")], [60_001, { type: "promote" }], [60_002, says("harm")]], "approve")).toEqual(["asking not-worse 0.1", "trying step 0.5", "aborted harm 0"]);
  expect(play([[60_000, says("not-worse")], [60_001, says("harm")], [70_000, says("not-worse")]], "notify")).toEqual(["asking not-worse 0.1", "asking harm 0.1", "asking harm 0.1"]);
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
  expect(() => checkPolicy({ mode: "automatic", steps })).toThrow(message);
});
