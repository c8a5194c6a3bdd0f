/**
 * Rules over named features: for each row the first rule whose condition holds gives the outputs. Conditions, and outputs that
 * are computed, are expressions in CEL (Common Expression Language, github.com/google/cel-spec), which has no loops over time,
 * no side effects and types that are checked before anything runs. Pure.
 *
 * A feature is a variable of its name, with what may not stand in a name turned to `_`. A missing one can not be compared with
 * anything: a condition that needs it ends the row's evaluation with a reason, since to pass it over could let a later rule
 * decide what this one was written to catch. `missing("AGE")` asks for it.
 */
import { celEnvironment, parseCel, type ParseResult } from "../cel.ts";
import type { Column, Value } from "../protocols/protocol.ts";
import type { Scalar } from "./options.ts";
import type { CellOptions, Feature, FeatureType, RuleOptions } from "./rule-options.ts";
import { datatypeOf } from "./tensors.ts";
import type { Given } from "./tensors.ts";

/** What is wrong, where in the list of rules, and at which character of an expression (from 0). */
export interface RuleMistake {
  readonly path: readonly (string | number)[];
  readonly offset?: number;
  readonly message: string;
}

export type Compiled = { readonly ok: true; readonly rules: Rules } | { readonly ok: false; readonly mistakes: readonly RuleMistake[] };
export type Ruled = { readonly ok: true; readonly given: ReadonlyMap<string, Given> } | { readonly ok: false; readonly detail: string };

export interface Rules {
  /** Cost: for each row the conditions up to the first that holds, about 0.2 microseconds for a short one. */
  apply(columns: readonly Column[], rows: number): Ruled;
}

type Row = Record<string, number | bigint | string | boolean | null>;
type Cell = (row: Row) => Scalar;
interface Rule {
  readonly holds: (row: Row) => boolean;
  /** By output its cells; a single value is a list of one. */
  readonly outputs: ReadonlyMap<string, readonly Cell[]>;
}

const celTypes = { number: "double", integer: "int", text: "string", boolean: "bool" } as const satisfies Record<FeatureType, string>;
/** Words that CEL keeps for itself. */
const reserved = new Set("as break const continue else false for function if import in let loop namespace null package return true var void while".split(" "));

/** The feature's name as a variable. */
export function variableOf(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return reserved.has(word) ? `${word}_` : word;
}

/** Parses and type-checks every expression; finds every mistake in one go. */
export function compile(rules: readonly RuleOptions[], features: readonly Feature[]): Compiled {
  const mistakes: RuleMistake[] = [];
  const byVariable = new Map(features.map((feature) => [variableOf(feature.name), feature]));
  if (byVariable.size < features.length) return { ok: false, mistakes: [{ path: [], message: "two features have the same name, once what may not stand in a name is turned to _" }] };

  // The row under evaluation; nothing here waits, so there is one at a time.
  let current: Row = {};
  const environment = celEnvironment();
  for (const [variable, { type }] of byVariable) environment.registerVariable(variable, celTypes[type]);
  environment.registerFunction("missing(string): bool", (name: string) => (current[variableOf(name)] ?? null) === null);
  const used = new Set<string>();

  const parse = (text: string, path: readonly (string | number)[], types: readonly string[], expected: string): ParseResult | undefined => {
    const wrong = (message: string, offset?: number): undefined => void mistakes.push(offset === undefined ? { path, message } : { path, offset, message });
    const read = parseCel(environment, text);
    if (!read.ok) return wrong(read.mistake.message, read.mistake.offset);
    const { parsed, nodes } = read;
    for (const node of nodes) {
      if (node.op === "id" && byVariable.has(node.args)) used.add(node.args);
      const asked = node.op === "call" && node.args[0] === "missing" ? node.args[1][0] : undefined;
      if (asked !== undefined) {
        if (asked.op !== "value" || typeof asked.args !== "string") return wrong('missing() takes the name of a feature in quotes', asked.start);
        if (!byVariable.has(variableOf(asked.args))) return wrong(noFeature(asked.args, features), asked.start);
        used.add(variableOf(asked.args));
      }
    }
    const { valid, type = "", error } = parsed.check();
    if (!valid) {
      const { code, summary = "", range } = error ?? {};
      if (code === "unknown_variable") return wrong(noFeature(summary.replace(/^Unknown variable: /, ""), features), range?.start);
      const mixed = /double.*\bint\b|\bint\b.*double/.test(summary) ? "; write the number as 18.0, or declare the feature as an integer" : "";
      return wrong(`${summary}${mixed}`, range?.start);
    }
    return types.includes(type) ? parsed : wrong(`expected ${expected}, and this gives ${type}`, 0);
  };

  const cellOf = (value: CellOptions, path: readonly (string | number)[]): Cell => {
    if (typeof value !== "object") return () => value;
    const parsed = parse(value.cel, [...path, "cel"], Object.values(celTypes), "a number, text, true or false");
    return (row) => {
      const result = parsed?.(row) as Scalar | bigint;
      return typeof result === "bigint" ? Number(result) : result;
    };
  };

  const compiled = rules.map(({ when, outputs }, index): Rule => {
    const condition = parse(String(when), [index, "when"], ["bool"], "true or false");
    const cells = Object.entries(outputs).map(([name, value]) => {
      const list = Array.isArray(value) ? value : [value];
      return [name, list.map((one, at) => cellOf(one, Array.isArray(value) ? [index, "outputs", name, at] : [index, "outputs", name]))] as const;
    });
    const shape = shapeOf(outputs);
    if (shape !== shapeOf(rules[0]?.outputs ?? {})) mistakes.push({ path: [index, "outputs"], message: `every rule must give the same outputs: the first gives ${shapeOf(rules[0]?.outputs ?? {})}, and this one ${shape}` });
    return { holds: (row) => condition?.(row) === true, outputs: new Map(cells) };
  });
  if (mistakes.length > 0) return { ok: false, mistakes };

  const apply = (columns: readonly Column[], rows: number): Ruled => {
    const read = reader(columns, [...used].map((variable) => [variable, byVariable.get(variable) as Feature]));
    const results = new Map(Object.keys(rules[0]?.outputs ?? {}).map((name): [string, Scalar[]] => [name, []]));
    for (let at = 0; at < rows; at += 1) {
      const row = read(at);
      if (typeof row === "string") return { ok: false, detail: row };
      current = row;
      let tried = 0;
      try {
        const rule = compiled.find(({ holds }) => ((tried += 1), holds(row)));
        if (rule === undefined) return { ok: false, detail: `no rule holds for row ${at}` };
        for (const [name, cells] of rule.outputs) for (const one of cells) results.get(name)?.push(one(row));
      } catch (error) {
        return { ok: false, detail: `rule ${tried - 1} can not be evaluated in row ${at}: ${whyNot(error)}` };
      }
    }
    const single = (name: string) => !Array.isArray(rules[0]?.outputs[name]);
    return { ok: true, given: new Map([...results].map(([name, values]) => [name, { datatype: datatypeOf(values), shape: single(name) ? [rows] : [rows, values.length / Math.max(1, rows)], values }])) };
  };
  return { ok: true, rules: { apply } };
}

function noFeature(name: string, features: readonly Feature[]): string {
  const names = features.map((feature) => variableOf(feature.name));
  return `there is no feature ${name.slice(0, 100)}; there are ${names.slice(0, 20).join(", ")}${names.length > 20 ? " and others" : ""}`;
}

function shapeOf(outputs: RuleOptions["outputs"]): string {
  return Object.entries(outputs).map(([name, value]) => (Array.isArray(value) ? `${name}[${value.length}]` : name)).sort().join(", ");
}

/** The features of one row as the rules take them; a sentence where a value is of another type. A column that is not there is missing. */
function reader(columns: readonly Column[], variables: readonly (readonly [string, Feature])[]): (row: number) => Row | string {
  const byName = new Map(columns.map(({ name, values }) => [name, values]));
  const sources = variables.map(([variable, { name, type }]) => ({ variable, name, type, values: byName.get(name) }));
  return (at) => {
    const row: Row = {};
    for (const { variable, name, type, values } of sources) {
      const given = values?.[at] ?? null;
      const value = given === null ? null : typed(given, type);
      if (value === undefined) return `${name} is ${JSON.stringify(given).slice(0, 40)} in row ${at}, and the rules take ${type === "text" ? "text" : type === "boolean" ? "true or false" : `a ${type === "integer" ? "whole " : ""}number`}`;
      row[variable] = value;
    }
    return row;
  };
}

function typed(value: Exclude<Value, null>, type: FeatureType): number | bigint | string | boolean | undefined {
  switch (type) {
    case "number":
      return typeof value === "number" ? value : undefined;
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
    case "text":
      return typeof value === "string" ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : value === 0 || value === 1 ? value === 1 : undefined;
  }
}

function whyNot(error: unknown): string {
  const { code, summary = String(error) } = error as { code?: string; summary?: string };
  const name = /^Variable '(\w+)' is not of type/.exec(summary)?.[1];
  return code === "variable_type_mismatch" && name !== undefined ? `${name} is missing` : summary.slice(0, 150);
}
