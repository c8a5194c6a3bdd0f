/** Every error of the API as problem details (RFC 9457). */
import { STATUS_CODES } from "node:http";
import * as z from "zod";

export const problemType = "application/problem+json";

const mistake = z.object({
  pointer: z.string().describe("Where: a JSON pointer into the body as a fragment, or `?name` for a part of the query, `{name}` for one of the path."),
  detail: z.string(),
});

/** As the OpenAPI document shows it. */
export const problemSchema = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    errors: z.array(mistake).max(100).optional().describe("Each mistake on its own."),
  })
  .describe("Problem details (RFC 9457).");

export type Problem = Readonly<Omit<z.infer<typeof problemSchema>, "errors">> & {
  /** Each mistake in the body: JSON pointer and sentence. */
  readonly errors?: readonly Mistake[];
};

export type Mistake = Readonly<z.infer<typeof mistake>>;

const mistakesMax = 100;

export function problem(status: number, detail: string, errors?: readonly Mistake[]): Problem {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, ...(errors !== undefined && { errors: errors.slice(0, mistakesMax) }) };
}

/** @param place how the place of a mistake is written: as a JSON pointer in a body, unless it stands elsewhere. */
export function mistakesOf(error: z.ZodError, place: (path: readonly PropertyKey[]) => string = pointerOf): readonly Mistake[] {
  return error.issues.flatMap((issue) => told(issue, [])).map(({ path, message }) => ({ pointer: place(path), detail: message }));
}

/** Where one kind of several was meant, by its type, the mistakes are those of that kind. */
function told(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly Pick<z.core.$ZodIssue, "path" | "message">[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    const meant = issue.errors.filter((branch) => !branch.some((one) => one.path.length === 0 && one.code === "invalid_type"));
    if (meant.length === 1) return (meant[0] as z.core.$ZodIssue[]).flatMap((one) => told(one, path));
  }
  return [{ path, message: issue.message }];
}

/** RFC 6901, as a fragment. */
function pointerOf(path: readonly PropertyKey[]): string {
  return `#${path.map((part) => `/${encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")}`;
}
