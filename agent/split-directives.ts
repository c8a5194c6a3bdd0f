/**
 * What follows for subscribers from a rollout: while its candidate has a share of the traffic, `split` by these weights; `restore` once
 * it has none. By version where both are known, by their names as backends otherwise. Announces differences only.
 */
import type { Announce, RolloutSignal, Target } from "../exporters/signal.ts";
import { primaryName } from "./backend.ts";
import { candidateName } from "./trial.ts";

/** @param candidateVersion of the rollout that is told of. @returns what hears every signal; only those of rollouts matter. */
export function splitDirectives(announce: Announce, candidateVersion: () => string | undefined): Announce {
  let given: { readonly target: Target; readonly weights: string } | undefined;

  function split({ target, weight, message: why, atWallMs }: RolloutSignal): void {
    const other = candidateVersion();
    const isByVersion = target.version !== undefined && other !== undefined && target.version !== other;
    const weights = { [isByVersion ? (target.version as string) : primaryName]: Number((1 - weight).toFixed(9)), [isByVersion ? other : candidateName]: weight };
    if (given?.weights === JSON.stringify(weights)) return;
    given = { target, weights: JSON.stringify(weights) };
    announce({ type: "directive", target, action: "split", weights, why, atWallMs });
  }

  return (signal) => {
    if (signal.type !== "rollout") return;
    if (signal.weight > 0) return split(signal);
    if (given === undefined) return;
    const { target } = given;
    given = undefined;
    announce({ type: "directive", target, action: "restore", of: ["split"], why: signal.message, atWallMs: signal.atWallMs });
  };
}
