/** What is wrong with a config, where, and what to do: turns the schema's issues into lines for a person. */
import type { Document, LineCounter } from "yaml";
import { isMap, isNode, isScalar } from "yaml";
import type { z } from "zod";

export interface Problem {
  /** Dotted, such as `ladder.0.model`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** 1-based, where it is known. */
  readonly line?: number;
  readonly column?: number;
}

/** @param error of a parse with words.ts's `inWords`. */
export function explain(error: z.ZodError): readonly Problem[] {
  return error.issues.flatMap(problemsOf);
}

/** `pilotfish.yaml:12:5 gateway.timeout: expected …` */
export function problemLine(file: string, { path, line, column, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}:${column}`;
  return path === "" ? `${where} ${message}` : `${where} ${path}: ${message}`;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(" ");
    return issue.keys.map((key) => ({ path: dotted([...issue.path, key]), message: `there is no such option; ${suggestion(key, known)}` }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The alternative that came furthest is the one that was meant: one that fails inside, and not as a whole, and in few places.
    const fails = (inner: readonly z.core.$ZodIssue[]) => inner.length + (inner.some(({ path }) => path.length === 0) ? 1_000 : 0);
    const nearest = [...issue.errors].sort((a, b) => fails(a) - fails(b))[0] ?? [];
    if (nearest.length > 0 && issue.message === "Invalid input") {
      return nearest.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue));
    }
  }
  return [{ path: dotted(issue.path), message: issue.message }];
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** Where the option stands, or the nearest thing around it that does. */
export function locate(path: readonly string[], document: Document, lines: LineCounter): { line?: number; column?: number } {
  for (let length = path.length; length > 0; length -= 1) {
    const around = document.getIn(path.slice(0, length - 1), true);
    const key = isMap(around) ? around.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === path[length - 1])?.key : document.getIn(path.slice(0, length), true);
    if (isNode(key) && key.range) {
      const { line, col } = lines.linePos(key.range[0]);
      return { line, column: col };
    }
  }
  return {};
}

function suggestion(key: string, known: readonly string[]): string {
  const nearest = known.map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.distance - b.distance)[0];
  return nearest !== undefined && nearest.distance <= Math.max(key.length / 3, Math.min(2, key.length / 2)) ? `did you mean "${nearest.name}"?` : `known: ${known.join(", ")}`;
}

/** Levenshtein's distance, by the row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] as number;
}
