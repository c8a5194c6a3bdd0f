import { describe, expect, test } from "vitest";
import { seasonChoice, seasonCount, seasonOf, type Season } from "../../../detectors/reference/seasons.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

const hourMs = 3_600_000;
/** A Thursday. */
const start = Date.UTC(2026, 0, 1);

/** A value at so many hours since the start, as its rank on a scale where normal numbers lie between 0 and 1. */
type Draw = (hour: number, next: Chance) => number;

const steady: Draw = (_, next) => gaussian(next);
const daily = (amplitude: number): Draw => (hour, next) => gaussian(next) + amplitude * Math.sin((2 * Math.PI * hour) / 24);
const dailySpread: Draw = (hour, next) => gaussian(next) * (1 + 0.4 * Math.sin((2 * Math.PI * hour) / 24));
const weekends: Draw = (hour, next) => gaussian(next) + ([2, 3].includes(Math.floor(hour / 24) % 7) ? 0.7 : 0);
/** A random walk that comes back within about three hours. */
const slow = (rowsPerHour: number): Draw => {
  let last = 0;
  const kept = Math.exp(-1 / (3 * rowsPerHour));
  return (_, next) => (last = kept * last + Math.sqrt(1 - kept * kept) * gaussian(next));
};

function seasonIn(draw: Draw, days: number, rowsPerHour: number, { seed = 1, columns = 1, shuffled = false } = {}): Season | undefined {
  const next = chance(seed);
  const rows = Array.from({ length: days * 24 * rowsPerHour }, (_, i) => ({ hour: i / rowsPerHour, value: draw(i / rowsPerHour, next), order: next() }));
  if (shuffled) rows.sort((a, b) => a.order - b.order);
  const choice = seasonChoice(columns);
  let state = choice.start();
  for (const { hour, value } of rows) {
    for (let column = 0; column < columns; column += 1) {
      const seen = column === columns - 1 ? value : gaussian(next);
      state = choice.step(state, column, start + hour * hourMs, 1 / (1 + Math.exp(-1.7 * seen)));
    }
  }
  return choice.choose(state);
}

test("hours count from midnight UTC, those of the week from Monday's, before the epoch too", () => {
  expect([seasonCount("hour-of-day"), seasonCount("hour-of-week")]).toEqual([24, 168]);
  expect(seasonOf("hour-of-day", Date.UTC(2026, 5, 3, 17, 59))).toBe(17);
  expect(seasonOf("hour-of-week", Date.UTC(2026, 5, 1))).toBe(0); // a Monday
  expect(seasonOf("hour-of-week", Date.UTC(2026, 4, 31, 23))).toBe(167);
  expect(seasonOf("hour-of-week", Date.UTC(1969, 11, 29))).toBe(0);
  expect(seasonOf("hour-of-day", -1)).toBe(23);
});

describe("there is a season", () => {
  test.each<[string, Draw, number, number, Season]>([
    ["a mean that follows the day", daily(0.5), 7, 20, "hour-of-day"],
    ["a small one, in much data", daily(0.1), 28, 60, "hour-of-day"],
    ["a large one, in three days of it", daily(1.5), 3, 60, "hour-of-day"],
    ["a spread that follows the day", dailySpread, 14, 20, "hour-of-day"],
    ["other values at weekends", weekends, 42, 20, "hour-of-week"],
    ["one that has gone on for two years, longer than eight weeks", daily(0.5), 730, 1, "hour-of-day"],
  ])("%s is found", (_, draw, days, rowsPerHour, season) => {
    expect(seasonIn(draw, days, rowsPerHour)).toBe(season);
  });

  test("in one column of twenty is enough", () => {
    expect(seasonIn(daily(0.7), 14, 10, { columns: 20 })).toBe("hour-of-day");
  });

  test("rows may come in any order", () => {
    expect(seasonIn(daily(0.5), 14, 10, { shuffled: true })).toBe("hour-of-day");
  });
});

describe("there is no season", () => {
  const found = (draw: () => Draw, days: number, rowsPerHour: number) =>
    Array.from({ length: 40 }, (_, seed) => seasonIn(draw(), days, rowsPerHour, { seed: seed + 1 })).filter((season) => season !== undefined).length;

  test("values that depend on nothing", () => {
    expect(found(() => steady, 7, 20)).toBeLessThanOrEqual(2);
  });

  test.each([3, 7, 28])("values that wander for hours, over %i days: an hour that differs on one day proves nothing", (days) => {
    expect(found(() => slow(10), days, 10)).toBeLessThanOrEqual(2);
    // Rows taken for independent, the hours differ beyond all doubt: F of 24 groups, which 95 of 100 times is below 1.53.
    const wandering = slow(10);
    const next = chance(days);
    const values = Array.from({ length: days * 240 }, (_, i) => ({ group: Math.floor(i / 10) % 24, value: wandering(0, next) }));
    expect(varianceRatio(values)).toBeGreaterThan(5);
  });

  test("a feature that grows steadily", () => {
    expect(seasonIn((hour, next) => gaussian(next) + hour / 24, 7, 20)).toBe(undefined);
  });

  test("two days of data, or a constant", () => {
    expect(seasonIn(daily(2), 2, 60)).toBe(undefined);
    expect(seasonIn(() => 0, 14, 10)).toBe(undefined);
    const choice = seasonChoice(3);
    expect(choice.choose(choice.start())).toBe(undefined);
  });

  test("rows without a time", () => {
    const choice = seasonChoice(1);
    let state = choice.start();
    for (let i = 0; i < 1_000; i += 1) state = choice.step(state, 0, NaN, 0.5);
    expect(choice.choose(state)).toBe(undefined);
  });
});

test("what it can not take in is refused", () => {
  expect(() => seasonChoice(0)).toThrow("columns must be 1 or more, got 0");
  const choice = seasonChoice(2);
  expect(() => choice.step(choice.start(), 2, start, 0.5)).toThrow("there are 2 columns, got column 2");
  expect(() => choice.step(choice.start(), 0, start, NaN)).toThrow("expected a mid-rank between 0 and 1, got NaN");
});

/** F of a one-way analysis of variance. */
function varianceRatio(values: readonly { readonly group: number; readonly value: number }[]): number {
  const groups = Map.groupBy(values, ({ group }) => group);
  const mean = (of: readonly { readonly value: number }[]) => of.reduce((sum, { value }) => sum + value, 0) / of.length;
  const all = mean(values);
  let [between, inside] = [0, 0];
  for (const group of groups.values()) {
    const own = mean(group);
    between += group.length * (own - all) ** 2;
    for (const { value } of group) inside += (value - own) ** 2;
  }
  return between / (groups.size - 1) / (inside / (values.length - groups.size));
}
