/**
 * What happened, page by page, latest first: the history (transitions, drift, overrides, reloads, rollouts, versions, requests to train anew) and the audit (decisions, with who
 * and why). A cursor is the number of the last event of a page; events that come meanwhile do not move what is before it.
 */
import { Readable } from "node:stream";
import * as z from "zod";
import { route, type Answer, type Route } from "./route.ts";

export const historyKinds = ["transition", "drift", "override", "config", "reference", "rollout", "version", "retrain"] as const;

export interface Happened {
  readonly id: number;
  readonly atWallMs: number;
  readonly kind: string;
  readonly detail: unknown;
}

export interface HistoryDeps {
  /** Latest first; undefined where the store does not answer now. */
  readonly events: (query: { readonly kinds: readonly string[]; readonly before?: number | undefined; readonly limit: number }) => Promise<readonly Happened[] | undefined>;
}

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max));

const paging = {
  before: whole(1, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the page before."),
  limit: whole(1, 1_000).optional().describe("Events of a page, 100 where it is not said."),
};

const kindsQuery = z.object({ ...paging, kind: z.enum(historyKinds).optional().describe("Only events of this kind.") });
const auditQuery = z.object(paging);

const page = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.int().nullable().describe("For `before` of the next page; null on the last one.") });

const happened = z.object({ id: z.int(), at: z.iso.datetime(), kind: z.enum(historyKinds), detail: z.unknown() });
const decided = z.looseObject({ id: z.int(), at: z.iso.datetime(), who: z.string().optional(), role: z.string().optional(), action: z.string().optional(), result: z.enum(["done", "refused", "ended"]).optional() });

const exportPage = 1_000;

export function historyRoutes({ events }: HistoryDeps): readonly Route[] {
  async function paged(kinds: readonly string[], { before, limit = 100 }: { before?: number | undefined; limit?: number | undefined }, shown: (event: Happened) => unknown): Promise<Answer> {
    const found = await events({ kinds, before, limit: limit + 1 });
    if (found === undefined) return { status: 503, problem: "the store does not answer now", headers: { "retry-after": "5" } };
    const items = found.slice(0, limit);
    return { status: 200, body: { items: items.map(shown), next: found.length > limit ? (items.at(-1) as Happened).id : null } };
  }

  async function* lines(): AsyncGenerator<string> {
    for (let before: number | undefined; ; ) {
      const found = await events({ kinds: ["audit"], before, limit: exportPage });
      // A file that ends too early must not look whole.
      if (found === undefined) throw new Error("the store does not answer now");
      if (found.length > 0) yield found.map((event) => `${JSON.stringify(decision(event))}\n`).join("");
      if (found.length < exportPage) return;
      before = (found.at(-1) as Happened).id;
    }
  }

  return [
    route({
      method: "GET",
      path: "/v1/history",
      name: "history.read",
      role: "read",
      summary: "What happened, latest first: transitions, drift, overrides, reloads, references, rollouts, versions, requests to train anew.",
      query: kindsQuery,
      answers: { 200: { description: "A page.", schema: page(happened) } },
      handle: ({ query: { kind, ...rest } }) =>
        paged(kind === undefined ? historyKinds : [kind], rest, ({ id, atWallMs, kind: of, detail }) => ({ id, at: new Date(atWallMs).toISOString(), kind: of, detail })),
    }),
    route({
      method: "GET",
      path: "/v1/audit",
      name: "audit.read",
      role: "admin",
      summary: "Who decided what and why, latest first, and who was refused.",
      query: auditQuery,
      answers: { 200: { description: "A page.", schema: page(decided) } },
      handle: ({ query }) => paged(["audit"], query, decision),
    }),
    route({
      method: "GET",
      path: "/v1/audit/export",
      name: "audit.export",
      role: "admin",
      summary: "The whole audit as JSON lines, latest first.",
      gives: ["application/jsonl"],
      answers: { 200: { description: "An entry a line." } },
      handle: () => ({ status: 200, type: "application/jsonl", body: Readable.from(lines()), headers: { "content-disposition": 'attachment; filename="pilotfish-audit.jsonl"' } }),
    }),
  ];
}

function decision({ id, atWallMs, detail }: Happened): unknown {
  return { id, at: new Date(atWallMs).toISOString(), ...(typeof detail === "object" ? detail : { detail }) };
}
