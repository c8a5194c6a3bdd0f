/** What was asked for, with what the config says where it was not: a candidate and a course, or all that is wrong with them. Pure. */
import type { CandidateAsked, RolloutAsked } from "../rollout-view.ts";
import { candidateName, candidateProblems, isPrimary, type PrimaryKnown } from "./candidate.ts";
import type { RolloutOptions } from "./options.ts";
import { checkPlan, type RolloutPlan } from "./plan.ts";

export type Course = { readonly ok: true; readonly candidate: CandidateAsked; readonly plan: RolloutPlan } | { readonly ok: false; readonly problems: readonly string[] };

export function courseAsked(asked: RolloutAsked, options: RolloutOptions, primary: PrimaryKnown): Course {
  const candidate = asked.candidate ?? options.candidate;
  if (candidate === undefined) return { ok: false, problems: ["name a candidate: its url, its version or an onnx file, here or as rollout.candidate in the config"] };
  const plan = planOf(options, asked.mode);
  const problems = [...candidateProblems(candidate), ...planProblems(plan, options)];
  if (problems.length > 0) return { ok: false, problems };
  return isPrimary(candidate, primary) ? { ok: false, problems: [`${candidateName(candidate)} is equal to the primary: it answers already`] } : { ok: true, candidate, plan };
}

/** What needs no steps has none. */
function planOf(options: RolloutOptions, mode: RolloutPlan["mode"] = options.mode): RolloutPlan {
  const { steps, shadow } = options;
  return {
    mode,
    steps: mode === "shadow" ? [] : steps.map(({ weight, hold, timeBox }) => ({ weight, holdMs: hold, timeBoxMs: timeBox })),
    shadow: { holdMs: shadow.hold, timeBoxMs: shadow.timeBox },
  };
}

function planProblems(plan: RolloutPlan, { shadow }: RolloutOptions): readonly string[] {
  if (plan.mode !== "canary" && shadow.ratio === 0) return ["rollout.shadow.ratio is 0: nothing would be copied"];
  try {
    checkPlan(plan);
    return [];
  } catch (error) {
    return [(error as RangeError).message];
  }
}
