import { expect, test } from "vitest";
import type { Judgement, Onset } from "../../../agent/judgement.ts";
import { attribute, type Firing, type VersionChange } from "../../../agent/rollout/versions/attribution.ts";

const minute = 60_000;
const noon = Date.UTC(2026, 0, 1, 12);
const policy = { windowMs: 30 * minute };

/** Version 2 was first seen at noon and alone ten seconds later. */
const change: VersionChange = { seenWallMs: noon, sinceWallMs: noon + 10_000, from: "1", to: "2" };

function firing(stream: string, onset: Onset | undefined, more: Partial<Judgement> = {}, raisedWallMs = noon + 40 * minute): Firing {
  return { raisedWallMs, judgement: { model: "m", stream, detector: "d", verdict: "drift", statistic: 9, threshold: 8, culprits: [], message: `m: ${stream}`, onset, atWallMs: raisedWallMs, ...more } };
}

/** Minutes from noon. */
const from = (earliest: number, latest: number): Onset => ({ earliestWallMs: noon + earliest * minute, latestWallMs: noon + latest * minute });
const inputs = (raisedAt: number): Firing => firing("features", undefined, { culprits: [{ name: "age", share: 0.9 }, { name: "score", share: 0.1 }] }, noon + raisedAt * minute);
const scores = (onset: Onset, share = 1): Firing => firing("features", onset, { culprits: [{ name: "score", share }, ...(share < 1 ? [{ name: "age", share: 1 - share }] : [])] });
const verdict = (one: Firing, others: readonly Firing[] = []) => attribute(one, change, [one, ...others], policy).verdict;

test.each(["mistakes", "error-rate", "calibration", "failures", "latency"])("%s that began with the version is the version's", (stream) => {
  const found = attribute(firing(stream, from(-1, 2)), change, [], policy);
  expect(found).toEqual({ verdict: "version", message: `${stream} began with version 2: m: ${stream}` });
});

test("however late it was found: actuals may take hours", () => {
  expect(verdict(firing("mistakes", from(-1, 2), {}, noon + 600 * minute))).toBe("version");
});

test("what began an hour before is not, though it was found after", () => {
  expect(attribute(firing("mistakes", from(-61, -58)), change, [], policy)).toEqual({ verdict: "traffic", message: "mistakes: began at least 58 min before the first answer of version 2" });
});

test("what was found before is not, whatever its onset is thought to be", () => {
  expect(verdict(firing("mistakes", from(-1, 2), {}, noon - 5 * minute))).toBe("traffic");
});

test("a loss that began clearly after the change is the traffic's where the inputs moved, and nobody's where they did not", () => {
  expect(verdict(firing("mistakes", from(10, 12)))).toBe("unknown");
  expect(verdict(firing("mistakes", from(10, 12)), [inputs(13)])).toBe("traffic");
  expect(verdict(firing("mistakes", from(45, 47)))).toBe("traffic");
});

test("a server may fail or slow down a while after the change: it leaks", () => {
  for (const stream of ["failures", "latency"]) {
    expect(verdict(firing(stream, from(20, 22)))).toBe("version");
    expect(verdict(firing(stream, from(45, 47)))).toBe("traffic");
  }
});

test("an onset that nobody knows well enough is not acted on", () => {
  expect(verdict(firing("mistakes", undefined))).toBe("unknown");
  expect(verdict(firing("mistakes", from(-45, 5)))).toBe("unknown");
  expect(verdict(firing("mistakes", from(-5, 45)))).toBe("unknown");
});

test("input features that moved are the traffic's, even right after an upgrade", () => {
  expect(verdict(inputs(1))).toBe("traffic");
  expect(verdict(firing("violations", from(-1, 2), { culprits: [{ name: "age", share: 1 }] }))).toBe("traffic");
});

test("the scores are the version's where they hold most of the evidence and changed with it", () => {
  expect(verdict(scores(from(-1, 2)))).toBe("version");
  expect(verdict(scores(from(-61, -58)))).toBe("traffic");
  expect(verdict(scores(from(-1, 2), 0.4))).toBe("traffic");
  expect(verdict(scores(from(-1, 2), 0.8))).toBe("unknown");
});

test("where inputs began to move as the version came, either explains a loss; a drift of long ago explains nothing new", () => {
  expect(verdict(firing("mistakes", from(-1, 2)), [inputs(3)])).toBe("unknown");
  expect(verdict(firing("mistakes", from(-1, 2)), [inputs(-600)])).toBe("version");
  expect(verdict(firing("failures", from(-1, 2)), [inputs(3)])).toBe("version");
});

test("while replicas are replaced for twenty minutes, a loss that begins in between began with the version", () => {
  const rolling = { ...change, sinceWallMs: noon + 20 * minute };
  expect(attribute(firing("mistakes", from(8, 14)), rolling, [], policy).verdict).toBe("version");
});

test("an estimate without labels is told and blames nobody", () => {
  expect(verdict(firing("estimated-performance", undefined))).toBe("unknown");
});
