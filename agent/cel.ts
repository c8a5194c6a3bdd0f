/**
 * Expressions in CEL (Common Expression Language, github.com/google/cel-spec) as a config has them: no loops over time, no side
 * effects, types that are checked before anything runs, and bounds on how large an expression may be. Pure. The library takes 9 MB,
 * so that whoever needs it imports this file only where there are expressions.
 */
import { Environment } from "@marcbachmann/cel-js";
import type { ASTNode, ParseResult } from "@marcbachmann/cel-js";

export type { ASTNode, ParseResult } from "@marcbachmann/cel-js";
export type { Environment } from "@marcbachmann/cel-js";

export function celEnvironment(): Environment {
  return new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 64, maxListElements: 1_000 } });
}

/** What is wrong with an expression, in the library's words, and at which character (from 0). */
export interface CelMistake {
  readonly message: string;
  readonly offset?: number | undefined;
}

export type CelParsed = { readonly ok: true; readonly parsed: ParseResult; readonly nodes: readonly ASTNode[] } | { readonly ok: false; readonly mistake: CelMistake };

/** Without types: `check` of what comes back has them. */
export function parseCel(environment: Environment, text: string): CelParsed {
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    const { summary = String(error), range } = error as { summary?: string; range?: { start: number } };
    return { ok: false, mistake: { message: `no valid expression: ${summary}`, offset: range?.start } };
  }
  const nodes = [...nodesOf(parsed.ast)];
  // Its regular expressions would be JavaScript's, which some texts keep busy for years.
  const matching = nodes.find((node) => (node.op === "rcall" || node.op === "call") && node.args[0] === "matches");
  if (matching !== undefined) return { ok: false, mistake: { message: "matches() is not offered: use ==, in, contains(), startsWith() or endsWith()", offset: matching.start } };
  return { ok: true, parsed, nodes };
}

function* nodesOf(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  else if (typeof value === "object" && value !== null && "op" in value && "args" in value) {
    yield value as ASTNode;
    yield* nodesOf(value.args);
  }
}
