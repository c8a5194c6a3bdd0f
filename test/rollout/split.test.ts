import { expect, test } from "vitest";
import { hash32 } from "../../agent/gateway/identity.ts";
import { isDealtToCandidate, versionOf } from "../../agent/split.ts";

const sides = (weight: number) => [{ version: "1", weight: 100 - weight }, { version: "2", weight }];
const users = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);

test("a weight of 10 % is given a tenth of the keys", () => {
  const share = users.filter((user) => versionOf(user, sides(10), "a", hash32) === "2").length / users.length;
  // Four standard deviations.
  expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / users.length));
});

test("a key that is on the candidate stays there while the weight grows, and leaves it only when it falls to nothing", () => {
  for (const user of users.slice(0, 2_000)) {
    const course = [1, 5, 10, 25, 50, 75, 100].map((weight) => versionOf(user, sides(weight), "a", hash32));
    expect(course.join("")).toMatch(/^1*2+$/);
    expect(versionOf(user, sides(0), "a", hash32)).toBe("1");
  }
});

test("another rollout deals the keys anew: of those of the first a tenth again", () => {
  const first = users.filter((user) => versionOf(user, sides(10), "a", hash32) === "2");
  const again = first.filter((user) => versionOf(user, sides(10), "b", hash32) === "2").length / first.length;
  expect(Math.abs(again - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / first.length));
});

test("weights that make no sense are refused", () => {
  expect(() => versionOf("user", sides(120), "a", hash32)).toThrow("weights must be 0 or more, got -20 for 1");
  expect(() => versionOf("user", [{ version: "1", weight: 0 }], "a", hash32)).toThrow(RangeError);
});

test("two sides without a list are the same two sides", () => {
  for (const weight of [0, 0.01, 0.1, 0.5, 0.97, 1]) {
    for (let i = 0; i < 2_000; i += 1) {
      const sides = [{ version: "primary", weight: 1 - weight }, { version: "candidate", weight }];
      expect(isDealtToCandidate(`key-${i}`, weight, "r1", hash32)).toBe(versionOf(`key-${i}`, sides, "r1", hash32) === "candidate");
    }
  }
});
