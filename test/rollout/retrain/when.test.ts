/** When training anew is asked for: dwell, pause and budget, by a clock that goes in hours. */
import { expect, test } from "vitest";
import { due, quiet, reduce, type Due, type When, type WhenPolicy } from "../../../agent/rollout/retrain/when.ts";
import { parseTimesPer } from "../../../agent/units.ts";

const hour = 3_600_000;
const policy: WhenPolicy = { streams: ["features", "mistakes"], dwell: 2 * hour, pause: 24 * hour, budget: { times: 2, perMs: 7 * 24 * hour } };

type Step = readonly [atHour: number, what: string];

/** `features!` fires, `features.` is over, `asked`; what is due after each. */
function play(steps: readonly Step[], from: When = quiet): { readonly found: readonly Due["due"][]; readonly when: When } {
  let when = from;
  const found = steps.map(([atHour, what]) => {
    const nowMs = atHour * hour;
    if (what === "asked" || what === "restarted") when = reduce(when, { type: what }, nowMs, policy);
    else if (what !== "") when = reduce(when, { type: "judged", judgement: { stream: what.slice(0, -1), detector: "conformal", verdict: what.endsWith("!") ? "drift" : "stable", culprits: [{ name: "age", share: 1 }] } }, nowMs, policy);
    return due(when, nowMs, policy).due;
  });
  return { found, when };
}

test("an alarm asks once it has lasted for the dwell, and not when it ends before", () => {
  expect(play([[0, ""], [1, "features!"], [2, "features!"], [2.9, ""], [3, ""]]).found).toEqual(["quiet", "dwell", "dwell", "dwell", "ask"]);
  expect(play([[1, "features!"], [2, "features."], [2.5, "features!"], [4, ""], [4.5, ""]]).found).toEqual(["dwell", "quiet", "dwell", "dwell", "ask"]);
});

test("streams that are not named ask nothing; of two the older one counts, and both are named once they have lasted", () => {
  expect(play([[0, "error-rate!"], [0, "latency!"], [9, ""]]).found).toEqual(["quiet", "quiet", "quiet"]);
  const { when } = play([[0, "features!"], [1, "mistakes!"]]);
  const named = (atHour: number) => {
    const found = due(when, atHour * hour, policy);
    return found.due === "ask" ? found.streams.map(({ stream, culprits }) => [stream, ...culprits]) : found.due;
  };
  expect([named(1.9), named(2), named(3)]).toEqual(["dwell", [["features", "age"]], [["features", "age"], ["mistakes", "age"]]]);
});

test("a lasting alarm asks again after the pause, until the budget of the period is spent", () => {
  expect(play([[0, "features!"], [2, ""], [2, "asked"], [25.9, ""], [26, ""], [26, "asked"], [51, ""], [169.9, ""], [170, ""], [170, "asked"], [193, ""], [194, ""]]).found).toEqual([
    "dwell", "ask", "held", "held", "ask", "held", "held", "held", "ask", "held", "held", "ask",
  ]);
  expect(due(play([[0, "features!"], [2, "asked"], [26, "asked"]]).when, 60 * hour, policy)).toEqual({ due: "held", by: "budget", untilWallMs: 170 * hour });
});

test("after a restart an alarm goes on where it was once it is told again, and asks nothing before", () => {
  const { when } = play([[0, "features!"]]);
  expect(play([[3, "restarted"], [3, ""], [3.1, "features!"]], when).found).toEqual(["quiet", "quiet", "ask"]);
});

test("a clock that is set back makes nobody wait for longer than dwell and pause", () => {
  const { when } = play([[1_000, "features!"], [1_000, "asked"]]);
  const { found } = play([[0, "features!"], [2, ""], [24, ""]], when);
  expect(found).toEqual(["dwell", "held", "held"]);
  expect(due(when, 0, policy)).toMatchObject({ due: "dwell" });
});

test("what changes nothing gives the same object", () => {
  const { when } = play([[0, "features!"]]);
  expect(reduce(when, { type: "judged", judgement: { stream: "latency", detector: "x", verdict: "warning", culprits: [] } }, hour, policy)).toBe(when);
  expect(reduce(quiet, { type: "judged", judgement: { stream: "features", detector: "x", verdict: "stable", culprits: [] } }, hour, policy)).toBe(quiet);
});

test("so many times in a duration are read, and nothing else is", () => {
  expect(parseTimesPer("2 per 7d")).toEqual({ times: 2, perMs: 7 * 24 * hour });
  expect(["0 per 7d", "1.5 per 7d", "1 per 1e6 samples", "1", "per 7d", "1 per 0s"].map(parseTimesPer)).toEqual(Array.from({ length: 6 }, () => undefined));
});
