import { describe, expect, test } from "vitest";
import { causesOf } from "../../../detectors/quality/causes.ts";
import { featureReference, type Value } from "../../../detectors/reference/reference.ts";
import { featureNames, readRows } from "../../../examples/employment/rows.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

type Draw = (next: Chance) => Value;

const draws = (draw: Draw, rows: number, seed: number): Value[] => {
  const next = chance(seed);
  return Array.from({ length: rows }, () => draw(next));
};

/** Positive, skewed, continuous: an income. */
const income: Draw = (next) => 3_000 * Math.exp(0.5 * gaussian(next));
const celsius: Draw = (next) => 15 + 8 * gaussian(next);
const age: Draw = (next) => Math.floor(95 * next());
const stars: Draw = (next) => 1 + Math.floor(5 * next());
const ratio: Draw = (next) => next() ** 2;
const country: Draw = (next) => ["DE", "FR", "US", "IT", "ES"][Math.floor(5 * next() ** 2)] as string;
const flag: Draw = (next) => (next() < 0.4 ? "true" : "false");
const kinds: Readonly<Record<string, Draw>> = { income, celsius, age, stars, ratio, country, flag };

/** What is said of the latest rows, as `kind: message`. */
function told(before: Draw, now: readonly Value[]): string[] {
  const reference = featureReference("x", draws(before, 5_000, 1));
  return causesOf([{ reference, values: now }]).map(({ kind, message }) => `${kind}: ${message}`);
}

const changed = (draw: Draw, by: (value: never) => Value, rows = 100) => draws(draw, rows, 2).map((value) => by(value as never));
/** So many rows of a hundred are changed. */
const some = (share: number, by: (value: never) => Value) => {
  let row = 0;
  return (value: never): Value => (row++ % 100 < share ? by(value) : (value as Value));
};

describe("the cause in words", () => {
  test.each<[string, Draw, readonly Value[], string]>([
    ["numbers as text", income, changed(income, (value: number) => value.toFixed(2)), 'type-flip: numbers come as text, such as "'],
    ["a few numbers as text", income, changed(income, some(20, () => "n/a")), 'type-flip: 20 % of the numbers come as text, such as "n/a", which is no number'],
    ["numbers for categories", country, changed(country, (value: string) => value.length + value.charCodeAt(0)), "type-flip: the categories come as numbers, such as"],
    ["nulls", age, changed(age, some(45, () => null)), "null-burst: 45 % of the values are missing (0 % in the reference)"],
    ["NaN", celsius, changed(celsius, some(45, () => NaN)), "null-burst: 45 % of the values are missing (0 % in the reference)"],
    ["nothing but nulls", age, changed(age, () => null), "null-burst: every value is missing (0 % in the reference)"],
    ["a constant number", celsius, changed(celsius, () => 20), "constant: always 20 now"],
    ["a constant category", country, changed(country, () => "FR"), 'constant: always "FR" now'],
    ["cents for euros", income, changed(income, (value: number) => 100 * value), "unit-scale: the values are a hundred times as large"],
    ["thousands", income, changed(income, (value: number) => value / 1_000), "unit-scale: the values are a thousand times smaller"],
    ["percent for ratios", ratio, changed(ratio, (value: number) => 100 * value), "unit-scale: the values are a hundred times as large, such as percent for ratios"],
    ["Fahrenheit", celsius, changed(celsius, (value: number) => 1.8 * value + 32), "unit-scale: the values are in Fahrenheit for Celsius"],
    ["kelvin", celsius, changed(celsius, (value: number) => value + 273.15), "unit-scale: the values are in kelvin for Celsius"],
    ["inches", income, changed(income, (value: number) => value / 2.54), "unit-scale: the values are about 2."],
    ["a factor of nobody's", income, changed(income, (value: number) => 7.3 * value), "unit-scale: the values are about 7."],
    ["another sign", income, changed(income, (value: number) => -value), "unit-scale: the values are with the other sign"],
    ["one client of three in cents", income, changed(income, some(33, (value: number) => 100 * value)), "unit-scale: 33 % of the values are a hundred times as large"],
    ["a renamed category", country, changed(country, (value: string) => (value === "DE" ? "Germany" : value)), 'renamed-category: "DE" is called "Germany" now'],
    ["lower case", country, changed(country, (value: string) => value.toLowerCase()), 'renamed-category: "DE" is written "de" now, "FR" is written "fr" now'],
    ["flags as numbers in text", flag, changed(flag, (value: string) => (value === "true" ? "1" : "0")), 'renamed-category: "false" is written "0" now, "true" is written "1" now'],
    ["-1 for not known", age, changed(age, some(20, () => -1)), "new-sentinel: 20 % of the values are -1, outside of what was known (0 to 94): it may stand for a missing value"],
    ["zero for not known", income, changed(income, some(20, () => 0)), "new-sentinel: 20 % of the values are 0, outside"],
    ["9999 for not known, inside the range", income, changed(income, some(20, () => 9_999)), "new-sentinel: 20 % of the values are 9999 (at most"],
    ["clipped above", age, changed(age, (value: number) => Math.min(value, 60), 200), "clipped-range: no value above 60, where 35 % were; 37 % are 60: clipped"],
    ["clipped below", celsius, changed(celsius, (value: number) => Math.max(value, 10), 200), "clipped-range: no value below 10, where 27 % were; 2"],
    ["cut off", age, draws(age, 300, 2).filter((value) => (value as number) < 65), "clipped-range: no value above 64, where 31 % were: cut off"],
  ])("%s", (_, before, now, expected) => {
    expect(told(before, now)).toEqual([expect.stringContaining(expected)]);
  });

  test("two columns that changed places, each named with the other", () => {
    const references = { income, celsius, country, flag };
    const features = Object.entries(references).map(([name, draw]) => ({
      reference: featureReference(name, draws(draw, 5_000, 1)),
      values: draws(name === "income" ? celsius : name === "celsius" ? income : draw, 60, 2),
    }));
    expect(causesOf(features).map(({ feature, message }) => `${feature}: ${message}`)).toEqual([
      "income: it holds the values of celsius: the two are swapped",
      "celsius: it holds the values of income: the two are swapped",
    ]);
  });

  test("thirty rows are enough for what is plain", () => {
    expect(told(income, changed(income, (value: number) => 1_000 * value, 30))).toEqual([expect.stringContaining("unit-scale: the values are a thousand times as large")]);
    expect(told(country, changed(country, () => null, 30))).toEqual([expect.stringContaining("null-burst")]);
  });
});

describe("no cause is named where there is none", () => {
  test("3,500 windows of ordinary values, of 30 to 1,000 rows, name hardly any", () => {
    let named: string[] = [];
    for (const [name, draw] of Object.entries(kinds)) {
      const reference = featureReference(name, draws(draw, 2_000, 3));
      for (let run = 0; run < 500; run += 1) {
        const values = draws(draw, [30, 100, 300, 1_000][run % 4] as number, 10 + run);
        named = [...named, ...causesOf([{ reference, values }]).map(({ feature, message }) => `${feature}: ${message}`)];
      }
    }
    expect(named.length).toBeLessThanOrEqual(3);
  });

  test("a world that moves is no mistake in handling: means, spreads and mixtures shift without a cause", () => {
    const moves: readonly [Draw, Draw][] = [
      [celsius, (next) => (celsius(next) as number) + 6],
      [celsius, (next) => 15 + 12 * gaussian(next)],
      [income, (next) => 1.4 * (income(next) as number)],
      [age, (next) => Math.floor(95 * next() ** 1.5)],
      [stars, (next) => Math.min(stars(next) as number, stars(next) as number)],
      [country, (next) => ["DE", "FR", "US", "IT", "ES"][Math.floor(5 * next())] as string],
    ];
    const named = moves.flatMap(([before, now]) => Array.from({ length: 20 }, (_, run) => told(before, draws(now, 100, 40 + run))).flat());
    expect(named).toEqual([]);
  });

  test("the census of another half year names none", async () => {
    const [before, steady] = await Promise.all([readRows("reference"), readRows("steady")]);
    const references = featureNames.map((name) => featureReference(name, before.map(({ features }) => features[name])));
    const named: string[] = [];
    for (let start = 0; start + 200 <= 20_000; start += 200) {
      const rows = steady.slice(start, start + 200);
      const causes = causesOf(references.map((reference) => ({ reference, values: rows.map(({ features }) => features[reference.name as (typeof featureNames)[number]]) })));
      named.push(...causes.map(({ feature, message }) => `${feature}: ${message}`));
    }
    expect(named).toEqual([]);
  });
});

test("whatever comes in, there is an answer: empty windows, one row, references of one row, all kinds of values", () => {
  const odd: readonly Value[][] = [[], [null], [NaN], [Infinity, -Infinity], ["a"], [1], [true, "x", 3, null, undefined], Array.from({ length: 100 }, () => Infinity)];
  for (const draw of [...Object.values(kinds), () => 1, () => "only"]) {
    for (const rows of [1, 2, 50]) {
      const reference = featureReference("x", draws(draw, rows, 1));
      for (const values of odd) {
        for (const { ratio: concerned, message } of causesOf([{ reference, values }])) {
          expect(concerned).toBeGreaterThan(0);
          expect(concerned).toBeLessThanOrEqual(1);
          expect(message).not.toMatch(/NaN|undefined|Infinity/);
        }
      }
    }
  }
});
