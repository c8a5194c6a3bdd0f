/**
 * Tells those who follow the signals by which weights to share requests out, as a directive `split` between primary and candidate.
 * Confirmed when every follower that says what it applied has applied it; who follows without saying so is not waited for.
 *
 * A split stays in force while the rollout's weight does. After a roll-back all to the primary is told, so that it can be seen to be
 * applied, and then taken back: a split that outlived its candidate would keep the next version from requests.
 */
import { targetKey, type Announce, type Target } from "../../../exporters/signal.ts";
import type { DirectiveView, SignalHub } from "../../../exporters/websocket.ts";
import { wait, type Clock } from "../../clock.ts";
import { candidateName } from "../../trial.ts";
import { primaryName } from "../../backend.ts";
import type { Actuation, Actuator, Attempted } from "./actuation.ts";

export interface DirectiveDeps {
  readonly clock: Clock;
  readonly announce: Announce;
  /** Who follows, and what they made of the directives in force. */
  readonly followers: SignalHub["view"];
  /** The primary, once it has a name. */
  readonly target: () => Target | undefined;
}

const pollMs = 100;

export function directive({ clock, announce, followers, target }: DirectiveDeps): Actuator {
  return {
    async attempt(actuation, deadlineMs, signal) {
      const to = target();
      if (to === undefined) return { result: "failed", detail: "there is no model yet that anything could be told of", again: true };
      announce({ type: "directive", target: to, action: "split", weights: weightsOf(actuation), why: actuation.evidence, atWallMs: clock.wallMs() });
      const heard = await applied(to, deadlineMs, signal);
      if (actuation.action === "roll-back" && heard.result === "done") {
        announce({ type: "directive", target: to, action: "restore", of: ["split"], why: actuation.evidence, atWallMs: clock.wallMs() });
      }
      return heard;
    },
  };

  async function applied(to: Target, deadlineMs: number, signal: AbortSignal): Promise<Attempted> {
    for (;;) {
      const { subscribers, directives } = followers();
      const inForce = directives.find((one) => one.action === "split" && targetKey(one.target) === targetKey(to));
      const heard = inForce === undefined ? unheld : heardBy(inForce, subscribers.length);
      if (heard.result !== "unconfirmed" || signal.aborted || clock.monotonicMs() + pollMs >= deadlineMs) return heard;
      await wait(clock, pollMs, signal).catch(() => {});
    }
  }
}

/** By version where both are known, by their names as backends otherwise. */
function weightsOf({ action, weight, primaryVersion, candidateVersion }: Actuation): Readonly<Record<string, number>> {
  const share = action === "roll-back" ? 0 : action === "promote" ? 1 : weight;
  const isByVersion = primaryVersion !== undefined && candidateVersion !== undefined && primaryVersion !== candidateVersion;
  return { [isByVersion ? primaryVersion : primaryName]: Number((1 - share).toFixed(9)), [isByVersion ? candidateVersion : candidateName]: share };
}

/** There are more targets than the publisher keeps directives for. */
const unheld: Attempted = { result: "unconfirmed", detail: "the directive is not kept for those who follow", again: false };

function heardBy({ applied, unackedBy, refusedBy }: DirectiveView, subscribers: number): Attempted {
  if (refusedBy.length > 0) return { result: "failed", detail: `refused by ${refusedBy.join(", ")}`, again: false };
  if (unackedBy.length > 0) return { result: "unconfirmed", detail: `not applied by ${unackedBy.join(", ")}`, again: false };
  if (applied > 0) return { result: "done", detail: `applied by ${applied} of ${subscribers} that follow, all that say so` };
  return { result: "done", detail: subscribers === 0 ? "announced; nobody follows" : `announced; ${subscribers} follow, none of which says what it applied` };
}
