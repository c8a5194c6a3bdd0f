import { expect, test } from "vitest";
import { hold, nothingHeld, type HeldEvent, type KnownGoodState } from "../../../agent/rollout/versions/known-good.ts";

const policy = { dwellMs: 3_600_000, answersMin: 100 };
const one = { version: "1", digest: undefined, reference: "r1", sinceWallMs: 0 };
const two = { ...one, version: "2", sinceWallMs: 7_200_000 };

/** It has just begun to serve. */
const begun = hold(nothingHeld, { serving: one, passedMs: 0, answers: 0, status: "healthy", firing: [] }, 0, policy);

/** A tick each second, from the state that was. */
function held(state: KnownGoodState, seconds: number, event: Partial<HeldEvent> | ((second: number) => Partial<HeldEvent>), fromSecond = 0): KnownGoodState {
  let now = state;
  for (let second = fromSecond; second < fromSecond + seconds; second += 1) {
    const more = typeof event === "function" ? event(second) : event;
    now = hold(now, { serving: one, passedMs: 1_000, answers: 1, status: "healthy", firing: [], ...more }, (second + 1) * 1_000, policy);
  }
  return now;
}

test("a version that holds its objectives for the dwell is known to be good, and goes on being so", () => {
  expect(held(begun, 3_599, {}).good).toBeUndefined();
  const good = held(begun, 3_600, {});
  expect(good.good).toEqual({ ...one, heldUntilWallMs: 3_600_000 });
  expect(good.goodSinceWallMs).toBe(1_000);
  expect(held(good, 60, {}, 3_600).good?.heldUntilWallMs).toBe(3_660_000);
});

test("an idle night proves nothing", () => {
  expect(held(begun, 8 * 3_600, { answers: 0 })).toMatchObject({ heldMs: 0, good: undefined, goodSinceWallMs: undefined });
  const idle = held(held(begun, 600, {}), 8 * 3_600, { answers: 0 }, 600);
  expect(idle.heldMs).toBeLessThan(11 * 60_000);
  expect(held(idle, 3_000, {}, 10_000).good).toMatchObject({ version: "1" });
});

test("too few answers are no proof, however long they take", () => {
  const rare = (second: number) => ({ answers: second % 50 === 0 ? 1 : 0 });
  expect(held(begun, 4_000, rare)).toMatchObject({ heldMs: policy.dwellMs, answers: 80, good: undefined });
  expect(held(begun, 5_000, rare).good).toMatchObject({ version: "1" });
});

test.each(["features", "mistakes", "error-rate", "calibration", "estimated-performance", "failures", "latency"])("the dwell begins anew while %s fires", (stream) => {
  const before = held(begun, 3_000, {});
  const spoilt = held(before, 1, { firing: [stream] }, 3_000);
  expect(spoilt).toMatchObject({ heldMs: 0, answers: 0, goodSinceWallMs: undefined });
  expect(held(spoilt, 3_599, {}, 3_001).good).toBeUndefined();
  expect(held(spoilt, 3_600, {}, 3_001).good).toMatchObject({ version: "1" });
});

test("a client that sends nonsense keeps no version from becoming good", () => {
  expect(held(begun, 3_600, { firing: ["violations"] }).good).toMatchObject({ version: "1" });
});

test.each(["failed", "isolated", "probation"] as const)("a primary that is %s begins the dwell anew", (status) => {
  expect(held(held(begun, 3_000, {}), 1, { status }, 3_000).heldMs).toBe(0);
});

test("a moment's suspicion neither counts nor spoils", () => {
  expect(held(held(begun, 3_000, {}), 10, { status: "suspect" }, 3_000).heldMs).toBe(3_000_000);
});

test("what was known to be good stays so while another version is on its way, and while it fails", () => {
  const good = held(begun, 3_700, {});
  const next = held(good, 1_000, { serving: two }, 7_200);
  expect(next).toMatchObject({ heldMs: 999_000, good: { version: "1" } });
  expect(held(next, 10, { serving: two, firing: ["mistakes"] }, 8_200).good).toMatchObject({ version: "1", heldUntilWallMs: 3_700_000 });
  expect(held(next, 2_601, { serving: two }, 8_200).good).toMatchObject({ version: "2", sinceWallMs: 7_200_000 });
});

test("the same version under another digest or another reference has to prove itself", () => {
  const nearly = held(begun, 3_599, { serving: { ...one, digest: "a" } });
  expect(held(nearly, 1, { serving: { ...one, digest: "b" } }, 3_599).heldMs).toBe(0);
  expect(held(nearly, 1, { serving: { ...one, digest: "a", reference: "r2" } }, 3_599).heldMs).toBe(0);
});

test("a digest that becomes known takes nothing away", () => {
  expect(held(held(begun, 3_599, {}), 1, { serving: { ...one, digest: "a" } }, 3_599).good).toMatchObject({ version: "1", digest: "a" });
});

test("a state that was kept goes on where it was: the time between does not count", () => {
  const kept = structuredClone(held(begun, 3_000, {}));
  expect(held(kept, 599, {}, 900_000).good).toBeUndefined();
  expect(held(kept, 600, {}, 900_000).good).toMatchObject({ version: "1" });
});

test("a version without a name is no version to go back to", () => {
  expect(held(nothingHeld, 4_000, { serving: { ...one, version: undefined } })).toBe(nothingHeld);
});
