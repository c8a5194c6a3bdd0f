/** The demo's rollouts: how a candidate is tried there, and what is read of them by the control API. */
import * as z from "zod";

/** The candidate's share. */
export const weight = 0.2;

/** What some thousand requests can prove, on a machine where everything else runs too. */
export const ofSomeThousand: readonly string[] = [
  "rollout.judge.errors.margin=0.05",
  "rollout.judge.accuracy.margin=0.1",
  "rollout.judge.latency.quantiles=[0.5]",
  "rollout.judge.latency.minimumHarm=2",
  "rollout.judge.latency.margin=3",
];

/** What is dealt to a candidate here, and what must be proved of it: a share of what one would ask for in earnest. */
export const rolloutSettings: readonly string[] = [
  "rollout.key.header=x-user",
  `rollout.steps=[{weight: ${weight}, hold: 3s, timeBox: 2m}]`,
  "decisions.promotion.mode=automatic",
  ...ofSomeThousand,
];

const rollout = z.object({
  phase: z.string(),
  message: z.string(),
  weight: z.number(),
  reading: z.object({ harmed: z.array(z.string()), message: z.string(), requests: z.object({ candidate: z.number(), primary: z.number() }), actuals: z.number() }).nullish(),
});
export type Rollout = z.infer<typeof rollout>;
export const rolloutDocument = z.object({ rollout: rollout.nullable() });
