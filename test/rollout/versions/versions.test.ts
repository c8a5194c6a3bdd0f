/** The versions' room: stories on a clock that is turned by hand, with judgements as the monitors would say them. */
import { expect, test } from "vitest";
import type { Judgement, Onset } from "../../../agent/judgement.ts";
import { FakeClock } from "../../fake-clock.ts";
import { room } from "./room.ts";

const minute = 60_000;
const a = `sha256:${"a".repeat(64)}`;
const b = `sha256:${"b".repeat(64)}`;

function story(more: Parameters<typeof room>[1] = {}, clock = new FakeClock()) {
  const versions = room(clock, more);
  return {
    ...versions,
    clock,
    /** One answer a second. */
    serve: (version: string, minutes: number): void => {
      for (let i = 0; i < 60 * minutes; i += 1) {
        versions.made.answered(version);
        clock.advance(1_000);
      }
    },
    /** A stream fires; its onset lies between so many minutes ago. */
    fires: (stream: string, ago?: readonly [number, number], other: Partial<Judgement> = {}): void => {
      const nowMs = clock.wallMs();
      const onset: Onset | undefined = ago && { earliestWallMs: nowMs - ago[0] * minute, latestWallMs: nowMs - ago[1] * minute };
      versions.made.judge({ model: "employment", stream, detector: "d", verdict: "drift", statistic: 9, threshold: 8, culprits: [], message: `employment: ${stream}`, onset, atWallMs: nowMs, ...other });
    },
    isOver: (stream: string): void => {
      versions.made.judge({ model: "employment", stream, detector: "d", verdict: "stable", statistic: 0, threshold: 8, culprits: [], message: "", atWallMs: clock.wallMs() });
    },
    verdicts: () => versions.found.map(({ verdict, stream }) => `${stream}: ${verdict}`),
    targets: () => versions.rollbacks.map(({ from, to }) => `${from.version} to ${to}`),
  };
}

test("a clean upgrade: announced once, and known to be good after the dwell", () => {
  const { serve, made, announced, rollbacks } = story();
  serve("1", 61);
  expect(made.view().lastKnownGood).toMatchObject({ version: "1" });
  serve("2", 59);
  expect(announced.map(({ message }) => message)).toEqual(["version 1 serves", "version 2 serves, before it version 1"]);
  expect(made.view()).toMatchObject({ current: { version: "2" }, lastKnownGood: { version: "1" }, before: [{ version: "1" }] });
  expect(made.before()).toBe("1");
  serve("2", 3);
  expect(made.view().lastKnownGood).toMatchObject({ version: "2" });
  expect(rollbacks).toEqual([]);
});

test("a version that is wrong, as actuals tell two hours later: rolled back, once, however many streams say so", () => {
  const { serve, fires, targets, verdicts } = story();
  serve("1", 70);
  serve("2", 120);
  fires("mistakes", [121, 117]);
  expect(targets()).toEqual(["2 to 1"]);
  fires("mistakes", [122, 118]);
  fires("error-rate", [122, 118]);
  expect(targets()).toEqual(["2 to 1"]);
  expect(verdicts()).toContain("error-rate: version");
});

test("the same loss that began an hour before the upgrade is not the upgrade's", () => {
  const { serve, fires, targets, verdicts } = story();
  serve("1", 70);
  serve("2", 10);
  fires("mistakes", [71, 68]);
  expect(verdicts()).toEqual(["mistakes: traffic"]);
  expect(targets()).toEqual([]);
});

test("an alarm that was raised before the upgrade is not the upgrade's, however often it is told again", () => {
  const { serve, fires, found, targets } = story();
  serve("1", 70);
  fires("mistakes", [2, 0]);
  serve("1", 0.1);
  serve("2", 10);
  for (let i = 0; i < 5; i += 1) fires("mistakes", [11, 9]);
  expect(found).toMatchObject([{ stream: "mistakes", verdict: "traffic" }]);
  expect(targets()).toEqual([]);
});

test("what becomes clear only with more rows is judged again", () => {
  const { serve, fires, verdicts, targets } = story();
  serve("1", 70);
  serve("2", 10);
  fires("mistakes", [55, 5]);
  expect(verdicts()).toEqual(["mistakes: unknown"]);
  fires("mistakes", [12, 8]);
  expect(verdicts()).toEqual(["mistakes: unknown", "mistakes: version"]);
  expect(targets()).toEqual(["2 to 1"]);
});

test("an alarm that comes before the new version counts is judged when it does", () => {
  const { serve, fires, targets } = story();
  serve("1", 70);
  serve("2", 0.2);
  fires("mistakes", [1, 0]);
  expect(targets()).toEqual([]);
  serve("2", 0.5);
  expect(targets()).toEqual(["2 to 1"]);
});

test("a restart that drops requests for some seconds is no fault of the version that comes up", () => {
  const { serve, fires, targets } = story();
  serve("1", 70);
  fires("failures", [1, 0]);
  serve("2", 0.5);
  fires("failures", [1, 0]);
  expect(targets()).toEqual([]);
});

test("a version that goes on failing is rolled back a minute after it came up", () => {
  const { serve, fires, targets } = story();
  serve("1", 70);
  serve("2", 3);
  fires("failures", [4, 2]);
  expect(targets()).toEqual(["2 to 1"]);
});

test("other scores are told, and are a loss where one shows beside them", () => {
  const { serve, fires, found, targets } = story();
  const culprits = [{ name: "score", share: 1 }];
  serve("1", 70);
  serve("2", 10);
  fires("features", [11, 8], { culprits });
  expect(found).toMatchObject([{ stream: "features", verdict: "version", rollback: { to: undefined } }]);
  fires("estimated-performance");
  fires("features", [11, 8], { culprits });
  expect(targets()).toEqual(["2 to 1"]);
});

test("inputs that drift right after an upgrade are nobody's fault, nor are the mistakes on them", () => {
  const { serve, fires, verdicts, targets } = story();
  serve("1", 70);
  serve("2", 10);
  fires("features", [11, 8], { culprits: [{ name: "AGEP", share: 1 }] });
  fires("mistakes", [6, 3]);
  fires("error-rate", [11, 8]);
  expect(verdicts()).toEqual(["features: traffic", "mistakes: traffic", "error-rate: unknown"]);
  expect(targets()).toEqual([]);
});

test("replicas of two versions by turns change nothing, and nobody is blamed", () => {
  const { serve, clock, made, announced, fires, targets } = story();
  serve("1", 70);
  for (let i = 0; i < 20_000; i += 1) {
    made.answered(i % 2 === 0 ? "1" : "2");
    clock.advance(100);
  }
  expect(announced).toHaveLength(1);
  fires("mistakes", [33, 30]);
  expect(targets()).toEqual([]);
});

test("after a restart it goes on: what was good is known, what was held counts, what was rolled back is not again", () => {
  const before = story();
  before.serve("1", 65);
  before.serve("2", 30);
  before.fires("mistakes", [31, 28]);
  expect(before.targets()).toEqual(["2 to 1"]);
  void before.close();

  const after = story({ saved: before.world.saved }, new FakeClock(Date.UTC(2026, 0, 1, 6)));
  expect(after.made.view()).toMatchObject({ current: { version: "2" }, lastKnownGood: { version: "1" } });
  after.serve("2", 5);
  after.fires("mistakes", [270, 265]);
  expect(after.targets()).toEqual([]);
  expect(after.announced).toEqual([]);
});

test("half a dwell before a restart and half after it make a whole one", () => {
  const before = story();
  before.serve("1", 31);
  void before.close();
  const after = story({ saved: before.world.saved });
  after.serve("1", 28);
  expect(after.made.view().lastKnownGood).toBeUndefined();
  after.serve("1", 2);
  expect(after.made.view().lastKnownGood).toMatchObject({ version: "1" });
});

test("what can not be read of an earlier run is passed over", () => {
  expect(story({ saved: { version: 7, current: "?" } }).made.view()).toMatchObject({ current: undefined, before: [] });
});

test("an idle night makes nothing good", () => {
  const { serve, clock, made } = story();
  serve("1", 5);
  clock.advance(10 * 60 * minute);
  expect(made.view().lastKnownGood).toBeUndefined();
});

test("a replaced artefact is found by asking, announced, and told: a server can not be asked for what it was", () => {
  const { serve, made, world, announced, fires, found, targets, clock } = story();
  made.described(["1"], a);
  serve("1", 70);
  const looks = world.looks;
  expect(looks).toBeGreaterThanOrEqual(69);
  made.described(["1"], b);
  clock.advance(6_000);
  expect(world.looks).toBeGreaterThan(looks);
  made.described(["1"], b);
  expect(announced.at(-1)).toMatchObject({ from: { version: "1", digest: a }, to: { version: "1", digest: b }, message: "version 1 was replaced by another artefact of that name" });
  serve("1", 10);
  fires("mistakes", [11, 8]);
  expect(found.at(-1)).toMatchObject({ verdict: "version", rollback: { to: undefined, why: "the version before bears the same name, so it can not be asked for" } });
  expect(targets()).toEqual([]);
});

test("never back to a version that was itself rolled back from", () => {
  const { serve, fires, isOver, targets, found } = story();
  serve("1", 70);
  serve("2", 10);
  fires("mistakes", [11, 8]);
  isOver("mistakes");
  serve("3", 10);
  fires("mistakes", [11, 8]);
  expect(targets()).toEqual(["2 to 1", "3 to 1"]);
  expect(found.every(({ rollback }) => rollback.to !== "2")).toBe(true);
});

test("without a version to go back to it is told only", () => {
  const { made, serve, fires, isOver, found, targets } = story();
  serve("2", 10);
  serve("1", 10);
  fires("mistakes", [11, 8]);
  expect(targets()).toEqual(["1 to 2"]);
  isOver("mistakes");
  serve("2", 10);
  expect(made.before()).toBeUndefined();
  fires("mistakes", [11, 8]);
  expect(found.at(-1)).toMatchObject({ verdict: "version", rollback: { to: undefined, why: "no version to go back to is known" } });
});

test("a version that a rollout is trying is its judge's business", () => {
  const { serve, fires, world, targets, found } = story();
  serve("1", 70);
  serve("2", 10);
  world.trying = "2";
  fires("mistakes", [11, 8]);
  expect(targets()).toEqual([]);
  expect(found.at(-1)?.rollback).toEqual({ to: undefined, why: "a rollout is trying it, and its judge decides" });
});

test("another reference is announced, and no loss is put down to it", () => {
  const { made, serve, fires, announced, found } = story();
  made.reference("r1");
  serve("1", 70);
  made.reference("r2");
  expect(announced.at(-1)).toMatchObject({ message: "version 1 is held against another reference", from: { reference: "r1" }, to: { reference: "r2" } });
  serve("1", 10);
  fires("features", [11, 8], { culprits: [{ name: "score", share: 1 }] });
  expect(found).toEqual([]);
});

test("of another server nothing is known", () => {
  const { made, serve } = story();
  made.reference("r1");
  serve("1", 70);
  made.forget();
  expect(made.view()).toMatchObject({ current: { version: undefined, reference: "r1" }, lastKnownGood: undefined, before: [] });
});
