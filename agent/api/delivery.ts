/**
 * Where controllers that shift traffic themselves ask what the judge finds, each in the shape that it can read.
 *
 * Flagger's webhooks know a status alone: 200 to 202 is yes, anything else no, and what a no says becomes an event of Kubernetes
 * (pkg/controller/webhook.go, docs.flagger.app/usage/webhooks). A yes of the hook `rollback` fails the canary; one of
 * `confirm-promotion` lets it be promoted. Its payload tells of the canary and is not needed.
 * Argo Rollouts' metric provider `web` reads JSON and takes any status but 2xx for an error, of which it forgives four in a row
 * (metricproviders/webmetric): so it hears 404, and not a verdict, where nobody judges.
 *
 * A rollout that is over speaks for `within` of its end, since what was found of last week's candidate says nothing of the next.
 */
import * as z from "zod";
import { verdicts } from "../../detectors/judge/verdict.ts";
import type { Clock } from "../clock.ts";
import type { RolloutControls, RolloutView } from "../rollout-view.ts";
import { rolloutPhases, type ComparisonShown } from "../trial.ts";
import { duration } from "../units.ts";
import { route, type Answer, type Route } from "./route.ts";
import { inJson } from "./rollout-shown.ts";

export interface DeliveryDeps {
  readonly rollouts: RolloutControls;
  readonly clock: Clock;
}

const within = z.object({ within: duration(1_000).prefault("1h").describe("So long after its end a rollout is spoken of, such as 30m.") });

/** As Flagger sends it, more or less of it by its version. */
const payload = z.looseObject({ name: z.string().optional(), namespace: z.string().optional(), phase: z.string().optional(), checksum: z.string().optional(), metadata: z.unknown().optional() });

const hookSchema = z.object({ rollout: z.string(), phase: z.enum(rolloutPhases), message: z.string() });

const argoSchema = z.object({
  verdict: z.enum(verdicts).describe("`inconclusive`: the time box is over and a person is asked."),
  harm: z.boolean(),
  not_worse: z.boolean(),
  rollout: z.string(),
  candidate: z.string(),
  phase: z.enum(rolloutPhases),
  weight: z.number(),
  comparison: z.string().describe("The one that is nearest to harm; its evidence and threshold follow. Empty before the first."),
  log10_evidence: z.number(),
  threshold: z.number(),
  message: z.string(),
});

/**
 * What is found of the candidate, with what became of it: an abort counts as harm and a promotion as not worse, whoever decided.
 * What serves because the version before it went bad (`rollback`), or is kept by a person in spite of harm, is neither.
 */
function verdictOf({ phase, reason, reading }: RolloutView): (typeof verdicts)[number] {
  if (phase === "aborted") return "harm";
  if (phase === "promoted") return reason === "rollback" ? "continue" : "not-worse";
  if (phase === "asking" && reason === "harm") return "harm"; // Until the person has answered, whatever was found since.
  const found = reading?.verdict ?? "continue";
  const verdict = reason === "kept" && found === "harm" ? "continue" : found;
  if (phase !== "asking" || verdict !== "continue") return verdict;
  return reason === "not-worse" ? "not-worse" : "inconclusive";
}

function nearest(comparisons: readonly ComparisonShown[]): ComparisonShown | undefined {
  const left = ({ log10Evidence, threshold }: ComparisonShown): number => threshold - log10Evidence;
  return comparisons.reduce<ComparisonShown | undefined>((best, one) => (best === undefined || left(one) < left(best) ? one : best), undefined);
}

export function deliveryRoutes({ rollouts, clock }: DeliveryDeps): readonly Route[] {
  /** The rollout that is spoken of; or that there is none. */
  function spokenOf(withinMs: number): RolloutView | Extract<Answer, { readonly problem: string }> {
    const current = rollouts.current();
    if (current === undefined) return { status: 404, problem: "no rollout runs, and none ran" };
    const isOver = current.phase === "promoted" || current.phase === "aborted";
    return isOver && clock.wallMs() - current.sinceWallMs > withinMs ? { status: 404, problem: `no rollout runs; the last one ended longer ago than within (${withinMs / 1_000} s)` } : current;
  }

  const hook = (name: "rollback" | "promotion", summary: string, yes: ReturnType<typeof verdictOf>): Route =>
    route({
      method: "POST",
      path: `/v1/rollout/flagger/${name}`,
      name: `rollout.flagger.${name}`,
      role: "read",
      mayMiss: true,
      audits: "refusals",
      summary,
      query: within,
      body: payload,
      examples: { body: { name: "podinfo", namespace: "test", phase: "Progressing", checksum: "85f557d47b", metadata: {} } },
      answers: { 200: { description: "Yes. No is 409; 404 where there is no rollout to speak of.", schema: hookSchema } },
      handle({ query }) {
        const found = spokenOf(query.within);
        if ("problem" in found) return found;
        const verdict = verdictOf(found);
        if (verdict !== yes) return { status: 409, problem: `not so: the verdict on ${found.name} is ${verdict}; ${found.message}` };
        return { status: 200, body: { rollout: found.id, phase: found.phase, message: found.message } };
      },
    });

  return [
    hook("rollback", "For Flagger's hook `rollback`: is the candidate harmful, or was it aborted?", "harm"),
    hook("promotion", "For Flagger's hook `confirm-promotion`: is the candidate not worse, or was it promoted?", "not-worse"),
    route({
      method: "GET",
      path: "/v1/rollout/argo",
      name: "rollout.argo",
      role: "read",
      mayMiss: true,
      summary: "The verdict, for the metric provider `web` of Argo Rollouts.",
      query: within,
      answers: { 200: { description: "What is found now. 404 where there is no rollout to speak of, which Argo takes for an error.", schema: argoSchema } },
      handle({ query }) {
        const found = spokenOf(query.within);
        if ("problem" in found) return found;
        const verdict = verdictOf(found);
        const { name = "", log10Evidence = 0, threshold = 0 } = nearest(found.reading?.comparisons ?? []) ?? {};
        return {
          status: 200,
          body: {
            verdict, harm: verdict === "harm", not_worse: verdict === "not-worse",
            rollout: found.id, candidate: found.name, phase: found.phase, weight: found.weight,
            comparison: name, log10_evidence: inJson(log10Evidence), threshold: inJson(threshold),
            message: found.message,
          } satisfies z.infer<typeof argoSchema>,
        };
      },
    }),
  ];
}
