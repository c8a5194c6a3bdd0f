/**
 * Where rules come from: a list in the config, or a file in YAML (or JSON) of its own, so that who writes the rules need not
 * touch the config:
 *
 *     features: {AGE: number, CITY: text}
 *     rules:
 *       - when: AGE < 18.0 || CITY == "Atlantis"
 *         outputs: {label: 0, probabilities: [0.98, 0.02]}
 *       - when: true
 *         outputs: {label: 1, probabilities: [0.4, 0.6]}
 *
 * Every mistake is found in one go, with its line and column.
 */
import { readFile } from "node:fs/promises";
import { isScalar, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import * as z from "zod";
import { featureTypes, ruleOptions, rulesMax } from "./rule-options.ts";
import type { Feature, RuleOptions } from "./rule-options.ts";
import type { RuleMistake, Rules } from "./rules.ts";

/** Names, which are numbers then, or each name with its type. */
export const featuresOptions = z.union([z.array(z.string().min(1)).min(1), z.record(z.string().min(1), z.enum(featureTypes))], {
  error: "expected a list of names, or each name with its type: number, integer, text or boolean",
});
export type FeaturesOptions = z.output<typeof featuresOptions>;

export const ruleList = z.array(ruleOptions).min(1).max(rulesMax);

const fileOptions = z.strictObject({ features: featuresOptions.optional(), rules: ruleList });
const fileMaxBytes = 1_048_576;

export type ReadRules =
  | { readonly ok: true; readonly rules: Rules; readonly features: readonly Feature[] }
  /** `path` below the rung's `rules`; "" is that itself. */
  | { readonly ok: false; readonly mistakes: readonly { readonly path: string; readonly message: string }[] };

/**
 * @param rules a list, or the path of a file.
 * @param given the features as the config names them; else those of the file, else those that are `known` otherwise.
 */
export async function readRules(rules: string | readonly RuleOptions[], given: FeaturesOptions | undefined, known: readonly Feature[] | undefined): Promise<ReadRules> {
  if (typeof rules !== "string") return checked(rules, given, known, ({ path, offset, message }) => ({ path: path.join("."), message: offset === undefined ? message : `at character ${offset + 1}: ${message}` }));

  const one = (message: string): ReadRules => ({ ok: false, mistakes: [{ path: "", message }] });
  let text: string;
  try {
    text = await readFile(rules, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    return one(`the rules ${rules} can not be read: ${code === "ENOENT" ? "there is no such file" : (code ?? String(error))}`);
  }
  if (text.length > fileMaxBytes) return one(`the rules ${rules} are longer than 1 MiB`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${rules}:${line}:${col}`;
  };
  const [fault] = document.errors;
  if (fault !== undefined) return one(`${at(fault.pos[0])} no valid YAML: ${fault.message}`);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return one(`${rules}: no valid YAML: ${(error as Error).message}`);
  }
  const isList = Array.isArray(content);
  const parsed = fileOptions.safeParse(isList ? { rules: content as unknown } : content);
  const inFile = (path: readonly PropertyKey[]): readonly PropertyKey[] => (isList && path[0] === "rules" ? path.slice(1) : path);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(({ path, message }) => ({ path: "", message: `${at(offsetOf(document, inFile(path), 0))} ${path.map(String).join(".")}: ${message}` }));
    return { ok: false, mistakes };
  }
  return checked(parsed.data.rules, given ?? parsed.data.features, known, ({ path, offset, message }) => {
    const whole = path.length === 0 ? [] : ["rules", ...path];
    return { path: "", message: `${at(offsetOf(document, inFile(whole), offset ?? 0))} ${whole.join(".")}${whole.length === 0 ? "" : ": "}${message}` };
  });
}

export function featuresOf(options: FeaturesOptions): readonly Feature[] {
  return Array.isArray(options) ? options.map((name): Feature => ({ name, type: "number" })) : Object.entries(options).map(([name, type]) => ({ name, type }));
}

async function checked(rules: readonly RuleOptions[], given: FeaturesOptions | undefined, known: readonly Feature[] | undefined, place: (mistake: RuleMistake) => { path: string; message: string }): Promise<ReadRules> {
  const features = given === undefined ? known : featuresOf(given);
  if (features === undefined) return { ok: false, mistakes: [{ path: "", message: "nobody says which features there are: name them, such as features: {AGE: number, CITY: text}" }] };
  const { compile } = await import("./rules.ts");
  const compiled = compile(rules, features);
  return compiled.ok ? { ok: true, rules: compiled.rules, features } : { ok: false, mistakes: compiled.mistakes.map(place) };
}

/** Where in the text something stands: `offset` characters into a plain or quoted text, or else the nearest thing around it. */
function offsetOf(document: Document, path: readonly PropertyKey[], offset: number): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined;
    if (node?.range === undefined) continue;
    const start = node.range[0] as number;
    if (length < path.length || !isScalar(node)) return start;
    if (node.type === "PLAIN") return start + offset;
    return node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" ? start + 1 + offset : start;
  }
  return 0;
}
