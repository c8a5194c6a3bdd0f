/**
 * The options of a detector as data: a factory checks them and fills in what is left out, the command line prints them
 * and takes them by name. One description serves both, so they can not disagree.
 */
export interface Parameter {
  readonly kind: "number" | "integer" | "boolean" | "choice";
  /** What holds where nothing is given. For a number it may be a word instead, such as "learnt". */
  readonly default: number | boolean | string;
  /** Also of a number that may be one of a few only. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** Of a number: the least, and what it must lie above. */
  readonly min?: number;
  readonly above?: number;
  /** Of a number: the greatest, and what it must lie below. */
  readonly max?: number;
  readonly below?: number;
}

export type Parameters = Readonly<Record<string, Parameter>>;

type ValueOf<P extends Parameter> = P extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] }
  ? Choice
  : P["kind"] extends "boolean"
    ? boolean
    : number | Extract<P["default"], string>;

/** What a person gives. */
export type Options<P extends Parameters> = { readonly [Name in keyof P]?: ValueOf<P[Name]> };

/** What a factory works with. */
export type Settled<P extends Parameters> = { readonly [Name in keyof P]: ValueOf<P[Name]> };

/** @throws RangeError that names the option, its range and what it got, also for an option that there is not. */
export function settle<P extends Parameters>(detector: string, parameters: P, given: Options<P>): Settled<P> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(parameters, name)) {
      throw new RangeError(`${detector}: expected options out of ${Object.keys(parameters).join(", ")}, got ${name}`);
    }
  }
  const values = Object.entries(parameters).map(([name, parameter]) => {
    const value: unknown = given[name] ?? parameter.default;
    if (value !== parameter.default && !allows(parameter, value)) {
      throw new RangeError(`${detector}: ${name} must be ${rangeOf(parameter)}, got ${String(value)}`);
    }
    return [name, value];
  });
  return Object.fromEntries(values) as Settled<P>;
}

function allows({ kind, choices, min, above, max, below }: Parameter, value: unknown): boolean {
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "choice") return choices?.includes(value as string) ?? false;
  if (!(kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value))) return false;
  if (choices !== undefined) return choices.includes(String(value));
  const number = value as number;
  return !(number < (min ?? -Infinity) || number <= (above ?? -Infinity) || number > (max ?? Infinity) || number >= (below ?? Infinity));
}

/** In words, for a person who has to choose another value. */
export function rangeOf({ kind, choices, min, above, max, below }: Parameter): string {
  if (kind === "boolean") return "true or false";
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  const bounds = [
    min === undefined ? undefined : `at least ${min}`,
    above === undefined ? undefined : `above ${above}`,
    max === undefined ? undefined : `at most ${max}`,
    below === undefined ? undefined : `below ${below}`,
  ].filter((bound) => bound !== undefined);
  return [kind === "integer" ? "a whole number" : "a finite number", bounds.join(" and ")].filter((part) => part !== "").join(", ");
}
