/** What is wrong with a config, where, and what to do: turns the schema's issues into lines for a person. */
import type { Document, LineCounter } from "yaml";
import { isNode } from "yaml";
import type { z } from "zod";

export interface Problem {
  /** Dotted, such as `ladder.0.model`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** 1-based, where it is known. */
  readonly line?: number;
  readonly column?: number;
}

type Path = readonly PropertyKey[];

export function explain(error: z.ZodError, schema: z.ZodType, document: Document, lines: LineCounter): readonly Problem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, schema)).map(({ path, message }) => ({ path: dotted(path), message, ...locate(path, document, lines) }));
}

/** `pilotfish.yaml:12:5 gateway.timeout: expected …` */
export function problemLine(file: string, { path, line, column, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}:${column}`;
  return path === "" ? `${where} ${message}` : `${where} ${path}: ${message}`;
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType): { path: Path; message: string }[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: `there is no such option${suggestion(key, known)}` }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The alternative that came furthest is the one that was meant.
    const nearest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
    if (nearest.length > 0 && issue.message === "Invalid input") {
      return nearest.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue, schema));
    }
  }
  return [{ path: issue.path, message: plain(issue.message) }];
}

function plain(message: string): string {
  return message.replace(/^Invalid input: /, "").replace(/^Invalid option: /, "");
}

function dotted(path: Path): string {
  return path.map(String).join(".");
}

/** Where the value stands, or the nearest thing around it that does. */
function locate(path: Path, document: Document, lines: LineCounter): { line?: number; column?: number } {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return line === 0 ? {} : { line, column: col };
    }
  }
  return {};
}

/** The options that exist where an unknown one was found; empty where that can not be told. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  let at: unknown = schema;
  for (const part of path) {
    const { shape } = unwrapped(at) as { shape?: Record<string, unknown> };
    at = shape?.[String(part)];
    if (at === undefined) return [];
  }
  return Object.keys((unwrapped(at) as { shape?: Record<string, unknown> }).shape ?? {});
}

function unwrapped(schema: unknown): unknown {
  let at = schema as { shape?: unknown; def?: { innerType?: unknown } };
  while (at.shape === undefined && at.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at;
}

function suggestion(key: string, known: readonly string[]): string {
  const nearest = known.map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, key.length / 3)) return `; did you mean "${nearest.name}"?`;
  return known.length === 0 ? "" : `; known: ${known.join(", ")}`;
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
