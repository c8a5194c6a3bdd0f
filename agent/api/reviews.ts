/**
 * `/v1/reviews`: what waits for a person. An answer to a decision is a verdict; one to an answer that the model was not sure of is
 * what came true, which goes the way of every late actual.
 */
import * as z from "zod";
import type { Principal } from "../principal.ts";
import { reviewKinds, reviewStates, type Review, type ReviewAnswer, type ReviewAnswered } from "../review.ts";
import { actualValue } from "./actuals.ts";
import { route, type Answer, type Route } from "./route.ts";

export interface ReviewRoutesDeps {
  readonly list: (which: "open" | "all", after: string | undefined, limit: number) => { readonly reviews: readonly Review[]; readonly next: string | undefined };
  readonly get: (id: string) => Review | undefined;
  readonly answer: (id: string, answer: ReviewAnswer, principal: Principal) => ReviewAnswered;
}

const id = z.string().regex(/^\d{1,15}$/, "expected the id of a review, a number");

const paged = z.strictObject({
  state: z.enum(["open", "all"]).default("open"),
  /** The id that the page before ended with. */
  after: id.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const answered = z
  .strictObject({
    verdict: z.enum(["do", "do-not", "skip"]).optional(),
    actual: actualValue.optional(),
    /** One for each row of the inference. */
    actuals: z.array(actualValue).min(1).max(10_000).optional(),
    reason: z.string().trim().max(500).optional(),
  })
  .refine(({ verdict, actual, actuals }) => [verdict, actual, actuals].filter((one) => one !== undefined).length === 1, { error: "expected one of verdict, actual and actuals" });

const time = z.iso.datetime();
const shown = z.object({
  id,
  kind: z.enum(reviewKinds),
  state: z.enum(reviewStates),
  decision: z.string().optional(),
  inference_id: z.string().optional(),
  rows: z.array(z.number()).optional(),
  question: z.string(),
  evidence: z.string(),
  at: time,
  deadline: time.optional(),
  default: z.enum(["do", "do-not"]).optional(),
  ended: z.object({ who: z.string(), at: time, verdict: z.string().optional(), actuals: z.array(actualValue).optional(), reason: z.string().optional() }).optional(),
});

const refusals = { unknown: 404, ended: 409, unfit: 400 } as const;

export function reviewRoutes({ list, get, answer }: ReviewRoutesDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/reviews",
      name: "review.list",
      role: "read",
      summary: "What waits for a person, the oldest first; or what has ended too.",
      query: paged,
      answers: { 200: { description: "A page, and after which id the next one begins.", schema: z.object({ reviews: z.array(shown), next: id.nullable() }) } },
      handle({ query: { state, after, limit } }) {
        const { reviews, next } = list(state, after, limit);
        return { status: 200, body: { reviews: reviews.map(reviewShown), next: next ?? null } };
      },
    }),
    route({
      method: "GET",
      path: "/v1/reviews/{id}",
      name: "review.get",
      role: "read",
      summary: "One review.",
      answers: { 200: { description: "As it stands.", schema: shown } },
      handle({ params }) {
        const review = get(params["id"] as string);
        return review === undefined ? missing(params["id"] as string) : { status: 200, body: reviewShown(review) };
      },
    }),
    route({
      method: "POST",
      path: "/v1/reviews/{id}",
      name: "review.answer",
      role: "act",
      audits: "itself",
      summary: "Answer a review: a verdict on a decision, or what came true of an answer.",
      body: answered,
      answers: { 200: { description: "It has ended with this.", schema: shown } },
      handle({ principal, params, body: { verdict, actual, actuals, reason } }) {
        const values = actuals ?? (actual === undefined ? undefined : [actual]);
        const said = answer(params["id"] as string, { verdict, actuals: values, reason: reason === "" ? undefined : reason }, principal);
        return said.ok ? { status: 200, body: reviewShown(said.review) } : { status: refusals[said.why], problem: said.detail };
      },
    }),
  ];
}

function missing(asked: string): Answer {
  return { status: 404, problem: `there is no review ${asked.slice(0, 50)}` };
}

function reviewShown({ id: its, kind, state, decision, inferenceId, rows, question, evidence, atWallMs, deadlineWallMs, default: fallback, ended }: Review): z.infer<typeof shown> {
  return {
    id: its, kind, state, decision, inference_id: inferenceId, rows: rows && [...rows], question, evidence,
    at: iso(atWallMs),
    deadline: deadlineWallMs === undefined ? undefined : iso(deadlineWallMs),
    default: fallback,
    ended: ended && { who: ended.who, at: iso(ended.atWallMs), verdict: ended.verdict, actuals: ended.actuals && [...ended.actuals], reason: ended.reason },
  };
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
