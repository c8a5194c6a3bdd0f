/** What rungs are worth, by copies and by what comes true: stories of many answers on a clock that a test turns. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PairedActuals } from "../../agent/monitors/paired-actuals.ts";
import { Qualification } from "../../agent/monitors/qualification.ts";
import { qualificationOptions } from "../../agent/monitors/qualification-options.ts";
import { scoreColumns } from "../../agent/protocols/score-columns.ts";
import type { CopyObservation } from "../../agent/observation.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import type { RungPrice } from "../../agent/judgement.ts";

const body = (label: number) => Buffer.from(JSON.stringify({ outputs: [{ name: "label", datatype: "INT64", shape: [1], data: [label] }] }));
const copy = (id: string, rung: string, primary: number, said: number | undefined, key = "k"): CopyObservation => ({
  kind: "copy", inferenceId: id, rung, key, protocol: "open-inference",
  outcome: said === undefined ? "unsupported" : "ok",
  primary: body(primary), answer: said === undefined ? new Uint8Array() : body(said),
  durationMs: 4, atWallMs: 0,
});

function judging(options: object = {}) {
  const made = () => new Qualification({ options: qualificationOptions.parse(options), reading: { prediction: "label", scores: scoreColumns(undefined), regression: false }, ttl: 60_000 });
  let qualification = made();
  let id = 0;
  return {
    /** `times` copies: what the primary and the rung say, and what comes true, if it does. */
    hear: (times: number, primary: number, said: number | undefined, actual?: number, { rung = "a", key = "k" } = {}) => {
      for (let i = 0; i < times; i += 1) {
        id += 1;
        qualification.copy(copy(`id-${id}`, rung, primary, said, key), openInference);
        if (actual !== undefined) qualification.actual({ kind: "actual", inferenceId: `id-${id}`, values: [actual], atWallMs: 0 }, 0);
      }
    },
    at: (nowMs: number): RungPrice | undefined => qualification.tick(nowMs, 0)[0],
    prices: () => qualification.tick(0, 0),
    points: () => Object.fromEntries(qualification.points(qualification.tick(0, 0)).map(({ instrument, labels, value }) => [`${instrument.name} ${String(labels["rung"])}`, value])),
    restart: (nowMs: number) => {
      const saved = structuredClone(qualification.snapshot(nowMs));
      qualification = made();
      qualification.restore(saved, nowMs);
    },
  };
}

test("a rung that begins to differ goes, and comes back no sooner than the dwell, though it is mended at once", () => {
  const { hear, at } = judging();
  hear(200, 1, 1);
  expect(at(0)).toMatchObject({ standing: "qualified", agreement: 1, coverage: 1, compared: 200, medianMs: 4, message: "agrees with the primary in 100 % of 200 answers (at least 90 % asked)" });
  hear(60, 1, 0);
  expect(at(1_000)?.standing).toBe("ineligible");
  hear(500, 1, 1);
  expect(at(300_999)?.standing).toBe("ineligible");
  expect(at(301_000)?.standing).toBe("qualified");
});

test("what a rung can not answer is no disagreement: it is coverage", () => {
  const { hear, at, points } = judging();
  hear(30, 1, 1);
  hear(270, 1, undefined);
  expect(at(0)).toMatchObject({ standing: "unproven", agreement: 1, coverage: 0.1, copies: 300, compared: 30 });
  expect(points()).toMatchObject({ "pilotfish.rung.coverage a": 0.1, "pilotfish.rung.agreement a": 1, "pilotfish.rung.eligible a": 1 });
});

test("a rung that agrees and is wrong with the primary is no worse than it; one that is wrong where the primary is right goes", () => {
  const same = judging();
  same.hear(1_000, 1, 1, 0);
  expect(same.at(0)).toMatchObject({ standing: "qualified", accuracy: 0, primaryAccuracy: 0 });

  const worse = judging({ agreement: 0.5 });
  for (let i = 0; i < 30; i += 1) {
    worse.hear(7, 1, 1, 1);
    worse.hear(3, 1, 0, 1);
  }
  expect(worse.at(0)).toMatchObject({ standing: "ineligible", accuracy: 0.7, primaryAccuracy: 1 });
  expect(worse.at(0)?.message).toBe("is right in 70 % of 300 answers whose actuals came, the primary in 100 % (at most 5 % less asked)");
  expect(worse.points()).toMatchObject({ "pilotfish.rung.accuracy a": 0.7, "pilotfish.rung.accuracy primary": 1, "pilotfish.rung.eligible a": 0 });
});

test("what actuals had shown lapses when none come any more, and then agreement counts again", () => {
  const { hear, at } = judging({ dwell: "1s" });
  hear(300, 1, 0, 0);
  expect(at(0)?.standing).not.toBe("ineligible");
  hear(100, 1, 0, 0);
  expect(at(2_000)?.standing).toBe("qualified");
  hear(1_001, 1, 0);
  expect(at(3_000)).toMatchObject({ standing: "ineligible", message: "agrees with the primary in 0 % of 500 answers (at least 90 % asked)" });
});

test("a rung that actuals had shown to be worse does not come back because none come any more", () => {
  const { hear, at } = judging({ dwell: "1s", agreement: 0.5 });
  for (let i = 0; i < 40; i += 1) {
    hear(1, 1, 0, 1);
    hear(1, 1, 1, 1);
  }
  expect(at(0)?.standing).toBe("ineligible");
  hear(1_100, 1, undefined);
  expect(at(10_000)?.standing).toBe("ineligible");
});

test("everything outlives a restart, the dwell too; a rung of the same name with other options begins anew", () => {
  const { hear, at, prices, restart } = judging();
  hear(60, 1, 0);
  hear(10, 1, 1, undefined, { rung: "b" });
  at(1_000);
  const before = prices();
  restart(1_000);
  expect(prices()).toEqual(before);
  hear(1_000, 1, 1);
  expect(at(300_999)?.standing).toBe("ineligible");
  hear(1, 1, 1, undefined, { key: "another" });
  expect(prices().find(({ rung }) => rung === "a")).toMatchObject({ key: "another", standing: "unproven", compared: 1 });
});

test("a rung may have limits of its own", () => {
  const { hear, prices } = judging({ rungs: { lenient: { agreement: 0.5 } } });
  for (let i = 0; i < 30; i += 1) for (const rung of ["a", "lenient"]) {
    hear(7, 1, 1, undefined, { rung });
    hear(3, 1, 0, undefined, { rung });
  }
  expect(prices().map(({ rung, standing }) => [rung, standing])).toEqual([["a", "ineligible"], ["lenient", "qualified"]]);
});

test("rungs that have come and gone are let go: as many are known as a ladder may have", () => {
  const { hear, prices } = judging();
  for (let i = 0; i < 100; i += 1) hear(1, 1, 1, undefined, { rung: `rung-${i}` });
  expect(prices()).toHaveLength(64);
});

test("an actual joins the copies that came before it, those that come a moment later, and none twice", () => {
  const actuals = new PairedActuals({ buffer: 100, ttl: 1_000 });
  const said = { primary: [1, 0], rung: [1, 1] };
  const actual = (id: string, values: readonly number[]) => actuals.actual({ kind: "actual", inferenceId: id, values, atWallMs: 0 }, 0);
  expect(actuals.answered("x", "a", said, 0)).toEqual([]);
  expect(actual("x", [1])).toEqual([]);
  expect(actual("x", [1, 1])).toEqual([{ rung: "a", rungSaid: [1, 1], primarySaid: [1, 0], actuals: [1, 1], first: true }]);
  expect(actual("x", [1, 1])).toEqual([]);
  expect(actuals.answered("x", "b", said, 0)).toMatchObject([{ rung: "b", first: false }]);
  actuals.tick(10_000, 0);
  expect(actuals.answered("x", "c", said, 0)).toEqual([]);
});

test("whatever comes, no more rows wait than may, and a copy of the state waits for the same", () => {
  const events = fc.array(fc.record({ id: fc.integer({ min: 0, max: 30 }), rung: fc.constantFrom("a", "b", "c"), rows: fc.integer({ min: 1, max: 5 }), actual: fc.boolean() }), { maxLength: 200 });
  fc.assert(fc.property(events, (all) => {
    const actuals = new PairedActuals({ buffer: 20, ttl: 1_000 });
    for (const { id, rung, rows, actual } of all) {
      const values = Array.from({ length: rows }, () => 1);
      if (actual) actuals.actual({ kind: "actual", inferenceId: String(id), values, atWallMs: 0 }, 0);
      else actuals.answered(String(id), rung, { primary: values, rung: values }, 0);
      const waiting = actuals.snapshot();
      const count = waiting.reduce((sum, [, , primary, rungs]) => sum + primary.length + rungs.reduce((more, [, said]) => more + said.length, 0), 0);
      expect(count).toBeLessThanOrEqual(20);
    }
    const other = new PairedActuals({ buffer: 20, ttl: 1_000 });
    other.restore(structuredClone(actuals.snapshot()));
    expect(other.snapshot()).toEqual(actuals.snapshot());
  }));
});
