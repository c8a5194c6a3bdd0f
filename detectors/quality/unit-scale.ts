/**
 * The same values in another unit: for each known pair of units the values are turned back, and if they then look like the
 * reference and did not before, that was it. A factor of 2 or more that belongs to no pair is told as it is. Where only some rows
 * come in the other unit (one client of several), those outside of the reference's range are turned back alone.
 */
import type { NumericReference } from "../reference/reference.ts";
import { percent, short, type Cause, type Rule } from "./cause.ts";
import { chanceDistance, distanceOfNumbers } from "./sample.ts";

interface Unit {
  /** What was sent is `factor * x + offset`, x being what the reference knows. */
  readonly factor: number;
  readonly offset?: number;
  readonly words: string;
}

/** The common ones first. No small factors: a hundred rows can not tell 2.54, inches for centimetres, from a world that grew. */
const pairs: readonly Unit[] = [
  ...both(1_000, "a thousand"),
  ...both(100, "a hundred", "such as percent for ratios", "such as ratios for percent"),
  ...both(10, "ten"),
  ...both(1e6, "a million"),
  ...both(1e9, "a billion"),
  ...both(60, "60", "such as seconds for minutes", "such as minutes for seconds"),
  ...both(3_600, "3600", "such as seconds for hours", "such as hours for seconds"),
  ...both(24, "24", "such as hours for days", "such as days for hours"),
  ...both(86_400, "86400", "such as seconds for days", "such as days for seconds"),
  { factor: -1, words: "with the other sign" },
  { factor: 1.8, offset: 32, words: "in Fahrenheit for Celsius" },
  { factor: 1 / 1.8, offset: -32 / 1.8, words: "in Celsius for Fahrenheit" },
  { factor: 1, offset: 273.15, words: "in kelvin for Celsius" },
  { factor: 1, offset: -273.15, words: "in Celsius for kelvin" },
];

function both(factor: number, word: string, up = "", down = ""): Unit[] {
  return [
    { factor, words: `${word} times as large${up && `, ${up}`}` },
    { factor: 1 / factor, words: `${word} times smaller${down && `, ${down}`}` },
  ];
}

/** Numbers without which a distance says too little; a factor that is near 1, or belongs to no pair, needs more of them. */
const numbersMin = 10;
const ownFactorNumbersMin = 40;
/** How far the values lie from the reference before they are turned back, and at most afterwards: a constant lies 0.5 away. */
const apartMin = 0.35;
const nearMax = 0.35;

export const unitScale: Rule = (reference, { rows, numbers }) => {
  if (reference.kind !== "numeric" || numbers.length < numbersMin || reference.standardDeviation === 0) return undefined;
  return whole(reference, numbers, rows) ?? part(reference, numbers, rows);
};

function whole(reference: NumericReference, numbers: readonly number[], rows: number): Cause | undefined {
  const apart = distanceOfNumbers(reference, numbers);
  if (apart < apartMin) return undefined;
  const near = Math.min(chanceDistance(reference, numbers.length), apart / 2.5, nearMax);
  const best = nearest(reference, numbers, near) ?? (numbers.length < ownFactorNumbersMin ? undefined : ownFactor(reference, numbers, near));
  return best && { kind: "unit-scale", feature: reference.name, ratio: numbers.length / rows, message: `the values are ${best.words}` };
}

/** The rows beyond the reference's range, if they are many and none of them belongs there. */
function part(reference: NumericReference, numbers: readonly number[], rows: number): Cause | undefined {
  const { min, max } = reference;
  const outside = numbers.filter((value) => value < min || value > max);
  if (outside.length < numbersMin || outside.length < 0.05 * numbers.length) return undefined;
  const unit = nearest(reference, outside, Math.min(chanceDistance(reference, outside.length), nearMax));
  return unit && { kind: "unit-scale", feature: reference.name, ratio: outside.length / rows, message: `${percent(outside.length / numbers.length)} of the values are ${unit.words}` };
}

function nearest(reference: NumericReference, numbers: readonly number[], within: number): Unit | undefined {
  let best: Unit | undefined;
  let least = within;
  for (const unit of pairs) {
    // An offset that is lost in the spread says nothing: without it the factor is none of a pair.
    if (unit.offset !== undefined && Math.abs(unit.offset) < reference.standardDeviation) continue;
    const apart = distanceOfNumbers(reference, turnedBack(numbers, unit));
    if (apart >= least) continue;
    least = apart;
    best = unit;
  }
  return best;
}

/** Both medians give the factor, where all values have one sign. */
function ownFactor(reference: NumericReference, numbers: readonly number[], within: number): Unit | undefined {
  const factor = (numbers[numbers.length >> 1] as number) / medianOf(reference);
  if (!Number.isFinite(factor) || factor === 0 || (factor > 0.5 && factor < 2)) return undefined;
  if (distanceOfNumbers(reference, turnedBack(numbers, { factor, words: "" })) >= within) return undefined;
  return { factor, words: Math.abs(factor) > 1 ? `about ${short(Number(factor.toPrecision(2)))} times as large` : `about ${short(Number((1 / factor).toPrecision(2)))} times smaller` };
}

function turnedBack(numbers: readonly number[], { factor, offset = 0 }: Unit): readonly number[] {
  const back = numbers.map((value) => (value - offset) / factor);
  return factor < 0 ? back.toReversed() : back;
}

/** The middle of the cell that holds the median. */
function medianOf({ edges, counts, min, max }: NumericReference): number {
  const own = counts.slice(0, edges.length + 1);
  let left = own.reduce((sum, count) => sum + count, 0) / 2;
  const cell = own.findIndex((count) => (left -= count) <= 0);
  return ((edges[cell - 1] ?? min) + (edges[cell] ?? max)) / 2;
}
