import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { Learning, type LearningSnapshot } from "../../agent/monitors/learning.ts";

const hourMs = 3_600_000;

/** Fourteen days of a feature that follows the hour, a request of one row every six minutes. */
function hear(learning: Learning, from: number, to: number, timed = true): void {
  for (let i = from; i < to; i += 1) {
    const atMs = i * 360_000;
    const load = (Math.floor(atMs / hourMs) % 24) + ((i * 7_919) % 101) / 50;
    learning.hear(new Map([["load", [load]]]), 1, undefined, timed ? atMs : undefined);
  }
}

test("what is learnt from traffic with times knows the hours of the day, also across a restart", () => {
  const whole = new Learning(3_360, undefined);
  hear(whole, 0, 3_360);
  expect(whole.reference("m")).toMatchObject({ rows: 3_360, season: "hour-of-day" });

  const before = new Learning(3_360, undefined);
  hear(before, 0, 1_000);
  const after = new Learning(3_360, undefined);
  after.restore(deserialize(serialize(before.snapshot())) as LearningSnapshot);
  expect(after.reference("m")).toBeUndefined();
  hear(after, 1_000, 3_360);
  expect(after.reference("m")).toEqual(whole.reference("m"));
});

test("rows kept before there were times make a reference without a season", () => {
  const before = new Learning(3_360, undefined);
  hear(before, 0, 1_000, false);
  const { times: _, ...kept } = before.snapshot();
  const learning = new Learning(3_360, undefined);
  learning.restore(kept);
  hear(learning, 1_000, 3_360);
  expect(learning.reference("m")?.season).toBeUndefined();
});
