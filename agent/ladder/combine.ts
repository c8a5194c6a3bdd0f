/**
 * One answer out of several: for each value a vote, a mean, a median or a weighted mean of what the members say.
 *
 * Members must say the same things: as many rows, the same columns, numbers where the others have numbers. Whoever does not
 * agree with the primary's description, or with most of the others where that is not known, is left out; its values could be
 * put beside theirs by accident only. Whole numbers, texts and truth values are classes, of which a mean would be none: they
 * are always voted on, where the config names no other method for that output. Pure.
 */
import type { Column, ModelDescription, Value } from "../protocols/protocol.ts";
import { datatypeOf } from "./tensors.ts";
import type { Given } from "./tensors.ts";

export const methods = ["vote", "mean", "median", "weighted"] as const;
export type Method = (typeof methods)[number];

export interface Said {
  readonly member: string;
  readonly weight: number;
  readonly rows: number;
  readonly columns: readonly Column[];
}

export interface Combined {
  readonly rows: number;
  readonly given: ReadonlyMap<string, Given>;
  /** 0: all say the same; 1: they could not be further apart. The mean over all values. */
  readonly disagreement: number;
}

/** Those who say the same things, and the names of the others. */
export function agreeing(said: readonly Said[], description: ModelDescription | undefined): { readonly same: readonly Said[]; readonly others: readonly string[] } {
  const groups = new Map<string, Said[]>();
  for (const one of said) {
    const shape = shapeOf(one);
    groups.set(shape, [...(groups.get(shape) ?? []), one]);
  }
  const fits = (group: readonly Said[]): number => (description !== undefined && group[0] !== undefined && isDescribed(group[0], description) ? 1 : 0);
  // The largest of those that fit; of equals, the one whose first member stands first. Sorting is stable.
  const [same = []] = [...groups.values()].sort((a, b) => fits(b) - fits(a) || b.length - a.length);
  return { same, others: said.filter((one) => !same.includes(one)).map(({ member }) => member) };
}

/** Of members that agree in shape, at least one. Cost: linear in the values of all, times the logarithm of their number. */
export function combine(said: readonly Said[], method: Method, byOutput: Readonly<Record<string, Method>>, description: ModelDescription | undefined): Combined {
  const { rows, columns } = said[0] as Said;
  const given = new Map<string, Given>();
  let sum = 0;
  let count = 0;
  for (const [output, names] of outputsOf(columns.map(({ name }) => name), description)) {
    const sources = names.map((name) => said.map((one) => one.columns.find((column) => column.name === name)?.values ?? []));
    const datatype = description?.outputs.find(({ name }) => name === output)?.datatype;
    const isClass = datatype === undefined ? sources.flat(2).every((value) => typeof value !== "number" || Number.isInteger(value)) : !/^(FP|BF)/.test(datatype);
    const how = (Object.hasOwn(byOutput, output) ? byOutput[output] : undefined) ?? (isClass ? "vote" : method);
    // A vote heeds weights where the config wants them weighed.
    const isWeighed = how === "weighted" || (how === "vote" && method === "weighted");
    const values: Value[] = [];
    for (let row = 0; row < rows; row += 1) {
      for (const source of sources) {
        // Who has no value has no opinion.
        const opinions = source.flatMap((column, index): Opinion[] => (column[row] === null ? [] : [{ value: column[row] as Opinion["value"], weight: isWeighed ? (said[index] as Said).weight : 1 }]));
        const { value, dissent } = opinion(opinions, how);
        values.push(value);
        sum += dissent;
        count += 1;
      }
    }
    given.set(output, { datatype: datatype ?? datatypeOf(values), shape: names.length === 1 ? [rows] : [rows, names.length], values });
  }
  return { rows, given, disagreement: count === 0 ? 0 : sum / count };
}

interface Opinion {
  readonly value: Exclude<Value, null>;
  readonly weight: number;
}

/** What they say together, and how far apart they are, from 0 to 1: the lost votes' share, or the range relative to the largest. */
function opinion(opinions: readonly Opinion[], how: Method): { readonly value: Value; readonly dissent: number } {
  if (opinions.length === 0) return { value: null, dissent: 0 };
  const numbers = opinions.map(({ value }) => value).filter((value) => typeof value === "number");
  if (how === "vote" || numbers.length < opinions.length) return vote(opinions);
  const range = Math.max(...numbers) - Math.min(...numbers);
  const dissent = range === 0 ? 0 : Math.min(1, range / Math.max(...numbers.map(Math.abs)));
  if (how === "median") return { value: median(numbers), dissent };
  return { value: opinions.reduce((sum, { value, weight }) => sum + (value as number) * weight, 0) / weightOf(opinions), dissent };
}

function vote(opinions: readonly Opinion[]): { readonly value: Value; readonly dissent: number } {
  const votes = new Map<Value, number>();
  for (const { value, weight } of opinions) votes.set(value, (votes.get(value) ?? 0) + weight);
  // Of equals the one that was said first, which is the config's order.
  const [value, most] = [...votes].reduce((best, candidate) => (candidate[1] > best[1] ? candidate : best));
  return { value, dissent: 1 - most / weightOf(opinions) };
}

function weightOf(opinions: readonly Opinion[]): number {
  return opinions.reduce((sum, { weight }) => sum + weight, 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Rows, and each column's name with what its values are. A column without a value is taken for numbers. */
function shapeOf({ rows, columns }: Said): string {
  const kindOf = (values: readonly Value[]): string => typeof (values.find((value) => value !== null) ?? 0);
  return `${rows} ${columns.map(({ name, values }) => `${JSON.stringify(name)}:${kindOf(values)}`).sort().join(" ")}`;
}

/** `2 rows of label (number), city (text)`, cut after a few columns. */
export function shapeInWords({ rows, columns }: Pick<Said, "rows" | "columns">): string {
  const kindOf = (values: readonly Value[]): string => ({ string: "text", boolean: "truth value" })[typeof values.find((value) => value !== null) as string] ?? "number";
  const named = columns.slice(0, 4).map(({ name, values }) => `${name} (${kindOf(values)})`);
  return `${rows} ${rows === 1 ? "row" : "rows"} of ${named.join(", ")}${columns.length > named.length ? ` and ${columns.length - named.length} more` : ""}`;
}

function isDescribed({ columns }: Said, { outputs }: ModelDescription): boolean {
  const names = new Set(columns.map(({ name }) => name));
  return outputs.every(({ name, shape }) => {
    const width = shape.slice(1).reduce((product, size) => product * size, 1);
    // A dimension that varies tells nothing of how many there must be.
    if (shape.slice(1).some((size) => size < 0)) return names.has(name) || names.has(`${name}_0`);
    return width === 1 ? names.has(name) : Array.from({ length: width }, (_, index) => `${name}_${index}`).every((column) => names.has(column)) && !names.has(`${name}_${width}`);
  });
}

/** Which columns make up which output: `scores_0`, `scores_1`, ... are `scores`, unless an output bears such a name itself. */
function outputsOf(columns: readonly string[], description: ModelDescription | undefined): ReadonlyMap<string, readonly string[]> {
  const described = new Set(description?.outputs.map(({ name }) => name));
  const all = new Set(columns);
  const outputs = new Map<string, string[]>();
  for (const column of columns) {
    const base = /^(.+)_\d+$/.exec(column)?.[1];
    const isPart = base !== undefined && !described.has(column) && (described.has(base) || (all.has(`${base}_0`) && all.has(`${base}_1`)));
    const output = isPart ? base : column;
    outputs.set(output, [...(outputs.get(output) ?? []), column]);
  }
  return outputs;
}
