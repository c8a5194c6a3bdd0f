/**
 * A metric of the user's own: an expression in CEL over one row of an inference, its answer and what came true, which says
 * whether that is bad, or gives a number.
 *
 * | variable | is | known |
 * |---|---|---|
 * | `row` | the request's columns by name | of sampled inferences |
 * | `answer` | the answer's columns by name | where the side that is judged answered |
 * | `actual` | what came true of the row | when it comes: the expression is evaluated then |
 * | `latency_ms` | of the attempt | always |
 * | `failed` | whether the attempt failed | always; false where there is an answer |
 *
 * What is asked for decides when it is evaluated: with `latency_ms` and `failed` alone at every inference that was dealt, else
 * at those that were sampled. The values of rows have the types that they have in the bodies, so a column's types are only
 * known when it is read: an expression that can not be evaluated says nothing, which is counted.
 */
import { celEnvironment, parseCel, type Environment } from "../cel.ts";
import type { Value } from "../protocols/protocol.ts";
import type { MetricOptions } from "./judge-options.ts";

export interface MetricRow {
  readonly row?: Readonly<Record<string, Value>>;
  readonly answer?: Readonly<Record<string, Value>>;
  readonly actual?: Value;
  readonly latencyMs: number;
  readonly failed: boolean;
}

export type MetricValue = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly why: string };

export interface Metric {
  readonly name: string;
  /** `truth`: 1 is bad and 0 is not. */
  readonly kind: "truth" | "number";
  readonly worse: "higher" | "lower";
  /** What must be known before it can be evaluated. */
  readonly needs: "attempt" | "answer" | "actual";
  /** Beside an answer or an actual: how long the attempt took. */
  readonly needsLatency: boolean;
  /** Of the request: a copy's is not at hand, so that copies are not judged by it. */
  readonly needsRow: boolean;
  /** Cost: some microseconds. */
  evaluate(row: MetricRow): MetricValue;
}

export interface MetricMistake {
  /** Within the list of metrics. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type CompiledMetrics = { readonly ok: true; readonly metrics: readonly Metric[] } | { readonly ok: false; readonly mistakes: readonly MetricMistake[] };

const variables = { row: "map", answer: "map", actual: "dyn", latency_ms: "double", failed: "bool" } as const;
type Variable = keyof typeof variables;

/** Parses and type-checks every expression; finds every mistake in one go. */
export function compileMetrics(options: readonly MetricOptions[]): CompiledMetrics {
  const environment = celEnvironment();
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  const mistakes: MetricMistake[] = [];
  const metrics = options.flatMap((one, index): Metric[] => {
    const compiled = compile(one, environment);
    if (typeof compiled !== "string") return [compiled];
    mistakes.push({ path: [index, "expression"], message: compiled });
    return [];
  });
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, metrics };
}

function compile({ name, expression, worse }: MetricOptions, environment: Environment): Metric | string {
  const read = parseCel(environment, expression);
  const at = (offset: number | undefined): string => (offset === undefined ? "" : `, at character ${offset + 1}`);
  if (!read.ok) return read.mistake.message + at(read.mistake.offset);
  const { parsed, nodes } = read;
  const { valid, type = "", error } = parsed.check();
  if (!valid) {
    const { code, summary = "", range } = error ?? {};
    const unknown = code === "unknown_variable" ? `; there are ${Object.keys(variables).join(", ")}` : "";
    return `no valid expression: ${summary}${unknown}${at(range?.start)}`;
  }
  if (!["bool", "int", "double", "dyn"].includes(type)) return `expected true or false, or a number, and this gives ${type}`;
  const used = new Set(nodes.flatMap((node) => (node.op === "id" && Object.hasOwn(variables, node.args) ? [node.args as Variable] : [])));
  if (used.size === 0) return `says nothing of an inference: expected one of ${Object.keys(variables).join(", ")}`;
  const needs = used.has("actual") ? "actual" : used.has("row") || used.has("answer") ? "answer" : "attempt";
  return {
    name,
    worse,
    kind: type === "bool" ? "truth" : "number",
    needs,
    needsLatency: needs !== "attempt" && used.has("latency_ms"),
    needsRow: used.has("row"),
    evaluate({ row = {}, answer = {}, actual = null, latencyMs, failed }) {
      let result: unknown;
      try {
        result = parsed({ row, answer, actual, latency_ms: latencyMs, failed });
      } catch (thrown) {
        const { summary = String(thrown) } = thrown as { summary?: string };
        return { ok: false, why: `${summary.slice(0, 150)}${/double.*\bint\b|\bint\b.*double/.test(summary) ? "; write the number as 2.0" : ""}` };
      }
      const value = typeof result === "boolean" || typeof result === "bigint" ? Number(result) : result;
      if (typeof value === "number" && Number.isFinite(value)) return { ok: true, value };
      return { ok: false, why: `expected true or false, or a finite number, got ${String(result).slice(0, 40)}` };
    },
  };
}
